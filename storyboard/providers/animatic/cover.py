"""What need not be drawn: what nearer layers hide of a frame, and which parts of a layer are empty or solid."""

from itertools import pairwise

import numpy as np

from storyboard.providers.animatic.planes import Picture

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
