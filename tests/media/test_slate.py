"""Slates over animatics: in the safe area, readable in every shape, apart from captions, with the time of the take."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, ImageDraw

from storyboard.core.captions import Cue
from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas, Captioned, Footage, Mix, Slated, fits_slate, takes_of
from storyboard.core.timebase import timecode
from storyboard.fonts import load_face
from storyboard.fonts.lettering import Lettering
from storyboard.media.render.color import planes_to_rgb
from storyboard.media.render.conform import planes_of, solid_picture
from storyboard.media.render.segment import _open_pictures, draw_segment
from storyboard.media.render.slate import SlateOverlay, replace_missing_letters, wrap_text
from tests.media.clips import FILM, decoded, make

PROMPT = "A slow cinematic glide down a narrow mangrove river between arching roots; the water lights up"
SIZES = [
    (1280, 720),
    (320, 180),
    (360, 640),
    (180, 320),
    (960, 960),
    (1920, 800),
    (214, 120),
    (160, 214),
    (1080, 1920),
    (3840, 2160),
]
LONG = "a-very-long-name-of-a-shot-" * 5
POINTS = 11  # the smallest letters
HIGH = 8  # pixels of their capitals and digits


def footage(frames: int = 24, start: Fraction = Fraction(0), speed: Fraction = Fraction(1), **more) -> Footage:
    return Footage("a", start, frames, speed, **{"fit": "cover", **more})


def slated(layer: Footage | None = None, shot: str = "glide", prompt: str = PROMPT, large: bool = False) -> Slated:
    return Slated(layer or footage(), shot, 48281, prompt, large=large)


def overlay(size: Size, **more) -> SlateOverlay:
    return SlateOverlay(slated(**more), Canvas(size, FILM))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("shot", "prompt"), [("glide", PROMPT), (LONG, "x" * 900), ("a", "a")])
@pytest.mark.parametrize("large", [False, True], ids=["take", "panel"])
def test_a_slate_lies_in_the_title_safe_area_and_touches_nothing_else(size, shot, prompt, large):
    whole = Size(*size)
    found = overlay(whole, shot=shot, prompt=prompt, large=large)
    box = found.box
    assert whole.width * 0.05 <= box.left < box.right <= whole.width * 0.95
    assert whole.height * 0.05 <= box.top < box.bottom <= whole.height * 0.62
    before = solid_picture(whole, "#808080")
    after = found.draw(0, before)
    assert (before == solid_picture(whole, "#808080")).all()
    luma, blue, red = (now != then for now, then in zip(planes_of(after), planes_of(before), strict=True))
    assert luma[box.top : box.bottom, box.left : box.right].mean() > 0.9
    luma[box.top : box.bottom, box.left : box.right] = False
    assert not luma.any()
    assert not blue.any()
    assert not red.any()


@pytest.mark.parametrize("size", [(384, 216), (180, 320), (1280, 720), (1080, 1920)], ids=str)
def test_the_first_words_of_a_panel_are_large(size):
    def height() -> int:
        """Pixels of the capitals in the last row of the slate."""
        slate = overlay(Size(*size), prompt="HHH", large=True)
        luma = planes_of(slate.draw(0, solid_picture(Size(*size), "#000000")))[0]
        inside = luma[slate.box.top : slate.box.bottom, slate.box.left : slate.box.right]
        rows = np.flatnonzero(inside.max(axis=1) > 150)
        return int(np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)[-1].size)

    assert height() >= max(13, 0.035 * min(size))  # capitals of small letters have 8
    assert overlay(Size(*size), large=True).box.height <= size[1] / 3


def test_a_picture_without_room_for_letters_has_no_slate():
    assert not fits_slate(Size(128, 72))
    assert not fits_slate(Size(72, 128))
    assert all(fits_slate(Size(*size)) for size in SIZES)


def read_text(picture: np.ndarray, points: int, signs: str) -> str:
    """Read grey letters of one row: each part between dark columns is compared with letters that are drawn here."""
    face, templates = load_face(points), {}
    for sign in signs:
        mask = Image.new("L", (3 * points, 3 * points))
        ImageDraw.Draw(mask).text((points, points), sign, 255, face)
        templates[sign] = _cut_out(np.asarray(mask, float))
    bright = picture.max(axis=0) > picture.max() * 0.45
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bright, [0]])))
    found = ""
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        part = _cut_out(picture[:, first:end].astype(float))
        found += min(templates, key=lambda sign: _distance(part, templates[sign]))
    return found


def _cut_out(letter: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero(letter.max(axis) > letter.max() * 0.3) for axis in (1, 0))
    return letter[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / letter.max()


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """How unlike two letters are, where they lie on each other best."""
    height, width = (max(sides) + 2 for sides in zip(one.shape, other.shape, strict=True))
    found = []
    for y, x in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)):
        both = np.zeros((2, height, width))
        both[0, 1 : 1 + one.shape[0], 1 : 1 + one.shape[1]] = one
        part = other[: height - y, : width - x]
        both[1, y : y + part.shape[0], x : x + part.shape[1]] = part
        found.append(float(((both[0] - both[1]) ** 2).sum()))
    return min(found)


def busy(size: Size) -> list[np.ndarray]:
    """Bright pictures with a lot in them, which letters have to stand out from."""
    rng = np.random.default_rng(7)
    rough = (rng.integers(90, 256, (12, 16, 3), dtype=np.uint8) for _ in range(4))
    return [np.asarray(Image.fromarray(one).resize((size.width, size.height))) for one in rough] * 6


@pytest.mark.parametrize("crf", [18, 28])
@pytest.mark.parametrize(
    ("size", "source"), [((320, 180), (320, 180)), ((180, 320), (320, 180)), ((360, 640), (640, 360))]
)
def test_the_timecode_is_read_back_from_the_encoded_film_at_every_frame(tmp_path, size, source, crf):
    """In 9:16 the take is wider than the film and covers it; the slate is drawn at the size of the film."""
    clip = make(tmp_path / "clip.mp4", busy(Size(*source)), size=Size(*source), matrix=1)
    canvas = Canvas(Size(*size), FILM, crf, "ultrafast")
    layer = slated(footage(12, Fraction(1, 4)))
    draw_segment(layer, {"a": clip}, canvas, tmp_path / "out.mp4")
    points = max(POINTS, round(min(size) * 0.032))
    assert load_face(points).getmask("H").size[1] >= HIGH
    box = SlateOverlay(layer, canvas).box
    width = int(load_face(points).getlength("00:00:00:00")) + 14
    for number, frame in enumerate(decoded(tmp_path / "out.mp4")):
        luma = frame.to_ndarray()[: size[1]]
        clock = luma[box.top + 2 : box.top + 2 + round(1.5 * points), box.right - width : box.right - 2]
        assert read_text(clock, points, "0123456789:") == timecode(6 + number, FILM)


def _luminance(level: float) -> float:
    value = (level - 16) / 219
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("color", ["#ffffff", "#808080", "#000000"])
def test_text_of_a_slate_stands_out_from_any_picture(color):
    """WCAG 2.2 demands a contrast of 4.5 to 1, and 7 to 1 at its highest level."""
    size = Size(1280, 720)
    found = overlay(size)
    luma = planes_of(found.draw(0, solid_picture(size, color)))[0]
    part = luma[found.box.top : found.box.bottom, found.box.left : found.box.right].astype(float)
    panel = _luminance(float(np.median(part)))
    left, middle, right = part[:, :150], part[:, 140:900], part[:, -160:]
    texts = [left[:38].max(), left[40:].max(), middle.max(), right[:38].max(), right[44:].max()]
    for level in texts:
        assert (_luminance(level) + 0.05) / (panel + 0.05) > 7


@pytest.mark.parametrize("lines", [1, 2, 4, 9, 40])
@pytest.mark.parametrize("size", [(320, 180), (180, 320), (640, 360), (360, 640), (200, 200)])
def test_burnt_captions_never_lie_on_a_slate_however_many_lines_they_have(tmp_path, size, lines):
    clip = make(tmp_path / "clip.mp4", [np.full((90, 160, 3), 128, np.uint8)] * 12, size=Size(160, 90))
    text = "\n".join(f"Line {number} of a caption with some words" for number in range(lines))
    cues = (Cue(text, 3, 9),)
    _check_apart(clip, Captioned(slated(footage(12)), cues), Captioned(footage(12), cues), Size(*size))


@pytest.mark.parametrize("direction", ["up", "down", "left", "right"])
@pytest.mark.parametrize("kind", ["slide", "wipe", "dissolve"])
def test_no_transition_moves_a_caption_onto_a_slate(tmp_path, kind, direction):
    clip = make(tmp_path / "clip.mp4", [np.full((90, 160, 3), 128, np.uint8)] * 12, size=Size(160, 90))
    cues = (Cue("Nobody leaves the harbour by night, and nobody comes home.", 0, 12),)
    plain, shown = footage(12), slated(footage(12))
    after = Captioned(plain, (Cue("And then:\nthe sea", 0, 12),))
    _check_apart(
        clip,
        Mix(kind, 12, Captioned(shown, cues), Captioned(slated(plain, "swell"), after.cues), direction),
        Mix(kind, 12, Captioned(plain, cues), after, direction),
        Size(360, 640),
    )


def _check_apart(clip, with_slate, without, size):
    """In every frame captions are the same with slates and without, and no pixel of them is that of a slate."""
    canvas, files = Canvas(size, FILM), {"a": clip}
    slates = 0
    with _open_pictures(with_slate, files, canvas) as both, _open_pictures(without, files, canvas) as captions:
        plain = captions(0)
        grey = np.median(plain[: size.height])
        for number in range(12):
            first, second = (one(number)[: size.height].astype(int) for one in (both, captions))
            slate, caption = first != second, np.abs(second - grey) > 8
            slates += bool(slate.any())
            if slate.any() and caption.any():
                rows, lines = (np.flatnonzero(mask.any(axis=1)) for mask in (slate, caption))
                assert rows[-1] < lines[0] or lines[-1] < rows[0] or not set(rows) & set(lines)
    assert slates, "the slate is there where no caption is"


def test_a_slate_counts_the_time_of_the_take_that_trims_and_links_count_in():
    trimmed = slated(footage(24, Fraction(5, 2)))
    assert [SlateOverlay(trimmed, Canvas(Size(320, 180), FILM)).frame_of_take(number) for number in (0, 1, 23)] == [
        60,
        61,
        83,
    ]
    fast = slated(footage(24, Fraction(1), Fraction(2)))
    assert [SlateOverlay(fast, Canvas(Size(320, 180), FILM)).frame_of_take(number) for number in (0, 1, 2)] == [
        25,
        27,
        29,
    ]
    slow = slated(footage(24, Fraction(0), Fraction(1, 2)))
    assert [SlateOverlay(slow, Canvas(Size(320, 180), FILM)).frame_of_take(number) for number in range(4)] == [
        0,
        0,
        1,
        1,
    ]


def test_the_slate_of_the_next_shot_begins_in_the_middle_of_a_transition(tmp_path):
    clip = make(tmp_path / "clip.mp4", [np.full((180, 320, 3), 128, np.uint8)] * 12, size=Size(320, 180))
    canvas = Canvas(Size(320, 180), FILM)
    one, two = slated(footage(12), "one"), slated(footage(12), "two")
    mix = Mix("dissolve", 12, one, two)
    assert list(takes_of(mix)) == ["a", "a"]
    with _open_pictures(mix, {"a": clip}, canvas) as pictures:
        for number in range(12):
            picture = pictures(number)
            expected = SlateOverlay(one if number < 6 else two, canvas)
            bare = np.full_like(picture, 128)
            wanted, box = expected.draw(number, bare), expected.box
            part = slice(box.top, box.bottom), slice(box.left, box.left + 60)
            assert np.abs(planes_of(picture)[0][part].astype(int) - planes_of(wanted)[0][part]).max() < 30


def test_a_slate_has_the_letters_that_the_font_has():
    assert replace_missing_letters("Río de noche  –\n“ok”", Lettering(POINTS)) == "Río de noche – “ok”"
    assert replace_missing_letters("Ночь на реке", Lettering(POINTS)) == "Ночь на реке"
    assert replace_missing_letters("夜の川 at night 夜夜", Lettering(POINTS)) == "… at night …"
    assert replace_missing_letters("\ud800\x00", Lettering(POINTS)) == "…"


def test_an_ellipsis_marks_the_part_of_a_prompt_that_has_no_room():
    face = Lettering(POINTS)
    rows = wrap_text(PROMPT, face, 120, 2)
    assert len(rows) == 2
    assert rows[1].endswith("…")
    assert all(face.length(row) <= 120 for row in rows)
    assert wrap_text("a glide", face, 120, 2) == ["a glide"]


def test_colours_of_the_picture_shine_through_evenly():
    size = Size(320, 180)
    picture = planes_to_rgb(overlay(size).draw(0, solid_picture(size, "#c03020")))
    assert picture[12, 100:200].max() < 90
