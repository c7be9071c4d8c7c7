"""Colour between RGB and video frames.

A frame without tags is taken for BT.709 from 720 lines upwards and for BT.601 below, as players do. HDR is not
converted: its tones are mapped by nobody here.

What a frame says of itself: the names of its colour tags (ITU-T H.273), and which way up it is.

Colours of wider primaries than the film's, brought to those of BT.709: BT.2020 and Display P3, in standard range.

Matrices for linear light by ITU-R BT.2087-0 and SMPTE EG 432-1; the curve between is that of BT.709, which BT.2020
shares. What lies outside of BT.709 is cut off.
"""

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

from storyboard.core.model import Size

Rgb = npt.NDArray[np.uint8]

_MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    14: "ictcp",
}
_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
}
_TRANSFERS = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    13: "srgb",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    18: "arib-std-b67",
}
_RANGES = {1: "tv", 2: "pc"}


def tags(frame: VideoFrame) -> str:
    """``matrix/primaries/transfer/range`` of *frame*, each ``unspecified`` where it says nothing."""
    names = (
        _MATRICES.get(frame.colorspace),
        _PRIMARIES.get(frame.color_primaries),
        _TRANSFERS.get(frame.color_trc),
        _RANGES.get(range_of(frame)),
    )
    return "/".join(name or "unspecified" for name in names)


def rotation(frame: VideoFrame) -> int:
    """By how many degrees clockwise *frame* wants to be turned for display: 0, 90, 180 or 270."""
    return round(-frame.rotation / 90) % 4 * 90


def tag_bt709(target: VideoFrame | VideoCodecContext) -> None:
    """Say that *target* is BT.709 in the tv range."""
    target.colorspace = Colorspace.ITU709
    target.color_primaries = ColorPrimaries.BT709
    target.color_trc = ColorTrc.BT709
    target.color_range = ColorRange.MPEG


def range_of(frame: VideoFrame) -> int:
    """1 for tv, 2 for pc, 0 if untagged; the old yuvj formats are pc by name."""
    return ColorRange.JPEG if frame.format.name.startswith("yuvj") else frame.color_range


_Matrix = npt.NDArray[np.float32]

# By the number of the primaries in H.273.
_TO_709: dict[int, _Matrix] = {
    9: np.array(
        [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]],
        np.float32,
    ),
    12: np.array(
        [[1.224940, -0.224940, 0], [-0.042057, 1.042057, 0], [-0.019638, -0.078636, 1.098274]],
        np.float32,
    ),
}
_STEPS = 1 << 14  # of the way back, so many that the darkest of 256 are still told apart


def is_wide(frame: VideoFrame) -> bool:
    """Whether the colours of *frame* are not those of the film."""
    return frame.color_primaries in _TO_709


def narrowed(picture: Rgb, frame: VideoFrame) -> Rgb:
    """*picture* of *frame*, full range RGB, in the primaries of BT.709; as it is where they are those."""
    matrix = _TO_709.get(frame.color_primaries)
    if matrix is None:
        return picture
    light = _linear(np.arange(256) / 255).astype(np.float32)[picture] @ matrix.T
    steps = (np.clip(light, 0, 1) * (_STEPS - 1) + 0.5).astype(np.uint16)
    return np.asarray(_coded(np.arange(_STEPS) / (_STEPS - 1))[steps], np.uint8)


def _linear(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(value < 0.081, value / 4.5, ((value + 0.099) / 1.099) ** (1 / 0.45))


def _coded(light: npt.NDArray[np.float64]) -> Rgb:
    value = np.where(light < 0.018, light * 4.5, 1.099 * light**0.45 - 0.099)
    return np.asarray(np.round(value * 255), np.uint8)


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
    """Full range RGB of BT.709's primaries, shape (height, width, 3), uint8, as stored: rotation is not applied.

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
    return narrowed(_on_black(picture) if clear else picture, frame)


def _is_clear(frame: VideoFrame) -> bool:
    return any(part.is_alpha for part in frame.format.components)


def _on_black(picture: Rgb) -> Rgb:
    opacity = picture[:, :, 3:].astype(np.uint16)
    return ((picture[:, :, :3] * opacity + np.uint16(127)) // np.uint16(255)).astype(np.uint8)


def in_709(frame: VideoFrame, size: Size, converter: VideoReformatter) -> npt.NDArray[np.uint8]:
    """*frame* in *size*, in the film's colours, as stored: yuv420p planes, shape (height * 3 / 2, width), uint8.

    Chroma is only taken apart and put together again where the matrix differs.
    """
    if _is_clear(frame) or is_wide(frame):
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
