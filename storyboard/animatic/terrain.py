"""Terrain shared by several settings: mountain ranges, treelines, and the dark foreground."""

import numpy as np
from PIL import Image

from storyboard.animatic import noise, plants
from storyboard.animatic.brush import Stencil, curve, cut_out, shine, soften, taper
from storyboard.animatic.layers import Layer, LayerArea
from storyboard.animatic.palette import Colour, adjust
from storyboard.animatic.planes import Picture
from storyboard.animatic.world import World


def mountain_range(
    world: World,
    name: str,
    depth: float,
    base: float,
    height: float,
    *,
    frequency: float = 1.6,
    sharp: float = 0.3,
    octaves: int = 6,
    material: Colour | None = None,
    mist: float = 0.75,
    below: float = 0.4,
    plane: float | None = None,
) -> Layer:
    """Draw hills or peaks about *height* above *base*, with mist at their foot; extends *below* the base."""
    canvas = world.canvas(depth if plane is None else plane, base - height * 1.9, base + below)
    stencil = Stencil(canvas)
    stencil.polygon(
        outline_below(
            *crest_line(world, name, canvas, base, height, frequency=frequency, sharp=sharp, octaves=octaves),
            canvas.bottom,
        )
    )
    return world.silhouette(stencil, depth, material, [(base - height * 0.75, base + 0.01, mist)], plane=plane)


def crest_line(
    world: World,
    name: str,
    canvas: LayerArea,
    base: float,
    height: float,
    *,
    frequency: float,
    sharp: float,
    octaves: int = 6,
) -> tuple[noise.Array, noise.Array]:
    """Return the line of a range: places from left to right, and heights from *base* up to *height* above it."""
    x = world.across(canvas)
    form = noise.ridge(world.rng_for(name), x, frequency, octaves, 0.48, sharp)
    low, high = float(form.min()), float(form.max())
    return x, base - height * (0.12 + 0.88 * (form - low) / max(1e-9, high - low))


def outline_below(x: noise.Array, line: noise.Array, bottom: float) -> noise.Array:
    """Return the outline of everything below a line."""
    floor = bottom + 0.02
    return np.concatenate([np.stack([x, line], axis=1), [[x[-1], floor], [x[0], floor]]])


def treeline(
    world: World,
    name: str,
    depth: float,
    base: float,
    height: float,
    kind: str,
    *,
    mist: float = 0.6,
    gap: float = 0.0,
    below: float = 0.02,
    rise: float = 0.3,
    material: Colour | None = None,
    plane: float | None = None,
) -> Layer:
    """Draw a distant wood of kind ``fir``, ``palm`` or ``crown``; *gap* leaves the middle open (stage units)."""
    rng = world.rng_for(name)
    canvas = world.canvas(depth if plane is None else plane, base - height * 2.2, base + below)
    stencil = Stencil(canvas)
    x = world.across(canvas)
    swell = noise.ridge(rng, x, 2.2, 3)
    spacing = height * {"fir": 0.16, "palm": 0.5, "crown": 0.3}[kind]
    for at in np.arange(canvas.left, canvas.right, spacing):
        near = abs(at) - gap
        if near < 0 and gap:
            continue
        here = float(np.interp(at, x, swell))
        edge = min(1.0, 0.4 + near / 0.3) if gap else 1.0
        tall = height * (0.75 + rise * here) * rng.uniform(0.7, 1.2) * edge
        place = float(at + rng.uniform(-0.4, 0.4) * spacing)
        _draw_plant(stencil, rng, kind, place, base + 0.004, max(0.01, tall))
    left_end, right_end = (-gap - 0.02, gap + 0.02) if gap else (0.0, 0.0)
    stencil.box(canvas.left, base - height * 0.1, left_end, canvas.bottom)
    stencil.box(right_end, base - height * 0.1, canvas.right, canvas.bottom)
    return world.silhouette(
        stencil,
        depth,
        world.palette.leaf if material is None else material,
        [(base - height * 1.1, base, mist)],
        plane=plane,
    )


def _draw_plant(stencil: Stencil, rng: np.random.Generator, kind: str, x: float, base: float, height: float) -> None:
    if kind == "fir":
        plants.fir(stencil, rng, x, base, height)
    elif kind == "palm":
        plants.palm(stencil, rng, x, base, height)
    else:
        plants.tuft(stencil, rng, x, base - height * 0.55, height * 0.42, 34, 0.9)
        stencil.box(x - height * 0.45, base - height * 0.45, x + height * 0.45, base)


def foreground(world: World, kind: str, depth: float = 1.15, blur: float = 0.006) -> Layer:
    """Draw the nearest plane, dark and out of focus: ``leaves``, ``grass``, ``branches`` or ``rocks``."""
    canvas = world.canvas(depth, detail=1)
    stencil = Stencil(canvas)
    rng = world.rng_for(f"framing {kind}")
    half = world.aspect / 2
    if kind == "leaves":
        _draw_leaves(world, stencil, rng, half)
    elif kind == "branches":
        for side in (-1, 1):
            for _ in range(2):
                angle = np.pi / 2 + side * rng.uniform(0.75, 1.25)
                _draw_bough(stencil, rng, side * (half + 0.05), rng.uniform(-0.06, 0.12), angle, 0.34 * world.bulk)
    elif kind == "grass":
        for share, tall, blades in ((1.0, 0.10, 90), (0.72, 0.17, 42), (0.5, 0.27, 26)):
            for side in (-1, 1):
                left, right = sorted((side * canvas.right, side * canvas.right * (1 - share)))
                plants.grass(
                    stencil, rng, left, right, canvas.bottom, canvas.bottom - 1 + tall, round(blades * world.aspect / 2)
                )
    elif kind == "rocks":
        x = world.across(canvas)
        edge = (np.abs(x) / half) ** 3
        line = 1.05 - 0.17 * edge - 0.03 * noise.ridge(rng, x, 5, 4, sharp=0.4) * edge
        stencil.polygon(outline_below(x, line, canvas.bottom))
    paint = world.paint(canvas, 1.0, glow=0.3, tone=adjust(world.palette.dark, value=0.62))
    mask = soften(stencil.image, max(2, round(blur * canvas.scale)))
    return Layer(canvas, depth, cut_out(paint, mask))


def _draw_bough(stencil: Stencil, rng: np.random.Generator, x: float, y: float, angle: float, length: float) -> None:
    """Draw a conifer's bough: a drooping stem with needles on both sides."""
    end = (x + np.cos(angle) * length, y + np.sin(angle) * length + 0.05)
    path = curve((x, y), (x + np.cos(angle) * length * 0.6, y + np.sin(angle) * length * 0.4), end, steps=26)
    stencil.limb(path, taper(0.012, 0.004, 26))
    for number, (px, py) in enumerate(path[2:]):
        needle = length * 0.26 * (1 - number / 30)
        for side in (-1, 1):
            way = angle + side * rng.uniform(0.5, 0.95)
            stencil.limb([(px, py), (px + np.cos(way) * needle, py + np.sin(way) * needle + 0.01)], [0.007, 0.002])


def _draw_leaves(world: World, stencil: Stencil, rng: np.random.Generator, half: float) -> None:
    size = 0.085 * world.bulk
    for side in (-1, 1):
        for _ in range(4):
            angle = np.pi / 2 + side * rng.uniform(0.25, 1.15)
            plants.spray(
                stencil,
                rng,
                side * (half + rng.uniform(-0.1, 0.1)),
                rng.uniform(-0.12, 0.03),
                angle,
                0.3 * world.bulk,
                11,
                size,
            )
        for _ in range(3):
            plants.fern(stencil, rng, side * half * rng.uniform(0.72, 1.08), 1.08, 0.26 * world.bulk, 7)


def to_mask(levels: noise.Array, canvas: LayerArea) -> Picture:
    """Return a coarse map of levels from 0 to 255 as a mask of the size of *canvas*."""
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).resize(canvas.size, Image.Resampling.BICUBIC)


def light_windows(
    image: Picture, panes: Stencil, size: float, shade: Colour = (1.0, 0.76, 0.4), amount: float = 1.1
) -> None:
    """Let *panes* shine as lit windows of a building *size* stage units large."""
    shine(image, panes.image, shade, max(4, round(0.12 * size * panes.canvas.scale)), amount)
