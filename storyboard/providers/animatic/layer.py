"""Layers: what is painted once, wider than the picture, and laid over the frame again and again.

A layer is kept at ``DETAIL`` pixels for one of the frame, soft enough that taking the nearest pixel looks smooth: a
moving crop costs a copy, not a filter. Which pixels it has, where it stands and how deep is said here; what is painted
is for the settings.
"""

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


class _Cells:
    """Which parts of a mask are empty or solid, answered for any band of rows by sums over a coarse map."""

    def __init__(self, mask: Picture) -> None:
        alpha = np.asarray(mask)
        rows, columns = (-(-side // CELL) for side in alpha.shape)
        padded = np.pad(alpha, ((0, rows * CELL - alpha.shape[0]), (0, columns * CELL - alpha.shape[1])), mode="edge")
        blocks = padded.reshape(rows, CELL, columns, CELL)
        self._some = np.pad((blocks.max(axis=(1, 3)) > 5).astype(np.int64).cumsum(axis=0), ((1, 0), (0, 0)))
        self._all = np.pad((blocks.min(axis=(1, 3)) > 252).astype(np.int64).cumsum(axis=0), ((1, 0), (0, 0)))

    def runs(self, top: float, bottom: float) -> list[tuple[int, int, bool]]:
        """What is not empty between two heights (layer pixels), from left to right: from, to, whether it is solid."""
        first, last = max(0, int(top // CELL)), min(len(self._some) - 1, int(-(-bottom // CELL)))
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
        scale = self.canvas.scale
        step = ((window[2] - window[0]) * scale / frame.width, (window[3] - window[1]) * scale / frame.height)
        start = ((window[0] - shift[0] - self.canvas.left) * scale, (window[1] - shift[1] - self.canvas.top) * scale)
        left, right = _covered(start[0], step[0], self.image.width, frame.width)
        top, bottom = _covered(start[1], step[1], self.image.height, frame.height)
        if right <= left or bottom <= top:
            return
        if self._cells is None:
            self._lay(frame, (left, top, right, bottom), start, step, True)
            return
        for y in range(top, bottom, STRIP):
            end = min(y + STRIP, bottom)
            for low, high, solid in self._cells.runs(start[1] + y * step[1], start[1] + end * step[1]):
                x0, x1 = (low - start[0]) / step[0], (high - start[0]) / step[0]
                x0, x1 = (np.ceil(x0), np.floor(x1)) if solid else (np.floor(x0), np.ceil(x1))
                self._lay(frame, (max(left, int(x0)), y, min(right, int(x1)), end), start, step, solid)

    def _lay(
        self,
        frame: Picture,
        area: tuple[int, int, int, int],
        start: tuple[float, float],
        step: tuple[float, float],
        solid: bool,
    ) -> None:
        left, top, right, bottom = area
        if right <= left:
            return
        width, height = self.image.size
        box = (
            max(0.0, start[0] + left * step[0]),
            max(0.0, start[1] + top * step[1]),
            min(float(width), start[0] + right * step[0]),
            min(float(height), start[1] + bottom * step[1]),
        )
        piece = self.image.resize((right - left, bottom - top), Image.Resampling.NEAREST, box)
        frame.paste(piece, (left, top), None if solid else piece)


def _covered(start: float, step: float, length: int, limit: int) -> tuple[int, int]:
    """The frame pixels, from and to, whose place ``start + i * step`` lies on a layer *length* pixels long."""
    first = max(0, int(np.ceil(-start / step - 1e-6)))
    last = min(limit, int(np.floor((length - start) / step + 1e-6)))
    return first, last
