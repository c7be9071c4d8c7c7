"""Lettering in every script: runs of several fonts on one line, its order, and where it breaks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from storyboard.core.model import Size
from storyboard.core.render_spec import Title
from storyboard.fonts import BUILTIN
from storyboard.fonts.lettering import FontFile, Lettering, breakable_parts, clusters, wrap_lines
from storyboard.media.render.titles import draw_title
from tests.conftest import library
from tests.fonts import font_file

POINTS = 40


def file_of(name: str) -> Path:
    return BUILTIN if name == "builtin" else font_file(name)


def lettering(*names: str) -> Lettering:
    return Lettering(POINTS, fonts(*names))


def fonts(*names: str) -> list[FontFile]:
    return [(None if name == "builtin" else font_file(name), 0) for name in names or ALL]


ALL = ("builtin", "cjk", "thai", "devanagari")
SCRIPTS = {
    "japanese": ("夜の東京、雨に濡れた石畳。", "cjk"),
    "chinese": ("夜晚的河流", "cjk"),
    "korean": ("서울의밤한강", "cjk"),
    "thai": ("แม่น้ำตอนกลางคืน", "thai"),
    "devanagari": ("रात्रिमेंनदीकीहिन्दी", "devanagari"),
    "arabic": ("نهر في الليل", "builtin"),
    "hebrew": ("נהר בלילה", "builtin"),
    "greek": ("Ποτάμι τη νύχτα", "builtin"),
}


def shaped(text: str, font: str) -> tuple[float, Any, list[tuple[int, float, float]]]:
    """Width, font, and glyphs with their places, by HarfBuzz itself, in pixels."""
    library("uharfbuzz", "uharfbuzz")
    import uharfbuzz

    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(file_of(font))))
    made = uharfbuzz.Font(face)
    made.set_variations({"wght": 400})
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    uharfbuzz.shape(made, buffer)
    scale, x, glyphs = POINTS / face.upem, 0.0, []
    for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        glyphs.append((info.codepoint, x + place.x_offset * scale, place.y_offset * scale))
        x += place.x_advance * scale
    return x, made, glyphs


def outlines(text: str, font: str, room: tuple[int, int], origin: tuple[float, float]) -> Any:
    """The ink of a text by the outlines of its glyphs, drawn here as polygons of which holes are cut out."""
    _, made, glyphs = shaped(text, font)
    scale, fine = POINTS / made.face.upem, 4
    ink = np.zeros((room[1] * fine, room[0] * fine), bool)
    for glyph, x, y in glyphs:
        winding = np.zeros_like(ink, np.int8)
        for contour in contours(made, glyph):
            points = [((origin[0] + x + px * scale) * fine, (origin[1] - y - py * scale) * fine) for px, py in contour]
            mask = Image.new("1", (ink.shape[1], ink.shape[0]))
            ImageDraw.Draw(mask).polygon(points, fill=1)
            turn = sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True))
            winding += np.asarray(mask, np.int8) * (1 if turn > 0 else -1)
        ink |= winding != 0
    return ink.reshape(room[1], fine, room[0], fine).mean((1, 3)) > 0.5


def contours(font: Any, glyph: int) -> list[list[tuple[float, float]]]:
    found: list[list[tuple[float, float]]] = []

    def curve(*controls: tuple[float, float]) -> None:
        points, order = [found[-1][-1], *controls], len(controls)
        for step in range(1, 9):
            row = np.array(points)
            for _ in range(order):
                row = row[:-1] + (row[1:] - row[:-1]) * step / 8
            found[-1].append((float(row[0][0]), float(row[0][1])))

    from uharfbuzz import DrawFuncs

    drawing = DrawFuncs()
    drawing.set_move_to_func(lambda x, y, _: found.append([(x, y)]))
    drawing.set_line_to_func(lambda x, y, _: found[-1].append((x, y)))
    drawing.set_quadratic_to_func(lambda a, b, x, y, _: curve((a, b), (x, y)))
    drawing.set_cubic_to_func(lambda a, b, c, d, x, y, _: curve((a, b), (c, d), (x, y)))
    drawing.set_close_path_func(lambda _: None)
    font.draw_glyph(glyph, drawing, None)
    return [contour for contour in found if len(contour) > 2]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_drawn_with_the_glyphs_and_places_of_harfbuzz(script: str) -> None:
    text, font = SCRIPTS[script]
    letters = lettering()
    width, _, _ = shaped(text, font)
    assert letters.length(text) == pytest.approx(width, abs=0.02 * width + 1)
    room = (round(width) + 40, 110)
    picture = Image.new("L", room)
    letters.draw(ImageDraw.Draw(picture), 20, 30, text, 255)
    drawn = np.asarray(picture) > 127
    expected = outlines(text, font, room, (20, 30 + letters.ascent))
    best = max(
        (drawn & other).sum() / (drawn | other).sum() for shift in (-1, 0, 1) for other in [np.roll(expected, shift, 0)]
    )
    assert best > 0.7, best


def parts(text: str, *names: str) -> list[str]:
    return [part for _, part, _ in lettering(*names)._runs(text)]


def test_runs_of_several_fonts_stand_in_the_order_in_which_they_are_read() -> None:
    assert parts("夜 and day") == ["夜 ", "and day"]
    assert parts("see נהר 夜 now") == ["see ", "נהר", " ", "夜 ", "now"]
    assert parts("נהר 夜", "cjk", "builtin") == ["夜", "נהר "]
    assert parts("a נהר", "cjk", "builtin") == ["a ", "נהר"]


def test_a_letter_and_its_marks_are_drawn_with_one_font() -> None:
    assert list(clusters("กำน้e\u0301क्षि")) == ["กำ", "น้", "e\u0301", "क्", "षि"]
    assert all(len(parts(text)) == 1 for text in ("แม่น้ำ", "हिन्दी", "が"))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("riverbank", ["riverbank"]),
        ("夜の川。", ["夜", "の", "川。"]),
        ("「東京」です", ["「東", "京」", "で", "す"]),
        ("ちょっと待って", ["ちょっ", "と", "待っ", "て"]),
        ("データー", ["デー", "ター"]),
        ("Tokyo東京2026", ["Tokyo", "東", "京", "2026"]),
        ("서울의밤", ["서울의밤"]),
        ("ภาษาไทยเป็น", ["ภาษา", "ไทย", "เป็น"]),
    ],
)
def test_a_line_breaks_where_the_script_allows_it(word: str, expected: list[str]) -> None:
    assert breakable_parts(word) == expected


def test_a_line_of_japanese_without_blanks_fills_its_rows() -> None:
    letters = lettering()
    text = "夜の東京の路地、雨に濡れた石畳にネオンが映る。" * 3
    rows = wrap_lines(text, letters, 400, break_words=False)
    assert "".join(rows) == text
    assert all(letters.width(row) <= 400 for row in rows)
    assert all(letters.width(row) > 300 for row in rows[:-1])
    assert not any(row[0] in "、。" for row in rows)


def test_a_card_in_letters_of_another_font_stays_inside_the_picture() -> None:
    card = Title("夜の川が流れる町で、" * 4, "한강의 밤 แม่น้ำ", "#ffffff", "#000000", "center", None, 1)
    picture = np.asarray(draw_title(card, Size(320, 180), fonts())).max(2)
    rows, columns = np.nonzero(picture > 60)
    assert rows.min() >= 10
    assert rows.max() <= 170
    assert columns.min() >= 20
    assert columns.max() <= 300
