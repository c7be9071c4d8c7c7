"""Words of other programs: every meaning is a field or value that the language has, and every line can be pasted."""

import re
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from storyboard.document.fix_lines import decibels_for, field_line, format_value, number_for
from storyboard.document.meanings import _FIELDS, _VALUES, UnknownField, field_advice, value_advice
from storyboard.document.schema import fields_of, schema
from storyboard.document.yaml.parse import parse
from storyboard.document.yaml.scalars import format_text


def titled(part: Any, title: str) -> list[dict[str, Any]]:
    """Every part of the schema with a title."""
    if isinstance(part, list):
        return [found for one in part for found in titled(one, title)]
    if not isinstance(part, dict):
        return []
    own = [part] if part.get("title") == title else []
    return own + [found for one in part.values() for found in titled(one, title)]


ALL = {
    name
    for owner in ("storyboard", "output", "scene", "shot", "track", "include", "transition")
    for name in fields_of(owner)
}
VALUES = ["1:30", "50%", 0.5, "push in", "song.mp3", None, [1, 2], {"file": "a.png"}, True]


def known(owner: str) -> set[str]:
    return {name for part in titled(schema(), owner) for name in part.get("properties", {})}


@pytest.mark.parametrize("owner", _FIELDS)
def test_the_owner_of_a_meaning_is_in_the_schema_and_lacks_the_word(owner: str) -> None:
    assert known(owner)
    if owner != "defaults":  # the table of shots, which have more fields
        assert known(owner) & set(_FIELDS[owner]) == set()


@pytest.mark.parametrize("owner", _FIELDS)
def test_a_meaning_is_a_field_or_lines_with_fields(owner: str) -> None:
    for word, value in product(_FIELDS[owner], VALUES):
        siblings = {"prompt": "A slow glide.", word: value}
        advice = field_advice(owner, UnknownField(word, value, siblings, "first_frame", "glide"), known(owner))
        assert advice is not None
        assert "<" not in advice
        name = re.fullmatch(r"did you mean `(\w+)`\?", advice)
        if name is not None:
            assert name.group(1) in known(owner) or owner == "defaults"
        for line in re.findall(r"`([a-z_]+: [^`]*)`", advice):
            document = parse(line.encode(), "line")
            assert document.findings == [], line
            assert isinstance(document.data, dict)
            assert set(document.data) <= ALL | {"gain", "start", "mode"}


def test_a_meaning_of_a_value_is_a_value_of_its_field() -> None:
    for title, words in _VALUES.items():
        parts = titled(schema(), title)
        enums = [part["enum"] for part in parts if "enum" in part]
        assert parts, title
        for word, meaning in words.items():
            advice = value_advice(title, word.replace("_", " "), ())
            assert advice is not None
            if enums and " " not in meaning:
                assert all(meaning in enum and (word not in enum or word == meaning) for enum in enums), (title, word)
            elif not enums:
                value = yaml.safe_load(meaning)
                assert all(re.search(part["pattern"], value) for part in parts if "pattern" in part), (title, word)


@pytest.mark.parametrize(
    ("field", "text", "number"),
    [
        ("duration", "1:30", 90),
        ("duration", "0:01:30.5", Fraction(181, 2)),
        ("duration", "1m30s", 90),
        ("duration", "2 min", 120),
        ("start", "500ms", Fraction(1, 2)),
        ("duration", "2,5 s", Fraction(5, 2)),
        ("gain", "-6 dB", -6),
        ("gain", "\u22126dB", -6),
        ("speed", "50%", Fraction(1, 2)),
        ("budget", "$6", 6),
        ("fps", "24fps", 24),
        ("speed", "1:30", None),
        ("duration", "5-8", None),
        ("duration", "", None),
        ("duration", "soon", None),
        ("seed", "1e9", None),
    ],
)
def test_a_number_is_read_as_people_write_it(field: str, text: str, number: Fraction | None) -> None:
    assert number_for(field, text) == number


@pytest.mark.parametrize(
    ("level", "decibels"),
    [(0.5, -6), ("50%", -6), (50, -6), (1, 0), (2, 6), (100, 0), ("-6 dB", -6), (-6, -6), (0, None), ("0%", None)],
)
def test_a_volume_is_turned_into_decibels(level: object, decibels: int | None) -> None:
    assert decibels_for(level) == decibels


@pytest.mark.parametrize("level", ["loud", True, None, [1], 3])
def test_what_is_no_volume_is_refused(level: object) -> None:
    with pytest.raises(ValueError, match=re.escape(str(level))):
        decibels_for(level)


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cn", "Co")))
    | st.sampled_from(["1", "no", "null", "a: b", "a, b", "- a", "#a", "~", "0x1", "1e5"])
)
def test_a_text_reads_back_as_itself_at_every_place(text: str) -> None:
    for line in (f"a: {format_text(text)}", f"{{a: {format_text(text)}, b: 1}}", f"[{format_text(text)}]"):
        document = parse(line.encode(), "line")
        assert document.findings == [], line
        data: Any = document.data
        assert (data["a"] if isinstance(data, dict) else data[0]) == text


@given(
    st.recursive(
        st.integers(-9, 999999) | st.booleans() | st.sampled_from(["a", "1", "x, y", "t: u"]),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), below, max_size=2),
        max_leaves=6,
    )
)
def test_a_value_reads_back_as_itself(value: object) -> None:
    document = parse(field_line("a", value).encode(), "line")
    assert document.data == {"a": value}


def test_a_long_text_is_cut() -> None:
    assert len(format_value("x" * 900)) == 202


def test_a_value_of_many_aliases_is_cut() -> None:
    bomb: Any = ["x"]
    for _ in range(60):
        bomb = [bomb, bomb, bomb]
    assert len(field_line("a", bomb)) < 2000
    assert len(field_line("a", {str(number): "text" for number in range(100_000)})) < 2000
