"""Layers: what is painted once, wider than the picture, and laid over the frame again and again.

A layer is kept at ``DETAIL`` pixels for one of the frame, soft enough that taking the nearest pixel looks smooth: a
moving crop costs a copy, not a filter. Which pixels it has, where it stands and how deep is said here; what is painted
is for the settings.
"""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image

from storyboard.providers.animatic.camera import Window

DETAIL = 2
CELL = 32  # layer pixels, one step of the map of what is empty and what is solid
STRIP = 64  # frame rows that are laid at once
SHORT = 6  # cells; a piece shorter than this costs more in calls than it spares in pixels

Picture = Image.Image
Area = tuple[int, int, int, int]  # left, top, right, bottom in frame pixels
Piece = tuple[Area, tuple[float, float, float, float], bool]  # where, from which layer pixels, whether solid


class Canvas(Struct, frozen=True):
    """A rectangle of the stage in stage units and the layer pixels of one unit."""

    left: float
    top: float
    right: float
    bottom: float
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in layer pixels."""
        return (
            max(2, round((self.right - self.left) * self.scale)),
            max(2, round((self.bottom - self.top) * self.scale)),
        )

    def pixels(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Points in stage units, shape (n, 2), as layer pixels."""
        return (np.asarray(points, dtype=np.float64) - (self.left, self.top)) * self.scale

    def grid(self, step: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Stage places of a coarse raster, one point every *step* layer pixels: x of shape (1, w), y of (h, 1)."""
        width, height = (max(2, -(-side // step)) for side in self.size)
        x = np.linspace(self.left, self.right, width)[None, :]
        y = np.linspace(self.top, self.bottom, height)[:, None]
        return x, y

    def cut(self, top: float | None = None, bottom: float | None = None) -> "Canvas":
        """The part between two heights; never thinner than a few pixels."""
        low = self.top if top is None else max(self.top, min(top, self.bottom - 4 / self.scale))
        high = self.bottom if bottom is None else min(self.bottom, max(bottom, low + 4 / self.scale))
        return Canvas(self.left, low, self.right, high, self.scale)


class Cover:
    """What of a frame is still to be seen past the solid parts of nearer layers, strip by strip of ``STRIP`` rows."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._open: list[list[tuple[int, int]]] = [[(0, width)] for _ in range(-(-height // STRIP))]

    def seen(self, row: int, left: int, right: int) -> list[tuple[int, int]]:
        """The parts of a span that can be seen in the strip that begins at *row*."""
        spans = self._open[row // STRIP]
        return [(max(left, low), min(right, high)) for low, high in spans if low < right and left < high]

    def shut(self, row: int, left: int, right: int) -> None:
        """From here on nothing is seen of a span in the strip that begins at *row*."""
        spans = self._open[row // STRIP]
        parts = ((low, min(high, left), max(low, right), high) for low, high in spans)
        kept = [pair for a, b, c, d in parts for pair in ((a, b), (c, d)) if pair[1] > pair[0]]
        self._open[row // STRIP] = kept

    def bounds(self, top: int) -> Area | None:
        """The smallest area below the row *top* that holds all that can be seen there."""
        rows = [row for row in range(top // STRIP, len(self._open)) if self._open[row]]
        if not rows:
            return None
        left = min(self._open[row][0][0] for row in rows)
        right = max(self._open[row][-1][1] for row in rows)
        return left, max(top, rows[0] * STRIP), right, min(self.height, (rows[-1] + 1) * STRIP)


class _Cells:
    """Which parts of a mask are empty or solid, answered for any band of rows by sums over a coarse map."""

    def __init__(self, mask: Picture) -> None:
        alpha = np.asarray(mask)
        rows, columns = (-(-side // CELL) for side in alpha.shape)
        padded = np.pad(alpha, ((0, rows * CELL - alpha.shape[0]), (0, columns * CELL - alpha.shape[1])), mode="edge")
        strips = padded.reshape(rows, CELL, columns * CELL)
        most = strips.max(axis=1).reshape(rows, columns, CELL).max(axis=2)
        least = strips.min(axis=1).reshape(rows, columns, CELL).min(axis=2)
        self._some = np.pad((most > 5).astype(np.int64).cumsum(axis=0), ((1, 0), (0, 0)))
        self._all = np.pad((least > 252).astype(np.int64).cumsum(axis=0), ((1, 0), (0, 0)))
        self._known: dict[tuple[int, int], list[tuple[int, int, bool]]] = {}

    def runs(self, top: float, bottom: float) -> list[tuple[int, int, bool]]:
        """What is not empty between two heights (layer pixels), from left to right: from, to, whether it is solid."""
        band = max(0, int(top // CELL)), min(len(self._some) - 1, int(-(-bottom // CELL)))
        if band not in self._known:
            self._known[band] = self._runs(*band)
        return self._known[band]

    def _runs(self, first: int, last: int) -> list[tuple[int, int, bool]]:
        if last <= first:
            return []
        some = self._some[last] - self._some[first] > 0
        state = some.astype(np.int64) + (self._all[last] - self._all[first] == last - first)
        runs: list[tuple[int, int, bool]] = []
        edges = [0, *(np.flatnonzero(np.diff(state)) + 1).tolist(), len(state)]
        for start, end in pairwise(edges):
            kind = int(state[start])
            if end - start < SHORT and runs and runs[-1][1] == start * CELL:
                kind = 1
            if kind == 1 and runs and runs[-1][1] == start * CELL and not runs[-1][2]:
                runs[-1] = (runs[-1][0], end * CELL, False)
            elif kind:
                runs.append((start * CELL, end * CELL, kind == 2))
        return runs


class Layer:
    """One painted plane of the stage: RGB if it covers its canvas, RGBA with a soft edge otherwise."""

    def __init__(self, canvas: Canvas, depth: float, image: Picture) -> None:
        self.canvas = canvas
        self.depth = depth
        self.image = image
        self._cells = _Cells(image.getchannel("A")) if image.mode == "RGBA" else None

    def draw(self, frame: Picture, window: Window, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        """Lay the layer over *frame*, which shows *window*; *shift* moves the layer, in stage units."""
        self.paint(frame, self.pieces(Cover(frame.width, frame.height), window, shift))

    def pieces(self, cover: Cover, window: Window, shift: tuple[float, float] = (0.0, 0.0)) -> list[Piece]:
        """What is to be laid where nothing nearer hides it; *cover* is told what the layer itself hides."""
        scale = self.canvas.scale
        step = ((window[2] - window[0]) * scale / cover.width, (window[3] - window[1]) * scale / cover.height)
        start = ((window[0] - shift[0] - self.canvas.left) * scale, (window[1] - shift[1] - self.canvas.top) * scale)
        left, right = _covered(start[0], step[0], self.image.width, cover.width)
        top, bottom = _covered(start[1], step[1], self.image.height, cover.height)
        found: list[Piece] = []
        if right <= left or bottom <= top:
            return found
        for row in range(top - top % STRIP, bottom, STRIP):
            y, end = max(row, top), min(row + STRIP, bottom)
            runs = self._runs(start[1] + y * step[1], start[1] + end * step[1])
            for low, high, solid in runs:
                x0, x1 = (low - start[0]) / step[0], (high - start[0]) / step[0]
                a, b = (math.ceil(x0), math.floor(x1)) if solid else (math.floor(x0), math.ceil(x1))
                a, b = max(left, a), min(right, b)
                if b > a:
                    found += [
                        ((c, y, d, end), self._box(start, step, (c, y, d, end)), solid)
                        for c, d in cover.seen(row, a, b)
                    ]
                    if solid and end - y == min(STRIP, cover.height - row):
                        cover.shut(row, a, b)
        return found

    def paint(self, frame: Picture, pieces: list[Piece]) -> None:
        """Lay *pieces* over *frame*."""
        source, target = self.image.im, frame.im
        for area, box, solid in pieces:
            part = source.resize((area[2] - area[0], area[3] - area[1]), Image.Resampling.NEAREST, box)
            if solid:
                target.paste(part, area)
            else:
                target.paste(part, area, part)

    def _runs(self, top: float, bottom: float) -> list[tuple[int, int, bool]]:
        return [(0, self.image.width, True)] if self._cells is None else self._cells.runs(top, bottom)

    def _box(
        self, start: tuple[float, float], step: tuple[float, float], area: Area
    ) -> tuple[float, float, float, float]:
        """The layer pixels under *area*."""
        return (
            max(0.0, start[0] + area[0] * step[0]),
            max(0.0, start[1] + area[1] * step[1]),
            min(float(self.image.width), start[0] + area[2] * step[0]),
            min(float(self.image.height), start[1] + area[3] * step[1]),
        )


def laid(frame: Picture, sprite: Picture, x: float, y: float) -> None:
    """Paste *sprite*, RGBA, with its middle at the frame pixel (*x*, *y*)."""
    left, top = round(x - sprite.width / 2), round(y - sprite.height / 2)
    ink = sprite.im
    frame.im.paste(ink, (left, top, left + sprite.width, top + sprite.height), ink)


def _covered(start: float, step: float, length: int, limit: int) -> tuple[int, int]:
    """The frame pixels, from and to, whose place ``start + i * step`` lies on a layer *length* pixels long."""
    first = max(0, int(np.ceil(-start / step - 1e-6)))
    last = min(limit, int(np.floor((length - start) / step + 1e-6)))
    return first, last
