"""Exact frames of a clip, many in order as they are needed.

A frame is found by its number among the frames that are shown, never by seeking to a duration: containers round it.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from storyboard.media.decoding import picture_decoder
from storyboard.media.index import Index, packets
from storyboard.media.reader import Unreadable, reading


def exact_frames(
    container: InputContainer, stream: VideoStream, found: Index, wanted: Iterable[int]
) -> Iterator[VideoFrame]:
    """The frames of those shown numbers, which must not fall; decodes from the nearest keyframe, keeps one frame.

    Frames that nobody asked for and no other frame needs are passed over undecoded. Raises ``Unreadable`` if one of
    those asked for does not come out of the decoder.
    """
    numbers = list(wanted)
    decoded: Iterator[VideoFrame] | None = None
    frame: VideoFrame | None = None
    shown = -1
    for number in numbers:
        if decoded is None:
            decoded = _decoded_towards(container, stream, found, number, frozenset(numbers))
        while shown < number:
            with reading():
                frame = next(decoded, None)
            if frame is None:
                break
            shown = _shown(found, frame)
        if frame is None or shown != number or frame.is_corrupt:
            raise Unreadable(f"has no frame {number} that decodes")
        yield frame


def _decoded_towards(
    container: InputContainer, stream: VideoStream, found: Index, number: int, wanted: frozenset[int]
) -> Iterator[VideoFrame]:
    """Frames from the keyframe before *number* on; from the start where the container seeks beyond that."""
    for sample in (found.key_before(number), found.samples[0]):
        with reading():
            container.seek(sample.pts, stream=stream)
            decoded = _decoded(container, stream, found, wanted)
            first = next(decoded, None)
        if first is not None and _shown(found, first) <= number:
            return chain([first], decoded)
    raise Unreadable(f"has no frame {number} that decodes")


def _decoded(
    container: InputContainer, stream: VideoStream, found: Index, wanted: frozenset[int]
) -> Iterator[VideoFrame]:
    """What comes out from here on: all that is *wanted*, and all that other frames refer to."""
    context, passing_over = picture_decoder(stream), False
    try:
        for packet in packets(container, stream):
            unwanted = packet.pts is not None and found.numbers.get(packet.pts, -1) not in wanted
            if unwanted != passing_over:
                context.skip_frame = "NONREF" if unwanted else "DEFAULT"
                passing_over = unwanted
            yield from context.decode(packet)
        yield from context.decode(None)
    finally:
        context.skip_frame = "DEFAULT"


def _shown(found: Index, frame: VideoFrame) -> int:
    """The shown number of a frame from the decoder, -1 if it is none that is shown."""
    return -1 if frame.pts is None else found.numbers.get(frame.pts, -1)
