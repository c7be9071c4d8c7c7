"""Ink on paper: filled shapes with hand-drawn outlines, strokes and hatching, in stage units, for storyboard panels."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from storyboard.animatic.layers import LayerArea
from storyboard.animatic.planes import Picture

Tone = tuple[int, int, int]
Point = tuple[float, float]
Array = npt.NDArray[np.float64]
Lens = Callable[[Array], Array]

PAPER: Tone = (246, 243, 236)
INK: Tone = (24, 25, 29)
LIGHT: Tone = (223, 221, 215)
MIDDLE: Tone = (178, 178, 177)
DARK: Tone = (112, 113, 118)
DEEP: Tone = (58, 60, 67)
SIGNAL: Tone = (208, 52, 38)  # arrows of the camera, in the colour of a marking pen

FINE, PLAIN, BOLD = 0.0032, 0.0055, 0.009  # widths of lines, in stage units
_STEPS = 7  # points of a curve between two of its own
_EDGE = 4  # pixels beyond the edge of a canvas in which a line may still leave a mark
# A panel has hundreds of curves: what is equal for all of them is computed once.
_PART: Array = np.linspace(0, 1, _STEPS, endpoint=False)[:, None, None]
_SQUARE, _CUBE = _PART**2, _PART**3
_CAP: Array = np.radians(np.linspace(60, -60, 5))[:, None]
_CAP_COS, _CAP_SIN = np.cos(_CAP), np.sin(_CAP)
_LEFT_OF = np.array([-1.0, 1.0])  # a direction with its parts exchanged, times this, is turned by a right angle


class Ink:
    """A pen over a picture. It draws in stage units through a *lens*, which bends them into perspective.

    On a canvas without *paper* everything but the drawing is transparent.
    """

    def __init__(self, canvas: LayerArea, paper: Tone | None = None, lens: Lens | None = None) -> None:
        self.canvas = canvas
        self.lens = lens
        if paper is None:
            self.image = Image.new("RGBA", canvas.size, (*PAPER, 0))
        else:
            self.image = Image.new("RGB", canvas.size, paper)
        self._pen = ImageDraw.Draw(self.image)  # an RGBA picture takes a tone as opaque

    def fill(self, points: npt.ArrayLike, tone: Tone) -> None:
        """Fill a polygon, without an outline."""
        self._fill(self._pixels(points), tone)

    def stroke(self, points: npt.ArrayLike, width: float = PLAIN, tone: Tone = INK) -> None:
        """Draw a line with round ends; it thins towards its ends as one drawn by hand."""
        self._stroke(self._pixels(points), width, tone)

    def shape(self, points: npt.ArrayLike, tone: Tone = PAPER, width: float = PLAIN, edge: Tone = INK) -> None:
        """Fill a polygon and draw its outline."""
        flat = self._pixels(points)
        self._fill(flat, tone)
        self._stroke(np.concatenate([flat, flat[:2]]), width, edge)

    def blob(self, points: Sequence[Point], tone: Tone = PAPER, width: float = PLAIN) -> None:
        """Fill the smooth closed curve through *points* and draw its outline."""
        if not self._is_outside(points, width):
            self.shape(smooth(points, closed=True), tone, width)

    def oval(self, middle: Point, wide: float, high: float, tone: Tone = PAPER, width: float = PLAIN) -> None:
        """Draw an ellipse of the half width *wide* and half height *high*; without *width* only its surface."""
        around = ellipse(middle, wide, high)
        if width:
            self.shape(around, tone, width)
        else:
            self.fill(around, tone)

    def limb(self, points: Sequence[Point], widths: Sequence[float], tone: Tone = PAPER, width: float = PLAIN) -> None:
        """Draw a rounded limb along *points*, as wide at each as *widths* says."""
        if not self._is_outside(points, max(widths) + width):
            self.shape(limb_outline(points, widths), tone, width)

    def hatch(self, points: npt.ArrayLike, gap: float, slope: float = 1.0, tone: Tone = MIDDLE) -> None:
        """Fill a convex polygon with slanting lines, *gap* apart; *slope* is their run for one unit of height."""
        around = np.asarray(points, dtype=np.float64)
        skewed = around[:, 0] + slope * around[:, 1]
        for at in np.arange(skewed.min() + gap / 2, skewed.max(), gap):
            ends = _crossings(around, skewed, float(at))
            if len(ends) == 2:
                self.stroke(ends, FINE, tone)

    def soft(self) -> Picture:
        """Return the drawing with soft edges, for layers whose nearest pixels are shown."""
        half = self.image.reduce(2)
        return half.resize(self.image.size, Image.Resampling.BILINEAR)

    def _fill(self, flat: Array, tone: Tone) -> None:
        if len(flat) >= 3:
            self._pen.polygon(flat.ravel().tolist(), fill=tone)

    def _stroke(self, flat: Array, width: float, tone: Tone) -> None:
        wide = max(1.0, width * self.canvas.scale)
        if len(flat) < 2:
            return
        self._pen.line(flat.ravel().tolist(), fill=tone, width=max(1, round(wide)), joint="curve")
        radius = wide / 2 - 0.5
        if radius >= 1:
            for x, y in (flat[0], flat[-1]):
                self._pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tone)

    def _is_outside(self, points: Sequence[Point], width: float) -> bool:
        """Return whether a curve through *points*, *width* wide, surely leaves no mark: legs of a crowd, for example.

        A curve leaves the box around its points by less than half the longer side of the box.
        """
        if self.lens is not None:
            return False
        across, down = [x for x, _ in points], [y for _, y in points]
        left, right, top, bottom = min(across), max(across), min(down), max(down)
        reach = max(right - left, bottom - top) / 2 + width + _EDGE / self.canvas.scale
        area = self.canvas
        is_beside = right + reach < area.left or left - reach > area.right
        return is_beside or bottom + reach < area.top or top - reach > area.bottom

    def _pixels(self, points: npt.ArrayLike) -> Array:
        given = np.asarray(points, dtype=np.float64)
        return self.canvas.pixels(given if self.lens is None else self.lens(given))


def _crossings(around: Array, skewed: Array, at: float) -> list[Point]:
    """Return where the outline *around* crosses the slanting line *at*."""
    found: list[Point] = []
    for number in range(len(around)):
        after = (number + 1) % len(around)
        low, high = skewed[number] - at, skewed[after] - at
        if low * high < 0:
            part = low / (low - high)
            x, y = around[number] + (around[after] - around[number]) * part
            found.append((float(x), float(y)))
    return found


def smooth(points: npt.ArrayLike, closed: bool = False) -> Array:
    """Return a curve through all *points* (Catmull-Rom)."""
    given = np.asarray(points, dtype=np.float64)
    if closed:
        padded = np.concatenate([given[-1:], given, given[:2]])
    else:
        padded = np.concatenate([2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]])
    a, b, c, d = (padded[number : len(padded) - 3 + number][None] for number in range(4))
    between = 0.5 * (2 * b + (c - a) * _PART + (2 * a - 5 * b + 4 * c - d) * _SQUARE + (3 * (b - c) + d - a) * _CUBE)
    curve: Array = between.transpose(1, 0, 2).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, given[-1:]])


def ellipse(middle: Point, wide: float, high: float, first: float = 0.0, last: float = 360.0) -> Array:
    """Return the points of an ellipse, or of its part between two angles: 0 is right, 90 down."""
    across, down = _arc(first, last)
    return np.stack([middle[0] + wide * across, middle[1] + high * down], axis=1)


@lru_cache(maxsize=256)
def _arc(first: float, last: float) -> tuple[Array, Array]:
    """Return cosine and sine of the angles of an arc, which are not to be changed."""
    turn = np.radians(np.linspace(first, last, max(8, round(abs(last - first) / 10))))
    return np.cos(turn), np.sin(turn)


@lru_cache(maxsize=256)
def _spread(points: int, places: int) -> Array:
    """Return *places* places, evenly spread over the numbers of *points*, which are not to be changed."""
    return np.linspace(0, points - 1, places)


def _slopes(line: Array) -> Array:
    """Return ``np.gradient(line, axis=0)``, without its checks."""
    slopes = np.empty_like(line)
    slopes[1:-1] = (line[2:] - line[:-2]) / 2.0
    slopes[0], slopes[-1] = line[1] - line[0], line[-1] - line[-2]
    return slopes


def limb_outline(points: npt.ArrayLike, widths: Sequence[float]) -> Array:
    """Return the outline of a limb with round ends along the curve through *points*."""
    given = np.asarray(points, dtype=np.float64)
    line = smooth(given)
    wide = np.interp(_spread(len(given), len(line)), np.arange(len(given)), widths) / 2
    along = _slopes(line)
    along /= np.maximum(1e-9, np.hypot(along[:, 0], along[:, 1]))[:, None]
    across = along[:, ::-1] * _LEFT_OF * wide[:, None]

    def end(number: int, way: float) -> Array:
        out, side = along[number] * wide[number] * way, across[number] * way
        rounded: Array = line[number] + out * _CAP_COS + side * _CAP_SIN
        return rounded

    outline: Array = np.concatenate([line + across, end(-1, 1.0), (line - across)[::-1], end(0, -1.0)])
    return outline
