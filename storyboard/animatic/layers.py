"""Layers: what is painted once, wider than the picture, and laid over the frame again and again.

A layer is kept at ``DETAIL`` pixels for one of the frame, soft enough that taking the nearest pixel looks smooth: a
moving crop costs a copy, not a filter. Which pixels it has, where it stands and how deep is said here; what is painted
is for the settings.

What need not be drawn: what nearer layers hide of a frame, and which parts of a layer are empty or solid.
"""

import math
from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image

from storyboard.animatic.camera import Window
from storyboard.animatic.palette import Colour
from storyboard.animatic.planes import Picture, Sheet, levels_of, planes_of

CELL = 32  # layer pixels, one step of the map of what is empty and what is solid
STRIP = 96  # frame rows that are laid at once
SHORT = 10  # cells; a piece shorter than this costs more in calls than it spares in pixels

Area = tuple[int, int, int, int]  # left, top, right, bottom in frame pixels


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


class Cells:
    """Which parts of a mask are empty or solid, answered for any band of rows by sums over a coarse map."""

    def __init__(self, mask: Picture, solid: bool) -> None:
        alpha = np.asarray(mask)
        rows, columns = (-(-side // CELL) for side in alpha.shape)
        padded = np.pad(alpha, ((0, rows * CELL - alpha.shape[0]), (0, columns * CELL - alpha.shape[1])), mode="edge")
        strips = padded.reshape(rows, CELL, columns * CELL)
        most = strips.max(axis=1).reshape(rows, columns, CELL).max(axis=2)
        least = strips.min(axis=1).reshape(rows, columns, CELL).min(axis=2)
        self._some = np.pad((most > 5).astype(np.int64).cumsum(axis=0), ((1, 0), (0, 0)))
        self._all = np.pad((least > (252 if solid else 255)).astype(np.int64).cumsum(axis=0), ((1, 0), (0, 0)))
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


DETAIL = 2
_NEAREST = Image.Resampling.NEAREST

Piece = tuple[Area, bool]  # where, and whether nothing shows through


class LayerArea(Struct, frozen=True):
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

    def cut(self, top: float | None = None, bottom: float | None = None) -> "LayerArea":
        """The part between two heights; never thinner than a few pixels."""
        low = self.top if top is None else max(self.top, min(top, self.bottom - 4 / self.scale))
        high = self.bottom if bottom is None else min(self.bottom, max(bottom, low + 4 / self.scale))
        return LayerArea(self.left, low, self.right, high, self.scale)


class _Source(NamedTuple):
    """The planes of a layer that have one size, or the levels that take their place, under one mask."""

    inks: tuple[Any, ...]
    flat: bool
    mask: Any
    size: tuple[int, int]


class Layer:
    """One painted plane of the stage: RGB if it covers its canvas, RGBA with a soft edge otherwise, or a mask (L) that
    is filled with *shade*.
    """

    def __init__(self, canvas: LayerArea, depth: float, image: Picture, shade: Colour | None = None) -> None:
        self.canvas = canvas
        self.depth = depth
        self.image = image
        self._shade = shade

    def stamp(self, picture: Picture, window: Window, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        """Paint the layer into an RGB *picture* of *window* for good; *shift* moves the layer, in stage units."""
        placing = self._placing(picture.size, window, shift)
        area = left, top, right, bottom = placing.area(self.image.size)
        if right > left and bottom > top:
            corner = (max(0.0, placing.x + left * placing.across), max(0.0, placing.y + top * placing.down))
            far = (placing.x + right * placing.across, placing.y + bottom * placing.down)
            box = (*corner, min(far[0], self.image.width), min(far[1], self.image.height))
            part = self.image.resize((right - left, bottom - top), _NEAREST, box)
            picture.paste(part, area, part if part.mode == "RGBA" else None)

    def draw(self, sheet: Sheet, window: Window, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        """Lay the layer over *sheet*, which shows *window*; *shift* moves the layer, in stage units."""
        self.laid(Cover(sheet.width, sheet.height), window, shift)(sheet)

    def laid(self, cover: Cover, window: Window, shift: tuple[float, float] = (0.0, 0.0)) -> Callable[[Sheet], None]:
        """How to lay what nothing nearer hides; *cover* is told what the layer itself hides."""
        placing = self._placing((cover.width, cover.height), window, shift)
        pieces = self._pieces(cover, placing)
        return lambda sheet: self._paint(sheet, placing, pieces)

    def _placing(self, size: tuple[int, int], window: Window, shift: tuple[float, float]) -> "_Placing":
        scale = self.canvas.scale
        return _Placing(
            (window[0] - shift[0] - self.canvas.left) * scale,
            (window[1] - shift[1] - self.canvas.top) * scale,
            (window[2] - window[0]) * scale / size[0],
            (window[3] - window[1]) * scale / size[1],
            size,
        )

    def _pieces(self, cover: Cover, placing: "_Placing") -> list[Piece]:
        left, top, right, bottom = placing.area(self.image.size)
        found: list[Piece] = []
        if right <= left or bottom <= top:
            return found
        for row in range(top - top % STRIP, bottom, STRIP):
            y, end = max(row, top), min(row + STRIP, bottom)
            whole = end - y == min(STRIP, cover.height - row)
            for low, high, solid in self._runs(placing.y + y * placing.down, placing.y + end * placing.down):
                x0, x1 = (low - placing.x) / placing.across, (high - placing.x) / placing.across
                a, b = (math.ceil(x0), math.floor(x1)) if solid else (math.floor(x0), math.ceil(x1))
                a, b = max(left, a), min(right, b)
                if b > a:
                    found += [((c, y, d, end), solid) for c, d in cover.seen(row, a, b)]
                    if solid and whole:
                        cover.shut(row, a, b)
        return found

    def _paint(self, sheet: Sheet, placing: "_Placing", pieces: list[Piece]) -> None:
        luma, tones = self._sources
        _lay(sheet.cores[:1], luma, placing, pieces)
        halved = [(_halved(area), solid) for area, solid in pieces]
        _lay(sheet.cores[1:], tones, placing.halved(), halved)

    @cached_property
    def _sources(self) -> tuple[_Source, _Source]:
        if self._shade:
            levels, half = levels_of(self._shade), self.image.reduce(2)
            return (
                _Source(levels[:1], True, self.image.im, self.image.size),
                _Source(levels[1:], True, half.im, half.size),
            )
        luma, blue, red = planes_of(self.image.convert("RGB"))
        mask = self.image.getchannel("A") if self.image.mode == "RGBA" else None
        half_mask = None if mask is None else mask.reduce(2).im
        return (
            _Source((luma.im,), False, None if mask is None else mask.im, luma.size),
            _Source((blue.im, red.im), False, half_mask, blue.size),
        )

    @cached_property
    def _cells(self) -> Cells | None:
        if self.image.mode == "RGB":
            return None
        return Cells(self.image if self._shade else self.image.getchannel("A"), self._shade is None)

    def _runs(self, top: float, bottom: float) -> list[tuple[int, int, bool]]:
        return [(0, self.image.width, True)] if self._cells is None else self._cells.runs(top, bottom)


class _Placing(Struct, frozen=True):
    """Where a picture stands under another of *size*: the place of that one's corner, and the way of one pixel."""

    x: float
    y: float
    across: float
    down: float
    size: tuple[int, int]

    def halved(self) -> "_Placing":
        """The same for pictures of half the size."""
        return _Placing(self.x / 2, self.y / 2, self.across, self.down, self.size)

    def area(self, size: tuple[int, int]) -> Area:
        """The pixels that a picture of *size* covers."""
        left, right = _covered(self.x, self.across, size[0], self.size[0])
        top, bottom = _covered(self.y, self.down, size[1], self.size[1])
        return left, top, right, bottom


def _lay(targets: tuple[Any, ...], source: _Source, placing: _Placing, pieces: list[Piece]) -> None:
    """Lay *pieces* of *source* over *targets*; the innermost loop of all drawing."""
    x, y, across, down = placing.x, placing.y, placing.across, placing.down
    wide, high = source.size
    for area, solid in pieces:
        left, top, right, bottom = area
        if right <= left or bottom <= top:
            continue
        x0, y0, x1, y1 = x + left * across, y + top * down, x + right * across, y + bottom * down
        box = x0 if x0 > 0 else 0, y0 if y0 > 0 else 0, x1 if x1 < wide else wide, y1 if y1 < high else high
        size = right - left, bottom - top
        over = () if solid else (source.mask.resize(size, _NEAREST, box),)
        for target, ink in zip(targets, source.inks, strict=True):
            target.paste(ink if source.flat else ink.resize(size, _NEAREST, box), area, *over)


def _halved(area: Area) -> Area:
    """The pixels of the colour planes whose first of four is in *area*: neighbours stay neighbours."""
    left, top, right, bottom = area
    return (left + 1) // 2, (top + 1) // 2, (right + 1) // 2, (bottom + 1) // 2


def _covered(start: float, step: float, length: int, limit: int) -> tuple[int, int]:
    """The frame pixels, from and to, whose place ``start + i * step`` lies on a layer *length* pixels long."""
    first = max(0, int(np.ceil(-start / step - 1e-6)))
    last = min(limit, int(np.floor((length - start) / step + 1e-6)))
    return first, last
