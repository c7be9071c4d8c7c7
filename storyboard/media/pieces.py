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
from storyboard.media.index import packets
from storyboard.media.reader import Refused, opened, picture_stream
from storyboard.media.reels import Reel, Reels
from storyboard.media.seal import Seal


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

    ``seal`` is that of its packets as the film holds them; ``delay`` is by how many frames decoding has to run ahead
    of display. ``places`` tell where in the file the packets stand as they are copied; empty if they don't.
    """

    piece: Piece
    sets: avc.ParameterSets
    ranks: Sequence[int]
    keys: tuple[int, ...]
    seal: Seal
    places: Sequence[int]

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


def prepared(pieces: Sequence[Piece], size: Size, rate: Fraction, reels: Reels) -> list[Strip]:
    """*pieces* ready to be joined. Raises ``JoinFailed`` if there is none or one can't be copied, and ``Mixed``."""
    if not pieces:
        raise JoinFailed("there is nothing to join")
    known: dict[Piece, Strip] = {}
    for piece in pieces:
        if piece not in known:
            known[piece] = _checked(piece, size, rate, reels)
    strips = [known[piece] for piece in pieces]
    _check_sets(strips)
    return strips


def _checked(piece: Piece, size: Size, rate: Fraction, reels: Reels) -> Strip:
    try:
        reel = reels.of(piece.path)
        return _cut(piece, reel, _sets(reel, size, rate))
    except Refused as problem:
        raise JoinFailed(f"{piece.path.name} {problem.reason}") from problem


def _sets(reel: Reel, size: Size, rate: Fraction) -> avc.ParameterSets:
    """The parameter sets of a clip that can be copied at all."""
    if reel.sets is None:
        raise Refused("is not H.264 with its parameter sets in its header")
    if reel.size != size:
        raise Refused(f"is {reel.size}, not {size}")
    if not all(map(avc.is_8_bit_420, reel.sets.sps)):
        raise Refused("is not of 8-bit 4:2:0 pictures")
    if reel.frames > 1 and (reel.rate, reel.steady) != (rate, True):
        raise Refused(f"does not have {rate} frames a second throughout")
    if not reel.shown:
        raise Refused("does not begin with what it shows first")
    return reel.sets


def _cut(piece: Piece, reel: Reel, sets: avc.ParameterSets) -> Strip:
    end = piece.start + piece.frames
    if piece.frames < 1 or piece.start < 0 or end > reel.frames:
        raise Refused(f"has {reel.frames} frames, not {end}")
    ranks = array("q", (shown - piece.start for shown in reel.shown[piece.start : end]))
    if piece.start not in reel.keys or min(ranks) < 0 or max(ranks) >= piece.frames:
        raise Refused(f"can't be cut to frames {piece.start} to {end - 1} without coding")
    keys = tuple(number for number in range(piece.frames) if piece.start + number in reel.keys)
    return Strip(piece, sets, ranks, keys, reel.seal.part(piece.start, end), reel.places[piece.start : end])


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
