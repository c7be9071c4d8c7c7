"""The film at its output path: whether it may be written, the join, and caption files beside it.

Files that this program has not written are left alone.
"""

import html
import os
import queue
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from storyboard.core.captions import Cue
from storyboard.core.graph import Action
from storyboard.core.model import Storyboard
from storyboard.core.plan import Result, SegmentResult, SoundResult, Step, TakeResult
from storyboard.core.planner import Planner
from storyboard.core.segments import Chapter
from storyboard.core.timebase import frames_in, seconds_of
from storyboard.durable import remove, temp_path
from storyboard.engine.film_digest import FilmDigest
from storyboard.engine.project_store import ProjectStore, folder_in_project
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.operating_system import open_new

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
        raise FilmFailed(f"{target} was removed after it was written")
    return digest


def _texts(storyboard: Storyboard) -> dict[str, str]:
    """Return the title and comment of the film, for its tags."""
    texts = {"title": storyboard.title, "comment": storyboard.output.comment}
    return {name: text for name, text in texts.items() if text}


def why_not_writable(root: Path, target: Path) -> str | None:
    """Return why a film of the project in *root* cannot be written to *target*; ``None`` if it can."""
    if folder_in_project(root, target) is None:
        return f"{target.parent} leads out of the project, to {target.parent.resolve()}; name another `output.file`"
    if target.is_dir():
        return "it is a folder"
    if target.is_symlink():
        return "it is a link; remove it, or name another `output.file`"
    if target.exists() and not _is_ours(target):
        return "it was not made by storyboard; move it away, or name another `output.file`"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        probe = temp_path(target)
        os.close(open_new(probe, 0o644))
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


class JoinPrefetcher:
    """Reads the packets of reused clips in one thread, in the order in which they are added."""

    def __init__(self, store: ProjectStore, planner: Planner) -> None:
        self._store = store
        self._planner = planner
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._added: set[str] = set()
        self._thread: ThreadPoolExecutor | None = None
        self._packets: Future[ClipPacketsCache] | None = None
        self._is_ended = False

    def add(self, action: Action, result: Result) -> None:
        """Add the reused *result* of *action* to what is read, if packets of it are copied into a film."""
        match result:
            case SegmentResult(digest, frames, copied=False) if frames:
                self._enqueue(digest)
            case TakeResult(digest) if action.seed is None and self._may_be_copied(action.shot):
                self._enqueue(digest)

    def _may_be_copied(self, shot: str) -> bool:
        return any(segments.shot_copy_blocker(shot) is None for segments in self._planner.segments.values())

    def _enqueue(self, digest: str) -> None:
        if digest not in self._added:
            self._added.add(digest)
            self._queue.put(digest)

    def start_during(self, action: Action) -> None:
        """Start the thread while *action* is made, if the film waits for it: not for a cut or an alternate take."""
        if action.kind == "cut" or action.seed is not None:
            return
        if self._thread is None and not self._is_ended:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
            self._packets = self._thread.submit(_new_cache)
            self._thread.submit(self._read_all, self._packets)

    def end(self) -> None:
        """Read no further clip."""
        self._is_ended = True
        self._queue.put(None)

    def close(self) -> None:
        """Read no further clip, and wait for the thread."""
        self.end()
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    @property
    def packets(self) -> "ClipPacketsCache | None":
        """The packets that have been read, and those still being read; ``None`` if the thread was not started."""
        return self._packets.result() if self._packets is not None else None

    def _read_all(self, packets: "Future[ClipPacketsCache]") -> None:
        from storyboard.media.reader import InvalidMedia

        cache = packets.result()
        while (digest := self._queue.get()) is not None and not self._is_ended:
            try:
                cache.of(self._store.blob_path(digest))
            except (TaskFailed, InvalidMedia, OSError):
                continue


def _new_cache() -> "ClipPacketsCache":
    from storyboard.media.join.copy_source import ClipPacketsCache

    return ClipPacketsCache()
