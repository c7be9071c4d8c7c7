"""The film at its place: whether it may be written there, the join, and the shots beside it by name.

Captions beside the film, as SRT and as WebVTT; a file of somebody else under such a name is left alone.
"""

import html
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from storyboard.core.captions import Cue
from storyboard.core.graph import take_id
from storyboard.core.model import Generated, Shot, Storyboard
from storyboard.core.plan import CutResult, Result, SegmentResult, SoundResult, Step, TakeResult
from storyboard.core.segments import Chapter
from storyboard.core.timebase import frames_in, seconds_of
from storyboard.durable import put_link, remove, temp_path
from storyboard.engine import commit
from storyboard.engine.film_digest import FilmDigest
from storyboard.engine.project_store import Shelf, folder_in_project
from storyboard.store.blobs import is_digest

if TYPE_CHECKING:
    from storyboard.media.join.copy_source import ClipPacketsCache


# A key of our own among the tags of the film, so that it is known again and nobody else's file is overwritten.
TAG = "storyboard"


class FilmFailed(Exception):
    """The film could not be put together, or not be put in its place; in words."""


def assemble(
    shelf: Shelf,
    step: Step,
    pieces: Sequence[SegmentResult],
    storyboard: Storyboard,
    target: Path,
    chapters: Sequence[Chapter] = (),
    cues: Sequence[Cue] = (),
    sound: SoundResult | None = None,
    reels: "ClipPacketsCache | None" = None,
) -> CutResult:
    """Join *pieces* and *sound* into *target*, which is replaced at once when the new film is whole.

    *cues* become a stream of text inside it, if that is where captions go; *reels* hold what has been read already.
    Raises ``FilmFailed``; whatever stood at *target* is untouched then.
    """
    from storyboard.media.join.join import JoinFailed, JoinPiece, Subtitles, join

    began = time.monotonic()
    files = [JoinPiece(shelf.blob(piece.digest), piece.frames, piece.start) for piece in pieces if piece.frames]
    tags = {TAG: step.key or "", **_texts(storyboard)}
    output = storyboard.output
    text = Subtitles(tuple(cues), output.language or "und") if cues and output.captions == "stream" else None
    target.parent.mkdir(parents=True, exist_ok=True)
    fingerprint = FilmDigest(shelf.folder)
    try:
        join(
            files,
            target,
            output.size,
            output.fps,
            tags,
            [(one.title, one.first, one.end) for one in chapters],
            text,
            shelf.blob(sound.digest) if sound is not None and sound.digest else None,
            fingerprint.taken,
            reels,
        )
    except JoinFailed as problem:
        raise FilmFailed(f"the film could not be joined: {problem}") from problem
    digest = shelf.digest_of(target, fingerprint)
    if digest is None:
        raise FilmFailed(f"{target} vanished after it was written")
    shelf.keep(commit.film(step, digest, time.monotonic() - began))
    return CutResult(digest)


def _texts(storyboard: Storyboard) -> dict[str, str]:
    """What the film says about itself."""
    said = {"title": storyboard.title, "comment": storyboard.output.comment}
    return {name: text for name, text in said.items() if text}


def why_not_writable(root: Path, target: Path) -> str | None:
    """Why a film of the project in *root* cannot be put at *target*, found out before any work is done.

    ``None`` if it can.
    """
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


def link_shots(shelf: Shelf, storyboard: Storyboard, results: Mapping[str, Result]) -> Path:
    """Put the takes in use beside the film by their shots' names, as links into the cache; returns the folder.

    An alternate take has its seed in its name: ``glide.97986.mp4``. Only links into the blobs of this project are ever
    replaced or removed; any other file or link under such a name stays. Nothing happens where the folder is a link.
    """
    folder = shelf.film.with_suffix("")
    if folder.is_symlink() or folder_in_project(shelf.root, folder / "take") is None:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    names = {name for shot in storyboard.shots() for name, _ in _names(shot)}
    for name, target in linked(shelf, storyboard, results).items():
        _link(shelf, folder / name, target)
    for entry in folder.iterdir():
        if entry.name not in names and own_link(shelf, entry) is not None:
            remove(entry)
    return folder


def own_link(shelf: Shelf, path: Path) -> str | None:
    """Where the link at *path* leads, if that is a blob of this project: only ``link_shots`` puts such links there."""
    try:
        target = str(path.readlink())
    except OSError:
        return None
    folder, _, digest = target.rpartition("/")
    return target if folder.rpartition("/")[0] in shelf.ways_to_blobs and is_digest(digest) else None


def linked(shelf: Shelf, storyboard: Storyboard, results: Mapping[str, Result]) -> dict[str, str]:
    """The links beside the film by name, and where they lead. Raises ``TaskFailed`` if a take is not whole."""
    blobs = shelf.ways_to_blobs[0]
    found = {}
    for shot in storyboard.shots():
        for name, action in _names(shot):
            made = results.get(action)
            if isinstance(made, TakeResult):
                blob = shelf.blob(made.digest)
                found[name] = f"{blobs}/{blob.parent.name}/{blob.name}"
    return found


def _names(shot: Shot) -> Iterator[tuple[str, str]]:
    """The names that the takes of a shot have beside the film, and the actions that make them."""
    yield f"{shot.id}.mp4", take_id(shot.id)
    if isinstance(shot.source, Generated):
        for seed in shot.source.alternate_seeds:
            yield f"{shot.id}.{seed}.mp4", take_id(shot.id, seed)


def _link(shelf: Shelf, path: Path, target: str) -> None:
    there = own_link(shelf, path)
    if there != target and (there is not None or not os.path.lexists(path)):
        put_link(path, target)


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
