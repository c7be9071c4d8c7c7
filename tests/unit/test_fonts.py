from pathlib import Path

import pytest

from storyboard.fonts import BUILTIN, UnreadableFont, load_face, missing_letters, needs_layout


@pytest.mark.parametrize("text", ["Café, naïve, Łódź", "Река ночью", "Ποτάμι", "Գետ", "მდინარე", "נהר", "نهر", "→ ★ €"])
def test_builtin_font_writes_the_alphabets(text: str) -> None:
    assert missing_letters(text) == ""


def test_letters_that_a_font_has_not_are_named_once_in_order() -> None:
    assert missing_letters("夜の川: 夜") == "夜の川"


def test_a_letter_that_is_laid_out_as_two_is_missing_too() -> None:
    assert missing_letters("\u0e33") == "\u0e33"


def test_blanks_and_invisible_signs_are_no_letters() -> None:
    assert missing_letters("a\u00a0b\n\u200b\u2003c") == ""


def test_another_font_is_judged_by_its_own_letters() -> None:
    assert missing_letters("é夜", BUILTIN.read_bytes()) == missing_letters("é夜", BUILTIN) == "夜"


def test_what_is_no_font_is_said(tmp_path: Path) -> None:
    (tmp_path / "none.ttf").write_bytes(b"\x00\x01\x00\x00 and nothing more")
    with pytest.raises(UnreadableFont):
        load_face(12, tmp_path / "none.ttf")
    with pytest.raises(UnreadableFont):
        missing_letters("a", b"none")


def test_letters_that_a_row_of_them_does_not_write_are_told_apart() -> None:
    assert not any(map(needs_layout, ("Café", "Cafe\u0301", "Река", "→")))
    assert all(map(needs_layout, ("נהר", "نهر", "नदी", "แม่น้ำ")))
