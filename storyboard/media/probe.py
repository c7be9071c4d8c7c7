"""Facts of a clip, and the validation that it has to pass before it is stored.

``probe`` reads the packets and the first frame; ``validate_clip`` decodes everything. No single check finds every
damaged file: a decoder hides lost frames, a container claims frames it has lost, and a clean decode may be of another
file.
"""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from msgspec.structs import replace

from storyboard.core.clip import ClipInfo
from storyboard.core.model import Size
from storyboard.media import h264
from storyboard.media.frames import decode_frames
from storyboard.media.quality_scan import QualityScan
from storyboard.media.reader import (
    InvalidMedia,
    UnreadableMedia,
    capture_errors,
    open_media,
    ratio,
    video_decoder,
    video_stream,
)
from storyboard.media.render import color
from storyboard.media.render.encoder import SEGMENT_PARAMETER_SET, SLATED_PARAMETER_SET
from storyboard.media.sample_table import SampleTable, packets, read_sample_table

__all__ = ["InvalidMedia", "UnreadableMedia", "probe", "validate_clip"]

_MAX_COPY_ENDS = 20_000
_MAX_PAUSE_S = Fraction(10)
_MIN_RATE, _MAX_RATE = Fraction(1), Fraction(480)


def probe(path: Path) -> ClipInfo:
    """Return the facts of *path* without a full decode. Raises ``UnreadableMedia`` and ``OSError``."""
    with open_media(path) as container:
        stream = video_stream(container)
        table = read_sample_table(container, stream)
        first = next(decode_frames(container, stream, table, [0]))
        return describe(container, stream, table, first)


def validate_clip(
    path: Path, *, size: Size | None = None, duration: Fraction | None = None, watch: bool = True
) -> ClipInfo:
    """Decode all of *path* and return its facts.

    It must have every frame that its container claims, the *size* in pixels, and *duration* seconds to within one
    frame; ``None`` skips that check. Sound, if any, must decode too. With *watch* black and frozen stretches are noted.

    Without it a group of pictures that repeats an earlier one is not decoded again.

    Raises ``InvalidMedia`` with the reason, and ``OSError`` if the file can't be read.
    """
    _check_frame_count(path)
    digests: list[bytes] = []
    with capture_errors() as complaints, open_media(path, strict=True) as container:
        stream = video_stream(container)
        if not stream.width:
            raise InvalidMedia("has frames of an unknown or unsupported size")
        table = read_sample_table(container, stream, lambda data: digests.append(hashlib.sha256(data).digest()))
        _check_times(table)
        repeats = frozenset() if watch else repeated_samples(table, digests)
        info = _decode_all(container, stream, table, QualityScan() if watch else None, repeats)
    if complaints:
        raise InvalidMedia(f"does not decode: {complaints[0]}")
    _check_request(info, size, duration)
    return info


def describe(container: InputContainer, stream: VideoStream, table: SampleTable, first: VideoFrame) -> ClipInfo:
    """Return the facts of a clip from its sample table and its first frame."""
    rate, constant = table.frame_rate()
    aspect = ratio(stream.sample_aspect_ratio, Fraction(1))
    return ClipInfo(
        frames=table.frames,
        rate=f"{rate.numerator}/{rate.denominator}",
        width=first.width,
        height=first.height,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=first.format.name,
        color=color.color_tags(first),
        rotation=color.rotation(first),
        pixel_aspect=f"{aspect.numerator}/{aspect.denominator}",
        constant_rate=constant,
        parameter_sets=table.sets.digest()
        if table.sets and not table.has_inband_sets and _fits_segment_sets(table.sets)
        else "",
        closed_start=table.closed_start,
        has_audio=bool(container.streams.audio),
        **_copy_points(table),
    )


def _fits_segment_sets(sets: h264.ParameterSets) -> bool:
    """Return whether no set uses the number of the segments' sets, which would conflict in one sample entry."""
    return all(number not in (SEGMENT_PARAMETER_SET, SLATED_PARAMETER_SET) for _, number in sets.by_id())


def _copy_points(table: SampleTable) -> dict[str, Any]:
    """Return where packets may be cut without coding; for a clip with too many such places only that it is whole."""
    if not table.sets or table.has_inband_sets or not table.closed_start:
        return {}
    starts, ends = table.copy_starts, table.copy_ends
    if len(ends) == table.frames:
        return {"copy_starts": tuple(starts), "in_order": True}
    return {"copy_starts": tuple(starts), "copy_ends": tuple(ends)} if len(ends) <= _MAX_COPY_ENDS else {}


def repeated_samples(table: SampleTable, digests: Sequence[bytes]) -> frozenset[int]:
    """Return the numbers of the samples that decode as earlier ones do: in groups of equal packets, *digests* of which.

    A group begins at a keyframe before which everything was displayed, so that nothing earlier has a part in it. It may
    end early, as the last one of a held picture does. A clip whose frames are stored in another order has none.
    """
    if not _copy_points(table).get("in_order"):
        return frozenset()
    repeated: set[int] = set()
    known: dict[bytes, Sequence[bytes]] = {}
    for first, end in pairwise([*table.copy_starts, table.frames]):
        group = digests[first:end]
        earlier = known.setdefault(group[0], group)
        if earlier is not group and earlier[: len(group)] == group:
            repeated.update(range(first, end))
    return frozenset(repeated)


def _check_frame_count(path: Path) -> None:
    """Raise ``InvalidMedia`` unless the file holds as many frames as its header claims; Matroska claims nothing."""
    with open_media(path, raw=True, packets_only=True) as container:
        stream = video_stream(container)
        stored = sum(not packet.is_corrupt for packet in packets(container, stream))
        claimed = stream.frames or stored
    if stored != claimed or not stored:
        raise InvalidMedia(f"has {stored} of {claimed} frames")


def _check_times(table: SampleTable) -> None:
    times, tick = table.times, table.tick
    if table.frames < 2:
        raise InvalidMedia("has a single frame")
    pause = max(later - earlier for earlier, later in pairwise(times)) * tick
    if abs(times[0] * tick) > _MAX_PAUSE_S or pause > _MAX_PAUSE_S:
        raise InvalidMedia("has invalid frame times")
    rate, _ = table.frame_rate()
    if not _MIN_RATE <= rate <= _MAX_RATE:
        raise InvalidMedia(f"has {float(rate):.4g} fps")


def _decode_all(
    container: InputContainer,
    stream: VideoStream,
    table: SampleTable,
    watch: QualityScan | None,
    repeats: frozenset[int],
) -> ClipInfo:
    """Decode pictures and sound to the end and count the frames; the samples *repeats* count as decoded."""
    container.seek(table.samples[0].pts, stream=stream)
    first: VideoFrame | None = None
    count, number, decoder = 0, -1, video_decoder(stream)
    sound = [track for track in container.streams.audio if track.codec_context]
    try:
        for packet in container.demux(stream, *sound):
            if packet.stream is stream:
                number += 1
                if number in repeats:
                    count += 1
                    continue
            for frame in decoder.decode(packet) if packet.stream is stream else packet.decode():
                if not isinstance(frame, VideoFrame):
                    continue
                if frame.is_corrupt:
                    raise InvalidMedia(f"is damaged in frame {count}")
                first = first or frame
                count += 1
                if watch is not None:
                    watch.add(frame)
    except FFmpegError as problem:
        raise InvalidMedia(f"does not decode after frame {count}: {problem.strerror}") from problem
    if first is None or count != table.frames:
        raise InvalidMedia(f"has {count} of {table.frames} frames")
    if (first.width, first.height) != (stream.codec_context.width, stream.codec_context.height):
        raise InvalidMedia("changes its frame size")
    info = describe(container, stream, table, first)
    if watch is None:
        return info
    times = [float((time - table.times[0]) * table.tick) for time in table.times]
    times.append(times[-1] + 1 / float(info.fps))
    return replace(info, black=watch.black_ranges(times), frozen=watch.frozen_ranges(times))


def _check_request(info: ClipInfo, size: Size | None, duration: Fraction | None) -> None:
    if size is not None and (info.width, info.height) != (size.width, size.height):
        raise InvalidMedia(f"is {info.width}x{info.height}, not {size}")
    if duration is not None and abs(info.frames - duration * info.fps) > 1:
        raise InvalidMedia(f"lasts {float(info.duration):.3f} s, not {float(duration):g} s")
