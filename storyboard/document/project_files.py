"""Files of a project as the language reads them: from disk, from a commit, or with one file replaced.

Reads are limited in size and never leave the project folder. A file in git LFS counts by its pointer, which holds the
sha256 that enters a key; its content is not needed.
"""

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from storyboard.core.file_signatures import MAX_PICTURE, FileKind, file_problem, is_measurable
from storyboard.core.model import OutputFiles, parts_in_project
from storyboard.document.paths import folded
from storyboard.fonts import missing_letters
from storyboard.operating_system import Folder, read_at
from storyboard.pictures import PictureFacts

NO_FILE = "the file does not exist"
# Returns the seconds of sound or moving pictures in the open file of that descriptor, ``None`` if they are not known.
# The path is absolute and without links; the descriptor is the file, whatever the path leads to by now.
MeasureLength = Callable[[int, str, FileKind], Fraction | None]
# Decodes the open picture of that descriptor, found at that path. Raises ``OSError``.
ExaminePicture = Callable[[int, str], PictureFacts | None]
# Returns the reason why the open font of that descriptor cannot be used, empty if it can. Raises ``OSError``.
ExamineFont = Callable[[int, str], str]
# Returns those of the letters that no font of this machine has.
UnwrittenLetters = Callable[[str], str]


# Returns the path of the storyboard whose build has written the film at a path of the project, ``None`` if none has.
FindWriter = Callable[[str], str | None]
_MOST_MATCHES = 1000
_MOST_SIBLINGS = 100


class FileProblem(Exception):
    """A file that cannot be used; ``reason`` is a fact, such as ``the file does not exist``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OtherStoryboard(Struct, frozen=True):
    """A YAML file that may be another storyboard; *has_written* says that its film is at one of the asked paths."""

    name: str
    content: bytes
    has_written: bool


class ProjectFiles(Protocol):
    """The files that ``load`` reads. Paths are relative to the project and have forward slashes."""

    def read(self, path: str) -> bytes:
        """Return the bytes of a YAML file. Raises ``FileProblem``."""

    def problem(self, path: str, kind: FileKind) -> str | None:
        """Return the reason why *path* cannot be used as a file of that kind, ``None`` if it may be one."""

    def picture(self, path: str) -> PictureFacts | None:
        """Return the facts of the picture at *path*, ``None`` if it is not decoded here."""

    def missing_letters(self, path: str, text: str) -> str:
        """Return the letters of *text* that the font at *path* lacks. Raises ``UnreadableFont``."""

    def unwritten(self, letters: str) -> str:
        """Return those of *letters* that no font of this machine has."""

    def length(self, path: str, kind: FileKind) -> Fraction | None:
        """Return the seconds of the sound or clip at *path*, ``None`` if they are not known before it is decoded."""

    def outside_folder(self, path: str) -> str | None:
        """Return the real folder of *path* if a link leads it out of the project or into its state, else ``None``."""

    def identities(self, path: str) -> frozenset[str]:
        """Return texts of which two paths share one if they are, or may be, one file.

        They hold the path without its links, as a file system without capitals and Unicode forms compares it, and the
        identity of the file on the disk.
        """

    def other_spelling(self, path: str) -> str | None:
        """Return the path of a file whose name differs from *path* in capitals or Unicode forms only, else ``None``."""

    def matching(self, pattern: str) -> Sequence[str]:
        """Return the files that *pattern* matches, sorted; a path with wildcards in its last part only."""

    def other_storyboards(self, files: Sequence[str], films: Sequence[str]) -> Iterator[OtherStoryboard]:
        """Yield the YAML files in the folder of a storyboard, and the storyboards that wrote *films*.

        *files* are the storyboard and its scenes, which are left out.
        """


class OverlayFiles:
    """Project files with the content of one file replaced, for checking an edit before it is written."""

    def __init__(self, files: ProjectFiles, path: str, content: bytes) -> None:
        self._files = files
        self._path = path
        self._content = content

    def read(self, path: str) -> bytes:
        """Return the bytes of a file, the replacement for the replaced one. Raises ``FileProblem``."""
        return self._content if path == self._path else self._files.read(path)

    def problem(self, path: str, kind: FileKind) -> str | None:
        """Return the answer of the underlying files."""
        return self._files.problem(path, kind)

    def picture(self, path: str) -> PictureFacts | None:
        """Return the answer of the underlying files."""
        return self._files.picture(path)

    def missing_letters(self, path: str, text: str) -> str:
        """Return the answer of the underlying files."""
        return self._files.missing_letters(path, text)

    def unwritten(self, letters: str) -> str:
        """Return the answer of the underlying files."""
        return self._files.unwritten(letters)

    def length(self, path: str, kind: FileKind) -> Fraction | None:
        """Return the answer of the underlying files."""
        return self._files.length(path, kind)

    def outside_folder(self, path: str) -> str | None:
        """Return the answer of the underlying files."""
        return self._files.outside_folder(path)

    def identities(self, path: str) -> frozenset[str]:
        """Return the answer of the underlying files."""
        return self._files.identities(path)

    def other_spelling(self, path: str) -> str | None:
        """Return the answer of the underlying files."""
        return self._files.other_spelling(path)

    def matching(self, pattern: str) -> Sequence[str]:
        return self._files.matching(pattern)

    def other_storyboards(self, files: Sequence[str], films: Sequence[str]) -> Iterator[OtherStoryboard]:
        """Return the answer of the underlying files."""
        return self._files.other_storyboards(files, films)


class DiskFiles:
    """The files below a folder.

    Every folder on the way is opened from the one above it without following links, so a swap during the check leads
    nowhere outside. A link inside the project is followed if its target lies in the project as well. ``read_files``
    maps the real path of each file read to its stat result before the read and the sha256 of its content.

    *measure* returns the length of an open sound or clip, *examine_picture* and *examine_font* decode a picture and
    try a font; without them no length is known, and pictures and fonts count by their first bytes alone. *unwritten*
    looks for letters in the fonts of this machine; without it none has them. *find_writer* returns the storyboard whose
    build has written a film.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int = 4 * 1024 * 1024,
        measure: MeasureLength = lambda *_: None,
        examine_picture: ExaminePicture = lambda *_: None,
        examine_font: ExamineFont = lambda *_: "",
        unwritten: UnwrittenLetters = lambda letters: letters,
        find_writer: FindWriter = lambda *_: None,
    ) -> None:
        self.root = Path(os.path.realpath(root))
        self._measure: MeasureLength = measure
        self._examine_picture: ExaminePicture = examine_picture
        self._examine_font: ExamineFont = examine_font
        self._unwritten: UnwrittenLetters = unwritten
        self._find_writer: FindWriter = find_writer
        self.max_bytes = max_bytes
        self.read_files: dict[str, tuple[os.stat_result, str]] = {}
        self._real_paths: dict[str, str] = {}
        self._identities: dict[str, frozenset[str]] = {}

    def read(self, path: str) -> bytes:
        """Return the bytes of a regular file, cut one byte beyond ``max_bytes``, which the parser refuses.

        Raises ``FileProblem``.
        """
        with self._open(path) as descriptor:
            looks = os.fstat(descriptor.number)
            content = _read_up_to(descriptor.number, self.max_bytes + 1)
        self.read_files[os.path.realpath(self.root / path)] = (looks, sha256(content).hexdigest())
        return content

    def problem(self, path: str, kind: FileKind) -> str | None:
        """Return the reason why *path* cannot be used as a file of that kind, ``None`` if it can.

        Decides by the size and the first bytes, then decodes a picture, and draws with a font.
        """
        try:
            with self._open(path) as descriptor:
                read, size = partial(read_at, descriptor.number), os.fstat(descriptor.number).st_size
                return file_problem(kind, read, size) or self._examine(descriptor.number, path, kind) or None
        except FileProblem as problem:
            return problem.reason
        except OSError as problem:
            return _reason_of(problem)

    def _examine(self, descriptor: int, path: str, kind: FileKind) -> str:
        real = os.path.realpath(self.root / path)
        if kind == "picture":
            facts = self._examine_picture(descriptor, real)
            return facts.problem if facts is not None else ""
        return self._examine_font(descriptor, real) if kind == "font" else ""

    def picture(self, path: str) -> PictureFacts | None:
        """Return the facts of the picture at *path*, ``None`` if they are not known."""
        try:
            with self._open(path) as descriptor:
                return self._examine_picture(descriptor.number, os.path.realpath(self.root / path))
        except (FileProblem, OSError):
            return None

    def missing_letters(self, path: str, text: str) -> str:
        """Return the letters of *text* that the font at *path* lacks. Raises ``UnreadableFont``."""
        try:
            with self._open(path) as descriptor:
                return missing_letters(text, _read_up_to(descriptor.number, MAX_PICTURE))
        except FileProblem:  # gone since ``problem``; the build reports it
            return ""

    def unwritten(self, letters: str) -> str:
        """Return those of *letters* that no font of this machine has."""
        return self._unwritten(letters)

    def length(self, path: str, kind: FileKind) -> Fraction | None:
        """Return the seconds of the sound or clip at *path*, ``None`` if they are not known without decoding it."""
        try:
            with self._open(path) as descriptor:
                read = partial(read_at, descriptor.number)
                if not is_measurable(read, os.fstat(descriptor.number).st_size):
                    return None
                return self._measure(descriptor.number, os.path.realpath(self.root / path), kind)
        except (FileProblem, OSError):
            return None

    def outside_folder(self, path: str) -> str | None:
        """Return the real folder of *path* if it lies outside of the project or in an own folder, else ``None``.

        The own folders are those of git and storyboard.
        """
        folder = Path(os.path.realpath((self.root / path).parent))
        return str(folder) if parts_in_project(self.root.parts, folder.parts) is None else None

    def identities(self, path: str) -> frozenset[str]:
        """Return the path as written, its real path, both folded, and device and inode of the file if there is one."""
        if path in self._identities:
            return self._identities[path]
        real = self._real_paths.get(path) or os.path.realpath(self.root / path)
        found = {folded(path), folded(real.removeprefix(f"{self.root}/"))}
        with suppress(OSError):
            looks = Path(real).stat()
            if stat.S_ISREG(looks.st_mode):
                found.add(f"{looks.st_dev}:{looks.st_ino}")
        self._identities[path] = frozenset(found)
        return self._identities[path]

    def other_spelling(self, path: str) -> str | None:
        """Return the path of a file that differs from *path* in capitals or Unicode forms only, else ``None``.

        No folder outside of the project is listed, and none for a file that only this spelling of its path finds.
        """
        there = os.fspath(self.root / path)
        if os.path.lexists(there) and not os.path.lexists(os.fspath(self.root / path.swapcase())):
            return None
        return other_spelling(os.fspath(self.root), path.split("/"), within=os.fspath(self.root))

    def matching(self, pattern: str) -> Sequence[str]:
        """Return the regular files that *pattern* matches. Its wildcards are in the name of the file only.

        No folder outside of the project is listed.
        """
        folder, _, wanted = pattern.rpartition("/")
        with suppress(OSError, ValueError):
            real = os.path.realpath(self.root / folder)
            if os.path.commonpath([real, self.root]) == str(self.root):
                names = sorted(
                    fnmatch.filter((entry.name for entry in Path(real).iterdir() if entry.is_file()), wanted)
                )
                return [f"{folder}/{name}" if folder else name for name in names[:_MOST_MATCHES]]
        return ()

    def other_storyboards(self, files: Sequence[str], films: Sequence[str]) -> Iterator[OtherStoryboard]:
        """Yield a hundred other YAML files in the folder of a storyboard, and the storyboards that wrote *films*.

        *files* are the storyboard and its scenes. Files that cannot be read are left out. They do not count as read.
        """
        folder = files[0].rpartition("/")[0]
        with suppress(OSError):
            names = sorted(entry.name for entry in (self.root / folder).iterdir() if entry.suffix in (".yaml", ".yml"))
            written = [file for film in films for file in OutputFiles(film).files]
            writers = {writer for file in written if (writer := self._find_writer(file)) is not None}
            siblings = (f"{folder}/{name}" if folder else name for name in names)
            own = set(files)
            others = [name for name in siblings if name not in own][:_MOST_SIBLINGS]
            for name in dict.fromkeys([*sorted(writers - own), *others]):
                with suppress(FileProblem):
                    with self._open(name) as descriptor:
                        content = _read_up_to(descriptor.number, self.max_bytes)
                    yield OtherStoryboard(name, content, name in writers)

    def _open(self, path: str) -> "_Descriptor":
        real = self._real_paths[path] = os.path.realpath(self.root / path)
        if os.path.commonpath([real, self.root]) != str(self.root):
            raise FileProblem("it is a link that leads out of the project")
        try:
            return _Descriptor(_open_below(self.root, Path(real).relative_to(self.root).parts))
        except OSError as problem:
            raise FileProblem(_reason_of(problem)) from problem


def other_spelling(folder: str, parts: Sequence[str], within: str = "/") -> str | None:
    """Return the path *parts* below *folder* in the capitals and Unicode forms of the files that are there.

    ``None`` without such a file, with several, and for an equal spelling. Only folders *within* are listed.
    """
    found: list[str] = []
    for part in parts:
        here = Path(folder, *found).resolve()
        try:
            names = [entry.name for entry in here.iterdir()] if here.is_relative_to(within) else []
        except OSError:
            return None
        alike = [part] if part in names else [name for name in names if folded(name) == folded(part)]
        if len(alike) != 1:
            return None
        found += alike
    return "/".join(found) if found != list(parts) else None


class _Descriptor:
    """An open regular file that closes itself."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> "_Descriptor":
        if not stat.S_ISREG(os.fstat(self.number).st_mode):
            os.close(self.number)
            raise FileProblem("it is not a regular file")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.number)


def _open_below(root: Path, parts: tuple[str, ...]) -> int:
    """Open a file folder by folder without following links or waiting for a pipe."""
    folder = Folder(root)
    try:
        for part in parts[:-1]:
            below = Folder(part, folder)
            folder.close()
            folder = below
        return folder.open_file(parts[-1] if parts else ".")
    finally:
        folder.close()


def _read_up_to(descriptor: int, limit: int) -> bytes:
    pieces = []
    while limit > 0 and (piece := os.read(descriptor, min(limit, 1 << 20))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def _reason_of(problem: OSError) -> str:
    known: dict[type[OSError], str] = {
        FileNotFoundError: NO_FILE,
        NotADirectoryError: NO_FILE,
        PermissionError: "permission denied",
        IsADirectoryError: "it is a folder",
    }
    return known.get(type(problem), (problem.strerror or "it cannot be read").lower())


_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")


class ReadCommitted(Protocol):
    """A function that reads files of one commit. Paths are relative to the project."""

    def __call__(self, path: str) -> bytes | None:
        """Return the bytes of a file, ``None`` if there is none."""


class GitFiles:
    """Project files of one commit. They are compared, never drawn, heard or written."""

    def __init__(self, tree: ReadCommitted) -> None:
        self._tree = tree

    def read(self, path: str) -> bytes:
        """Return the bytes of a file. Raises ``FileProblem``."""
        data = self._tree(path)
        if data is None:
            raise FileProblem(NO_FILE)
        return data

    def problem(self, path: str, kind: FileKind) -> str | None:
        """Return the reason why *path* cannot be used as a file of that kind, ``None`` if it may be one."""
        data = self._tree(path)
        if data is None:
            return NO_FILE
        return None if _POINTER.match(data) else file_problem(kind, lambda size, at: data[at : at + size], len(data))

    def picture(self, path: str) -> PictureFacts | None:
        """Return ``None``: pictures of a commit are not decoded."""
        return None

    def missing_letters(self, path: str, text: str) -> str:
        """Return an empty text: fonts of a commit are not checked."""
        return ""

    def unwritten(self, letters: str) -> str:
        """Return an empty text: a commit is not drawn."""
        return ""

    def length(self, path: str, kind: FileKind) -> Fraction | None:
        """Return ``None``: files of a commit are not measured."""
        return None

    def outside_folder(self, path: str) -> str | None:
        """Return ``None``: no film is written into a commit."""
        return None

    def identities(self, path: str) -> frozenset[str]:
        """Return the path, folded."""
        return frozenset((folded(path),))

    def other_spelling(self, path: str) -> str | None:
        """Return ``None``: the names of a commit are not searched."""
        return None

    def matching(self, pattern: str) -> Sequence[str]:
        return ()

    def other_storyboards(self, files: Sequence[str], films: Sequence[str]) -> Iterator[OtherStoryboard]:
        """Yield nothing: no film is written into a commit."""
        yield from ()

    def digest(self, path: str) -> str:
        """Return the sha256 of a file's content in hex; git LFS pointers hold it. Raises ``FileProblem``."""
        data = self.read(path)
        pointer = _POINTER.match(data)
        return pointer[1].decode() if pointer else sha256(data).hexdigest()
