"""Faststart layout: write a film with its moov box in front, in one pass over its bytes.

FFmpeg writes the moov box behind the pictures and then moves all of them to make room for it. Planning the layout first
saves that second pass. Measured: a join of 12 takes of 8 s takes 0.57 s instead of 0.72 s, a join of 500 pieces of 1 s
takes 2.4 s instead of 3.5 s, and a build after one changed shot of 59 takes 2.28 instead of 4.6 times as long as
``ffmpeg -f concat -c copy`` (target 3; reading each clip once contributed).

FFmpeg muxes blank packets of the right sizes into memory here, so that the bytes of the film are exactly those that it
would have written. ISO/IEC 14496-12.
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
from storyboard.operating_system import read_at

_BLANK_START = bytes(5)  # the start of blank packets; no real packet and no box begins with it
_MAX_BYTES = 1 << 32
_MUX_BUFFER_BYTES = 1 << 20
_COPY_BYTES = 1 << 24
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


class UnsupportedLayout(Exception):
    """A film of an unusual form, which FFmpeg has to write itself."""


class Layout(Struct, frozen=True):
    """Layout of a film: the head, then *body*: bytes, and sizes of packets in the order in which they were muxed."""

    head: bytes
    body: Sequence[bytes | int]


def plan_layout(
    container_format: str,
    options: dict[str, str],
    sizes: Sequence[int],
    mux: Callable[[OutputContainer, Iterator[bytes]], None],
    xmp: bytes | None = None,
) -> Layout:
    """Return the layout of the film that *mux* writes with blank packets of those *sizes*; an *xmp* packet goes first.

    Raises ``UnsupportedLayout``.
    """
    if min(sizes) < len(_BLANK_START):
        raise UnsupportedLayout
    memory = _RecordingFile(sizes)
    wanted = {**options, "flush_packets": "1"}
    buffer_size = max(sizes) + _MUX_BUFFER_BYTES
    with av.open(memory, "w", format=container_format, container_options=wanted, buffer_size=buffer_size) as film:
        mux(film, (bytes(size) for size in sizes))
    return _move_head_to_front(memory, xmp_box(xmp) if xmp is not None else b"")


def xmp_box(packet: bytes) -> bytes:
    """Return the box that holds an XMP packet in an MP4: a ``uuid`` box at the top level (XMP part 3, 1.2.7)."""
    return (24 + len(packet)).to_bytes(4, "big") + b"uuid" + _XMP_UUID + packet


def write_layout(layout: Layout, packets: Iterable[tuple[Path, int, int]], out: Path) -> None:
    """Write the film to *out*, an empty file, from beginning to end; *packets* are files, with offset and size.

    Raises ``UnreadableMedia`` and ``OSError``.
    """
    with out.open("r+b", buffering=0) as film:
        _write(film.fileno(), layout.head)
        for one in _merge_adjacent(layout.body, packets):
            if isinstance(one, bytes):
                _write(film.fileno(), one)
            else:
                _copy(*one, film.fileno())


def check_side_data(layout: Layout, film: Path) -> None:
    """Raise ``InvalidMedia`` unless *film* holds all bytes laid out between the packets: head, sound and captions."""
    at = 0
    with film.open("rb", buffering=0) as file:
        for one in (layout.head, *layout.body):
            if isinstance(one, bytes) and read_at(file.fileno(), len(one), at) != one:
                raise InvalidMedia("does not have the header, sound and captions that were written")
            at += one if isinstance(one, int) else len(one)


class _RecordingFile:
    """File-like target for FFmpeg that records chunks, and blank packets by their size."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self.chunks: list[bytes | int] = []
        self.overwrites: list[tuple[int, bytes]] = []
        self.blank_sizes = deque(sizes)
        self._at = self._end = 0

    def write(self, data: bytes) -> int:
        if self._at != self._end:
            self.overwrites.append((self._at, data))
        elif self.blank_sizes and len(data) == self.blank_sizes[0] and data.startswith(_BLANK_START):
            self.chunks.append(self.blank_sizes.popleft())
        else:
            self.chunks.append(data)
        self._at += len(data)
        self._end = max(self._at, self._end)
        return len(data)

    def seek(self, to: int, whence: int = os.SEEK_SET) -> int:
        self._at = to + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        return self._at

    def tell(self) -> int:
        return self._at


def _move_head_to_front(memory: _RecordingFile, more: bytes) -> Layout:
    """Return the layout of the recorded chunks, with the moov box, and the box *more* after it, moved to the front."""
    first = memory.chunks[0]
    if memory.blank_sizes or isinstance(first, int):
        raise UnsupportedLayout
    head = bytearray(first)
    for at, data in memory.overwrites:
        if at + len(data) > len(head):
            raise UnsupportedLayout
        head[at : at + len(data)] = data
    boxes = dict(_boxes(head, 0, len(head)))
    if b"mdat" not in boxes or b"ftyp" not in boxes:
        raise UnsupportedLayout
    begin = boxes[b"mdat"][0]
    end = begin - 8 + int.from_bytes(head[begin - 8 : begin - 4], "big")
    body, tail = _split_body([bytes(head[begin:]), *memory.chunks[1:]], end - begin)
    if (
        tail[4:8] != b"moov"
        or int.from_bytes(tail[:4], "big") != len(tail)
        or end + len(tail) + len(more) >= _MAX_BYTES
    ):
        raise UnsupportedLayout
    kind = boxes[b"ftyp"][1]
    moov = _shift_offsets(tail, len(tail) + len(more))
    return Layout(bytes(head[:kind]) + moov + more + bytes(head[kind:begin]), body)


def _split_body(chunks: Iterable[bytes | int], length: int) -> tuple[list[bytes | int], bytes]:
    """Return the first *length* bytes of the chunks, and the rest, which contains no packets."""
    body: list[bytes | int] = []
    tail = b""
    for one in chunks:
        size = one if isinstance(one, int) else len(one)
        if isinstance(one, int) and size > length:
            raise UnsupportedLayout
        if size <= length:
            body.append(one)
        elif not isinstance(one, int):
            body.append(one[:length])
            tail += one[length:]
        length -= min(size, length)
    return body, tail


def _boxes(data: bytes | bytearray, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yield the boxes in a range of *data*: the kind of each, and where its content begins and ends."""
    while at + 8 <= end:
        size = int.from_bytes(data[at : at + 4], "big")
        kind = bytes(data[at + 4 : at + 8])
        if size < 8:
            raise UnsupportedLayout
        yield kind, (at + 8, at + size)
        at += size


def _shift_offsets(moov: bytes, by: int) -> bytes:
    """Return the moov box with all chunk offsets increased."""
    data = bytearray(moov)
    inside = deque([(0, len(data))])
    while inside:
        for kind, (begin, end) in _boxes(data, *inside.popleft()):
            if kind in _CONTAINERS:
                inside.append((begin, end))
            elif kind == b"co64":
                raise UnsupportedLayout
            elif kind == b"stco":
                data[begin + 8 : end] = _add_to_offsets(data[begin + 8 : end], by)
    return bytes(data)


def _add_to_offsets(offsets: bytearray, by: int) -> bytes:
    numbers = array("I", bytes(offsets))
    if numbers.itemsize != 4:
        raise UnsupportedLayout
    return _big_endian(array("I", (number + by for number in _native(numbers))))


def _native(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _big_endian(numbers: "array[int]") -> bytes:
    return _native(numbers).tobytes()


def _merge_adjacent(
    body: Iterable[bytes | int], packets: Iterable[tuple[Path, int, int]]
) -> Iterator[bytes | tuple[Path, int, int]]:
    """Yield the parts of the body, with packets that are adjacent in one file merged into one range."""
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
            done = _copy_chunk(file.fileno(), place, min(size, _COPY_BYTES), film)
            if not done:
                raise UnreadableMedia("ends early")
            place, size = place + done, size - done


def _copy_chunk(file: int, place: int, size: int, film: int) -> int:
    copy: Callable[[int, int, int, int], int] | None = getattr(os, "copy_file_range", None)
    if copy is not None:
        try:
            return copy(file, film, size, place)
        except OSError:  # not between these file systems
            pass
    data = read_at(file, size, place)
    _write(film, data)
    return len(data)


def _write(film: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(film, rest) :]
