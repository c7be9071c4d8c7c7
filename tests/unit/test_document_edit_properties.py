"""Editing storyboards of any layout: what changes stays inside the shot, and undoing it gives the same text again."""

import functools
import os.path
from typing import NamedTuple

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard.core.model import Json
from storyboard.document.edit import CannotEdit, set_fields
from storyboard.document.parse import parse
from storyboard.document.source import Path

MARK = "\u0001"
FIELDS = ("takes", "pick", "hold", "seed")


class Written(NamedTuple):
    """A storyboard, the path of one of its shots, and where that shot's text begins and ends."""

    text: str
    path: Path
    start: int
    end: int


seeds = st.integers(0, 2**32 - 1)
values = st.one_of(
    st.tuples(st.just("takes"), st.lists(seeds, min_size=1, max_size=4, unique=True)),
    st.tuples(st.just("pick"), seeds),
    st.tuples(st.just("hold"), st.booleans()),
    st.tuples(st.just("seed"), seeds),
)
comment_words = st.text(st.sampled_from("ab #:,-[]{}'\"|>&*🎬é"), max_size=8)
beside = st.one_of(st.just(""), st.just("  "), comment_words.map("  # ".__add__))
plain = st.sampled_from(["a river", "🌴 night, 🎬", "it's", "x:y", "no", "0x1f", "16:9", "", "a  b", "é#è"])
plain_flow = st.sampled_from(["a river", "🌴 night 🎬", "it's", "x:y", "no", "0x1f", "1.50", "é#è"])
quoted = st.sampled_from(["'}, # no'", '"\\"]: , #"', "''", '"🎬"', "'it''s'"])


def line_comments(indent: str) -> st.SearchStrategy[str]:
    line = st.one_of(st.just(""), st.just("  "), comment_words.map(lambda words: f"{indent}# {words}"))
    return st.lists(line, max_size=2).map(lambda lines: "".join(line + "\n" for line in lines))


@st.composite
def flow_value(draw: st.DrawFn, deep: int = 0) -> str:
    if deep < 2 and draw(st.integers(0, 4)) == 0:
        items = draw(st.lists(flow_value(deep + 1), max_size=3))
        comma = draw(st.sampled_from([",", ", ", " , "]))
        tail = draw(st.sampled_from(["", " ", ", "])) if items else draw(st.sampled_from(["", " "]))
        if draw(st.booleans()):
            return "[" + comma.join(items) + tail + "]"
        return "{" + comma.join(f"k{number}: {item}" for number, item in enumerate(items)) + tail + "}"
    return draw(st.one_of(plain_flow, quoted))


@st.composite
def block_text(draw: st.DrawFn, indent: str) -> str:
    head = draw(st.sampled_from("|>")) + draw(st.sampled_from(["", "-", "+"])) + draw(st.sampled_from(["", " # head"]))
    inner = indent + " " * draw(st.integers(1, 3))
    lines = draw(st.lists(st.sampled_from(["a river", "# no comment", "  deeper", "k: v", "", "🎬"]), max_size=3))
    return head + "\n" + "".join(f"{inner}{line}\n" if line else "\n" for line in ["text", *lines])


@st.composite
def block_list(draw: st.DrawFn, indent: str) -> str:
    inner = indent + draw(st.sampled_from(["", "  "]))
    items = draw(st.lists(st.tuples(plain, beside), min_size=1, max_size=3))
    text = draw(beside) + "\n"
    for item, comment in items:
        text += draw(line_comments(inner)) + f"{inner}- {item}{comment}\n"
    return text


@st.composite
def block_field(draw: st.DrawFn, name: str, indent: str) -> str:
    key = draw(st.sampled_from([name, f'"{name}"', f"'{name}'"]))
    kind = draw(st.sampled_from(["plain", "quoted", "flow", "text", "list", "lines", "flow lines"]))
    if kind == "text":
        return f"{key}: {draw(block_text(indent))}"
    if kind == "list":
        return f"{key}:{draw(block_list(indent))}"
    if kind == "lines":
        return f"{key}: several\n{indent}  lines\n\n{indent}   of text{draw(beside)}\n"
    if kind == "flow lines":
        return f"{key}: [{draw(beside)}\n{indent} {draw(flow_value())},{draw(beside)}\n{indent} ]{draw(beside)}\n"
    value = draw({"plain": plain, "quoted": quoted, "flow": flow_value()}[kind])
    return f"{key}: {value}{draw(beside)}\n"


@st.composite
def own_fields(draw: st.DrawFn) -> dict[str, str]:
    """The edited fields that the shot has already, as written on one line."""
    names = draw(st.lists(st.sampled_from(FIELDS), unique=True, max_size=2))
    return {
        name: draw(st.sampled_from(["[1, 2]", "[ 3,]", "[]"] if name == "takes" else ["7", "true", "'1'", "~"]))
        for name in names
    }


@st.composite
def block_shot(draw: st.DrawFn, indent: str) -> str:
    """The lines of a shot behind ``-``; *indent* is the column of the dash."""
    dash = draw(st.sampled_from([" ", "   "]))
    column = indent + " " + dash
    names = draw(st.permutations(["id", "x-a", "x-b", "x-c"]))[: draw(st.integers(1, 4))]
    fields = [draw(block_field(name, column)) for name in names]
    fields += [f"{name}: {value}{draw(beside)}\n" for name, value in draw(own_fields()).items()]
    fields = draw(st.permutations(fields))
    gaps = [draw(line_comments(column)) for _ in fields[1:]]
    return dash + fields[0] + "".join(gap + column + field for gap, field in zip(gaps, fields[1:], strict=True))


@st.composite
def flow_shot(draw: st.DrawFn, indent: str) -> str:
    names = draw(st.permutations(["id", "x-a", "'x b'"]))[: draw(st.integers(1, 3))]
    fields = [f"{name}: {draw(flow_value())}" for name in names]
    fields += [f"{name}: {value}" for name, value in draw(own_fields()).items()]
    fields = draw(st.permutations(fields))
    layout = draw(st.sampled_from(["one line", "lines", "hanging"]))
    trailing = draw(st.sampled_from(["", ","]))
    if layout == "one line":
        pad = draw(st.sampled_from(["", " "]))
        return " {" + pad + ", ".join(fields) + trailing + pad + "}" + draw(beside) + "\n"
    if layout == "hanging":
        return " {" + f",{draw(beside)}\n{indent}   ".join(fields) + trailing + "}" + draw(beside) + "\n"
    lines = "".join(f"{indent}    {field},{draw(beside)}\n" for field in fields[:-1])
    lines += f"{indent}    {fields[-1]}{trailing}{draw(beside)}\n"
    return " {" + draw(beside) + "\n" + lines + indent + "  }" + draw(beside) + "\n"


@st.composite
def storyboards(draw: st.DrawFn) -> Written:
    """A storyboard with scenes, or the file of one scene, in a layout that people might write."""
    scenes = draw(st.integers(0, 2))
    text = draw(line_comments("")) + draw(st.sampled_from(["", "---\n", "version: 1\n", "title: 🎬 # film\n"]))
    shots: list[tuple[Path, int, int]] = []

    def add_shots(text: str, indent: str, path: Path) -> str:
        for number in range(draw(st.integers(1, 3))):
            text += draw(line_comments(indent)) + indent + "-"
            start = len(text)
            text += draw(st.one_of(block_shot(indent), flow_shot(indent)))
            shots.append(((*path, number), start, len(text)))
        return text

    if scenes:
        text += "scenes:\n"
        for number in range(scenes):
            text += f"- id: s{number}{draw(beside)}\n  shots:{draw(beside)}\n"
            text = add_shots(text, draw(st.sampled_from(["  ", "    "])), ("scenes", number, "shots"))
    else:
        text += f"shots:{draw(beside)}\n"
        text = add_shots(text, draw(st.sampled_from(["", "  "])), ("shots",))
    text += draw(line_comments("")) + draw(st.sampled_from(["", "...\n", "# end\n", "x-end: 1\n"]))
    path, start, end = draw(st.sampled_from(shots))
    return draw(line_ends(Written(text, path, start, end)))


@st.composite
def line_ends(draw: st.DrawFn, written: Written) -> Written:
    """The same with other line endings, a byte order mark, or without its last line break."""
    text, path, start, end = written
    before, inside, behind = text[:start], text[start:end], text[end:]
    style = draw(st.sampled_from(["unix", "windows", "mixed"]))
    if style != "unix":
        breaks = st.just("\r\n") if style == "windows" else st.sampled_from(["\n", "\r\n"])
        before, inside, behind = (
            "".join(line + draw(breaks) for line in part.split("\n")[:-1]) + part.split("\n")[-1]
            for part in (before, inside, behind)
        )
    if draw(st.booleans()):
        before = "\ufeff" + before
    if not behind and draw(st.booleans()):
        inside = inside.removesuffix("\n").removesuffix("\r")
    return Written(before + inside + behind, path, len(before), len(before + inside))


def shot_of(written: Written, text: str) -> dict[str, object]:
    found: object = parse(text.encode(), "").data
    for step in written.path:
        found = found[step]  # type: ignore[index]
    assert isinstance(found, dict)
    return found


def readable(written: Written) -> bool:
    return not parse(written.text.encode(), "").findings


@settings(max_examples=400)
@given(storyboards().filter(readable), values)
def test_only_the_shot_changes(written: Written, change: tuple[str, Json]) -> None:
    name, value = change
    text = written.text
    after = set_fields(text, written.path, {name: value})
    common = len(os.path.commonprefix([text, after]))
    tail = len(os.path.commonprefix([text[common:][::-1], after[common:][::-1]]))
    # Behind the shot itself only comments and blank lines may be passed over, never another value.
    passed = text[written.end : len(text) - tail]
    assert common >= written.start
    assert all(not line.strip() or line.lstrip().startswith("#") for line in passed.splitlines())
    assert shot_of(written, after) == {**shot_of(written, text), name: value}


@settings(max_examples=300)
@given(storyboards().filter(readable), values)
def test_setting_twice_is_setting_once(written: Written, change: tuple[str, Json]) -> None:
    once = set_fields(written.text, written.path, dict([change]))
    assert set_fields(once, written.path, dict([change])) == once


@settings(max_examples=300)
@given(storyboards().filter(readable), values)
def test_taking_out_what_was_set_gives_the_text_back(written: Written, change: tuple[str, Json]) -> None:
    name, value = change
    if name not in shot_of(written, written.text):
        after = set_fields(written.text, written.path, {name: value})
        assert set_fields(after, written.path, {name: None}) == written.text


@settings(max_examples=300)
@given(storyboards().filter(readable), st.lists(values, min_size=2, max_size=5))
def test_no_word_or_comment_is_lost(written: Written, changes: list[tuple[str, Json]]) -> None:
    after = functools.reduce(lambda text, change: set_fields(text, written.path, dict([change])), changes, written.text)
    others = {key: value for key, value in shot_of(written, written.text).items() if key not in FIELDS}
    assert {key: value for key, value in shot_of(written, after).items() if key not in FIELDS} == others
    assert shot_of(written, after) == shot_of(written, written.text) | dict(changes)
    for before_or_behind in (written.text[: written.start], written.text[written.end :]):
        assert before_or_behind in after


@settings(max_examples=300)
@given(storyboards().filter(readable), st.sampled_from(FIELDS))
def test_taking_out_leaves_the_rest_or_refuses(written: Written, name: str) -> None:
    shot = shot_of(written, written.text)
    try:
        after = set_fields(written.text, written.path, {name: None})
    except CannotEdit as refused:
        assert name in shot
        assert refused.lines == ""
    else:
        assert shot_of(written, after) == {key: value for key, value in shot.items() if key != name}


@settings(max_examples=200)
@given(st.text(st.sampled_from("ab:-,#[]{}&*!|>?'\" \n\r\tsho5"), max_size=40), values)
def test_any_text_is_edited_well_or_refused(tail: str, change: tuple[str, Json]) -> None:
    text = "shots:\n  - id: a" + tail
    name, value = change
    try:
        after = set_fields(text, ("shots", 0), {name: value})
    except CannotEdit as refused:
        assert yaml.safe_load(refused.lines) == {name: value}
    else:
        assert shot_of(Written(text, ("shots", 0), 0, 0), after)[name] == value
