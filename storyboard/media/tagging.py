"""What a frame says of itself: the names of its colour tags (ITU-T H.273), and which way up it is."""

from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

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
