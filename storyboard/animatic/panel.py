"""Storyboard panels for prompts without a known setting: a framed cast on neutral ground, in ink on paper.

The shot size decides how many heads of a person are seen from top to bottom, the angle where the horizon lies and how
uprights converge, and the reading of the prompt who is in the picture. Nothing is drawn that the prompt does not name.
"""

from collections.abc import Iterator

import numpy as np

from storyboard.animatic.camera import CAST_DEPTH, choose_sides
from storyboard.animatic.cast import FAR, NEAR, NIGHTS, PanelStage, draw_cast, plan_panel
from storyboard.animatic.ink import (
    BOLD,
    DARK,
    FINE,
    LIGHT,
    MIDDLE,
    PAPER,
    PLAIN,
    SIGNAL,
    Ink,
    Point,
    Tone,
    ellipse,
    limb_outline,
    smooth,
)
from storyboard.animatic.layers import Layer, LayerArea
from storyboard.animatic.noise import rng_factory
from storyboard.animatic.planes import Picture, Yuv, new_frame_memory, planes_of, sheet_over
from storyboard.animatic.prompt import Reading, read_prompt
from storyboard.animatic.still import fit_picture
from storyboard.animatic.world import Element, Plane, World
from storyboard.core.model import Size

_BEHIND, _FRONT = 0.5, 1.0  # depths of the planes of a panel on which the camera moves
_LOW_SUN = ("dawn", "golden-hour", "dusk")


def draw_backdrop(ink: Ink, stage: PanelStage) -> None:
    """Draw what is behind the cast: sky and ground, or a room, in the light of the time of day."""
    reading = stage.reading
    if reading.angle == "overhead":
        _draw_floor_from_above(ink, stage)
    elif reading.place == "interior":
        _draw_room(ink, stage)
    else:
        _draw_open_ground(ink, stage)


def _sky_tone(reading: Reading) -> Tone:
    if reading.time in NIGHTS:
        return (74, 78, 92) if reading.time == "night" else (124, 134, 158)
    if reading.time in ("golden-hour", "dusk"):
        return (214, 196, 172)
    if reading.time == "dawn":
        return (226, 218, 214)
    return (214, 216, 218) if {"rain", "storm", "clouds", "fog"} & set(reading.weather) else PAPER


def _ground_tone(reading: Reading) -> Tone:
    if reading.time in NIGHTS:
        return (108, 110, 116) if reading.time == "night" else (160, 164, 172)
    return (244, 245, 247) if "snow" in reading.weather else (232, 229, 221)


def _draw_open_ground(ink: Ink, stage: PanelStage) -> None:
    reading, line = stage.reading, stage.horizon
    far = 4.0
    ink.fill([(-far, -far), (far, -far), (far, line), (-far, line)], _sky_tone(reading))
    ink.fill([(-far, line), (far, line), (far, far), (-far, far)], _ground_tone(reading))
    _draw_sun(ink, stage)
    tone = MIDDLE if reading.time not in NIGHTS else DARK
    for number in range(-9, 10):
        ink.stroke([(number * 0.11, line + 0.04), (number * 2.6, line + 1.8)], FINE * 0.8, tone)
    for step in range(1, 7):
        y = line + 0.5 / step**1.3
        ink.stroke([(-far, y), (far, y)], FINE * 0.8, tone)
    if stage.size not in NEAR:
        ink.stroke([(-far, line), (far, line)], PLAIN)


def _draw_sun(ink: Ink, stage: PanelStage) -> None:
    """Draw the sun or the moon, with stars, where the time of day has one."""
    reading, time = stage.reading, stage.reading.time
    rng = stage.rng_for("sun")
    x = float(rng.choice([-1, 1])) * stage.spread * 0.62
    if time == "night":
        for _ in range(26):
            star = (
                float(rng.uniform(-stage.spread, stage.spread)),
                float(rng.uniform(0.02, max(0.04, stage.horizon - 0.05))),
            )
            ink.oval(star, 0.004, 0.004, PAPER, 0)
        ink.oval((x, 0.2), 0.07, 0.07, PAPER, 0)
        ink.oval((x + 0.03, 0.185), 0.06, 0.06, _sky_tone(reading), 0)
    elif time in _LOW_SUN:
        ink.oval((x, stage.horizon), 0.15, 0.15, (250, 240, 214), FINE)
        ink.fill(
            [(-4, stage.horizon), (4, stage.horizon), (4, stage.horizon + 0.2), (-4, stage.horizon + 0.2)],
            _ground_tone(reading),
        )
    elif time == "noon":
        ink.oval((x, 0.14), 0.06, 0.06, PAPER, PLAIN)
        for turn in np.radians(np.arange(0, 360, 45)):
            ink.stroke(
                [
                    (x + 0.085 * np.cos(turn), 0.14 + 0.085 * np.sin(turn)),
                    (x + 0.12 * np.cos(turn), 0.14 + 0.12 * np.sin(turn)),
                ],
                PLAIN,
            )


def _draw_room(ink: Ink, stage: PanelStage) -> None:
    """Draw a room in perspective: a back wall with a window, side walls, floor and ceiling."""
    reading, a = stage.reading, stage.aspect / 2
    dark = reading.time in NIGHTS
    wall, side, floor = (
        ((136, 138, 146), (112, 114, 122), (98, 99, 105))
        if dark
        else ((233, 230, 222), (219, 216, 208), (205, 201, 192))
    )
    near = stage.size in NEAR
    grow = 1.5 if near else 1.0 if stage.size not in FAR else 0.8
    eye = (
        min(0.62, max(0.28, stage.horizon))
        if reading.angle in (None, "eye-level")
        else {"low": 0.74}.get(reading.angle, 0.2)
    )
    left, right = -a * 0.62 * grow, a * 0.62 * grow
    top, bottom = eye - 0.36 * grow, eye + 0.27 * grow
    ink.fill([(-5, -5), (5, -5), (5, 5), (-5, 5)], side)
    far = 6.0

    def out(x: float, y: float) -> Point:
        return x * far, eye + (y - eye) * far

    ink.fill([(left, bottom), (right, bottom), out(right, bottom), out(left, bottom)], floor)
    ink.fill([(left, top), (right, top), out(right, top), out(left, top)], PAPER if not dark else side)
    ink.shape([(left, top), (right, top), (right, bottom), (left, bottom)], wall, PLAIN)
    for corner in ((left, top), (right, top), (left, bottom), (right, bottom)):
        ink.stroke([corner, out(*corner)], PLAIN)
    for number in range(-4, 5):
        x = right * number / 5
        ink.stroke([(x, bottom), out(x, bottom)], FINE, MIDDLE if not dark else DARK)
    _draw_window(ink, stage, left, right, top, bottom)


def _draw_window(ink: Ink, stage: PanelStage, left: float, right: float, top: float, bottom: float) -> None:
    """Draw a window on the back wall, with the light outside, and a framed picture on its other side."""
    way = 1 if stage.rng_for("room").random() < 0.5 else -1
    middle, high = (left + right) / 2, bottom - top
    x0, x1 = sorted((middle + way * (right - left) * 0.14, middle + way * (right - left) * 0.38))
    y0, y1 = top + high * 0.18, top + high * 0.62
    view = _sky_tone(stage.reading) if stage.reading.time else PAPER
    ink.shape([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], view, BOLD)
    ink.stroke([((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1)], PLAIN)
    ink.stroke([(x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2)], PLAIN)
    x = middle - way * (right - left) * 0.26
    ink.shape([(x - 0.06, y0 + 0.02), (x + 0.06, y0 + 0.02), (x + 0.06, y0 + 0.12), (x - 0.06, y0 + 0.12)], LIGHT, FINE)


def _draw_floor_from_above(ink: Ink, stage: PanelStage) -> None:
    """Draw the ground as a camera that looks straight down sees it: a square grid."""
    ink.fill([(-4, -4), (4, -4), (4, 4), (-4, 4)], _ground_tone(stage.reading))
    gap = max(0.05, min(0.5, stage.head * 3.4))
    for at in np.arange(-4, 4, gap):
        ink.stroke([(at, -4), (at, 4)], FINE, MIDDLE)
        ink.stroke([(-4, at), (4, at)], FINE, MIDDLE)


def draw_weather(ink: Ink, stage: PanelStage) -> None:
    """Draw rain, snow, fog and wind in front of everything."""
    weather, rng = set(stage.reading.weather), stage.rng_for("weather")
    side = stage.aspect / 2
    if weather & {"rain", "storm"}:
        for _ in range(90):
            x, y = float(rng.uniform(-side, side * 1.2)), float(rng.uniform(-0.1, 1.0))
            ink.stroke([(x, y), (x - 0.03, y + 0.11)], FINE, DARK)
    if "storm" in weather:
        x = side * 0.5
        ink.shape(
            [
                (x, 0.0),
                (x + 0.08, 0.0),
                (x + 0.03, 0.16),
                (x + 0.09, 0.16),
                (x - 0.05, 0.42),
                (x, 0.2),
                (x - 0.05, 0.2),
            ],
            PAPER,
            PLAIN,
        )
    if "snow" in weather:
        for _ in range(80):
            radius = float(rng.uniform(0.006, 0.014))
            ink.oval((float(rng.uniform(-side, side)), float(rng.uniform(0, 1))), radius, radius, PAPER, FINE * 0.6)
    if "fog" in weather:
        for y in (0.5, 0.62, 0.74, 0.86):
            x = float(rng.uniform(-side, side * 0.3))
            band = [(x, y), (x + side * 0.5, y - 0.01), (x + side, y)]
            ink.fill(limb_outline(band, [0.01, 0.05, 0.01]), (236, 237, 238))
    if "wind" in weather:
        for y in (0.2, 0.34, 0.55):
            x = float(rng.uniform(-side, 0))
            ink.stroke(smooth([(x, y), (x + 0.25, y - 0.03), (x + 0.5, y + 0.01), (x + 0.46, y - 0.05)]), PLAIN, DARK)


def draw_arrows(ink: Ink, moves: tuple[str, ...], aspect: float, handheld: bool) -> None:
    """Draw the moves of the camera as arrows, as boards do: into the picture, along an edge, or around."""
    a = aspect / 2
    for move in moves:
        kind, _, side = move.partition("-")
        way = -1 if side == "left" else 1
        if kind in ("push", "glide", "pull", "zoom", "dolly"):
            _draw_zoom_frame(ink, a, inward=kind != "pull" and move != "zoom-out")
        elif kind == "roll":
            arc = ellipse((0.0, 0.5), a * 0.5, 0.4, 200, 340)
            _arrow(ink, [(float(x), float(y)) for x, y in arc], 0.035)
        elif kind == "pan":
            ink.stroke([(-way * a * 0.55, 0.86), (-way * a * 0.55, 0.96)], BOLD, SIGNAL)
            _arrow(ink, [(-way * a * 0.55, 0.91), (way * a * 0.6, 0.91)], 0.022)
        elif kind == "track":
            _arrow(ink, [(-way * a * 0.62, 0.9), (way * a * 0.62, 0.9)], 0.055)
        elif kind == "orbit":
            arc = ellipse((0.0, 0.72), a * 0.62, 0.2, 160 if way > 0 else 20, 25 if way > 0 else 155)
            _arrow(ink, [(float(x), float(y)) for x, y in arc], 0.035)
        elif kind == "tilt":
            ends = (0.72, 0.24) if side == "up" else (0.24, 0.72)
            ink.stroke([(a * 0.82, ends[0]), (a * 0.94, ends[0])], BOLD, SIGNAL)
            _arrow(ink, [(a * 0.88, ends[0]), (a * 0.88, ends[1])], 0.022)
        elif kind in ("rise", "descend"):
            ends = (0.85, 0.2) if kind == "rise" else (0.2, 0.85)
            _arrow(ink, [(a * 0.84, ends[0]), (a * 0.84, ends[1])], 0.055)
        elif kind == "aerial":
            _arrow(ink, [(-a * 0.8, 0.92), (-a * 0.2, 0.8), (a * 0.3, 0.55), (a * 0.62, 0.2)], 0.04)
    if handheld:
        ink.stroke(smooth([(-a * 0.9 + 0.05 * n, 0.93 + (0.02 if n % 2 else -0.02)) for n in range(7)]), BOLD, SIGNAL)


def _draw_zoom_frame(ink: Ink, a: float, *, inward: bool) -> None:
    """Draw the frame in which a move along the axis ends or begins, and the four corners that move."""
    inner, outer = 0.62, 0.94
    for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        near, far = (x * a * inner, 0.5 + y * 0.5 * inner), (x * a * outer, 0.5 + y * 0.5 * outer)
        _arrow(ink, [far, near] if inward else [near, far], 0.026)
    corners = [
        (-a * inner, 0.5 - 0.5 * inner),
        (a * inner, 0.5 - 0.5 * inner),
        (a * inner, 0.5 + 0.5 * inner),
        (-a * inner, 0.5 + 0.5 * inner),
    ]
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        for number in range(12):
            first, last = (number + 0.2) / 12, (number + 0.7) / 12
            ink.stroke(
                [(x0 + (x1 - x0) * first, y0 + (y1 - y0) * first), (x0 + (x1 - x0) * last, y0 + (y1 - y0) * last)],
                FINE,
                SIGNAL,
            )


def _arrow(ink: Ink, path: list[Point], width: float) -> None:
    """Draw an arrow along *path*, with a head twice as wide as its shaft."""
    line = smooth(path)
    tip, before = line[-1], line[-4]
    along = (tip - before) / max(1e-9, float(np.hypot(*(tip - before))))
    across = np.array([-along[1], along[0]])
    neck = tip - along * width * 2.2
    shaft = line[: max(2, int(np.argmin(np.hypot(*(line - neck).T))) + 1)].copy()
    shaft[-1] = neck
    normal = np.gradient(shaft, axis=0)
    normal = (
        np.stack([-normal[:, 1], normal[:, 0]], axis=1)
        / np.maximum(1e-9, np.hypot(normal[:, 0], normal[:, 1]))[:, None]
    )
    outline = [
        *(shaft + normal * width / 2),
        neck + across * width * 1.15,
        tip,
        neck - across * width * 1.15,
        *(shaft - normal * width / 2)[::-1],
    ]
    ink.shape(np.array(outline), SIGNAL, FINE, PAPER)


def draw_panel(
    reading: Reading, prompt: str, seed: int, size: Size, moves: tuple[str, ...], first: Picture | None = None
) -> Picture:
    """Draw the panel of a prompt as one RGB picture of *size*, with arrows for *moves*.

    The picture *first*, with which the shot begins, takes the place of a drawing. The prompt's words are not in it: the
    slate of the film shows them.
    """
    fine = 2  # pixels drawn for one of the picture, each way
    aspect = size.width / size.height
    area = LayerArea(-aspect / 2, 0.0, aspect / 2, 1.0, size.height * fine)
    stage = plan_panel(reading, aspect, rng_factory(prompt, seed))
    ink = Ink(area, PAPER, stage.lens)
    if first is not None:
        ink.image.paste(fit_picture(first, Size(*area.size)))
    else:
        draw_backdrop(ink, stage)
        draw_cast(ink, stage)
    ink.lens = None
    if first is None:
        draw_weather(ink, stage)
    draw_arrows(ink, moves, aspect, reading.handheld)
    return ink.image.reduce(fine).convert("RGB")


def draw_panel_frames(prompt: str, seed: int, size: Size, frames: int, first: Picture | None) -> Iterator[Yuv]:
    """Draw a still panel, held for all frames, around the picture *first* or else around what the prompt names.

    Yields yuv420p, shape (height * 3 / 2, width), BT.709 in the tv range.
    """
    memory = new_frame_memory(size)
    reading = read_prompt(prompt)
    moves = choose_sides(reading.moves, rng_factory(prompt, seed)("camera"))
    sheet_over(memory, size.height).paste(planes_of(draw_panel(reading, prompt, seed, size, moves, first)))
    for _ in range(frames):
        yield memory


def panel_elements(world: World) -> list[Element]:
    """Return the panel as planes of a stage on which the camera moves: what is behind the cast, and the cast."""
    stage = plan_panel(world.reading, world.aspect, world.rng_for)
    planes: list[Element] = []
    for depth, draw, paper in (
        (_BEHIND, draw_backdrop, PAPER),
        (CAST_DEPTH, draw_cast, None),
        (_FRONT, draw_weather, None),
    ):
        ink = Ink(world.canvas(depth), paper, stage.lens)
        draw(ink, stage)
        if paper is not None or ink.image.getchannel("A").getbbox() is not None:
            image = ink.soft()
            planes.append(Plane(Layer(ink.canvas, depth, image)))
    return planes
