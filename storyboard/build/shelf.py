"""What a build reads from the store and puts into it: one place for blobs, records and the lockfile of one storyboard.

Every function here may touch the disk; the engine calls the slow ones in its storing thread.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import msgspec

from storyboard import __version__
from storyboard.build.fingerprint import Fingerprint
from storyboard.build.makers import Delivery
from storyboard.build.tasks import TaskFailed, clip_facts
from storyboard.build.workspace import Workspace
from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, moment
from storyboard.core.keys import Request
from storyboard.core.layers import Drawn, files_of, takes_of
from storyboard.core.model import FileInput, FrameLink, Generated, Json, Shot, UrlInput
from storyboard.core.plan import Found, FrameMade, Result, SegmentMade, Step, TakeMade
from storyboard.store.atomic import write_atomic
from storyboard.store.cas import Damaged, Missing
from storyboard.store.lockfile import LockEntry, Lockfile, LockfileProblem, LockInfo
from storyboard.store.lockfile import write as write_lockfile
from storyboard.store.records import Found as Kept
from storyboard.store.records import Made, Record

# While takes come in, the lockfile is written at most this often, and so seldom that writing takes a twentieth of the
# time; records are the truth until then.
_LOCKFILE_INTERVAL_S = 1.0
_LOCKFILE_SHARE = 20


class Shelf:
    """The store as one build of one storyboard sees it; also the planner's memory."""

    def __init__(self, workspace: Workspace, lockfile: Lockfile, renderer: Mapping[str, Json]) -> None:
        self.folder = workspace.state
        self.film = workspace.film
        self.blob_folder = workspace.blobs.folder
        self.films = workspace.films
        self.renderer = renderer
        self.lockfile = lockfile
        self._workspace = workspace
        self._entries: dict[str, dict[str, LockEntry]] = {}
        self._open = Lockfile(self._entries)
        self._unwritten = False
        self._write_again = 0.0
        self._writing = Lock()
        self._made: dict[tuple[str, str], Made] = {}
        self._absent: set[str] = set()

    # what the planner asks

    def find(self, key: str) -> Sequence[Found]:
        """Whole records of that key, newest first."""
        return [found.record for found in self._all(key) if found.whole]

    def request_of(self, key: str) -> Request | None:
        """The request behind a key, if any record remembers it."""
        return next((found.record.request for found in self._all(key)), None)

    def is_damaged(self, key: str) -> bool:
        """Whether something was kept under *key* whose bytes are not what they were."""
        return any(found.damaged for found in self._all(key))

    def _all(self, key: str) -> Sequence[Kept]:
        """Every record of *key*; where there was none, none is looked for again: only this build adds any."""
        found = self._workspace.records.all(key) if key not in self._absent else []
        if not found:
            self._absent.add(key)
        return found

    def is_paid_for(self, key: str) -> bool:
        """Whether the journal has an open job for *key*."""
        return key in self._workspace.open_keys

    def locked_task(self, step: Step, shot: Shot) -> str | None:
        """The task id of the locked take, if it answers this very request."""
        provider = shot.source.provider if isinstance(shot.source, Generated) else ""
        entry = self.locked(shot.id, provider)
        return entry.task_id if entry is not None and entry.key == step.key else None

    def locked(self, shot: str, provider: str) -> LockEntry | None:
        """What the lockfile says of a shot."""
        return self.lockfile.entry(shot, provider)

    def film_digest(self, file: str) -> str | None:
        """Digest of the film that is there."""
        return self.digest_of(self._workspace.root / file)

    def sound_of_film(self, file: str) -> Request | None:
        """What the sound of the film that is there was mixed from, if that is remembered."""
        film, records = self.film_digest(file), self._workspace.records
        heard = {cut.request.get("sound") for cut in records.takes_of("cut") if cut.values.get("film") == film}
        return next((made.request for made in records.takes_of("sound") if made.digest in heard), None)

    def digest_of(self, path: Path, fingerprint: Fingerprint | None = None) -> str | None:
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
        return self._workspace.blobs.temp(suffix)

    def blob(self, digest: str) -> Path:
        """The file of a blob whose bytes have been checked. Raises ``TaskFailed``."""
        with _in_words():
            return self._workspace.blobs.verified(digest, self._workspace.index)

    def pictures(self, step: Step, shot: Shot, settled: Mapping[str, Result]) -> dict[str, bytes]:
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
                    frame = settled[f"frame:{upstream}@{moment(at)}"]
                    if isinstance(frame, FrameMade):
                        found[field] = self.blob(frame.picture).read_bytes()
                case UrlInput():
                    found[field] = self.blob(request[field].removeprefix("file:")).read_bytes()
        return found

    def sources(self, drawn: Drawn) -> dict[str, Path]:
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

    def keep(self, step: Step, name: str, file: Path, facts: dict[str, Any], seconds: float) -> str:
        """Put what a step has made into the store under *name* and remember it; returns its digest."""
        digest = self._workspace.blobs.put_file(file)
        self._remember(step, {name: digest}, {}, facts, seconds=seconds)
        return digest

    def has_made(self, data: bytes) -> bool:
        """Whether *data* is something that has been kept here, so that it may be replaced."""
        return self._workspace.blobs.path(sha256(data).hexdigest()).is_file()

    def write_beside(self, path: Path, data: bytes) -> None:
        """Put *data* at *path*, and keep it, so that it is known again. Raises ``OSError``."""
        self._workspace.blobs.put_bytes(data)
        write_atomic(path, data)

    def keep_take(
        self, step: Step, shot: Shot, clip: Path, delivery: Delivery, began_with: bytes | None = None
    ) -> TakeMade:
        """Put a finished take into the store and remember what it answers.

        *began_with* is the picture of another shot that it was asked to begin with.
        """
        jump = self._jump(clip, began_with) if began_with is not None else None
        digest = self._workspace.blobs.put_file(clip)
        source = shot.source
        self._remember(
            step,
            {"clip": digest},
            {},
            clip_facts(delivery.info) | ({"jump": jump} if jump is not None else {}),
            seconds=delivery.seconds,
            provider=source.provider if isinstance(source, Generated) else "",
            seed=delivery.seed,
            task_id=delivery.task_id,
            cost=_dollars(delivery.cost),
            note="; ".join(delivery.notes),
        )
        return TakeMade(digest, delivery.info, jump)

    def _jump(self, clip: Path, began_with: bytes) -> float | None:
        from storyboard.media.likeness import distance
        from storyboard.media.reader import Refused

        try:
            return distance(clip, began_with)
        except Refused:  # it has passed its gate; what is only worth a remark stops nothing
            return None

    def make_frame(self, step: Step, take: TakeMade) -> FrameMade:
        """Decode one frame of a take and keep it."""
        from storyboard.media.frames import Unreadable, extract

        at = step.action.at
        moments: dict[str, Literal["first", "last"]] = {"first": "first", "last": "last"}
        began = time.monotonic()
        try:
            picture = extract(self.blob(take.digest), moments[at] if at in moments else Fraction(at))
        except Unreadable as problem:
            raise TaskFailed(f"frame `{at}` of {step.action.shot}: {problem}") from problem
        digest = self._workspace.blobs.put_bytes(picture.png)
        facts = {"size": str(picture.size)}
        self._remember(step, {"picture": digest}, {"planes": picture.planes}, facts, seconds=time.monotonic() - began)
        return FrameMade(picture.planes, digest)

    def keep_segment(self, step: Step, clip: Path, info: ClipInfo, frames: int, seconds: float) -> SegmentMade:
        """Put a rendered stretch into the store; it counts only with the frames it should have."""
        if info.frames != frames:
            raise TaskFailed(f"the segment of {step.action.shot} has {info.frames} frames instead of {frames}")
        return SegmentMade(self.keep(step, "clip", clip, clip_facts(info), seconds), frames, copied=False)

    def keep_film(self, step: Step, digest: str, seconds: float) -> None:
        """Remember which film a cut gave; its bytes stay at the output path alone."""
        self._remember(step, {}, {"film": digest}, {}, seconds=seconds)

    # the lockfile

    def lock_take(self, step: Step, shot: Shot, take: TakeMade) -> None:
        """The lockfile names the take that is used."""
        source = shot.source
        if not isinstance(source, Generated) or step.key is None:
            return
        entry = self.locked(shot.id, source.provider)
        if entry is None or (entry.key, entry.take) != (step.key, take.digest):
            self._set(shot.id, source.provider, self._entry(step.key, source, take))

    def lock_frame(self, action: Action, frame: FrameMade, shot: Shot) -> None:
        """The lockfile remembers the picture that another shot takes from this one."""
        provider = shot.source.provider if isinstance(shot.source, Generated) else ""
        entry = self.locked(shot.id, provider)
        if entry is not None and entry.frames.get(action.at) != frame.planes:
            frames = {**entry.frames, action.at: frame.planes}
            self._set(shot.id, provider, msgspec.structs.replace(entry, frames=frames))

    def finish(self, *, keep: set[str] | None) -> None:
        """Write what has not been written; *keep* names the shots of a complete build, others leave the lockfile."""
        gone = [shot for shot in self.lockfile.shots if keep is not None and shot not in keep]
        if gone:
            self.lockfile = self.lockfile.without(*gone)
            self._unwritten = True
        with self._writing:
            self._write_lockfile()
        self._workspace.index.flush()

    def lockfile_is_due(self) -> bool:
        """Whether it is time to write the lockfile, in the middle of a build."""
        return self._unwritten and time.monotonic() > self._write_again and not self._writing.locked()

    def write_lockfile(self) -> None:
        """Write it if nobody does; if that fails, it is for ``finish`` to write it, or to say why it cannot be."""
        if self._writing.acquire(blocking=False):
            try:
                with suppress(OSError, LockfileProblem):
                    self._write_lockfile()
            finally:
                self._writing.release()

    def _entry(self, key: str, source: Generated, take: TakeMade) -> LockEntry:
        made = self._made.get((key, take.digest))
        if made is None:
            records = self._workspace.records.all(key)
            made = next((found.record.made for found in records if found.record.digest == take.digest), None)
        return LockEntry(
            key=key,
            take=take.digest,
            seed=source.seed if made is None or made.seed is None else made.seed,
            task_id=made.task_id if made is not None else None,
            cost=made.cost if made is not None else None,
            info=LockInfo(take.info.frames, take.info.rate),
        )

    def _set(self, shot: str, provider: str, entry: LockEntry) -> None:
        if self.lockfile is not self._open:  # changed in place from now on: a copy for each of n takes is n² entries
            self._entries = {name: dict(entries) for name, entries in self.lockfile.shots.items()}
            self.lockfile = self._open = Lockfile(self._entries)
        self._entries[shot] = {**self._entries.get(shot, {}), provider: entry}
        self._unwritten = True

    def _write_lockfile(self) -> None:
        if not self._unwritten:
            return
        began = time.monotonic()
        self._unwritten = False
        try:
            write_lockfile(self._workspace.lockfile, Lockfile(dict(self.lockfile.shots)))
        except BaseException:
            self._unwritten = True
            raise
        finally:
            took = time.monotonic() - began
            self._write_again = began + took + max(_LOCKFILE_INTERVAL_S, _LOCKFILE_SHARE * took)

    def _remember(
        self, step: Step, outputs: dict[str, str], values: dict[str, str], info: dict[str, Any], **made: Any
    ) -> None:
        if step.key is None or step.request is None:
            raise TypeError(f"{step.action.id} has no key")
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        by = Made(at=stamp, tool=__version__, label=step.action.shot, **made)
        record = Record(
            key=step.key,
            kind=step.action.kind,
            request=step.request,
            outputs=outputs,
            values=values,
            info=info,
            made=by,
        )
        with _in_words():
            if self._workspace.records.add(record, kept=outputs.values()):
                self._made[step.key, record.digest] = by
        self._absent.discard(step.key)


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


def _dollars(amount: Decimal) -> str | None:
    return str(amount) if amount else None
