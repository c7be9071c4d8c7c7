"""The files that builds have written outside of the state, with their digests: `.storyboard/written.json`.

A build replaces or removes a film or a caption file only if its content is what a build of this project has written to
that path. No mark in the file proves that: every film of this program has such a mark, and a film can be the footage of
another one. A digest is written down before the file gets its name, so that a killed build leaves no file without one.

Of each film its terms are kept as well, for the reasons of the next plan: `.storyboard/films/<path>.json`, where <path>
is a digest of the film's path. The loss of such a file costs only reasons.
"""

import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storyboard.durable import keep_youngest, read_regular, write_atomic, write_disposable
from storyboard.store.integrity import (
    ChecksumMismatch,
    NewerVersion,
    Quarantined,
    encode_with_checksum,
    load,
    quarantine,
)

if TYPE_CHECKING:
    from storyboard.core.built_film import BuiltFilm

FILE = "written.json"
TERMS_FOLDER = "films"
_TERMS_FILE = re.compile(r"[0-9a-f]{16}\.json")
_MAX_TERMS_FILES = 32


class WrittenFile(Struct, frozen=True):
    """A file at *path* of the project; *digests* are those of its content, two while a build replaces it.

    *storyboard* is the path of the storyboard that it belongs to. *reported* says that the user has read that the file
    is no output any more; *is_copy*, that it is the copy of a take, where no link to it can be made.
    """

    path: str
    digests: tuple[str, ...]
    storyboard: str
    reported: bool = False
    is_copy: bool = False


class _WrittenData(Struct, frozen=True):
    """The content of the file. *early* are digests of films that the project had made before there was a list."""

    early: tuple[str, ...]
    files: tuple[WrittenFile, ...]


class WrittenFiles:
    """The written files of the project whose state is in *folder*; a damaged list is moved into *damaged*.

    ``trouble`` is that damage. *find_early* returns the digests of all films that the project has made: it is called
    where there is no list. Only the holder of the project's lock may write. Raises ``OSError``.
    """

    def __init__(self, folder: Path, damaged: Path, find_early: Callable[[], Iterable[str]], *, writable: bool) -> None:
        self._path = folder / FILE
        self.trouble: Quarantined | None = None
        self._find_early = find_early
        self._lock = threading.Lock()
        self._early: frozenset[str] | None = None
        self._files: dict[str, WrittenFile] = {}
        try:
            content = load(self._path, _WrittenData)
        except FileNotFoundError:
            return
        except (ChecksumMismatch, NewerVersion) as problem:
            kept_at = quarantine(self._path, damaged) if writable else self._path
            self.trouble = Quarantined(self._path, str(problem), kept_at)
            return
        self._early = frozenset(content.early)
        self._files = {_key(file.path): file for file in content.files}

    def __iter__(self) -> Iterator[WrittenFile]:
        return iter(tuple(self._files.values()))

    def find(self, path: str) -> WrittenFile | None:
        """Return the file that was written to *path*, in whatever capitals or Unicode form, ``None`` if none was."""
        return self._files.get(_key(path))

    def early(self) -> frozenset[str]:
        """Return the digests of the films that the project had made before there was a list."""
        if self._early is None:
            self._early = frozenset(self._find_early())
        return self._early

    def announce(self, digests: Mapping[str, str], before: Mapping[str, str | None], storyboard: str) -> None:
        """Write down by path the digests of content that is about to replace what has the digests *before*, if any.

        It survives a power cut then. Raises ``OSError``.
        """
        both = {path: dict.fromkeys(one for one in (before[path], new) if one) for path, new in digests.items()}
        self._put(WrittenFile(path, tuple(known), storyboard) for path, known in both.items())

    def settle(self, digests: Mapping[str, str], storyboard: str) -> None:
        """Write down by path the digests of the content that is there now. Raises ``OSError``."""
        self._put(WrittenFile(path, (digest,), storyboard) for path, digest in digests.items())

    def announce_copy(self, path: str, digest: str, before: str | None, storyboard: str) -> None:
        """Write down the digest of the copy of a take that is about to replace *before*. Raises ``OSError``."""
        known = tuple(dict.fromkeys(one for one in (before, digest) if one))
        self._put([WrittenFile(path, known, storyboard, is_copy=True)])

    def mark_reported(self, file: WrittenFile) -> None:
        """Write down that the user has read about *file*. Raises ``OSError``."""
        self._put([replace(file, reported=True)])

    def _put(self, files: Iterable[WrittenFile]) -> None:
        new = {_key(file.path): file for file in files}
        with self._lock:  # films that end at one moment must not write an older list over a newer one
            if any(self._files.get(key) != file for key, file in new.items()):
                self._files.update(new)
                self._write()

    def _write(self) -> None:
        files = sorted(self._files.values(), key=lambda file: file.path)
        write_atomic(self._path, encode_with_checksum(_WrittenData(tuple(sorted(self.early())), tuple(files))))


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def read_built_film(state: Path, film: str) -> "BuiltFilm | None":
    """Return the terms of the film that was last built to the path *film* of the project; ``None`` without usable ones.

    *state* is the state folder.
    """
    with suppress(OSError, msgspec.DecodeError, ValueError):
        from storyboard.core.built_film import BuiltFilm

        return msgspec.json.decode(read_regular(_terms_path(state, film)), type=BuiltFilm)
    return None


def has_built_film(state: Path, film: str) -> bool:
    """Return whether there are terms of the film at the path *film*, usable or not."""
    return _terms_path(state, film).is_file()


def write_built_film(state: Path, film: str, built: "BuiltFilm") -> None:
    """Write the terms of the film at the path *film*, without a sync. Raises ``OSError``."""
    path = _terms_path(state, film)
    path.parent.mkdir(exist_ok=True)
    write_disposable(path, msgspec.json.encode(built))
    keep_youngest(_TERMS_FILE, _MAX_TERMS_FILES, state, TERMS_FOLDER)


def _terms_path(state: Path, film: str) -> Path:
    return state / TERMS_FOLDER / f"{sha256(_key(film).encode(errors='surrogateescape')).hexdigest()[:16]}.json"
