"""What a build would do and why, over a store without files."""

from dataclasses import dataclass
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard.core.graph import Graph
from storyboard.core.model import FileInput, Scene, Shot, Storyboard
from storyboard.core.plan import Plan
from storyboard.core.selection import BadSelection, select
from tests.unit.films import CLIP, Entry, FakeMemory, build, film, plan, shot


def steps(found: Plan) -> dict[str, tuple[str, str]]:
    return {step.action.shot: (step.do, step.reason.why) for step in found.of("take")}


CHAIN = film(shot("a"), shot("b", after="a"), shot("c", after="b"), shot("alone"))


def test_everything_is_new_at_first_and_linked_shots_wait() -> None:
    found = plan(CHAIN, FakeMemory())
    assert steps(found) == {
        "a": ("make", "new"),
        "b": ("wait", "upstream-changes"),
        "c": ("wait", "upstream-changes"),
        "alone": ("make", "new"),
    }
    assert found.cost() == Decimal("3.84")


def test_second_build_makes_nothing() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    assert build(CHAIN, memory) == []
    assert plan(CHAIN, memory).nothing_to_do()


def test_changed_prompt_names_the_field_before_and_after() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    edited = film(shot("a", prompt="another"), shot("b", after="a"), shot("c", after="b"), shot("alone"))
    found = plan(edited, memory)
    step = found.of("take")[0]
    assert step.reason.why == "request-changed"
    assert [(change.field, change.old, change.new) for change in step.reason.changes] == [
        ("prompt", "prompt of a", "another")
    ]
    assert steps(found)["b"] == ("wait", "upstream-changes")
    assert steps(found)["alone"] == ("reuse", "unchanged")


def test_a_reverted_prompt_is_free() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    build(film(shot("a", prompt="another"), shot("alone")), memory)
    assert steps(plan(film(shot("a"), shot("alone")), memory))["a"] == ("reuse", "cached")


def test_a_rerolled_upstream_reaches_the_linked_shot() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    made = build(CHAIN, memory, remake=frozenset({"a"}))
    assert [name for name in made if name.startswith("take:")] == ["take:a", "take:b", "take:c"]


def test_an_upstream_made_again_with_equal_pixels_does_not() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    memory.fresh = lambda: "e" * 64  # type: ignore[method-assign]
    once = build(CHAIN, memory, remake=frozenset({"a"}))
    again = build(CHAIN, memory, remake=frozenset({"a"}))
    assert "take:b" in once
    assert [name for name in again if name.startswith("take:")] == ["take:a"]


def test_renaming_makes_nothing() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    renamed = film(shot("a"), shot("bee", after="a", prompt="prompt of b"), shot("c", after="bee"), shot("alone"))
    assert build(renamed, memory) == []


def test_reordering_joins_the_cut_again_and_makes_no_take() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    moved = film(shot("alone"), shot("a"), shot("b", after="a"), shot("c", after="b"))
    assert build(moved, memory) == ["cut"]


def test_a_missing_film_is_joined_again() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    memory.output = None
    assert build(CHAIN, memory) == ["cut"]
    memory.output = "somebody else's"
    assert plan(CHAIN, memory).of("cut")[0].reason.why == "output-changed"


def test_a_take_that_left_the_cache_is_missing_not_new() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    memory.records.clear()
    assert steps(plan(CHAIN, memory))["a"] == ("make", "missing")


def test_a_damaged_take_says_so() -> None:
    memory = FakeMemory()
    build(CHAIN, memory)
    key = memory.lock[("alone", "local")].key
    memory.records.pop(key)
    memory.damaged.add(key)
    assert steps(plan(CHAIN, memory))["alone"] == ("make", "damaged")


def test_the_locked_take_is_used_even_if_a_newer_one_answers_the_same() -> None:
    memory = FakeMemory()
    build(film(shot("a")), memory)
    first = memory.lock[("a", "local")]
    build(film(shot("a")), memory, remake=frozenset({"a"}))
    memory.lock[("a", "local")] = first
    [step] = plan(film(shot("a")), memory).of("take")
    assert step.do == "reuse"
    assert getattr(step.result, "digest", None) == first.take


def test_another_answer_to_the_locked_request_is_named_as_such() -> None:
    memory = FakeMemory()
    build(film(shot("a")), memory)
    entry = memory.lock[("a", "local")]
    memory.lock[("a", "local")] = Entry(entry.key, "f" * 64)
    assert steps(plan(film(shot("a")), memory)) == {"a": ("reuse", "other-take")}


def test_two_shots_that_ask_for_the_same_are_made_once() -> None:
    twins = film(shot("a", prompt="same"), shot("b", prompt="same"))
    memory = FakeMemory()
    found = plan(twins, memory)
    assert steps(found)["b"] == ("wait", "same-request")
    assert found.cost() == Decimal("0.96")
    assert build(twins, memory).count("take:b") == 0
    assert len(memory.bought) == 1


def test_another_picture_of_the_same_name_counts() -> None:
    memory = FakeMemory()
    board = film(shot("a", first_frame=FileInput("refs/a.png")))
    build(board, memory, files={"refs/a.png": "1" * 64})
    [step] = plan(board, memory, files={"refs/a.png": "2" * 64}).of("take")
    assert step.reason.why == "input-changed"
    assert plan(board, memory, files={"refs/a.png": "1" * 64}).nothing_to_do()


def test_another_drawing_version_of_ourselves_is_named() -> None:
    memory = FakeMemory()
    build(film(shot("a")), memory)
    [step] = plan(film(shot("a")), memory, engines={"local": "animatic 2"}).of("take")
    assert step.reason.why == "renderer-changed"


def test_another_renderer_makes_segments_again_and_no_takes() -> None:
    memory = FakeMemory()
    memory.clip = msgspec.structs.replace(CLIP, width=640)
    build(film(shot("a")), memory)
    assert build(film(shot("a")), memory, renderer={"renderer": 2}) == ["segment:a", "cut"]


def test_a_trim_touches_one_segment_and_no_take() -> None:
    from fractions import Fraction

    from storyboard.core.model import Trim

    memory = FakeMemory()
    build(film(shot("a"), shot("b")), memory)
    trimmed = msgspec.structs.replace(shot("b"), trim=Trim(Fraction(1), Fraction(3)))
    assert build(film(shot("a"), trimmed), memory) == ["segment:b", "cut"]


def test_a_take_with_its_own_parameter_sets_is_encoded_not_copied() -> None:
    memory = FakeMemory()
    board = film(shot("a"), shot("b"), shot("c"))
    build(film(shot("a"), shot("b")), memory)
    memory.clip = msgspec.structs.replace(CLIP, parameter_sets="foreign")
    assert build(board, memory) == ["take:c", "segment:c", "cut"]


def test_selection_leaves_the_others_and_the_cut() -> None:
    found = plan(CHAIN, FakeMemory(), only=frozenset({"b", "alone"}))
    assert steps(found) == {
        "a": ("skip", "not-selected"),
        "b": ("blocked", "upstream-missing"),
        "c": ("skip", "not-selected"),
        "alone": ("make", "new"),
    }
    assert found.of("cut")[0].do == "blocked"


@pytest.mark.parametrize(
    ("selector", "shots"),
    [
        ("b", {"b"}),
        ("b+", {"b", "c"}),
        ("+b", {"a", "b"}),
        ("+b+", {"a", "b", "c"}),
        ("scene:one", {"a", "b", "c", "alone"}),
    ],
)
def test_selectors(selector: str, shots: set[str]) -> None:
    assert select(Graph(CHAIN), [selector]) == shots


def test_a_selector_that_names_nothing_says_what_is_near() -> None:
    with pytest.raises(BadSelection) as caught:
        select(Graph(CHAIN), ["alnoe"])
    assert caught.value.near == ["alone"]


def test_a_skipped_shot_is_made_only_if_another_starts_from_it() -> None:
    skipped = msgspec.structs.replace(shot("a"), skip=True)
    lonely = msgspec.structs.replace(shot("x"), skip=True)
    board = film(skipped, shot("b", after="a"), lonely)
    assert build(board, FakeMemory()) == ["take:a", "frame:a@last", "take:b", "cut"]


# properties


@dataclass
class Edited:
    before: Storyboard
    after: Storyboard


@st.composite
def films(draw: st.DrawFn) -> Storyboard:
    count = draw(st.integers(1, 6))
    made: list[Shot] = []
    for number in range(count):
        after = draw(st.one_of(st.none(), st.sampled_from(made))) if made else None
        at = draw(st.sampled_from(["first", "last"]))
        prompt = draw(st.sampled_from(["river", "forest", "city"]))
        seed = draw(st.integers(1, 3))
        made.append(shot(f"s{number}", after=after.id if after else None, at=at, prompt=prompt, seed=seed))
    return film(*made)


@given(films())
@settings(max_examples=60, deadline=None)
def test_the_plan_is_a_stable_topological_order(board: Storyboard) -> None:
    graph = Graph(board)
    order = [action.id for action in graph.order]
    seen: set[str] = set()
    for name in order:
        assert set(graph.action(name).inputs) <= seen
        seen.add(name)
    assert order == [action.id for action in Graph(board).order]


@given(films())
@settings(max_examples=60, deadline=None)
def test_a_second_build_of_any_film_makes_nothing(board: Storyboard) -> None:
    memory = FakeMemory()
    build(board, memory)
    assert build(board, memory) == []


@given(films(), films())
@settings(max_examples=60, deadline=None)
def test_going_back_to_an_earlier_film_buys_nothing(one: Storyboard, other: Storyboard) -> None:
    memory = FakeMemory()
    build(one, memory)
    build(other, memory)
    bought = len(memory.bought)
    build(one, memory)
    assert len(memory.bought) == bought


@given(films(), st.permutations(range(6)))
@settings(max_examples=60, deadline=None)
def test_order_ids_and_titles_never_decide_over_a_take(board: Storyboard, order: list[int]) -> None:
    memory = FakeMemory()
    build(board, memory)
    bought = list(memory.bought)
    shots = [*board.shots()]
    names = {found.id: f"new-{number}" for number, found in enumerate(shots)}
    renamed = [shots[position] for position in order if position < len(shots)]
    moved = [_renamed(found, names) for found in renamed]
    after = msgspec.structs.replace(board, scenes=(Scene("other", tuple(moved), title="Another"),), title="Another")
    build(after, memory)
    assert memory.bought == bought


def _renamed(found: Shot, names: dict[str, str]) -> Shot:
    from storyboard.core.model import FrameLink, Generated

    source = found.source
    assert isinstance(source, Generated)
    link = source.first_frame
    if isinstance(link, FrameLink):
        source = msgspec.structs.replace(source, first_frame=FrameLink(names[link.shot], link.at))
    return msgspec.structs.replace(found, id=names[found.id], source=source, title="Retitled", tags=("x",))
