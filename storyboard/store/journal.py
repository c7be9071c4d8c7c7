"""Journal of unfinished paid jobs, one file each, written before the request is sent; and whose account pays for them.

Owns ``.storyboard/journal`` and ``.storyboard/salt``. A file is complete, and its folder synced, before ``open``
returns; only ``close`` removes it. Files contain no picture bytes, no API key and no URL of a result. Leaves the
resumption of jobs to the engine.
"""

import errno
import hmac
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from storyboard.durable import (
    errors_for_path,
    fsync_folder,
    make_folders,
    read_regular,
    remove,
    write_atomic,
    write_new,
)
from storyboard.store.integrity import (
    ChecksumMismatch,
    NewerVersion,
    Quarantined,
    encode_with_checksum,
    find_quarantined,
    load,
    quarantine,
    read,
)

_TASK_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")

JobState = Literal["opened", "submitted", "succeeded", "downloaded"]
_SALT_BYTES = 32


def is_task_id(text: str) -> bool:
    """Return whether *text* has the form of a task id, and so can name a file here."""
    return _TASK_ID.fullmatch(text) is not None


class Account(Struct, frozen=True):
    """The account that pays for a job: the address of the API, and a hash of the key, salted for each project."""

    endpoint: str
    key_hash: str


def account_of(folder: Path, endpoint: str, key: str) -> Account:
    """Return the account that *key* opens at *endpoint*; *folder* is the state folder, which holds the salt.

    Raises ``OSError`` if the salt cannot be read or written.
    """
    return Account(endpoint, hmac.digest(_salt(folder), key.encode(), "sha256").hex())


def _salt(folder: Path) -> bytes:
    """Return the salt of a project. It is drawn once; only the user can read it."""
    path = folder / "salt"
    try:
        salt = read(path)
        if len(salt) == _SALT_BYTES:
            return salt
        raise ChecksumMismatch("not a salt")
    except FileNotFoundError:
        make_folders(folder)
    except ChecksumMismatch:
        quarantine(path, folder / "damaged")
    with suppress(FileExistsError):  # written by another process, or damaged and not movable
        write_new(path, os.urandom(_SALT_BYTES), 0o600)
    salt = read_regular(path)
    if len(salt) != _SALT_BYTES:
        raise OSError(errno.EINVAL, "not a salt, and it cannot be moved", os.fspath(path))
    return salt


class Job(Struct, frozen=True):
    """One paid job. ``estimate`` in US dollars as decimal text; ``opened_at`` in epoch seconds.

    ``request_digest`` is the sha256 of the body as sent; ``request`` is that body without the bytes of its pictures.
    ``account`` is ``None`` in files of earlier versions.
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
    state: JobState = "opened"
    account: Account | None = None


class JournalConflict(Exception):
    """A task id already used by another request: sending it would bill one job under the id of the other."""

    def __init__(self, existing: Job, wanted: Job) -> None:
        super().__init__(existing.task_id)
        self.existing = existing
        self.wanted = wanted


class NoSuchJob(Exception):
    """A task id without a journal file."""

    def __init__(self, task_id: str) -> None:
        super().__init__(task_id)
        self.task_id = task_id


class JournalTooNew(Exception):
    """A journal file written by a later version: its job may have been paid for, so it is left in place."""

    def __init__(self, path: Path, version: int) -> None:
        super().__init__(path, version)
        self.path = path
        self.version = version


class Journal:
    """The journal in *folder*. Damaged files are listed in ``troubles``, and quarantined if it is *writable*."""

    def __init__(self, folder: Path, *, writable: bool = True) -> None:
        self._writable = writable
        self.troubles: list[Quarantined] = []
        self._folder = folder

    def open(self, job: Job) -> Job:
        """Write *job*; once this returns, the file survives a power failure, and the request may be sent.

        If the id exists with an equal request, return the existing job in its present state. Raises
        ``JournalConflict``, ``JournalTooNew``, ``ValueError`` for an id that cannot name a file, and ``OSError``.
        """
        path = self._path(job.task_id)
        make_folders(self._folder)
        existing = self.job(job.task_id)
        if existing is None:
            try:
                write_new(path, encode_with_checksum(job))
            except FileExistsError:
                existing = self.job(job.task_id)
                if existing is None:
                    raise
            else:
                return job
        return self._existing_job(existing, job)

    def advance(self, task_id: str, state: JobState) -> Job:
        """Record that the job has reached *state* and return it. Raises ``NoSuchJob``, or as ``job`` does."""
        job = self.job(task_id)
        if job is None:
            raise NoSuchJob(task_id)
        if job.state != state:
            job = replace(job, state=state)
            write_atomic(self._path(task_id), encode_with_checksum(job))
        return job

    def close(self, task_id: str) -> None:
        """Remove a job whose take and record are committed; do nothing if it is gone already. Raises ``OSError``."""
        path = self._path(task_id)
        with errors_for_path(path):
            try:
                remove(path)
                fsync_folder(self._folder)
            except FileNotFoundError:
                return

    def job(self, task_id: str) -> Job | None:
        """Return the job with that id, ``None`` if there is none or its file was damaged.

        Raises ``JournalTooNew``, ``OSError``.
        """
        path = self._path(task_id)
        try:
            job = load(path, Job)
            if job.task_id != task_id:
                raise ChecksumMismatch("the name does not match the content")
        except FileNotFoundError:
            return None
        except NewerVersion as problem:
            raise JournalTooNew(path, problem.version) from problem
        except ChecksumMismatch as problem:
            kept_at = quarantine(path, self._folder / "damaged") if self._writable else path
            self.troubles.append(Quarantined(path, problem.reason, kept_at))
            return None
        return job

    def jobs(self) -> list[Job]:
        """Return every job, oldest first. Raises ``JournalTooNew``, ``OSError``."""
        try:
            names = sorted(path.stem for path in self._folder.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return []
        found = [job for name in names if is_task_id(name) and (job := self.job(name)) is not None]
        return sorted(found, key=lambda job: (job.opened_at, job.task_id))

    def is_damaged(self, task_id: str) -> bool:
        """Return whether a damaged file of that id was quarantined: then its job may have been submitted."""
        return find_quarantined(self._path(task_id).name, self._folder / "damaged") is not None

    def damaged_ids(self) -> set[str]:
        """Return the task ids of all quarantined files."""
        try:
            names = [entry.name for entry in (self._folder / "damaged").iterdir()]
        except FileNotFoundError:
            return set()
        return {stem for name in names if is_task_id(stem := name.partition(".json.")[0])}

    def _existing_job(self, existing: Job, wanted: Job) -> Job:
        if existing.request_digest != wanted.request_digest:
            raise JournalConflict(existing, wanted)
        if existing.account is None and wanted.account is not None:
            # written by an earlier version, and about to be submitted with this account
            existing = replace(existing, account=wanted.account)
            write_atomic(self._path(existing.task_id), encode_with_checksum(existing))
        fsync_folder(self._folder)
        return existing

    def _path(self, task_id: str) -> Path:
        if not is_task_id(task_id):
            raise ValueError(f"not a task id: {task_id!r}")
        return self._folder / f"{task_id}.json"
