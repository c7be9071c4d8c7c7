"""Editing shots in the text of a storyboard: awkward files and exactly what becomes of them."""

from typing import Any

import pytest
import yaml

from storyboard.core.model import Json
from storyboard.document.yaml import edit_text, parse
from storyboard.document.yaml.edit import CannotEdit, set_fields
from tests.unit.edits import EDITS, REFUSALS, Edit, Refusal
from tests.unit.projects import load_text

SHOT = ("shots", 0)
LIBYAML_ONLY = {"json indented by tabs"}


@pytest.mark.parametrize("case", EDITS, ids=lambda case: case.name)
def test_edit_gives_exactly_this_text(case: Edit) -> None:
    assert set_fields(case.before, SHOT, case.values) == case.after


@pytest.mark.parametrize("case", EDITS, ids=lambda case: case.name)
def test_editing_twice_changes_nothing_more(case: Edit) -> None:
    assert set_fields(case.after, SHOT, case.values) == case.after


@pytest.mark.parametrize("case", [case for case in EDITS if "\r" not in case.before], ids=lambda case: case.name)
def test_line_endings_of_windows_are_kept(case: Edit) -> None:
    before, after = (text.replace("\n", "\r\n") for text in (case.before, case.after))
    assert set_fields(before, SHOT, case.values) == after


@pytest.mark.parametrize("case", [case for case in EDITS if case.before[0] != "\ufeff"], ids=lambda case: case.name)
def test_byte_order_mark_is_kept(case: Edit) -> None:
    assert set_fields("\ufeff" + case.before, SHOT, case.values) == "\ufeff" + case.after


@pytest.mark.parametrize("case", [case for case in EDITS if case.name not in LIBYAML_ONLY], ids=lambda case: case.name)
def test_loader_without_libyaml_edits_alike(case: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "LOADER", yaml.Loader)
    monkeypatch.setattr(edit_text, "LOADER", yaml.Loader)
    assert set_fields(case.before, SHOT, case.values) == case.after


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
def test_edit_that_would_touch_more_is_refused(case: Refusal) -> None:
    with pytest.raises(CannotEdit) as caught:
        set_fields(case.before, SHOT, case.values)
    assert case.reason in caught.value.reason


def test_refusal_holds_the_lines_to_write_by_hand() -> None:
    values: dict[str, Json] = {"takes": [11, 12], "pick": 12, "hold": True, "seed": None}
    with pytest.raises(CannotEdit) as caught:
        set_fields("a: &a {id: b}\nshots: [*a]\n", SHOT, values)
    assert caught.value.lines == "takes: [11, 12]\npick: 12\nhold: true"


def test_refusal_to_take_out_has_no_lines() -> None:
    with pytest.raises(CannotEdit) as caught:
        set_fields("shots: [{id: a, seed: &s 5}]\nx-s: *s\n", SHOT, {"seed": None})
    assert caught.value.lines == ""


def test_several_fields_change_at_once() -> None:
    before = "shots:\n  - id: a\n    takes: [1, 2]  # both\n    seed: 5\n"
    after = "shots:\n  - id: a\n    takes: [1, 2, 3]  # both\n    pick: 3\n    hold: true\n"
    assert set_fields(before, SHOT, {"takes": [1, 2, 3], "pick": 3, "seed": None, "hold": True}) == after


def test_no_fields_change_nothing() -> None:
    assert set_fields("\ufeffshots: [a]\r\n", SHOT, {}) == "\ufeffshots: [a]\r\n"


def test_shot_of_a_scene_is_found_by_its_path() -> None:
    before = "scenes:\n- id: one\n  shots:\n  - id: a\n  - id: b\n- id: two\n  shots:\n  - id: c\n"
    after = "scenes:\n- id: one\n  shots:\n  - id: a\n  - id: b\n    pick: 7\n- id: two\n  shots:\n  - id: c\n"
    assert set_fields(before, ("scenes", 0, "shots", 1), {"pick": 7}) == after


@pytest.mark.parametrize(
    "path",
    [("shots", 2), ("shots", -1), ("scenes", 0), ("shots", "a"), ("shots", 0, "id"), ("shots",), ("shots", 0, "id", 0)],
)
def test_place_without_a_shot_is_refused(path: tuple[Any, ...]) -> None:
    with pytest.raises(CannotEdit, match="the file has no shot at this place"):
        set_fields("shots:\n  - id: a\n  - id: b\n", path, {"seed": 1})


def test_lone_surrogate_is_refused() -> None:
    with pytest.raises(CannotEdit, match="not UTF-8"):
        set_fields("shots: [{id: a}] # \ud800\n", SHOT, {"seed": 1})


def test_nested_aliases_are_compared_in_good_time() -> None:
    levels = "".join(f"x-{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 6)}]\n" for i in range(1, 6))
    text = f"x-0: &l0 [a, b]\n{levels}shots:\n  - id: a\n"
    assert set_fields(text, SHOT, {"seed": 5}) == text + "    seed: 5\n"


def test_located_shots_are_edited_in_their_files() -> None:
    head = "version: 1\nscenes:\n  - include: scenes/one.yaml\n  - id: two\n    shots:\n"
    root = head + "      - {id: b, prompt: a river}\n"
    scene = "id: one\nshots:\n  - {id: z, prompt: a forest}\n  - id: a\n    prompt: a city\n"
    loaded = load_text(root, scenes__one_yaml=scene)
    assert loaded.locate("a") == ("scenes/one.yaml", ("shots", 1))
    assert set_fields(scene, ("shots", 1), {"seed": 5}) == scene + "    seed: 5\n"
    assert loaded.locate("b") == ("storyboard.yaml", ("scenes", 1, "shots", 0))
    assert set_fields(root, ("scenes", 1, "shots", 0), {"hold": True}) == root.replace("river}", "river, hold: true}")
    assert loaded.locate("nobody") is None
