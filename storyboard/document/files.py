"""The files of a project, as the language may see them: read within limits, never outside the project's folder."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

MAX_PICTURE = 64 * 1024 * 1024
_HEADER = 16


class FileProblem(Exception):
    """A file that cannot be used; ``reason`` is a fact in words, such as ``there is no such file``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProjectFiles(Protocol):
    """What ``load`` needs of the disk. Paths are relative to the project and have forward slashes."""

    def read(self, path: str) -> bytes:
        """The bytes of a YAML file. Raises ``FileProblem``."""

    def picture_problem(self, path: str) -> str | None:
        """Why *path* is no picture that can be sent, or ``None`` if it is one."""

    def clip_problem(self, path: str) -> str | None:
        """Why *path* is no video file that can be used, or ``None`` if it may be one."""

    def font_problem(self, path: str) -> str | None:
        """Why *path* is no font file, or ``None`` if it is one."""


class DiskFiles:
    """The files below a folder.

    Every folder on the way is opened from the one above it without following links, so nothing that is swapped while
    we look leads outside. A link inside the project is followed if what it leads to lies in the project as well.
    """

    def __init__(self, root: Path, *, max_bytes: int = 4 * 1024 * 1024) -> None:
        self.root = Path(os.path.realpath(root))
        self.max_bytes = max_bytes

    def read(self, path: str) -> bytes:
        """The bytes of a regular file; one over the limit comes back cut a byte beyond it, for the parser to refuse.

        Raises ``FileProblem``.
        """
        with self._opened(path) as descriptor:
            return _some(descriptor.number, self.max_bytes + 1)

    def picture_problem(self, path: str) -> str | None:
        """Why *path* is no PNG, JPEG or WebP file that can be sent; judged by size and signature."""
        return self._problem(path, _is_picture, "a PNG, JPEG or WebP picture", MAX_PICTURE)

    def clip_problem(self, path: str) -> str | None:
        """Why *path* is no MP4, MOV, Matroska or WebM file; judged by its signature."""
        return self._problem(path, _is_clip, "an MP4, MOV, Matroska or WebM video", None)

    def font_problem(self, path: str) -> str | None:
        """Why *path* is no TrueType or OpenType font; judged by size and signature."""
        return self._problem(path, _is_font, "a TrueType or OpenType font", MAX_PICTURE)

    def _problem(self, path: str, is_one: Callable[[bytes], bool], what: str, most: int | None) -> str | None:
        try:
            with self._opened(path) as descriptor:
                size = os.fstat(descriptor.number).st_size
                header = _some(descriptor.number, _HEADER)
        except FileProblem as problem:
            return problem.reason
        if not is_one(header):
            return f"it is not {what}"
        return f"it is larger than {most >> 20} MiB" if most is not None and size > most else None

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


def _is_picture(header: bytes) -> bool:
    png, jpeg = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
    return header.startswith((png, jpeg)) or (header[:4] == b"RIFF" and header[8:12] == b"WEBP")


def _is_clip(header: bytes) -> bool:
    atoms = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
    return header[4:8] in atoms or header.startswith(b"\x1aE\xdf\xa3")


def _is_font(header: bytes) -> bool:
    return header.startswith((b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf"))


def _reason(problem: OSError) -> str:
    known: dict[type[OSError], str] = {
        FileNotFoundError: "there is no such file",
        NotADirectoryError: "there is no such file",
        PermissionError: "it may not be read",
        IsADirectoryError: "it is a folder",
    }
    return known.get(type(problem), (problem.strerror or "it cannot be read").lower())
