"""The facts of a clip that has been read, and the texts that it carries about itself."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from storyboard.core.clip import ClipInfo
from storyboard.media import avc, tagging
from storyboard.media.encode import SEGMENT_PARAMETER_SET
from storyboard.media.index import Index
from storyboard.media.reader import opened, ratio

_MOST_ENDS = 20_000


def tags(path: Path) -> Mapping[str, str]:
    """The texts that *path* carries about itself, by name. Raises ``Unreadable`` and ``OSError``."""
    with opened(path, packets_only=True) as container:
        return dict(container.metadata)


def described(container: InputContainer, stream: VideoStream, found: Index, first: VideoFrame) -> ClipInfo:
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
        color=tagging.tags(first),
        rotation=tagging.rotation(first),
        pixel_aspect=f"{aspect.numerator}/{aspect.denominator}",
        constant_rate=constant,
        parameter_sets=found.sets.digest() if found.sets and not found.restated and _apart(found.sets) else "",
        closed_start=found.closed,
        has_audio=bool(container.streams.audio),
        **_copy_points(found),
    )


def _apart(sets: avc.ParameterSets) -> bool:
    """Whether no set has the number of those that we encode with, which it could not stand beside."""
    return all(number != SEGMENT_PARAMETER_SET for _, number in sets.by_id())


def _copy_points(found: Index) -> dict[str, Any]:
    """Where packets may be cut without coding; of a clip that has too many such places only that it is whole."""
    if not found.sets or found.restated or not found.closed:
        return {}
    starts, ends = found.copy_starts, found.copy_ends
    if len(ends) == found.frames:
        return {"copy_starts": tuple(starts), "in_order": True}
    return {"copy_starts": tuple(starts), "copy_ends": tuple(ends)} if len(ends) <= _MOST_ENDS else {}
