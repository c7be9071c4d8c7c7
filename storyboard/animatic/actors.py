"""Actors on the stage: boats, cars, ships, birds and people, as silhouettes that cross it."""

from storyboard.animatic import figures
from storyboard.animatic.brush import Stencil, curve, draw_reflection, shine, tint
from storyboard.animatic.figures import Actor, Body, add_rim_light, crossing_path
from storyboard.animatic.layers import Layer
from storyboard.animatic.palette import mix
from storyboard.animatic.world import Element, World


def skiff(world: World, length: float, depth: float, flip: int, crew: int = 1, lamp: bool = True) -> list[Layer]:
    """Draw a low boat with a crew, its waterline at the origin."""
    body = Body(world, (-0.75, -0.72, 0.75, 0.36), length, flip)
    top = curve((-0.5, -0.10), (-0.1, -0.035), (0.3, -0.06), (0.57, -0.19), steps=20)
    keel = curve((0.57, -0.19), (0.43, 0.03), (0.1, 0.035), (-0.46, 0.03), steps=16)
    body.shape(*top, *keel)
    for number in range(crew):
        x = -0.24 + 0.24 * number
        _draw_seated_person(body, x)
    body.limb([(-0.44, -0.55), (-0.12, -0.28), (0.06, 0.06)], 0.014, 0.012)
    body.limb([(0.40, -0.10), (0.40, -0.33)], 0.014, 0.010)
    body.shape((0.37, -0.33), (0.43, -0.33), (0.42, -0.40), (0.38, -0.40))
    image = body.paint(world, depth)
    add_rim_light(world, image, body)
    if lamp:
        light = Stencil(body.canvas)
        light.disc(0.40 * length * flip, -0.365 * length, 0.022 * length)
        shine(image, light.image, (1.0, 0.78, 0.42), max(6, round(0.16 * length * body.canvas.scale)), 2.2)
    draw_reflection(image, body.canvas, 0.022 * length, 0.3 * length, 0.7)
    return [Layer(body.canvas, depth, image)]


def sailboat(world: World, size: float, depth: float, flip: int) -> list[Layer]:
    """Draw a boat under two sails."""
    body, sails = (Body(world, (-0.6, -1.1, 0.6, 0.55), size, flip) for _ in range(2))
    body.shape(
        *curve((-0.40, -0.09), (0.0, -0.045), (0.46, -0.13), steps=12),
        *curve((0.46, -0.13), (0.33, 0.025), (-0.33, 0.025), steps=10),
    )
    body.limb([(0.02, -0.06), (0.03, -1.04)], 0.016, 0.010)
    body.limb([(0.03, -0.14), (-0.33, -0.15)], 0.012, 0.010)
    sails.shape((0.02, -1.0), *curve((0.02, -1.0), (-0.26, -0.55), (-0.33, -0.17), steps=10), (0.02, -0.16))
    sails.shape((0.05, -0.94), *curve((0.05, -0.94), (0.30, -0.5), (0.42, -0.15), steps=10), (0.06, -0.17))
    image = body.paint(world, depth)
    canvas_tone = mix(
        mix(world.palette.haze, (1.0, 0.98, 0.94), 0.55), world.palette.dark, 0.25 + 0.3 * world.palette.night
    )
    image.paste(sails.paint(world, depth, canvas_tone), (0, 0), sails.ink.soft_mask())
    draw_reflection(image, body.canvas, 0.014 * size, 0.5 * size, 0.45)
    return [Layer(body.canvas, depth, image)]


def car(world: World, width: float, depth: float) -> list[Layer]:
    """Draw a car seen from behind, wheels at the origin, its lights on."""
    body = Body(world, (-0.95, -0.95, 0.95, 0.6), width)
    body.shape(
        (-0.5, -0.08),
        (-0.51, -0.34),
        (-0.45, -0.43),
        (-0.35, -0.68),
        (-0.27, -0.735),
        (0.27, -0.735),
        (0.35, -0.68),
        (0.45, -0.43),
        (0.51, -0.34),
        (0.5, -0.08),
    )
    for side in (-1, 1):
        body.shape((side * 0.47, -0.16), (side * 0.47, 0.0), (side * 0.31, 0.0), (side * 0.31, -0.16))
        body.shape((side * 0.49, -0.47), (side * 0.58, -0.48), (side * 0.58, -0.42), (side * 0.47, -0.41))
    image = body.paint(world, depth, mix(world.palette.dark, world.palette.haze, 0.12))
    glass = Body(world, (-0.95, -0.95, 0.95, 0.6), width)
    glass.shape((-0.36, -0.46), (-0.29, -0.66), (-0.24, -0.69), (0.24, -0.69), (0.29, -0.66), (0.36, -0.46))
    tint(image, glass.ink.soft_mask(), mix(world.palette.sky[-1], world.palette.dark, 0.45), 0.75)
    lights = Body(world, (-0.95, -0.95, 0.95, 0.6), width)
    for side in (-1, 1):
        lights.limb([(side * 0.46, -0.345), (side * 0.33, -0.335)], 0.055, 0.045)
    shine(image, lights.ink.image, (1.0, 0.13, 0.09), max(6, round(0.13 * width * body.canvas.scale)), 1.7)
    draw_reflection(image, body.canvas, 0.0, 0.55 * width, 0.35 if world.reading.has("rain", "neon") else 0.12)
    return [Layer(body.canvas, depth, image)]


def ship(world: World, length: float, way: int) -> Layer:
    """Draw a small spaceship with its engine burning."""
    body, flame = (Body(world, (-1.1, -0.6, 0.8, 0.6), length, way) for _ in range(2))
    body.shape((0.55, 0.0), (0.2, -0.075), (-0.3, -0.085), (-0.42, -0.04), (-0.42, 0.06), (-0.25, 0.085), (0.2, 0.07))
    body.shape((-0.05, -0.07), (-0.35, -0.24), (-0.44, -0.24), (-0.34, -0.06))
    body.shape((-0.02, 0.05), (-0.30, 0.17), (-0.42, 0.17), (-0.3, 0.05))
    image = body.paint(world, 0.6, mix(world.palette.dark, world.palette.haze, 0.35))
    flame.limb([(-0.44, 0.01), (-0.62, 0.01)], 0.05, 0.012)
    shine(image, flame.ink.image, world.palette.accent, max(4, round(0.2 * length * body.canvas.scale)), 1.9)
    return Layer(body.canvas, 0.5, image)


def flock(world: World, count: int = 7) -> list[Actor]:
    """Return birds that cross the sky in a loose line."""
    rng = world.rng_for("birds")
    way = 1 if rng.random() < 0.5 else -1
    start, line = -way * world.spread * 0.5, world.horizon * float(rng.uniform(0.3, 0.55))
    actors = []
    for number in range(count):
        size = 0.028 * world.bulk * float(rng.uniform(0.7, 1.15))
        poses = [_bird(world, size, lift) for lift in (-0.5, -0.15, 0.3, 0.55, 0.3, -0.15)]
        x = start - way * 0.05 * number + float(rng.uniform(-0.02, 0.02))
        y = line + 0.018 * number * (1 if number % 2 else -0.8) + float(rng.uniform(-0.012, 0.012))
        speed = way * 0.05 * world.seconds
        actors.append(
            Actor(poses, crossing_path(world, x, x + speed, y, world.seconds, 0.006), 9.0, float(rng.uniform(0, 6)))
        )
    return actors


def walkers(world: World, foot: float, size: float) -> list[Element]:
    """Return the people that the prompt names, walking across the stage."""
    reading = world.reading
    if not reading.has("person", "people"):
        return []
    rng = world.rng_for("walker")
    flip = 1 if rng.random() < 0.5 else -1
    size *= (0.65 + 0.35 * world.bulk) * (1.5 if reading.close else 1.0)
    actors: list[Element] = []
    for number in range(3 if reading.has("people") else 1):
        tall = size * (1 - 0.08 * number)
        poses = figures.walker(world, reading, tall, 0.62, flip, True, False)
        start = -flip * (0.24 * world.spread + 0.36 * tall * number) - 0.1 * flip
        path = figures.crossing_path(
            world, start, start + flip * 0.36 * tall * world.seconds, foot + 0.01 * number, world.seconds
        )
        actors.append(figures.Actor(poses, path, 11.0, 5.0 * number))
    return actors


def people(world: World, foot: float) -> list[Element]:
    """Return the people that the prompt names, walking over wet ground."""
    flip = -1 if world.rng_for("walker").random() < 0.5 else 1
    found: list[Element] = []
    size = 0.3 * (0.7 + 0.3 * world.bulk) * (1.4 if world.reading.close else 1.0)
    poses = figures.walker(world, world.reading, size, 0.6, flip, True, True)
    for number in range(3 if world.reading.has("people") else 1):
        start = -flip * (0.3 * world.spread + 0.13 * number)
        path = figures.crossing_path(
            world, start, start + flip * 0.34 * size * world.seconds, foot + 0.012 * number, world.seconds
        )
        found.append(figures.Actor(poses, path, 11.0, 5.0 * number))
    return found


def boats(world: World, line: float) -> list[Element]:
    """Return the boats that the prompt names, crossing the water."""
    reading = world.reading
    flip = -1 if world.rng_for("boats").random() < 0.5 else 1
    found: list[Element] = []
    if reading.has("sail"):
        size = 0.32 * (0.6 + 0.4 * world.bulk) * (1.5 if reading.close else 1.0)
        path = figures.crossing_path(
            world, -flip * 0.26 * world.spread, flip * 0.22 * world.spread, line + 0.10, world.seconds, 0.004
        )
        found.append(figures.Actor(sailboat(world, size, 0.45, flip), path))
    if reading.has("boat"):
        size = 0.40 * (0.5 + 0.5 * world.bulk) * (1.5 if reading.close else 1.0)
        crew = 2 if reading.has("people") or world.rng_for("crew").random() < 0.5 else 1
        path = figures.crossing_path(
            world, -flip * 0.30 * world.spread, flip * 0.16 * world.spread, line + 0.22, world.seconds, 0.0035
        )
        found.append(figures.Actor(skiff(world, size, 0.6, flip, crew), path))
    return found


def birds(world: World) -> list[Element]:
    """Return a flock if the prompt names birds."""
    return [*flock(world)] if world.reading.has("birds") else []


def _draw_seated_person(body: Body, x: float) -> None:
    body.shape(
        (x - 0.085, -0.04),
        (x - 0.07, -0.27),
        (x - 0.02, -0.325),
        (x + 0.03, -0.315),
        (x + 0.07, -0.24),
        (x + 0.10, -0.04),
    )
    body.disc(x + 0.005, -0.375, 0.05, 1.12)
    body.limb([(x + 0.02, -0.27), (x + 0.09, -0.19), (x + 0.14, -0.22)], 0.045, 0.03)
    body.limb([(x - 0.065, -0.40), (x + 0.075, -0.395)], 0.022, 0.018)


def _bird(world: World, size: float, lift: float) -> Layer:
    body = Body(world, (-1.2, -0.9, 1.2, 0.9), size)
    for side in (-1, 1):
        body.limb(curve((0.0, 0.0), (side * 0.4, -lift * 0.9), (side * 1.0, -lift * 0.3 + 0.1), steps=8), 0.2, 0.05)
    body.disc(0.0, 0.03, 0.14, 0.7)
    return Layer(body.canvas, 0.12, body.paint(world, 0.12, world.tone(0.5)))
