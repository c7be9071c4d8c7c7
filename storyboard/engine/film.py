"""The film at its output path: whether it may be written, the join, its digest, and caption files beside it.

A file is replaced or removed only if a build of this project has written its content to its path (``WrittenFiles``).
"""

import errno
import os
import queue
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from storyboard.core.captions import Cue, srt, vtt
from storyboard.core.graph import Action
from storyboard.core.model import CAPTION_SUFFIXES, MadeOf, Storyboard
from storyboard.core.plan import Result, SegmentResult, SoundResult, Step, TakeResult
from storyboard.core.planner import Planner
from storyboard.core.segments import Chapter
from storyboard.durable import clock, remove, temp_path, write_atomic
from storyboard.engine.project_store import ProjectStore, folder_in_project
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.operating_system import change_time_ns, open_new, why_not_on_windows
from storyboard.store.digest_cache import DigestCache
from storyboard.store.file_stamps import stamp_of

if TYPE_CHECKING:
    from storyboard.media.join.copy_source import ClipPacketsCache


# The tag of each film of this program, with the key of its cut. It explains a refusal; it proves nothing.
TAG = "storyboard"
# The tag of what a film is made of: some of ``core.model.MADE_OF``, separated by commas.
MATERIALS = "made_of"
# The beginning of the caption files of this program.
_CAPTIONS = re.compile(rb"WEBVTT\n|1\n\d\d+:\d\d:\d\d,\d{3} --> ")
_CHUNK = 1 << 20
# Seconds between two looks for more bytes of the film.
_POLL_INTERVAL_S = 0.005
_ADVICE = "move it away, or name another `output.file`"


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
    made_of = storyboard.made_of
    tags = {TAG: step.key or "", **_texts(storyboard), **({MATERIALS: ",".join(made_of)} if made_of else {})}
    output = storyboard.output
    text = Subtitles(tuple(cues), output.language or "und") if cues and output.captions == "stream" else None
    target.parent.mkdir(parents=True, exist_ok=True)

    def announce(digest: str) -> None:
        reason = _why_foreign(store, target)
        if reason is not None and store.file_digest(target) != digest:
            raise FilmFailed(f"{target}: {reason}")
        store.announce({target: digest})

    film_digest = FilmDigest(store.folder, announce)
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
            xmp=xmp_packet(made_of),
        )
    except JoinFailed as problem:
        raise FilmFailed(f"the film could not be joined: {problem}") from problem
    with suppress(OSError):
        film_digest.store_in(store.digests, target)
    digest = store.file_digest(target)
    if digest is None:
        raise FilmFailed(f"{target} was removed after it was written")
    return digest


def xmp_packet(made_of: Sequence[MadeOf]) -> bytes | None:
    """Return XMP that states by what kind of source a film was made, in the words of IPTC; ``None`` without one.

    How own footage was made is not known here, so a film of it alone states nothing. XMP part 1 (ISO 16684-1), IPTC
    Photo Metadata: ``Iptc4xmpExt:DigitalSourceType`` with a term of http://cv.iptc.org/newscodes/digitalsourcetype/.
    """
    term = _source_type(frozenset(made_of))
    return None if term is None else (_XMP % term).encode()


def _source_type(made_of: frozenset[MadeOf]) -> str | None:
    if "generated" in made_of:
        return "trainedAlgorithmicMedia" if len(made_of) == 1 else "compositeWithTrainedAlgorithmicMedia"
    if "animatic" in made_of:
        return "algorithmicMedia" if len(made_of) == 1 else "composite"
    return None


_XMP = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/%s"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>
"""


def _texts(storyboard: Storyboard) -> dict[str, str]:
    """Return the title and comment of the film, for its tags."""
    texts = {"title": storyboard.title, "comment": storyboard.output.comment}
    return {name: text for name, text in texts.items() if text}


def why_not_writable(store: ProjectStore, target: Path) -> str | None:
    """Return why a film of the project cannot be written to *target*; ``None`` if it can."""
    if folder_in_project(store.root, target) is None:
        return f"{target.parent} leads out of the project, to {target.parent.resolve()}; name another `output.file`"
    foreign = _why_foreign(store, target)
    if foreign is not None and not _may_be_equal(store, target):
        return foreign
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        probe = temp_path(target)
        os.close(open_new(probe, 0o644))
        remove(probe)
    except OSError as problem:
        return _why_bad_name(store.root, target, problem) or problem.strerror or str(problem)
    return None


def _why_bad_name(root: Path, target: Path, problem: OSError) -> str | None:
    """Return what the disk, which failed with *problem*, refuses in the path *target* of a new file.

    exFAT and FAT, made for Windows, have the names that Windows has; drivers call others missing or invalid.
    """
    if problem.errno not in (errno.ENOENT, errno.EINVAL, errno.EILSEQ):
        return None
    reasons = filter(None, map(why_not_on_windows, target.relative_to(root).parts))
    reason = next(reasons, None)
    return None if reason is None else f"this disk has the names of Windows only: {reason}; name another `output.file`"


def _why_foreign(store: ProjectStore, target: Path) -> str | None:
    """Return why the file at *target* is not replaced; ``None`` for a film of this project, and for no file."""
    if target.is_dir():
        return f"it is a folder; {_ADVICE}"
    if target.is_symlink():
        return "it is a link; remove it, or name another `output.file`"
    if not target.exists() or store.has_written(target) or store.is_early_film(target):
        return None
    if not has_tag(target):
        return f"it was not made by storyboard; {_ADVICE}"
    if store.find_written(target) is not None:
        return f"it was changed after the last build; {_ADVICE}"
    return f"no build of this project has written it there, or `.storyboard` was removed since; {_ADVICE}"


def _may_be_equal(store: ProjectStore, target: Path) -> bool:
    """Return whether *target* may be the film that the build is about to make, though no list names it.

    Without the state of earlier builds only the finished film decides: equal bytes can be replaced.
    """
    is_file = target.is_file() and not target.is_symlink()
    return is_file and store.find_written(target) is None and has_tag(target)


def has_tag(path: Path, tag: str = TAG) -> bool:
    """Return whether the film at *path* has a tag of this program."""
    from storyboard.media.reader import InvalidMedia, read_tags

    try:
        return path.stat().st_size > 0 and tag in read_tags(path)
    except (InvalidMedia, OSError):
        return False


def write_captions(store: ProjectStore, film: Path, cues: Sequence[Cue], rate: Fraction) -> list[Path]:
    """Write the caption files beside *film*, SRT and WebVTT, or remove them if there are no *cues*.

    Returns the foreign files under these names, which stay as they are. Raises ``OSError``.
    """
    texts = (srt(cues, rate), vtt(cues, rate))
    foreign, changed = [], {}
    for suffix, text in zip(CAPTION_SUFFIXES, texts, strict=True):
        path = film.with_suffix(suffix)
        data = text.encode() if cues else None
        there = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        if os.path.lexists(path) and (there is None or not (there == data or _is_own_caption(store, path, there))):
            foreign.append(path)
        elif data is None:
            remove(path)
        elif there != data:
            changed[path] = data
    store.announce({path: sha256(data).hexdigest() for path, data in changed.items()})
    for path, data in changed.items():
        write_atomic(path, data)
    return foreign


def _is_own_caption(store: ProjectStore, path: Path, content: bytes) -> bool:
    """Return whether this project has written *content* to *path*.

    Earlier versions kept a blob of each caption file, and no list. A blob may also be an input, but an input does not
    begin as a caption file does.
    """
    is_early = store.find_written(path) is None and store.has_blob(content)
    return store.has_written(path) or (is_early and _CAPTIONS.match(content) is not None)


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


class FilmDigest:
    """The digest of one film, computed while the film is written and verified, before it gets its name.

    A film is the largest file of a build, so it is read only once for its digest. That digest is valid as long as the
    file's stamp does not change. The stamp is taken when the file is complete and the file system's clock has advanced,
    before the verification (which finds any later write), and again before the rename, the only change after that.

    *state* is a folder of ours on which to read the clock; *announce* gets the digest before the rename.
    """

    def __init__(self, state: Path, announce: Callable[[str], object] = lambda _: None) -> None:
        self._state = state
        self._announce = announce
        self._digest = ""
        self._complete_looks: os.stat_result | None = None
        self._looks: os.stat_result | None = None
        self._is_complete = threading.Event()

    @contextmanager
    def compute(self, part: Path, growing: bool) -> Iterator[Callable[[], None]]:
        """Read *part* in a thread during the block.

        A *growing* file is complete when the block calls the function that it gets. Raises ``OSError``.
        """
        if not growing:
            self._mark_complete(part)
        with ThreadPoolExecutor(1, thread_name_prefix="digest") as thread:
            reading = thread.submit(_sha256, part, self._is_complete)
            try:
                yield partial(self._mark_complete, part) if growing else _no_op
            finally:
                self._is_complete.set()
            digest = reading.result()
        self._announce(digest)
        looks, complete = os.lstat(part), self._complete_looks
        if complete is not None and stamp_of(looks) == stamp_of(complete):
            self._digest, self._looks = digest, looks

    def _mark_complete(self, part: Path) -> None:
        looks = os.lstat(part)
        self._is_complete.set()
        now, device = clock(self._state)
        if device == looks.st_dev and now > change_time_ns(looks):
            self._complete_looks = looks

    def store_in(self, cache: DigestCache, target: Path) -> None:
        """Store the digest of *target* in *cache*, if *target* is the file that was read, renamed."""
        if self._looks is not None:
            cache.add_renamed(target, self._looks, self._digest)


def _no_op() -> None:
    pass


def _sha256(path: Path, is_complete: threading.Event) -> str:
    """Return the digest of a file that grows until it is complete."""
    state = sha256()
    with path.open("rb", buffering=0) as file:
        while True:
            is_last_read = is_complete.is_set()
            while chunk := file.read(_CHUNK):
                state.update(chunk)
            if is_last_read:
                return state.hexdigest()
            is_complete.wait(_POLL_INTERVAL_S)
