"""Temples and ruins: a stepped pyramid or a portico in the woods, with stairs."""

import numpy as np

from storyboard.animatic import actors, noise, plants, sky, terrain, weather
from storyboard.animatic.brush import Stencil, cut_out, shine, tint
from storyboard.animatic.layers import Layer, LayerArea
from storyboard.animatic.palette import mix
from storyboard.animatic.planes import Picture
from storyboard.animatic.scenes import sea
from storyboard.animatic.world import Element, Plane, World

DEPTH = 0.4


def temple(world: World) -> list[Element]:
    """Build a temple at the end of its path."""
    foot = world.horizon + 0.10
    kind = "fir" if world.reading.has("pine", "snow") else "crown"
    hills = terrain.mountain_range(
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
    wood = terrain.treeline(world, "wood", 0.3, foot, 0.2 * world.bulk, kind, mist=0.7, below=0.4, plane=sky.DEPTH)
    back = sky.bake(sky.backdrop(world), hills, wood)
    build = pyramid if _is_stepped(world) else portico
    elements: list[Element] = [Plane(back), *sky.passing_clouds(world)]
    if not world.palette.night:
        elements.append(sea.shafts(world, sky.DEPTH, 0.3))
    elements += [Plane(build(world, foot)), weather.fog(world, 0.45, foot + 0.03, 0.07, 0.6)]
    if world.palette.night or world.reading.has("fire"):
        elements += [
            weather.Lamp(world, (side * 0.25 * world.spread, foot + 0.045), DEPTH, (1.0, 0.6, 0.22), 0.2, 0.8, 0.7)
            for side in (-1, 1)
        ]
    elements += [Plane(sides(world, 0.58, foot + 0.1, 0.42, kind)), *actors.walkers(world, foot + 0.2, 0.15)]
    near = Plane(sides(world, 0.85, foot + 0.32, 0.66, kind))
    return [
        *elements,
        near,
        *actors.birds(world),
        Plane(terrain.foreground(world, "leaves" if kind == "crown" else "branches"), swing=(0.004, 0.002, 7.0)),
    ]


def _is_stepped(world: World) -> bool:
    return world.reading.has("jungle", "mangrove", "stairs") or world.rng_for("temple").random() < 0.45


class _BuildingMasks:
    """The masks of one building: walls, shaded parts, lit parts, stairs and door."""

    def __init__(self, canvas: LayerArea) -> None:
        self.canvas = canvas
        self.walls, self.shade, self.lit, self.stairs, self.door = (Stencil(canvas) for _ in range(5))

    def paint(self, world: World, foot: float, mist: float) -> Layer:
        """Return the painted building on its ground; *mist* is how far the air rises at its foot."""
        x = world.across(self.canvas)
        self.walls.polygon(terrain.outline_below(x, np.full_like(x, foot), self.canvas.bottom))
        lift = [(foot - mist, foot + 0.03, 0.5)]
        image = cut_out(world.paint(self.canvas, DEPTH, world.palette.ground, lift), self.walls.soft_mask())
        _tint_faces(world, image, self.shade, self.lit, self.stairs)
        _paint_doorway(world, image, self.door)
        return Layer(self.canvas, DEPTH, image)


def pyramid(world: World, foot: float) -> Layer:
    """Draw a stepped pyramid with a shrine on top, brighter on the side that faces the light."""
    half, tall = 0.62 * world.spread * (0.75 + 0.25 * world.bulk), 0.46 * (0.7 + 0.3 * world.bulk)
    ink = _BuildingMasks(world.canvas(DEPTH, foot - tall * 1.6, foot + 0.6))
    way = 1 if world.light.x > 0 else -1
    rng = world.rng_for("pyramid")
    summit = foot - tall * 0.78
    _draw_tiers(ink, rng, way, half, foot, summit)
    _draw_shrine(ink, way, half * 0.24, summit, tall)
    _draw_stairs(ink.stairs, ink.shade, summit, foot + 0.35, half * 0.15, half * 0.27)
    _draw_overgrowth(ink.walls, rng, half, foot, tall)
    return ink.paint(world, foot, tall * 0.5)


def _draw_tiers(
    ink: _BuildingMasks, rng: np.random.Generator, way: int, half: float, foot: float, summit: float
) -> None:
    tiers = 6
    for tier in range(tiers):
        low, high = (foot + (summit - foot) * step / tiers for step in (tier, tier + 1))
        wide = half * (1 - 0.7 * tier / tiers)
        top = wide - 0.018
        ink.walls.polygon([(-wide, low + 0.004), (-top, high), (top, high), (wide, low + 0.004)])
        ink.shade.box(-wide, low - 0.004, wide, low + 0.005)
        ink.lit.polygon([(way * wide, low), (way * top, high), (way * top * 0.36, high), (way * wide * 0.36, low)])
        for x in rng.uniform(-top, top, 5):
            ink.shade.box(x, high + 0.008, x + 0.0018, low - 0.01)


def _draw_shrine(ink: _BuildingMasks, way: int, half: float, base: float, tall: float) -> None:
    eaves, roof, comb = (base - tall * part for part in (0.2, 0.25, 0.4))
    ink.walls.box(-half, eaves, half, base)
    ink.walls.box(-half * 1.14, roof, half * 1.14, eaves)
    ink.walls.polygon([(-half * 0.8, roof), (-half * 0.66, comb), (half * 0.66, comb), (half * 0.8, roof)])
    near, far = way * half, way * half * 0.35
    ink.lit.polygon([(near, base), (near, eaves), (far, eaves), (far, base)])
    lintel = base - tall * 0.13
    ink.door.polygon([(-half * 0.24, base), (-half * 0.2, lintel), (half * 0.2, lintel), (half * 0.24, base)])


def _tint_faces(world: World, image: Picture, shade: Stencil, lit: Stencil, stairs: Stencil) -> None:
    tint(image, lit.soft_mask(), mix(world.palette.light, world.palette.haze, 0.4), 0.26)
    tint(image, stairs.soft_mask(), mix(world.palette.light, world.palette.haze, 0.55), 0.42)
    tint(image, shade.soft_mask(), world.palette.dark, 0.4)


def _paint_doorway(world: World, image: Picture, door: Stencil) -> None:
    if world.palette.night or world.reading.has("glow", "fire"):
        shine(
            image,
            door.image,
            (1.0, 0.66, 0.3) if not world.reading.has("glow") else world.palette.accent,
            max(4, round(0.035 * door.canvas.scale)),
            1.2,
        )
    else:
        tint(image, door.soft_mask(), world.palette.dark, 0.85)


def _draw_stairs(stairs: Stencil, shade: Stencil, top: float, foot: float, narrow: float, wide: float) -> None:
    """Draw a flight of stairs with a rail on both sides, steps larger towards the camera."""
    stairs.polygon([(-narrow, top), (narrow, top), (wide, foot), (-wide, foot)])
    for part in np.linspace(0, 1, 38)[1:] ** 1.15:
        y, half = top + (foot - top) * part, narrow + (wide - narrow) * part
        shade.box(-half, y - 0.0012 - 0.0016 * part, half, y + 0.0006)
    for side in (-1, 1):
        shade.polygon(
            [(side * narrow, top), (side * narrow * 1.16, top), (side * wide * 1.12, foot), (side * wide, foot)]
        )


def _draw_overgrowth(walls: Stencil, rng: np.random.Generator, half: float, foot: float, tall: float) -> None:
    for _ in range(16):
        side, rise = int(rng.choice([-1, 1])), rng.uniform(0, 0.75)
        x = side * half * (1 - 0.88 * rise) * rng.uniform(0.8, 1.0)
        plants.tuft(walls, rng, x, foot - tall * rise * 0.78, rng.uniform(0.012, 0.035), 40, 0.6)
    for side in (-1, 1):
        plants.tuft(walls, rng, side * half * 1.03, foot, 0.07, 90, 0.6)


def portico(world: World, foot: float) -> Layer:
    """Draw columns under a gable, some of them broken."""
    half, tall = 0.58 * world.spread * (0.75 + 0.25 * world.bulk), 0.36 * (0.7 + 0.3 * world.bulk)
    ink = _BuildingMasks(world.canvas(DEPTH, foot - tall * 1.7, foot + 0.6))
    rng = world.rng_for("portico")
    broken = world.reading.has("jungle") or rng.random() < 0.5
    _draw_columns(ink, rng, 1 if world.light.x > 0 else -1, (half, tall, foot), broken)
    start, eaves = -half * (0.5 if broken else 1.0), foot - tall
    ink.walls.box(start, eaves - tall * 0.13, half, eaves)
    ink.walls.polygon([(start, eaves - tall * 0.13), (start * 0.08, eaves - tall * 0.45), (half, eaves - tall * 0.13)])
    ink.shade.box(start, eaves - tall * 0.012, half, eaves + tall * 0.015)
    ink.door.box(-half * 0.09, foot - tall * 0.62, half * 0.09, foot)
    ink.walls.box(-half * 0.5, foot - tall * 0.86, half * 0.5, foot)
    for step in range(4):
        wide, top = half * (1.04 + 0.05 * step), foot + 0.012 * step
        ink.walls.box(-wide, top, wide, top + 0.014)
        ink.shade.box(-wide, top, wide, top + 0.002)
    _draw_stairs(ink.stairs, ink.shade, foot, foot + 0.35, half * 0.16, half * 0.34)
    return ink.paint(world, foot + 0.045, tall * 0.6)


def _draw_columns(
    ink: _BuildingMasks,
    rng: np.random.Generator,
    way: int,
    form: tuple[float, float, float],
    broken: bool,
    count: int = 8,
) -> None:
    half, tall, foot = form
    wide = half * 0.062
    for number in range(count):
        x = half * (2 * (number + 0.5) / count - 1) * 0.94
        top = foot - tall * (rng.uniform(0.35, 0.8) if broken and number < 2 else 1.0)
        ink.walls.polygon([(x - wide, foot), (x - wide * 0.82, top), (x + wide * 0.82, top), (x + wide, foot)])
        ink.walls.box(x - wide * 1.25, top, x + wide * 1.25, top + tall * 0.035)
        ink.walls.box(x - wide * 1.3, foot - tall * 0.04, x + wide * 1.3, foot)
        edge = way * wide
        ink.lit.polygon([(x + edge, foot), (x + edge * 0.82, top), (x + edge * 0.3, top), (x + edge * 0.3, foot)])


def sides(world: World, depth: float, base: float, inner: float, kind: str) -> Layer:
    """Draw trees and undergrowth that leave the path in the middle open."""
    canvas = world.canvas(depth)
    stencil = Stencil(canvas)
    rng = world.rng_for(f"sides {depth}")
    x = world.across(canvas)
    away = np.abs(x) / (inner * world.spread)
    rim = base - 0.012 * np.abs(np.sin(23 * x)) + (canvas.bottom + 0.02 - base) * noise.smoothstep(1.15, 0.55, away)
    stencil.polygon(terrain.outline_below(x, rim, canvas.bottom + 0.03))
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
    return world.silhouette(stencil, depth, world.palette.leaf, [(base - 0.3, base + 0.05, 0.3 * (1 - depth))])
