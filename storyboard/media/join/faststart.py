"""The layout of a film before it is written: its head (moov) in front, and which bytes follow.

FFmpeg writes the head behind the pictures, and moves all of them afterwards to make room for it. Here it is handed
blank packets of the right sizes and writes into memory; the bytes of the film are those that it would have come to.
ISO/IEC 14496-12.
"""

import os
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import av
from av.container import OutputContainer
from msgspec import Struct

from storyboard.media.reader import InvalidMedia, UnreadableMedia

_BLANK = bytes(5)  # no packet of ours begins so, and no box
_LARGEST = 1 << 32
_BUFFER = 1 << 20
_CHUNK = 1 << 24
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


class Unfit(Exception):
    """A film that is not of the usual form, and has to be written by FFmpeg."""


class Layout(Struct, frozen=True):
    """A film: its head, then *body*: bytes, and sizes of packets in the order in which they were handed in."""

    head: bytes
    body: Sequence[bytes | int]


class _Memory:
    """A file for FFmpeg to write to, without the blank packets; *sizes* are theirs."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self.written: list[bytes | int] = []
        self.again: list[tuple[int, bytes]] = []
        self.blank = deque(sizes)
        self._at = self._end = 0

    def write(self, data: bytes) -> int:
        if self._at != self._end:
            self.again.append((self._at, data))
        elif self.blank and len(data) == self.blank[0] and data.startswith(_BLANK):
            self.written.append(self.blank.popleft())
        else:
            self.written.append(data)
        self._at += len(data)
        self._end = max(self._at, self._end)
        return len(data)

    def seek(self, to: int, whence: int = os.SEEK_SET) -> int:
        self._at = to + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        return self._at

    def tell(self) -> int:
        return self._at


def laid_out(
    box: str, options: dict[str, str], sizes: Sequence[int], mux: Callable[[OutputContainer, Iterator[bytes]], None]
) -> Layout:
    """The film that *mux* writes with packets of those *sizes*, for which it is given blanks. Raises ``Unfit``."""
    if min(sizes) < len(_BLANK):
        raise Unfit
    memory = _Memory(sizes)
    wanted = {**options, "flush_packets": "1"}
    buffer_size = max(sizes) + _BUFFER
    with av.open(memory, "w", format=box, container_options=wanted, buffer_size=buffer_size) as film:
        mux(film, (bytes(size) for size in sizes))
    return _turned(memory)


def _turned(memory: _Memory) -> Layout:
    """What was written, with its head in front."""
    first = memory.written[0]
    if memory.blank or isinstance(first, int):
        raise Unfit
    head = bytearray(first)
    for at, data in memory.again:
        if at + len(data) > len(head):
            raise Unfit
        head[at : at + len(data)] = data
    boxes = dict(_boxes(head, 0, len(head)))
    if b"mdat" not in boxes or b"ftyp" not in boxes:
        raise Unfit
    begin = boxes[b"mdat"][0]
    end = begin - 8 + int.from_bytes(head[begin - 8 : begin - 4], "big")
    body, tail = _parted([bytes(head[begin:]), *memory.written[1:]], end - begin)
    if tail[4:8] != b"moov" or int.from_bytes(tail[:4], "big") != len(tail) or end + len(tail) >= _LARGEST:
        raise Unfit
    kind = boxes[b"ftyp"][1]
    return Layout(bytes(head[:kind]) + _shifted(tail) + bytes(head[kind:begin]), body)


def _parted(written: Iterable[bytes | int], length: int) -> tuple[list[bytes | int], bytes]:
    """The first *length* bytes of what was written, and the rest, which has no blanks."""
    body: list[bytes | int] = []
    tail = b""
    for one in written:
        size = one if isinstance(one, int) else len(one)
        if isinstance(one, int) and size > length:
            raise Unfit
        if size <= length:
            body.append(one)
        elif not isinstance(one, int):
            body.append(one[:length])
            tail += one[length:]
        length -= min(size, length)
    return body, tail


def _boxes(data: bytes | bytearray, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """The boxes in a stretch of *data* by kind: where the content of each begins, and where it ends."""
    while at + 8 <= end:
        size = int.from_bytes(data[at : at + 4], "big")
        kind = bytes(data[at + 4 : at + 8])
        if size < 8:
            raise Unfit
        yield kind, (at + 8, at + size)
        at += size


def _shifted(moov: bytes) -> bytes:
    """The head, with everything that it points to as far behind as it is long itself."""
    data = bytearray(moov)
    inside = deque([(0, len(data))])
    while inside:
        for kind, (begin, end) in _boxes(data, *inside.popleft()):
            if kind in _CONTAINERS:
                inside.append((begin, end))
            elif kind == b"co64":
                raise Unfit
            elif kind == b"stco":
                data[begin + 8 : end] = _raised(data[begin + 8 : end], len(data))
    return bytes(data)


def _raised(offsets: bytearray, by: int) -> bytes:
    numbers = array("I", bytes(offsets))
    if numbers.itemsize != 4:
        raise Unfit
    return _big_endian(array("I", (number + by for number in _native(numbers))))


def _native(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _big_endian(numbers: "array[int]") -> bytes:
    return _native(numbers).tobytes()


def lay(layout: Layout, packets: Iterable[tuple[Path, int, int]], out: Path) -> None:
    """Write the film to *out*, an empty file, from beginning to end; *packets* are files, with place and size in them.

    Raises ``UnreadableMedia`` and ``OSError``.
    """
    with out.open("r+b", buffering=0) as film:
        _write(film.fileno(), layout.head)
        for one in _runs(layout.body, packets):
            if isinstance(one, bytes):
                _write(film.fileno(), one)
            else:
                _copy(*one, film.fileno())


def check_rest(layout: Layout, film: Path) -> None:
    """Raise ``InvalidMedia`` unless *film* holds everything laid out beside the packets: head, sound and texts."""
    at = 0
    with film.open("rb", buffering=0) as file:
        for one in (layout.head, *layout.body):
            if isinstance(one, bytes) and os.pread(file.fileno(), len(one), at) != one:
                raise InvalidMedia("does not hold what was written beside its pictures")
            at += one if isinstance(one, int) else len(one)


def _runs(
    body: Iterable[bytes | int], packets: Iterable[tuple[Path, int, int]]
) -> Iterator[bytes | tuple[Path, int, int]]:
    """What follows, with packets that stand side by side in one file taken together."""
    following = iter(packets)
    run: tuple[Path, int, int] | None = None
    for one in body:
        if isinstance(one, int):
            path, place, size = next(following)
            if run is not None and run[0] == path and run[1] + run[2] == place:
                run = (path, run[1], run[2] + size)
                continue
            if run is not None:
                yield run
            run = (path, place, size)
        else:
            if run is not None:
                yield run
            run = None
            yield one
    if run is not None:
        yield run


def _copy(path: Path, place: int, size: int, film: int) -> None:
    with path.open("rb", buffering=0) as file:
        while size:
            done = _copied(file.fileno(), place, min(size, _CHUNK), film)
            if not done:
                raise UnreadableMedia("ends early")
            place, size = place + done, size - done


def _copied(file: int, place: int, size: int, film: int) -> int:
    copy: Callable[[int, int, int, int], int] | None = getattr(os, "copy_file_range", None)
    if copy is not None:
        try:
            return copy(file, film, size, place)
        except OSError:  # not between these file systems
            pass
    data = os.pread(file, size, place)
    _write(film, data)
    return len(data)


def _write(film: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(film, rest) :]
