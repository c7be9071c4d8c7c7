"""Temples and ruins: a stepped pyramid or a portico in the woods, stairs that lead up to it."""

import numpy as np

from storyboard.providers.animatic import air, life, noise, parts, plants, shore, sky
from storyboard.providers.animatic.brush import Stencil, cut_out, shine, tint
from storyboard.providers.animatic.layer import Layer, Picture
from storyboard.providers.animatic.palette import mix
from storyboard.providers.animatic.world import Element, Plane, World

DEPTH = 0.4


def temple(world: World) -> list[Element]:
    """A temple at the end of its way."""
    foot = world.horizon + 0.10
    kind = "fir" if world.reading.has("pine", "snow") else "crown"
    hills = parts.range_(
        world,
        "hills",
        0.16,
        foot - 0.04,
        0.3,
        frequency=1.6,
        sharp=0.35,
        material=world.palette.leaf,
        mist=0.85,
        plane=sky.DEPTH,
    )
    wood = parts.treeline(world, "wood", 0.3, foot, 0.2 * world.bulk, kind, mist=0.7, below=0.4, plane=sky.DEPTH)
    back = sky.baked(sky.backdrop(world), hills, wood)
    build = pyramid if _stepped(world) else portico
    elements: list[Element] = [Plane(back), *sky.passing_clouds(world)]
    if not world.palette.night:
        elements.append(shore.shafts(world, sky.DEPTH, 0.3))
    elements += [Plane(build(world, foot)), air.fog(world, 0.45, foot + 0.03, 0.07, 0.6)]
    if world.palette.night or world.reading.has("fire"):
        elements += [
            air.Lamp(world, (side * 0.25 * world.spread, foot + 0.045), DEPTH, (1.0, 0.6, 0.22), 0.2, 0.8, 0.7)
            for side in (-1, 1)
        ]
    elements += [Plane(sides(world, 0.58, foot + 0.1, 0.42, kind)), *life.walking(world, foot + 0.2, 0.15)]
    near = Plane(sides(world, 0.85, foot + 0.32, 0.66, kind))
    return [
        *elements,
        near,
        *life.birds(world),
        Plane(parts.framing(world, "leaves" if kind == "crown" else "branches"), swing=(0.004, 0.002, 7.0)),
    ]


def _stepped(world: World) -> bool:
    return world.reading.has("jungle", "mangrove", "stairs") or world.chance("temple").random() < 0.45


def pyramid(world: World, foot: float) -> Layer:
    """A stepped pyramid with a shrine on top; the side that looks to the light is brighter."""
    half, tall = 0.62 * world.spread * (0.75 + 0.25 * world.bulk), 0.46 * (0.7 + 0.3 * world.bulk)
    canvas = world.canvas(DEPTH, foot - tall * 1.6, foot + 0.6)
    walls, shade, lit, stairs, door = (Stencil(canvas) for _ in range(5))
    way = 1 if world.light.x > 0 else -1
    rng = world.chance("pyramid")
    tiers = 6
    for tier in range(tiers):
        low, high = foot - tall * 0.78 * tier / tiers, foot - tall * 0.78 * (tier + 1) / tiers
        wide, top = half * (1 - 0.7 * tier / tiers), half * (1 - 0.7 * tier / tiers) - 0.018
        walls.polygon([(-wide, low + 0.004), (-top, high), (top, high), (wide, low + 0.004)])
        shade.box(-wide, low - 0.004, wide, low + 0.005)
        lit.polygon([(way * wide, low), (way * top, high), (way * top * 0.36, high), (way * wide * 0.36, low)])
        for _ in range(5):
            x = rng.uniform(-top, top)
            shade.box(x, high + 0.008, x + 0.0018, low - 0.01)
    summit, house = foot - tall * 0.78, half * 0.24
    walls.box(-house, summit - tall * 0.2, house, summit)
    walls.box(-house * 1.14, summit - tall * 0.25, house * 1.14, summit - tall * 0.2)
    walls.polygon(
        [
            (-house * 0.8, summit - tall * 0.25),
            (-house * 0.66, summit - tall * 0.40),
            (house * 0.66, summit - tall * 0.40),
            (house * 0.8, summit - tall * 0.25),
        ]
    )
    lit.polygon(
        [
            (way * house, summit),
            (way * house, summit - tall * 0.2),
            (way * house * 0.35, summit - tall * 0.2),
            (way * house * 0.35, summit),
        ]
    )
    door.polygon(
        [
            (-house * 0.24, summit),
            (-house * 0.2, summit - tall * 0.13),
            (house * 0.2, summit - tall * 0.13),
            (house * 0.24, summit),
        ]
    )
    _stairs(stairs, shade, summit, foot + 0.35, half * 0.15, half * 0.27)
    walls.polygon(parts.under(world.across(canvas), foot + 0.0 * world.across(canvas), canvas.bottom))
    _overgrown(walls, rng, half, foot, tall)
    image = cut_out(
        world.paint(canvas, DEPTH, world.palette.ground, [(foot - tall * 0.5, foot + 0.03, 0.5)]), walls.soft()
    )
    _faces(world, image, shade, lit, stairs)
    _doorway(world, image, door)
    return Layer(canvas, DEPTH, image)


def _faces(world: World, image: Picture, shade: Stencil, lit: Stencil, stairs: Stencil) -> None:
    tint(image, lit.soft(), mix(world.palette.light, world.palette.haze, 0.4), 0.26)
    tint(image, stairs.soft(), mix(world.palette.light, world.palette.haze, 0.55), 0.42)
    tint(image, shade.soft(), world.palette.dark, 0.4)


def _doorway(world: World, image: Picture, door: Stencil) -> None:
    if world.palette.night or world.reading.has("glow", "fire"):
        shine(
            image,
            door.image,
            (1.0, 0.66, 0.3) if not world.reading.has("glow") else world.palette.accent,
            max(4, round(0.035 * door.canvas.scale)),
            1.2,
        )
    else:
        tint(image, door.soft(), world.palette.dark, 0.85)


def _stairs(stairs: Stencil, shade: Stencil, top: float, foot: float, narrow: float, wide: float) -> None:
    """A flight of stairs with a rail on both sides, steps larger towards the camera."""
    stairs.polygon([(-narrow, top), (narrow, top), (wide, foot), (-wide, foot)])
    for part in np.linspace(0, 1, 38)[1:] ** 1.15:
        y, half = top + (foot - top) * part, narrow + (wide - narrow) * part
        shade.box(-half, y - 0.0012 - 0.0016 * part, half, y + 0.0006)
    for side in (-1, 1):
        shade.polygon(
            [(side * narrow, top), (side * narrow * 1.16, top), (side * wide * 1.12, foot), (side * wide, foot)]
        )


def _overgrown(walls: Stencil, rng: np.random.Generator, half: float, foot: float, tall: float) -> None:
    for _ in range(16):
        side, rise = rng.choice([-1, 1]), rng.uniform(0, 0.75)
        x = side * half * (1 - 0.88 * rise) * rng.uniform(0.8, 1.0)
        plants.tuft(walls, rng, x, foot - tall * rise * 0.78, rng.uniform(0.012, 0.035), 40, 0.6)
    for side in (-1, 1):
        plants.tuft(walls, rng, side * half * 1.03, foot, 0.07, 90, 0.6)


def portico(world: World, foot: float) -> Layer:
    """Columns under a gable, some of them broken."""
    half, tall = 0.58 * world.spread * (0.75 + 0.25 * world.bulk), 0.36 * (0.7 + 0.3 * world.bulk)
    canvas = world.canvas(DEPTH, foot - tall * 1.7, foot + 0.6)
    walls, shade, lit, stairs, door = (Stencil(canvas) for _ in range(5))
    rng = world.chance("portico")
    way = 1 if world.light.x > 0 else -1
    broken = world.reading.has("jungle") or rng.random() < 0.5
    count = 8
    for number in range(count):
        x, wide = half * (2 * (number + 0.5) / count - 1) * 0.94, half * 0.062
        top = foot - tall * (rng.uniform(0.35, 0.8) if broken and number in (0, 1) else 1.0)
        walls.polygon([(x - wide, foot), (x - wide * 0.82, top), (x + wide * 0.82, top), (x + wide, foot)])
        walls.box(x - wide * 1.25, top, x + wide * 1.25, top + tall * 0.035)
        walls.box(x - wide * 1.3, foot - tall * 0.04, x + wide * 1.3, foot)
        lit.polygon(
            [
                (x + way * wide, foot),
                (x + way * wide * 0.82, top),
                (x + way * wide * 0.3, top),
                (x + way * wide * 0.3, foot),
            ]
        )
    start = -half if not broken else -half * 0.5
    walls.box(start, foot - tall * 1.13, half, foot - tall)
    walls.polygon([(start, foot - tall * 1.13), (start * 0.08, foot - tall * 1.45), (half, foot - tall * 1.13)])
    shade.box(start, foot - tall * 1.012, half, foot - tall * 0.985)
    door.box(-half * 0.09, foot - tall * 0.62, half * 0.09, foot)
    walls.box(-half * 0.5, foot - tall * 0.86, half * 0.5, foot)
    for step in range(4):
        walls.box(
            -half * (1.04 + 0.05 * step),
            foot + 0.012 * step,
            half * (1.04 + 0.05 * step),
            foot + 0.012 * (step + 1) + 0.002,
        )
        shade.box(
            -half * (1.04 + 0.05 * step), foot + 0.012 * step, half * (1.04 + 0.05 * step), foot + 0.012 * step + 0.002
        )
    _stairs(stairs, shade, foot, foot + 0.35, half * 0.16, half * 0.34)
    walls.polygon(parts.under(world.across(canvas), foot + 0.045 + 0 * world.across(canvas), canvas.bottom))
    image = cut_out(
        world.paint(canvas, DEPTH, world.palette.ground, [(foot - tall * 0.6, foot + 0.03, 0.45)]), walls.soft()
    )
    _faces(world, image, shade, lit, stairs)
    _doorway(world, image, door)
    return Layer(canvas, DEPTH, image)


def sides(world: World, depth: float, base: float, inner: float, kind: str) -> Layer:
    """Trees and undergrowth that leave the way in the middle open."""
    canvas = world.canvas(depth)
    stencil = Stencil(canvas)
    rng = world.chance(f"sides {depth}")
    x = world.across(canvas)
    away = np.abs(x) / (inner * world.spread)
    rim = base - 0.012 * np.abs(np.sin(23 * x)) + (canvas.bottom + 0.02 - base) * noise.smooth(1.15, 0.55, away)
    stencil.polygon(parts.under(x, rim, canvas.bottom + 0.03))
    for side in (-1, 1):
        at = inner * world.spread
        while at < canvas.right + 0.1:
            size = (0.25 + 0.75 * depth) * rng.uniform(0.75, 1.1) * world.bulk
            if kind == "fir":
                plants.fir(stencil, rng, side * at, base, size)
            elif rng.random() < 0.3:
                plants.palm(stencil, rng, side * at, base, size * 0.85)
            else:
                plants.tree(stencil, rng, side * at, base, size)
            plants.tuft(stencil, rng, side * at, base, 0.06 + 0.06 * depth, 90, 0.7)
            plants.fern(stencil, rng, side * (at - 0.05), base + 0.02, 0.06 + 0.08 * depth)
            at += size * rng.uniform(0.3, 0.55)
    return world.cut(stencil, depth, world.palette.leaf, [(base - 0.3, base + 0.05, 0.3 * (1 - depth))])
