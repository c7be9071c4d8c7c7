"""Captions in frames: when each is shown, counted in its shot and in the film, and the text of caption files.

Authors write times in seconds of the shot's source, like those of ``trim``, so that a caption stays with its words when
the shot is trimmed or its speed changes.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from msgspec import Struct

from storyboard.core.model import Shot
from storyboard.core.timebase import frames_in, seconds_of
from storyboard.core.timeline import PlacedShot


class Cue(Struct, frozen=True):
    """A text on screen from frame *first* to *end*, exclusive."""

    text: str
    first: int
    end: int

    def within(self, first: int, end: int) -> "Cue | None":
        """Return the part of the cue inside those frames, counted from *first*; ``None`` if there is none."""
        begin, last = max(self.first, first), min(self.end, end)
        return Cue(self.text, begin - first, last - first) if begin < last else None


def shot_cues(shot: Shot, piece: PlacedShot, rate: Fraction) -> list[Cue]:
    """Return the captions of *shot* in frames of its *piece*; trimmed captions are left out."""
    found = (_cue_in_frames(text, start, end, shot, piece, rate) for text, start, end in _times(shot))
    return [cue for cue in found if cue is not None]


def film_cues(shots: Mapping[str, Shot], pieces: Sequence[PlacedShot], rate: Fraction) -> list[Cue]:
    """Return all captions in frames of the film, in order."""
    cues = [
        Cue(cue.text, piece.at + cue.first, piece.at + cue.end)
        for piece in pieces
        for cue in shot_cues(shots[piece.shot], piece, rate)
    ]
    return sorted(cues, key=lambda cue: (cue.first, cue.end))


def one_at_a_time(cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues without overlaps: where several are shown at once, one cue has their texts on separate lines."""
    edges = sorted({edge for cue in cues for edge in (cue.first, cue.end)})
    found: list[Cue] = []
    for first, end in pairwise(edges):
        text = "\n".join(cue.text for cue in cues if cue.first <= first < cue.end)
        if found and found[-1].end == first and found[-1].text == text:
            found[-1] = Cue(text, found[-1].first, end)
        elif text:
            found.append(Cue(text, first, end))
    return found


def _times(shot: Shot) -> Iterator[tuple[str, Fraction | None, Fraction | None]]:
    for caption in shot.caption:
        yield caption.text, caption.start, caption.end


def _cue_in_frames(
    text: str, start: Fraction | None, end: Fraction | None, shot: Shot, piece: PlacedShot, rate: Fraction
) -> Cue | None:
    first = 0 if start is None else frames_in((start - piece.start) / shot.speed, rate)
    last = piece.frames if end is None else frames_in((end - piece.start) / shot.speed, rate)
    return Cue(text, first, last).within(0, piece.frames)


def srt(cues: Sequence[Cue], rate: Fraction) -> str:
    """Return the captions as SubRip.

    Angle brackets, which players read as tags, become look-alikes; ``{\\`` gets a word joiner in between.
    """
    parts = []
    for number, cue in enumerate(cues, 1):
        text = "\n".join(_lines(cue.text)).replace("<", "‹").replace(">", "›").replace("{\\", "{\u2060\\")
        parts.append(f"{number}\n{_clock(cue.first, rate, ',')} --> {_clock(cue.end, rate, ',')}\n{text}\n")
    return "\n".join(parts)


def vtt(cues: Sequence[Cue], rate: Fraction) -> str:
    """Return the captions as WebVTT (W3C), with ``&``, ``<`` and ``>`` escaped."""
    parts = ["WEBVTT\n"]
    for cue in cues:
        text = "\n".join(html.escape(line, quote=False) for line in _lines(cue.text))
        parts.append(f"{_clock(cue.first, rate, '.')} --> {_clock(cue.end, rate, '.')}\n{text}\n")
    return "\n".join(parts)


def _lines(text: str) -> list[str]:
    """Return the lines that are not blank: a blank line would end the caption."""
    return [line for line in text.splitlines() if line.strip()]


def _clock(frame: int, rate: Fraction, point: str) -> str:
    seconds, rest = divmod(frames_in(seconds_of(frame, rate), Fraction(1000)), 1000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{point}{rest:03d}"
