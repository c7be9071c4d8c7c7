"""Ink on paper: filled shapes with hand-drawn outlines, strokes and hatching, in stage units, for storyboard panels."""

from collections.abc import Callable, Sequence

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
        flat = self._pixels(points)
        if len(flat) >= 3:
            self._pen.polygon(flat.ravel().tolist(), fill=tone)

    def stroke(self, points: npt.ArrayLike, width: float = PLAIN, tone: Tone = INK) -> None:
        """Draw a line with round ends; it thins towards its ends as one drawn by hand."""
        flat = self._pixels(points)
        wide = max(1.0, width * self.canvas.scale)
        if len(flat) < 2:
            return
        self._pen.line(flat.ravel().tolist(), fill=tone, width=max(1, round(wide)), joint="curve")
        radius = wide / 2 - 0.5
        if radius >= 1:
            for x, y in (flat[0], flat[-1]):
                self._pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tone)

    def shape(self, points: npt.ArrayLike, tone: Tone = PAPER, width: float = PLAIN, edge: Tone = INK) -> None:
        """Fill a polygon and draw its outline."""
        self.fill(points, tone)
        around = np.asarray(points, dtype=np.float64)
        self.stroke(np.concatenate([around, around[:2]]), width, edge)

    def blob(self, points: Sequence[Point], tone: Tone = PAPER, width: float = PLAIN) -> None:
        """Fill the smooth closed curve through *points* and draw its outline."""
        self.shape(smooth(points, closed=True), tone, width)

    def oval(self, middle: Point, wide: float, high: float, tone: Tone = PAPER, width: float = PLAIN) -> None:
        """Draw an ellipse of the half width *wide* and half height *high*; without *width* only its surface."""
        around = ellipse(middle, wide, high)
        if width:
            self.shape(around, tone, width)
        else:
            self.fill(around, tone)

    def limb(self, points: npt.ArrayLike, widths: Sequence[float], tone: Tone = PAPER, width: float = PLAIN) -> None:
        """Draw a rounded limb along *points*, as wide at each as *widths* says."""
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


def smooth(points: Sequence[Point], closed: bool = False) -> Array:
    """Return a curve through all *points* (Catmull-Rom)."""
    given = np.asarray(points, dtype=np.float64)
    if closed:
        padded = np.concatenate([given[-1:], given, given[:2]])
    else:
        padded = np.concatenate([2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]])
    part = np.linspace(0, 1, _STEPS, endpoint=False)[:, None, None]
    a, b, c, d = (padded[number : len(padded) - 3 + number][None] for number in range(4))
    between = 0.5 * (2 * b + (c - a) * part + (2 * a - 5 * b + 4 * c - d) * part**2 + (3 * (b - c) + d - a) * part**3)
    curve: Array = between.transpose(1, 0, 2).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, given[-1:]])


def ellipse(middle: Point, wide: float, high: float, first: float = 0.0, last: float = 360.0) -> Array:
    """Return the points of an ellipse, or of its part between two angles: 0 is right, 90 down."""
    turn = np.radians(np.linspace(first, last, max(8, round(abs(last - first) / 10))))
    return np.stack([middle[0] + wide * np.cos(turn), middle[1] + high * np.sin(turn)], axis=1)


def limb_outline(points: npt.ArrayLike, widths: Sequence[float]) -> Array:
    """Return the outline of a limb with round ends along the curve through *points*."""
    given = np.asarray(points, dtype=np.float64)
    line = smooth([(float(x), float(y)) for x, y in given])
    wide = np.interp(np.linspace(0, len(given) - 1, len(line)), range(len(given)), widths) / 2
    along = np.gradient(line, axis=0)
    along /= np.maximum(1e-9, np.hypot(along[:, 0], along[:, 1]))[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * wide[:, None]
    cap = np.radians(np.linspace(60, -60, 5))[:, None]

    def end(number: int, way: float) -> Array:
        out, side = along[number] * wide[number] * way, across[number] * way
        rounded: Array = line[number] + out * np.cos(cap) + side * np.sin(cap)
        return rounded

    outline: Array = np.concatenate([line + across, end(-1, 1.0), (line - across)[::-1], end(0, -1.0)])
    return outline
