"""What a clip is, and the one gate through which it enters the store.

``probe`` reads the packets and the first frame; ``gate`` decodes everything. No single check finds every damaged
file: a decoder hides lost frames, a container promises frames it has lost, and a clean decode may be of another file.

The facts of a clip that has been read, and the texts that it carries about itself.
"""

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
from storyboard.media.frames import exact_frames
from storyboard.media.quality_scan import QualityScan
from storyboard.media.reader import (
    InvalidMedia,
    UnreadableMedia,
    listening,
    open_media,
    picture_decoder,
    picture_stream,
    ratio,
)
from storyboard.media.render import color
from storyboard.media.render.encoder import SEGMENT_PARAMETER_SET
from storyboard.media.sample_table import SampleTable, index, packets

_MOST_ENDS = 20_000


def described(container: InputContainer, stream: VideoStream, found: SampleTable, first: VideoFrame) -> ClipInfo:
    """The facts of a clip that has been read; *first* is its first frame."""
    rate, constant = found.pace()
    aspect = ratio(stream.sample_aspect_ratio, Fraction(1))
    return ClipInfo(
        frames=found.frames,
        rate=f"{rate.numerator}/{rate.denominator}",
        width=first.width,
        height=first.height,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=first.format.name,
        color=color.tags(first),
        rotation=color.rotation(first),
        pixel_aspect=f"{aspect.numerator}/{aspect.denominator}",
        constant_rate=constant,
        parameter_sets=found.sets.digest() if found.sets and not found.restated and _apart(found.sets) else "",
        closed_start=found.closed,
        has_audio=bool(container.streams.audio),
        **_copy_points(found),
    )


def _apart(sets: h264.ParameterSets) -> bool:
    """Whether no set has the number of those that we encode with, which it could not stand beside."""
    return all(number != SEGMENT_PARAMETER_SET for _, number in sets.by_id())


def _copy_points(found: SampleTable) -> dict[str, Any]:
    """Where packets may be cut without coding; of a clip that has too many such places only that it is whole."""
    if not found.sets or found.restated or not found.closed:
        return {}
    starts, ends = found.copy_starts, found.copy_ends
    if len(ends) == found.frames:
        return {"copy_starts": tuple(starts), "in_order": True}
    return {"copy_starts": tuple(starts), "copy_ends": tuple(ends)} if len(ends) <= _MOST_ENDS else {}


__all__ = ["InvalidMedia", "UnreadableMedia", "gate", "probe"]

_LONGEST_PAUSE = Fraction(10)
_SLOWEST, _FASTEST = Fraction(1), Fraction(480)


def probe(path: Path) -> ClipInfo:
    """The facts of *path*, which is trusted to be whole. Raises ``UnreadableMedia`` and ``OSError``."""
    with open_media(path) as container:
        stream = picture_stream(container)
        found = index(container, stream)
        first = next(exact_frames(container, stream, found, [0]))
        return described(container, stream, found, first)


def gate(path: Path, *, size: Size | None = None, duration: Fraction | None = None) -> ClipInfo:
    """The facts of *path* once all of it has been decoded without error.

    It must have every frame that its container claims, the *size* in pixels, and *duration* seconds to within one
    frame; ``None`` leaves that open. Sound, if any, must decode too.

    Raises ``InvalidMedia`` with what is wrong in words, and ``OSError`` if the file can't be read.
    """
    _check_stored(path)
    with listening() as complaints, open_media(path, strict=True) as container:
        stream = picture_stream(container)
        if not stream.width:
            raise InvalidMedia("has pictures of an unknown or forbidden size")
        found = index(container, stream)
        _check_times(found)
        info = _decoded(container, stream, found)
    if complaints:
        raise InvalidMedia(f"does not decode: {complaints[0]}")
    _check_asked(info, size, duration)
    return info


def _check_stored(path: Path) -> None:
    """Whether the file holds as many frames as its header says; Matroska says nothing."""
    with open_media(path, raw=True, packets_only=True) as container:
        stream = picture_stream(container)
        stored = sum(not packet.is_corrupt for packet in packets(container, stream))
        claimed = stream.frames or stored
    if stored != claimed or not stored:
        raise InvalidMedia(f"has {stored} of {claimed} frames")


def _check_times(found: SampleTable) -> None:
    times, tick = found.times, found.tick
    if found.frames < 2:
        raise InvalidMedia("has a single frame")
    pause = max(later - earlier for earlier, later in pairwise(times)) * tick
    if abs(times[0] * tick) > _LONGEST_PAUSE or pause > _LONGEST_PAUSE:
        raise InvalidMedia("has frames at times that make no sense")
    rate, _ = found.pace()
    if not _SLOWEST <= rate <= _FASTEST:
        raise InvalidMedia(f"has {float(rate):.4g} frames a second")


def _decoded(container: InputContainer, stream: VideoStream, found: SampleTable) -> ClipInfo:
    """Decode pictures and sound to the end and count."""
    container.seek(found.samples[0].pts, stream=stream)
    first: VideoFrame | None = None
    count, watch, decoder = 0, QualityScan(), picture_decoder(stream)
    sound = [track for track in container.streams.audio if track.codec_context]
    try:
        for packet in container.demux(stream, *sound):
            for frame in decoder.decode(packet) if packet.stream is stream else packet.decode():
                if not isinstance(frame, VideoFrame):
                    continue
                if frame.is_corrupt:
                    raise InvalidMedia(f"is damaged in frame {count}")
                first = first or frame
                count += 1
                watch.see(frame)
    except FFmpegError as problem:
        raise InvalidMedia(f"does not decode after frame {count}: {problem.strerror}") from problem
    if first is None or count != found.frames:
        raise InvalidMedia(f"has {count} of {found.frames} frames")
    if (first.width, first.height) != (stream.codec_context.width, stream.codec_context.height):
        raise InvalidMedia("changes its size on the way")
    info = described(container, stream, found, first)
    times = [float((time - found.times[0]) * found.tick) for time in found.times]
    times.append(times[-1] + 1 / float(info.fps))
    return replace(info, black=watch.black(times), frozen=watch.frozen(times))


def _check_asked(info: ClipInfo, size: Size | None, duration: Fraction | None) -> None:
    if size is not None and (info.width, info.height) != (size.width, size.height):
        raise InvalidMedia(f"is {info.width}x{info.height}, not {size}")
    if duration is not None and abs(info.frames - duration * info.fps) > 1:
        raise InvalidMedia(f"lasts {float(info.duration):.3f} s, not {float(duration):g} s")
