"""Editing storyboards of any layout: what changes stays inside the shot, and undoing it gives the same text again."""

import itertools
import re
from typing import NamedTuple

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from storyboard.core.model import Json
from storyboard.document.yaml.edit import CannotEdit, set_fields
from storyboard.document.yaml.parse import parse
from storyboard.document.yaml.source_map import Path

FIELDS = ("takes", "pick", "hold", "seed")


class Written(NamedTuple):
    """A storyboard, the path of one of its shots, and where that shot's text begins and ends."""

    text: str
    path: Path
    start: int
    end: int


seeds = st.sampled_from([0, 1, 7, 11, 2**32 - 1])
values = st.one_of(
    st.tuples(st.just("takes"), st.lists(seeds, min_size=1, max_size=4, unique=True)),
    st.tuples(st.sampled_from(["pick", "seed"]), seeds),
    st.tuples(st.just("hold"), st.booleans()),
)
beside = st.sampled_from(["", "", "", "  ", "  # words", "\t#", " # a: [b, {c}", " # 🎬 'é\" # >"])
plain = st.sampled_from(["a river", "🌴 night, 🎬", "it's", "x:y", "no", "0x1f", "16:9", "", "a  b", "é#è"])
plain_flow = st.sampled_from(["a river", "🌴 night 🎬", "it's", "x:y", "no", "0x1f", "1.50", "é#è"])
quoted = st.sampled_from(["'}, # no'", '"\\"]: , #"', "''", '"🎬"', "'it''s'"])
flow_values = st.one_of(
    plain_flow, quoted, st.sampled_from(["[]", "[a,b , 'c,]',]", "{ }", "{a: {b: [c]}, d, e: }", "{shot: b, at: last}"])
)
neighbours = st.sampled_from(
    [
        " id: 🎬 # one\n@  seed: 5\n",
        " {id: b, seed: 5} # c\n",
        " id: b\n@  prompt: >\n@    A river\n\n",
        "\n@  # c\n@  takes:\n@  - 1\n",
    ]
)


def line_comments(indent: str) -> st.SearchStrategy[str]:
    lines = ["", "", "", "\n", "  \n", "@# words\n", "@# - a: 🎬\n\n@# b\n", "\n\n@#\n"]
    return st.sampled_from([line.replace("@", indent) for line in lines])


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
        return f"{key}: [{draw(beside)}\n{indent} {draw(flow_values)},{draw(beside)}\n{indent} ]{draw(beside)}\n"
    value = draw({"plain": plain, "quoted": quoted, "flow": flow_values}[kind])
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
    fields = [f"{name}: {draw(flow_values)}" for name in names]
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
    indent = draw(st.sampled_from(["", "  ", "    "]))
    path: Path = ("shots",)
    text = draw(st.sampled_from(["", "---\n", "version: 1\n", "# 🎬\ntitle: 🎬 # film\n\n"]))
    if draw(st.booleans()):
        text += f"scenes:\n- include: a.yaml\n- id: s{draw(beside)}\n  shots:{draw(beside)}\n"
        indent += "  "
        path = ("scenes", 1, "shots")
    else:
        text += f"shots:{draw(beside)}\n"
    before = draw(st.lists(neighbours, max_size=1))
    text += "".join(f"{indent}-{shot.replace('@', indent)}" for shot in before)
    text += draw(line_comments(indent)) + indent + "-"
    start = len(text)
    text += draw(st.one_of(block_shot(indent), flow_shot(indent)))
    end = len(text)
    for shot in draw(st.lists(neighbours, max_size=1)):
        text += f"{draw(line_comments(indent))}{indent}-{shot.replace('@', indent)}"
    text += draw(st.sampled_from(["", "...\n", "\n# end\n", "x-end: 1\n"]))
    return draw(line_ends(Written(text, (*path, len(before)), start, end)))


@st.composite
def line_ends(draw: st.DrawFn, written: Written) -> Written:
    """The same with other line endings, a byte order mark, or without its last line break."""
    text, path, start, end = written
    before, inside, behind = text[:start], text[start:end], text[end:]
    style = draw(st.sampled_from(["unix", "windows", "mixed"]))
    if style != "unix":
        breaks = itertools.cycle(
            ["\r\n"] if style == "windows" else draw(st.permutations(["\n", "\r\n", "\r\n", "\n"]))
        )
        before, inside, behind = (re.sub("\n", lambda _: next(breaks), part) for part in (before, inside, behind))
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


def common(left: str, right: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(left, right, strict=False)
    return next((i for i, (one, other) in enumerate(pairs) if one != other), min(len(left), len(right)))


def edit(written: Written, name: str, value: Json) -> str | CannotEdit:
    try:
        return set_fields(written.text, written.path, {name: value})
    except CannotEdit as refused:
        return refused


readable_storyboards = storyboards().filter(lambda written: not parse(written.text.encode(), "").findings)
thorough = settings(max_examples=100, deadline=None)


@thorough
@given(readable_storyboards, values)
def test_only_the_shot_changes(written: Written, change: tuple[str, Json]) -> None:
    name, value = change
    text = written.text
    after = set_fields(text, written.path, {name: value})
    assume(after != text)
    head = common(text, after)
    tail = common(text[head:][::-1], after[head:][::-1])
    # Behind the shot itself only blank lines may be passed over: they can be a part of its last value.
    assert head >= written.start
    assert not text[written.end : len(text) - tail].strip()
    assert shot_of(written, after) == {**shot_of(written, text), name: value}


@thorough
@given(readable_storyboards, values)
def test_setting_twice_is_setting_once(written: Written, change: tuple[str, Json]) -> None:
    once = set_fields(written.text, written.path, dict([change]))
    assert set_fields(once, written.path, dict([change])) == once


@thorough
@given(readable_storyboards, values)
def test_taking_out_what_was_set_gives_the_text_back(written: Written, change: tuple[str, Json]) -> None:
    name, value = change
    assume(name not in shot_of(written, written.text))
    after = set_fields(written.text, written.path, {name: value})
    assert set_fields(after, written.path, {name: None}) == written.text


@thorough
@given(readable_storyboards, st.lists(values, min_size=2, max_size=4, unique_by=lambda change: change[0]))
def test_all_around_the_shot_stays_through_many_changes(written: Written, changes: list[tuple[str, Json]]) -> None:
    after = set_fields(written.text, written.path, dict(changes))
    assert shot_of(written, after) == shot_of(written, written.text) | dict(changes)
    assert after.startswith(written.text[: written.start])
    assert after.endswith(written.text[written.end :].lstrip())


@thorough
@given(readable_storyboards, st.sampled_from(FIELDS))
def test_taking_out_leaves_the_rest_or_refuses(written: Written, name: str) -> None:
    shot = shot_of(written, written.text)
    after = edit(written, name, None)
    if isinstance(after, str):
        assert shot_of(written, after) == {key: value for key, value in shot.items() if key != name}
    else:
        assert name in shot


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("ab:-,#[]{}&*!|>?'\" \n\r\tsho5"), max_size=40), values)
def test_any_text_is_edited_well_or_refused(tail: str, change: tuple[str, Json]) -> None:
    written = Written("shots:\n  - id: a" + tail, ("shots", 0), 0, 0)
    name, value = change
    after = edit(written, name, value)
    if isinstance(after, str):
        assert shot_of(written, after)[name] == value
    else:
        assert yaml.safe_load(after.lines) == {name: value}
