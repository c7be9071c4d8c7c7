"""Open land: mountains, fields, deserts, and roads across plains."""

import numpy as np

from storyboard.animatic import actors, figures, noise, plants, sky, terrain, weather
from storyboard.animatic.brush import Stencil, cut_out, tint
from storyboard.animatic.layers import Layer
from storyboard.animatic.palette import mix
from storyboard.animatic.water import Water
from storyboard.animatic.world import Element, Plane, World

BACK = sky.DEPTH


def mountain(world: World) -> list[Element]:
    """Build ranges behind one another, mist between them, a wood or a lake in front."""
    rng = world.rng_for("mountain")
    line, tall = world.horizon + 0.06, 0.36 * (0.7 + 0.3 * world.bulk)
    peaks = _peaks(world, line, tall)
    hills = terrain.mountain_range(
        world, "hills", 0.36, line, tall * 0.52, frequency=1.7, sharp=0.45, mist=0.7, plane=BACK
    )
    back = sky.bake(sky.backdrop(world), peaks, hills)
    front = terrain.foreground(world, "branches" if rng.random() < 0.5 else "rocks")
    watery = rng.random() < 0.45 and not world.reading.has("person", "people", "cabin")
    middle = _lake(world, back, line) if watery else _valley(world, line)
    gap = world.spread * 0.62
    frame = terrain.treeline(
        world, "frame", 0.9, 1.04, 0.56 * world.bulk, "fir", mist=0.12, gap=gap, rise=0.2, below=0.1
    )
    walkers = [*actors.walkers(world, line + 0.33, 0.2), *actors.birds(world)]
    return [Plane(back), *sky.passing_clouds(world), *middle, *walkers, Plane(frame), Plane(front)]


def field(world: World) -> list[Element]:
    """Build rolling hills, a tree, grass in the wind."""
    line = world.horizon + 0.05
    far = [_slope(world, f"far {i}", 0.16 + 0.1 * i, line + 0.03 * i, 0.14 - 0.03 * i, 0.7, BACK) for i in range(3)]
    hedge = terrain.treeline(
        world, "hedge", 0.36, line + 0.055, 0.05 * world.bulk, "crown", mist=0.5, below=0.05, plane=BACK
    )
    back = sky.bake(sky.backdrop(world), *far, hedge)
    elements: list[Element] = [
        Plane(back),
        *sky.passing_clouds(world),
        Plane(_slope(world, "hill", 0.5, line + 0.14, 0.1, 0.25)),
    ]
    elements.append(weather.fog(world, 0.5, line + 0.1, 0.05, 0.4))
    if world.reading.has("cabin"):
        elements.append(Plane(cabin(world, 0.55, line + 0.12, 0.15 * world.bulk)))
    place = (-1 if world.light.x > 0 else 1) * world.spread * float(world.rng_for("field").uniform(0.35, 0.6))
    elements.append(Plane(_lone_tree(world, place, line + 0.17), swing=(0.002, 0.0, 5.0)))
    if world.reading.has("flowers"):
        elements.append(Plane(_flowers(world, line + 0.2)))
    elements += [*actors.walkers(world, line + 0.27, 0.22), *actors.birds(world)]
    near = _slope(world, "near", 0.8, line + 0.34, 0.06, 0.0)
    return [*elements, Plane(near), Plane(terrain.foreground(world, "grass"), swing=(0.006, 0.0, 4.0))]


def desert(world: World) -> list[Element]:
    """Build dunes with a lit and a shaded side, mesas behind them."""
    line = world.horizon + 0.02
    mesas = _mesas(world, line)
    far = _dune(world, 0, 0.24, line + 0.015, 0.05, plane=BACK)
    back = sky.bake(sky.backdrop(world), mesas, far)
    planes: list[Element] = [Plane(back), *sky.passing_clouds(world)]
    planes += [Plane(_dune(world, 1, 0.4, line + 0.10, 0.10)), Plane(_dune(world, 2, 0.58, line + 0.25, 0.15))]
    dust = weather.fog(world, 0.6, line + 0.17, 0.09, 0.3, mix(world.palette.haze, world.palette.light, 0.3))
    return [
        *planes,
        dust,
        *actors.walkers(world, line + 0.29, 0.24),
        *actors.birds(world),
        Plane(_dune(world, 3, 0.85, line + 0.45, 0.13)),
    ]


def road(world: World) -> list[Element]:
    """Build a road to the horizon, with poles along it."""
    line = world.horizon + 0.01
    peaks = terrain.mountain_range(world, "peaks", 0.22, line, 0.2, frequency=1.5, sharp=0.6, mist=0.8, plane=BACK)
    hills = terrain.mountain_range(
        world,
        "hills",
        0.36,
        line + 0.01,
        0.07,
        frequency=1.8,
        sharp=0.1,
        material=world.palette.leaf,
        mist=0.6,
        plane=BACK,
    )
    back = sky.bake(sky.backdrop(world), peaks, hills)
    elements: list[Element] = [
        Plane(back),
        *sky.passing_clouds(world),
        Plane(_asphalt(world, line)),
        Plane(_poles(world, line, 0.45, 0.16)),
        Plane(_poles(world, line, 0.75, 0.5)),
    ]
    if world.reading.has("car"):
        place = figures.crossing_path(
            world, 0.07 * world.spread, 0.05 * world.spread, line + 0.25, world.seconds, 0.0012
        )
        elements.append(figures.Actor(actors.car(world, 0.3 * world.bulk, 0.3), place))
    return [
        *elements,
        *actors.walkers(world, line + 0.27, 0.22),
        *actors.birds(world),
        Plane(terrain.foreground(world, "grass")),
    ]


def _peaks(world: World, line: float, tall: float) -> Layer:
    frequency, base = 1.5 / world.spread, line - 0.02
    peaks = terrain.mountain_range(
        world, "peaks", 0.24, base, tall, frequency=frequency, sharp=0.8, mist=0.75, plane=BACK
    )
    crest = terrain.crest_line(world, "peaks", peaks.canvas, base, tall, frequency=frequency, sharp=0.8)
    paint_light_and_snow(world, peaks, crest, line, tall)
    return peaks


def _valley(world: World, line: float) -> list[Element]:
    """Build a near range, mist at its foot, a wood, possibly a house."""
    leaf = world.palette.leaf
    near = terrain.mountain_range(
        world, "near", 0.5, line + 0.1, 0.2, frequency=1.4, sharp=0.2, material=leaf, mist=0.45, below=0.6
    )
    wood = terrain.treeline(world, "wood", 0.66, line + 0.17, 0.2 * world.bulk, "fir", mist=0.3, below=0.6)
    elements: list[Element] = [Plane(near), weather.fog(world, 0.55, line + 0.09, 0.07, 0.55), Plane(wood)]
    if world.reading.has("cabin"):
        elements.append(Plane(cabin(world, 0.7, line + 0.2, 0.16 * world.bulk)))
    return elements


def _lake(world: World, back: Layer, line: float) -> list[Element]:
    """Build a lake that mirrors *back*, and add a shore to *back*."""
    leaf = world.palette.leaf
    shore = terrain.mountain_range(
        world, "near", 0.42, line, 0.12, frequency=1.6, sharp=0.2, material=leaf, mist=0.45, plane=BACK
    )
    wood = terrain.treeline(world, "wood", 0.55, line + 0.004, 0.14 * world.bulk, "fir", mist=0.3)
    sky.bake(back, shore)
    return [Plane(wood), Water(world, [(back, line), (wood, line)], clear=0.85, glint=0.8, chop=0.7, speed=0.6)]


def paint_light_and_snow(
    world: World, peaks: Layer, crest: tuple[noise.Array, noise.Array], base: float, height: float
) -> None:
    """Paint light on slopes that face it, and snow on high parts."""
    x, line = crest
    lit, caps = Stencil(peaks.canvas), Stencil(peaks.canvas)
    way = 1 if world.light.x > 0 else -1
    rng = world.rng_for("faces")
    wide = max(3, round(0.05 / (x[1] - x[0])))
    calm = np.convolve(np.pad(line, wide, mode="edge"), np.ones(wide) / wide, mode="same")[wide:-wide]
    tops = np.flatnonzero((calm[1:-1] < calm[:-2]) & (calm[1:-1] <= calm[2:])) + 1
    for top in tops.tolist():
        end = top
        while 0 < end + way < len(x) - 1 and calm[end + way] >= calm[end] - 1e-5:
            end += way
        if abs(end - top) < 4:
            continue
        depth = np.linspace(0, 1, 9)
        wide = x[end] - x[top]
        inner = (
            x[top] + wide * (0.45 * depth**1.4) + 0.22 * abs(wide) * rng.uniform(-0.5, 0.5, 9) * np.sin(np.pi * depth)
        )
        deep = line[end] + 0.55 * (base - line[end])
        outline = np.stack([x[top:end:way], line[top:end:way]], axis=1)
        seam = np.stack([inner, line[top] + depth * (deep - line[top])], axis=1)
        lit.polygon(np.concatenate([outline, seam[::-1]]))
    tint(peaks.image, lit.soft_mask(0.002), mix(world.palette.light, world.palette.haze, 0.35), 0.3)
    start = base - height * (0.38 if world.reading.has("snow") else 0.6)
    thick = np.maximum(0.0, start - line) * (0.55 + 0.5 * noise.ridge(rng, x, 22, 2, sharp=0.8))
    caps.polygon(
        np.concatenate(
            [np.stack([x, line - 0.01], axis=1), np.stack([x, line + np.maximum(thick, -0.01)], axis=1)[::-1]]
        )
    )
    tint(peaks.image, caps.soft_mask(), mix(world.palette.light, world.palette.haze, 0.2), 0.62)


def _slope(
    world: World, name: str, depth: float, base: float, height: float, mist: float, plane: float | None = None
) -> Layer:
    """Draw a soft hill under grass."""
    leaf = mix(world.palette.leaf, world.palette.ground, 0.4)
    frequency = 1.3 if plane is not None else 0.9
    return terrain.mountain_range(
        world,
        name,
        depth,
        base,
        height,
        frequency=frequency,
        sharp=0.0,
        octaves=3,
        material=leaf,
        mist=mist,
        below=0.6,
        plane=plane,
    )


def _flowers(world: World, top: float) -> Layer:
    """Draw flower heads over the slope, larger towards the camera."""
    canvas = world.canvas(0.62, top)
    heads = Stencil(canvas)
    rng = world.rng_for("flowers")
    for near in np.sort(rng.uniform(0, 1, round(420 * world.aspect))) ** 1.4:
        y = top + 0.02 + near * (canvas.bottom - top)
        heads.disc(
            rng.uniform(canvas.left, canvas.right),
            y,
            0.0022 + 0.0085 * near * rng.uniform(0.6, 1.1),
            0.7,
            int(150 + 105 * near),
        )
    paint = world.paint(canvas, 0.3, tone=mix(world.palette.accent, world.palette.dark, 0.18), glow=0.4)
    return Layer(canvas, 0.62, cut_out(paint, heads.soft_mask()))


def _lone_tree(world: World, x: float, base: float) -> Layer:
    size = 0.44 * world.bulk
    canvas = world.canvas(0.6, base - size * 1.15, base + 0.02)
    stencil = Stencil(canvas)
    plants.tree(stencil, world.rng_for("lone tree"), x, base, size)
    return world.silhouette(stencil, 0.6, world.palette.leaf)


def cabin(world: World, depth: float, base: float, size: float) -> Layer:
    """Draw a house with a lit window."""
    side = 1 if world.light.x < 0 else -1
    x = -side * 0.42 * world.spread
    canvas = world.canvas(depth, base - size * 1.4, base + 0.02)
    walls, panes = Stencil(canvas), Stencil(canvas)
    walls.box(x - size * 0.5, base - size * 0.5, x + size * 0.5, base + 0.01)
    walls.polygon(
        [
            (x - size * 0.62, base - size * 0.46),
            (x - size * 0.28, base - size * 0.92),
            (x + size * 0.34, base - size * 0.92),
            (x + size * 0.62, base - size * 0.46),
        ]
    )
    walls.box(x + size * 0.12, base - size * 1.15, x + size * 0.24, base - size * 0.8)
    for at in (-0.32, 0.06):
        panes.box(x + size * at, base - size * 0.36, x + size * (at + 0.2), base - size * 0.16)
    image = cut_out(world.paint(canvas, depth), walls.soft_mask())
    terrain.light_windows(image, panes, size)
    return Layer(canvas, depth, image)


def _mesas(world: World, line: float) -> Layer:
    canvas = world.canvas(BACK, line - 0.3, line + 0.03)
    stencil = Stencil(canvas)
    rng = world.rng_for("mesas")
    for _ in range(round(4 * world.aspect)):
        x, wide, tall = (
            rng.uniform(canvas.left, canvas.right),
            rng.uniform(0.05, 0.2),
            rng.uniform(0.04, 0.13) * world.bulk,
        )
        steps = [
            (-1.5, 0.0),
            (-1.15, -0.35),
            (-1.0, -0.4),
            (-0.93, -0.9),
            (-0.8, -1.0),
            (0.7, -1.0),
            (0.85, -0.86),
            (0.95, -0.4),
            (1.2, -0.33),
            (1.6, 0.0),
        ]
        stencil.polygon(
            [(x + sx * wide * 0.5 + rng.uniform(-0.004, 0.004), line + 0.02 + sy * tall) for sx, sy in steps]
        )
    return world.silhouette(stencil, 0.25, world.palette.ground, [(line - 0.14, line, 0.75)], plane=BACK)


def _dune(world: World, number: int, depth: float, base: float, height: float, plane: float | None = None) -> Layer:
    canvas = world.canvas(
        depth if plane is None else plane, base - height * 1.6, base + 0.6 if plane is not None else None
    )
    rng = world.rng_for(f"dune {number}")
    x = world.across(canvas)
    crest = base - height * (0.35 + 0.75 * noise.ridge(rng, x, 0.8 + 0.5 * (1 - depth), 3, 0.32, 0.25))
    stencil, lit = Stencil(canvas), Stencil(canvas)
    stencil.polygon(terrain.outline_below(x, crest, canvas.bottom))
    side = 1 if world.light.x > 0 else -1
    slope = np.gradient(crest, x) * side
    edge = crest + np.maximum(0.0, 0.05 + slope * 0.9) * height * 1.7 + 0.12 * height * noise.ridge(rng, x, 5, 3)
    lit.polygon(np.concatenate([np.stack([x, crest], axis=1), np.stack([x, np.maximum(edge, crest)], axis=1)[::-1]]))
    sand = world.palette.ground
    paint = world.paint(
        canvas,
        depth,
        sand,
        [(base - height * 0.3, base + height * 0.9, 0.45 * (1 - depth))],
        tone=mix(world.tone(depth), sand, 0.62 - 0.3 * depth),
    )
    image = cut_out(paint, stencil.soft_mask())
    tint(image, lit.soft_mask(0.004 + 0.012 * depth), mix(sand, world.light.colour, 0.55), 0.62 - 0.25 * depth)
    return Layer(canvas, depth if plane is None else plane, image)


def _asphalt(world: World, line: float) -> Layer:
    canvas = world.canvas(0.55, line)
    ground = world.paint(canvas, 0.5, mix(world.palette.ground, world.palette.leaf, 0.4), [(line + 0.2, line, 0.6)])
    lane, marks = Stencil(canvas), Stencil(canvas)
    end = canvas.bottom + 0.02
    deep = end - line
    lane.polygon([(-0.012, line), (0.012, line), (0.012 + 1.15 * deep, end), (-0.012 - 1.15 * deep, end)])
    tint(ground, lane.soft_mask(), mix(world.palette.dark, world.palette.haze, 0.16), 0.9)
    for near in np.geomspace(0.02, deep, 13):
        marks.polygon(
            [
                (-0.011 * near, line + near * 0.82),
                (0.011 * near, line + near * 0.82),
                (0.016 * near, line + near),
                (-0.016 * near, line + near),
            ]
        )
    for side in (-1, 1):
        marks.polygon([(side * 0.011, line), (side * (0.011 + 1.06 * deep), end), (side * (0.011 + 1.085 * deep), end)])
    tint(ground, marks.soft_mask(), mix(world.palette.haze, (1.0, 0.96, 0.86), 0.5), 0.7)
    return Layer(canvas, 0.55, ground)


def _poles(world: World, line: float, depth: float, reach: float) -> Layer:
    canvas = world.canvas(depth)
    stencil = Stencil(canvas)
    side = 1 if world.light.x < 0 else -1
    for near in (0.1, 0.16, 0.26, 0.42, 0.7) if depth < 0.6 else (1.0, 1.7):
        x, foot, tall = (
            side * (0.02 + 0.62 * near * reach * 3.2),
            line + 0.24 * near * reach * 3.2,
            0.62 * near * reach * 2.2,
        )
        stencil.limb([(x, foot), (x, foot - tall)], [0.012 * near, 0.009 * near])
        stencil.limb([(x - 0.06 * near, foot - tall * 0.93), (x + 0.06 * near, foot - tall * 0.93)], [0.008 * near] * 2)
    return world.silhouette(stencil, depth, lift=[(line - 0.1, line + 0.1, 0.2)])
