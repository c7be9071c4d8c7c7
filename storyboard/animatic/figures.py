"""Figures: people as silhouettes with a few poses, and the motion of actors across the stage."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from storyboard.animatic.brush import Stencil, curve, cut_out, draw_reflection, shading, soften, taper, tint
from storyboard.animatic.layers import DETAIL, Layer, LayerArea
from storyboard.animatic.palette import Colour, mix, to_bytes
from storyboard.animatic.planes import Picture, Sheet
from storyboard.animatic.prompt import Reading
from storyboard.animatic.world import Moment, World

PathFunction = Callable[[float], tuple[float, float]]
STRIDE = 12  # poses of one double step


class Actor:
    """A moving figure: poses around its own origin, a place for every second, poses a second."""

    def __init__(self, poses: Sequence[Layer], place: PathFunction, rate: float = 0.0, phase: float = 0.0) -> None:
        self._poses, self._place, self._rate, self._phase = list(poses), place, rate, phase

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Draw the present pose over the sheet."""
        pose = self._poses[int(moment.seconds * self._rate + self._phase) % len(self._poses)]
        pose.draw(sheet, moment.window(pose.depth), self._place(moment.seconds))


class Body:
    """A stencil around an origin in units of the figure's own size, facing right, or left if *flip* is -1."""

    def __init__(self, world: World, box: tuple[float, float, float, float], size: float, flip: int = 1) -> None:
        left, top, right, bottom = (side * size for side in box)
        if flip < 0:
            left, right = -right, -left
        self.size, self.flip = size, flip
        self.canvas = LayerArea(left, top, right, bottom, world.height * DETAIL)
        self.ink = Stencil(self.canvas)

    def points(self, points: npt.ArrayLike) -> list[tuple[float, float]]:
        """Convert own units to stage units."""
        scaled = np.asarray(points, dtype=np.float64) * (self.size * self.flip, self.size)
        return [(float(x), float(y)) for x, y in scaled]

    def shape(self, *points: tuple[float, float]) -> None:
        """Fill an outline."""
        self.ink.polygon(self.points(points))

    def limb(self, points: npt.ArrayLike, first: float, last: float) -> None:
        """Draw a round stroke from one width to another."""
        path = self.points(points)
        self.ink.limb(path, taper(first * self.size, last * self.size, len(path)))

    def disc(self, x: float, y: float, radius: float, tall: float = 1.0) -> None:
        """Fill an ellipse."""
        self.ink.disc(x * self.size * self.flip, y * self.size, radius * self.size, tall)

    def paint(self, world: World, depth: float, tone: Colour | None = None) -> Picture:
        """Return the silhouette as RGBA in the colour of its depth."""
        shade = mix(world.tone(depth), world.palette.dark, 0.55) if tone is None else tone
        return cut_out(shading(self.canvas, shade, world.palette.haze), self.ink.soft_mask())


def walker(
    world: World, reading: Reading, size: float, depth: float, flip: int, moving: bool, wet: bool
) -> list[Layer]:
    """Return poses of a person *size* stage units tall, feet at the origin; one pose if they stand.

    *wet* ground reflects them.
    """
    poses = []
    for number in range(STRIDE if moving else 1):
        body = Body(world, (-0.42, -1.06, 0.42, 0.22), size, flip)
        turn = 2 * np.pi * number / STRIDE
        _draw_person(body, turn, 1.0 if moving else 0.12, reading)
        image = body.paint(world, depth)
        add_rim_light(world, image, body)
        if wet:
            draw_reflection(image, body.canvas, 0.004 * size, 0.2 * size, 0.4)
        else:
            image = _add_shadow(world, image, body)
        poses.append(Layer(body.canvas, depth, image))
    return poses


def _add_shadow(world: World, image: Picture, body: Body) -> Picture:
    """Return *image* over its shadow, which points away from the light."""
    shade = Stencil(body.canvas)
    way = -1 if world.light.x > 0 else 1
    shade.disc(way * 0.10 * body.size, 0.012 * body.size, 0.2 * body.size, 0.13)
    under = cut_out(
        Image.new("RGB", image.size, to_bytes(world.palette.dark)),
        shade.soft_mask(0.02 * body.size).point([i * 45 // 100 for i in range(256)]),
    )
    under.alpha_composite(image)
    return under


def _draw_person(body: Body, turn: float, stride: float, reading: Reading) -> None:
    rise = -0.012 * stride * abs(np.cos(turn))
    hip, neck = (0.0, -0.50 + rise), (0.018 * stride, -0.835 + rise)
    for side in (0.0, np.pi):
        _draw_leg(body, hip, turn + side, stride)
        _draw_arm(body, (neck[0], neck[1] + 0.035), turn + side + np.pi, stride)
    flare = 0.02 * np.sin(turn * 2)
    body.disc(neck[0] + 0.012, neck[1] - 0.082, 0.052, 1.2)
    body.limb([(neck[0], neck[1] + 0.03), (neck[0] + 0.008, neck[1] - 0.05)], 0.05, 0.045)
    (_draw_dress if reading.has("dress") else _draw_coat)(body, rise, flare, stride)
    if reading.has("pack"):
        body.shape((-0.06, -0.82), (-0.17, -0.80), (-0.185, -0.58), (-0.07, -0.55))


def _draw_dress(body: Body, rise: float, flare: float, stride: float) -> None:
    """Draw a swinging dress and long hair."""
    left, right, hem = -0.115 - 0.05 * stride + flare, 0.10 + 0.03 * stride + flare, -0.24
    body.shape(
        *((-0.062, -0.80 + rise), (-0.075, -0.72), (-0.05, -0.60), (left, hem)),
        *((right, hem), (0.045, -0.60), (0.072, -0.72), (0.066, -0.80 + rise)),
    )
    x, y = 0.018 * stride, -0.835 + rise
    hair = curve((x - 0.01, y - 0.12), (x - 0.09, y - 0.10), (x - 0.09 - 0.03 * stride, y + 0.08 + flare), steps=8)
    body.limb(hair, 0.07, 0.02)


def _draw_coat(body: Body, rise: float, flare: float, stride: float) -> None:
    """Draw a coat to the thigh, which opens with the *stride*."""
    open_ = 0.012 * stride
    body.shape(
        *((-0.085, -0.80 + rise), (-0.095, -0.70), (-0.075, -0.56), (-0.10 - open_ + flare, -0.36)),
        *((0.09 + open_ + flare, -0.36), (0.07, -0.56), (0.088, -0.70), (0.085, -0.80 + rise)),
        *((0.04, -0.835 + rise), (-0.04, -0.835 + rise)),
    )


def _draw_leg(body: Body, hip: tuple[float, float], turn: float, stride: float) -> None:
    swing = 0.46 * stride * np.sin(turn)
    bend = stride * (0.12 + 0.75 * max(0.0, np.sin(turn + 1.9)) ** 2)
    knee = (hip[0] + 0.25 * np.sin(swing), hip[1] + 0.25 * np.cos(swing))
    ankle = (knee[0] + 0.235 * np.sin(swing - bend), knee[1] + 0.235 * np.cos(swing - bend))
    body.limb([hip, knee], 0.095, 0.068)
    body.limb([knee, ankle], 0.068, 0.042)
    tip = (ankle[0] + 0.075 * np.cos(0.5 * (swing - bend)), ankle[1] + 0.02 - 0.05 * np.sin(0.5 * (swing - bend)))
    body.limb([ankle, tip], 0.045, 0.028)


def _draw_arm(body: Body, shoulder: tuple[float, float], turn: float, stride: float) -> None:
    swing = 0.42 * stride * np.sin(turn)
    elbow = (shoulder[0] + 0.155 * np.sin(swing), shoulder[1] + 0.155 * np.cos(swing))
    hand = (elbow[0] + 0.15 * np.sin(swing + 0.3 * stride), elbow[1] + 0.15 * np.cos(swing + 0.3 * stride))
    body.limb([shoulder, elbow], 0.06, 0.045)
    body.limb([elbow, hand], 0.045, 0.032)


def add_rim_light(world: World, image: Picture, body: Body) -> None:
    """Add a thin edge of light on the side that faces the light."""
    mask = soften(body.ink.image, 2)
    step = max(1, round(min(0.003, 0.012 * body.size) * body.canvas.scale)) * (1 if world.light.x < 0 else -1)
    moved = Image.new("L", mask.size)
    moved.paste(mask, (step, max(1, abs(step) // 2)))
    inner = Image.composite(Image.new("L", mask.size), mask, moved)
    tint(image, inner, world.light.colour, 0.6 * world.light.strength)


def crossing_path(
    world: World, start: float, end: float, height: float, seconds: float, bob: float = 0.0
) -> PathFunction:
    """Return the path from one place to another in *seconds*, rising and falling by *bob*."""

    def place(now: float) -> tuple[float, float]:
        part = now / max(seconds, 1e-6)
        return start + (end - start) * part, height + bob * float(np.sin(now * 1.7) + 0.4 * np.sin(now * 2.9))

    return place
