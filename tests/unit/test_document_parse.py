"""YAML 1.2 meaning, places, and the limits that hold before anything is built."""

import ast
from pathlib import Path as FilePath

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard.document import yaml as yaml_library
from storyboard.document.yaml import parse as parsing
from storyboard.document.yaml.decode import MAX_BYTES
from storyboard.document.yaml.parse import MAX_DEPTH, MAX_EVENTS, MAX_SCALAR, parse
from storyboard.document.yaml.source_map import Document, Map, Path

QUICK = settings(deadline=None, max_examples=60)

SCALARS = {
    "16:9": "16:9",
    "9:16": "9:16",
    "1:1": "1:1",
    "1:30": "1:30",
    "2.39:1": "2.39:1",
    "no": "no",
    "No": "No",
    "off": "off",
    "on": "on",
    "yes": "yes",
    "y": "y",
    "true": True,
    "True": True,
    "TRUE": True,
    "tRUE": "tRUE",
    "false": False,
    "null": None,
    "Null": None,
    "~": None,
    "nil": "nil",
    "2024-01-01": "2024-01-01",
    "2024-13-45": "2024-13-45",
    "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
    "0": 0,
    "-0": 0,
    "+12": 12,
    "0123": 123,
    "0777": 777,
    "08": 8,
    "1_000": "1_000",
    "0o17": 15,
    "0o18": "0o18",
    "-0o17": "-0o17",
    "0x1F": 31,
    "0xfg": "0xfg",
    "0b101": "0b101",
    "1.5": 1.5,
    "1.": 1.0,
    ".5": 0.5,
    "+.5": 0.5,
    ".": ".",
    "1e3": 1000.0,
    "1e+3": 1000.0,
    "1.0e-2": 0.01,
    "1e": "1e",
    "e1": "e1",
    "1.2.3": "1.2.3",
    "--1": "--1",
    "+": "+",
    "1 2": "1 2",
    "1280x720": "1280x720",
    "30000/1001": "30000/1001",
    "nan": "nan",
    "inf": "inf",
    "=": "=",
    "'5'": "5",
    '"no"': "no",
    "'null'": "null",
    '"\\u0041"': "A",
}


def value_of(text: str) -> object:
    document = parse(f"a: {text}\n".encode(), "a.yaml")
    assert document.findings == []
    assert isinstance(document.data, dict)
    return document.data["a"]


@pytest.mark.parametrize("loader", [parsing.LOADER, yaml.Loader], ids=["libyaml", "pure"])
@pytest.mark.parametrize(("text", "meaning"), SCALARS.items(), ids=list(SCALARS))
def test_scalar_means_what_yaml_1_2_says(
    text: str, meaning: object, loader: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "LOADER", loader)
    value = value_of(text)
    assert (type(value), value) == (type(meaning), meaning)


@pytest.mark.parametrize("text", ["on", "no", "y", "16:9", "2024-01-01"])
def test_key_is_text_where_yaml_1_1_saw_something_else(text: str) -> None:
    assert parse(f"{text}: 1".encode(), "a.yaml").data == {text: 1}


def codes(raw: bytes) -> list[str]:
    return [finding.code for finding in parse(raw, "a.yaml").findings]


REFUSED = {
    "utf-16 with a mark": ("a: b\n".encode("utf-16"), "not-utf-8"),
    "utf-32 with a mark": ("a: b\n".encode("utf-32"), "not-utf-8"),
    "utf-16 without a mark": ("a: b\n".encode("utf-16-le"), "control-character"),
    "latin-1": ("a: caf\xe9\n".encode("latin-1"), "not-utf-8"),
    "lone surrogate": (b"a: \xed\xa0\x80\n", "not-utf-8"),
    "overlong": (b"a: \xc0\xaf\n", "not-utf-8"),
    "nothing": (b"", "empty-file"),
    "only a mark": (b"\xef\xbb\xbf", "empty-file"),
    "only a comment": (b"# nothing\n", "empty-file"),
    "only a start": (b"---\n", "empty-file"),
    "zero": (b"a: \0\n", "control-character"),
    "delete": (b"a: \x7f\n", "control-character"),
    "c1": ("a: \x9b\n".encode(), "control-character"),
    "next line": ("a: b\x85c: d\n".encode(), "line-separator"),
    "escape beyond unicode": (b'a: "\\UFFFFFFFF"\n', "yaml-syntax"),
    "too big": (b"#" * (MAX_BYTES + 1), "file-too-big"),
    "brackets": (b"[" * 1_000_000, "too-deep"),
    "braces": (b"{" * 1_000_000, "too-deep"),
    "dashes": (b"- " * 500_000, "too-deep"),
    "question marks": (b"? " * 500_000, "too-deep"),
    "many values": (b"a: [" + b"x," * MAX_EVENTS + b"]", "too-many-values"),
    "many aliases": (b"- &a x\n" + b"- *a\n" * 2_000, "too-many-aliases"),
    "long scalar": (b"a: " + b"x" * (MAX_SCALAR + 1), "text-too-long"),
    "long number": (b"a: " + b"1" * 5_000, "bad-number"),
    "long hex": (b"a: 0x" + b"f" * 5_000, "bad-number"),
    "infinity": (b"a: -.inf", "bad-number"),
    "beyond floats": (b"a: 1e999", "bad-number"),
    "many directives": (b"".join(b"%%TAG !a%d! x\n" % n for n in range(50_000)), "yaml-syntax"),
    "many directives and old line ends": (b"".join(b"%%TAG !a%d! x\r" % n for n in range(5_000)), "yaml-syntax"),
    "absurd version": (b"%YAML 1." + b"9" * 5_000 + b"\n---\na: b", "yaml-syntax"),
    "self reference": (b"a: &a {b: *a}", "self-reference"),
}


@pytest.mark.parametrize(("raw", "code"), REFUSED.values(), ids=list(REFUSED))
def test_hostile_file_is_refused_in_one_finding(raw: bytes, code: str) -> None:
    assert codes(raw) == [code]


@pytest.mark.parametrize(
    ("raw", "code"), [(raw, code) for raw, code in REFUSED.values() if len(raw) < 50_000 or code == "too-deep"]
)
def test_loader_without_libyaml_refuses_the_same(raw: bytes, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "LOADER", yaml.Loader)
    assert codes(raw) == [code]


@pytest.mark.parametrize("loader", [parsing.LOADER, yaml.Loader], ids=["libyaml", "pure"])
@pytest.mark.parametrize("brackets", [MAX_DEPTH, 900, 5_000])
def test_nesting_too_deep_is_told_at_the_bracket_that_passes_the_limit(
    loader: object, brackets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "LOADER", loader)
    findings = parse(b"a: 1\na: 2\nb: " + b"[" * brackets, "a.yaml").findings
    places = [(finding.code, finding.span.line, finding.span.column) for finding in findings if finding.span]
    assert places == [("repeated-key", 2, 1), ("too-deep", 3, len("b: ") + MAX_DEPTH)]


@pytest.mark.parametrize("loader", [parsing.LOADER, yaml.Loader], ids=["libyaml", "pure"])
def test_half_a_surrogate_pair_never_becomes_text(loader: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "LOADER", loader)
    assert codes(b'a: "\\ud800"\n')[0] in ("yaml-syntax", "control-character")


def test_number_of_a_thousand_parts_is_text() -> None:
    text = "1:" * 20_000 + "1"
    assert value_of(text) == text


def bomb(width: int, levels: int) -> bytes:
    lines = ["a0: &a0 [" + "x," * width + "]"]
    lines += [f"a{n}: &a{n} [" + f"*a{n - 1}," * width + "]" for n in range(1, levels)]
    return "\n".join(lines).encode()


def test_alias_bomb_is_refused_by_what_it_would_make() -> None:
    assert codes(bomb(9, 4)) == []
    assert codes(bomb(9, 8)) == ["too-many-values"]


def test_nesting_through_aliases_counts() -> None:
    half = MAX_DEPTH // 2 + 2
    deep = "[" * half + "]" * half
    assert codes(f"a: &a {deep}\nb: *a\n".encode()) == []
    assert codes(f"a: &a {deep}\nb: {'[' * half}*a{']' * half}\n".encode()) == ["too-deep"]


def test_alias_gives_the_same_value_at_its_own_place() -> None:
    document = parse(b"a: &x {k: [1, 2]}\nb: *x\nc: &y text\nd: *y\n", "a.yaml")
    assert document.data == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}, "c": "text", "d": "text"}
    assert (document.span(("d",)).line, document.span(("d",)).column) == (4, 4)


def test_mark_at_the_start_does_not_shift_places() -> None:
    plain, marked = (parse(start + b"a: 1\na: 2\n", "a.yaml") for start in (b"", b"\xef\xbb\xbf"))
    assert plain.findings == marked.findings
    assert plain.findings[0].span is not None
    assert plain.findings[0].span.line == 2


def test_anchor_and_tag_are_no_part_of_the_place() -> None:
    document = parse(b"a: &x !!str 5\nb: &y\n  k: v\n", "a.yaml")
    assert document.span(("a",)).column == 13
    assert (document.span(("b",)).line, document.span(("b",)).column) == (3, 3)


def test_empty_value_is_found_at_its_key() -> None:
    span = parse(b"one: 1\ntwo:\n", "a.yaml").span(("two",))
    assert (span.line, span.column, span.end_column) == (2, 1, 4)


def test_path_that_leads_nowhere_means_what_is_around() -> None:
    document = parse(b"a: {b: 1}\n", "a.yaml")
    assert document.span(("a", "x", "y")) == document.span(("a",))


def test_repeated_key_keeps_the_first() -> None:
    document = parse(b"a: 1\nb: 2\n'a': 3\n", "a.yaml")
    assert document.data == {"a": 1, "b": 2}
    assert [finding.code for finding in document.findings] == ["repeated-key"]


NO_CHARACTERS = "\ufffe\uffff"  # of YAML; what cannot be written as it is would be written as an escape
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=NO_CHARACTERS),
    max_size=12,
)
keys = words.filter(lambda key: key != "<<")
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.integers(-(10**6), 10**6).map(lambda n: n / 64)
    | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def every_path(document: Document) -> list[Path]:
    found: list[Path] = []
    waiting: list[tuple[Path, object]] = [((), document.data)]
    while waiting:
        path, value = waiting.pop()
        found.append(path)
        if isinstance(value, dict):
            waiting += [((*path, key), below) for key, below in value.items()]
        if isinstance(value, list):
            waiting += [((*path, index), below) for index, below in enumerate(value)]
    return found


def written(value: object, *, flow: bool) -> str:
    return yaml.dump(value, Dumper=Dumper, default_flow_style=flow, allow_unicode=True, sort_keys=False, width=60)


class Dumper(yaml.SafeDumper):
    """Writes text in double quotes, so that YAML 1.1 and 1.2 agree on what it says."""

    def ignore_aliases(self, data: object) -> bool:
        return True


Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
Dumper.add_representer(float, lambda dumper, number: dumper.represent_scalar("tag:yaml.org,2002:float", repr(number)))


@pytest.mark.parametrize("character", NO_CHARACTERS)
def test_what_is_no_character_is_refused_as_an_escape_too(character: str) -> None:
    document = parse(written({"a": character}, flow=False).encode(), "a.yaml")
    assert [finding.code for finding in document.findings] == ["control-character"]


@QUICK
@given(st.dictionaries(keys, values, min_size=1, max_size=4), st.booleans())
def test_what_was_written_is_read(value: dict[str, object], flow: bool) -> None:
    document = parse(written(value, flow=flow).encode(), "a.yaml")
    assert document.findings == []
    assert document.data == value


@QUICK
@given(st.dictionaries(keys, values, min_size=1, max_size=4), st.booleans())
def test_text_at_a_place_reads_as_the_value(value: dict[str, object], flow: bool) -> None:
    document = parse(written(value, flow=flow).encode(), "a.yaml")
    lines = document.text.split("\n")
    for path in every_path(document):
        node = document.node(path)
        assert node is not None
        span = document.span(path)
        taken = lines[span.line - 1 : span.end_line]
        taken[-1] = taken[-1][: span.end_column - 1]
        taken[0] = " " * (span.column - 1) + taken[0][span.column - 1 :]
        again = parse("\n".join(taken).encode(), "b.yaml")
        assert (again.data, again.findings) == (node.value, [])


@QUICK
@given(st.dictionaries(keys, values, min_size=1, max_size=4))
def test_line_ends_make_no_difference(value: dict[str, object]) -> None:
    text = written(value, flow=False)
    documents = [parse(text.replace("\n", end).encode(), "a.yaml") for end in ("\n", "\r\n", "\r")]
    for document in documents[1:]:
        assert document.data == documents[0].data
        assert [document.span(path) for path in every_path(document)] == [
            documents[0].span(path) for path in every_path(documents[0])
        ]


@QUICK
@given(st.text(st.sampled_from("ab:-?[]{},&*!|>'\"%@`# \n\t\r~<.01\\é😀\u2028\ufeff"), max_size=60))
def test_any_text_is_answered_with_places_inside(text: str) -> None:
    document = parse(text.encode(), "a.yaml")
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert document.root is not None or document.findings
    for finding in document.findings:
        assert finding.span is not None
        assert 1 <= finding.span.line <= len(lines)
        assert 1 <= finding.span.column <= len(lines[finding.span.line - 1]) + 1


@QUICK
@given(st.binary(max_size=80))
def test_any_bytes_are_answered(raw: bytes) -> None:
    document = parse(raw, "a.yaml")
    assert document.root is not None or document.findings


def test_places_of_keys_are_kept() -> None:
    document = parse(b"a: {b: 1,  cc: 2}\n", "a.yaml")
    assert isinstance(document.root, Map)
    span = document.key_span(("a", "cc"))
    assert (span.column, span.end_column) == (12, 14)
    assert document.head_span(("a",)).column == 5


def test_yaml_imports_nothing_of_the_program_but_the_values_of_findings() -> None:
    for path in FilePath(yaml_library.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = {name for name in names if name.startswith("storyboard")}
            outside = {name for name in ours if not name.startswith("storyboard.document.yaml")}
            assert outside <= {"storyboard.core.diagnostics"}, path.name
