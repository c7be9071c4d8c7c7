"""Sea: the open water, and the world below its surface."""

import numpy as np
from PIL import Image

from storyboard.animatic import actors, figures, noise, plants, sky, terrain, weather
from storyboard.animatic.brush import Stencil, cut_out, shine, to_picture
from storyboard.animatic.layers import Layer, LayerArea
from storyboard.animatic.palette import mix
from storyboard.animatic.water import Water
from storyboard.animatic.world import Element, Plane, World


def sea(world: World) -> list[Element]:
    """Build the sea under a wide sky, land to one side of it, boats if they are named."""
    reading, line = world.reading, world.horizon
    rng = world.rng_for("sea")
    planes = []
    if rng.random() < 0.8:
        planes.append(headland(world, "far land", 0.22, line, 0.13, 0.62))
    if reading.has("lighthouse"):
        planes.append(lighthouse(world, line - 0.05))
    planes.append(headland(world, "cape", 0.42, line + 0.003, 0.26, 0.3 if world.aspect > 1 else 0.2))
    back = sky.bake(sky.backdrop(world, line + 0.06), *planes)
    water = Water(world, [(back, line)], clear=0.62, chop=1.5, glint=1.6, speed=1.3)
    front: list[Element] = (
        [Plane(palms(world), swing=(0.003, 0.0, 5.0))]
        if reading.has("palm")
        else [Plane(terrain.foreground(world, "rocks"))]
    )
    beam: list[Element] = []
    if reading.has("lighthouse"):
        beam.append(
            weather.Lamp(
                world,
                (_cape_side(world) * 0.62 * world.spread, line - 0.442),
                sky.DEPTH,
                (1.0, 0.9, 0.62),
                0.36,
                0.1,
                0.95,
            )
        )
    return [
        Plane(back),
        *sky.passing_clouds(world),
        *beam,
        water,
        *actors.boats(world, line),
        *actors.birds(world),
        *front,
    ]


def palms(world: World) -> Layer:
    """Draw palms on the shore in front, on the side away from the light."""
    canvas = world.canvas(0.8)
    stencil = Stencil(canvas)
    rng, side = world.rng_for("palms"), _cape_side(world)
    x = world.across(canvas)
    rise = noise.smoothstep(-0.1 * world.spread, 1.0 * world.spread, x * side)
    stencil.polygon(terrain.outline_below(x, 1.0 - 0.17 * rise + 0.06 * (1 - rise), canvas.bottom + 0.03))
    for place, tall in ((0.55, 0.50), (0.74, 0.68), (0.92, 0.44)):
        plants.palm(stencil, rng, side * place * world.spread, 0.93, tall * (0.5 + 0.5 * world.bulk))
    return world.silhouette(stencil, 0.85, world.palette.ground, plane=0.8)


def _cape_side(world: World) -> int:
    return 1 if world.light.x < 0 else -1


def headland(world: World, name: str, depth: float, line: float, height: float, inner: float) -> Layer:
    """Draw land that falls into the sea, away from the light, *inner* of the half width from the middle."""
    canvas = world.canvas(sky.DEPTH, line - height * 1.5, line + 0.02)
    stencil = Stencil(canvas)
    side = _cape_side(world) * (1 if name == "cape" else -1)
    x, crest = terrain.crest_line(world, name, canvas, line, height, frequency=3.0, sharp=0.3)
    reach = np.clip((x * side / world.spread - inner) / (1.05 - inner), 0, 1)
    fall = np.minimum(1.0, reach * 1.5) ** 0.75 * (reach > 0)
    stencil.polygon(terrain.outline_below(x, line + 0.004 - (line - crest) * fall, line + 0.012))
    return world.silhouette(stencil, depth, world.palette.leaf, [(line - height, line + 0.01, 0.6)], plane=sky.DEPTH)


def lighthouse(world: World, line: float) -> Layer:
    """Draw a lighthouse on the cape."""
    canvas = world.canvas(sky.DEPTH, line - 0.5, line)
    stencil, lamp = Stencil(canvas), Stencil(canvas)
    x, top = _cape_side(world) * 0.62 * world.spread, line - 0.37
    stencil.polygon([(x - 0.026, line), (x - 0.014, top), (x + 0.014, top), (x + 0.026, line)])
    stencil.box(x - 0.022, top - 0.006, x + 0.022, top + 0.004)
    stencil.box(x - 0.012, top - 0.036, x + 0.012, top)
    stencil.polygon([(x - 0.017, top - 0.034), (x, top - 0.06), (x + 0.017, top - 0.034)])
    lamp.box(x - 0.008, top - 0.031, x + 0.008, top - 0.009)
    image = cut_out(world.paint(canvas, 0.5), stencil.soft_mask())
    shine(image, lamp.image, (1.0, 0.9, 0.62), max(4, round(0.05 * canvas.scale)), 1.8)
    return Layer(canvas, sky.DEPTH, image)


def underwater(world: World) -> list[Element]:
    """Build the scene below the surface: light from above, rock and weed, fish, bubbles."""
    canvas = world.canvas(sky.DEPTH)
    x, y = canvas.grid(6)
    palette = world.palette
    stops = np.asarray(
        [
            mix(palette.sky[-1], (0.7, 1.0, 1.0), 0.3),
            palette.haze,
            mix(palette.haze, palette.sky[0], 0.5),
            mix(palette.sky[0], palette.dark, 0.4),
        ]
    )
    rows = np.stack([np.interp(y[:, 0], [-0.1, 0.2, 0.6, 1.1], stops[:, c]) for c in range(3)], axis=-1)[:, None, :]
    glow = np.exp(-np.hypot((x - world.light.x) * 0.8, y + 0.05) * 2.2)[..., None]
    colours = rows + (np.asarray(world.palette.light) - rows) * glow * 0.75
    image = to_picture(colours + 0 * x[..., None], world.rng_for("deep water")).resize(
        canvas.size, Image.Resampling.BICUBIC
    )
    back = Layer(canvas, sky.DEPTH, image)
    rocks = [
        terrain.mountain_range(world, f"rock {i}", d, b, h, frequency=2.2, sharp=0.35, mist=m, below=0.6)
        for i, (d, b, h, m) in enumerate(((0.25, 0.86, 0.34, 0.8), (0.5, 0.97, 0.26, 0.4)))
    ]
    bubbles = [weather.dot(world.height * (0.006 + 0.004 * i), (0.85, 1.0, 1.0), 0.3 + 0.06 * i, 0.5) for i in range(4)]
    rising = weather.Motes(world, "bubbles", 34, bubbles, weather.MoteMotion((0.0, -0.10), wander=0.012))
    return [
        Plane(back),
        Plane(rocks[0]),
        shafts(world, 0.3),
        school(world),
        Plane(rocks[1]),
        Plane(kelp(world), swing=(0.012, 0.0, 5.0)),
        rising,
        Plane(terrain.foreground(world, "rocks")),
    ]


def shafts(world: World, depth: float, amount: float = 0.34) -> Plane:
    """Draw beams of light that fall from the light source."""
    canvas = world.canvas(depth, detail=1)
    wide = LayerArea(canvas.left - 0.1, canvas.top, canvas.right + 0.1, canvas.bottom, canvas.scale)
    x, y = wide.grid(4)
    angle = np.arctan2(x - world.light.x, y + 0.55)
    rng = world.rng_for("shafts")
    places = np.linspace(-1.6, 1.6, 900)
    beams = np.interp(angle, places, noise.smoothstep(0.0, 0.75, noise.ridge(rng, places, 6.0, 3)))
    fade = np.exp(-np.abs(angle) * 1.4) * noise.smoothstep(1.05, 0.1, y)
    mask = terrain.to_mask(beams * fade * amount * 255, wide)
    return Plane(Layer(wide, depth, mask, mix(world.palette.light, (1.0, 1.0, 1.0), 0.2)), swing=(0.05, 0.0, 9.0))


def school(world: World) -> Element:
    """Build a school of fish that swim in one direction."""
    rng = world.rng_for("school")
    way = 1 if rng.random() < 0.5 else -1
    sprites = []
    for number in range(5):
        size = (0.02 + 0.012 * number) * world.bulk
        body = figures.Body(world, (-1.0, -0.6, 1.0, 0.6), size, way)
        body.disc(0.1, 0.0, 0.6, 0.42)
        body.shape((-0.3, 0.0), (-0.9, -0.36), (-0.75, 0.0), (-0.9, 0.36))
        body.shape((0.2, -0.15), (-0.1, -0.45), (-0.2, -0.12))
        sprites.append(body.paint(world, 0.3, world.tone(0.25 + 0.1 * number)).reduce(2))
    return weather.Motes(
        world, "fish", 22, sprites, weather.MoteMotion((way * 0.13, 0.0), wander=0.03, top=0.18, bottom=0.72)
    )


def kelp(world: World) -> Layer:
    """Draw weed that stands up from the ground, more at the sides."""
    canvas = world.canvas(0.8)
    stencil = Stencil(canvas)
    rng = world.rng_for("kelp")
    for _ in range(round(16 * world.aspect)):
        x = world.spread * (1 - 0.75 * rng.power(1.5)) * rng.choice([-1, 1]) * 1.1
        tall = rng.uniform(0.15, 0.62)
        y = np.linspace(1.05, 1.05 - tall, 22)
        bend = 0.022 * np.sin(np.linspace(0, rng.uniform(4, 8), 22) + rng.uniform(0, 6))
        stencil.limb(list(zip((x + bend).tolist(), y.tolist(), strict=True)), np.linspace(0.016, 0.004, 22).tolist())
        for i in range(2, 22, 2):
            for side in (-1, 1):
                stencil.limb([(x + bend[i], y[i]), (x + bend[i] + side * 0.02, y[i] - 0.03)], [0.010, 0.003])
    return world.silhouette(stencil, 0.8)
