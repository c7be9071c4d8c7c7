"""Paid jobs that are not finished, one file each, on disk before the request leaves.

Owns ``.storyboard/journal``. A file appears whole, with its folder synced, before ``open`` returns, and goes only by
``close``. Holds no picture bytes, no key and no URL. What to do with a job found at start is the build's business.
"""

import re
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from storyboard.durable import errors_for_path, fsync_folder, make_folders, remove, write_atomic, write_new
from storyboard.store.integrity import ChecksumMismatch, NewerVersion, Quarantined, load, quarantine, seal

_TASK_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")

State = Literal["opened", "submitted", "succeeded", "downloaded"]


def is_task_id(text: str) -> bool:
    """Return whether *text* has the shape of a task id, and so can name a file here."""
    return _TASK_ID.fullmatch(text) is not None


class Job(Struct, frozen=True):
    """One paid job. ``estimate`` in US dollars as decimal text; ``opened_at`` in epoch seconds.

    ``request_digest`` is the sha256 of the body as sent; ``request`` is that body without the bytes of its pictures.
    """

    task_id: str
    key: str
    attempt: int
    shot: str
    provider: str
    model: str
    request_digest: str
    request: dict[str, Any]
    estimate: str
    opened_at: float
    state: State = "opened"


class JournalConflict(Exception):
    """The task id is taken by another request: sending it would bill one job under the name of another."""

    def __init__(self, existing: Job, wanted: Job) -> None:
        super().__init__(existing.task_id)
        self.existing = existing
        self.wanted = wanted


class NoSuchJob(Exception):
    """No journal file of that task id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(task_id)
        self.task_id = task_id


class JournalTooNew(Exception):
    """A journal file from a later version of this tool: its job may have been paid for, so it is left alone."""

    def __init__(self, path: Path, version: int) -> None:
        super().__init__(path, version)
        self.path = path
        self.version = version


class Journal:
    """The journal in *folder*. Damaged files are set aside and told in ``troubles``."""

    def __init__(self, folder: Path) -> None:
        self.troubles: list[Quarantined] = []
        self._folder = folder

    def open(self, job: Job) -> Job:
        """Write *job* down; when this returns, it survives a power cut, and only then may the request leave.

        An id that is there with the same request is the same job: that one is returned, with the state it has reached.
        Raises ``JournalConflict``, ``JournalTooNew``, ``ValueError`` for an id that is no file name, ``OSError``.
        """
        path = self._path(job.task_id)
        make_folders(self._folder)
        existing = self.job(job.task_id)
        if existing is None:
            try:
                write_new(path, seal(job))
            except FileExistsError:
                existing = self.job(job.task_id)
                if existing is None:
                    raise
            else:
                return job
        return self._same(existing, job)

    def advance(self, task_id: str, state: State) -> Job:
        """Write down that the job has reached *state*; returns it. Raises ``NoSuchJob``, or as ``job`` does."""
        job = self.job(task_id)
        if job is None:
            raise NoSuchJob(task_id)
        if job.state != state:
            job = replace(job, state=state)
            write_atomic(self._path(task_id), seal(job))
        return job

    def close(self, task_id: str) -> None:
        """Forget a job whose take and record are safe; nothing if it is gone already. Raises ``OSError``."""
        path = self._path(task_id)
        with errors_for_path(path):
            try:
                remove(path)
                fsync_folder(self._folder)
            except FileNotFoundError:
                return

    def job(self, task_id: str) -> Job | None:
        """The job of that id, ``None`` if there is none or its file was damaged.

        Raises ``JournalTooNew``, ``OSError``.
        """
        path = self._path(task_id)
        try:
            job = load(path, Job)
            if job.task_id != task_id:
                raise ChecksumMismatch("its name does not fit what it holds")
        except FileNotFoundError:
            return None
        except NewerVersion as problem:
            raise JournalTooNew(path, problem.version) from problem
        except ChecksumMismatch as problem:
            self.troubles.append(Quarantined(path, problem.reason, quarantine(path, self._folder / "damaged")))
            return None
        return job

    def jobs(self) -> list[Job]:
        """Every job, oldest first. Raises ``JournalTooNew``, ``OSError``."""
        try:
            names = sorted(path.stem for path in self._folder.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return []
        found = [job for name in names if is_task_id(name) and (job := self.job(name)) is not None]
        return sorted(found, key=lambda job: (job.opened_at, job.task_id))

    def _same(self, existing: Job, wanted: Job) -> Job:
        if existing.request_digest != wanted.request_digest:
            raise JournalConflict(existing, wanted)
        fsync_folder(self._folder)
        return existing

    def _path(self, task_id: str) -> Path:
        if not is_task_id(task_id):
            raise ValueError(f"not a task id: {task_id!r}")
        return self._folder / f"{task_id}.json"
