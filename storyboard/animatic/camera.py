"""Camera of a shot: named moves, mapped to the visible window at every moment and depth.

Stage units: the picture is 1 high and ``aspect`` wide; x is 0 in the middle, y is 0 at the top and 1 at the bottom.
Depth is 0 at infinity and 1 at the plane that moves as the camera does.
"""

import math

import numpy as np
from msgspec import Struct

CAST_DEPTH = 0.92  # the plane of the people and things in front of a setting, whose size is that of the shot

Window = tuple[float, float, float, float]  # left, top, right, bottom in stage units


class CameraMove(Struct, frozen=True):
    """The contribution of one named move from the start (0) to the end (1) of a shot.

    ``x`` and ``y`` in stage units as (from, to); ``zoom`` as (from, to); ``turn`` moves far and near planes alike, like
    a camera on a tripod, and zooms them alike, like a lens; ``orbit`` moves near and far planes against each other.
    """

    x: tuple[float, float] = (0.0, 0.0)
    y: tuple[float, float] = (0.0, 0.0)
    zoom: tuple[float, float] = (1.0, 1.0)
    turn: bool = False
    orbit: bool = False


MOVES: dict[str, CameraMove] = {
    "push": CameraMove(zoom=(1.0, 1.42)),
    "pull": CameraMove(zoom=(1.42, 1.0)),
    "zoom-in": CameraMove(zoom=(1.0, 1.4), turn=True),
    "zoom-out": CameraMove(zoom=(1.4, 1.0), turn=True),
    "dolly-zoom": CameraMove(zoom=(1.3, 1.0), turn=True),
    "roll": CameraMove(zoom=(1.1, 1.14), turn=True),
    "pan-left": CameraMove(x=(0.17, -0.17), turn=True),
    "pan-right": CameraMove(x=(-0.17, 0.17), turn=True),
    "tilt-up": CameraMove(y=(0.11, -0.11), turn=True),
    "tilt-down": CameraMove(y=(-0.11, 0.11), turn=True),
    "rise": CameraMove(y=(0.10, -0.09), zoom=(1.1, 1.02)),
    "descend": CameraMove(y=(-0.09, 0.09), zoom=(1.02, 1.1)),
    "aerial": CameraMove(y=(0.05, -0.05), zoom=(1.0, 1.26)),
    "orbit-left": CameraMove(x=(0.17, -0.17), orbit=True, zoom=(1.06, 1.1)),
    "orbit-right": CameraMove(x=(-0.17, 0.17), orbit=True, zoom=(1.06, 1.1)),
    "track-left": CameraMove(x=(0.26, -0.26)),
    "track-right": CameraMove(x=(-0.26, 0.26)),
    "glide": CameraMove(zoom=(1.0, 1.3)),
    "static": CameraMove(),
    "drift-left": CameraMove(x=(0.07, -0.07), zoom=(1.02, 1.14)),
    "drift-right": CameraMove(x=(-0.07, 0.07), zoom=(1.02, 1.14)),
    "drift-back": CameraMove(x=(0.03, -0.04), zoom=(1.18, 1.03)),
}


def choose_sides(moves: tuple[str, ...], rng: np.random.Generator) -> tuple[str, ...]:
    """Return *moves* with a side, one for all, for those that the prompt names without one."""
    side = "left" if rng.random() < 0.5 else "right"
    return tuple(f"{move}-{side}" if move in ("pan", "track", "orbit") else move for move in moves)


def ease(progress: float) -> float:
    """Return eased *progress*, never quite at rest: half a cosine, half a straight line."""
    return 0.65 * (0.5 - 0.5 * math.cos(math.pi * progress)) + 0.35 * progress


class Camera(Struct, frozen=True):
    """The moves of one shot.

    ``reach`` scales their distance; ``sway`` is the shake of a hand-held camera, in stage units; ``nearness`` enlarges
    what is seen, about ``focus``, by depth: a close shot shows a part of its setting.
    """

    aspect: float
    moves: tuple[str, ...]
    reach: float = 1.0
    sway: float = 0.0
    focus: tuple[float, float] = (0.0, 0.5)
    nearness: float = 1.0

    def window(self, depth: float, progress: float) -> Window:
        """Return the visible window at *depth* after *progress* of the shot, 0 to 1."""
        eased = ease(progress)
        x, y, zoom = self._shake(progress, depth)
        zoom *= self.nearness if depth < CAST_DEPTH else 1.0
        for name in self.moves:
            leg = MOVES[name]
            share = 0.6 + 0.4 * depth if leg.turn else depth - 0.45 if leg.orbit else depth
            x += share * self.reach * _between(leg.x, eased)
            y += share * self.reach * _between(leg.y, eased)
            near = 0.9 if leg.turn else 0.12 + 0.88 * depth
            zoom *= 1 + (_between(leg.zoom, eased) - 1) * self.reach * near
        left, top = (-self.aspect / 2 - self.focus[0]) / zoom, -self.focus[1] / zoom
        return (
            self.focus[0] + left + x,
            self.focus[1] + top + y,
            self.focus[0] + left + x + self.aspect / zoom,
            self.focus[1] + top + y + 1 / zoom,
        )

    def _shake(self, progress: float, depth: float) -> tuple[float, float, float]:
        turns = 2 * math.pi * progress
        x = self.sway * (math.sin(3 * turns) + 0.6 * math.sin(7 * turns + 1)) * (0.5 + 0.5 * depth)
        y = self.sway * (math.sin(4 * turns + 2) + 0.5 * math.sin(9 * turns)) * (0.5 + 0.5 * depth)
        return x, y, 1.0

    def bounds(self, depth: float) -> Window:
        """Return the area visible at *depth* during the whole shot, with a small margin."""
        views = [self.window(depth, step / 48) for step in range(49)]
        room = 0.015
        return (
            min(v[0] for v in views) - room,
            min(v[1] for v in views) - room,
            max(v[2] for v in views) + room,
            max(v[3] for v in views) + room,
        )


def _between(ends: tuple[float, float], part: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * part
