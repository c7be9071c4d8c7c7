"""The schema, the model and the examples agree, and both judges of the schema give the same verdicts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator
from msgspec import structs
from referencing import Registry

from storyboard.core.model import Generated, Shot, Still
from storyboard.document import validate
from storyboard.document.schema import build_predicate, fields_of, find_repeated, schema, schema_text
from storyboard.document.yaml.parse import parse
from tests.unit.test_document_load import anything, films

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("**/storyboard.yaml"))


def properties(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        for key in ("properties", "patternProperties"):
            for name, below in part.get(key, {}).items():
                if isinstance(below, dict):
                    yield f"{path}/{name}", below
        for name, below in part.items():
            yield from properties(below, f"{path}/{name}")
    elif isinstance(part, list):
        for below in part:
            yield from properties(below, path)


def test_every_property_has_a_title_and_a_description() -> None:
    found = list(properties(schema()))
    assert len(found) > 60
    assert [
        path for path, part in found if not part.get("title") or not part.get("description", "").endswith(".")
    ] == []


def test_schema_is_a_schema_with_a_name_that_stays() -> None:
    whole = json.loads(schema_text())
    Draft7Validator.check_schema(whole)
    assert whole["$id"] == "urn:storyboard:schema:storyboard:1"


def test_schema_refers_to_nothing_outside() -> None:
    references = re.findall(r'"\$ref": "([^"]*)"', schema_text())
    assert references
    assert all(reference.startswith(("#/definitions/", "#/properties/output")) for reference in references)


def test_fields_of_a_shot_are_those_of_the_model() -> None:
    of_shot = {field.name for field in structs.fields(Shot)} - {"scene", "source"}
    of_source = {field.name for field in structs.fields(Generated)}
    people, sources = {"notes"}, {"clip", "image", "card"}
    assert set(fields_of("shot")) == of_shot | of_source | people | sources


def test_moves_and_transitions_are_those_of_the_model() -> None:
    from typing import get_args

    from storyboard.core.model import TitleCard, Transition

    kinds = {
        "move": (fields_of("shot")["image"]["properties"]["move"], Still, "move"),
        "align": (fields_of("shot")["card"]["properties"]["align"], TitleCard, "align"),
        "type": (fields_of("transition")["type"], Transition, "type"),
    }
    for part, struct, name in kinds.values():
        assert tuple(part["enum"]) == get_args(struct.__annotations__[name])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.parent.name)
def test_example_is_right_by_the_schema(example: Path) -> None:
    document = parse(example.read_bytes(), example.name)
    assert document.findings == []
    Draft7Validator(json.loads(schema_text()), registry=Registry()).validate(document.data)


PLAIN = Draft7Validator(schema(), registry=Registry())


@settings(deadline=None, max_examples=150)
@given(films | anything)
def test_quick_judge_agrees_with_the_library(value: object) -> None:
    quick = build_predicate(schema())(value)
    assert quick == PLAIN.is_valid(value)
    assert quick == (not list(validate._validator("storyboard").iter_errors(value)))


def test_quick_judge_refuses_keywords_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="oneOf"):
        build_predicate({"oneOf": []})


def test_dollar_in_a_pattern_is_the_end_of_the_text() -> None:
    assert not build_predicate(fields_of("shot")["id"])("glide\n")


@pytest.mark.parametrize("pattern", re.findall(r'"pattern": "([^"]*)"', schema_text()))
def test_patterns_hold_no_repetition_of_a_repetition(pattern: str) -> None:
    assert not re.search(r"[*+}]\)?[*+{]", pattern)


def test_repeated_items_are_found_among_mixed_kinds() -> None:
    assert find_repeated([1, True, "1", [1], [1], None]) is None
    assert find_repeated([1, "a", {}, "a"]) == 3


def parts(part: Any) -> Iterator[dict[str, Any]]:
    """Every part of the schema as it is written, references unresolved."""
    if isinstance(part, list):
        for below in part:
            yield from parts(below)
    elif isinstance(part, dict):
        yield part
        for name, below in part.items():
            if name not in ("examples", "x-example", "default", "defaultSnippets"):
                yield from parts(below)


WRITTEN = json.loads(schema_text())


def test_editors_show_the_description_as_markdown() -> None:
    described = [part for part in parts(WRITTEN) if isinstance(part.get("description"), str)]
    assert len(described) > 90
    assert [part["title"] for part in described if part.get("markdownDescription") != part["description"]] == []


def test_defaults_and_examples_are_right_by_their_own_schema() -> None:
    found = [part for part in parts(schema()) if {"default", "examples", "x-example"} & part.keys()]
    assert len(found) > 30
    for part in found:
        accepts = build_predicate(part)
        for value in [*part.get("examples", ()), *(part[name] for name in ("default", "x-example") if name in part)]:
            assert accepts(value), (part["title"], value)


def test_defaults_are_those_of_the_program() -> None:
    from storyboard.core.model import Audio, FrameLink, Output, TitleCard, Track, Transition
    from storyboard.document.lower_sources import DEFAULT_STILL_S, DEFAULT_TRANSITION_S

    def default(owner: str, name: str) -> Any:
        return fields_of(owner)[name]["default"]

    shot = fields_of("shot")
    outputs = {field.name: field.default for field in structs.fields(Output)}
    assert {name: default("output", name) for name in ("copy", "captions")} == {
        name: outputs[name] for name in ("copy", "captions")
    }
    assert shot["card"]["properties"]["align"]["default"] == TitleCard("", DEFAULT_STILL_S).align
    assert {shot[name]["properties"]["duration"]["default"] for name in ("card", "image")} == {DEFAULT_STILL_S}
    assert default("transition", "duration") == DEFAULT_TRANSITION_S
    assert default("transition", "direction") == Transition().direction
    assert default("frame", "at") == FrameLink("a").at
    assert default("audio", "gain") == Audio().gain == Track.__struct_defaults__[2]
    assert default("audio", "mode") == "keep"


def test_snippets_are_right_once_their_places_are_filled() -> None:
    found = {
        snippet["label"]: snippet["body"] for part in parts(WRITTEN) for snippet in part.get("defaultSnippets", ())
    }
    wanted = {"new storyboard", "scene", "scene in a file", "shot", "linked shot", "title card", "still", "footage"}
    assert wanted | {"dissolve with a duration", "caption", "track", "last frame of a shot"} <= set(found)

    def filled(body: Any) -> Any:
        if isinstance(body, str):
            return re.sub(r"\$\{\d+:([^}]*)\}", r"\1", body)
        if isinstance(body, list):
            return [filled(one) for one in body]
        return {name: filled(value) for name, value in body.items()} if isinstance(body, dict) else body

    whole = schema()
    assert build_predicate(whole)(filled(found["new storyboard"]))
    shots = [filled(found[name]) for name in ("shot", "linked shot", "title card", "still", "footage")]
    assert all(build_predicate(whole["definitions"]["shot"])(shot) for shot in shots)
    assert build_predicate(whole["properties"]["scenes"])([filled(found["scene"]), filled(found["scene in a file"])])
    assert build_predicate(whole["properties"]["audio"])([filled(found["track"])])
    assert build_predicate(fields_of("shot")["caption"])([filled(found["caption"])])
