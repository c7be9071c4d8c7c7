"""Plains: deserts, and roads across open land."""

import numpy as np

from storyboard.providers.animatic import air, craft, figures, life, noise, parts, sky
from storyboard.providers.animatic.brush import Stencil, cut_out, tint
from storyboard.providers.animatic.layer import Layer
from storyboard.providers.animatic.palette import mix
from storyboard.providers.animatic.world import Element, Plane, World

BACK = sky.DEPTH


def desert(world: World) -> list[Element]:
    """Dunes with a lit and a shaded side, mesas behind them."""
    line = world.horizon + 0.02
    mesas = _mesas(world, line)
    far = _dune(world, 0, 0.24, line + 0.015, 0.05, plane=BACK)
    back = sky.baked(sky.backdrop(world), mesas, far)
    planes: list[Element] = [Plane(back), *sky.passing_clouds(world)]
    planes += [Plane(_dune(world, 1, 0.4, line + 0.10, 0.10)), Plane(_dune(world, 2, 0.58, line + 0.25, 0.15))]
    dust = air.fog(world, 0.6, line + 0.17, 0.09, 0.3, mix(world.palette.haze, world.palette.light, 0.3))
    return [
        *planes,
        dust,
        *life.walking(world, line + 0.29, 0.24),
        *life.birds(world),
        Plane(_dune(world, 3, 0.85, line + 0.45, 0.13)),
    ]


def _mesas(world: World, line: float) -> Layer:
    canvas = world.canvas(BACK, line - 0.3, line + 0.03)
    stencil = Stencil(canvas)
    rng = world.chance("mesas")
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
    return world.cut(stencil, 0.25, world.palette.ground, [(line - 0.14, line, 0.75)], plane=BACK)


def _dune(world: World, number: int, depth: float, base: float, height: float, plane: float | None = None) -> Layer:
    canvas = world.canvas(
        depth if plane is None else plane, base - height * 1.6, base + 0.6 if plane is not None else None
    )
    rng = world.chance(f"dune {number}")
    x = world.across(canvas)
    crest = base - height * (0.35 + 0.75 * noise.ridge(rng, x, 0.8 + 0.5 * (1 - depth), 3, 0.32, 0.25))
    stencil, lit = Stencil(canvas), Stencil(canvas)
    stencil.polygon(parts.under(x, crest, canvas.bottom))
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
    image = cut_out(paint, stencil.soft())
    tint(image, lit.soft(0.004 + 0.012 * depth), mix(sand, world.light.colour, 0.55), 0.62 - 0.25 * depth)
    return Layer(canvas, depth if plane is None else plane, image)


def road(world: World) -> list[Element]:
    """A road to the horizon, poles beside it."""
    line = world.horizon + 0.01
    peaks = parts.range_(world, "peaks", 0.22, line, 0.2, frequency=1.5, sharp=0.6, mist=0.8, plane=BACK)
    hills = parts.range_(
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
    back = sky.baked(sky.backdrop(world), peaks, hills)
    elements: list[Element] = [
        Plane(back),
        *sky.passing_clouds(world),
        Plane(_asphalt(world, line)),
        Plane(_poles(world, line, 0.45, 0.16)),
        Plane(_poles(world, line, 0.75, 0.5)),
    ]
    if world.reading.has("car"):
        place = figures.crossing(world, 0.07 * world.spread, 0.05 * world.spread, line + 0.25, world.seconds, 0.0012)
        elements.append(figures.Actor(craft.car(world, 0.3 * world.bulk, 0.3), place))
    return [
        *elements,
        *life.walking(world, line + 0.27, 0.22),
        *life.birds(world),
        Plane(parts.framing(world, "grass")),
    ]


def _asphalt(world: World, line: float) -> Layer:
    canvas = world.canvas(0.55, line)
    ground = world.paint(canvas, 0.5, mix(world.palette.ground, world.palette.leaf, 0.4), [(line + 0.2, line, 0.6)])
    lane, marks = Stencil(canvas), Stencil(canvas)
    end = canvas.bottom + 0.02
    deep = end - line
    lane.polygon([(-0.012, line), (0.012, line), (0.012 + 1.15 * deep, end), (-0.012 - 1.15 * deep, end)])
    tint(ground, lane.soft(), mix(world.palette.dark, world.palette.haze, 0.16), 0.9)
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
    tint(ground, marks.soft(), mix(world.palette.haze, (1.0, 0.96, 0.86), 0.5), 0.7)
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
    return world.cut(stencil, depth, lift=[(line - 0.1, line + 0.1, 0.2)])
