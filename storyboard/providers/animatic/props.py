"""What stands in a room: fireplace, furniture, a table, a cup."""

import numpy as np
from PIL import Image

from storyboard.providers.animatic import air, plants
from storyboard.providers.animatic.brush import (
    Glow,
    Stencil,
    curve,
    cut_out,
    shading,
    shine,
    taper,
    tint,
)
from storyboard.providers.animatic.layer import Canvas, Layer
from storyboard.providers.animatic.palette import Colour, bent, mix
from storyboard.providers.animatic.planes import Picture
from storyboard.providers.animatic.world import Element, Plane, World

WALL = 0.22


def hearth(world: World, side: int) -> list[Element]:
    """A fireplace in the wall, its fire alive."""
    x, canvas, k = -side * 0.30 * world.spread, world.canvas(WALL, 0.4, 0.95), world.bulk
    stone, mouth, fire = Stencil(canvas), Stencil(canvas), Stencil(canvas)
    stone.box(x - 0.17 * k, 0.86 - 0.315 * k, x + 0.17 * k, 0.86)
    stone.box(x - 0.2 * k, 0.86 - 0.34 * k, x + 0.2 * k, 0.86 - 0.31 * k)
    mouth.box(x - 0.105 * k, 0.86 - 0.2 * k, x + 0.105 * k, 0.86)
    mouth.disc(x, 0.86 - 0.2 * k, 0.105 * k, 0.42)
    rng = world.chance("hearth")
    for _ in range(11):
        at, tall = x + float(rng.normal(0, 0.032 * k)), float(rng.uniform(0.05, 0.13)) * k
        fire.polygon(
            [
                (at - 0.02, 0.845),
                *curve((at - 0.02, 0.845), (at - 0.018, 0.82 - tall * 0.5), (at + 0.006, 0.845 - tall), steps=7),
                (at + 0.02, 0.845),
            ]
        )
    image = cut_out(world.paint(canvas, 0.5, glow=0.4), stone.soft())
    tint(image, mouth.soft(), world.palette.dark, 0.92)
    shine(image, fire.image, (1.0, 0.56, 0.16), max(4, round(0.05 * canvas.scale)), 1.3)
    return [
        Plane(Layer(canvas, WALL, image)),
        air.Lamp(world, (x, 0.79), WALL, (1.0, 0.5, 0.15), 0.95, 0.9, 0.5),
        air.Lamp(world, (x, 0.80), WALL, (1.0, 0.74, 0.3), 0.24, 1.1, 0.6),
    ]


def furniture(world: World, side: int) -> Layer:
    """A hanging lamp, an armchair, a plant."""
    canvas = world.canvas(0.45)
    stencil, lamp = Stencil(canvas), Stencil(canvas)
    x = -side * 0.34 * world.spread
    stencil.box(x - 0.0018, canvas.top, x + 0.0018, 0.16)
    stencil.polygon([(x - 0.022, 0.15), (x + 0.022, 0.15), (x + 0.078, 0.225), (x - 0.078, 0.225)])
    lamp.disc(x, 0.228, 0.034, 0.35)
    _armchair(stencil, side * 0.56 * world.spread, 0.93, world.bulk)
    if world.aspect > 1:
        pot = -side * 0.82 * world.spread
        stencil.polygon([(pot - 0.06, 0.84), (pot + 0.06, 0.84), (pot + 0.045, 0.965), (pot - 0.045, 0.965)])
        rng = world.chance("plant")
        for _ in range(15):
            plants.leaf(stencil, pot, 0.85, rng.uniform(-2.6, -0.54), rng.uniform(0.14, 0.36), 0.22)
    image = cut_out(world.paint(canvas, 0.62, glow=0.5), stencil.soft())
    shine(image, lamp.image, (1.0, 0.85, 0.55), max(4, round(0.07 * canvas.scale)), 1.3)
    return Layer(canvas, 0.45, image)


def _armchair(stencil: Stencil, x: float, floor: float, size: float) -> None:
    """An armchair from behind."""
    back = [(-0.13, 0.0), (-0.12, -0.33), (-0.07, -0.37), (0.07, -0.37), (0.12, -0.33), (0.13, 0.0)]
    stencil.polygon([(x + size * px, floor + size * py) for px, py in back])
    for way in (-1, 1):
        arm = x + way * 0.135 * size
        stencil.disc(arm, floor - 0.165 * size, 0.035 * size)
        stencil.box(arm - 0.033 * size, floor - 0.165 * size, arm + 0.033 * size, floor)
        foot = x + way * 0.11 * size
        stencil.box(foot - 0.008 * size, floor - 0.01, foot + 0.008 * size, floor + 0.04 * size)


def table(world: World, edge: float) -> Layer:
    """The table top in front, light along its far edge."""
    canvas = world.canvas(0.7, edge - 0.02)
    wood = bent(mix(world.palette.ground, world.palette.dark, 0.5), saturation=1.1)
    side = 1 if world.light.x > 0 else -1
    sheen = Glow(side * 0.5 * world.spread, edge, world.palette.light, 0.5, 0.5)
    paint = shading(canvas, wood, world.palette.dark, [(edge + 0.02, 1.05, 0.85)], [sheen], world.chance("wood"))
    top, rim = Stencil(canvas), Stencil(canvas)
    top.box(canvas.left, edge, canvas.right, canvas.bottom + 0.02)
    rim.box(canvas.left, edge, canvas.right, edge + 0.0035)
    tint(paint, rim.soft(), mix(world.palette.light, wood, 0.3), 0.55)
    return Layer(canvas, 0.7, cut_out(paint, top.soft()))


def cup(world: World, place: tuple[float, float], size: float, side: int) -> Layer:
    """A cup on its saucer at *place* (the saucer's middle), lit from one side."""
    x, y = place
    canvas = world.canvas(0.7, y - size * 1.25, y + size * 0.4)
    clay = mix(mix(world.palette.haze, (1.0, 0.97, 0.92), 0.55), world.palette.dark, 0.16)
    body, handle, lit, dark, brew, dish, under = (Stencil(canvas) for _ in range(7))
    top, half = y - size * 0.86, size * 0.5
    wall = np.linspace(0, 1, 24)
    width = half * (1 - 0.42 * wall**2.4)
    height = top + wall * size * 0.86
    edge = np.stack([x + width, height], axis=1)
    body.polygon(np.concatenate([edge, np.stack([x - width, height], axis=1)[::-1]]))
    body.disc(x, top, half, 0.22)
    body.disc(x, y, half * 0.58, 0.2)
    ring = curve(
        *((x - side * half * a, top + size * b) for a, b in ((0.9, 0.14), (1.75, 0.02), (1.55, 0.62), (0.75, 0.60))),
        steps=22,
    )
    handle.limb(ring, taper(size * 0.085, size * 0.075, 22))
    lit.polygon(
        np.concatenate(
            [np.stack([x + side * width, height], axis=1), np.stack([x + side * width * 0.45, height], axis=1)[::-1]]
        )
    )
    dark.polygon(
        np.concatenate(
            [np.stack([x - side * width, height], axis=1), np.stack([x - side * width * 0.1, height], axis=1)[::-1]]
        )
    )
    brew.disc(x, top + size * 0.012, half * 0.9, 0.2)
    dish.disc(x, y + size * 0.03, size * 0.86, 0.17)
    under.disc(x - side * size * 0.22, y + size * 0.10, size * 1.0, 0.16)
    return Layer(canvas, 0.7, _fired(world, canvas, clay, (body, handle, lit, dark, brew, dish, under), size))


def _fired(world: World, canvas: Canvas, clay: Colour, ink: tuple[Stencil, ...], size: float) -> Picture:
    body, handle, lit, dark, brew, dish, under = ink
    palette = world.palette
    image = cut_out(
        shading(canvas, palette.dark, palette.dark), under.soft(0.05 * size).point([i * 6 // 10 for i in range(256)])
    )
    for stencil, shade in ((dish, mix(clay, palette.dark, 0.22)), (handle, mix(clay, palette.dark, 0.3)), (body, clay)):
        image.alpha_composite(cut_out(shading(canvas, shade, palette.dark), stencil.soft()))
    shadow = Image.composite(dark.soft(0.26 * size), Image.new("L", canvas.size), body.soft())
    tint(image, shadow, palette.dark, 0.55)
    bright = Image.composite(lit.soft(0.2 * size), Image.new("L", canvas.size), body.soft())
    tint(image, bright, mix(palette.light, (1.0, 1.0, 1.0), 0.3), 0.6)
    tint(image, brew.soft(), mix((0.23, 0.11, 0.05), palette.dark, 0.25))
    return image
