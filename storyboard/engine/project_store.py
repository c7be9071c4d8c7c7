"""What a build reads from the store and puts into it: one place for blobs, records and the lockfile of one storyboard.

Every function here may touch the disk; the engine calls the slow ones in its storing thread.

Where the things of one storyboard are kept: the project's store, its lockfile, its film.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from storyboard.core.graph import Action, moment
from storyboard.core.keys import Request
from storyboard.core.model import FileInput, FrameLink, Generated, Json, Shot, Storyboard, UrlInput, parts_in_project
from storyboard.core.plan import FrameResult, LockEntry, Result, Step, TakeResult
from storyboard.core.render_spec import RenderSpec, files_of, takes_of
from storyboard.core.results import Provenance, Record
from storyboard.durable import STAGED, staged_names, sweep, write_atomic
from storyboard.engine.film_digest import FilmDigest
from storyboard.engine.locked_takes import LockedTakes
from storyboard.engine.lockfile_writer import LockfileWriter
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.store.blobs import BlobStore, Damaged, Missing
from storyboard.store.digest_cache import DigestCache
from storyboard.store.journal import Journal
from storyboard.store.ledger import Ledger
from storyboard.store.lockfile import Lockfile
from storyboard.store.records import Committed, PendingRecord, RecordState, RecordStore
from storyboard.store.state import FOLDER, State


def partial_of(film: Path) -> Path:
    """Where a film with slates in its holes goes: beside the whole one."""
    return film.with_name(f"{film.stem}.partial{film.suffix}")


def folder_in_project(root: Path, target: Path) -> tuple[str, ...] | None:
    """Return the parts of the real folder of *target* below *root*; ``None`` if nothing may be written there."""
    return parts_in_project(root.resolve().parts, target.parent.resolve().parts)


class Workspace:
    """The paths and the open store of one storyboard in one project. Close it, or use it in a ``with`` block."""

    def __init__(
        self, state: State, storyboard: Storyboard, *, writable: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self.root = root = state.root
        self.state = state.folder
        self.cache = state.cache
        self.lockfile = root / storyboard.lockfile
        self.film = root / storyboard.output.file
        self.films = {output.name: root / output.file for output in storyboard.outputs}
        self.index = DigestCache(self.state / "index.sqlite", clock, writable=writable)
        self.blobs = BlobStore(self.cache, writable=writable)
        self.records = RecordStore(self.cache, self.blobs, self.index)
        self.journal = Journal(self.state / "journal")
        self.ledger = Ledger(self.state / "ledger.jsonl")
        self.open_keys = {job.key for job in self.journal.jobs()}

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_: object) -> None:
        self.blobs.writer.close()
        self.index.close()

    def digests(self, storyboard: Storyboard) -> dict[str, str]:
        """Digest of every file that goes into the film, by its path in the project.

        Raises ``OSError`` if one cannot be read.
        """
        paths = dict.fromkeys(file.path for file in storyboard.files())
        return {path: self.index.digest_of((self.root / path).resolve()) for path in paths}

    def sweep(self, *, after_crash: bool) -> None:
        """Remove what killed builds left half made. Only for the holder of the builder's lock.

        Single files go whose names are ours, from folders that no link leads to. Raises ``OSError``.
        """
        self.blobs.sweep()
        sweep(STAGED, self.root, FOLDER)
        if after_crash:
            sweep(STAGED, self.root, FOLDER, "journal")
            sweep(STAGED, self.root, FOLDER, "standing")
            sweep(STAGED, self.root, FOLDER, "memory")
            sweep(STAGED, self.cache, "records", depth=2)
        films = list(self.films.values())
        for path in (self.lockfile, *films, *map(partial_of, films)):
            folder = folder_in_project(self.root, path)
            if folder is not None:
                sweep(staged_names(path), self.root.resolve(), *folder)


class Shelf:
    """The store as one build of one storyboard sees it; also the planner's memory."""

    def __init__(self, workspace: Workspace, lockfile: Lockfile, renderer: Mapping[str, Json]) -> None:
        self.root = workspace.root
        self.folder = workspace.state
        self.film = workspace.film
        self.films = workspace.films
        self.renderer = renderer
        self.locking = LockfileWriter(workspace.lockfile, lockfile)
        self._workspace = workspace
        self._lockfile = lockfile
        self._made: dict[tuple[str, str], Provenance] = {}
        self._absent: set[str] = set()

    @cached_property
    def ways_to_blobs(self) -> tuple[str, ...]:
        """How links beside the film lead to blobs: those of the cache, and those in the project if it is elsewhere."""
        beside = self.film.with_suffix("").resolve()
        caches = (self._workspace.cache, self._workspace.state / "cache")
        return tuple(os.path.relpath(cache.resolve() / "blobs", beside) for cache in caches)

    # what the planner asks

    def find(self, key: str) -> Sequence[Record]:
        """Whole records of that key, newest first; then the takes that only the lockfile tells of."""
        found = [found.record for found in self._all(key) if found.complete]
        return [*found, *self._named.records(key, found)]

    def request_of(self, key: str) -> Request | None:
        """The request behind a key, if any record remembers it."""
        return next((found.record.request for found in self._all(key) if found.record.request), None)

    def is_damaged(self, key: str) -> bool:
        """Whether something was kept under *key* whose bytes are not what they were."""
        return any(found.damaged for found in self._all(key))

    @cached_property
    def _named(self) -> LockedTakes:
        return LockedTakes(self._lockfile, self._workspace.blobs, self._workspace.index)

    def _all(self, key: str) -> Sequence[RecordState]:
        """Every record of *key*; where there was none, none is looked for again: only this build adds any."""
        found = self._workspace.records.all(key) if key not in self._absent else []
        if not found:
            self._absent.add(key)
        return found

    def is_paid_for(self, key: str) -> bool:
        """Whether the journal has an open job for *key*."""
        return key in self._workspace.open_keys

    def locked(self, shot: str, provider: str) -> LockEntry | None:
        """What the lockfile says of a shot."""
        return self.lockfile.entry(shot, provider)

    def named(self, key: str) -> Sequence[LockEntry]:
        """The entries for the request behind *key* in the lockfile as it was when the build began."""
        return self._named.entries(key)

    def planes(self, take: str, at: str) -> str | None:
        """The digest of the planes of a frame of a take, by the lockfile as it was when the build began."""
        return self._named.planes(take, at)

    def locked_entry(self, step: Step, shot: Shot) -> LockEntry | None:
        """The lockfile's entry for the request of *step*, if it has one."""
        provider = shot.source.provider if isinstance(shot.source, Generated) else ""
        own = self.locked(shot.id, provider)
        entries = [own] if own is not None and own.key == step.key else self.named(step.key or "")
        return next(iter(entries), None)

    def film_digest(self, file: str) -> str | None:
        """Digest of the film that is there."""
        return self.digest_of(self._workspace.root / file)

    def sound_of_film(self, file: str) -> Request | None:
        """What the sound of the film that is there was mixed from, if that is remembered."""
        film, records = self.film_digest(file), self._workspace.records
        heard = {cut.request.get("sound") for cut in records.takes_of("cut") if cut.values.get("film") == film}
        return next((made.request for made in records.takes_of("sound") if made.digest in heard), None)

    def digest_of(self, path: Path, fingerprint: FilmDigest | None = None) -> str | None:
        """Digest of a file, which a *fingerprint* may have been taken of; ``None`` if it is not there."""
        try:
            if fingerprint is not None:
                fingerprint.known(path, self._workspace.index)
            return self._workspace.index.digest_of(path)
        except OSError:
            return None

    # what the engine reads and writes

    def beside(self, suffix: str) -> Path:
        """A path of its own, in the store's file system, for something that is being made."""
        return self._workspace.blobs.temp_path(suffix)

    def unrecorded(self, step: Step) -> Record | None:
        """The record to be kept of a take that *step* has found by the lockfile alone."""
        found = step.result
        if not isinstance(found, TakeResult) or step.key is None or (step.key, found.digest) in self._made:
            return None
        record = self._named.record(step.key, found.digest)
        request = step.request or self.request_of(step.key) or {}
        return replace(record, request=request) if record is not None else None

    def blob(self, digest: str) -> Path:
        """The file of a blob whose bytes have been checked. Raises ``TaskFailed``."""
        with _in_words():
            return self._workspace.blobs.verified(digest, self._workspace.index)

    def pictures(self, step: Step, shot: Shot, results: Mapping[str, Result]) -> dict[str, bytes]:
        """The pictures that go into a take, as bytes whose digests are those in its key.

        Raises ``TaskFailed`` if a file has been edited since the plan.
        """
        found: dict[str, bytes] = {}
        source = shot.source
        request = step.request or {}
        for field in ("first_frame", "last_frame"):
            match getattr(source, field) if isinstance(source, Generated) else None:
                case FileInput(path):
                    data = (self._workspace.root / path).read_bytes()
                    if request[field] != f"file:{sha256(data).hexdigest()}":
                        raise TaskFailed(f"{path} was changed during the build; build again")
                    found[field] = data
                case FrameLink(upstream, at):
                    frame = results[f"frame:{upstream}@{moment(at)}"]
                    if isinstance(frame, FrameResult):
                        found[field] = self.picture(frame)
                case UrlInput():
                    found[field] = self._bytes(request[field].removeprefix("file:"))
        return found

    def picture(self, frame: FrameResult) -> bytes:
        """The picture file of a frame. Raises ``TaskFailed``."""
        return self._bytes(frame.picture)

    def _bytes(self, digest: str) -> bytes:
        with _in_words():
            return self._workspace.blobs.read(digest)

    def sources_at_hand(self, drawn: RenderSpec) -> dict[str, Path] | None:
        """The same as ``sources``, if all of them are takes and none has to be read to know that it is whole."""
        if any(files_of(drawn)):
            return None
        found = {take: self._workspace.blobs.path(take) for take in takes_of(drawn)}
        known = self._workspace.index.cached_digest
        return found if all(known(os.fspath(path.absolute())) == take for take, path in found.items()) else None

    def sources(self, drawn: RenderSpec) -> dict[str, Path]:
        """The files behind a piece that is drawn, by digest; those of the project are taken into the store first.

        Raises ``TaskFailed`` if one has been edited since the plan.
        """
        found = {take: self.blob(take) for take in takes_of(drawn)}
        return found | {digest: self.taken_in(file, digest) for digest, file in files_of(drawn)}

    def taken_in(self, file: str, digest: str) -> Path:
        """A file of the project, taken into the store. Raises ``TaskFailed`` if it has been edited since the plan."""
        if self._workspace.blobs.put_file((self._workspace.root / file).resolve()) != digest:
            raise TaskFailed(f"{file} was changed during the build; build again")
        return self.blob(digest)

    def keep_all(self, deposits: Sequence[PendingRecord]) -> Sequence[Committed | OSError]:
        """Put what actions have made into the store; an error stays with its own."""
        ends = self._workspace.records.commit(deposits)
        for end in ends:
            if isinstance(end, Committed):
                if end.new:
                    self._made[end.record.key, end.record.digest] = end.record.made
                self._absent.discard(end.record.key)
        return ends

    def keep(self, deposit: PendingRecord) -> Record:
        """The same with one; returns its record. Raises ``OSError``."""
        [end] = self.keep_all([deposit])
        if isinstance(end, OSError):
            raise end
        return end.record

    def has_made(self, data: bytes) -> bool:
        """Whether *data* is something that has been kept here, so that it may be replaced."""
        return self._workspace.blobs.path(sha256(data).hexdigest()).is_file()

    def write_beside(self, path: Path, data: bytes) -> None:
        """Put *data* at *path*, and keep it, so that it is known again. Raises ``OSError``."""
        self._workspace.blobs.put_bytes(data)
        write_atomic(path, data)

    # the lockfile

    @property
    def lockfile(self) -> Lockfile:
        """What it says now."""
        return self.locking.lockfile

    def lock_take(self, step: Step, shot: Shot, take: TakeResult) -> None:
        """The lockfile names the take that is used."""
        if isinstance(shot.source, Generated) and step.key is not None:
            made = partial(self._made_by, step.key, take.digest)
            self.locking.put_take(shot.id, shot.source, step.key, take.digest, take.info, made)

    def lock_frame(self, action: Action, frame: FrameResult, shot: Shot) -> None:
        """The lockfile remembers the picture that another shot takes from this one."""
        provider = shot.source.provider if isinstance(shot.source, Generated) else ""
        self.locking.put_frame(shot.id, provider, action.at, frame.planes)

    def finish(self, *, keep: set[str] | None) -> None:
        """Write the lockfile, as ``LockfileWriter.finish`` does, and what was learnt of files."""
        self.locking.finish(keep=keep)
        self._workspace.index.flush()

    def _made_by(self, key: str, digest: str) -> Provenance | None:
        """Where a take came from."""
        made = self._made.get((key, digest))
        if made is None:
            records = self._workspace.records.all(key)
            made = next((found.record.made for found in records if found.record.digest == digest), None)
        if made is None:
            record = self._named.record(key, digest)
            made = record.made if record is not None else None
        return made


@contextmanager
def _in_words() -> Iterator[None]:
    """A blob that is missing or damaged fails what needs it, and nothing else."""
    try:
        yield
    except Missing as problem:
        raise TaskFailed(f"{problem.digest[:12]} has gone from the cache; build again") from problem
    except Damaged as problem:
        kept = f"{problem.digest[:12]} was damaged and set aside at {problem.kept_at}"
        raise TaskFailed(f"{kept}; build again") from problem
