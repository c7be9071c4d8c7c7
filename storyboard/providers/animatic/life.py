"""Who the prompt names, placed on the stage: people on their way, flocks, boats."""

from storyboard.providers.animatic import craft, figures, sky
from storyboard.providers.animatic.world import Element, World

BACK = sky.DEPTH


def walking(world: World, foot: float, size: float) -> list[Element]:
    """Whoever the prompt names, on their way."""
    reading = world.reading
    if not reading.has("person", "people"):
        return []
    rng = world.chance("walker")
    flip = 1 if rng.random() < 0.5 else -1
    size *= (0.65 + 0.35 * world.bulk) * (1.5 if reading.close else 1.0)
    actors: list[Element] = []
    for number in range(3 if reading.has("people") else 1):
        tall = size * (1 - 0.08 * number)
        poses = figures.walker(world, reading, tall, 0.62, flip, True, False)
        start = -flip * (0.24 * world.spread + 0.36 * tall * number) - 0.1 * flip
        path = figures.crossing(
            world, start, start + flip * 0.36 * tall * world.seconds, foot + 0.01 * number, world.seconds
        )
        actors.append(figures.Actor(poses, path, 11.0, 5.0 * number))
    return actors


def birds(world: World) -> list[Element]:
    """A flock if one is named."""
    return [*craft.flock(world)] if world.reading.has("birds") else []


def boats(world: World, line: float) -> list[Element]:
    """The boats that the prompt names, on their way over the water."""
    reading = world.reading
    flip = -1 if world.chance("boats").random() < 0.5 else 1
    found: list[Element] = []
    if reading.has("sail"):
        size = 0.32 * (0.6 + 0.4 * world.bulk) * (1.5 if reading.close else 1.0)
        path = figures.crossing(
            world, -flip * 0.26 * world.spread, flip * 0.22 * world.spread, line + 0.10, world.seconds, 0.004
        )
        found.append(figures.Actor(craft.sailboat(world, size, 0.45, flip), path))
    if reading.has("boat"):
        size = 0.40 * (0.5 + 0.5 * world.bulk) * (1.5 if reading.close else 1.0)
        crew = 2 if reading.has("people") or world.chance("crew").random() < 0.5 else 1
        path = figures.crossing(
            world, -flip * 0.30 * world.spread, flip * 0.16 * world.spread, line + 0.22, world.seconds, 0.0035
        )
        found.append(figures.Actor(craft.skiff(world, size, 0.6, flip, crew), path))
    return found


def people(world: World, foot: float) -> list[Element]:
    """Those the prompt names, walking over wet ground."""
    flip = -1 if world.chance("walker").random() < 0.5 else 1
    found: list[Element] = []
    size = 0.3 * (0.7 + 0.3 * world.bulk) * (1.4 if world.reading.close else 1.0)
    poses = figures.walker(world, world.reading, size, 0.6, flip, True, True)
    for number in range(3 if world.reading.has("people") else 1):
        start = -flip * (0.3 * world.spread + 0.13 * number)
        path = figures.crossing(
            world, start, start + flip * 0.34 * size * world.seconds, foot + 0.012 * number, world.seconds
        )
        found.append(figures.Actor(poses, path, 11.0, 5.0 * number))
    return found
