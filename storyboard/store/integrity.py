"""Plain JSON files that know when they are damaged: a version, a sha256, and the bytes it is taken over.

    {"version":1,"sha256":"…","body":{…}}

Any changed bit is found: in the body by the digest, elsewhere by the shape.

What becomes of damaged files: kept under another name, told to the caller, never used and never deleted.
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
    """The bytes are not what was written; ``reason`` in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NewerVersion(Exception):
    """Written by a later version of this tool: to be left alone, not to be set aside."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version}")
        self.version = version


class _Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    sha256: str
    body: Raw


def seal(body: Struct) -> bytes:
    """The file for *body*, ending in a newline."""
    raw = msgspec.json.encode(body, order="deterministic")
    envelope = _Envelope(VERSION, hashlib.sha256(raw).hexdigest(), Raw(raw))
    return msgspec.json.encode(envelope) + b"\n"


def unseal(data: bytes, kind: type[_T]) -> _T:
    """The body of a file made by ``seal``. Raises ``ChecksumMismatch`` or ``NewerVersion``."""
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
        if envelope.version > VERSION:
            raise NewerVersion(envelope.version)
        if envelope.version != VERSION or hashlib.sha256(envelope.body).hexdigest() != envelope.sha256:
            raise ChecksumMismatch("its checksum does not fit")
        return msgspec.json.decode(envelope.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ChecksumMismatch(f"it cannot be read: {problem}") from problem


def load(path: Path, kind: type[_T]) -> _T:
    """The body of the file at *path*.

    Raises ``ChecksumMismatch`` (a link or folder too), ``NewerVersion``, ``OSError``.
    """
    return unseal(read(path), kind)


def read(path: Path | str) -> bytes:
    """The bytes of such a file. Raises ``ChecksumMismatch`` if it is no regular file, ``OSError``."""
    try:
        return read_regular(path)
    except NotAFile as problem:
        raise ChecksumMismatch("it is not a regular file") from problem


class Quarantined(Struct, frozen=True):
    """A file that could not be believed, the fact in words, and where it was put (or left)."""

    path: Path
    reason: str
    kept_at: Path


def quarantine(path: Path, folder: Path) -> Path:
    """Move *path*, whatever it is, into *folder* under its name with a random ending; returns its new place.

    Where it cannot be moved (a folder that may not be written) it stays, and its own path is returned.
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


def kept_aside(name: str, folder: Path) -> Path | None:
    """Where something of that name was put earlier, if it was."""
    try:
        found = sorted(entry for entry in folder.iterdir() if entry.name.startswith(f"{name}."))
    except FileNotFoundError:
        return None
    return next(iter(found), None)
