"""Ogg files whose streams lie one behind another (RFC 3533, 4): each of these links is read as a file of its own.

FFmpeg reads on in the next link with the headers of the first one, which makes noise of Vorbis, and its times go back.
"""

import io
import os
from pathlib import Path

_PAGE = b"OggS"
_HEAD = 27
_BEGINS = 2


class OggLink(io.RawIOBase):
    """The bytes of *path* from *begin* to *end*, as a file."""

    def __init__(self, path: Path, begin: int, end: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._begin, self._length = begin, end - begin
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = max(0, self._length - self.tell())
        data = self._file.read(min(left, len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._length}[whence]
        return self._file.seek(self._begin + max(0, start + offset)) - self._begin

    def tell(self) -> int:
        return self._file.tell() - self._begin

    def close(self) -> None:
        self._file.close()
        super().close()


def links(path: Path) -> list[tuple[int, int]]:
    """Where each link of an Ogg file begins and ends. The first pages of all streams of a link stand together."""
    begins, at, opening = [], 0, False
    with path.open("rb") as file:
        while (head := file.read(_HEAD)).startswith(_PAGE) and len(head) == _HEAD:
            first = bool(head[5] & _BEGINS)
            if first and not opening:
                begins.append(at)
            opening = first
            at += _HEAD + head[26] + sum(file.read(head[26]))
            file.seek(at)
        size = file.seek(0, os.SEEK_END)
    return list(zip(begins, [*begins[1:], size], strict=True))
