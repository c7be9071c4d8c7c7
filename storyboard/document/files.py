"""The files of a project, as the language may see them: read within limits, never outside the project's folder."""

import os
import stat
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from storyboard.document.signatures import not_a_sound
from storyboard.fonts import UnreadableFont, missing_letters

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

    def missing_letters(self, path: str, text: str) -> str:
        """The letters of *text* that the font at *path* has not; empty if that cannot be said."""

    def sound_problem(self, path: str) -> str | None:
        """Why *path* is no file with a sound that can be used, or ``None`` if it may be one."""


class ChangedFiles:
    """Other files, with one of them changed: what would be read if *content* stood at *path*."""

    def __init__(self, files: ProjectFiles, path: str, content: bytes) -> None:
        self._files = files
        self._path = path
        self._content = content

    def read(self, path: str) -> bytes:
        """The bytes of a file, or what it would hold. Raises ``FileProblem``."""
        return self._content if path == self._path else self._files.read(path)

    def picture_problem(self, path: str) -> str | None:
        """As the other files say."""
        return self._files.picture_problem(path)

    def clip_problem(self, path: str) -> str | None:
        """As the other files say."""
        return self._files.clip_problem(path)

    def font_problem(self, path: str) -> str | None:
        """As the other files say."""
        return self._files.font_problem(path)

    def missing_letters(self, path: str, text: str) -> str:
        """As the other files say."""
        return self._files.missing_letters(path, text)

    def sound_problem(self, path: str) -> str | None:
        """As the other files say."""
        return self._files.sound_problem(path)


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

    def picture_problem(self, path: str) -> str | None:
        """Why *path* is no PNG, JPEG or WebP file that can be sent; judged by size and signature."""
        return self._problem(path, not_a_picture)

    def clip_problem(self, path: str) -> str | None:
        """Why *path* is no MP4, MOV, Matroska or WebM file; judged by its signature."""
        return self._problem(path, not_a_clip)

    def font_problem(self, path: str) -> str | None:
        """Why *path* is no TrueType or OpenType font; judged by size and signature."""
        return self._problem(path, not_a_font)

    def missing_letters(self, path: str, text: str) -> str:
        """The letters of *text* that the font at *path* has not; empty if it cannot be read as one."""
        try:
            with self._opened(path) as descriptor:
                return missing_letters(text, _some(descriptor.number, MAX_PICTURE))
        except (FileProblem, UnreadableFont):
            return ""

    def sound_problem(self, path: str) -> str | None:
        """Why *path* is no file with a sound, judged by its signature and, of a film, by the streams that it names."""
        try:
            with self._opened(path) as descriptor:
                return not_a_sound(partial(os.pread, descriptor.number), os.fstat(descriptor.number).st_size)
        except FileProblem as problem:
            return problem.reason

    def _problem(self, path: str, judge: Callable[[bytes, int], str | None]) -> str | None:
        try:
            with self._opened(path) as descriptor:
                size = os.fstat(descriptor.number).st_size
                header = _some(descriptor.number, _HEADER)
        except FileProblem as problem:
            return problem.reason
        return judge(header, size)

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


def not_a_picture(header: bytes, size: int) -> str | None:
    """Why a file of *size* bytes that begins with *header* is no picture that can be sent; ``None`` if it is one."""
    return _too_large(size) if _is_picture(header) else "it is not a PNG, JPEG or WebP picture"


def not_a_clip(header: bytes, _size: int) -> str | None:
    """Why a file that begins with *header* is no video that can be used; ``None`` if it may be one of any size."""
    return None if _is_clip(header) else "it is not an MP4, MOV, Matroska or WebM video"


def not_a_font(header: bytes, size: int) -> str | None:
    """Why a file of *size* bytes that begins with *header* is no font that can be used; ``None`` if it is one."""
    return _too_large(size) if _is_font(header) else "it is not a TrueType or OpenType font"


def _too_large(size: int) -> str | None:
    return f"it is larger than {MAX_PICTURE >> 20} MiB" if size > MAX_PICTURE else None


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
