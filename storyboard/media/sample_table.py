"""Sample table of a clip: time, kind and place of each frame, read from the packets without decoding.

A *frame number* counts frames in display order, a *position* counts packets in decoding order; with B-frames the two
differ.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from storyboard.media import h264
from storyboard.media.reader import UnreadableMedia, ratio, translate_errors

# The usual frame rates; a coarse clock does not reveal the rate, only which of these fit.
_COMMON_RATES = (
    *(Fraction(rate) for rate in (12, 15, 16, 20, 24, 25, 30, 48, 50, 60, 120)),
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)),
)
_COARSE_TICK_S = Fraction(1, 1000)


class Sample(NamedTuple):
    """One packet: times in ticks, whether decoding may begin with it, whether it is displayed, and its file offset.

    The offset is -1 if the container does not tell.
    """

    pts: int
    dts: int
    is_key: bool
    is_shown: bool
    offset: int = -1


class SampleTable:
    """The samples of one video stream in decoding order; ``tick`` is the length of one tick in seconds.

    ``declared`` is the container's frame rate. ``has_inband_sets`` is true if the stream carries parameter sets that
    its header lacks; ``sets`` are those of the header, ``None`` for codecs other than H.264.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        tick: Fraction,
        declared: Fraction,
        sets: h264.ParameterSets | None,
        *,
        has_inband_sets: bool,
    ) -> None:
        self.samples = samples
        self.tick = tick
        self.declared = declared
        self.sets = sets
        self.has_inband_sets = has_inband_sets

    @cached_property
    def order(self) -> list[int]:
        """The position of each displayed frame."""
        shown = (number for number, sample in enumerate(self.samples) if sample.is_shown)
        return sorted(shown, key=lambda position: self.samples[position].pts)

    @cached_property
    def times(self) -> list[int]:
        """The tick at which each displayed frame appears."""
        return [self.samples[position].pts for position in self.order]

    @cached_property
    def numbers(self) -> dict[int, int]:
        """The frame number at each tick."""
        return {time: number for number, time in enumerate(self.times)}

    @property
    def frames(self) -> int:
        """The number of displayed frames."""
        return len(self.order)

    def frame_at(self, seconds: Fraction, rate: Fraction | None) -> int:
        """Return the number of the frame on display *seconds* after the first; it may lie beyond the last.

        *rate* is the constant rate; without one, the times of the frames decide.
        """
        if rate is not None:
            return int(seconds * rate // 1)
        return bisect_right(self.times, self.times[0] + seconds / self.tick) - 1

    def keyframe_before(self, shown: int) -> Sample:
        """Return the sample with which decoding has to begin so that frame *shown* is complete."""
        position = self.order[shown]
        wanted = self.samples[position]
        before = (self.samples[number] for number in range(position, -1, -1))
        return next((sample for sample in before if sample.is_key and sample.pts <= wanted.pts), self.samples[0])

    @cached_property
    def copy_ends(self) -> list[int]:
        """The packet counts after which exactly that many frames, the first ones, have been decoded."""
        shown = [0] * len(self.samples)
        for number, position in enumerate(self.order):
            shown[position] = number
        return [count for count, last in enumerate(accumulate(shown, max), 1) if last == count - 1]

    @property
    def copy_starts(self) -> list[int]:
        """The frames at which a copy may begin: keyframes before which every frame has been displayed."""
        ends = {0, *self.copy_ends}
        return [number for number, sample in enumerate(self.samples) if sample.is_key and number in ends]

    @property
    def closed_start(self) -> bool:
        """Return whether the first packet is a keyframe, the first frame, and every packet is displayed."""
        if not self.samples or not all(sample.is_shown for sample in self.samples):
            return False
        return self.samples[0].is_key and self.samples[0].pts == self.times[0]

    def frame_rate(self) -> tuple[Fraction, bool]:
        """Return the frame rate, and whether frames are evenly spaced to within the clock's tick.

        For uneven frames it is the average; a single frame has the declared rate.
        """
        times, tick = self.times, self.tick
        span = times[-1] - times[0]
        if not span:
            return self.declared, True
        mean = (len(times) - 1) / (span * tick)
        step, rest = divmod(span, len(times) - 1)
        if rest == 0 and tick < _COARSE_TICK_S and _fits_rate(times, Fraction(step), 0):
            return mean, True
        for rate in sorted(_COMMON_RATES, key=lambda rate: abs(rate - mean)):
            if _fits_rate(times, 1 / (rate * tick), 1):
                return rate, True
        return mean, _fits_rate(times, 1 / (mean * tick), 1)


def read_sample_table(
    container: InputContainer, stream: VideoStream, on_packet: Callable[[memoryview], object] | None = None
) -> SampleTable:
    """Read every packet of *stream* from the start; pass each to *on_packet*.

    Raises ``UnreadableMedia`` for packets that are cut short or have no time, and if no frame or two at once are
    displayed.
    """
    sets = header_sets(stream)
    samples: list[Sample] = []
    has_inband_sets = False
    for packet in packets(container, stream):
        if packet.pts is None or packet.is_corrupt:
            raise UnreadableMedia(f"is damaged in frame {len(samples)}")
        key = packet.is_keyframe
        data = memoryview(packet)
        if sets:
            idr, new_sets = _inspect(data, sets, len(samples))
            key = key and idr
            has_inband_sets = has_inband_sets or new_sets
        if on_packet is not None:
            on_packet(data)
        dts = packet.pts if packet.dts is None else packet.dts
        samples.append(Sample(packet.pts, dts, key, not packet.is_discard, -1 if packet.pos is None else packet.pos))
    tick = ratio(stream.time_base, Fraction(1))
    declared = ratio(stream.average_rate, ratio(stream.guessed_rate, Fraction(1)))
    found = SampleTable(samples, tick, declared, sets, has_inband_sets=has_inband_sets)
    if not found.times:
        raise UnreadableMedia("has no displayed frame")
    if len(set(found.times)) < found.frames:
        raise UnreadableMedia("has two frames at one time")
    return found


def packets(container: InputContainer, stream: VideoStream) -> "Iterator[Packet[VideoStream]]":
    """Yield the packets of *stream* from here on, without the empty one at the end. Raises ``UnreadableMedia``."""
    with translate_errors():
        for packet in container.demux(stream):
            if packet.size:
                yield packet


def _inspect(packet: memoryview, sets: h264.ParameterSets, number: int) -> tuple[bool, bool]:
    """Return whether the packet is an IDR picture, and whether it carries parameter sets that *sets* lacks."""
    kind = h264.single_unit_kind(packet, sets.length_size)
    if h264.is_single_picture(kind):
        return kind == h264.IDR, False
    try:
        parts = list(h264.split_units(packet, sets.length_size))
    except ValueError as problem:
        raise UnreadableMedia(f"is damaged in frame {number}") from problem
    own = [bytes(unit) for unit in parts if h264.is_parameter_set(unit)]
    return h264.is_idr(parts), any(unit not in sets.sps and unit not in sets.pps for unit in own)


def header_sets(stream: VideoStream) -> h264.ParameterSets | None:
    """Return the parameter sets of an H.264 stream, ``None`` if it is another codec or stores them elsewhere."""
    if stream.codec_context.name != "h264" or not stream.codec_context.extradata:
        return None
    try:
        return h264.parse_avcc(bytes(stream.codec_context.extradata))
    except ValueError:
        return None


def _fits_rate(times: Sequence[int], step: Fraction, slack: int) -> bool:
    """Return whether every frame lies within *slack* ticks of a constant *step*."""
    first, over, under = times[0], step.numerator, step.denominator
    return all(abs((time - first) * under - number * over) <= slack * under for number, time in enumerate(times))
