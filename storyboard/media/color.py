"""Colour between RGB and video frames.

A frame without tags is taken for BT.709 from 720 lines upwards and for BT.601 below, as players do. HDR is not
converted: its tones are mapped by nobody here.
"""

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from storyboard.core.model import Size
from storyboard.media.tagging import range_of, tag_bt709

Rgb = npt.NDArray[np.uint8]

HD_LINES = 720

# Exact conversion, the same on every processor.
_EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.BITEXACT
)
# Scaling of planes, which meets no matrix.
_SCALED = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
# The conversion that swscale has for a matrix; it knows fewer than H.273.
_CONVERSIONS = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}


def to_rgb(frame: VideoFrame) -> Rgb:
    """Full range RGB, shape (height, width, 3), uint8, as stored: rotation is not applied.

    What is transparent lies on black; the colours are taken not to be multiplied by their opacity already.
    """
    clear = _is_clear(frame)
    converted = frame.reformat(
        format="rgba" if clear else "rgb24",
        src_colorspace=_conversion(frame),
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG if range_of(frame) == ColorRange.JPEG else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=_EXACT,
    )
    picture = np.asarray(converted.to_ndarray(), dtype=np.uint8)
    return _on_black(picture) if clear else picture


def _is_clear(frame: VideoFrame) -> bool:
    return any(part.is_alpha for part in frame.format.components)


def _on_black(picture: Rgb) -> Rgb:
    opacity = picture[:, :, 3:].astype(np.uint16)
    return ((picture[:, :, :3] * opacity + np.uint16(127)) // np.uint16(255)).astype(np.uint8)


def in_709(frame: VideoFrame, size: Size, converter: VideoReformatter) -> npt.NDArray[np.uint8]:
    """*frame* in *size*, in the film's colours, as stored: yuv420p planes, shape (height * 3 / 2, width), uint8.

    Chroma is only taken apart and put together again where the matrix differs.
    """
    if _is_clear(frame):
        frame = to_bt709(to_rgb(frame))
    conversion = _conversion(frame)
    full = range_of(frame) == ColorRange.JPEG
    as_it_is = frame.format.name == "yuv420p" and conversion == Colorspace.ITU709 and not full
    if not as_it_is or (frame.width, frame.height) != (size.width, size.height):
        frame = converter.reformat(
            frame,
            size.width,
            size.height,
            "yuv420p",
            src_colorspace=conversion,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_SCALED if conversion == Colorspace.ITU709 else _EXACT,
            threads=1,
        )
    return np.asarray(frame.to_ndarray(), dtype=np.uint8)


def from_709(planes: npt.NDArray[np.uint8]) -> Rgb:
    """Full range RGB from yuv420p planes of the film's colours."""
    return to_rgb(frame_of(planes))


def frame_of(planes: npt.NDArray[np.uint8]) -> VideoFrame:
    """A frame of those yuv420p planes, shape (height * 3 / 2, width), tagged with the film's colours.

    It shares their memory where PyAV can: it takes the height for a multiple of four.
    """
    rows, width = planes.shape
    if rows % 6 == 0:
        frame = VideoFrame.from_numpy_buffer(np.ascontiguousarray(planes), format="yuv420p")
    else:
        frame = VideoFrame(width, rows * 2 // 3, "yuv420p")
        at, flat = 0, planes.reshape(-1)
        for plane in frame.planes:
            count = plane.width * plane.height
            target = np.frombuffer(memoryview(plane), np.uint8, plane.line_size * plane.height)
            target.reshape(plane.height, plane.line_size)[:, : plane.width] = flat[at : at + count].reshape(
                plane.height, plane.width
            )
            at += count
    tag_bt709(frame)
    return frame


def upright(picture: Rgb, rotation: int) -> Rgb:
    """*picture* turned clockwise by *rotation* degrees, a multiple of 90."""
    return np.ascontiguousarray(np.rot90(picture, -rotation // 90))


def to_bt709(picture: Rgb, converter: VideoReformatter | None = None) -> VideoFrame:
    """A yuv420p frame of the tv range from a full range RGB picture, by the BT.709 matrix, and tagged so.

    Whoever converts many pictures hands in one *converter*: setting one up costs as much as using it.
    """
    source = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(picture), format="rgb24")
    frame = (converter or VideoReformatter()).reformat(
        source,
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=_EXACT,
    )
    tag_bt709(frame)
    return frame


def _conversion(frame: VideoFrame) -> Colorspace:
    """The matrix of *frame*, by its size if it names none."""
    known = _CONVERSIONS.get(frame.colorspace)
    return known or (Colorspace.ITU709 if frame.height >= HD_LINES else Colorspace.ITU601)
