"""The files that builds have written outside of the state, with their digests: `.storyboard/written.json`.

A build replaces or removes a film or a caption file only if its content is what a build of this project has written to
that path. No mark in the file proves that: every film of this program has such a mark, and a film can be the footage of
another one. A digest is written down before the file gets its name, so that a killed build leaves no file without one.
"""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from storyboard.durable import write_atomic
from storyboard.store.integrity import (
    ChecksumMismatch,
    NewerVersion,
    Quarantined,
    encode_with_checksum,
    load,
    quarantine,
)

FILE = "written.json"


class WrittenFile(Struct, frozen=True):
    """A file at *path* of the project; *digests* are those of its content, two while a build replaces it.

    *storyboard* is the path of the storyboard that it belongs to. *reported* says that the user has read that the file
    is no output any more.
    """

    path: str
    digests: tuple[str, ...]
    storyboard: str
    reported: bool = False


class _WrittenData(Struct, frozen=True):
    """The content of the file. *since* is its first moment, ISO 8601 in UTC: older films are not listed."""

    since: str
    files: tuple[WrittenFile, ...]


class WrittenFiles:
    """The written files of the project whose state is in *folder*; a damaged list is moved into *damaged*.

    ``trouble`` is that damage. Without a list ``since`` is now. Only the holder of the project's lock may write. Raises
    ``OSError``.
    """

    def __init__(self, folder: Path, damaged: Path, *, writable: bool) -> None:
        self._path = folder / FILE
        self.trouble: Quarantined | None = None
        self.since = datetime.now(UTC).isoformat(timespec="seconds")
        self._files: dict[str, WrittenFile] = {}
        try:
            content = load(self._path, _WrittenData)
        except FileNotFoundError:
            return
        except (ChecksumMismatch, NewerVersion) as problem:
            kept_at = quarantine(self._path, damaged) if writable else self._path
            self.trouble = Quarantined(self._path, str(problem), kept_at)
            return
        self.since = content.since
        self._files = {_key(file.path): file for file in content.files}

    def __iter__(self) -> Iterator[WrittenFile]:
        return iter(tuple(self._files.values()))

    def find(self, path: str) -> WrittenFile | None:
        """Return the file that was written to *path*, in whatever capitals or Unicode form, ``None`` if none was."""
        return self._files.get(_key(path))

    def announce(self, path: str, digest: str, storyboard: str, *, before: str | None = None) -> None:
        """Write down that the content with *digest* is about to replace that with the digest *before*, if any.

        It survives a power cut then. Raises ``OSError``.
        """
        digests = tuple(dict.fromkeys(one for one in (before, digest) if one is not None))
        self._put(WrittenFile(path, digests, storyboard))

    def settle(self, path: str, digest: str, storyboard: str) -> None:
        """Write down that *path* has the content with *digest*, unless that is known. Raises ``OSError``."""
        self._put(WrittenFile(path, (digest,), storyboard))

    def mark_reported(self, file: WrittenFile) -> None:
        """Write down that the user has read about *file*. Raises ``OSError``."""
        self._put(replace(file, reported=True))

    def forget(self, path: str) -> None:
        """Drop *path*, whose file is gone or is no file of a build any more. Raises ``OSError``."""
        if self._files.pop(_key(path), None) is not None:
            self._write()

    def _put(self, file: WrittenFile) -> None:
        if self._files.get(_key(file.path)) != file:
            self._files[_key(file.path)] = file
            self._write()

    def _write(self) -> None:
        files = sorted(self._files.values(), key=lambda file: file.path)
        write_atomic(self._path, encode_with_checksum(_WrittenData(self.since, tuple(files))))


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
