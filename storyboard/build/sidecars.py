"""Captions beside the film, as SRT and as WebVTT; a file of somebody else under such a name is left alone."""

import html
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from storyboard.build.shelf import Shelf
from storyboard.core.captions import Cue
from storyboard.core.timebase import frames_in, seconds_of
from storyboard.durable import remove

SUFFIXES = (".srt", ".vtt")


def write_sidecars(shelf: Shelf, film: Path, cues: Sequence[Cue], rate: Fraction) -> list[Path]:
    """Put the captions beside *film*, or take them away if there are none.

    Returns the files that stand there but are not ours, and stay as they are. Raises ``OSError``.
    """
    foreign = []
    for suffix, text in zip(SUFFIXES, (srt(cues, rate), vtt(cues, rate)), strict=True):
        path = film.with_suffix(suffix)
        data = text.encode() if cues else None
        there = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        if there == data and not path.is_symlink():
            continue
        if path.is_symlink() or (there is not None and not shelf.has_made(there)):
            foreign.append(path)
        elif data is None:
            remove(path)
        else:
            shelf.write_beside(path, data)
    for suffix in SUFFIXES:  # so that the next build knows what was here
        shelf.digest_of(film.with_suffix(suffix))
    return foreign


def srt(cues: Sequence[Cue], rate: Fraction) -> str:
    """SubRip: numbered, commas before milliseconds.

    Angle brackets would be read as tags, and look-alikes are not; nor is ``{\\`` with a word joiner in it.
    """
    parts = []
    for number, cue in enumerate(cues, 1):
        text = "\n".join(_lines(cue.text)).replace("<", "‹").replace(">", "›").replace("{\\", "{\u2060\\")
        parts.append(f"{number}\n{_clock(cue.first, rate, ',')} --> {_clock(cue.end, rate, ',')}\n{text}\n")
    return "\n".join(parts)


def vtt(cues: Sequence[Cue], rate: Fraction) -> str:
    """WebVTT (W3C), with ``&``, ``<`` and ``>`` escaped."""
    parts = ["WEBVTT\n"]
    for cue in cues:
        text = "\n".join(html.escape(line, quote=False) for line in _lines(cue.text))
        parts.append(f"{_clock(cue.first, rate, '.')} --> {_clock(cue.end, rate, '.')}\n{text}\n")
    return "\n".join(parts)


def _lines(text: str) -> list[str]:
    """The lines that say something: an empty one would end the caption."""
    return [line for line in text.splitlines() if line.strip()]


def _clock(frame: int, rate: Fraction, point: str) -> str:
    seconds, rest = divmod(frames_in(seconds_of(frame, rate), Fraction(1000)), 1000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{point}{rest:03d}"
