"""Rivers and lakes: banks that close in towards the distance, the water between them, roots that may glow."""

import numpy as np
from PIL import Image, ImageChops

from storyboard.animatic import actors, noise, plants, sky, terrain
from storyboard.animatic.brush import Stencil, cut_out, shine
from storyboard.animatic.layers import Layer
from storyboard.animatic.planes import Picture
from storyboard.animatic.water import Water
from storyboard.animatic.world import Element, Plane, World


def river(world: World) -> list[Element]:
    """Build a river that leads away from the camera."""
    reading = world.reading
    kind = "fir" if reading.has("pine", "snow") else "crown"
    line = world.horizon
    far = terrain.mountain_range(
        world, "far", 0.12, line, 0.12, sharp=0.1, material=world.palette.leaf, mist=0.9, plane=sky.DEPTH
    )
    wood = terrain.treeline(world, "far wood", 0.24, line + 0.003, 0.1 * world.bulk, kind, mist=0.75, plane=sky.DEPTH)
    back = sky.bake(sky.backdrop(world, line + 0.06), far, wood)
    sides = [
        bank(world, number, depth, spread, kind)
        for number, (depth, spread) in enumerate(((0.34, 0.13), (0.5, 0.26), (0.72, 0.46)))
    ]
    water = Water(
        world,
        [(back, line), *((side, waterline(world, side.depth)) for side in sides)],
        clear=0.82,
        glint=1.1,
        speed=0.8,
    )
    front = terrain.foreground(world, "leaves" if not reading.has("pine", "snow") else "branches")
    return [
        Plane(back),
        Plane(sides[0]),
        water,
        Plane(sides[1]),
        *actors.boats(world, line),
        Plane(sides[2]),
        Plane(front, swing=(0.004, 0.002, 7.0)),
    ]


def waterline(world: World, depth: float) -> float:
    """Return the height at which things at *depth* enter the water."""
    return world.horizon + 0.012 + 0.33 * max(0.0, depth - 0.3)


def bank(world: World, number: int, depth: float, spread: float, kind: str) -> Layer:
    """Draw both banks at one depth: trees on each side of an opening *spread* wide, their feet in the water."""
    rng = world.rng_for(f"bank {number}")
    base = waterline(world, depth)
    canvas = world.canvas(depth, bottom=base + 0.03)
    stencil, roots = Stencil(canvas), Stencil(canvas)
    size = 0.22 + 1.15 * (depth - 0.3)
    for side in (-1, 1):
        inner = spread * (0.55 + 0.5 * world.spread) * rng.uniform(0.8, 1.15)
        place = inner
        while place < max(canvas.right, -canvas.left) + 0.2 * size:
            _draw_stand(world, stencil, roots, rng, side * place, base, size * rng.uniform(0.85, 1.15), kind)
            place += size * rng.uniform(0.26, 0.5)
        _draw_undergrowth(stencil, rng, side, inner, base, size, canvas.right + 0.1)
    lift = [(base - size * 0.5, base + 0.02, 0.42 * (1 - depth)), (base - size * 1.4, base - size * 0.6, 0.06)]
    image = cut_out(world.paint(canvas, depth, world.palette.leaf, lift), stencil.soft_mask())
    if world.reading.has("glow"):
        _light_roots(world, image, roots, base, size)
    return Layer(canvas, depth, image)


def _light_roots(world: World, image: Picture, roots: Stencil, base: float, size: float) -> None:
    """Let the roots shine, most where they enter the water."""
    _, y = roots.canvas.grid(8)
    rise = noise.smoothstep(base - size * 0.36, base, y) * 255
    fading = Image.fromarray(rise.astype(np.uint8)).resize(roots.image.size, Image.Resampling.BILINEAR)
    shine(
        image,
        ImageChops.multiply(roots.image, fading),
        world.palette.accent,
        max(4, round(0.05 * size * roots.canvas.scale)),
        1.25,
    )


def _draw_stand(
    world: World,
    stencil: Stencil,
    roots: Stencil,
    rng: np.random.Generator,
    x: float,
    base: float,
    size: float,
    kind: str,
) -> None:
    if kind == "fir":
        plants.fir(stencil, rng, x, base, size * 1.1)
        return
    if not world.reading.has("mangrove", "jungle", "glow"):
        plants.tree(stencil, rng, x, base, size)
        return
    stilts = plants.mangrove(stencil, rng, x, base, size)
    for path, widths in stilts[::2]:
        roots.limb(path[3:], [width * 0.4 for width in widths[3:]])
    for _ in range(3):
        plants.vine(
            stencil,
            rng,
            x + rng.uniform(-0.3, 0.3) * size,
            base - size * 0.95,
            size * rng.uniform(0.2, 0.5),
            0.005 * size,
        )


def _draw_undergrowth(
    stencil: Stencil, rng: np.random.Generator, side: int, inner: float, base: float, size: float, end: float
) -> None:
    """Draw undergrowth, a roof of leaves, and the dark wood behind the first trees."""
    for place in np.arange(inner + 0.25 * size, end, 0.16 * size):
        plants.tuft(stencil, rng, side * place, base - size * 0.08, size * rng.uniform(0.1, 0.2), 26, 0.8)
        plants.tuft(
            stencil, rng, side * (place + 0.1 * size), base - size * rng.uniform(0.8, 1.05), size * 0.24, 40, 0.7
        )
    y = np.linspace(base - size * 0.95, base, 40)
    edge = inner + size * (0.75 + 0.16 * noise.ridge(rng, y, 3 / size, 4) - 0.3 * np.abs(np.linspace(-1, 1, 40)) ** 3)
    outline = np.stack([side * np.minimum(edge, end + 1), y], axis=1)
    stencil.polygon(np.concatenate([outline, [[side * (end + 1), base], [side * (end + 1), base - size * 0.95]]]))
