"""Layers of the stage: painted once, larger than the picture, and pasted into every frame.

A layer has ``DETAIL`` pixels for one of the frame and is soft enough that the nearest pixel looks smooth: a moving crop
costs a copy instead of a filter. Parts that are empty, or hidden by nearer layers, are skipped. Scenes paint the
layers; this module places and pastes them.
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
from storyboard.animatic.planes import Picture, Sheet, plane_levels, planes_of

CELL = 32  # layer pixels, one cell of the map of empty and solid parts
STRIP = 96  # frame rows that are pasted at once
SHORT = 10  # cells; a shorter piece costs more in calls than it saves in pixels
Area = tuple[int, int, int, int]  # left, top, right, bottom in frame pixels
DETAIL = 2  # layer pixels for one frame pixel
_NEAREST = Image.Resampling.NEAREST
PastePiece = tuple[Area, bool]  # the area, and whether it is opaque


class LayerArea(Struct, frozen=True):
    """A rectangle of the stage in stage units, and the layer pixels of one unit."""

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
        """Convert points in stage units, shape (n, 2), to layer pixels."""
        return (np.asarray(points, dtype=np.float64) - (self.left, self.top)) * self.scale

    def grid(self, step: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the stage places of a raster, one point every *step* layer pixels: x of shape (1, w), y of (h, 1)."""
        width, height = (max(2, -(-side // step)) for side in self.size)
        x = np.linspace(self.left, self.right, width)[None, :]
        y = np.linspace(self.top, self.bottom, height)[:, None]
        return x, y

    def cut(self, top: float | None = None, bottom: float | None = None) -> "LayerArea":
        """Return the part between two heights, at least a few pixels high."""
        low = self.top if top is None else max(self.top, min(top, self.bottom - 4 / self.scale))
        high = self.bottom if bottom is None else min(self.bottom, max(bottom, low + 4 / self.scale))
        return LayerArea(self.left, low, self.right, high, self.scale)


class VisibleSpans:
    """Parts of a frame not yet hidden by solid parts of nearer layers, in strips of ``STRIP`` rows."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._open: list[list[tuple[int, int]]] = [[(0, width)] for _ in range(-(-height // STRIP))]

    def visible(self, row: int, left: int, right: int) -> list[tuple[int, int]]:
        """Return the visible parts of a span in the strip that begins at *row*."""
        spans = self._open[row // STRIP]
        return [(max(left, low), min(right, high)) for low, high in spans if low < right and left < high]

    def hide(self, row: int, left: int, right: int) -> None:
        """Hide a span in the strip that begins at *row*."""
        spans = self._open[row // STRIP]
        parts = ((low, min(high, left), max(low, right), high) for low, high in spans)
        kept = [pair for a, b, c, d in parts for pair in ((a, b), (c, d)) if pair[1] > pair[0]]
        self._open[row // STRIP] = kept

    def visible_area(self, top: int) -> Area | None:
        """Return the smallest area below the row *top* that contains all visible parts there."""
        rows = [row for row in range(top // STRIP, len(self._open)) if self._open[row]]
        if not rows:
            return None
        left = min(self._open[row][0][0] for row in rows)
        right = max(self._open[row][-1][1] for row in rows)
        return left, max(top, rows[0] * STRIP), right, min(self.height, (rows[-1] + 1) * STRIP)


class MaskCells:
    """Coarse map of the empty and solid parts of a mask, summed for fast queries of any band of rows."""

    def __init__(self, mask: Picture, solid: bool) -> None:
        alpha = np.asarray(mask)
        rows, columns = (-(-side // CELL) for side in alpha.shape)
        padded = np.pad(alpha, ((0, rows * CELL - alpha.shape[0]), (0, columns * CELL - alpha.shape[1])), mode="edge")
        strips = padded.reshape(rows, CELL, columns * CELL)
        most = strips.max(axis=1).reshape(rows, columns, CELL).max(axis=2)
        least = strips.min(axis=1).reshape(rows, columns, CELL).min(axis=2)
        self._filled_sums = np.pad((most > 5).astype(np.int64).cumsum(axis=0), ((1, 0), (0, 0)))
        self._solid_sums = np.pad((least > (252 if solid else 255)).astype(np.int64).cumsum(axis=0), ((1, 0), (0, 0)))
        self._cache: dict[tuple[int, int], list[tuple[int, int, bool]]] = {}

    def runs(self, top: float, bottom: float) -> list[tuple[int, int, bool]]:
        """Return the runs that are not empty between two heights (layer pixels): from, to, whether solid."""
        band = max(0, int(top // CELL)), min(len(self._filled_sums) - 1, int(-(-bottom // CELL)))
        if band not in self._cache:
            self._cache[band] = self._runs(*band)
        return self._cache[band]

    def _runs(self, first: int, last: int) -> list[tuple[int, int, bool]]:
        if last <= first:
            return []
        some = self._filled_sums[last] - self._filled_sums[first] > 0
        state = some.astype(np.int64) + (self._solid_sums[last] - self._solid_sums[first] == last - first)
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


class _Source(NamedTuple):
    """The planes of a layer that have one size, or the levels in their place, under one mask."""

    inks: tuple[Any, ...]
    flat: bool
    mask: Any
    size: tuple[int, int]


class Layer:
    """One painted plane of the stage.

    RGB if it covers its canvas, RGBA with a soft edge, or a mask (L) filled with *shade*.
    """

    def __init__(self, canvas: LayerArea, depth: float, image: Picture, shade: Colour | None = None) -> None:
        self.canvas = canvas
        self.depth = depth
        self.image = image
        self._shade = shade

    def stamp(self, picture: Picture, window: Window, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        """Paint the layer permanently into an RGB *picture* of *window*; *shift* moves the layer, in stage units."""
        placing = self._placing(picture.size, window, shift)
        area = left, top, right, bottom = placing.area(self.image.size)
        if right > left and bottom > top:
            corner = (max(0.0, placing.x + left * placing.across), max(0.0, placing.y + top * placing.down))
            far = (placing.x + right * placing.across, placing.y + bottom * placing.down)
            box = (*corner, min(far[0], self.image.width), min(far[1], self.image.height))
            part = self.image.resize((right - left, bottom - top), _NEAREST, box)
            picture.paste(part, area, part if part.mode == "RGBA" else None)

    def draw(self, sheet: Sheet, window: Window, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        """Paste the layer into *sheet*, which shows *window*; *shift* moves the layer, in stage units."""
        self.plan_draw(VisibleSpans(sheet.width, sheet.height), window, shift)(sheet)

    def plan_draw(
        self, cover: VisibleSpans, window: Window, shift: tuple[float, float] = (0.0, 0.0)
    ) -> Callable[[Sheet], None]:
        """Return a function that pastes the visible parts, and hide in *cover* what the layer covers."""
        placing = self._placing((cover.width, cover.height), window, shift)
        pieces = self._plan_pieces(cover, placing)
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

    def _plan_pieces(self, cover: VisibleSpans, placing: "_Placing") -> list[PastePiece]:
        left, top, right, bottom = placing.area(self.image.size)
        found: list[PastePiece] = []
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
                    found += [((c, y, d, end), solid) for c, d in cover.visible(row, a, b)]
                    if solid and whole:
                        cover.hide(row, a, b)
        return found

    def _paint(self, sheet: Sheet, placing: "_Placing", pieces: list[PastePiece]) -> None:
        luma, tones = self._sources
        _paste_pieces(sheet.cores[:1], luma, placing, pieces)
        halved = [(_halve_area(area), solid) for area, solid in pieces]
        _paste_pieces(sheet.cores[1:], tones, placing.half_size(), halved)

    @cached_property
    def _sources(self) -> tuple[_Source, _Source]:
        if self._shade:
            levels, half = plane_levels(self._shade), self.image.reduce(2)
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
    def _cells(self) -> MaskCells | None:
        if self.image.mode == "RGB":
            return None
        return MaskCells(self.image if self._shade else self.image.getchannel("A"), self._shade is None)

    def _runs(self, top: float, bottom: float) -> list[tuple[int, int, bool]]:
        return [(0, self.image.width, True)] if self._cells is None else self._cells.runs(top, bottom)


class _Placing(Struct, frozen=True):
    """The place of a layer under a picture of *size*: the place of the picture's corner, and the step of one pixel."""

    x: float
    y: float
    across: float
    down: float
    size: tuple[int, int]

    def half_size(self) -> "_Placing":
        """Return the placing for pictures of half the size."""
        return _Placing(self.x / 2, self.y / 2, self.across, self.down, self.size)

    def area(self, size: tuple[int, int]) -> Area:
        """Return the pixels that a layer of *size* covers."""
        left, right = _covered_range(self.x, self.across, size[0], self.size[0])
        top, bottom = _covered_range(self.y, self.down, size[1], self.size[1])
        return left, top, right, bottom


def _paste_pieces(targets: tuple[Any, ...], source: _Source, placing: _Placing, pieces: list[PastePiece]) -> None:
    """Paste *pieces* of *source* into *targets*; the innermost loop of all drawing."""
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


def _halve_area(area: Area) -> Area:
    """Return the pixels of the colour planes whose first of four lies in *area*, so that neighbours stay adjacent."""
    left, top, right, bottom = area
    return (left + 1) // 2, (top + 1) // 2, (right + 1) // 2, (bottom + 1) // 2


def _covered_range(start: float, step: float, length: int, limit: int) -> tuple[int, int]:
    """Return the frame pixels, from and to, whose place ``start + i * step`` lies on a layer *length* pixels long."""
    first = max(0, int(np.ceil(-start / step - 1e-6)))
    last = min(limit, int(np.floor((length - start) / step + 1e-6)))
    return first, last
