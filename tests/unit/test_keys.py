"""The table of what counts in a take's key, field by field."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard.core.keys import action_key, canonical, normal, take_request
from storyboard.core.model import Generated, Size
from tests.unit.films import generated


def key(source: Generated, engine: str | None = None, **frames: str) -> str:
    return action_key("take", take_request(source, engine, frames))


BASE = generated("a river", params={"a": 1, "b": {"c": "d"}})


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "runware"},
        {"model": "other"},
        {"prompt": "a River"},
        {"negative_prompt": "people"},
        {"seed": 2},
        {"duration": Fraction(5)},
        {"size": Size(720, 1280)},
        {"params": {"a": 2, "b": {"c": "d"}}},
        {"params": {}},
    ],
    ids=str,
)
def test_every_field_of_the_request_counts(changes: dict[str, Any]) -> None:
    assert key(msgspec.structs.replace(BASE, **changes)) != key(BASE)


def test_pictures_and_the_drawing_version_count() -> None:
    keys = {
        key(BASE),
        key(BASE, "animatic 1"),
        key(BASE, "animatic 2"),
        key(BASE, first_frame="file:1"),
        key(BASE, last_frame="file:1"),
        key(BASE, first_frame="picture:1"),
        key(BASE, first_frame="file:1", last_frame="file:2"),
        key(BASE, first_frame="file:2", last_frame="file:1"),
    }
    assert len(keys) == 8


def test_how_we_draw_ourselves_counts_for_nobody_else() -> None:
    plain, bare = generated(provider="runware"), generated(provider="runware", params={"slate": False})
    assert key(plain) == key(bare)
    assert key(plain, "animatic 3") == key(bare, "animatic 3")
    assert key(plain, "animatic 2") != key(bare, "animatic 2"), "it drew the slate into the take"


def test_kinds_do_not_share_keys() -> None:
    assert action_key("take", {"a": 1}) != action_key("frame", {"a": 1})


def test_names_and_values_cannot_run_into_each_other() -> None:
    assert action_key("take", {"seed": 11}) != action_key("take", {"seed1": 1})


def test_composed_and_decomposed_letters_are_one_text() -> None:
    assert canonical("e\u0301") == canonical("\u00e9")


def test_whole_floats_are_integers() -> None:
    assert canonical({"a": 5.0}) == canonical({"a": 5}) == canonical({"a": Fraction(5)})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_has_not_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        normal(value)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.floats(-1e6, 1e6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=4), _json, max_size=5), st.randoms(use_true_random=False))
def test_key_order_never_counts(params: dict[str, Any], random: Any) -> None:
    names = [*params]
    random.shuffle(names)
    assert canonical(params) == canonical({name: params[name] for name in names})


@given(_json, _json)
def test_different_values_have_different_spellings(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == (normal(one) == normal(other) and _same_types(one, other))


def _same_types(one: Any, other: Any) -> bool:
    return msgspec.json.encode(normal(one), order="sorted") == msgspec.json.encode(normal(other), order="sorted")
