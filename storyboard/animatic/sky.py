"""Sky: gradient, sun or moon with their glow, stars, clouds, northern lights."""

import numpy as np
from PIL import Image

from storyboard.animatic import brush, noise
from storyboard.animatic.layers import Layer, LayerArea
from storyboard.animatic.palette import Colour, mix
from storyboard.animatic.world import Element, Plane, World

DEPTH = 0.1
COARSE = 6  # layer pixels for one painted one: the sky has no edges except the disc's


def backdrop(
    world: World, bottom: float | None = None, stars: float | None = None, disc: bool = True, clouds: bool = True
) -> Layer:
    """Draw the sky as a solid layer, down to *bottom* or below the picture; *stars* from 0 to 1, by default by mood."""
    canvas = world.canvas(DEPTH, bottom=bottom)
    x, y = canvas.grid(COARSE)
    colours = _gradient(world, y) + 0 * x[..., None]
    rng = world.rng_for("sky")
    colours = _add_light(world, colours, x, y)
    if world.reading.has("aurora"):
        colours = _add_aurora(world, colours, x, y, rng)
    if clouds:
        colours = _add_clouds(world, colours, x, y, rng)
    image = brush.enlarge_coarse(brush.to_picture(brush.vignette(colours, canvas, x, y), rng), canvas)
    amount = stars if stars is not None else 0.8 if world.palette.night else 0.0
    if amount:
        _stars(world, image, canvas, amount, rng)
    if disc and not world.palette.veiled:
        _disc(world, image, canvas)
    return Layer(canvas, DEPTH, image)


def _gradient(world: World, y: noise.Array) -> noise.Array:
    stops = np.asarray(world.palette.sky)
    places = np.array([-0.12, 0.36, 0.74, 1.0]) * world.horizon
    rows = [np.interp(y[:, 0], places, stops[:, channel]) for channel in range(3)]
    return np.stack(rows, axis=-1)[:, None, :]


def _blend_towards(colours: noise.Array, goal: Colour, part: noise.Array) -> noise.Array:
    return np.asarray(colours + (np.asarray(goal) - colours) * np.clip(part, 0, 1)[..., None])


def _add_light(world: World, colours: noise.Array, x: noise.Array, y: noise.Array) -> noise.Array:
    light = world.light
    distance = np.hypot(x - light.x, (y - light.y) * 1.1)
    warm = mix(world.palette.sky[-1], light.colour, 0.55)
    wide = 0.55 * np.exp(-((distance / (light.reach * 1.15)) ** 1.25))
    near = 0.62 * np.exp(-((distance / (light.reach * 0.27)) ** 1.1))
    return _blend_towards(
        _blend_towards(colours, warm, wide * light.strength * 1.3), light.colour, near * light.strength * 1.2
    )


def _add_clouds(
    world: World, colours: noise.Array, x: noise.Array, y: noise.Array, rng: np.random.Generator
) -> noise.Array:
    height, width = y.shape[0], x.shape[1]
    form = noise.clouds(rng, width, height, (1.6 * world.aspect, 5.5), 5, 0.55)
    band = noise.smoothstep(world.horizon * 1.02, world.horizon * 0.55, y) * noise.smoothstep(-0.25, 0.25, y)
    heavy = 0.14 if world.reading.has("clouds", "rain") else 0.0
    body = noise.smoothstep(0.56 - heavy, 0.86 - heavy, form) * band
    edge = (
        noise.smoothstep(0.50 - heavy, 0.60 - heavy, form)
        * (1 - noise.smoothstep(0.60 - heavy, 0.78 - heavy, form))
        * band
    )
    near = np.exp(-np.hypot(x - world.light.x, y - world.light.y) / max(0.3, world.light.reach))
    shadow = mix(world.palette.sky[1], world.palette.haze, 0.45)
    colours = _blend_towards(colours, mix(shadow, world.palette.sky[-1], 0.25), body * 0.55)
    return _blend_towards(colours, mix(world.palette.sky[-1], world.light.colour, 0.5), edge * (0.12 + 0.5 * near))


def _add_aurora(
    world: World, colours: noise.Array, x: noise.Array, y: noise.Array, rng: np.random.Generator
) -> noise.Array:
    for number, (shade, low) in enumerate(
        (((0.25, 0.95, 0.6), 0.40), ((0.3, 0.7, 0.95), 0.30), ((0.7, 0.35, 0.9), 0.24))
    ):
        line = low + 0.07 * noise.ridge(rng, x[0], 1.3, 3)[None, :] + 0.02 * number
        rays = 0.55 + 0.45 * noise.ridge(rng, x[0], 14.0, 3)[None, :]
        above = np.clip((line - y) / 0.26, 0, 1)
        curtain = np.where(y < line, np.exp(-above * 3.2), np.exp(-(((y - line) / 0.012) ** 2)))
        colours = _blend_towards(colours, shade, curtain * np.clip(rays, 0, 1) * 0.55)
    return colours


def _stars(world: World, image: Image.Image, canvas: LayerArea, amount: float, rng: np.random.Generator) -> None:
    stencil = brush.Stencil(canvas)
    count = int(260 * amount * (canvas.right - canvas.left) * world.bulk)
    for _ in range(count):
        x = rng.uniform(canvas.left, canvas.right)
        y = world.horizon * (1 - rng.power(1.6)) * 1.05 if amount <= 1 else rng.uniform(canvas.top, canvas.bottom)
        fade = max(0.0, 1 - (y / world.horizon) ** 2) if amount <= 1 else 1.0
        size = float(rng.choice([0.0011, 0.0016, 0.0024], p=[0.72, 0.22, 0.06]))
        stencil.disc(x, y, size, level=int(rng.uniform(70, 255) * fade))
    brush.tint(image, stencil.soft_mask(), mix(world.palette.light, (1.0, 1.0, 1.0), 0.4))


def _disc(world: World, image: Image.Image, canvas: LayerArea) -> None:
    light = world.light
    radius = (0.043 if world.palette.night else 0.05) * world.bulk
    body = brush.Stencil(canvas)
    body.disc(light.x, light.y, radius)
    brush.tint(image, body.soft_mask(0.003), mix(light.colour, (1.0, 1.0, 1.0), 0.55), 0.97)
    if world.palette.night:
        sea = brush.Stencil(canvas)
        for dx, dy, r in (
            (-0.3, -0.2, 0.34),
            (0.25, -0.38, 0.22),
            (0.12, 0.22, 0.3),
            (-0.38, 0.34, 0.18),
            (0.45, 0.1, 0.16),
        ):
            sea.disc(light.x + dx * radius, light.y + dy * radius, r * radius)
        brush.tint(image, sea.soft_mask(0.006), mix(light.colour, world.palette.haze, 0.6), 0.32)


def passing_clouds(world: World) -> list[Element]:
    """Build a bank of clouds that moves by itself, for the skies of day and weather."""
    canvas = world.canvas(0.1, bottom=world.horizon * 0.86, detail=1)
    wide = LayerArea(canvas.left - 0.12, canvas.top, canvas.right + 0.12, canvas.bottom, canvas.scale)
    x, y = wide.grid(4)
    rng = world.rng_for("clouds")
    form = noise.clouds(rng, x.shape[1], y.shape[0], (1.5 * (wide.right - wide.left), 4.2), 5, 0.56)
    line = world.horizon * float(rng.uniform(0.25, 0.6))
    shelf = np.exp(-(((y - line) / (0.16 * world.horizon + 0.05)) ** 2))
    more = 0.16 if world.reading.has("clouds", "rain", "fog") else 0.0
    alpha = noise.smoothstep(0.62 - more, 0.92 - more, form + 0.18 * (shelf - 1)) * np.minimum(1, shelf * 1.4)
    lit = noise.clouds(rng, x.shape[1], y.shape[0], (3 * (wide.right - wide.left), 7), 3)
    top = mix(world.palette.sky[-1], world.light.colour, 0.35)
    under = mix(world.palette.sky[1], world.palette.haze, 0.6)
    near = np.exp(-np.hypot(x - world.light.x, y - world.light.y) / 0.5)
    share = np.clip(0.25 + 0.5 * lit + 0.4 * near, 0, 1)[..., None]
    paint = brush.to_picture(np.asarray(under) * (1 - share) + np.asarray(top) * share, rng)
    mask = Image.fromarray((alpha * (150 if world.palette.night else 205)).astype(np.uint8))
    paint.putalpha(mask)
    image = paint.resize(wide.size, Image.Resampling.BICUBIC)
    way = 0.009 * (1 if rng.random() < 0.5 else -1)
    return [Plane(Layer(wide, 0.1, image), drift=(way, 0.0))]


def bake(back: Layer, *planes: Layer) -> Layer:
    """Paint *planes* permanently into *back* and return it; they move as one from then on."""
    canvas = back.canvas
    for plane in planes:
        plane.stamp(back.image, (canvas.left, canvas.top, canvas.right, canvas.bottom))
    return back
