"""Pieces of a film before they are joined: what of each is copied, and whether they go together."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from msgspec import Struct

from storyboard.core.model import Size
from storyboard.media import avc
from storyboard.media.index import Index, index, packets
from storyboard.media.reader import Refused, opened, picture_stream


class Piece(Struct, frozen=True):
    """*frames* frames of a clip, from its frame *start* on, as it is.

    It has to begin with a keyframe and to end where every frame decoded so far has been shown.
    """

    path: Path
    frames: int
    start: int = 0


class JoinFailed(Exception):
    """A film that could not be put together; what stood in its place stays. The message says why, for people."""


class Mixed(JoinFailed):
    """Pieces whose parameter sets differ under one number. ``pieces`` are their positions, from 0."""

    def __init__(self, pieces: Sequence[int], what: str) -> None:
        super().__init__(f"pieces {' and '.join(map(str, pieces))} differ in {what}")
        self.pieces = tuple(pieces)


class Strip(Struct, frozen=True):
    """A piece, read: ``ranks`` says for each packet which frame of the piece it shows, ``keys`` where one may begin.

    ``delay`` is by how many frames decoding has to run ahead of display.
    """

    piece: Piece
    sets: avc.ParameterSets
    ranks: Sequence[int]
    keys: tuple[int, ...]

    @property
    def delay(self) -> int:
        return max(position - rank for position, rank in enumerate(self.ranks))

    @contextmanager
    def opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        """The clip it is cut from."""
        with opened(self.piece.path, packets_only=True) as container:
            yield container, picture_stream(container)

    def packets(self) -> "Iterator[Packet[VideoStream]]":
        """Its packets in decoding order."""
        last = self.piece.start + self.piece.frames
        with self.opened() as (container, stream):
            for position, packet in enumerate(packets(container, stream)):
                if position >= last:
                    return
                if position >= self.piece.start:
                    yield packet


def prepared(pieces: Sequence[Piece], size: Size, rate: Fraction) -> list[Strip]:
    """Read *pieces*, each once. Raises ``JoinFailed`` if there is none or one can't be copied, and ``Mixed``."""
    if not pieces:
        raise JoinFailed("there is nothing to join")
    known: dict[Piece, Strip] = {}
    for piece in pieces:
        if piece not in known:
            known[piece] = _read(piece, size, rate)
    strips = [known[piece] for piece in pieces]
    _check_sets(strips)
    return strips


def _read(piece: Piece, size: Size, rate: Fraction) -> Strip:
    try:
        with opened(piece.path, packets_only=True) as container:
            stream = picture_stream(container)
            found = index(container, stream)
            _check_stream(stream, found, size, rate)
            return _cut(piece, found)
    except Refused as problem:
        raise JoinFailed(f"{piece.path.name} {problem.reason}") from problem


def _check_stream(stream: VideoStream, found: Index, size: Size, rate: Fraction) -> None:
    if found.sets is None or found.restated:
        raise Refused("is not H.264 with its parameter sets in its header")
    if (stream.width, stream.height) != (size.width, size.height):
        raise Refused(f"is {stream.width}x{stream.height}, not {size}")
    if not all(map(avc.is_8_bit_420, found.sets.sps)):
        raise Refused("is not of 8-bit 4:2:0 pictures")
    if found.frames > 1 and found.pace() != (rate, True):
        raise Refused(f"does not have {rate} frames a second throughout")
    if not found.closed:
        raise Refused("does not begin with what it shows first")


def _cut(piece: Piece, found: Index) -> Strip:
    end = piece.start + piece.frames
    if piece.frames < 1 or piece.start < 0 or end > found.frames:
        raise Refused(f"has {found.frames} frames, not {end}")
    shown = array("q", [0]) * found.frames
    for number, position in enumerate(found.order):
        shown[position] = number - piece.start
    ranks = shown[piece.start : end]
    if not found.samples[piece.start].key or min(ranks) < 0 or max(ranks) >= piece.frames:
        raise Refused(f"can't be cut to frames {piece.start} to {end - 1} without coding")
    keys = tuple(number for number in range(piece.frames) if found.samples[piece.start + number].key)
    if found.sets is None:
        raise Refused("has no parameter sets")
    return Strip(piece, found.sets, ranks, keys)


def _check_sets(strips: Sequence[Strip]) -> None:
    """Raise ``Mixed`` with every piece that disagrees with the one most frames agree with."""
    kinds: dict[avc.ParameterSets, list[int]] = defaultdict(list)
    for position, strip in enumerate(strips):
        kinds[strip.sets].append(position)
    try:
        avc.merged(list(kinds))
    except avc.Conflict as problem:
        groups = list(kinds.values())
        either = (groups[problem.first], groups[problem.second])
        fewer = min(either, key=lambda group: _weight(strips, group))
        raise Mixed(fewer, problem.what) from problem


def _weight(strips: Sequence[Strip], positions: Iterable[int]) -> int:
    return sum(strips[position].piece.frames for position in positions)
