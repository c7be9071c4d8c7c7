"""Checksummed JSON files, and the quarantine of damaged ones.

    {"version":1,"sha256":"…","body":{…}}

Any changed bit is detected: in the body by the digest, elsewhere by the shape. A damaged file is moved to another name
and reported to the caller; it is never read again and never deleted.
"""

import hashlib
import os
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from storyboard.durable import NotAFile, fsync_folder, make_folders, move, read_regular

VERSION = 1
_T = TypeVar("_T")


class ChecksumMismatch(Exception):
    """Bytes that differ from those written; ``reason`` states how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NewerVersion(Exception):
    """A file written by a later version of this tool: leave it in place, do not quarantine it."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version}")
        self.version = version


class _ChecksummedFile(Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    sha256: str
    body: Raw


def encode_with_checksum(body: Struct) -> bytes:
    """Return the file content for *body*, ending in a newline."""
    raw = msgspec.json.encode(body, order="deterministic")
    envelope = _ChecksummedFile(VERSION, hashlib.sha256(raw).hexdigest(), Raw(raw))
    return msgspec.json.encode(envelope) + b"\n"


def decode_with_checksum(data: bytes, kind: type[_T]) -> _T:
    """Return the body of a file made by ``encode_with_checksum``. Raises ``ChecksumMismatch`` or ``NewerVersion``."""
    try:
        envelope = msgspec.json.decode(data, type=_ChecksummedFile)
        if envelope.version > VERSION:
            raise NewerVersion(envelope.version)
        if envelope.version != VERSION or hashlib.sha256(envelope.body).hexdigest() != envelope.sha256:
            raise ChecksumMismatch("the checksum does not match")
        return msgspec.json.decode(envelope.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ChecksumMismatch(f"unreadable: {problem}") from problem


def load(path: Path, kind: type[_T]) -> _T:
    """Read the file at *path* and return its body.

    Raises ``ChecksumMismatch`` (for a link or folder too), ``NewerVersion`` and ``OSError``.
    """
    return decode_with_checksum(read(path), kind)


def read(path: Path | str) -> bytes:
    """Return the bytes of the file at *path*. Raises ``ChecksumMismatch`` if it is no regular file, and ``OSError``."""
    try:
        return read_regular(path)
    except NotAFile as problem:
        raise ChecksumMismatch("not a regular file") from problem


class Quarantined(Struct, frozen=True):
    """A damaged file: its path, the reason, and the path where it lies now."""

    path: Path
    reason: str
    kept_at: Path


def quarantine(path: Path, folder: Path) -> Path:
    """Move *path*, of any kind, into *folder* under its name with a random suffix; return the new path.

    If it cannot be moved (a folder without write permission), it stays, and *path* is returned.
    """
    target = folder / f"{path.name}.{os.urandom(4).hex()}"
    try:
        make_folders(folder)
        move(path, target)
        fsync_folder(path.parent)
        fsync_folder(folder)
    except OSError:
        return target if os.path.lexists(target) else path
    return target


def find_quarantined(name: str, folder: Path) -> Path | None:
    """Return a quarantined file with the original name *name*, ``None`` if there is none."""
    try:
        found = sorted(entry for entry in folder.iterdir() if entry.name.startswith(f"{name}."))
    except FileNotFoundError:
        return None
    return next(iter(found), None)
