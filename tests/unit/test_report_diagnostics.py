"""Findings as people and programs see them."""

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard.core.diagnostics import Diagnostic, Label, Span, error, warning
from storyboard.report.diagnostics import WIDTH, as_data, render, summary
from storyboard.report.text import cells, clean, clean_lines

QUICK = settings(deadline=None, max_examples=80)


def span(line: int, column: int, end: int, file: str = "a.yaml") -> Span:
    return Span(file, line, column, line, end)


def shown(text: str, place: Span) -> tuple[str, str]:
    """The source line and the carets, without what stands before the bar."""
    lines = render([error("code", "message", place)], {"a.yaml": text}).split("\n")
    return lines[1][8:], lines[2][8:]


def under(source: str, caret: str) -> str:
    """What stands above the carets, counted in cells."""
    taken, at = "", 0
    for character in source:
        if at >= len(caret.rstrip("^")) and at < len(caret):
            taken += character
        at += cells(character)
    return taken


def test_finding_is_printed_with_all_its_parts() -> None:
    text = "\n" * 13 + "    first_frame: {from: dock-wide}\n"
    finding = error(
        "unknown-shot",
        "shot `dock-wide` is not defined",
        span(14, 25, 34, "harbor.yaml"),
        Label(span(9, 5, 14, "harbor.yaml"), "scene `harbor` defines `dock_wide`"),
        help="did you mean `dock_wide`?",
    )
    assert render([finding], {"harbor.yaml": text}) == (
        "harbor.yaml:14:25: error[unknown-shot]: shot `dock-wide` is not defined\n"
        "   14 |     first_frame: {from: dock-wide}\n"
        "      |                         ^^^^^^^^^\n"
        "  note: scene `harbor` defines `dock_wide` at harbor.yaml:9:5\n"
        "  help: did you mean `dock_wide`?\n"
        "\n"
        "1 error\n"
    )


def test_nothing_to_say_prints_nothing() -> None:
    assert render([], {}) == ""
    assert summary([]) == "no findings"


def test_errors_and_warnings_are_counted() -> None:
    findings = [error("a", "b", None), warning("a", "b", None), error("a", "b", None), warning("c", "d", None)]
    assert summary(findings) == "2 errors, 2 warnings"
    assert summary(findings[:2]) == "1 error, 1 warning"


def test_finding_without_place_or_text_has_no_caret() -> None:
    findings = [error("a", "no place", None), error("a", "no text", span(1, 1, 2, "gone.yaml"))]
    assert render(findings, {}) == "error[a]: no place\n\ngone.yaml:1:1: error[a]: no text\n\n2 errors\n"


@pytest.mark.parametrize(
    ("text", "place", "taken"),
    [
        ("a: bcd", span(1, 4, 7), "bcd"),
        ("夜の川: 霧 x", span(1, 6, 7), "霧"),
        ("夜の川: 霧 x", span(1, 8, 9), "x"),
        ("e\u0301a\u0308: bcd", span(1, 7, 9), "bc"),
        ("\tx:\ty", span(1, 5, 6), "y"),
        ("a\u200bb: c", span(1, 6, 7), "c"),
        ("a: \u202ebc", span(1, 5, 6), "b"),
        ("🎬: b", span(1, 4, 5), "b"),
    ],
)
def test_carets_stand_under_what_is_meant(text: str, place: Span, taken: str) -> None:
    assert under(*shown(text, place)) == taken


def test_empty_place_still_gets_a_caret() -> None:
    assert shown("abc", span(1, 4, 4)) == ("abc", "   ^")


def test_place_of_several_lines_is_marked_on_its_first() -> None:
    assert shown("a: |\n  b\n", Span("a.yaml", 1, 4, 2, 4)) == ("a: |", "   ^")


@pytest.mark.parametrize("column", [1, 50, 100, 5_000, 9_999, 10_000])
def test_long_line_is_shown_around_its_place(column: int) -> None:
    text = "".join(chr(0x4E00 + n % 5_000) if n % 7 == 0 else chr(97 + n % 26) for n in range(10_000))
    source, caret = shown(text, span(1, column, column + 1))
    assert sum(map(cells, source)) <= WIDTH
    assert under(source, caret) == text[column - 1]


def test_long_place_is_cut_with_its_line() -> None:
    source, caret = shown("x" * 5_000, span(1, 2_000, 4_000))
    assert len(caret) <= len(source) <= WIDTH


def test_color_changes_nothing_but_color() -> None:
    import re

    findings = [error("a", "b", span(1, 1, 2)), warning("c", "d", None)]
    colored = render(findings, {"a.yaml": "xyz"}, color=True)
    assert "\x1b[1;31m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(findings, {"a.yaml": "xyz"})


@QUICK
@given(st.text(), st.text(), st.text(), st.integers(1, 3), st.integers(1, 40))
def test_no_foreign_character_can_act_in_a_terminal(text: str, message: str, name: str, line: int, column: int) -> None:
    place = span(line, column, column + 3, name)
    finding = Diagnostic(error("a", message, None).severity, "code", message, place, (Label(place, text),), text)
    printed = render([finding], {name: text})
    bad = {c for c in printed if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}
    assert bad == set()


def test_clean_text_stays_on_one_line() -> None:
    assert clean("a\nb\tc\x1b[2J\u2028") == "a\ufffdb c\ufffd[2J\ufffd"


def test_invisible_characters_are_shown_wherever_text_is_printed() -> None:
    assert clean("a\u202eb\u200bc\ue000") == "a\ufffdb\ufffdc\ufffd"
    assert clean_lines("a\r\nb\tc\x1b") == "a  b c\ufffd"


def test_data_has_every_part() -> None:
    finding = error("code", "fact", span(1, 2, 3), Label(span(4, 5, 6), "note"), help="help")
    place = {"file": "a.yaml", "line": 1, "column": 2, "end_line": 1, "end_column": 3}
    data = as_data([finding, warning("w", "x", None)])
    assert json.loads(json.dumps(data)) == [
        {
            "severity": "error",
            "code": "code",
            "message": "fact",
            "place": place,
            "notes": [{"message": "note", "place": place | {"line": 4, "column": 5, "end_line": 4, "end_column": 6}}],
            "help": "help",
        },
        {"severity": "warning", "code": "w", "message": "x", "place": None, "notes": [], "help": None},
    ]
