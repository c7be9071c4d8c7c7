"""Slate over the pictures of an animatic: shot, seed, prompt, and the running timecode and frame of the take.

The slate lies at the head of the frame, inside the title-safe area, because burnt captions lie at its foot. It shows
the time that `trim` counts in: the time in the take, in frames of the film. Text is drawn once; for each frame only the
digits that changed are drawn, and only the rows of the slate are touched, on the planes that the encoder takes.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from math import ceil

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image, ImageDraw

from storyboard.core.render_spec import Canvas, Slated
from storyboard.core.timebase import timecode
from storyboard.fonts.lettering import FontFile, Lettering, breakable_parts
from storyboard.media.render.conform import Plane, Planes, planes_of

# The title-safe area is 90 % of each side (SMPTE ST 2046-1; graphics-safe in EBU R 95), so a twentieth is a margin.
_MARGIN = 20
# Letters of 11 pixels have capitals 8 pixels high; larger pictures have larger letters, by their shorter side.
_LEAST_POINTS = 11
_POINTS = 0.032
_SMALL = 0.8  # seed, frame and prompt, relative to shot and timecode
_LARGE = 1.7  # the first words of the prompt of a panel, likewise
_LEAST_HEIGHT_OF_LARGE = 216
_LEADING = 1.3
_PADDING = 0.35
_WIDE = Fraction(6, 5)  # from this shape on the slate is in columns, else in rows
_LARGEST_LABEL = 0.36  # of the width of the slate
_LEAST_PROMPT = 8  # widths of a letter
_MOST_ROWS = 3  # of the prompt
_LARGEST_SHARE = 3  # the slate covers a third of the picture at most
_MOST_SIGNS = 600  # of a prompt: no slate has room for more
_LEAST_DIGITS = 3
# Levels of luma in the tv range. The panel covers 210 of 256 parts of the picture, so that text has a contrast of more
# than 7 to 1 on a white picture too (WCAG 2.2, success criterion 1.4.6).
_PANEL, _COVER, _WHOLE = 20, 210, 256
_BRIGHT, _PLAIN, _FAINT = 235, 210, 188
_NEUTRAL = 128
_Levels = npt.NDArray[np.uint16]


class Box(Struct, frozen=True):
    """A part of a picture in whole pixels; *right* and *bottom* are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


class SlateOverlay:
    """The slate of one layer on *canvas*, inside ``box``, all of whose edges are even."""

    def __init__(self, slated: Slated, canvas: Canvas, fonts: Sequence[FontFile] = ((None, 0),)) -> None:
        self._footage, self._rate = slated.layer, canvas.rate
        layout = _Layout(slated, canvas, self.frame_of_take(slated.frames - 1), fonts)
        self.box = layout.box
        self._ink = layout.ink
        self._clock, self._counter = layout.clock, layout.counter
        self._under: Planes | None = None
        self._over: Planes

    def frame_of_take(self, number: int) -> int:
        """Return the frame of the take, counted at the rate of the film, that frame *number* of the layer shows."""
        return int(self._footage.start * self._rate + (number + Fraction(1, 2)) * self._footage.speed)

    def draw(self, number: int, picture: Planes) -> Planes:
        """Return a copy of *picture* with the slate of frame *number* of the layer.

        Over the picture of the call before, only what changed of the slate is drawn.
        """
        frame = self.frame_of_take(number)
        changed = self._clock.show(timecode(frame, self._rate), self._ink)
        changed += self._counter.show(str(frame).rjust(_LEAST_DIGITS), self._ink)
        if picture is not self._under:
            self._under, self._over = picture, picture.copy()
            changed = [Box(0, 0, self.box.width, self.box.height)]
        for under, over, ink, step in zip(planes_of(picture), planes_of(self._over), self._ink, (1, 2, 2), strict=True):
            top, left = self.box.top // step, self.box.left // step
            for part in changed:
                rows, columns = (
                    slice(part.top // step, part.bottom // step),
                    slice(part.left // step, part.right // step),
                )
                where = slice(top + rows.start, top + rows.stop), slice(left + columns.start, left + columns.stop)
                over[where] = ink.over(under[where], (rows, columns))
        return self._over.copy()


class _Ink(Struct, frozen=True):
    """A part of the slate on one plane: *rest* is the part of the picture that shines through, of 256."""

    rest: _Levels
    added: _Levels

    def over(self, part: Plane, where: tuple[slice, slice]) -> _Levels:
        """Return the levels of *part* of a picture with the part *where* of the slate over it."""
        return (part * self.rest[where] + self.added[where] + np.uint16(_WHOLE // 2)) >> np.uint16(8)

    def put(self, other: "_Ink", top: int, left: int) -> None:
        where = slice(top, top + other.rest.shape[0]), slice(left, left + other.rest.shape[1])
        self.rest[where], self.added[where] = other.rest, other.added


def _ink_of(mask: Image.Image, level: int) -> tuple[_Ink, _Ink, _Ink]:
    """Return the panel with grey letters on it, for each plane; *mask* has their coverage, and even sides."""
    letters, coarse = (np.asarray(one, np.uint32) for one in (mask, mask.reduce(2)))
    shining = _WHOLE - _COVER
    rest, coarse_rest = shining * (255 - letters) // 255, shining * (255 - coarse) // 255
    added = (_PANEL * _COVER * (255 - letters) + level * _WHOLE * letters) // 255
    neutral = _Ink(coarse_rest.astype(np.uint16), (_NEUTRAL * (_WHOLE - coarse_rest)).astype(np.uint16))
    other = _Ink(neutral.rest.copy(), neutral.added.copy())
    return _Ink(rest.astype(np.uint16), added.astype(np.uint16)), neutral, other


class _RunningText:
    """Text of changing digits in cells of even width, from *left*, *top*."""

    def __init__(self, left: int, top: int, height: int, widest: str, face: Lettering, level: int) -> None:
        self._top, self._height, self._face, self._level = top, height, face, level
        self._lefts, x = [], left
        for sign in widest:
            self._lefts.append(x)
            x += _cell_width(sign, face)
        self._ends = [*self._lefts[1:], x]
        self._shown = [""] * len(widest)

    def show(self, text: str, ink: Sequence[_Ink]) -> list[Box]:
        """Put the signs of *text* that differ from those shown on the planes of *ink*; return where they are."""
        changed: list[Box] = []
        for place, sign in enumerate(text.ljust(len(self._shown))):
            if self._shown[place] != sign:
                self._shown[place] = sign
                left, right = self._lefts[place], self._ends[place]
                tiles = _draw_tile(sign, right - left, self._height, self._face.size, self._face.fonts, self._level)
                for plane, tile, step in zip(ink, tiles, (1, 2, 2), strict=True):
                    plane.put(tile, self._top // step, left // step)
                changed.append(Box(left, self._top, right, self._top + self._height))
        return changed


@lru_cache(maxsize=256)
def _draw_tile(
    sign: str, width: int, height: int, points: int, fonts: tuple[FontFile, ...], level: int
) -> tuple[_Ink, _Ink, _Ink]:
    """Return the cell of a running text with *sign*, for each plane: the same for all slates of a film."""
    face, mask = Lettering(points, fonts), Image.new("L", (width, height))
    face.draw(ImageDraw.Draw(mask), (width - face.part_length(sign)) / 2, 0, sign, 255)
    return _ink_of(mask, level)


class _Layout:
    """Places of all text of a slate whose last frame is *last*: in columns on a wide picture, else in rows."""

    def __init__(self, slated: Slated, canvas: Canvas, last: int, fonts: Sequence[FontFile]) -> None:
        size = canvas.size
        points = max(_LEAST_POINTS, round(min(size.width, size.height) * _POINTS))
        self._large = Lettering(points, fonts)
        self._small = Lettering(max(_LEAST_POINTS, round(points * _SMALL)), fonts)
        self._pad, self._gap = _even(points * _PADDING), _even(points)
        self._step, self._small_step = _even(points * _LEADING), _even(self._small.size * _LEADING)
        self._left, self._width = _even(size.width / _MARGIN), (size.width - 2 * _even(size.width / _MARGIN)) // 2 * 2
        self._most_height = size.height // _LARGEST_SHARE
        self._texts: list[tuple[float, float, str, Lettering, int]] = []
        self._time = "".join("0" if sign.isdecimal() else sign for sign in timecode(last, canvas.rate))
        self._frame = "0" * max(_LEAST_DIGITS, len(str(last)))
        self._label, self._seed = replace_missing_letters(slated.shot, self._large), f"seed {slated.seed}"
        is_wide = size.width >= _WIDE * size.height
        # A picture that is wide and low has no room for a third row.
        is_large = slated.large and (not is_wide or size.height >= _LEAST_HEIGHT_OF_LARGE)
        self._words = Lettering(round(points * _LARGE), fonts) if is_large else self._small
        self._prompt = replace_missing_letters(slated.prompt[:_MOST_SIGNS], self._words)
        self._time_width = sum(_cell_width(sign, self._large) for sign in self._time)
        self._frame_width = _even(self._small.part_length("frame ")) + sum(
            _cell_width(sign, self._small) for sign in self._frame
        )
        self._most_rows = 1 if is_wide and is_large else _MOST_ROWS
        height = self._set_columns() if is_wide and not is_large else 0
        height = height or self._set_rows()
        top = _even(size.height / _MARGIN)
        self.box = Box(self._left, top, self._left + self._width, top + height)
        self.ink = self._draw()

    def _set_columns(self) -> int:
        """Place shot and seed left, the prompt in the middle, time and frame right; return the height.

        It is 0 if the columns are too wide for the picture.
        """
        inner, right = self._width - 2 * self._pad, max(self._time_width, self._frame_width)
        label = _truncate(self._label, self._large, self._width * _LARGEST_LABEL)
        column = ceil(max(self._large.length(label), self._small.length(self._seed)))
        room = inner - column - right - 2 * self._gap
        if room < _LEAST_PROMPT * self._small.size:
            return 0
        height, second = self._step + self._small_step, self._pad + self._step
        self._write(self._pad, self._pad, label, self._large, _BRIGHT)
        self._write(self._pad, second, self._seed, self._small, _FAINT)
        rows = wrap_text(self._prompt, self._small, room, 2)
        top = self._pad + (height - len(rows) * self._small_step) / 2
        for number, row in enumerate(rows):
            x = self._pad + column + self._gap
            self._write(x, top + number * self._small_step, row, self._small, _PLAIN)
        self._set_running(self._pad, second)
        return height + 2 * self._pad

    def _set_rows(self) -> int:
        """Place shot and time above seed and frame above the prompt; return the height."""
        inner, pad = self._width - 2 * self._pad, self._pad
        if self._words.size > self._small.size and (seed_at := self._seed_in_first_row(inner)):
            self._write(pad, pad, self._label, self._large, _BRIGHT)
            self._write(pad + seed_at, pad, self._seed, self._small, _FAINT)
            self._set_running(pad, pad, self._time_width + self._gap)
            return self._set_prompt(pad + self._step, inner)
        stacked = self._time_width + self._gap + _LEAST_PROMPT / 2 * self._large.size > inner
        room = inner if stacked else inner - self._time_width - self._gap
        self._write(pad, pad, _truncate(self._label, self._large, room), self._large, _BRIGHT)
        clock = pad + (self._step if stacked else 0)
        seed = clock + self._step
        self._write(pad, seed, _truncate(self._seed, self._small, inner), self._small, _FAINT)
        crowded = self._small.length(self._seed) + self._gap + self._frame_width > inner
        counter = seed + (self._small_step if crowded else 0)
        self._set_running(clock, counter)
        return self._set_prompt(counter + self._small_step, inner)

    def _seed_in_first_row(self, inner: int) -> int:
        """Return where the seed begins if shot, seed, frame and time have room in one row, else 0."""
        seed_at = ceil(self._large.length(self._label)) + self._gap
        whole = seed_at + ceil(self._small.length(self._seed)) + self._frame_width + self._time_width + 2 * self._gap
        return seed_at if whole <= inner else 0

    def _set_prompt(self, top: int, inner: int) -> int:
        """Place the prompt in rows from *top* on; return the height of the slate."""
        pad, step = self._pad, _even(self._words.size * _LEADING)
        most = max(0, min(self._most_rows, (self._most_height - top - pad) // step))
        rows = wrap_text(self._prompt, self._words, inner, most)
        for number, row in enumerate(rows):
            self._write(pad, top + number * step, row, self._words, _PLAIN)
        return top + len(rows) * step + pad

    def _set_running(self, clock_top: int, counter_top: int, counter_indent: int = 0) -> None:
        """Place timecode and frame at the right edge, the frame *counter_indent* pixels left of it."""
        right = self._width - self._pad
        self.clock = _RunningText(right - self._time_width, clock_top, self._step, self._time, self._large, _BRIGHT)
        left = right - counter_indent - self._frame_width
        self._write(left, counter_top, "frame", self._small, _FAINT)
        left += _even(self._small.part_length("frame "))
        self.counter = _RunningText(left, counter_top, self._small_step, self._frame, self._small, _FAINT)

    def _write(self, x: float, y: float, text: str, face: Lettering, level: int) -> None:
        self._texts.append((x, y, text, face, level))

    def _draw(self) -> tuple[_Ink, _Ink, _Ink]:
        """Return the panel with all text that stays."""
        whole = _ink_of(Image.new("L", (self.box.width, self.box.height)), 0)
        for level in {level for *_, level in self._texts}:
            mask = Image.new("L", (self.box.width, self.box.height))
            pen = ImageDraw.Draw(mask)
            for x, y, text, face, own in self._texts:
                if own == level:
                    face.draw(pen, x, y, text, 255)
            for plane, part in zip(whole, _ink_of(mask, level), strict=True):
                written = part.rest < _WHOLE - _COVER
                plane.rest[written], plane.added[written] = part.rest[written], part.added[written]
        return whole


def replace_missing_letters(text: str, lettering: Lettering) -> str:
    """Return *text* in the letters that *lettering* has; each run of missing ones becomes one ellipsis."""
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    lacking = {sign for sign in set(plain) if lettering.lacks(sign)}
    kept: list[str] = []
    for sign in plain:
        if sign == " " or (sign.isprintable() and sign not in lacking):
            kept.append(sign)
        elif not kept or kept[-1] != "…":
            kept.append("…")
    return "".join(kept)


def wrap_text(text: str, face: Lettering, width: float, most: int) -> list[str]:
    """Return *text* in at most *most* rows no wider than *width* pixels; an ellipsis marks omitted text."""
    rows: list[str] = []
    parts = [f" {part}" if first else part for word in text.split() for first, part in _numbered(word)]
    while parts and len(rows) < most:
        row = parts.pop(0).lstrip()
        while parts and face.length(f"{row}{parts[0]}") <= width:
            row += parts.pop(0)
        rows.append(_truncate(f"{row} …" if len(rows) == most - 1 and parts else row, face, width))
    return rows


def _numbered(word: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of a word between which a row may end, each with whether it is the first."""
    for number, part in enumerate(breakable_parts(word)):
        yield number == 0, part


def _truncate(text: str, face: Lettering, width: float) -> str:
    """Return *text*, or its beginning with an ellipsis if it is wider than *width* pixels."""
    if face.length(text) <= width:
        return text
    while text and face.length(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip(' …')}…"


def _cell_width(sign: str, face: Lettering) -> int:
    return _even(max(map(face.part_length, "0123456789")) if sign.isdecimal() else face.part_length(sign))


def _even(length: float) -> int:
    """Return the next even number from *length* upwards: colour planes have half the size."""
    return ceil(length / 2) * 2
