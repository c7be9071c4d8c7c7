"""Colour conversion between RGB and video frames, and the colour tags of a frame (ITU-T H.273).

A frame without tags counts as BT.709 from 720 lines upwards and as BT.601 below, as in players. HDR is not converted,
because tone mapping is not implemented. Wider primaries in standard range (BT.2020 and Display P3) are converted to
BT.709 in linear light, by the matrices of ITU-R BT.2087-0 and SMPTE EG 432-1 and the curve of BT.709, which BT.2020
shares; colours outside of BT.709 are clipped.
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
_Matrix = npt.NDArray[np.float32]
# Keys: the number of the primaries in H.273.
_PRIMARIES_TO_709: dict[int, _Matrix] = {
    9: np.array(
        [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]],
        np.float32,
    ),
    12: np.array(
        [[1.224940, -0.224940, 0], [-0.042057, 1.042057, 0], [-0.019638, -0.078636, 1.098274]],
        np.float32,
    ),
}
_LIGHT_STEPS = 1 << 14  # enough steps of linear light to keep the darkest of 256 levels distinct
HD_LINES = 720
# Exact conversion, with equal results on every processor.
_EXACT_CONVERSION = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.BITEXACT
)
# Scaling of planes, without a matrix.
_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
# swscale's conversion for each matrix of H.273 that it supports.
_CONVERSIONS = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}


def color_tags(frame: VideoFrame) -> str:
    """Return ``matrix/primaries/transfer/range`` of *frame*, each ``unspecified`` where it has no tag."""
    names = (
        _MATRICES.get(frame.colorspace),
        _PRIMARIES.get(frame.color_primaries),
        _TRANSFERS.get(frame.color_trc),
        _RANGES.get(range_of(frame)),
    )
    return "/".join(name or "unspecified" for name in names)


def rotation(frame: VideoFrame) -> int:
    """Return the clockwise rotation of *frame* for display, in degrees: 0, 90, 180 or 270."""
    return round(-frame.rotation / 90) % 4 * 90


def range_of(frame: VideoFrame) -> int:
    """Return 1 for tv, 2 for pc, 0 if untagged; the old yuvj formats are pc by name."""
    return ColorRange.JPEG if frame.format.name.startswith("yuvj") else frame.color_range


def tag_bt709(target: VideoFrame | VideoCodecContext) -> None:
    """Tag *target* as BT.709 in the tv range."""
    target.colorspace = Colorspace.ITU709
    target.color_primaries = ColorPrimaries.BT709
    target.color_trc = ColorTrc.BT709
    target.color_range = ColorRange.MPEG


def frame_to_rgb(frame: VideoFrame) -> Rgb:
    """Convert to full range RGB of BT.709's primaries, shape (height, width, 3), uint8; rotation is not applied.

    Transparent pictures are composited on black; their colours are taken as not premultiplied.
    """
    has_alpha = _has_alpha(frame)
    converted = frame.reformat(
        format="rgba" if has_alpha else "rgb24",
        src_colorspace=_conversion(frame),
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG if range_of(frame) == ColorRange.JPEG else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=_EXACT_CONVERSION,
    )
    picture = np.asarray(converted.to_ndarray(), dtype=np.uint8)
    return to_bt709_primaries(_composite_on_black(picture) if has_alpha else picture, frame)


def rgb_to_frame(picture: Rgb, converter: VideoReformatter | None = None) -> VideoFrame:
    """Convert a full range RGB picture to a yuv420p frame of the tv range, by the BT.709 matrix, and tag it.

    Pass one *converter* for many pictures: creating one costs as much as one conversion.
    """
    source = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(picture), format="rgb24")
    frame = (converter or VideoReformatter()).reformat(
        source,
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=_EXACT_CONVERSION,
    )
    tag_bt709(frame)
    return frame


def frame_to_planes(frame: VideoFrame, size: Size, converter: VideoReformatter) -> npt.NDArray[np.uint8]:
    """Convert *frame* to *size* in the film's colours: yuv420p planes, shape (height * 3 / 2, width), uint8.

    Rotation is not applied. Chroma is resampled only where the matrix differs.
    """
    if _has_alpha(frame) or is_wide(frame):
        frame = rgb_to_frame(frame_to_rgb(frame))
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
            interpolation=_SCALING if conversion == Colorspace.ITU709 else _EXACT_CONVERSION,
            threads=1,
        )
    return np.asarray(frame.to_ndarray(), dtype=np.uint8)


def planes_to_rgb(planes: npt.NDArray[np.uint8]) -> Rgb:
    """Convert yuv420p planes of the film's colours to full range RGB."""
    return frame_to_rgb(planes_to_frame(planes))


def planes_to_frame(planes: npt.NDArray[np.uint8]) -> VideoFrame:
    """Return a frame of those yuv420p planes, shape (height * 3 / 2, width), tagged with the film's colours.

    It shares their memory where PyAV allows it: PyAV requires a height that is a multiple of four.
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


def rotate(picture: Rgb, rotation: int) -> Rgb:
    """Rotate *picture* clockwise by *rotation* degrees, a multiple of 90."""
    return np.ascontiguousarray(np.rot90(picture, -rotation // 90))


def is_wide(frame: VideoFrame) -> bool:
    """Return whether the primaries of *frame* are wider than the film's."""
    return frame.color_primaries in _PRIMARIES_TO_709


def to_bt709_primaries(picture: Rgb, frame: VideoFrame) -> Rgb:
    """Convert *picture* of *frame*, full range RGB, to the primaries of BT.709; return it unchanged if it has them."""
    matrix = _PRIMARIES_TO_709.get(frame.color_primaries)
    if matrix is None:
        return picture
    light = _decode_transfer(np.arange(256) / 255).astype(np.float32)[picture] @ matrix.T
    steps = (np.clip(light, 0, 1) * (_LIGHT_STEPS - 1) + 0.5).astype(np.uint16)
    return np.asarray(_encode_transfer(np.arange(_LIGHT_STEPS) / (_LIGHT_STEPS - 1))[steps], np.uint8)


def _decode_transfer(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(value < 0.081, value / 4.5, ((value + 0.099) / 1.099) ** (1 / 0.45))


def _encode_transfer(light: npt.NDArray[np.float64]) -> Rgb:
    value = np.where(light < 0.018, light * 4.5, 1.099 * light**0.45 - 0.099)
    return np.asarray(np.round(value * 255), np.uint8)


def _has_alpha(frame: VideoFrame) -> bool:
    return any(part.is_alpha for part in frame.format.components)


def _composite_on_black(picture: Rgb) -> Rgb:
    opacity = picture[:, :, 3:].astype(np.uint16)
    return ((picture[:, :, :3] * opacity + np.uint16(127)) // np.uint16(255)).astype(np.uint8)


def _conversion(frame: VideoFrame) -> Colorspace:
    """Return the matrix of *frame*, by its size if it has no tag."""
    known = _CONVERSIONS.get(frame.colorspace)
    return known or (Colorspace.ITU709 if frame.height >= HD_LINES else Colorspace.ITU601)
