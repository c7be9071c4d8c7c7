"""Towns: a street seen along its length, and a skyline seen from afar."""

import numpy as np

from storyboard.animatic import actors, figures, sky, weather
from storyboard.animatic.brush import Stencil, cut_out, shine, tint
from storyboard.animatic.layers import Layer
from storyboard.animatic.palette import Colour, adjust, mix
from storyboard.animatic.planes import Picture
from storyboard.animatic.water import Water
from storyboard.animatic.world import Element, Plane, World

Rng = np.random.Generator
WARM: Colour = (1.0, 0.78, 0.46)


def street(world: World) -> list[Element]:
    """Build a street between tall houses, wet in rain or under neon."""
    line, reading = world.horizon, world.reading
    back = sky.bake(
        sky.backdrop(world, line + 0.06, disc=not world.palette.night),
        *(blocks(world, i, line, 0.2 + 0.12 * i, 0.34 - 0.08 * i, sky.DEPTH) for i in range(2)),
    )
    far = facades(world, 0, 0.38, line, 3.4, 9.0)
    middle, near = facades(world, 1, 0.55, line, 1.55, 3.4), facades(world, 2, 0.8, line, 0.72, 1.5)
    wet = reading.has("rain", "neon") or (world.palette.night and not reading.has("snow"))
    tarmac = mix(world.palette.dark, world.palette.haze, 0.12 if wet else 0.3)
    ground = Water(
        world,
        [(plane, line) for plane in (back, far, middle, near)],
        body=tarmac,
        clear=0.74 if wet else 0.12,
        chop=0.75,
        glint=0.5 if wet else 0.0,
        speed=0.35,
        smear=0.09,
    )
    elements: list[Element] = [Plane(back), ground, Plane(far), weather.fog(world, 0.3, line, 0.05, 0.4), Plane(middle)]
    if reading.has("car"):
        place = figures.crossing_path(
            world, -0.08 * world.spread, -0.06 * world.spread, line + 0.27, world.seconds, 0.0012
        )
        elements.append(figures.Actor(actors.car(world, 0.3 * world.bulk, 0.3), place))
    if reading.has("person", "people"):
        elements += actors.people(world, line + 0.33)
    return [*elements, Plane(near), *actors.birds(world)]


def facades(
    world: World, number: int, depth: float, line: float, first: float, last: float, plane: float | None = None
) -> Layer:
    """Draw the houses on both sides from the distance *first* to *last*, in perspective towards the horizon."""
    canvas = world.canvas(depth if plane is None else plane)
    rng = world.rng_for(f"facades {number}")
    walls, warm, cool, signs = (Stencil(canvas) for _ in range(4))
    for side in (-1, 1):
        far = last
        while far > first * 1.02:
            close = max(first, far / rng.uniform(1.25, 1.6))
            _draw_house(world, (walls, warm, cool, signs), rng, side, close, far, line)
            far = close
    paint = world.paint(canvas, depth, lift=[(line - 0.6, line + 0.1, 0.32 * (1 - depth))])
    image = cut_out(paint, walls.soft_mask())
    lit = world.palette.night or world.palette.sky[0][2] < 0.45
    _paint_lights(world, image, (warm, cool, signs), depth, lit)
    return Layer(canvas, depth if plane is None else plane, image)


def _paint_lights(
    world: World, image: Picture, lamps: tuple[Stencil, Stencil, Stencil], depth: float, lit: bool
) -> None:
    warm, cool, signs = lamps
    spread = max(4, round(0.022 * (0.4 + depth) * warm.canvas.scale))
    if not lit:
        for panes, amount in ((warm, 0.35), (cool, 0.5)):
            tint(image, panes.soft_mask(), mix(world.palette.sky[1], world.palette.haze, 0.4), amount)
        tint(image, signs.soft_mask(), mix(world.palette.haze, world.palette.accent, 0.4), 0.28)
        return
    shine(
        image,
        warm.image.point([i * 8 // 10 for i in range(256)]),
        mix(WARM, world.palette.haze, 0.3 + 0.2 * (1 - depth)),
        spread,
        0.6,
    )
    tint(image, cool.soft_mask(), mix(world.palette.accent, world.palette.haze, 0.45), 0.55)
    shine(image, signs.image, world.palette.accent, spread * 3, 1.3)


def _draw_house(
    world: World, ink: tuple[Stencil, ...], rng: Rng, side: int, close: float, far: float, line: float
) -> None:
    walls, warm, cool, signs = ink
    half = 0.52 * (0.45 + 0.55 * world.spread)
    tall, deep = rng.uniform(0.75, 1.9), 0.30
    setback = half * rng.uniform(1.0, 1.08)

    def spot(away: float, height: float) -> tuple[float, float]:
        """Return a point of the wall at the distance *away*; *height* is 0 at the pavement, 1 at the eaves."""
        return side * setback / away, line + (deep - (deep + tall) * height) / away

    outer = side * (half + 3.0) / close
    walls.polygon([spot(close, -0.02), spot(close, 1.0), spot(far, 1.0), spot(far, -0.02)])
    walls.polygon([spot(far, -0.02), spot(far, 1.0), (outer, spot(far, 1.0)[1]), (outer, spot(far, -0.02)[1])])
    walls.polygon([spot(close, 1.0), (outer, spot(close, 1.0)[1]), (outer, spot(far, 1.0)[1]), spot(far, 1.0)])
    floors, columns = int(rng.integers(8, 15)), max(2, int((far / close - 1) * 19))
    dark = rng.uniform(0.45, 0.75)
    for floor in range(1, floors):
        for column in range(columns):
            chance = rng.random()
            if chance < dark:
                continue
            a, b = (close * (far / close) ** ((column + part) / columns) for part in (0.22, 0.78))
            low, high = (floor + 0.22) / floors, (floor + 0.72) / floors
            (warm if chance > dark + (1 - dark) * 0.4 else cool).polygon(
                [spot(a, low), spot(a, high), spot(b, high), spot(b, low)]
            )
    shops = int(rng.integers(3, 6))
    for shop in range(shops):
        a, b = (close * (far / close) ** ((shop + part) / shops) for part in (0.1, 0.9))
        (warm if rng.random() < 0.6 else cool).polygon(
            [spot(a, 0.035), spot(a, 0.085), spot(b, 0.085), spot(b, 0.035)], int(rng.uniform(90, 220))
        )
    if rng.random() < 0.75:
        _draw_sign(signs, rng, side, setback, close * rng.uniform(1.02, 1.15), line, deep, tall)


def _draw_sign(
    signs: Stencil, rng: Rng, side: int, setback: float, away: float, line: float, deep: float, tall: float
) -> None:
    """Draw a sign that projects from the wall, lettered in meaningless strokes."""
    wide, top = rng.uniform(0.05, 0.09), rng.uniform(0.3, 0.62)
    rows = int(rng.integers(3, 7))
    x0 = side * (setback - wide) / away
    x1 = side * setback / away
    left, right = min(x0, x1), max(x0, x1)
    height = wide * 1.15 / away
    y = line + (deep - (deep + tall) * top) / away
    edge = 0.07 * (right - left)
    for row in range(rows):
        low = y + row * height
        for _ in range(3):
            if rng.random() < 0.5:
                at = rng.uniform(left, right - 3 * edge)
                signs.box(at, low + 0.15 * height, at + 1.6 * edge, low + 0.85 * height)
            else:
                at = low + rng.uniform(0.15, 0.75) * height
                signs.box(left + 2 * edge, at, right - 2 * edge, at + 1.4 * edge)
    for at in (left, right - edge):
        signs.box(at, y - 0.1 * height, at + edge, y + (rows + 0.1) * height)


def blocks(
    world: World, number: int, line: float, depth: float, tall: float, plane: float, below: float = 0.05
) -> Layer:
    """Draw a row of towers seen from the front."""
    canvas = world.canvas(plane, line - tall * 2.1, line + below)
    rng = world.rng_for(f"blocks {number}")
    walls, panes = Stencil(canvas), Stencil(canvas)
    x = canvas.left - 0.05
    while x < canvas.right:
        wide = rng.uniform(0.035, 0.095) * (0.6 + depth)
        high = tall * rng.uniform(0.35, 1.0) * (0.55 + 0.75 * np.exp(-(((x - world.light.x * 0.6) / 0.5) ** 2)))
        _draw_tower(walls, panes, rng, x, x + wide, line, line - high, depth)
        x += wide * rng.uniform(0.85, 1.25)
    walls.box(canvas.left, line - 0.02, canvas.right, canvas.bottom)
    image = cut_out(world.paint(canvas, depth, lift=[(line - tall * 1.2, line, 0.6 * (1 - depth))]), walls.soft_mask())
    lit = world.palette.night or world.palette.sky[0][2] < 0.45
    shade = mix(
        WARM if number % 2 == 0 else adjust(world.palette.accent, saturation=0.7),
        world.palette.haze,
        0.45 * (1 - depth),
    )
    if lit:
        shine(image, panes.image, shade, 6, 0.5)
    else:
        tint(image, panes.soft_mask(), mix(world.palette.sky[1], world.palette.dark, 0.2), 0.28)
    return Layer(canvas, plane, image)


def _draw_tower(
    walls: Stencil, panes: Stencil, rng: Rng, left: float, right: float, base: float, top: float, depth: float
) -> None:
    wide = right - left
    walls.box(left, top, right, base)
    form = rng.random()
    if form < 0.3:
        walls.box(left + wide * 0.2, top - wide * 0.5, right - wide * 0.2, top)
        walls.box(left + wide * 0.47, top - wide * 1.6, left + wide * 0.53, top)
    elif form < 0.45:
        walls.polygon([(left, top), (left, top - wide * 0.6), (right, top)])
    elif form < 0.6:
        walls.box(left + wide * 0.1, top - wide * 0.12, left + wide * 0.4, top)
    pitch = 0.0085 + 0.007 * depth
    share = rng.uniform(0.2, 0.55)
    for y in np.arange(top + pitch, base - pitch, pitch * 1.35):
        for x in np.arange(left + pitch * 0.5, right - pitch * 0.7, pitch):
            if rng.random() < share:
                panes.box(x, y, x + pitch * 0.5, y + pitch * 0.7, int(rng.uniform(110, 255)))


def skyline(world: World) -> list[Element]:
    """Build a city across the water, or over the roofs."""
    line = world.horizon + 0.04
    tall = 0.34 * (0.75 + 0.25 * world.bulk)
    back = sky.backdrop(world)
    far = [blocks(world, i, line, 0.22 + 0.17 * i, tall * (1.0 - 0.16 * i), sky.DEPTH, 0.3) for i in range(2)]
    sky.bake(back, *far)
    front = blocks(world, 2, line + 0.004, 0.62, tall * 0.62, 0.4)
    if world.rng_for("quay").random() < 0.55:
        low: list[Element] = [
            Water(world, [(back, line), (front, line)], clear=0.78, glint=0.9, chop=1.1, smear=0.03),
            Plane(front),
        ]
    else:
        middle = blocks(world, 2, line + 0.12, 0.55, tall * 0.62, 0.4, 0.7)
        roofs = blocks(world, 3, world.horizon + 0.46, 0.86, 0.34, 0.75, 0.5)
        low = [Plane(middle), weather.fog(world, 0.5, line + 0.08, 0.09, 0.5), Plane(roofs)]
    return [Plane(back), *sky.passing_clouds(world), *low, *actors.birds(world)]
