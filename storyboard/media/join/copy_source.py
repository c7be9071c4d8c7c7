"""Sources of a join: the packets of each clip, the run of packets to copy, and whether runs fit together.

Each clip is read once, however many pieces of the film show it.
"""

import threading
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from zlib import crc32

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from msgspec import Struct

from storyboard.core.model import Size
from storyboard.media import h264
from storyboard.media.reader import InvalidMedia, open_media, video_stream
from storyboard.media.sample_table import SampleTable, header_sets, packets, read_sample_table


class JoinFailed(Exception):
    """A film that could not be joined; the previous file stays in place. The message gives the reason."""


class ParameterSetsDiffer(JoinFailed):
    """Pieces with different parameter sets under one number. ``pieces`` are their positions, from 0."""

    def __init__(self, pieces: Sequence[int], what: str) -> None:
        super().__init__(f"segments {' and '.join(map(str, pieces))} differ in {what}")
        self.pieces = tuple(pieces)


class JoinPiece(Struct, frozen=True):
    """*frames* frames of a clip to copy, from its frame *start* on.

    The piece has to begin with a keyframe and to end where every frame decoded so far has been displayed.
    """

    path: Path
    frames: int
    start: int = 0


class PacketChecksums:
    """Size and checksum of each packet of a sequence, in eight bytes of memory a packet."""

    def __init__(self, marks: Iterable[int] = ()) -> None:
        self._entries = array("Q", marks)

    def add(self, packet: bytes | memoryview) -> None:
        """Add the next packet."""
        self._entries.append(len(packet) << 32 | crc32(packet))

    @property
    def sizes(self) -> list[int]:
        """The size of each packet in bytes."""
        return [entry >> 32 for entry in self._entries]

    def slice(self, first: int, end: int) -> "PacketChecksums":
        """Return the entries of the packets from *first* up to *end*."""
        return PacketChecksums(self._entries[first:end])

    @classmethod
    def concatenate(cls, parts: "Iterable[PacketChecksums]") -> "PacketChecksums":
        """Return the entries of all *parts* in sequence."""
        total = cls()
        for one in parts:
            total._entries.extend(one._entries)
        return total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PacketChecksums) and self._entries == other._entries

    __hash__ = None  # type: ignore[assignment]


class ClipPackets(Struct, frozen=True):
    """A clip that has been read. ``sets`` is ``None`` unless it is H.264 with all its parameter sets in its header.

    ``frame_numbers`` holds the number of the frame that each packet shows; empty unless every packet is displayed and
    the first one first. ``keyframes`` are the packets at which decoding may begin. ``checksums`` covers the packets as
    a film stores them, ``offsets`` holds their places in the file; empty if they are stored in another form there.
    ``rate`` is in frames a second.
    """

    size: Size
    sets: h264.ParameterSets | None
    rate: Fraction
    constant_rate: bool
    frames: int
    frame_numbers: Sequence[int]
    keyframes: frozenset[int]
    checksums: PacketChecksums
    offsets: Sequence[int]


class ClipPacketsCache:
    """Clips that have been read, by path. Safe for any number of threads; concurrent readers wait for each other."""

    def __init__(self) -> None:
        self._read: dict[Path, ClipPackets] = {}
        self._lock = threading.Lock()

    def of(self, path: Path) -> ClipPackets:
        """Return the packets of the clip at *path*; read it if necessary. Raises as ``read_clip``."""
        with self._lock:
            known = self._read.get(path)
            if known is None:
                known = self._read[path] = read_clip(path)
            return known


def read_clip(path: Path) -> ClipPackets:
    """Read the packets of the clip at *path*. Raises ``InvalidMedia`` and ``OSError``."""
    with open_media(path, packets_only=True) as container:
        stream = video_stream(container)
        sets, checksums = header_sets(stream), PacketChecksums()
        length_size = sets.length_size if sets is not None else 0
        changed = False

        def add_packet(packet: memoryview) -> None:
            nonlocal changed
            copied = h264.repack(packet, length_size)
            changed = changed or copied is not packet
            checksums.add(copied)

        table = read_sample_table(container, stream, add_packet if sets is not None else None)
        rate, constant_rate = table.frame_rate()
        numbers = array("q", [0]) * (table.frames if table.closed_start else 0)
        if numbers:
            for number, position in enumerate(table.order):
                numbers[position] = number
        return ClipPackets(
            Size(stream.width, stream.height),
            None if table.has_inband_sets else table.sets,
            rate,
            constant_rate,
            table.frames,
            numbers,
            frozenset(number for number, sample in enumerate(table.samples) if sample.is_key),
            checksums,
            array("q") if changed else _packet_offsets(path, table, checksums),
        )


class CopyRun(Struct, frozen=True):
    """The packets of one piece. ``frame_numbers`` holds the frame of the piece that each packet shows.

    ``keyframes`` are the packets at which decoding may begin; ``checksums`` covers the packets as the film stores them;
    ``offsets`` holds their places in the file, empty if they are stored in another form there.
    """

    piece: JoinPiece
    sets: h264.ParameterSets
    frame_numbers: Sequence[int]
    keyframes: tuple[int, ...]
    checksums: PacketChecksums
    offsets: Sequence[int]

    @property
    def delay(self) -> int:
        """The number of frames by which decoding has to run ahead of display."""
        return max(position - frame_number for position, frame_number in enumerate(self.frame_numbers))

    @contextmanager
    def open(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        """Open the clip of the piece."""
        with open_media(self.piece.path, packets_only=True) as container:
            yield container, video_stream(container)

    def packets(self) -> "Iterator[Packet[VideoStream]]":
        """Yield the packets in decoding order."""
        last = self.piece.start + self.piece.frames
        with self.open() as (container, stream):
            for position, packet in enumerate(packets(container, stream)):
                if position >= last:
                    return
                if position >= self.piece.start:
                    yield packet


def prepare_runs(pieces: Sequence[JoinPiece], size: Size, rate: Fraction, clips: ClipPacketsCache) -> list[CopyRun]:
    """Return the run of packets of each of *pieces*.

    Raises ``JoinFailed`` if there is none or one cannot be copied, and ``ParameterSetsDiffer``.
    """
    if not pieces:
        raise JoinFailed("the film has no segments")
    known: dict[JoinPiece, CopyRun] = {}
    for piece in pieces:
        if piece not in known:
            known[piece] = _prepare_run(piece, size, rate, clips)
    runs = [known[piece] for piece in pieces]
    _check_sets(runs)
    return runs


def _packet_offsets(path: Path, table: SampleTable, checksums: PacketChecksums) -> Sequence[int]:
    """Return the places of the packets in the file; empty if the file stores other bytes there, as Matroska does."""
    places = array("q", (sample.offset for sample in table.samples))
    sizes = checksums.sizes
    with path.open("rb") as file:
        for number in (0, len(sizes) // 2, len(sizes) - 1) if sizes else ():
            read = PacketChecksums()
            file.seek(max(0, places[number]))
            read.add(file.read(sizes[number]))
            if read != checksums.slice(number, number + 1):
                return array("q")
    return places if sizes else array("q")


def _prepare_run(piece: JoinPiece, size: Size, rate: Fraction, clips: ClipPacketsCache) -> CopyRun:
    try:
        clip = clips.of(piece.path)
        return _cut_run(piece, clip, _copyable_sets(clip, size, rate))
    except InvalidMedia as problem:
        raise JoinFailed(f"{piece.path.name} {problem.reason}") from problem


def _copyable_sets(clip: ClipPackets, size: Size, rate: Fraction) -> h264.ParameterSets:
    """Return the parameter sets of a clip. Raises ``InvalidMedia`` if it cannot be copied into the film."""
    if clip.sets is None:
        raise InvalidMedia("is not H.264 with its parameter sets in its header")
    if clip.size != size:
        raise InvalidMedia(f"is {clip.size}, not {size}")
    if not all(map(h264.is_8_bit_420, clip.sets.sps)):
        raise InvalidMedia("is not 8-bit 4:2:0")
    if clip.frames > 1 and (clip.rate, clip.constant_rate) != (rate, True):
        raise InvalidMedia(f"does not have a constant rate of {rate} fps")
    if not clip.frame_numbers:
        raise InvalidMedia("does not begin with its first displayed frame")
    return clip.sets


def _cut_run(piece: JoinPiece, clip: ClipPackets, sets: h264.ParameterSets) -> CopyRun:
    end = piece.start + piece.frames
    if piece.frames < 1 or piece.start < 0 or end > clip.frames:
        raise InvalidMedia(f"has {clip.frames} frames, not {end}")
    frame_numbers = array("q", (number - piece.start for number in clip.frame_numbers[piece.start : end]))
    if piece.start not in clip.keyframes or min(frame_numbers) < 0 or max(frame_numbers) >= piece.frames:
        raise InvalidMedia(f"cannot be cut to frames {piece.start} to {end - 1} without encoding")
    keys = tuple(number for number in range(piece.frames) if piece.start + number in clip.keyframes)
    return CopyRun(
        piece, sets, frame_numbers, keys, clip.checksums.slice(piece.start, end), clip.offsets[piece.start : end]
    )


def _check_sets(runs: Sequence[CopyRun]) -> None:
    """Raise ``ParameterSetsDiffer`` with each piece that conflicts with the sets of most frames."""
    kinds: dict[h264.ParameterSets, list[int]] = defaultdict(list)
    for position, run in enumerate(runs):
        kinds[run.sets].append(position)
    try:
        h264.merge(list(kinds))
    except h264.ParameterSetConflict as problem:
        groups = list(kinds.values())
        either = (groups[problem.first], groups[problem.second])
        fewer = min(either, key=lambda group: _frame_count(runs, group))
        raise ParameterSetsDiffer(fewer, problem.what) from problem


def _frame_count(runs: Sequence[CopyRun], positions: Iterable[int]) -> int:
    return sum(runs[position].piece.frames for position in positions)
