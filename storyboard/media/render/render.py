"""Rendering of footage: a source range of a take, conformed to the film's size, rate and colour, and encoded.

Owns which source frame is shown when, and checks that the result has every frame. Leaves conforming to ``conform`` and
the place of the result to the store. A thread decodes ahead while earlier frames are conformed and encoded.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from av.video.frame import VideoFrame
from msgspec import Struct

from storyboard.core.clip import HDR, ClipInfo
from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas
from storyboard.durable import remove
from storyboard.media.frames import decode_frames
from storyboard.media.probe import probe
from storyboard.media.reader import InvalidMedia, open_media, ratio, video_stream
from storyboard.media.render.color import color_tags
from storyboard.media.render.conform import Conformer, Planes
from storyboard.media.render.encoder import (
    ANIMATIC_CRF,
    ANIMATIC_PRESET,
    SEGMENT_PARAMETER_SET,
    SLATED_PARAMETER_SET,
    ClipWriter,
    Encoding,
)
from storyboard.media.sample_table import SampleTable, read_sample_table

T = TypeVar("T")
_EXHAUSTED: Any = object()
# x264's threads; decoding, conforming and encoding overlap even for a single segment.
SEGMENT_THREADS = 2
SEGMENT_ENCODING = Encoding(parameter_set_id=SEGMENT_PARAMETER_SET, threads=SEGMENT_THREADS)
_READ_AHEAD_FRAMES = 2
# Up to this many pixels a frame is decoded and encoded in less time than a thread takes to hand it on.
_FEW_PIXELS = 640 * 360
_ROW_STEP = 32
Progress = Callable[[int, int], None]


class Segment(Struct, frozen=True):
    """Footage to render: *frames* frames of *size* at *rate*, from *start* seconds into *source*, played at *speed*.

    Output frame k shows the source frame on display in the middle of k's own time, so that a change of rate neither
    repeats the tail nor loses the last frame. *fit* is ``contain``, ``cover`` or ``stretch``.
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
    """A segment that could not be made; no file was left behind. The message gives the reason."""


def render(segment: Segment, out: Path, progress: Progress | None = None) -> ClipInfo:
    """Write *segment* to *out*, a temporary path of the caller's, and probe the result.

    *progress* receives (frames done, frames in all). Equal segments give equal bytes. Raises ``RenderFailed`` if the
    source can't be read, is too short, or the result differs from the request, and ``OSError``.
    """
    try:
        _write(segment, out, progress or (lambda done, total: None))
    except InvalidMedia as problem:
        raise RenderFailed(f"{segment.source.name} {problem.reason}") from problem
    return check_result(segment.frames, Canvas(segment.size, segment.rate), out)


def source_frames(table: SampleTable, rate: Fraction | None, segment: Segment) -> list[int]:
    """Return the number of the source frame behind each output frame.

    *rate* is the source's constant rate, ``None`` if it varies. Raises ``RenderFailed`` if the source begins too late,
    or ends more than a frame too early.
    """
    if segment.frames < 1 or segment.start < 0:
        raise RenderFailed("the segment is empty or begins before its source")
    last = table.frames - 1
    step = segment.speed / segment.rate
    source_step = Fraction(1) / rate if rate else (table.times[-1] - table.times[0]) * table.tick / max(1, last)
    missing = segment.start + segment.frames * step - table.frames * source_step
    if missing > max(step, source_step):
        raise RenderFailed(f"{segment.source.name} ends {float(missing):.3f} s before the segment")
    middles = (segment.start + (k + Fraction(1, 2)) * step for k in range(segment.frames))
    return [min(table.frame_at(middle, rate), last) for middle in middles]


@contextmanager
def open_footage(segment: Segment) -> Iterator[Callable[[int], Planes]]:
    """Yield a function that returns the conformed picture of each frame of *segment*, in ascending order.

    One frame is kept in memory. Raises ``RenderFailed`` and ``InvalidMedia``.
    """
    with open_media(segment.source, strict=True) as container:
        stream = video_stream(container)
        table = read_sample_table(container, stream)
        rate, constant = table.frame_rate()
        numbers = source_frames(table, rate if constant else None, segment)
        aspect = ratio(stream.sample_aspect_ratio, Fraction(1))
        conformer = Conformer(segment.size, segment.fit, aspect)
        ahead = 0 if max(segment.size.pixels, stream.width * stream.height) <= _FEW_PIXELS else _READ_AHEAD_FRAMES
        with read_ahead(decode_frames(container, stream, table, numbers), ahead) as frames:
            yield _FrameSource(frames, conformer)


def encoding_of(canvas: Canvas) -> Encoding:
    """Return the encoding of a segment that is drawn on *canvas*."""
    return Encoding(canvas.crf, canvas.preset, SEGMENT_PARAMETER_SET, threads=SEGMENT_THREADS)


def slated_encoding(canvas: Canvas) -> Encoding:
    """Return the encoding of a segment with a slate: that of an animatic, or a coarser one if *canvas* has it.

    The pictures have been through the encoding of an animatic before, and no film that is delivered has them.
    """
    threads = 1 if canvas.size.pixels <= _FEW_PIXELS else SEGMENT_THREADS
    return Encoding(max(canvas.crf, ANIMATIC_CRF), ANIMATIC_PRESET, SLATED_PARAMETER_SET, threads=threads)


def check_result(frames: int, canvas: Canvas, out: Path) -> ClipInfo:
    """Return the facts of *out* if it has *frames* frames as *canvas* requires, else remove it.

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


@contextmanager
def read_ahead(items: Iterable[T], limit: int) -> Iterator[Iterator[T]]:
    """Iterate over *items* in another thread, up to *limit* of them ahead; with a limit of 0, in this one.

    The thread has ended when the block has. Errors of *items* are raised at their place in the sequence.
    """
    if not limit:
        yield iter(items)
        return
    thread = ThreadPoolExecutor(1, thread_name_prefix="read ahead")
    try:
        yield _prefetch(iter(items), limit, thread)
    finally:
        thread.shutdown(cancel_futures=True)


def _prefetch(items: Iterator[T], limit: int, thread: ThreadPoolExecutor) -> Iterator[T]:
    coming = deque(thread.submit(next, items, _EXHAUSTED) for _ in range(limit))
    while coming:
        item = coming.popleft().result()
        if item is _EXHAUSTED:
            return
        coming.append(thread.submit(next, items, _EXHAUSTED))
        yield item


def _write(segment: Segment, out: Path, progress: Progress) -> None:
    with open_footage(segment) as picture, ClipWriter(out, segment.size, segment.rate, segment.encoding) as writer:
        for number in range(segment.frames):
            writer.write_planes(picture(number))
            progress(writer.frames, segment.frames)


class _FrameSource:
    """The conformed picture behind each output frame, for ascending numbers; keeps the last one.

    A picture that equals the last one is that very object, so that nothing need be drawn over it again.
    """

    def __init__(self, frames: Iterator[VideoFrame], conformer: Conformer) -> None:
        self._frames = enumerate(frames)
        self._conformer = conformer
        self._number = -1
        self._frame: VideoFrame | None = None
        self._picture: Planes = np.empty((0, 0), np.uint8)

    def __call__(self, number: int) -> Planes:
        while self._number < number:
            self._number, frame = next(self._frames)
            if frame is not self._frame:
                if self._frame is None:
                    _check_not_hdr(frame)
                self._frame = frame
                picture = self._conformer.planes(frame)
                if not _is_equal(picture, self._picture):
                    self._picture = picture
        return self._picture


def _is_equal(one: Planes, other: Planes) -> bool:
    """Return whether two pictures are equal; a few rows tell most pairs apart."""
    return np.array_equal(one[::_ROW_STEP], other[::_ROW_STEP]) and np.array_equal(one, other)


def _check_not_hdr(frame: VideoFrame) -> None:
    transfer = color_tags(frame).split("/")[2]
    if transfer in HDR:
        raise InvalidMedia(f"is HDR ({transfer}), which is not tone-mapped; convert it to BT.709")
