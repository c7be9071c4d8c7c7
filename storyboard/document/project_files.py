"""The files of a project, as the language may see them: read within limits, never outside the project's folder.

The files of a project as they were in a commit: the same language over another source.

A file kept by git LFS is known by its pointer, which names the very digest that counts in a key; its bytes are not
needed.
"""

import os
import re
import stat
from fractions import Fraction
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from storyboard.core.file_signatures import Kind
from storyboard.core.model import parts_in_project
from storyboard.document.media_headers import MAX_PICTURE, picture_length, sound_length, unusable
from storyboard.fonts import UnreadableFont, missing_letters


class FileProblem(Exception):
    """A file that cannot be used; ``reason`` is a fact in words, such as ``there is no such file``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProjectFiles(Protocol):
    """What ``load`` needs of the disk. Paths are relative to the project and have forward slashes."""

    def read(self, path: str) -> bytes:
        """The bytes of a YAML file. Raises ``FileProblem``."""

    def problem(self, path: str, kind: Kind) -> str | None:
        """Why *path* is no file of that kind that can be used, or ``None`` if it may be one."""

    def missing_letters(self, path: str, text: str) -> str:
        """The letters of *text* that the font at *path* has not; empty if that cannot be said."""

    def length(self, path: str, kind: Kind) -> Fraction | None:
        """Seconds of the sound or clip at *path*; ``None`` if that is not known without decoding it."""

    def leads_outside(self, path: str) -> str | None:
        """Where the folder of *path* really is, if a link on its way leads out of the project or into its state."""


class ChangedFiles:
    """Other files, with one of them changed: what would be read if *content* stood at *path*."""

    def __init__(self, files: ProjectFiles, path: str, content: bytes) -> None:
        self._files = files
        self._path = path
        self._content = content

    def read(self, path: str) -> bytes:
        """The bytes of a file, or what it would hold. Raises ``FileProblem``."""
        return self._content if path == self._path else self._files.read(path)

    def problem(self, path: str, kind: Kind) -> str | None:
        """As the other files say."""
        return self._files.problem(path, kind)

    def missing_letters(self, path: str, text: str) -> str:
        """As the other files say."""
        return self._files.missing_letters(path, text)

    def length(self, path: str, kind: Kind) -> Fraction | None:
        """As the other files say."""
        return self._files.length(path, kind)

    def leads_outside(self, path: str) -> str | None:
        """As the other files say."""
        return self._files.leads_outside(path)


class DiskFiles:
    """The files below a folder.

    Every folder on the way is opened from the one above it without following links, so nothing that is swapped while
    we look leads outside. A link inside the project is followed if what it leads to lies in the project as well.
    ``read_files`` says how the files looked before they were read, and what was in them, as sha256.
    """

    def __init__(self, root: Path, *, max_bytes: int = 4 * 1024 * 1024) -> None:
        self.root = Path(os.path.realpath(root))
        self.max_bytes = max_bytes
        self.read_files: dict[str, tuple[os.stat_result, str]] = {}

    def read(self, path: str) -> bytes:
        """The bytes of a regular file; one over the limit comes back cut a byte beyond it, for the parser to refuse.

        Raises ``FileProblem``.
        """
        with self._opened(path) as descriptor:
            looks = os.fstat(descriptor.number)
            content = _some(descriptor.number, self.max_bytes + 1)
        self.read_files[os.path.realpath(self.root / path)] = (looks, sha256(content).hexdigest())
        return content

    def problem(self, path: str, kind: Kind) -> str | None:
        """Why *path* is no file of that kind that can be used; judged by its size and its first bytes."""
        try:
            with self._opened(path) as descriptor:
                return unusable(kind, partial(os.pread, descriptor.number), os.fstat(descriptor.number).st_size)
        except FileProblem as problem:
            return problem.reason

    def missing_letters(self, path: str, text: str) -> str:
        """The letters of *text* that the font at *path* has not; empty if it cannot be read as one."""
        try:
            with self._opened(path) as descriptor:
                return missing_letters(text, _some(descriptor.number, MAX_PICTURE))
        except (FileProblem, UnreadableFont):
            return ""

    def length(self, path: str, kind: Kind) -> Fraction | None:
        """Seconds of the sound or clip at *path*, as its header says; ``None`` if that says nothing."""
        told = sound_length if kind == "sound" else picture_length
        try:
            with self._opened(path) as descriptor:
                return told(partial(os.pread, descriptor.number), os.fstat(descriptor.number).st_size)
        except (FileProblem, OSError):
            return None

    def leads_outside(self, path: str) -> str | None:
        """The real folder of *path*, if it is not one of the project, or one that git or storyboard keep."""
        folder = Path(os.path.realpath((self.root / path).parent))
        return str(folder) if parts_in_project(self.root.parts, folder.parts) is None else None

    def _opened(self, path: str) -> "_Descriptor":
        real = os.path.realpath(self.root / path)
        if os.path.commonpath([real, self.root]) != str(self.root):
            raise FileProblem("it is a link that leads out of the project")
        try:
            return _Descriptor(_open_below(self.root, Path(real).relative_to(self.root).parts))
        except OSError as problem:
            raise FileProblem(_reason(problem)) from problem


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
    """Open a file step by step, refusing links; ``O_NONBLOCK`` so that a pipe cannot hold us."""
    last = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    folder = os.open(root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(parts[-1] if parts else ".", last, dir_fd=folder)
    finally:
        os.close(folder)


def _some(descriptor: int, limit: int) -> bytes:
    pieces = []
    while limit > 0 and (piece := os.read(descriptor, min(limit, 1 << 20))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def _reason(problem: OSError) -> str:
    known: dict[type[OSError], str] = {
        FileNotFoundError: "there is no such file",
        NotADirectoryError: "there is no such file",
        PermissionError: "it may not be read",
        IsADirectoryError: "it is a folder",
    }
    return known.get(type(problem), (problem.strerror or "it cannot be read").lower())


_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")


class Tree(Protocol):
    """What is asked of a commit. Paths are relative to the project."""

    def __call__(self, path: str) -> bytes | None:
        """The bytes of a file, ``None`` if there is none."""


class GitFiles:
    """``ProjectFiles`` over one commit."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises ``FileProblem``."""
        data = self._tree(path)
        if data is None:
            raise FileProblem("there is no such file")
        return data

    def problem(self, path: str, kind: Kind) -> str | None:
        """Why *path* is no file of that kind that can be used, or ``None`` if it may be one."""
        data = self._tree(path)
        if data is None:
            return "there is no such file"
        return None if _POINTER.match(data) else unusable(kind, lambda size, at: data[at : at + size], len(data))

    def missing_letters(self, path: str, text: str) -> str:
        """Nothing: what was committed is compared, not drawn."""
        return ""

    def length(self, path: str, kind: Kind) -> Fraction | None:
        """Nothing: what was committed is compared, not heard."""
        return None

    def leads_outside(self, path: str) -> str | None:
        """Nothing: no film is written into what was committed."""
        return None

    def digest(self, path: str) -> str:
        """sha256 of a file's content, in hex. Raises ``FileProblem``."""
        data = self.read(path)
        pointer = _POINTER.match(data)
        return pointer[1].decode() if pointer else sha256(data).hexdigest()
