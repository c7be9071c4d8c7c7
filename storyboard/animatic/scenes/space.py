"""Space: stars, clouds of gas, a planet with a lit and a dark side, possibly a ship."""

import numpy as np
from PIL import Image

from storyboard.animatic import actors, figures, noise, sky, weather
from storyboard.animatic.brush import Stencil, tint, to_picture
from storyboard.animatic.layers import Layer, LayerArea
from storyboard.animatic.palette import adjust, mix
from storyboard.animatic.world import Element, Plane, World


def space(world: World) -> list[Element]:
    """Build a planet before the stars."""
    rng = world.rng_for("space")
    back = sky.bake(nebula(world))
    side = -1 if world.light.x > 0 else 1
    radius = float(rng.uniform(0.26, 0.42)) * (0.6 + 0.4 * world.bulk)
    big = planet(
        world, "planet", 0.35, side * world.spread * float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.5, 0.72)), radius
    )
    moon = planet(world, "moon", 0.2, -side * world.spread * 0.42, 0.26, radius * 0.2)
    elements: list[Element] = [Plane(back), Plane(moon, drift=(0.002, 0.0)), Plane(big)]
    way = -side
    path = figures.crossing_path(world, -way * 0.4 * world.spread, way * 0.3 * world.spread, 0.44, world.seconds, 0.004)
    elements.append(figures.Actor([actors.ship(world, 0.16 * world.bulk, way)], path))
    twinkle = [weather.spark(world.height * 0.018, world.palette.light, 0.05 + 0.15 * i) for i in range(5)]
    return [*elements, weather.Motes(world, "twinkle", 16, twinkle, weather.MoteMotion((0.0, 0.0), 0.0, 2.6))]


def nebula(world: World) -> Layer:
    """Draw stars and gas."""
    canvas = world.canvas(sky.DEPTH)
    x, y = canvas.grid(6)
    rng = world.rng_for("nebula")
    gas = noise.clouds(rng, x.shape[1], y.shape[0], (2.2 * world.aspect, 2.2), 6, 0.55)
    tilt = float(rng.uniform(-0.6, 0.6))
    band = np.exp(-(((y - 0.5 - tilt * x) / 0.34) ** 2))
    part = np.clip(noise.smoothstep(0.35, 0.95, gas) * band, 0, 1)[..., None]
    core = np.clip(noise.smoothstep(0.62, 1.0, gas) * band, 0, 1)[..., None]
    palette = world.palette
    base = np.asarray(mix(palette.sky[0], (0.0, 0.0, 0.02), 0.5))
    colours = base + (np.asarray(mix(palette.sky[2], palette.haze, 0.3)) - base) * part * 0.8
    colours = colours + (np.asarray(mix(palette.accent, palette.light, 0.4)) - colours) * core * 0.55
    image = to_picture(colours, rng).resize(canvas.size, Image.Resampling.BICUBIC)
    stars = Stencil(canvas)
    for _ in range(round(620 * world.aspect)):
        size = float(rng.choice([0.0009, 0.0014, 0.0023], p=[0.7, 0.22, 0.08]))
        stars.disc(
            rng.uniform(canvas.left, canvas.right),
            rng.uniform(canvas.top, canvas.bottom),
            size,
            level=int(rng.uniform(60, 255)),
        )
    tint(image, stars.soft_mask(), (1.0, 0.98, 0.94))
    return Layer(canvas, sky.DEPTH, image)


def planet(world: World, name: str, depth: float, cx: float, cy: float, radius: float) -> Layer:
    """Draw a planet with bands of cloud, a glowing edge, and night on one side."""
    room = radius * 1.35
    canvas = LayerArea(cx - room, cy - room, cx + room, cy + room, world.canvas(depth).scale)
    x, y = canvas.grid(2)
    u, v = (x - cx) / radius, (y - cy) / radius
    away = np.hypot(u, v)
    height = np.sqrt(np.clip(1 - away**2, 0, 1))
    sun = np.array([np.sign(world.light.x) * 0.78, -0.42, 0.46])
    light = np.clip((u * sun[0] + v * sun[1] + height * sun[2]) * 1.1, 0, 1)
    rng = world.rng_for(name)
    cloud = noise.clouds(rng, x.shape[1], y.shape[0], (2.2, 9.0), 5, 0.5)
    palette = world.palette
    ground = adjust(mix(palette.ground, palette.haze, 0.35), hue=float(rng.uniform(-50, 50)), saturation=1.4, value=1.7)
    tone = (
        np.asarray(ground)
        + (np.asarray(mix(palette.light, ground, 0.35)) - np.asarray(ground))
        * noise.smoothstep(0.4, 0.75, cloud)[..., None]
    )
    rim = np.exp(-np.clip(1 - away, 0, 1) * 9) * np.clip(light + 0.12, 0, 1)
    colours = tone * (0.035 + 0.965 * light[..., None] ** 1.25)
    colours = colours + (np.asarray(palette.accent) - colours) * (rim * 0.65)[..., None]
    halo = np.exp(-np.clip(away - 1, 0, None) * 13) * np.clip(u * sun[0] + v * sun[1] + 0.25, 0, 1) * 0.55
    edge = np.clip((1 - away) * radius * canvas.scale / 2 * 0.7 + 0.5, 0, 1)
    colours = np.where((away > 1)[..., None], np.asarray(palette.accent), colours)
    image = to_picture(colours, rng)
    image.putalpha(Image.fromarray((np.maximum(edge, halo * (away < 1.33)) * 255).astype(np.uint8)))
    return Layer(canvas, depth, image.resize(canvas.size, Image.Resampling.BICUBIC))
