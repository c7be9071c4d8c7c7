"""Several takes of a shot, held takes and accepted ones, over a store without files."""

from decimal import Decimal

import msgspec

from storyboard.core.graph import Graph
from storyboard.core.model import FileInput, Shot, Storyboard
from storyboard.core.plan import Plan, TakeResult
from storyboard.report.reason import reason_text
from tests.unit.films import Entry, FakeMemory, Kept, build, film, plan, shot


def steps(found: Plan) -> dict[str, tuple[str, str]]:
    return {step.action.id.removeprefix("take:"): (step.do, step.reason.why) for step in found.of("take")}


def taken(found: Plan, name: str) -> str:
    [step] = [step for step in found.takes() if step.action.shot == name]
    assert isinstance(step.result, TakeResult)
    return step.result.digest


def said(found: Plan, name: str) -> str:
    return next(reason_text(step) for step in found.takes() if step.action.shot == name)


def several(name: str, *seeds: int, pick: int | None = None, **more: object) -> Shot:
    return shot(name, seed=seeds[0] if pick is None else pick, takes=seeds, pick=pick, **more)


def held(found: Shot) -> Shot:
    return msgspec.structs.replace(found, hold=True)


def test_every_seed_is_made_and_the_first_goes_into_the_cut() -> None:
    memory = FakeMemory()
    board = film(several("a", 5, 6, 7), shot("b", after="a"))
    found = plan(board, memory)
    assert steps(found) == {
        "a": ("make", "new"),
        "a#6": ("make", "new"),
        "a#7": ("make", "new"),
        "b": ("wait", "upstream-changes"),
    }
    assert found.cost() == Decimal("3.84")
    made = build(board, memory)
    assert [name for name in made if name.startswith("take:")] == ["take:a", "take:a#6", "take:a#7", "take:b"]
    assert memory.requests[memory.lock["a", "local"].key]["seed"] == 5
    assert plan(board, memory).nothing_to_do()


def test_seeds_that_are_added_make_nothing_again() -> None:
    memory = FakeMemory()
    build(film(shot("a", seed=5), shot("b", after="a")), memory)
    added = film(several("a", 5, 8), shot("b", after="a"))
    assert steps(plan(added, memory))["a#8"] == ("make", "new")
    assert build(added, memory) == ["take:a#8"]


def test_a_changed_prompt_is_the_reason_for_every_take_of_the_shot() -> None:
    memory = FakeMemory()
    build(film(several("a", 5, 8)), memory)
    found = plan(film(several("a", 5, 8, prompt="another")), memory)
    assert steps(found) == {"a": ("make", "request-changed"), "a#8": ("make", "request-changed")}
    assert {change.field for step in found.of("take") for change in step.reason.changes} == {"prompt"}


def test_picking_another_take_makes_only_what_follows_from_it() -> None:
    memory = FakeMemory()
    build(film(several("a", 5, 6), shot("b", after="a"), shot("c")), memory)
    picked = film(several("a", 5, 6, pick=6), shot("b", after="a"), shot("c"))
    found = plan(picked, memory)
    assert steps(found)["a"] == ("reuse", "cached")
    assert [change.field for change in found.takes()[0].reason.changes] == ["seed"]
    assert steps(found)["a#5"] == ("reuse", "cached")
    assert build(picked, memory) == ["frame:a@last", "take:b", "cut"]


def test_picking_the_first_again_makes_nothing_but_the_join() -> None:
    memory = FakeMemory()
    build(film(several("a", 5, 6), shot("b", after="a")), memory)
    build(film(several("a", 5, 6, pick=6), shot("b", after="a")), memory)
    assert build(film(several("a", 5, 6), shot("b", after="a")), memory) == ["cut"]


def test_a_take_beside_that_another_shot_asks_for_as_well_is_made_once() -> None:
    memory = FakeMemory()
    board = film(several("a", 5, 6, prompt="same"), shot("b", prompt="same", seed=6))
    found = plan(board, memory)
    assert steps(found)["b"] == ("wait", "same-request")
    build(board, memory)
    assert len(memory.bought) == 2


def test_only_some_seeds_of_a_shot_are_made() -> None:
    board = film(several("a", 5, 6, 7), shot("b"))
    found = plan(board, FakeMemory(), only=frozenset({"a"}), seeds=frozenset({6}))
    assert steps(found) == {
        "a": ("skip", "not-selected"),
        "a#6": ("make", "new"),
        "a#7": ("skip", "not-selected"),
        "b": ("skip", "not-selected"),
    }
    assert found.cost() == Decimal("0.96")


def test_a_remake_rolls_the_take_in_the_cut_and_none_beside_it() -> None:
    memory = FakeMemory()
    board = film(several("a", 5, 6))
    build(board, memory)
    key = memory.lock["a", "local"].key
    assert [name for name in build(board, memory, remake=frozenset({"a"})) if name.startswith("take:")] == ["take:a"]
    assert len(memory.records[key]) == 2


def test_takes_beside_do_not_decide_how_the_film_is_encoded() -> None:
    memory = FakeMemory()
    build(film(several("a", 5, 6, 7), shot("b")), memory)
    main = {memory.lock[name, "local"].take for name in ("a", "b")}
    for records in memory.records.values():
        for record in records:
            if "parameter_sets" in record.info and record.outputs["clip"] not in main:
                record.info["parameter_sets"] = "others"  # type: ignore[index]
    found = plan(film(several("a", 5, 6, 7), shot("b")), memory)
    assert {step.do for step in found.of("segment")} == {"copy"}


def test_skipped_shots_make_no_takes_to_choose_from() -> None:
    skipped = msgspec.structs.replace(several("a", 5, 6), skip=True)
    graph = Graph(film(skipped, shot("b", after="a")))
    assert [action.id for action in graph.order if action.kind == "take"] == ["take:a", "take:b"]


def test_a_held_take_stays_though_its_request_changed() -> None:
    memory = FakeMemory()
    build(film(shot("a"), shot("b", after="a")), memory)
    before = memory.lock["a", "local"]
    board = film(held(shot("a", prompt="another")), shot("b", after="a"))
    found = plan(board, memory)
    assert steps(found) == {"a": ("held", "held"), "b": ("reuse", "unchanged")}
    assert said(found, "a") == "held, stale: prompt changed"
    assert found.cost() == 0
    assert found.nothing_to_do()
    assert build(board, memory) == []
    assert memory.lock["a", "local"] == before


def test_a_held_take_that_answers_its_request_is_just_reused() -> None:
    memory = FakeMemory()
    build(film(shot("a")), memory)
    assert steps(plan(film(held(shot("a"))), memory)) == {"a": ("reuse", "unchanged")}


def test_hold_without_a_take_makes_one() -> None:
    assert steps(plan(film(held(shot("a"))), FakeMemory())) == {"a": ("make", "new")}


def test_only_remake_makes_a_held_shot_again() -> None:
    memory = FakeMemory()
    build(film(shot("a")), memory)
    board = film(held(shot("a", prompt="another")))
    assert steps(plan(board, memory, remake=frozenset({"a"}))) == {"a": ("make", "forced")}
    build(board, memory, remake=frozenset({"a"}))
    assert steps(plan(board, memory)) == {"a": ("reuse", "unchanged")}


def test_a_held_shot_does_not_wait_for_what_it_starts_from() -> None:
    memory = FakeMemory()
    build(film(shot("a"), shot("b", after="a")), memory)
    board = film(shot("a", prompt="another"), held(shot("b", after="a", prompt="other")))
    found = plan(board, memory)
    assert steps(found) == {"a": ("make", "request-changed"), "b": ("held", "held")}
    assert said(found, "b") == "held, stale: prompt changed; starts from a frame of a, which is not made yet"
    assert found.cost() == Decimal("0.96")
    assert [name for name in build(board, memory) if name.startswith("take:")] == ["take:a"]
    assert said(plan(board, memory), "b") == "held, stale: prompt and first_frame changed"


def test_a_held_take_that_is_not_in_the_cache_is_not_made_again() -> None:
    memory = FakeMemory()
    build(film(shot("a")), memory)
    memory.records.clear()
    found = plan(film(held(shot("a", prompt="another"))), memory)
    assert steps(found) == {"a": ("blocked", "held-missing")}
    assert found.cost() == 0


def test_takes_beside_a_stale_held_one_wait_for_its_release_unless_named() -> None:
    memory = FakeMemory()
    build(film(several("a", 5, 6)), memory)
    board = film(held(several("a", 5, 6, 7, prompt="another")))
    assert steps(plan(board, memory)) == {"a": ("held", "held"), "a#6": ("held", "held"), "a#7": ("held", "held")}
    assert plan(board, memory).cost() == 0
    named = plan(board, memory, only=frozenset({"a"}), seeds=frozenset({7}))
    assert steps(named)["a#7"] == ("make", "request-changed")


def test_a_released_shot_is_stale_again() -> None:
    memory = FakeMemory()
    build(film(shot("a")), memory)
    assert steps(plan(film(shot("a", prompt="another")), memory)) == {"a": ("make", "request-changed")}


def test_a_job_that_is_paid_for_is_not_collected_into_a_held_shot() -> None:
    memory = FakeMemory()
    build(film(shot("a")), memory)
    [step] = plan(film(shot("a", prompt="another")), memory).takes()
    memory.jobs.add(step.key or "")
    assert steps(plan(film(held(shot("a", prompt="another"))), memory)) == {"a": ("held", "held")}


def test_an_accepted_take_answers_and_says_so() -> None:
    memory = FakeMemory()
    build(film(shot("a"), shot("b", after="a")), memory)
    board = film(shot("a", prompt="another"), shot("b", after="a"))
    [step, _] = plan(board, memory).takes()
    take = memory.lock["a", "local"].take
    info = msgspec.to_builtins(memory.clip)
    memory.records[step.key or ""] = [Kept({"clip": take}, {}, info, accepted=True)]
    memory.lock["a", "local"] = Entry(step.key or "", take)
    found = plan(board, memory)
    assert said(found, "a") == "unchanged; accepted for this request"
    assert taken(found, "a") == take
    assert build(board, memory) == []


def test_a_changed_picture_of_a_held_shot_is_named() -> None:
    memory = FakeMemory()
    board = film(shot("a", first_frame=FileInput("a.png")))
    build(board, memory, files={"a.png": "1" * 64})
    found = plan(film(held(shot("a", first_frame=FileInput("a.png")))), memory, files={"a.png": "2" * 64})
    assert said(found, "a") == "held, stale: first_frame changed"


def bought(name: str, **more: object) -> Shot:
    return shot(name, provider="runware", **more)


def locked(memory: FakeMemory, *shots: Shot) -> Storyboard:
    """A film of bought *shots*, all of them built and locked with their frames, of which the cache has lost all."""
    board = film(*shots)
    build(board, memory)
    for (name, provider), entry in list(memory.lock.items()):
        del memory.lock[name, provider]
        frame = {"last": f"planes of {name}"}
        memory.lock[name, "runware"] = Entry(entry.key, entry.take, frame, f"task of {name}")
    for one in board.shots():  # the keys of linked shots come from what the lockfile says of the frames
        [step] = [step for step in plan(board, memory).takes() if step.action.shot == one.id]
        memory.lock[one.id, "runware"] = msgspec.structs.replace(memory.lock[one.id, "runware"], key=step.key or "")
        memory.records.clear()
    return board


def test_locked_takes_that_are_not_here_are_fetched_for_nothing_linked_ones_too() -> None:
    memory = FakeMemory()
    board = locked(memory, bought("a"), bought("b", after="a"), bought("c", after="b"))
    found = plan(board, memory)
    assert steps(found) == dict.fromkeys("abc", ("resume", "missing"))
    assert [step.locked for step in found.takes()] == [memory.lock[name, "runware"] for name in "abc"]
    assert found.cost() == 0
    assert (
        said(found, "b")
        == "missing from this cache; bought before (task task of ): asked for first, free; another costs $0.96"
    )


def test_a_shot_that_is_not_selected_is_not_fetched_and_what_starts_from_it_is_known_all_the_same() -> None:
    memory = FakeMemory()
    board = locked(memory, bought("a"), bought("b", after="a"))
    found = plan(board, memory, only=frozenset({"b"}))
    assert steps(found) == {"a": ("skip", "not-selected"), "b": ("resume", "missing")}
    edited = film(bought("a"), bought("b", after="a", prompt="another"))
    found = plan(edited, memory, only=frozenset({"b"}))
    assert steps(found)["b"] == ("blocked", "upstream-missing")  # its key is known, its picture is not here
    assert steps(plan(edited, memory))["b"] == ("make", "request-changed")


def test_a_remake_upstream_is_waited_for_whatever_the_lockfile_says_of_the_old_take() -> None:
    memory = FakeMemory()
    board = locked(memory, bought("a"), bought("b", after="a"))
    found = plan(board, memory, remake=frozenset({"a"}))
    assert steps(found) == {"a": ("make", "forced"), "b": ("wait", "upstream-changes")}
    assert found.cost() == Decimal("1.92")


def test_another_answer_in_the_cache_does_not_replace_a_locked_take_that_can_be_fetched() -> None:
    memory = FakeMemory()
    board = locked(memory, bought("a"))
    other = Kept({"clip": "f" * 64}, {}, msgspec.to_builtins(memory.clip))
    memory.records[memory.lock["a", "runware"].key] = [other]
    assert steps(plan(board, memory)) == {"a": ("resume", "missing")}
    memory.lock["a", "runware"] = msgspec.structs.replace(memory.lock["a", "runware"], task_id=None)
    assert steps(plan(board, memory)) == {"a": ("reuse", "other-take")}


def test_each_of_two_shots_that_ask_for_the_same_has_its_own_locked_take() -> None:
    memory = FakeMemory()
    board = locked(memory, bought("a", prompt="same"), bought("b", prompt="same"))
    entry = memory.lock["a", "runware"]
    memory.lock["b", "runware"] = Entry(entry.key, entry.take, {}, entry.task_id)
    assert steps(plan(board, memory)) == {"a": ("resume", "missing"), "b": ("wait", "same-request")}
    memory.lock["b", "runware"] = Entry(entry.key, "e" * 64, {}, "another task")
    assert steps(plan(board, memory)) == dict.fromkeys("ab", ("resume", "missing"))


def test_a_locked_take_that_nobody_can_give_is_told_with_its_price() -> None:
    memory = FakeMemory()
    board = locked(memory, bought("a"))
    memory.lock["a", "runware"] = msgspec.structs.replace(memory.lock["a", "runware"], task_id=None)
    found = plan(board, memory)
    assert steps(found) == {"a": ("blocked", "locked-missing")}
    assert said(found, "a").endswith("or make another take with `--remake`, for $0.96")
    assert steps(plan(board, memory, remake=frozenset({"a"}))) == {"a": ("make", "forced")}


def test_a_held_take_that_is_not_here_is_fetched() -> None:
    memory = FakeMemory()
    locked(memory, bought("a"), bought("b", after="a"))
    board = film(held(bought("a", prompt="another")), bought("b", after="a"))
    found = plan(board, memory)
    assert steps(found) == {"a": ("resume", "held"), "b": ("resume", "missing")}
    assert said(found, "a").startswith("held, stale: prompt changed; missing from this cache; bought before")
    assert steps(plan(board, memory, only=frozenset({"b"})))["a"] == ("skip", "not-selected")


def test_a_shot_that_was_renamed_has_what_the_lockfile_names_for_its_request() -> None:
    memory = FakeMemory()
    locked(memory, bought("a"))
    renamed = film(bought("z", prompt="prompt of a"))
    assert steps(plan(renamed, memory)) == {"z": ("resume", "missing")}
    newer, older = (Kept({"clip": take}, {}, msgspec.to_builtins(memory.clip)) for take in ("f" * 64, "x"))
    older = msgspec.structs.replace(older, outputs={"clip": memory.lock["a", "runware"].take})
    memory.records[memory.lock["a", "runware"].key] = [newer, older]
    assert taken(plan(renamed, memory), "z") == memory.lock["a", "runware"].take


def test_a_build_of_what_is_locked_makes_no_takes_beside() -> None:
    memory = FakeMemory()
    board = film(several("a", 5, 6))
    build(film(shot("a", seed=5)), memory)
    assert steps(plan(board, memory))["a#6"] == ("make", "new")
    assert steps(plan(board, memory, alternates=False)) == {
        "a": ("reuse", "unchanged"),
        "a#6": ("skip", "not-selected"),
    }
