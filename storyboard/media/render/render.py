"""One segment of the cut: a stretch of a take, conformed to the film's size, rate and colour, and encoded.

Owns which source frame is shown when, and that the result has every frame. How a frame is conformed is ``conform``'s;
the store decides where the result goes.

Reads ahead in a thread of its own: a decoder works while what it gave is conformed and encoded.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from av.video.frame import VideoFrame
from msgspec import Struct

from storyboard.core.clip import HDR, ClipInfo
from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas
from storyboard.durable import remove
from storyboard.media.frames import exact_frames
from storyboard.media.probe import probe
from storyboard.media.reader import InvalidMedia, open_media, picture_stream, ratio
from storyboard.media.render.color import tags
from storyboard.media.render.conform import Conformer, Planes
from storyboard.media.render.encoder import SEGMENT_PARAMETER_SET, ClipWriter, Encoding
from storyboard.media.sample_table import SampleTable, index

T = TypeVar("T")

_END: Any = object()


@contextmanager
def read_ahead(items: Iterable[T], most: int) -> Iterator[Iterator[T]]:
    """*items*, of which up to *most* are taken before they are asked for.

    They are taken in another thread, which has ended when the block has. What they raise is raised where it would
    have been.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="read ahead")
    try:
        yield _taken(iter(items), most, thread)
    finally:
        thread.shutdown(cancel_futures=True)


def _taken(items: Iterator[T], most: int, thread: ThreadPoolExecutor) -> Iterator[T]:
    coming = deque(thread.submit(next, items, _END) for _ in range(most))
    while coming:
        item = coming.popleft().result()
        if item is _END:
            return
        coming.append(thread.submit(next, items, _END))
        yield item


# Pictures are decoded, conformed and encoded beside each other, also where a single piece is made.
SEGMENT_THREADS = 2
_AHEAD = 2
SEGMENT_ENCODING = Encoding(parameter_set_id=SEGMENT_PARAMETER_SET, threads=SEGMENT_THREADS)


def encoding_of(canvas: Canvas) -> Encoding:
    """Return the encoding of a segment that is drawn on *canvas*."""
    return Encoding(canvas.crf, canvas.preset, SEGMENT_PARAMETER_SET, threads=SEGMENT_THREADS)


Progress = Callable[[int, int], None]


class Segment(Struct, frozen=True):
    """What to render: *frames* frames of *size* at *rate*, from *start* seconds into *source*, played at *speed*.

    Output frame k shows what is on the source's screen in the middle of k's own time, so that a change of rate
    neither repeats the tail nor loses the last frame. *fit* is ``contain``, ``cover`` or ``stretch``.
    """

    source: Path
    start: Fraction
    frames: int
    rate: Fraction
    size: Size
    speed: Fraction = Fraction(1)
    encoding: Encoding = SEGMENT_ENCODING
    fit: str = "contain"


class RenderFailed(Exception):
    """A segment that could not be made; nothing was left behind. The message says why, for people."""


def render(segment: Segment, out: Path, progress: Progress | None = None) -> ClipInfo:
    """Write *segment* to *out*, a temporary path of the caller's, and probe what was written.

    *progress* hears (frames done, frames in all). The same segment gives the same bytes. Raises ``RenderFailed`` if
    the source can't be read, is too short, or the result is not exactly what was asked for, and ``OSError``.
    """
    try:
        _write(segment, out, progress or (lambda done, total: None))
    except InvalidMedia as problem:
        raise RenderFailed(f"{segment.source.name} {problem.reason}") from problem
    return checked(segment.frames, Canvas(segment.size, segment.rate), out)


def source_frames(found: SampleTable, rate: Fraction | None, segment: Segment) -> list[int]:
    """The shown number of the source frame behind each output frame.

    *rate* is the source's constant rate, ``None`` if it varies. Raises ``RenderFailed`` if the source begins
    too late, or ends more than a frame too early.
    """
    if segment.frames < 1 or segment.start < 0:
        raise RenderFailed("the segment is empty or begins before its source")
    last = found.frames - 1
    step = segment.speed / segment.rate
    source_step = Fraction(1) / rate if rate else (found.times[-1] - found.times[0]) * found.tick / max(1, last)
    missing = segment.start + segment.frames * step - found.frames * source_step
    if missing > max(step, source_step):
        raise RenderFailed(f"{segment.source.name} ends {float(missing):.3f} s before the segment")
    middles = (segment.start + (k + Fraction(1, 2)) * step for k in range(segment.frames))
    return [min(found.at(middle, rate), last) for middle in middles]


def _write(segment: Segment, out: Path, progress: Progress) -> None:
    with footage(segment) as picture, ClipWriter(out, segment.size, segment.rate, segment.encoding) as writer:
        for number in range(segment.frames):
            writer.write_planes(picture(number))
            progress(writer.frames, segment.frames)


@contextmanager
def footage(segment: Segment) -> Iterator[Callable[[int], Planes]]:
    """The conformed picture of each frame of *segment*, to be asked for in rising order; one frame is kept.

    Raises ``RenderFailed`` and ``InvalidMedia``.
    """
    with open_media(segment.source, strict=True) as container:
        stream = picture_stream(container)
        found = index(container, stream)
        rate, constant = found.pace()
        numbers = source_frames(found, rate if constant else None, segment)
        aspect = ratio(stream.sample_aspect_ratio, Fraction(1))
        conformer = Conformer(segment.size, segment.fit, aspect)
        with read_ahead(exact_frames(container, stream, found, numbers), _AHEAD) as frames:
            yield _FrameSource(frames, conformer)


class _FrameSource:
    """The conformed picture behind each output frame; asked for rising numbers, remembers the last one."""

    def __init__(self, frames: Iterator[VideoFrame], conformer: Conformer) -> None:
        self._frames = enumerate(frames)
        self._conformer = conformer
        self._number = -1
        self._frame: VideoFrame | None = None

    def __call__(self, number: int) -> Planes:
        while self._number < number:
            self._number, frame = next(self._frames)
            if frame is not self._frame:
                if self._frame is None:
                    _check_tones(frame)
                self._frame = frame
                self._picture = self._conformer.planes(frame)
        return self._picture


def _check_tones(frame: VideoFrame) -> None:
    transfer = tags(frame).split("/")[2]
    if transfer in HDR:
        raise InvalidMedia(f"is HDR ({transfer}), whose tones are not mapped; a film takes BT.709")


def checked(frames: int, canvas: Canvas, out: Path) -> ClipInfo:
    """The facts of *out* once it has proved to be *frames* frames as *canvas* wants them; else it is removed.

    Raises ``RenderFailed``.
    """
    try:
        info = probe(out)
        size = Size(info.width, info.height)
        if (info.frames, size, info.fps) != (frames, canvas.size, canvas.rate) or not info.constant_rate:
            raise RenderFailed(f"has {info.frames} frames of {size} at {info.rate}")
    except (InvalidMedia, RenderFailed) as problem:
        remove(out)
        raise RenderFailed(f"the result {problem}") from problem
    return info
