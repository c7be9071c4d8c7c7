"""The proof that a joined film is what was meant: every frame, at its time, bit for bit, and it plays across joins.

The film is read once, and each packet is compared with the one that was copied. Decoding everything would cost as much
as the film is long. What is decoded is the first picture of some pieces, and for each kind of neighbours, by their
parameter sets, the way from one into the other: whether a decoder gets over a join depends on nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, islice, pairwise
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from storyboard.core.clip import ClipInfo
from storyboard.core.model import Size
from storyboard.media.frames import exact_frames
from storyboard.media.join.copy_source import CopyRun, PacketChecksums
from storyboard.media.probe import described
from storyboard.media.reader import InvalidMedia, open_media, picture_stream, reading
from storyboard.media.sample_table import SampleTable, index, packets

# Of so many pieces, spread over the film, the first picture is decoded.
_MOST_PICTURES = 16
# With so many packets of a piece behind it a decoder is as busy as it gets.
_BUSY = 8


def verify_film(strips: Sequence[CopyRun], film: Path, size: Size, rate: Fraction, seal: PacketChecksums) -> ClipInfo:
    """The facts of *film* once it has proved to be *strips* one after another.

    *seal* is that of the packets it should hold. Raises ``InvalidMedia``.
    """
    found_seal = PacketChecksums()
    with open_media(film, strict=True) as container:
        stream = picture_stream(container)
        found = index(container, stream, found_seal.add)
        info = described(container, stream, found, next(exact_frames(container, stream, found, [0])))
        _check_facts(info, sum(strip.piece.frames for strip in strips), size, rate)
        if found_seal != seal:
            raise InvalidMedia("does not hold the packets that were copied")
        if found.times[0] != 0:
            raise InvalidMedia("does not start at once")
        starts = [0, *accumulate(strip.piece.frames for strip in strips[:-1])]
        for start in starts[:: -(-len(starts) // _MOST_PICTURES)]:
            _play(container, stream, found, start)
        for key, start in _crossings(strips, starts):
            _cross(container, stream, found, key, start)
    return info


def _check_facts(info: ClipInfo, frames: int, size: Size, rate: Fraction) -> None:
    if info.frames != frames:
        raise InvalidMedia(f"has {info.frames} of {frames} frames")
    if (info.width, info.height) != (size.width, size.height):
        raise InvalidMedia(f"is {info.width}x{info.height}, not {size}")
    if frames > 1 and (info.fps, info.constant_rate) != (rate, True):
        raise InvalidMedia(f"has {info.rate} frames a second, not {rate}")
    if not info.closed_start:
        raise InvalidMedia("does not begin with what it shows first")


def _crossings(strips: Sequence[CopyRun], starts: Sequence[int]) -> Iterable[tuple[int, int]]:
    """For every kind of neighbours the join that is reached soonest: the keyframe before it, and its first frame."""
    names: Mapping[object, str] = {sets: sets.digest() for sets in dict.fromkeys(strip.sets for strip in strips)}
    nearest: dict[tuple[str, str], tuple[int, int]] = {}
    for (before, after), (begin, start) in zip(pairwise(strips), pairwise(starts), strict=True):
        key = begin + before.ranks[before.keys[-1]]
        kind = (names[before.sets], names[after.sets])
        known = nearest.setdefault(kind, (key, start))
        if start - key < known[1] - known[0]:
            nearest[kind] = (key, start)
    return nearest.values()


def _play(container: InputContainer, stream: VideoStream, found: SampleTable, start: int) -> None:
    """Decode the first picture of the piece that begins at *start*."""
    if not _plays(container, stream, found, ((start, 1),)):
        raise InvalidMedia(f"has no frame {start} that decodes")


def _cross(container: InputContainer, stream: VideoStream, found: SampleTable, key: int, start: int) -> None:
    """Decode from keyframe *key* into the piece that begins at *start*, some packets of each, in one go."""
    if not _plays(container, stream, found, ((key, min(_BUSY, start - key)), (start, 1))):
        raise InvalidMedia(f"does not play on from frame {start - 1} to frame {start}")


def _plays(
    container: InputContainer, stream: VideoStream, found: SampleTable, parts: Iterable[tuple[int, int]]
) -> bool:
    """Whether a decoder gives every frame of so many packets from each of those frames on, fed in one go."""
    fed = []
    for number, most in parts:
        with reading():
            container.seek(found.times[number], stream=stream)
        fed += list(islice(packets(container, stream), most))
    with reading():
        frames = [frame for packet in fed for frame in packet.decode()]
        frames += stream.codec_context.decode(None)
    stream.codec_context.flush_buffers()
    shown = sorted(found.numbers.get(frame.pts or 0, -1) for frame in frames if not frame.is_corrupt)
    return shown == sorted(found.numbers[packet.pts or 0] for packet in fed)
