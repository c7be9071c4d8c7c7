"""The film at its output path: whether it may be written, the join, and caption files beside it.

Files that this program has not written are left alone.
"""

import html
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from storyboard.core.captions import Cue
from storyboard.core.model import Storyboard
from storyboard.core.plan import SegmentResult, SoundResult, Step
from storyboard.core.segments import Chapter
from storyboard.core.timebase import frames_in, seconds_of
from storyboard.durable import remove, temp_path
from storyboard.engine.film_digest import FilmDigest
from storyboard.engine.project_store import ProjectStore, folder_in_project

if TYPE_CHECKING:
    from storyboard.media.join.copy_source import ClipPacketsCache


# The tag by which a film of this program is recognised: any other file at the output path is not overwritten.
TAG = "storyboard"
CAPTION_SUFFIXES = (".srt", ".vtt")


class FilmFailed(Exception):
    """A film that could not be joined, or not be written to its path; the text is the message."""


def join_film(
    store: ProjectStore,
    step: Step,
    segments: Sequence[SegmentResult],
    storyboard: Storyboard,
    target: Path,
    chapters: Sequence[Chapter] = (),
    cues: Sequence[Cue] = (),
    sound: SoundResult | None = None,
    packets: "ClipPacketsCache | None" = None,
) -> str:
    """Join *segments* and *sound* into *target*, which is replaced only by a complete film; return its digest.

    *cues* become a text stream, if the output has its captions there. *packets* are those of clips read before.
    Raises ``FilmFailed``; *target* is unchanged then.
    """
    from storyboard.media.join.join import JoinFailed, JoinPiece, Subtitles, join

    pieces = [JoinPiece(store.blob_path(each.digest), each.frames, each.start) for each in segments if each.frames]
    tags = {TAG: step.key or "", **_texts(storyboard)}
    output = storyboard.output
    text = Subtitles(tuple(cues), output.language or "und") if cues and output.captions == "stream" else None
    target.parent.mkdir(parents=True, exist_ok=True)
    film_digest = FilmDigest(store.folder)
    try:
        join(
            pieces,
            target,
            output.size,
            output.fps,
            tags,
            [(chapter.title, chapter.first, chapter.end) for chapter in chapters],
            text,
            store.blob_path(sound.digest) if sound is not None and sound.digest else None,
            film_digest.compute,
            packets,
        )
    except JoinFailed as problem:
        raise FilmFailed(f"the film could not be joined: {problem}") from problem
    digest = store.file_digest(target, film_digest)
    if digest is None:
        raise FilmFailed(f"{target} vanished after it was written")
    return digest


def _texts(storyboard: Storyboard) -> dict[str, str]:
    """Return the title and comment of the film, for its tags."""
    texts = {"title": storyboard.title, "comment": storyboard.output.comment}
    return {name: text for name, text in texts.items() if text}


def why_not_writable(root: Path, target: Path) -> str | None:
    """Return why a film of the project in *root* cannot be written to *target*; ``None`` if it can."""
    if folder_in_project(root, target) is None:
        return f"{target.parent} leads to {target.parent.resolve()}, and a film is written into its project only"
    if target.is_dir():
        return "it is a folder"
    if target.is_symlink():
        return "it is a link; storyboard writes no film through a link"
    if target.exists() and not _is_ours(target):
        return "it was not made by storyboard; move it away, or name another `output.file`"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        probe = temp_path(target)
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        remove(probe)
    except OSError as problem:
        return problem.strerror or str(problem)
    return None


def _is_ours(path: Path) -> bool:
    from storyboard.media.reader import InvalidMedia, read_tags

    try:
        return path.stat().st_size > 0 and TAG in read_tags(path)
    except (InvalidMedia, OSError):
        return False


def write_captions(store: ProjectStore, film: Path, cues: Sequence[Cue], rate: Fraction) -> list[Path]:
    """Write the caption files beside *film*, SRT and WebVTT, or remove them if there are no *cues*.

    Returns the foreign files under these names, which stay as they are. Raises ``OSError``.
    """
    foreign = []
    for suffix, text in zip(CAPTION_SUFFIXES, (srt(cues, rate), vtt(cues, rate)), strict=True):
        path = film.with_suffix(suffix)
        data = text.encode() if cues else None
        there = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        if there == data and not path.is_symlink():
            continue
        if path.is_symlink() or (there is not None and not store.has_blob(there)):
            foreign.append(path)
        elif data is None:
            remove(path)
        else:
            store.write_sidecar(path, data)
    for suffix in CAPTION_SUFFIXES:  # the no-op check of the next build needs their stamps
        store.file_digest(film.with_suffix(suffix))
    return foreign


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
