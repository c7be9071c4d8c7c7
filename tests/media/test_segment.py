"""Rendering of segments: transitions, titles, stills, and footage of other shapes."""

import struct
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas, Footage, Mix, Photo, Title
from storyboard.fonts import UnreadableFont
from storyboard.media.render.color import frame_to_rgb, planes_to_rgb
from storyboard.media.render.conform import black_picture, mix_pictures, planes_of, solid_picture
from storyboard.media.render.render import RenderFailed
from storyboard.media.render.segment import MovingStill, draw_segment
from storyboard.media.render.titles import draw_title
from tests.media.clips import FILM, SMALL, decoded, make, numbers, planes

SIZE = Size(160, 90)
CANVAS = Canvas(SMALL, FILM)
RED, BLUE, GREEN = (solid_picture(SIZE, color) for color in ("#fa0000", "#0000fa", "#00ff00"))


def card(text: str, **changes) -> Title:
    values = {"subtitle": None, "color": "#ffffff", "background": "#000000", "align": "center", "font": None}
    return Title(text, **{**values, **changes}, frames=1)


@pytest.mark.parametrize("direction", ["left", "right", "up", "down"])
@pytest.mark.parametrize("kind", ["wipe", "slide"])
def test_both_pictures_share_the_frame_along_the_direction(kind, direction):
    picture = planes_to_rgb(mix_pictures(kind, RED, BLUE, 0.25, direction, black_picture(SIZE))).astype(int)
    near = {"left": (45, 159), "right": (45, 0), "up": (89, 80), "down": (0, 80)}[direction]
    far = {"left": (45, 0), "right": (45, 159), "up": (0, 80), "down": (89, 80)}[direction]
    assert np.abs(picture[near] - [0, 0, 250]).max() < 6
    assert np.abs(picture[far] - [250, 0, 0]).max() < 6
    assert abs((picture[:, :, 2] > 100).mean() - 0.25) < 0.02


def test_a_wipe_stands_still_and_a_slide_moves():
    ramp = black_picture(SIZE)
    planes_of(ramp)[0][:] = np.arange(160)
    assert mix_pictures("wipe", ramp, BLUE, 0.5, "left", ramp)[0, 0] == 0
    assert mix_pictures("slide", ramp, BLUE, 0.5, "left", ramp)[0, 0] == 80


def test_blends_begin_with_one_picture_and_end_with_the_other():
    for kind in ("dissolve", "fade", "wipe", "slide"):
        assert (mix_pictures(kind, RED, BLUE, 0.0, "left", GREEN) == RED).all()
        assert (mix_pictures(kind, RED, BLUE, 1.0, "left", GREEN) == BLUE).all()
    assert np.abs(planes_to_rgb(RED).astype(int) - [250, 0, 0]).max() < 6
    assert (mix_pictures("fade", RED, BLUE, 0.5, "left", GREEN) == GREEN).all()
    assert np.abs(planes_to_rgb(GREEN)[0, 0].astype(int) - [0, 255, 0]).max() < 3


@pytest.mark.parametrize("text", ["One", "A word " * 60, "Unbreakable" * 40, "Three\nlines\nof text", "gjpqy ÄÖÅ " * 8])
@pytest.mark.parametrize("size", [Size(64, 36), Size(160, 90), Size(90, 160)], ids=str)
@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_text_shrinks_to_fit_and_never_spills(text, size, align):
    picture = np.asarray(draw_title(card(text, subtitle="by night " * 5, align=align), size)).max(2)
    assert picture.max() > 100
    margin = (max(1, size.height // 40), max(1, size.width // 40))
    inside = np.zeros(picture.shape, bool)
    inside[margin[0] : -margin[0], margin[1] : -margin[1]] = True
    assert picture[~inside].max() == 0


def test_text_is_aligned_and_coloured():
    for align, side in (("left", slice(0, 80)), ("right", slice(80, 160))):
        picture = np.asarray(draw_title(card("Hi", align=align, color="#ff0000", background="#0000ff"), SIZE))
        written = (picture[:, :, 0] > 128).nonzero()[1]
        assert len(written)
        assert set(written) <= set(range(160)[side])
        assert picture[0, 0].tolist() == [0, 0, 255]


def test_a_file_that_is_no_font_is_refused(tmp_path):
    (tmp_path / "font.ttf").write_bytes(b"\x00\x01\x00\x00 nothing")
    with pytest.raises(UnreadableFont):
        draw_title(card("Hi"), SIZE, [(tmp_path / "font.ttf", 0)])


@pytest.fixture
def ramp(tmp_path):
    """A picture that gets brighter to the right and greener downwards."""
    picture = np.zeros((200, 400, 3), np.uint8)
    picture[:, :, 0] = np.linspace(0, 255, 400).astype(np.uint8)[None, :]
    picture[:, :, 1] = np.linspace(0, 255, 200).astype(np.uint8)[:, None]
    Image.fromarray(picture).save(tmp_path / "ramp.png")
    return tmp_path / "ramp.png"


@pytest.mark.parametrize(("move", "channel", "sign"), [("right", 0, 1), ("left", 0, -1), ("down", 1, 1), ("up", 1, -1)])
def test_a_still_moves_the_way_it_says(ramp, move, channel, sign):
    stills = MovingStill(Photo("x", move, 0, 24, 24), ramp, SIZE)
    means = [float(stills.picture(number)[:, :, channel].mean()) for number in range(24)]
    steps = np.diff(means) * sign
    assert (steps > -0.2).all()
    assert sum(steps) > 5


def test_a_push_comes_closer_and_a_pull_goes_back(ramp):
    def spread(move, number):
        picture = MovingStill(Photo("x", move, 0, 24, 24), ramp, SIZE).picture(number)[:, :, 0].astype(int)
        return picture.max() - picture.min()

    assert spread("push", 0) - spread("push", 23) > 20
    assert spread("pull", 23) - spread("pull", 0) > 20


def test_a_piece_of_a_move_goes_on_where_the_one_before_ended(ramp):
    whole = MovingStill(Photo("x", "push", 0, 24, 24), ramp, SIZE)
    rest = MovingStill(Photo("x", "push", 10, 14, 24), ramp, SIZE)
    assert (whole.picture(15) == rest.picture(5)).all()


def test_a_still_fits_as_it_is_told(ramp):
    def edges(fit):
        picture = MovingStill(Photo("x", "none", 0, 1, 1, fit=fit), ramp, Size(90, 90)).picture(0)
        return picture[2, 45].tolist(), picture[45, 88, 0]

    assert edges("contain")[0] == [0, 0, 0]
    assert edges("cover")[1] < 200
    assert edges("stretch")[1] > 245


def test_transparency_lies_on_black(tmp_path):
    Image.new("RGBA", (160, 90), (255, 255, 255, 64)).save(tmp_path / "a.png")
    picture = MovingStill(Photo("x", "none", 0, 1, 1), tmp_path / "a.png", SIZE).picture(0)
    assert picture[45, 80].tolist() == [64, 64, 64]


def test_the_colours_of_a_picture_are_those_that_its_profile_means(tmp_path):
    """Middle grey in linear light is far brighter in that of a film; a profile that is broken says nothing."""
    grey = Image.new("RGBA", (160, 90), (64, 64, 64, 255))
    for name, profile, wanted in (("a.png", linear_profile(), 137), ("b.png", b"none", 64)):
        grey.save(tmp_path / name, icc_profile=profile)
        picture = MovingStill(Photo("x", "none", 0, 1, 1), tmp_path / name, SIZE).picture(0)
        assert np.abs(picture.astype(int) - wanted).max() <= 1
    grey.convert("RGB").save(tmp_path / "c.jpg", icc_profile=linear_profile(), quality=95)
    assert abs(int(MovingStill(Photo("x", "push", 0, 1, 1), tmp_path / "c.jpg", SIZE).picture(0)[45, 80, 0]) - 137) <= 2


def test_the_upper_half_of_sixteen_bits_is_shown(tmp_path):
    Image.fromarray(np.full((90, 160), 100 * 257, np.uint16)).save(tmp_path / "a.png")
    picture = MovingStill(Photo("x", "none", 0, 1, 1), tmp_path / "a.png", SIZE).picture(0)
    assert picture[45, 80].tolist() == [100, 100, 100]


def linear_profile() -> bytes:
    """An ICC profile of the primaries of sRGB without its curve (ICC.1:2001-04, 6)."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    primaries = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
    tags = {b"wtpt": xyz(0.9642, 1, 0.8249)}
    for letter, primary in zip("rgb", primaries, strict=True):
        tags[f"{letter}XYZ".encode()] = xyz(*primary)
        tags[f"{letter}TRC".encode()] = b"curv" + bytes(8)
    at, table, data = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(tag))
        data += tag
    whole = 128 + len(table) + len(data)
    head = struct.pack(">I4sI4s4s4s", whole, b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + data


def test_a_piece_that_is_drawn_twice_has_the_same_bytes(tmp_path):
    clip = make(tmp_path / "clip.mp4", 24)
    mix = Mix("dissolve", 6, Footage("a", Fraction(0), 6), Footage("a", Fraction(1, 2), 6))
    for name in ("one.mp4", "two.mp4"):
        draw_segment(mix, {"a": clip}, CANVAS, tmp_path / name)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
    assert len(planes(tmp_path / "one.mp4")) == 6


def test_footage_is_cut_off_where_it_covers_and_pulled_where_it_stretches(tmp_path):
    tall = make(tmp_path / "tall.mp4", (np.full((72, 36, 3), 200, np.uint8) for _ in range(6)), size=Size(36, 72))
    means = {}
    for fit in ("contain", "cover", "stretch"):
        draw_segment(Footage("a", Fraction(0), 6, fit=fit), {"a": tall}, Canvas(SMALL, FILM), tmp_path / "out.mp4")
        picture = frame_to_rgb(decoded(tmp_path / "out.mp4")[0])
        assert picture.shape == (36, 64, 3)
        means[fit] = (picture[18, 2].mean(), picture[18, 32].mean())
    assert means["contain"][0] < 30
    assert means["cover"][0] > 180
    assert means["stretch"][0] > 180
    assert all(middle > 180 for _, middle in means.values())


def test_turned_footage_stands_upright(tmp_path):
    left = np.zeros((36, 64, 3), np.uint8)
    left[:, :32] = 220
    clip = make(tmp_path / "turned.mp4", [left] * 6, rotation=90)
    draw_segment(Footage("a", Fraction(0), 6), {"a": clip}, Canvas(Size(36, 64), FILM), tmp_path / "out.mp4")
    picture = frame_to_rgb(decoded(tmp_path / "out.mp4")[0]).mean(2)
    assert picture[10].mean() > 180
    assert picture[54].mean() < 40


def test_footage_of_a_varying_rate_is_shown_by_its_times(tmp_path):
    times = [0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17]
    clip = make(tmp_path / "vary.mp4", 12, times=times)
    draw_segment(Footage("a", Fraction(0), 18), {"a": clip}, CANVAS, tmp_path / "out.mp4")
    assert numbers(tmp_path / "out.mp4") == [0, 1, 2, 3, 4, *[5] * 7, 6, 7, 8, 9, 10, 11]


def test_hdr_is_refused_and_says_so(tmp_path, monkeypatch):
    from storyboard.media.render import render

    clip = make(tmp_path / "clip.mp4", 12)
    monkeypatch.setattr(render, "color_tags", lambda _frame: "bt2020nc/bt2020/smpte2084/tv")
    with pytest.raises(RenderFailed, match="HDR"):
        draw_segment(Footage("a", Fraction(0), 6), {"a": clip}, CANVAS, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_a_picture_that_is_none_is_refused_by_name(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    with pytest.raises(RenderFailed, match=r"refs/a\.png cannot be used: it is damaged or cut off"):
        draw_segment(Photo("d", "push", 0, 6, 6, "refs/a.png"), {"d": tmp_path / "a.png"}, CANVAS, tmp_path / "out.mp4")


def pattern(number: int) -> np.ndarray:
    """Bars of colour over a slow ramp that moves."""
    picture = np.zeros((360, 640, 3), np.uint8)
    bars = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191)]
    for place, bar in enumerate(bars):
        picture[:240, place * 92 : (place + 1) * 92] = bar
    picture[240:] = (40 + np.arange(640) // 4 + number)[None, :, None].astype(np.uint8)
    return picture


def test_an_encoded_piece_keeps_picture_and_colours(tmp_path):
    size = Size(640, 360)
    clip = make(tmp_path / "bars.mp4", map(pattern, range(12)), size=size, matrix=1)
    draw_segment(Footage("a", Fraction(0), 12), {"a": clip}, Canvas(size, FILM), tmp_path / "out.mp4")
    for ours, theirs in zip(decoded(tmp_path / "out.mp4"), decoded(clip), strict=True):
        error = frame_to_rgb(ours).astype(float) - frame_to_rgb(theirs)
        assert np.abs(error).mean() < 2
        luma = (ours.to_ndarray()[:360].astype(float) - theirs.to_ndarray()[:360]) ** 2
        assert 10 * np.log10(255**2 / luma.mean()) > 38
