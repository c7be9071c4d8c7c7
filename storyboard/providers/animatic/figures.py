"""People, boats, cars, birds, fish: silhouettes with a few poses, and how they move across the stage."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from storyboard.providers.animatic.brush import Stencil, curve, cut_out, mirrored, shading, shine, softened, taper, tint
from storyboard.providers.animatic.layer import DETAIL, Canvas, Layer, Picture
from storyboard.providers.animatic.palette import Colour, bytes_of, mix
from storyboard.providers.animatic.reading import Reading
from storyboard.providers.animatic.world import Moment, World

Place = Callable[[float], tuple[float, float]]
STRIDE = 12  # poses of one double step


class Actor:
    """Something that moves: poses around its own origin, a place for every second, poses a second."""

    def __init__(self, poses: Sequence[Layer], place: Place, rate: float = 0.0, phase: float = 0.0) -> None:
        self._poses, self._place, self._rate, self._phase = list(poses), place, rate, phase

    def draw(self, frame: Picture, moment: Moment) -> None:
        """Lay the present pose over the frame."""
        pose = self._poses[int(moment.seconds * self._rate + self._phase) % len(self._poses)]
        pose.draw(frame, moment.window(pose.depth), self._place(moment.seconds))


class Body:
    """A stencil around an origin in units of the figure's own size, facing right, or left if *flip* is -1."""

    def __init__(self, world: World, box: tuple[float, float, float, float], size: float, flip: int = 1) -> None:
        left, top, right, bottom = (side * size for side in box)
        if flip < 0:
            left, right = -right, -left
        self.size, self.flip = size, flip
        self.canvas = Canvas(left, top, right, bottom, world.height * DETAIL)
        self.ink = Stencil(self.canvas)

    def points(self, points: npt.ArrayLike) -> list[tuple[float, float]]:
        """Own units to stage units."""
        scaled = np.asarray(points, dtype=np.float64) * (self.size * self.flip, self.size)
        return [(float(x), float(y)) for x, y in scaled]

    def shape(self, *points: tuple[float, float]) -> None:
        """A filled outline."""
        self.ink.polygon(self.points(points))

    def limb(self, points: npt.ArrayLike, first: float, last: float) -> None:
        """A round stroke from one width to another."""
        path = self.points(points)
        self.ink.limb(path, taper(first * self.size, last * self.size, len(path)))

    def disc(self, x: float, y: float, radius: float, tall: float = 1.0) -> None:
        """A filled ellipse."""
        self.ink.disc(x * self.size * self.flip, y * self.size, radius * self.size, tall)

    def painted(self, world: World, depth: float, tone: Colour | None = None) -> Picture:
        """The silhouette as RGBA in the colour of its depth."""
        shade = mix(world.tone(depth), world.palette.dark, 0.55) if tone is None else tone
        return cut_out(shading(self.canvas, shade, world.palette.haze), self.ink.soft())


def walker(world: World, reading: Reading, size: float, depth: float, flip: int, moving: bool, wet: bool) -> list[Layer]:
    """Poses of a person *size* stage units tall, feet at the origin; one pose if they stand. *wet* ground mirrors them."""
    poses = []
    for number in range(STRIDE if moving else 1):
        body = Body(world, (-0.42, -1.06, 0.42, 0.22), size, flip)
        turn = 2 * np.pi * number / STRIDE
        _person(body, turn, 1.0 if moving else 0.12, reading)
        image = body.painted(world, depth)
        _rim(world, image, body, flip)
        if wet:
            mirrored(image, body.canvas, 0.004 * size, 0.2 * size, 0.4)
        else:
            image = _shadowed(world, image, body)
        poses.append(Layer(body.canvas, depth, image))
    return poses


def _shadowed(world: World, image: Picture, body: Body) -> Picture:
    """*image* over the shadow it throws away from the light."""
    shade = Stencil(body.canvas)
    way = -1 if world.light.x > 0 else 1
    shade.disc(way * 0.10 * body.size, 0.012 * body.size, 0.2 * body.size, 0.13)
    under = cut_out(Image.new("RGB", image.size, bytes_of(world.palette.dark)), shade.soft(0.02 * body.size).point([i * 45 // 100 for i in range(256)]))
    under.alpha_composite(image)
    return under


def _person(body: Body, turn: float, stride: float, reading: Reading) -> None:
    rise = -0.012 * stride * abs(np.cos(turn))
    hip, neck = (0.0, -0.50 + rise), (0.018 * stride, -0.835 + rise)
    for side in (0.0, np.pi):
        _leg(body, hip, turn + side, stride)
        _arm(body, (neck[0], neck[1] + 0.035), turn + side + np.pi, stride)
    flare = 0.02 * np.sin(turn * 2)
    body.disc(neck[0] + 0.012, neck[1] - 0.082, 0.052, 1.2)
    body.limb([(neck[0], neck[1] + 0.03), (neck[0] + 0.008, neck[1] - 0.05)], 0.05, 0.045)
    if reading.has("dress"):
        hem = -0.24
        body.shape((-0.062, -0.80 + rise), (-0.075, -0.72), (-0.05, -0.60), (-0.115 - 0.05 * stride + flare, hem), (0.10 + 0.03 * stride + flare, hem),
                   (0.045, -0.60), (0.072, -0.72), (0.066, -0.80 + rise))  # fmt: skip
        body.limb(curve((neck[0] - 0.01, neck[1] - 0.12), (neck[0] - 0.09, neck[1] - 0.10), (neck[0] - 0.09 - 0.03 * stride, neck[1] + 0.08 + flare), steps=8), 0.07, 0.02)
    else:
        hem = -0.36
        body.shape((-0.085, -0.80 + rise), (-0.095, -0.70), (-0.075, -0.56), (-0.10 + flare, hem), (0.09 + flare, hem), (0.07, -0.56),
                   (0.088, -0.70), (0.085, -0.80 + rise), (0.04, -0.835 + rise), (-0.04, -0.835 + rise))  # fmt: skip
    if reading.has("pack"):
        body.shape((-0.06, -0.82), (-0.17, -0.80), (-0.185, -0.58), (-0.07, -0.55))


def _leg(body: Body, hip: tuple[float, float], turn: float, stride: float) -> None:
    swing = 0.46 * stride * np.sin(turn)
    bend = stride * (0.12 + 0.75 * max(0.0, np.sin(turn + 1.9)) ** 2)
    knee = (hip[0] + 0.25 * np.sin(swing), hip[1] + 0.25 * np.cos(swing))
    ankle = (knee[0] + 0.235 * np.sin(swing - bend), knee[1] + 0.235 * np.cos(swing - bend))
    body.limb([hip, knee], 0.095, 0.068)
    body.limb([knee, ankle], 0.068, 0.042)
    tip = (ankle[0] + 0.075 * np.cos(0.5 * (swing - bend)), ankle[1] + 0.02 - 0.05 * np.sin(0.5 * (swing - bend)))
    body.limb([ankle, tip], 0.045, 0.028)


def _arm(body: Body, shoulder: tuple[float, float], turn: float, stride: float) -> None:
    swing = 0.42 * stride * np.sin(turn)
    elbow = (shoulder[0] + 0.155 * np.sin(swing), shoulder[1] + 0.155 * np.cos(swing))
    hand = (elbow[0] + 0.15 * np.sin(swing + 0.3 * stride), elbow[1] + 0.15 * np.cos(swing + 0.3 * stride))
    body.limb([shoulder, elbow], 0.06, 0.045)
    body.limb([elbow, hand], 0.045, 0.032)


def _rim(world: World, image: Picture, body: Body, flip: int) -> None:
    """A thin edge of light on the side that looks to the light."""
    mask = softened(body.ink.image, 2)
    step = max(1, round(0.012 * body.size * body.canvas.scale)) * (1 if world.light.x < 0 else -1)
    moved = Image.new("L", mask.size)
    moved.paste(mask, (step, max(1, abs(step) // 2)))
    inner = Image.composite(Image.new("L", mask.size), mask, moved)
    tint(image, inner, world.light.colour, 0.6 * world.light.strength)


def crossing(world: World, start: float, end: float, height: float, seconds: float, bob: float = 0.0) -> Place:
    """From one place to another in *seconds*, rising and falling by *bob*."""

    def place(now: float) -> tuple[float, float]:
        part = now / max(seconds, 1e-6)
        return start + (end - start) * part, height + bob * float(np.sin(now * 1.7) + 0.4 * np.sin(now * 2.9))

    return place


def skiff(world: World, length: float, depth: float, flip: int, crew: int = 1, lamp: bool = True) -> list[Layer]:
    """A low boat with someone in it, its waterline at the origin."""
    body = Body(world, (-0.75, -0.72, 0.75, 0.36), length, flip)
    top = curve((-0.5, -0.10), (-0.1, -0.035), (0.3, -0.06), (0.57, -0.19), steps=20)
    keel = curve((0.57, -0.19), (0.43, 0.03), (0.1, 0.035), (-0.46, 0.03), steps=16)
    body.shape(*top, *keel)
    for number in range(crew):
        x = -0.24 + 0.24 * number
        _seated(body, x)
    body.limb([(-0.44, -0.55), (-0.12, -0.28), (0.06, 0.06)], 0.014, 0.012)
    body.limb([(0.40, -0.10), (0.40, -0.33)], 0.014, 0.010)
    body.shape((0.37, -0.33), (0.43, -0.33), (0.42, -0.40), (0.38, -0.40))
    image = body.painted(world, depth)
    _rim(world, image, body, flip)
    if lamp:
        light = Stencil(body.canvas)
        light.disc(0.40 * length * flip, -0.365 * length, 0.022 * length)
        shine(image, light.image, (1.0, 0.78, 0.42), max(6, round(0.16 * length * body.canvas.scale)), 2.2)
    mirrored(image, body.canvas, 0.022 * length, 0.3 * length, 0.7)
    return [Layer(body.canvas, depth, image)]


def _seated(body: Body, x: float) -> None:
    body.shape((x - 0.085, -0.04), (x - 0.07, -0.27), (x - 0.02, -0.325), (x + 0.03, -0.315), (x + 0.07, -0.24), (x + 0.10, -0.04))
    body.disc(x + 0.005, -0.375, 0.05, 1.12)
    body.limb([(x + 0.02, -0.27), (x + 0.09, -0.19), (x + 0.14, -0.22)], 0.045, 0.03)
    body.limb([(x - 0.065, -0.40), (x + 0.075, -0.395)], 0.022, 0.018)


def sailboat(world: World, size: float, depth: float, flip: int) -> list[Layer]:
    """A boat under two sails."""
    body, sails = (Body(world, (-0.6, -1.1, 0.6, 0.55), size, flip) for _ in range(2))
    body.shape(*curve((-0.40, -0.09), (0.0, -0.045), (0.46, -0.13), steps=12), *curve((0.46, -0.13), (0.33, 0.025), (-0.33, 0.025), steps=10))
    body.limb([(0.02, -0.06), (0.03, -1.04)], 0.016, 0.010)
    body.limb([(0.03, -0.14), (-0.33, -0.15)], 0.012, 0.010)
    sails.shape((0.02, -1.0), *curve((0.02, -1.0), (-0.26, -0.55), (-0.33, -0.17), steps=10), (0.02, -0.16))
    sails.shape((0.05, -0.94), *curve((0.05, -0.94), (0.30, -0.5), (0.42, -0.15), steps=10), (0.06, -0.17))
    image = body.painted(world, depth)
    canvas_tone = mix(mix(world.palette.haze, (1.0, 0.98, 0.94), 0.55), world.palette.dark, 0.25 + 0.3 * world.palette.night)
    image.paste(sails.painted(world, depth, canvas_tone), (0, 0), sails.ink.soft())
    mirrored(image, body.canvas, 0.014 * size, 0.5 * size, 0.45)
    return [Layer(body.canvas, depth, image)]


def car(world: World, width: float, depth: float) -> list[Layer]:
    """A car seen from behind, wheels at the origin, its lights on."""
    body = Body(world, (-0.95, -0.95, 0.95, 0.6), width)
    body.shape((-0.5, -0.08), (-0.51, -0.34), (-0.45, -0.43), (-0.35, -0.68), (-0.27, -0.735), (0.27, -0.735), (0.35, -0.68), (0.45, -0.43), (0.51, -0.34), (0.5, -0.08))
    for side in (-1, 1):
        body.shape((side * 0.47, -0.16), (side * 0.47, 0.0), (side * 0.31, 0.0), (side * 0.31, -0.16))
        body.shape((side * 0.49, -0.47), (side * 0.58, -0.48), (side * 0.58, -0.42), (side * 0.47, -0.41))
    image = body.painted(world, depth, mix(world.palette.dark, world.palette.haze, 0.12))
    glass = Body(world, (-0.95, -0.95, 0.95, 0.6), width)
    glass.shape((-0.36, -0.46), (-0.29, -0.66), (-0.24, -0.69), (0.24, -0.69), (0.29, -0.66), (0.36, -0.46))
    tint(image, glass.ink.soft(), mix(world.palette.sky[-1], world.palette.dark, 0.45), 0.75)
    lights = Body(world, (-0.95, -0.95, 0.95, 0.6), width)
    for side in (-1, 1):
        lights.limb([(side * 0.46, -0.345), (side * 0.33, -0.335)], 0.055, 0.045)
    shine(image, lights.ink.image, (1.0, 0.13, 0.09), max(6, round(0.13 * width * body.canvas.scale)), 1.7)
    mirrored(image, body.canvas, 0.0, 0.55 * width, 0.35 if world.reading.has("rain", "neon") else 0.12)
    return [Layer(body.canvas, depth, image)]


def flock(world: World, count: int = 7) -> list[Actor]:
    """Birds that cross the sky in a loose line."""
    rng = world.chance("birds")
    way = 1 if rng.random() < 0.5 else -1
    start, line = -way * world.spread * 0.5, world.horizon * float(rng.uniform(0.3, 0.55))
    actors = []
    for number in range(count):
        size = 0.028 * world.bulk * float(rng.uniform(0.7, 1.15))
        poses = [_bird(world, size, lift) for lift in (-0.5, -0.15, 0.3, 0.55, 0.3, -0.15)]
        x = start - way * 0.05 * number + float(rng.uniform(-0.02, 0.02))
        y = line + 0.018 * number * (1 if number % 2 else -0.8) + float(rng.uniform(-0.012, 0.012))
        speed = way * 0.05 * world.seconds
        actors.append(Actor(poses, crossing(world, x, x + speed, y, world.seconds, 0.006), 9.0, float(rng.uniform(0, 6))))
    return actors


def _bird(world: World, size: float, lift: float) -> Layer:
    body = Body(world, (-1.2, -0.9, 1.2, 0.9), size)
    for side in (-1, 1):
        body.limb(curve((0.0, 0.0), (side * 0.4, -lift * 0.9), (side * 1.0, -lift * 0.3 + 0.1), steps=8), 0.2, 0.05)
    body.disc(0.0, 0.03, 0.14, 0.7)
    return Layer(body.canvas, 0.12, body.painted(world, 0.12, world.tone(0.5)))
