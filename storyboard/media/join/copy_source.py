"""Pieces of a film before they are joined: what of each is copied, and whether they go together.

Packets in short, to tell whether those of a film are those that were meant.

Clips as a join needs them, each read once: what every packet shows, and the seal of what is copied of it.
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
from storyboard.media.reader import InvalidMedia, open_media, picture_stream
from storyboard.media.sample_table import SampleTable, header_sets, index, packets


class PacketChecksums:
    """Packets one after another: how many bytes each has, and their checksum. Eight bytes of memory a packet."""

    def __init__(self, marks: Iterable[int] = ()) -> None:
        self._marks = array("Q", marks)

    def add(self, packet: bytes | memoryview) -> None:
        """The next packet."""
        self._marks.append(len(packet) << 32 | crc32(packet))

    @property
    def sizes(self) -> list[int]:
        """How many bytes each packet has."""
        return [mark >> 32 for mark in self._marks]

    def part(self, first: int, end: int) -> "PacketChecksums":
        """That of the packets from *first* up to *end*."""
        return PacketChecksums(self._marks[first:end])

    @classmethod
    def together(cls, parts: "Iterable[PacketChecksums]") -> "PacketChecksums":
        """That of all packets of *parts*."""
        whole = cls()
        for one in parts:
            whole._marks.extend(one._marks)
        return whole

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PacketChecksums) and self._marks == other._marks

    __hash__ = None  # type: ignore[assignment]


class ClipPackets(Struct, frozen=True):
    """A clip that has been read. ``sets`` is ``None`` unless it is H.264 with all its parameter sets in its header.

    ``shown`` is the number of the frame that each packet shows, empty unless every packet is shown and the first one
    first; ``keys`` are the packets with which decoding may begin. ``seal`` is that of the packets as a film holds
    them, ``places`` where in the file they stand so, empty if they do not. ``rate`` is in frames a second, ``steady``
    says that it is constant.
    """

    size: Size
    sets: h264.ParameterSets | None
    rate: Fraction
    steady: bool
    frames: int
    shown: Sequence[int]
    keys: frozenset[int]
    seal: PacketChecksums
    places: Sequence[int]


def read(path: Path) -> ClipPackets:
    """Raises ``InvalidMedia`` and ``OSError``."""
    with open_media(path, packets_only=True) as container:
        stream = picture_stream(container)
        sets, seal = header_sets(stream), PacketChecksums()
        length_size = sets.length_size if sets is not None else 0
        changed = False

        def passing(packet: memoryview) -> None:
            nonlocal changed
            copied = h264.repacked(packet, length_size)
            changed = changed or copied is not packet
            seal.add(copied)

        found = index(container, stream, passing if sets is not None else None)
        rate, steady = found.pace()
        shown = array("q", [0]) * (found.frames if found.closed else 0)
        if shown:
            for number, position in enumerate(found.order):
                shown[position] = number
        return ClipPackets(
            Size(stream.width, stream.height),
            None if found.restated else found.sets,
            rate,
            steady,
            found.frames,
            shown,
            frozenset(number for number, sample in enumerate(found.samples) if sample.key),
            seal,
            array("q") if changed else _places(path, found, seal),
        )


def _places(path: Path, found: SampleTable, seal: PacketChecksums) -> Sequence[int]:
    """Where the packets stand in the file; nothing if what is there is not what was read, as in Matroska."""
    places = array("q", (sample.place for sample in found.samples))
    sizes = seal.sizes
    with path.open("rb") as file:
        for number in (0, len(sizes) // 2, len(sizes) - 1) if sizes else ():
            there = PacketChecksums()
            file.seek(max(0, places[number]))
            there.add(file.read(sizes[number]))
            if there != seal.part(number, number + 1):
                return array("q")
    return places if sizes else array("q")


class ClipPacketsCache:
    """What has been read, by path. Used from any thread; a clip that is being read is waited for."""

    def __init__(self) -> None:
        self._read: dict[Path, ClipPackets] = {}
        self._lock = threading.Lock()

    def of(self, path: Path) -> ClipPackets:
        """Raises as ``read``."""
        with self._lock:
            known = self._read.get(path)
            if known is None:
                known = self._read[path] = read(path)
            return known


class JoinPiece(Struct, frozen=True):
    """*frames* frames of a clip, from its frame *start* on, as it is.

    It has to begin with a keyframe and to end where every frame decoded so far has been shown.
    """

    path: Path
    frames: int
    start: int = 0


class JoinFailed(Exception):
    """A film that could not be put together; what stood in its place stays. The message says why, for people."""


class ParameterSetsDiffer(JoinFailed):
    """Pieces whose parameter sets differ under one number. ``pieces`` are their positions, from 0."""

    def __init__(self, pieces: Sequence[int], what: str) -> None:
        super().__init__(f"pieces {' and '.join(map(str, pieces))} differ in {what}")
        self.pieces = tuple(pieces)


class CopyRun(Struct, frozen=True):
    """A piece, read: ``ranks`` says for each packet which frame of the piece it shows, ``keys`` where one may begin.

    ``seal`` is that of its packets as the film holds them; ``delay`` is by how many frames decoding has to run ahead
    of display. ``places`` tell where in the file the packets stand as they are copied; empty if they don't.
    """

    piece: JoinPiece
    sets: h264.ParameterSets
    ranks: Sequence[int]
    keys: tuple[int, ...]
    seal: PacketChecksums
    places: Sequence[int]

    @property
    def delay(self) -> int:
        return max(position - rank for position, rank in enumerate(self.ranks))

    @contextmanager
    def open(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        """The clip it is cut from."""
        with open_media(self.piece.path, packets_only=True) as container:
            yield container, picture_stream(container)

    def packets(self) -> "Iterator[Packet[VideoStream]]":
        """Its packets in decoding order."""
        last = self.piece.start + self.piece.frames
        with self.open() as (container, stream):
            for position, packet in enumerate(packets(container, stream)):
                if position >= last:
                    return
                if position >= self.piece.start:
                    yield packet


def prepared(pieces: Sequence[JoinPiece], size: Size, rate: Fraction, reels: ClipPacketsCache) -> list[CopyRun]:
    """*pieces* ready to be joined.

    Raises ``JoinFailed`` if there is none or one can't be copied, and ``ParameterSetsDiffer``.
    """
    if not pieces:
        raise JoinFailed("there is nothing to join")
    known: dict[JoinPiece, CopyRun] = {}
    for piece in pieces:
        if piece not in known:
            known[piece] = _checked(piece, size, rate, reels)
    strips = [known[piece] for piece in pieces]
    _check_sets(strips)
    return strips


def _checked(piece: JoinPiece, size: Size, rate: Fraction, reels: ClipPacketsCache) -> CopyRun:
    try:
        reel = reels.of(piece.path)
        return _cut(piece, reel, _sets(reel, size, rate))
    except InvalidMedia as problem:
        raise JoinFailed(f"{piece.path.name} {problem.reason}") from problem


def _sets(reel: ClipPackets, size: Size, rate: Fraction) -> h264.ParameterSets:
    """The parameter sets of a clip that can be copied at all."""
    if reel.sets is None:
        raise InvalidMedia("is not H.264 with its parameter sets in its header")
    if reel.size != size:
        raise InvalidMedia(f"is {reel.size}, not {size}")
    if not all(map(h264.is_8_bit_420, reel.sets.sps)):
        raise InvalidMedia("is not of 8-bit 4:2:0 pictures")
    if reel.frames > 1 and (reel.rate, reel.steady) != (rate, True):
        raise InvalidMedia(f"does not have {rate} frames a second throughout")
    if not reel.shown:
        raise InvalidMedia("does not begin with what it shows first")
    return reel.sets


def _cut(piece: JoinPiece, reel: ClipPackets, sets: h264.ParameterSets) -> CopyRun:
    end = piece.start + piece.frames
    if piece.frames < 1 or piece.start < 0 or end > reel.frames:
        raise InvalidMedia(f"has {reel.frames} frames, not {end}")
    ranks = array("q", (shown - piece.start for shown in reel.shown[piece.start : end]))
    if piece.start not in reel.keys or min(ranks) < 0 or max(ranks) >= piece.frames:
        raise InvalidMedia(f"can't be cut to frames {piece.start} to {end - 1} without coding")
    keys = tuple(number for number in range(piece.frames) if piece.start + number in reel.keys)
    return CopyRun(piece, sets, ranks, keys, reel.seal.part(piece.start, end), reel.places[piece.start : end])


def _check_sets(strips: Sequence[CopyRun]) -> None:
    """Raise ``ParameterSetsDiffer`` with every piece that disagrees with the one most frames agree with."""
    kinds: dict[h264.ParameterSets, list[int]] = defaultdict(list)
    for position, strip in enumerate(strips):
        kinds[strip.sets].append(position)
    try:
        h264.merged(list(kinds))
    except h264.Conflict as problem:
        groups = list(kinds.values())
        either = (groups[problem.first], groups[problem.second])
        fewer = min(either, key=lambda group: _weight(strips, group))
        raise ParameterSetsDiffer(fewer, problem.what) from problem


def _weight(strips: Sequence[CopyRun], positions: Iterable[int]) -> int:
    return sum(strips[position].piece.frames for position in positions)
