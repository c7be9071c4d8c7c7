"""Verification of a joined film: every frame present, at its time, bit for bit, and decodable across joins.

The film is read once, and each packet is compared with the copied one. Decoding all of it would take about as long as
its encoding, so only a sample is decoded: the first picture of some pieces, and for each pair of parameter sets that
meet at a join, the transition from one into the other. Whether a decoder crosses a join depends on nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, islice, pairwise
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from storyboard.core.clip import ClipInfo
from storyboard.core.model import Size
from storyboard.media.frames import decode_frames
from storyboard.media.join.copy_source import CopyRun, PacketChecksums
from storyboard.media.probe import describe
from storyboard.media.reader import InvalidMedia, open_media, translate_errors, video_stream
from storyboard.media.sample_table import SampleTable, packets, read_sample_table

# The number of pieces, spread over the film, whose first picture is decoded.
_MAX_PROBED_PIECES = 16
# After this many packets of a piece a decoder holds its full set of reference pictures.
_WARM_UP_PACKETS = 8


def verify_film(
    runs: Sequence[CopyRun], film: Path, size: Size, rate: Fraction, checksums: PacketChecksums
) -> ClipInfo:
    """Return the facts of *film* after verifying that it is *runs* in sequence.

    *checksums* covers the packets that it has to hold. Raises ``InvalidMedia``.
    """
    found_checksums = PacketChecksums()
    with open_media(film, strict=True) as container:
        stream = video_stream(container)
        table = read_sample_table(container, stream, found_checksums.add)
        info = describe(container, stream, table, next(decode_frames(container, stream, table, [0])))
        _check_info(info, sum(run.piece.frames for run in runs), size, rate)
        if found_checksums != checksums:
            raise InvalidMedia("does not hold the packets that were copied")
        if table.times[0] != 0:
            raise InvalidMedia("does not start at once")
        starts = [0, *accumulate(run.piece.frames for run in runs[:-1])]
        for start in starts[:: -(-len(starts) // _MAX_PROBED_PIECES)]:
            _check_first_frame(container, stream, table, start)
        for key, start in _join_points(runs, starts):
            _check_join(container, stream, table, key, start)
    return info


def _check_info(info: ClipInfo, frames: int, size: Size, rate: Fraction) -> None:
    if info.frames != frames:
        raise InvalidMedia(f"has {info.frames} of {frames} frames")
    if (info.width, info.height) != (size.width, size.height):
        raise InvalidMedia(f"is {info.width}x{info.height}, not {size}")
    if frames > 1 and (info.fps, info.constant_rate) != (rate, True):
        raise InvalidMedia(f"has {info.rate} frames a second, not {rate}")
    if not info.closed_start:
        raise InvalidMedia("does not begin with what it shows first")


def _join_points(runs: Sequence[CopyRun], starts: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Return the shortest join for each pair of parameter sets: the keyframe before it, and its first frame."""
    names: Mapping[object, str] = {sets: sets.digest() for sets in dict.fromkeys(run.sets for run in runs)}
    nearest: dict[tuple[str, str], tuple[int, int]] = {}
    for (before, after), (begin, start) in zip(pairwise(runs), pairwise(starts), strict=True):
        key = begin + before.frame_numbers[before.keyframes[-1]]
        kind = (names[before.sets], names[after.sets])
        best = nearest.setdefault(kind, (key, start))
        if start - key < best[1] - best[0]:
            nearest[kind] = (key, start)
    return nearest.values()


def _check_first_frame(container: InputContainer, stream: VideoStream, table: SampleTable, start: int) -> None:
    """Decode the first picture of the piece that begins at *start*. Raises ``InvalidMedia``."""
    if not _decodes(container, stream, table, ((start, 1),)):
        raise InvalidMedia(f"has no frame {start} that decodes")


def _check_join(container: InputContainer, stream: VideoStream, table: SampleTable, key: int, start: int) -> None:
    """Decode from keyframe *key* into the piece that begins at *start* in one pass. Raises ``InvalidMedia``."""
    if not _decodes(container, stream, table, ((key, min(_WARM_UP_PACKETS, start - key)), (start, 1))):
        raise InvalidMedia(f"does not play on from frame {start - 1} to frame {start}")


def _decodes(
    container: InputContainer, stream: VideoStream, table: SampleTable, parts: Iterable[tuple[int, int]]
) -> bool:
    """Return whether a decoder gives every frame of *parts* (first frame, number of packets), fed in one pass."""
    fed = []
    for number, most in parts:
        with translate_errors():
            container.seek(table.times[number], stream=stream)
        fed += list(islice(packets(container, stream), most))
    with translate_errors():
        frames = [frame for packet in fed for frame in packet.decode()]
        frames += stream.codec_context.decode(None)
    stream.codec_context.flush_buffers()
    shown = sorted(table.numbers.get(frame.pts or 0, -1) for frame in frames if not frame.is_corrupt)
    return shown == sorted(table.numbers[packet.pts or 0] for packet in fed)
