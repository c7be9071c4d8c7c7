"""Interiors: a room with a window, fireplace and furniture, and a table in front with a cup on it."""

import numpy as np
from PIL import Image

from storyboard.animatic import figures, noise, plants, terrain, weather
from storyboard.animatic.brush import (
    Glow,
    Stencil,
    curve,
    cut_out,
    shading,
    shine,
    soften,
    taper,
    tint,
    to_picture,
)
from storyboard.animatic.layers import Layer, LayerArea
from storyboard.animatic.palette import Colour, adjust, mix
from storyboard.animatic.planes import Picture
from storyboard.animatic.world import Element, Plane, World

WALL = 0.22


def interior(world: World) -> list[Element]:
    """Build a room, seen from its middle; close-ups show the table."""
    reading, close = world.reading, world.reading.close or world.reading.has("cup")
    side = 1 if world.light.x > 0 else -1
    elements: list[Element] = [Plane(wall(world, side, close)), Plane(beam(world, side), swing=(0.01, 0.0, 11.0))]
    if reading.has("fire"):
        elements += hearth(world, side)
    if not close:
        elements += [Plane(furniture(world, side)), *_person(world)]
        elements.append(
            weather.Lamp(world, (-side * 0.34 * world.spread, 0.245), 0.45, (1.0, 0.78, 0.42), 0.62, 0.05, 0.5)
        )
    elements.append(Plane(table(world, 0.66 if close else 0.86)))
    if reading.has("cup"):
        place, size = (-side * 0.10 * world.spread, 0.80), 0.36 * (0.6 + 0.4 * world.bulk)
        elements.append(Plane(cup(world, place, size, side)))
        steam = mix(world.palette.light, (1.0, 1.0, 1.0), 0.5)
        elements.append(weather.Plume(world, (place[0], place[1] - size * 0.9), 0.7, steam, size * 0.8, 0.32))
    return elements


def wall(world: World, side: int, close: bool) -> Layer:
    """Draw the far wall with a window, out of focus in a close-up."""
    canvas = world.canvas(WALL)
    palette = world.palette
    tone = mix(palette.haze, palette.dark, 0.55)
    x0, x1 = sorted((side * 0.24 * world.spread, side * 0.78 * world.spread))
    y0, y1 = 0.12, 0.62
    glow = Glow((x0 + x1) / 2, (y0 + y1) / 2, mix(palette.light, palette.sky[-1], 0.4), 0.75, 0.62)
    image = shading(canvas, tone, palette.dark, [(0.5, 1.0, 0.5), (0.25, -0.1, 0.45)], [glow], world.rng_for("plaster"))
    floor = Stencil(canvas)
    floor.box(canvas.left, 0.84, canvas.right, canvas.bottom + 0.01)
    tint(image, floor.soft_mask(), palette.dark, 0.55)
    _paint_window(world, image, canvas, (x0, y0, x1, y1))
    _paint_boards(world, image, canvas, -side)
    if close:
        image = _defocus(world, image, canvas)
    return Layer(canvas, WALL, image)


def beam(world: World, side: int) -> Layer:
    """Draw the light that falls through the window across the room."""
    canvas = world.canvas(0.35, detail=1)
    stencil = Stencil(canvas)
    for number in range(2):
        inner, outer = (side * world.spread * (0.24 + 0.27 * (number + part)) for part in (0.06, 0.94))
        shift = -side * 0.72 * world.spread
        stencil.polygon([(inner, 0.14), (outer, 0.14), (outer + shift, 1.1), (inner + shift, 1.1)])
    _, y = canvas.grid(8)
    fade = (
        terrain.to_mask(255 * noise.smoothstep(1.1, 0.1, y) * 0.20, canvas)
        if y.shape[1] > 1
        else terrain.to_mask(np.repeat(255 * noise.smoothstep(1.1, 0.1, y) * 0.20, 2, axis=1), canvas)
    )
    mask = Image.composite(fade, Image.new("L", canvas.size), stencil.soft_mask(0.03))
    return Layer(
        canvas,
        0.35,
        cut_out(shading(canvas, mix(world.palette.light, world.palette.sky[-1], 0.3), world.palette.light), mask),
    )


def hearth(world: World, side: int) -> list[Element]:
    """Build a fireplace in the wall, with moving fire."""
    x, canvas, k = -side * 0.30 * world.spread, world.canvas(WALL, 0.4, 0.95), world.bulk
    stone, mouth, fire = Stencil(canvas), Stencil(canvas), Stencil(canvas)
    stone.box(x - 0.17 * k, 0.86 - 0.315 * k, x + 0.17 * k, 0.86)
    stone.box(x - 0.2 * k, 0.86 - 0.34 * k, x + 0.2 * k, 0.86 - 0.31 * k)
    mouth.box(x - 0.105 * k, 0.86 - 0.2 * k, x + 0.105 * k, 0.86)
    mouth.disc(x, 0.86 - 0.2 * k, 0.105 * k, 0.42)
    rng = world.rng_for("hearth")
    for _ in range(11):
        at, tall = x + float(rng.normal(0, 0.032 * k)), float(rng.uniform(0.05, 0.13)) * k
        fire.polygon(
            [
                (at - 0.02, 0.845),
                *curve((at - 0.02, 0.845), (at - 0.018, 0.82 - tall * 0.5), (at + 0.006, 0.845 - tall), steps=7),
                (at + 0.02, 0.845),
            ]
        )
    image = cut_out(world.paint(canvas, 0.5, glow=0.4), stone.soft_mask())
    tint(image, mouth.soft_mask(), world.palette.dark, 0.92)
    shine(image, fire.image, (1.0, 0.56, 0.16), max(4, round(0.05 * canvas.scale)), 1.3)
    return [
        Plane(Layer(canvas, WALL, image)),
        weather.Lamp(world, (x, 0.79), WALL, (1.0, 0.5, 0.15), 0.95, 0.9, 0.5),
        weather.Lamp(world, (x, 0.80), WALL, (1.0, 0.74, 0.3), 0.24, 1.1, 0.6),
    ]


def furniture(world: World, side: int) -> Layer:
    """Draw a hanging lamp, an armchair and a plant."""
    canvas = world.canvas(0.45)
    stencil, lamp = Stencil(canvas), Stencil(canvas)
    x = -side * 0.34 * world.spread
    stencil.box(x - 0.0018, canvas.top, x + 0.0018, 0.16)
    stencil.polygon([(x - 0.022, 0.15), (x + 0.022, 0.15), (x + 0.078, 0.225), (x - 0.078, 0.225)])
    lamp.disc(x, 0.228, 0.034, 0.35)
    _draw_armchair(stencil, side * 0.56 * world.spread, 0.93, world.bulk)
    if world.aspect > 1:
        pot = -side * 0.82 * world.spread
        stencil.polygon([(pot - 0.06, 0.84), (pot + 0.06, 0.84), (pot + 0.045, 0.965), (pot - 0.045, 0.965)])
        rng = world.rng_for("plant")
        for _ in range(15):
            plants.leaf(stencil, pot, 0.85, rng.uniform(-2.6, -0.54), rng.uniform(0.14, 0.36), 0.22)
    image = cut_out(world.paint(canvas, 0.62, glow=0.5), stencil.soft_mask())
    shine(image, lamp.image, (1.0, 0.85, 0.55), max(4, round(0.07 * canvas.scale)), 1.3)
    return Layer(canvas, 0.45, image)


def table(world: World, edge: float) -> Layer:
    """Draw the table top in front, with light along its far edge."""
    canvas = world.canvas(0.7, edge - 0.02)
    wood = adjust(mix(world.palette.ground, world.palette.dark, 0.5), saturation=1.1)
    side = 1 if world.light.x > 0 else -1
    sheen = Glow(side * 0.5 * world.spread, edge, world.palette.light, 0.5, 0.5)
    paint = shading(canvas, wood, world.palette.dark, [(edge + 0.02, 1.05, 0.85)], [sheen], world.rng_for("wood"))
    top, rim = Stencil(canvas), Stencil(canvas)
    top.box(canvas.left, edge, canvas.right, canvas.bottom + 0.02)
    rim.box(canvas.left, edge, canvas.right, edge + 0.0035)
    tint(paint, rim.soft_mask(), mix(world.palette.light, wood, 0.3), 0.55)
    return Layer(canvas, 0.7, cut_out(paint, top.soft_mask()))


def cup(world: World, place: tuple[float, float], size: float, side: int) -> Layer:
    """Draw a cup on its saucer at *place* (the saucer's middle), lit from one side."""
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
    return Layer(canvas, 0.7, _paint_cup(world, canvas, clay, (body, handle, lit, dark, brew, dish, under), size))


def _draw_armchair(stencil: Stencil, x: float, floor: float, size: float) -> None:
    """Draw an armchair from behind."""
    back = [(-0.13, 0.0), (-0.12, -0.33), (-0.07, -0.37), (0.07, -0.37), (0.12, -0.33), (0.13, 0.0)]
    stencil.polygon([(x + size * px, floor + size * py) for px, py in back])
    for way in (-1, 1):
        arm = x + way * 0.135 * size
        stencil.disc(arm, floor - 0.165 * size, 0.035 * size)
        stencil.box(arm - 0.033 * size, floor - 0.165 * size, arm + 0.033 * size, floor)
        foot = x + way * 0.11 * size
        stencil.box(foot - 0.008 * size, floor - 0.01, foot + 0.008 * size, floor + 0.04 * size)


def _paint_cup(world: World, canvas: LayerArea, clay: Colour, ink: tuple[Stencil, ...], size: float) -> Picture:
    body, handle, lit, dark, brew, dish, under = ink
    palette = world.palette
    image = cut_out(
        shading(canvas, palette.dark, palette.dark),
        under.soft_mask(0.05 * size).point([i * 6 // 10 for i in range(256)]),
    )
    for stencil, shade in ((dish, mix(clay, palette.dark, 0.22)), (handle, mix(clay, palette.dark, 0.3)), (body, clay)):
        image.alpha_composite(cut_out(shading(canvas, shade, palette.dark), stencil.soft_mask()))
    shadow = Image.composite(dark.soft_mask(0.26 * size), Image.new("L", canvas.size), body.soft_mask())
    tint(image, shadow, palette.dark, 0.55)
    bright = Image.composite(lit.soft_mask(0.2 * size), Image.new("L", canvas.size), body.soft_mask())
    tint(image, bright, mix(palette.light, (1.0, 1.0, 1.0), 0.3), 0.6)
    tint(image, brew.soft_mask(), mix((0.23, 0.11, 0.05), palette.dark, 0.25))
    return image


def _person(world: World) -> list[Element]:
    if not world.reading.has("person", "people"):
        return []
    flip = 1 if world.light.x > 0 else -1
    poses = figures.walker(world, world.reading, 0.56 * (0.4 + 0.6 * world.bulk), 0.6, flip, False, False)
    return [figures.Actor(poses, figures.crossing_path(world, 0.05, 0.06, 0.9, world.seconds, 0.001))]


def _paint_window(world: World, image: Picture, canvas: LayerArea, box: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = box
    palette = world.palette
    x, y = canvas.grid(8)
    stops = np.asarray(
        [
            mix(palette.sky[1], palette.sky[2], 0.5),
            palette.sky[2],
            palette.sky[3],
            mix(palette.sky[3], palette.light, 0.7),
        ]
    )
    rows = np.stack([np.interp(y[:, 0], np.linspace(y0, y1, 4), stops[:, c]) for c in range(3)], axis=-1)
    view = to_picture(np.broadcast_to(rows[:, None, :], (y.shape[0], x.shape[1], 3)), world.rng_for("view")).resize(
        canvas.size, Image.Resampling.BICUBIC
    )
    pane, frame, trees, halo = (Stencil(canvas) for _ in range(4))
    pane.box(x0, y0, x1, y1)
    halo.box(x0, y0, x1, y1)
    rng = world.rng_for("garden")
    for _ in range(9):
        plants.tuft(trees, rng, rng.uniform(x0, x1), y1 - rng.uniform(-0.02, 0.1), rng.uniform(0.05, 0.11), 60, 0.8)
    tint(view, trees.soft_mask(0.008), mix(palette.leaf, palette.sky[-1], 0.45), 0.85)
    soft = soften(halo.image, round(0.09 * canvas.scale))
    tint(image, soft, mix(palette.light, palette.sky[-1], 0.35), 0.4)
    image.paste(view, (0, 0), pane.soft_mask())
    thick = 0.009
    for part in (0.0, 0.5, 1.0):
        frame.box(x0 + (x1 - x0) * part - thick, y0 - thick, x0 + (x1 - x0) * part + thick, y1 + thick)
    for part in (0.0, 0.42, 1.0):
        frame.box(x0 - thick, y0 + (y1 - y0) * part - thick * 0.8, x1 + thick, y0 + (y1 - y0) * part + thick * 0.8)
    frame.box(x0 - 0.035, y1 + thick, x1 + 0.035, y1 + 0.032)
    tint(image, frame.soft_mask(), mix(palette.dark, palette.haze, 0.22))


def _paint_boards(world: World, image: Picture, canvas: LayerArea, side: int) -> None:
    """Draw boards on the wall with jars, bottles and plants."""
    rng = world.rng_for("shelf")
    things = Stencil(canvas)
    for height in (0.30, 0.47, 0.64):
        x0, x1 = sorted((side * 0.30 * world.spread, side * 0.92 * world.spread))
        things.box(x0, height, x1, height + 0.011)
        at = x0 + 0.03
        while at < x1 - 0.05:
            wide, tall = rng.uniform(0.016, 0.042), rng.uniform(0.035, 0.10)
            form = rng.random()
            if form < 0.4:
                things.box(at, height - tall, at + wide, height)
                things.box(at + wide * 0.3, height - tall * 1.18, at + wide * 0.7, height - tall)
            elif form < 0.75:
                things.disc(at + wide, height - wide, wide)
                things.box(at + wide * 0.6, height - wide * 2.4, at + wide * 1.4, height - wide)
                at += wide
            else:
                things.polygon(
                    [(at, height - 0.035), (at + 0.045, height - 0.035), (at + 0.037, height), (at + 0.008, height)]
                )
                for _ in range(9):
                    plants.leaf(things, at + 0.022, height - 0.035, rng.uniform(-2.7, -0.4), rng.uniform(0.03, 0.065))
                at += 0.03
            at += wide + rng.uniform(0.008, 0.03)
    tint(image, things.soft_mask(), mix(world.palette.dark, world.palette.haze, 0.12), 0.88)


def _defocus(world: World, image: Picture, canvas: LayerArea) -> Picture:
    """Return *image* blurred, with discs of light in it."""
    step = max(2, round(0.022 * canvas.scale))
    small = image.resize((max(2, image.width // step), max(2, image.height // step)), Image.Resampling.BOX)
    coarse = LayerArea(canvas.left, canvas.top, canvas.right, canvas.bottom, canvas.scale / 4)
    blurred = small.resize(coarse.size, Image.Resampling.BICUBIC)
    rng = world.rng_for("bokeh")
    for _ in range(round(16 * world.aspect)):
        disc = Stencil(coarse)
        x, y, radius = rng.uniform(canvas.left, canvas.right), rng.uniform(0.02, 0.62), rng.uniform(0.014, 0.05)
        disc.disc(x, y, radius)
        shade = world.palette.accent if rng.random() < 0.5 else world.palette.light
        tint(blurred, disc.soft_mask(), shade, rng.uniform(0.06, 0.24))
    return blurred.resize(canvas.size, Image.Resampling.BICUBIC)
