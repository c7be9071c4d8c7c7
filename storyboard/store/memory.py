"""What a build remembers for plans to come: a text that others give meaning to, and how everything looked behind it.

    .storyboard/memory/<crc of what it is about>.bin

A disposable file beside the notes of ``standing``, and trusted by the same rules: it is written with stamps that have
been proven to tell a later change. Paths are absolute. A damaged file, or one of another version, is none.
"""

import os
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct

from storyboard.durable import keep_youngest, write_disposable
from storyboard.store.standing import Stamp, stamp_of

FOLDER = "memory"
_MAGIC = b"storyboard memory 1\n"
_MOST = 8
_NAME = re.compile(r"[0-9a-f]{8}\.bin")
_HEAD = len(_MAGIC) + 4
_SIZE = 4 * 8
_GONE: Stamp = (-1, -1, -1, -1)


class _Looks(Struct, frozen=True, array_like=True):
    paths: bytes
    stamps: bytes


class _File(Struct, frozen=True, array_like=True):
    about: str
    program: _Looks
    texts: _Looks
    kept: _Looks
    content: bytes


class Remembered(Struct, frozen=True):
    """What was written, the *texts* that look as they did, and what of the store does not: keys and digests."""

    content: bytes
    texts: frozenset[str]
    spoiled: frozenset[str]


def path_of(state: Path, about: str) -> Path:
    """The file for what is remembered *about* something, in the folder *state*."""
    return state / FOLDER / f"{zlib.crc32(about.encode()):08x}.bin"


def read(path: Path, about: str) -> Remembered | None:
    """What is remembered *about* something, if the program looks as it did; ``None`` if nothing is."""
    try:
        data = path.read_bytes()
        body = memoryview(data)[_HEAD:]
        if not data.startswith(_MAGIC) or zlib.crc32(body) != int.from_bytes(data[len(_MAGIC) : _HEAD], "big"):
            return None
        file = msgspec.msgpack.decode(body, type=_File)
        if file.about != about or _changed(file.program):
            return None
        texts = frozenset(_paths(file.texts)) - frozenset(_changed(file.texts))
        return Remembered(file.content, texts, frozenset(_names(_changed(file.kept))))
    except (OSError, msgspec.DecodeError, ValueError):
        return None


def write(
    path: Path,
    about: str,
    program: Mapping[str, Stamp],
    texts: Mapping[str, Stamp],
    kept: Mapping[str, Stamp],
    content: bytes,
) -> None:
    """Remember *content* about something; *kept* are blobs, records and their folders.

    Raises ``OSError`` or ``OverflowError``.
    """
    body = msgspec.msgpack.encode(_File(about, _packed(program), _packed(texts), _packed(kept), content))
    path.parent.mkdir(exist_ok=True)
    write_disposable(path, _MAGIC + zlib.crc32(body).to_bytes(4, "big") + body)
    keep_youngest(_NAME, _MOST, path.parent.parent, FOLDER)


def _packed(looks: Mapping[str, Stamp]) -> _Looks:
    return _Looks(os.fsencode("\0".join(looks)), array("q", chain.from_iterable(looks.values())).tobytes())


def _paths(looks: _Looks) -> list[str]:
    return os.fsdecode(looks.paths).split("\0") if looks.paths else []


def _changed(looks: _Looks) -> list[str]:
    """The paths that look otherwise now, or are not there. Raises ``ValueError``."""
    paths = _paths(looks)
    try:
        now = array("q", chain.from_iterable(map(stamp_of, map(os.lstat, paths)))).tobytes()
    except OSError:
        now = array("q", chain.from_iterable(map(_look, paths))).tobytes()
    if now == looks.stamps:
        return []
    starts = range(0, len(now), _SIZE)
    both = zip(paths, starts, strict=True)
    return [path for path, at in both if now[at : at + _SIZE] != looks.stamps[at : at + _SIZE]]


def _look(path: str) -> Stamp:
    try:
        return stamp_of(os.lstat(path))
    except OSError:
        return _GONE


def _names(paths: Iterable[str]) -> Iterator[str]:
    """The keys and digests in the paths of blobs, of records and of the folders of records."""
    for path in paths:
        yield from (name.removesuffix(".json") for name in path.rsplit("/", 2)[1:])
