"""The store of one project, opened for one storyboard: the one way to its blobs, records, lockfile, journal and ledger.

Any method may block on the disk; the executor calls the slow ones in its threads.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from shutil import copyfileobj
from typing import Self

from msgspec.structs import replace

from storyboard.core.audio import SoundMix
from storyboard.core.built_film import BuiltFilm
from storyboard.core.graph import Action
from storyboard.core.keys import Request, input_digest, is_prepared
from storyboard.core.model import (
    CAPTION_SUFFIXES,
    DEFAULT_PROVIDER,
    PICTURE_FIELDS,
    FileInput,
    FrameLink,
    Generated,
    Shot,
    Storyboard,
    UrlInput,
    parts_in_project,
)
from storyboard.core.plan import FrameResult, LockEntry, Step, TakeResult
from storyboard.core.render_spec import FoundFont, RenderSpec, files_of, fonts_of, takes_of
from storyboard.core.results import Provenance, Record
from storyboard.durable import CHUNK, STAGED, read_regular, staged_names, staged_path, sweep
from storyboard.engine.locked_takes import LockedTakes
from storyboard.engine.lockfile_writer import LockfileWriter
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.operating_system import relative_path
from storyboard.pictures import UnreadablePicture, convert_picture, crop_bar
from storyboard.store.blobs import BlobStore, Damaged, Missing
from storyboard.store.digest_cache import DigestCache
from storyboard.store.journal import Journal
from storyboard.store.ledger import MODERATED, SUCCEEDED, Ledger, LedgerEntry
from storyboard.store.lockfile import Lockfile
from storyboard.store.records import Committed, PendingRecord, RecordState, RecordStore
from storyboard.store.state import FOLDER, State
from storyboard.store.written_files import TERMS_FOLDER, WrittenFile, WrittenFiles, read_built_film


def folder_in_project(root: Path, target: Path) -> tuple[str, ...] | None:
    """Return the parts of the real folder of *target* below *root*; ``None`` if nothing may be written there."""
    return parts_in_project(root.resolve().parts, target.parent.resolve().parts)


class ProjectStore:
    """The open store of a project, with *lockfile* as that of *storyboard*; close it, or use it in a ``with`` block.

    It is the ``ActionCache`` of the planner: records that other processes add to an unknown key later are not seen.
    Raises ``JournalTooNew``, ``OSError``.
    """

    def __init__(
        self,
        state: State,
        storyboard: Storyboard,
        lockfile: Lockfile,
        *,
        writable: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.root = root = state.root
        self.folder = state.folder
        self.cache = state.cache
        self.films: dict[str, Path] = {}
        self.show(storyboard)
        self.journal = Journal(self.folder / "journal", writable=writable)
        # the last attempt at a key is the one that is continued
        last = {job.key: job for job in sorted(self.journal.jobs(), key=lambda job: job.attempt)}
        self.open_keys = set(last)
        self._unpaid_keys = {key for key, job in last.items() if job.state == "opened"}
        self.ledger = Ledger(self.folder / "ledger.jsonl")
        self.digests = DigestCache(self.folder / "index.sqlite", clock, writable=writable)
        self.blobs = BlobStore(self.cache, writable=writable)
        self.records = RecordStore(self.cache, self.blobs, self.digests)
        self.lockfile = LockfileWriter(root / storyboard.lockfile, lockfile)
        self.written = WrittenFiles(self.folder, self.cache / "damaged", self._films_of_cuts, writable=writable)
        if self.written.trouble is not None:
            self.records.troubles.append(self.written.trouble)
        self._storyboard = storyboard.file
        self._outputs = storyboard.outputs
        self._initial_lockfile = lockfile
        self._inputs = tuple(dict.fromkeys(file.path for file in storyboard.files()))
        self._provenances: dict[tuple[str, str], Provenance] = {}
        self._keys_without_records: set[str] = set()

    def show(self, storyboard: Storyboard) -> None:
        """Let the films, by the names of their outputs, and the first one be those of *storyboard*."""
        self.films = {output.name: self.root / output.film for output in storyboard.outputs}
        self.film = self.root / storyboard.output.film
        vars(self).pop("blob_link_prefixes", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads of commits, and close the digest cache."""
        self.blobs.writer.close()
        self.digests.close()

    def sweep(self, *, after_crash: bool) -> None:
        """Remove the temporary files of killed builds. Only for the holder of the project's lock.

        Only single files under names that this program gives are removed, never through a link. Raises ``OSError``.
        """
        self.blobs.sweep()
        sweep(STAGED, self.root, FOLDER)
        if after_crash:
            sweep(STAGED, self.root, FOLDER, "journal")
            sweep(STAGED, self.root, FOLDER, "standing")
            sweep(STAGED, self.root, FOLDER, "memory")
            sweep(STAGED, self.root, FOLDER, TERMS_FOLDER)
            sweep(STAGED, self.cache, "records", depth=2)
        outside = [self.root / path for output in self._outputs for path in output.written.files]
        written = [self.root / file.path for file in self.written]
        for path in dict.fromkeys((self.lockfile.path, *outside, *written)):
            folder = folder_in_project(self.root, path)
            if folder is not None:
                sweep(staged_names(path), self.root.resolve(), *folder)

    # the planner's cache

    def find(self, key: str) -> Sequence[Record]:
        """Return the complete records of *key*, newest first; then the takes that only the lockfile names."""
        found = [state.record for state in self._states(key) if state.complete]
        return [*found, *self._locked_takes.records(key, found)]

    def request_of(self, key: str) -> Request | None:
        """Return the request behind *key*, if a record holds it."""
        return next((state.record.request for state in self._states(key) if state.record.request), None)

    def is_damaged(self, key: str) -> bool:
        """Return whether a record of *key* names a damaged blob."""
        return any(state.damaged for state in self._states(key))

    def _states(self, key: str) -> Sequence[RecordState]:
        """Return all records of *key*. A key without any is read once only: just this build adds records."""
        found = self.records.states(key) if key not in self._keys_without_records else []
        if not found:
            self._keys_without_records.add(key)
        return found

    def is_paid_for(self, key: str) -> bool:
        """Return whether the journal had an open job for *key* when the store was opened."""
        return key in self.open_keys

    def may_be_unpaid(self, key: str) -> bool:
        """Return whether the open job for *key* was written down, and no answer of the provider was."""
        return key in self._unpaid_keys

    def was_bought(self, key: str) -> bool:
        """Return whether the ledger has an attempt for *key* that succeeded."""
        return key in self._bought_keys

    @cached_property
    def _bought_keys(self) -> frozenset[str]:
        return frozenset(one.key for one in self._ledger_entries if one.outcome == SUCCEEDED)

    def was_accepted(self, key: str) -> bool:
        """Return whether the ledger has an attempt for *key* that ended after it was accepted."""
        return any(entry.key == key and entry.event == "settled" for entry in self._ledger_entries)

    def is_refused(self, key: str) -> bool:
        """Return whether the ledger had a refusal of *key* by the provider's policy when it was first asked."""
        return key in self._refused_keys

    @cached_property
    def _refused_keys(self) -> frozenset[str]:
        return frozenset(one.key for one in self._ledger_entries if one.outcome == MODERATED) - self._bought_keys

    @cached_property
    def _ledger_entries(self) -> list[LedgerEntry]:
        """The events that the ledger had when one of them was first asked for."""
        return self.ledger.entries()

    def locked(self, shot: str, provider: str) -> LockEntry | None:
        """Return the lockfile's entry of a shot."""
        return self.lockfile.content.entry(shot, provider)

    def named(self, key: str) -> Sequence[LockEntry]:
        """Return the entries for *key* in the lockfile as it was when the store was opened."""
        return self._locked_takes.entries(key)

    def planes(self, take: str, at: str) -> str | None:
        """Return the digest of a frame's planes by the lockfile as it was when the store was opened."""
        return self._locked_takes.planes(take, at)

    def film_digest(self, file: str) -> str | None:
        """Return the digest of the film at a path of the project; ``None`` if there is none."""
        return self.file_digest(self.root / file)

    def built_film(self, file: str) -> BuiltFilm | None:
        """Return the terms of the film that was last built to a path of the project, as far as they are known."""
        return read_built_film(self.folder, file)

    @cached_property
    def _locked_takes(self) -> LockedTakes:
        return LockedTakes(self._initial_lockfile, self.blobs, self.digests)

    # reading

    def input_digests(self) -> dict[str, str]:
        """Return the digest of every input file of the storyboard, by its path in the project. Raises ``OSError``."""
        return {path: self.digests.digest_of((self.root / path).resolve()) for path in self._inputs}

    def file_digest(self, path: Path) -> str | None:
        """Return the digest of a file, ``None`` if there is none."""
        try:
            return self.digests.digest_of(path)
        except OSError:
            return None

    def sound_of_film(self, file: str) -> Request | None:
        """Return the request of the sound in the film at a path of the project, if a record holds it."""
        film = self.film_digest(file)
        sounds = {cut.request.get("sound") for cut in self.records.scan("cut") if cut.values.get("film") == film}
        return next((sound.request for sound in self.records.scan("sound") if sound.digest in sounds), None)

    def locked_entry(self, step: Step, shot: Shot) -> LockEntry | None:
        """Return the lockfile's entry for the request of *step*, if it has one."""
        provider = shot.source.provider if isinstance(shot.source, Generated) else ""
        own = self.locked(shot.id, provider)
        entries = [own] if own is not None and own.key == step.key else self.named(step.key or "")
        return next(iter(entries), None)

    def missing_record(self, step: Step) -> Record | None:
        """Return the record to add for a take that *step* has found by the lockfile alone; ``None`` for any other."""
        result = step.result
        if not isinstance(result, TakeResult) or step.key is None or (step.key, result.digest) in self._provenances:
            return None
        record = self._locked_takes.record(step.key, result.digest)
        request = step.request or self.request_of(step.key) or {}
        return replace(record, request=request) if record is not None else None

    def blob_path(self, digest: str) -> Path:
        """Return the path of a verified blob. Raises ``TaskFailed``."""
        with _blob_errors():
            return self.blobs.verified(digest, self.digests)

    def read_blob(self, digest: str) -> bytes:
        """Return the bytes of a blob, verified. Raises ``TaskFailed``."""
        with _blob_errors():
            return self.blobs.read(digest)

    def has_blob(self, data: bytes) -> bool:
        """Return whether *data* is the content of a blob."""
        return self.blobs.path(sha256(data).hexdigest()).is_file()

    @cached_property
    def blob_link_prefixes(self) -> tuple[str, ...]:
        """The blob folders as seen from the links beside the film: that of the cache, and that inside the project."""
        links = self.film.with_suffix("").resolve()
        caches = (self.cache, self.folder / "cache")
        return tuple(relative_path(cache.resolve() / "blobs", links) for cache in caches)

    def input_pictures(self, step: Step, shot: Shot, frames: Mapping[str, FrameResult]) -> dict[str, bytes]:
        """Return the input pictures of a take by field, as its request says: as they lie, or prepared.

        *frames* are its linked frames. Raises ``TaskFailed`` if a file has changed since the plan, or if a frame was
        drawn anew since the take was bought.
        """
        found: dict[str, bytes] = {}
        source = shot.source
        request = step.request or {}
        for field in PICTURE_FIELDS:
            match getattr(source, field) if isinstance(source, Generated) else None:
                case FileInput(path):
                    data = read_regular(self.root / path, follow=True)
                    if input_digest(request[field]) != sha256(data).hexdigest():
                        raise TaskFailed(f"{path} was changed during the build; build again")
                    found[field] = _prepare(request[field], data, path)
                case FrameLink(upstream):
                    if field not in frames:
                        fact = f"the frame of {upstream} that its job was begun with is not in this cache"
                        raise TaskFailed(f"{fact}; make another take with `--remake {shot.id}`")
                    found[field] = self.linked_picture(request[field], frames[field])
                case UrlInput(url):
                    found[field] = _prepare(request[field], self.read_blob(input_digest(request[field])), url)
        return found

    def linked_picture(self, value: str, frame: FrameResult) -> bytes:
        """Return the picture of a linked frame as its *value* in a request says. Raises ``TaskFailed``."""
        data = self.read_blob(frame.picture)
        if not is_prepared(value):
            return data
        return crop_bar(data)

    def verified_sources(self, spec: RenderSpec) -> dict[str, Path] | None:
        """Return the files behind *spec* as ``sources`` does, if no file has to be read or imported; else ``None``."""
        if any(files_of(spec)):
            return None
        found = {take: self.blobs.path(take) for take in takes_of(spec)}
        found |= {font.digest: Path(font.file) for font in fonts_of(spec)}
        known = self.digests.cached_digest
        return found if all(known(os.fspath(path.absolute())) == take for take, path in found.items()) else None

    def sources(self, spec: RenderSpec) -> dict[str, Path]:
        """Return the files behind *spec*, by digest, and import those of the project.

        Raises ``TaskFailed`` if one has changed since the plan.
        """
        found = {take: self.blob_path(take) for take in takes_of(spec)}
        found |= {font.digest: self._installed_font(font) for font in fonts_of(spec)}
        return found | {digest: self.import_file(file, digest) for digest, file in files_of(spec)}

    def _installed_font(self, font: FoundFont) -> Path:
        if self.digests.digest_of(Path(font.file)) != font.digest:
            raise TaskFailed(f"{font.file} was changed during the build; build again")
        return Path(font.file)

    def sound_sources(self, mix: SoundMix) -> dict[str, Path]:
        """Return the files behind *mix*, by digest, and import those of the project. Raises as ``sources``."""
        takes = {voice.take: self.blob_path(voice.take) for voice in mix.voices}
        return takes | {bed.digest: self.import_file(bed.file, bed.digest) for bed in mix.beds}

    # films and captions outside of the store

    def find_written(self, path: Path) -> WrittenFile | None:
        """Return what builds have last written to *path*, ``None`` if nothing."""
        return self.written.find(self._project_path(path))

    def has_written(self, path: Path) -> bool:
        """Return whether the content of *path* is the content that builds have last written there."""
        written = self.find_written(path)
        return written is not None and self.file_digest(path) in written.digests

    def is_early_film(self, path: Path) -> bool:
        """Return whether an earlier version of the program may have written the film at *path*, and no other has since.

        Earlier versions kept the digests of films without their paths, in the records of cuts.
        """
        return self.find_written(path) is None and self.file_digest(path) in self.written.early()

    def _films_of_cuts(self) -> Iterator[str]:
        return (cut.values["film"] for cut in self.records.scan("cut") if "film" in cut.values)

    def announce(self, digests: Mapping[Path, str]) -> None:
        """Write down the digests of content that is about to replace what is at each path. Raises ``OSError``."""
        names = {path: self._project_path(path) for path in digests}
        before = {name: self.file_digest(path) for path, name in names.items()}
        self.written.announce({names[path]: new for path, new in digests.items()}, before, self._storyboard)

    def settle(self, paths: Iterable[Path]) -> None:
        """Write down the content of the files at *paths* as that of the last build. Raises ``OSError``."""
        found = {self._project_path(path): self.file_digest(path) for path in paths}
        self.written.settle({name: digest for name, digest in found.items() if digest is not None}, self._storyboard)

    def copied_take(self, path: Path) -> str | None:
        """Return the digest of the take whose copy is at *path*; ``None`` unless a build has written the copy."""
        written = self.find_written(path) if path.is_file() and not path.is_symlink() else None
        digest = self.file_digest(path) if written is not None and written.is_copy else None
        return digest if written is not None and digest in written.digests else None

    def copy_take(self, digest: str, path: Path) -> None:
        """Copy a take to *path*, replacing what is there. Raises ``OSError``, ``TaskFailed`` for a damaged take."""
        before = self.copied_take(path)
        self.written.announce_copy(self._project_path(path), digest, before, self._storyboard)
        with staged_path(path) as part, self.blob_path(digest).open("rb") as take, part.open("wb") as copy:
            copyfileobj(take, copy, CHUNK)

    def old_films(self) -> list[WrittenFile]:
        """Return the films that builds of this storyboard have left at paths that are no outputs any more.

        Those of a storyboard whose file is gone count as well.
        """
        outputs = [path for output in self._outputs for path in output.written.files]
        current = {file.path for path in outputs if (file := self.find_written(self.root / path)) is not None}
        return [
            file
            for file in self.written
            if file.path not in current
            and not file.path.endswith(CAPTION_SUFFIXES)
            and not file.is_copy
            and (file.storyboard == self._storyboard or not (self.root / file.storyboard).exists())
            and self.has_written(self.root / file.path)
        ]

    def final_films(self) -> list[WrittenFile]:
        """Return the films of builds at the paths of final films, where earlier versions wrote animatics as well."""
        found = (self.find_written(self.root / output.file) for output in self._outputs)
        return [file for file in found if file is not None and self.has_written(self.root / file.path)]

    def holds_animatics(self, film: WrittenFile) -> bool:
        """Return whether *film* was joined of drawn takes, by the records of them all."""
        pieces: set[object] = set()
        drawn: set[str] = set()
        rendered: dict[str, set[object]] = {}
        for record in self.records.scan(None):
            if record.kind == "cut" and record.values.get("film") in film.digests:
                pieces |= set(_strings(record.request.get("pieces")))
            elif record.kind == "segment":
                rendered[record.digest] = set(_strings(record.request))
            elif record.kind == "take" and record.request.get("provider") == DEFAULT_PROVIDER:
                drawn.add(record.digest)
        return any(piece in drawn or rendered.get(str(piece), set()) & drawn for piece in pieces)

    def _project_path(self, path: Path) -> str:
        """Return the path of a file to write, with the links on its way resolved."""
        return "/".join((*(folder_in_project(self.root, path) or ("..",)), path.name))

    # writing

    def import_file(self, file: str, digest: str) -> Path:
        """Copy a file of the project into the store; return its blob. Raises ``TaskFailed`` if it has changed."""
        if self.blobs.put_file((self.root / file).resolve()) != digest:
            raise TaskFailed(f"{file} was changed during the build; build again")
        return self.blob_path(digest)

    def commit(self, pending: Sequence[PendingRecord]) -> Sequence[Committed | OSError]:
        """Store records with their blobs, together; an error stays with its record."""
        ends = self.records.commit(pending)
        for end in ends:
            if isinstance(end, Committed):
                if end.new:
                    self._provenances[end.record.key, end.record.digest] = end.record.made
                self._keys_without_records.discard(end.record.key)
        return ends

    def commit_one(self, pending: PendingRecord) -> Record:
        """Store a record with its blob, and return it. Raises ``OSError``."""
        [end] = self.commit([pending])
        if isinstance(end, OSError):
            raise end
        return end.record

    def lock_take(
        self, step: Step, shot: Shot, take: TakeResult, earlier_frames: Callable[[], dict[str, str]] = dict
    ) -> None:
        """Let the lockfile name *take* as the one in the cut, with the frames of it that takes were bought with."""
        if isinstance(shot.source, Generated) and step.key is not None:
            provenance = partial(self._provenance, step.key, take.digest)
            entry = (step.key, take.digest, take.info)
            self.lockfile.put_take(shot.id, shot.source, *entry, provenance, earlier_frames)

    def lock_frame(self, action: Action, frame: FrameResult, shot: Shot) -> None:
        """Let the lockfile record the frame that another shot takes from this one."""
        provider = shot.source.provider if isinstance(shot.source, Generated) else ""
        self.lockfile.put_frame(shot.id, provider, action.at, frame.planes)

    def finish(self, *, keep: set[str] | None) -> None:
        """Write the lockfile, as ``LockfileWriter.finish`` does, and the digest cache."""
        self.lockfile.finish(keep=keep)
        self.digests.flush()

    def _provenance(self, key: str, digest: str) -> Provenance | None:
        provenance = self._provenances.get((key, digest))
        if provenance is None:
            states = self.records.states(key)
            provenance = next((state.record.made for state in states if state.record.digest == digest), None)
        if provenance is None:
            record = self._locked_takes.record(key, digest)
            provenance = record.made if record is not None else None
        return provenance


def _strings(value: object) -> Iterator[str]:
    """Yield every text in a request."""
    match value:
        case str():
            yield value
        case Mapping():
            for item in value.values():
                yield from _strings(item)
        case list() | tuple():
            for item in value:
                yield from _strings(item)


def _prepare(value: str, data: bytes, name: str) -> bytes:
    """Return a picture as its *value* in a request says. Raises ``TaskFailed``."""
    try:
        return convert_picture(data) if is_prepared(value) else data
    except UnreadablePicture as problem:
        raise TaskFailed(f"{name} cannot be used: {problem.reason}") from problem


@contextmanager
def _blob_errors() -> Iterator[None]:
    """Raise ``TaskFailed`` for a missing or damaged blob, which fails only the steps that need it."""
    try:
        yield
    except Missing as problem:
        raise TaskFailed(f"{problem.digest[:12]} is missing from the cache; build again") from problem
    except Damaged as problem:
        kept = f"{problem.digest[:12]} is damaged and was quarantined as {problem.kept_at}"
        raise TaskFailed(f"{kept}; build again") from problem
