"""Footage from cameras and editors: pixels, rotation, bit depth, colours and rate."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas, Footage
from storyboard.media.probe import validate_clip
from storyboard.media.render.color import Rgb, frame_to_rgb
from storyboard.media.render.render import Segment, source_frames
from storyboard.media.render.segment import draw_segment
from storyboard.media.sample_table import Sample, SampleTable
from tests.media.clips import FILM, decoded

MIDDLE = Size(320, 180)
SHADES = [
    (191, 191, 191),
    (191, 191, 0),
    (0, 191, 191),
    (0, 191, 0),
    (191, 0, 191),
    (191, 0, 0),
    (0, 0, 191),
    (0, 0, 0),
]


def bars(size: Size = MIDDLE) -> Rgb:
    columns = np.arange(size.width) * len(SHADES) // size.width
    return np.ascontiguousarray(np.broadcast_to(np.array(SHADES, np.uint8)[columns], (size.height, size.width, 3)))


def write(path: Path, picture: np.ndarray, codec: str, pix_fmt: str, **how: object) -> Path:
    """Six frames of *picture* (RGB or RGBA).

    *how* are ``full``, ``transfer``, ``primaries``, ``aspect``, ``turned``, ``options``.
    """
    transfer, primaries = how.get("transfer", 1), how.get("primaries", 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24, options=how.get("options", {}))
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt, context = pix_fmt, stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = 1, primaries, transfer
        context.color_range = levels = 2 if how.get("full") else 1
        if "aspect" in how:
            context.sample_aspect_ratio = how["aspect"]
        if "turned" in how:
            stream.set_display_rotation(-how["turned"])
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba" if picture.shape[2] == 4 else "rgb24")
            if pix_fmt not in ("argb", "rgba"):
                frame = frame.reformat(format=pix_fmt, dst_colorspace=1, src_color_range=2, dst_color_range=levels)
                frame.colorspace, frame.color_range = 1, levels
                frame.color_trc, frame.color_primaries = transfer, primaries
            else:
                frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def shown(path: Path, size: Size = MIDDLE, fit: str = "contain") -> Rgb:
    """What a piece of the film shows of *path* once that has come through the gate."""
    validate_clip(path)
    out = path.with_name("out.mp4")
    draw_segment(Footage("a", Fraction(0), 6, fit=fit), {"a": path}, Canvas(size, FILM), out)
    frames = decoded(out)
    assert len(frames) == 6
    return frame_to_rgb(frames[4])


GENTLE = {"options": {"preset": "ultrafast", "crf": "6"}}
DEPTHS = {
    "10 bits": ("clip.mp4", "libx264", "yuv420p10le", GENTLE),
    "10 bits, 4:2:2": ("clip.mp4", "libx264", "yuv422p10le", GENTLE),
    "10 bits, 4:4:4": ("clip.mp4", "libx264", "yuv444p10le", GENTLE),
    "10 bits, full range": ("clip.mp4", "libx264", "yuv420p10le", {"full": True, **GENTLE}),
    "HEVC, 10 bits": ("clip.mp4", "libx265", "yuv420p10le", {"options": {"x265-params": "log-level=none:crf=6"}}),
    "ProRes 422": ("clip.mov", "prores_ks", "yuv422p10le", {"options": {"profile": "3"}}),
    "ProRes 4444": ("clip.mov", "prores_ks", "yuva444p10le", {"options": {"profile": "4"}}),
    "QuickTime animation": ("clip.mov", "qtrle", "rgb24", {}),
}


@pytest.mark.parametrize("name", DEPTHS)
def test_every_depth_keeps_its_colours(tmp_path, name):
    file, codec, pix_fmt, how = DEPTHS[name]
    difference = np.abs(shown(write(tmp_path / file, bars(), codec, pix_fmt, **how)).astype(int) - bars())
    inner = difference.reshape(180, 8, 40, 3)[:, :, 8:-8]
    assert inner.mean() < 2
    assert inner.max() <= 8


# The primaries and the grey of BT.709 by the numbers that they have among wider ones.
WIDE = {
    9: [(202, 59, 19), (145, 245, 69), (43, 13, 241), (111, 111, 111)],
    12: [(231, 35, 20), (103, 251, 61), (0, 0, 243), (111, 111, 111)],
}


@pytest.mark.parametrize("primaries", WIDE)
def test_wider_primaries_come_to_those_of_the_film(tmp_path, primaries):
    picture = np.repeat(np.repeat(np.array([WIDE[primaries]], np.uint8), 180, axis=0), 80, axis=1)
    clip = write(tmp_path / "clip.mp4", picture, "libx264", "yuv444p", primaries=primaries, options={"crf": "4"})
    found = shown(clip)[90, 40::80].astype(int)
    assert np.abs(found - [(255, 0, 0), (0, 255, 0), (0, 0, 255), (111, 111, 111)]).max() <= 8


CLEAR = {
    "qtrle": ("clip.mov", "argb", {}),
    "png": ("clip.mov", "rgba", {}),
    "prores_ks": ("clip.mov", "yuva444p10le", {"profile": "4"}),
    "libvpx": ("clip.webm", "yuva420p", {"auto-alt-ref": "0", "b": "4M"}),
    "libvpx-vp9": ("clip.webm", "yuva420p", {"crf": "10", "b": "0"}),
}


@pytest.mark.parametrize("codec", CLEAR)
def test_what_is_clear_in_footage_lies_on_black(tmp_path, codec):
    picture = np.full((180, 320, 4), 200, np.uint8)
    picture[:, :160, 3], picture[:, 160:, 3] = 0, 128
    name, pix_fmt, options = CLEAR[codec]
    clip = write(tmp_path / name, picture, codec, pix_fmt, options=options)
    found = shown(clip)
    assert found[:, :150].max() <= 2
    assert np.abs(found[:, 170:].astype(int) - 100).max() <= 3


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(4, 3)], ids=str)
def test_turned_and_wide_pixels_are_shown_upright_and_in_shape(tmp_path, turned, aspect):
    """A bright corner says what is up; the shape of what is bright says how wide a pixel is."""
    picture = np.zeros((120, 120, 3), np.uint8)
    picture[:40, :60] = 220
    clip = write(tmp_path / "clip.mp4", picture, "libx264", "yuv420p", aspect=aspect, turned=turned, **GENTLE)
    info = validate_clip(clip)
    assert (info.rotation, info.pixel_aspect) == (turned, f"{aspect.numerator}/{aspect.denominator}")
    upright = np.rot90(picture, -turned // 90)
    wide, high = (120 * aspect, 120) if turned in (0, 180) else (120, 120 * aspect)
    canvas = Size(round(wide), round(high))
    found = shown(clip, canvas) > 110
    rows = np.arange(canvas.height) * 120 // canvas.height
    columns = np.arange(canvas.width) * 120 // canvas.width
    assert (found == (upright[rows][:, columns] > 110)).mean() > 0.98
    framed = shown(clip, Size(320, 160)).max(2)
    side = 160 * wide / high
    assert framed[:, : int(160 - side / 2) - 2].max(initial=0) <= 2
    assert framed[:, int(160 + side / 2) + 3 :].max(initial=0) <= 2


@pytest.mark.parametrize("size", [Size(319, 179), Size(321, 181)], ids=str)
def test_odd_sizes_fill_the_film_to_its_edges(tmp_path, size):
    clip = write(tmp_path / "odd.mp4", bars(size), "mpeg4", "yuv420p", options={"q:v": "2"})
    found = shown(clip, fit="cover").astype(int)
    inner = np.abs(found - bars()).reshape(180, 8, 40, 3)[:, :, 8:-8]
    assert inner.mean() < 3
    assert found[-1, :32].min() > 150


RATES = [Fraction(24000, 1001), *(Fraction(rate) for rate in (24, 25, 30, 50, 60)), Fraction(30000, 1001)]


@pytest.mark.parametrize("source", RATES, ids=str)
def test_no_rate_drifts_in_an_hour_or_repeats_its_tail(source):
    frames = int(3600 * source)
    found = SampleTable(
        [Sample(n, n, n == 0, True) for n in range(frames)], 1 / source, source, None, has_inband_sets=False
    )
    for rate in RATES:
        count = round(frames / source * rate)
        start = (count - 200) / rate
        segment = Segment(Path("hour"), start, 200, rate, MIDDLE)
        numbers = source_frames(found, source, segment)
        for place, number in enumerate(numbers):
            middle = start + (place + Fraction(1, 2)) / rate
            assert 0 <= middle - number / source < 1 / source or number == frames - 1
        assert frames - 1 - numbers[-1] < max(1, source / rate)
        shows = [numbers.count(number) for number in sorted(set(numbers))[1:]]
        assert max(shows) <= -(-rate // source)
        assert numbers == sorted(numbers)
