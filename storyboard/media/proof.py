"""The proof that a joined film is what was meant: every frame, at its time, bit for bit, and it plays across joins.

The packets are compared with what was copied, all of them. Decoding everything would cost as much as the film is long,
so that what is decoded is the first picture of every piece, and one join of each kind of neighbours from the keyframe
before it: whether a decoder gets over a join depends on nothing else.
"""

import hashlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from storyboard.core.clip import ClipInfo
from storyboard.core.model import Size
from storyboard.media.frames import exact_frames
from storyboard.media.index import Index, index, packets
from storyboard.media.pieces import Strip
from storyboard.media.probe import probe
from storyboard.media.reader import Refused, opened, picture_stream


def proved(strips: Sequence[Strip], film: Path, size: Size, rate: Fraction, digest: str) -> ClipInfo:
    """The facts of *film* once it has proved to be *strips* one after another.

    *digest* is the sha256 of all the packets that were copied. Raises ``Refused``.
    """
    info = probe(film)
    frames = sum(strip.piece.frames for strip in strips)
    if info.frames != frames:
        raise Refused(f"has {info.frames} of {frames} frames")
    if (info.width, info.height) != (size.width, size.height):
        raise Refused(f"is {info.width}x{info.height}, not {size}")
    if frames > 1 and (info.fps, info.constant_rate) != (rate, True):
        raise Refused(f"has {info.rate} frames a second, not {rate}")
    if not info.closed_start:
        raise Refused("does not begin with what it shows first")
    _check_packets(film, digest)
    _check_joins(strips, film)
    return info


def _check_packets(film: Path, digest: str) -> None:
    state = hashlib.sha256()
    with opened(film, packets_only=True) as container:
        for packet in packets(container, picture_stream(container)):
            state.update(memoryview(packet))
    if state.hexdigest() != digest:
        raise Refused("does not hold the packets that were copied")


def _check_joins(strips: Sequence[Strip], film: Path) -> None:
    starts = [0, *accumulate(strip.piece.frames for strip in strips[:-1])]
    with opened(film, strict=True) as container:
        stream = picture_stream(container)
        found = index(container, stream)
        if found.times[0] != 0:
            raise Refused("does not start at once")
        for start in starts:
            _decode(container, stream, found, [start])
        for key, start in _crossings(strips, starts):
            _decode(container, stream, found, range(key, start + 1))


def _crossings(strips: Sequence[Strip], starts: Sequence[int]) -> Iterable[tuple[int, int]]:
    """For every kind of neighbours the join that is reached soonest: the keyframe before it, and its first frame."""
    nearest: dict[tuple[str, str], tuple[int, int]] = {}
    for (before, after), (begin, start) in zip(pairwise(strips), pairwise(starts), strict=True):
        key = begin + before.ranks[before.keys[-1]]
        kind = (before.sets.digest(), after.sets.digest())
        known = nearest.setdefault(kind, (key, start))
        if start - key < known[1] - known[0]:
            nearest[kind] = (key, start)
    return nearest.values()


def _decode(container: InputContainer, stream: VideoStream, found: Index, numbers: Iterable[int]) -> None:
    """Let those frames come out of the decoder, which raises if one of them does not."""
    for _ in exact_frames(container, stream, found, numbers):
        pass
