"""Forest: trunks behind trunks, light between them, ferns on the ground."""

import numpy as np

from storyboard.animatic import actors, plants, sky, terrain, weather
from storyboard.animatic.brush import Stencil
from storyboard.animatic.layers import Layer
from storyboard.animatic.palette import mix
from storyboard.animatic.scenes import sea
from storyboard.animatic.world import Element, Plane, World


def forest(world: World) -> list[Element]:
    """Build the inside of a wood."""
    conifers = world.reading.has("pine", "snow") or world.rng_for("wood").random() < 0.35
    tall = 0.55 * world.bulk
    far = terrain.treeline(
        world,
        "far",
        0.16,
        world.horizon + 0.05,
        tall,
        "fir" if conifers else "crown",
        mist=0.85,
        below=0.5,
        plane=sky.DEPTH,
    )
    back = sky.bake(
        sky.backdrop(world, clouds=False),
        far,
        stand(world, 0, 0.26, 26, sky.DEPTH),
        stand(world, 1, 0.42, 14, sky.DEPTH),
    )
    elements: list[Element] = [Plane(back), weather.fog(world, 0.42, world.horizon + 0.1, 0.13, 0.5)]
    if not world.palette.night:
        elements.append(sea.shafts(world, 0.42, 0.4))
    elements += [
        Plane(stand(world, 2, 0.6, 8)),
        *actors.walkers(world, world.horizon + 0.32, 0.24),
        Plane(stand(world, 3, 0.84, 4)),
    ]
    return [
        *elements,
        *actors.birds(world),
        Plane(terrain.foreground(world, "branches" if conifers else "leaves"), swing=(0.004, 0.002, 6.0)),
    ]


def stand(world: World, number: int, depth: float, count: int, plane: float | None = None) -> Layer:
    """Draw trunks at one depth, with the ground and undergrowth."""
    base = world.horizon + 0.03 + 0.5 * depth**1.5
    canvas = world.canvas(depth if plane is None else plane)
    stencil = Stencil(canvas)
    rng = world.rng_for(f"stand {number}")
    width = 0.012 + 0.075 * depth**1.8
    x = world.across(canvas)
    ground = base + 0.02 * np.sin(x * 3 + number) + 0.012 * np.abs(np.sin(x * 9 + 2 * number))
    stencil.polygon(terrain.outline_below(x, ground, canvas.bottom))
    total = max(3, round(count * min(1.3, 0.3 + 0.4 * world.aspect)))
    for step in range(total):
        at = canvas.left + (canvas.right - canvas.left) * (step + rng.uniform(0.15, 0.85)) / total
        if abs(at) < 0.16 * world.spread * depth * 2:
            continue
        thick = width * rng.uniform(0.7, 1.35)
        plants.trunk(stencil, rng, at, base + 0.03, canvas.top - 0.1, thick)
        for _ in range(3):
            side = rng.choice([-1, 1])
            plants.branch(
                stencil,
                rng,
                at,
                rng.uniform(canvas.top, base - 0.25),
                -np.pi / 2 + side * rng.uniform(0.7, 1.3),
                0.09 + 0.12 * depth,
                thick * 0.3,
                2,
            )
    _draw_undergrowth(world, stencil, rng, depth, base)
    for at in np.arange(canvas.left, canvas.right, 0.16 + 0.1 * depth):
        plants.tuft(
            stencil, rng, at, canvas.top + rng.uniform(-0.02, 0.05), rng.uniform(0.07, 0.15) + 0.05 * depth, 80, 0.7
        )
    leaf = mix(world.palette.leaf, world.palette.haze, 0.15)
    return world.silhouette(stencil, depth, leaf, [(base - 0.5, base + 0.05, 0.5 * (1 - depth) ** 1.2)], plane=plane)


def _draw_undergrowth(world: World, stencil: Stencil, rng: np.random.Generator, depth: float, base: float) -> None:
    canvas = stencil.canvas
    if depth < 0.3:
        return
    for at in rng.uniform(canvas.left, canvas.right, round(7 * world.aspect)):
        if abs(at) < 0.2 * world.spread:
            continue
        if rng.random() < 0.6:
            plants.fern(stencil, rng, at, base + 0.03, 0.05 + 0.14 * depth, 7)
        else:
            plants.tuft(stencil, rng, at, base + 0.01, 0.03 + 0.07 * depth, 70, 0.7)
