"""Films that an earlier commit has made, paid for and kept stay as they are, and verbs print the same of them.

``tests/data/README.md`` says how they were made. Everything is asked through the command line. A golden file that no
longer holds is written anew by ``tests/data/write_golden.py``, and only if the change is meant.
"""

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests import written
from tests.as_written import VERSIONS
from tests.shops import shop
from tests.written import DATA, EXAMPLES, Written, golden

# What a plan says to be made or to wait, since the sound was mixed by the mixer of then.
MIXED_AGAIN = {"sound/wide", "cut/wide", "sound/tall", "cut/tall"}
TASK = "b3a3b095-1363-494a-9c9e-792b2519b110"


@pytest.fixture(scope="module")
def paid(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The paid film in git, for verbs that only read."""
    return written.place_in_git(tmp_path_factory.mktemp("paid") / "film")


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The film with a job in its journal, for verbs that only read."""
    return written.place("unfinished", tmp_path_factory.mktemp("unfinished") / "film")


def steps(text: str) -> dict[str, dict[str, Any]]:
    """The steps of a plan by their actions."""
    return {step["action"]: step for step in json.loads(text)["data"]["steps"]}


def facts(value: Any) -> Any:
    """Printed data without the sentences in it, which are reworded from time to time."""
    if isinstance(value, dict):
        return {name: facts(item) for name, item in value.items() if name not in ("reason", "message", "text", "help")}
    return [facts(item) for item in value] if isinstance(value, list) else value


def holds(now: Any, before: Any) -> bool:
    """Whether data is as before, but for fields that were added since."""
    if isinstance(before, dict):
        return isinstance(now, dict) and all(name in now and holds(now[name], item) for name, item in before.items())
    if isinstance(before, list):
        return len(now) == len(before) and all(map(holds, now, before))
    return bool(now == before)


def then(name: str) -> str:
    """What the earlier commit printed of the paid film."""
    return (DATA / "paid/then" / f"{name}.json").read_text(encoding="utf-8")


def content(folder: Path) -> dict[str, bytes]:
    """Every file in *folder*, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check(film: Written, name: str, question: str, words: tuple[str, ...]) -> None:
    assert film.printed(*words) == golden(name, question).read_text(encoding="utf-8")


@pytest.mark.parametrize("question", written.OF_PAID)
def test_verbs_print_the_same_of_a_paid_film(paid: Written, question: str) -> None:
    check(paid, "paid", question, written.OF_PAID[question])


@pytest.mark.parametrize("question", written.OF_UNFINISHED)
def test_verbs_print_the_same_of_a_job_that_is_not_finished(unfinished: Written, question: str) -> None:
    check(unfinished, "unfinished", question, written.OF_UNFINISHED[question])


def test_verbs_that_only_read_change_nothing(tmp_path: Path) -> None:
    film = written.place("paid", tmp_path / "film")
    before = content(film.folder)
    for words in (("plan",), ("status",), ("cache", "verify")):
        film.printed(*words)
    assert content(film.folder) == before


def test_only_the_sound_of_a_paid_film_and_what_it_is_in_are_made_again(paid: Written) -> None:
    old, new = steps(then("plan")), steps(paid.printed("plan"))
    assert list(new) == list(old)
    assert {action for action in old if facts(new[action]) != facts(old[action])} == MIXED_AGAIN
    assert {step["do"] for step in old.values()} == {"reuse", "copy", "held"}
    assert [(new[action]["do"], new[action]["why"]) for action in sorted(MIXED_AGAIN)] == [
        ("wait", "upstream-changes"),
        ("wait", "upstream-changes"),
        ("make", "new"),
        ("make", "new"),
    ]


@pytest.mark.parametrize(
    ("name", "words"), [("cost", ("cost", "--by", "day")), ("takes", ("takes", "glide")), ("why", ("why", "pier"))]
)
def test_verbs_print_what_the_earlier_commit_printed(paid: Written, name: str, words: tuple[str, ...]) -> None:
    assert holds(facts(json.loads(paid.printed(*words))), facts(json.loads(then(name))))


def test_a_plan_finds_every_paid_take_under_the_key_in_the_lockfile(paid: Written) -> None:
    found = steps(paid.printed("plan"))
    locked = paid.lock()
    assert len(locked) == 8
    for shot, by_provider in locked.items():
        assert found[f"take:{shot}"]["key"] == by_provider["runware"]["key"]


def test_a_build_of_a_paid_film_mixes_its_sound_and_asks_nobody(tmp_path: Path) -> None:
    with shop() as server:
        film = written.place("paid", tmp_path / "film", server)
        before = content(film.folder)
        made = set(film.build()["made"])
        assert server.requests == []
    after = content(film.folder)
    # The PyAV of then encodes the same sound; a later one encodes another. Both films state now what they are made of.
    equal = metadata.version("av") == VERSIONS["av"]
    assert len(made & {"sound/wide", "sound/tall"}) == 1
    assert made - {"sound/wide", "sound/tall"} == {"cut/wide", "cut/tall"}
    changed = {path for path in before if before[path] != after.get(path)} - {".storyboard/index.sqlite"}
    assert changed == {"out/film.mp4", "out/tall.mp4"}
    added = [path.split("/")[2] for path in after.keys() - before.keys() if path.startswith(".storyboard/cache/")]
    assert sorted(added) == ([] if equal else ["blobs"]) + ["records", "records", "records"]
    assert json.loads(film.printed("plan"))["data"]["nothing_to_do"] is True


def test_a_job_of_the_earlier_commit_is_picked_up_where_the_provider_knows_it(tmp_path: Path) -> None:
    with shop() as server:
        buyer = written.place("unfinished", tmp_path / "buyer", server)
        (buyer.folder / ".storyboard").rename(tmp_path / "state")
        buyer.build()
        film = written.place("unfinished", tmp_path / "film", server)
        film.build()
        assert [line["task_id"] for line in server.bill] == [TASK]
    assert film.journal() == []
    assert film.lock() == buyer.lock()


def test_a_job_of_the_earlier_commit_is_not_bought_again_where_nobody_knows_it(tmp_path: Path) -> None:
    with shop() as server:
        film = written.place("unfinished", tmp_path / "film", server)
        [job] = film.journal()
        before = job.read_bytes()
        ran = film.run("build", "--json")
        assert ran.code == 8, ran
        assert TASK in ran.out
        assert server.seen("getResponse") != []
        assert server.bill == server.seen("videoInference") == []
    assert job.read_bytes() == before


def test_a_first_build_submits_the_same_tasks_under_the_same_ids(tmp_path: Path) -> None:
    assert written.asked(tmp_path / "film") == golden("asked", "tasks").read_text(encoding="utf-8")


@pytest.mark.parametrize("question", written.OF_EXAMPLE)
@pytest.mark.parametrize("name", EXAMPLES)
def test_verbs_print_the_same_of_an_example_before_anything_is_made(tmp_path: Path, name: str, question: str) -> None:
    check(written.place_example(name, tmp_path / "film"), name, question, written.OF_EXAMPLE[question])


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_lockfile_and_the_records_of_an_example_answer_what_is_asked_now(tmp_path: Path, name: str) -> None:
    film = written.place_example(name, tmp_path / "film", state=True)
    for question, words in written.OF_BUILT_EXAMPLE.items():
        check(film, name, question, words)
    found = steps(film.printed("plan", "--draft"))
    locked = film.lock()
    assert locked != {}
    for shot, by_provider in locked.items():
        step = found[f"take:{shot}"]
        # of then, the drawing had a slate bar; a linked frame is known once its animatic is drawn
        assert (step["why"], step["key"]) in (("renderer-changed", step["key"]), ("upstream-changes", None)), shot
        assert step["key"] != by_provider["local"]["key"]
    ran = film.run("check", "--locked", "--provider", "local")
    assert ran.code == 7
    assert "the locked take is an animatic that another version of storyboard drew" in ran.out + ran.err


def test_animatics_are_drawn_to_the_same_bytes(tmp_path: Path) -> None:
    expected = json.loads(golden("drawn", "takes").read_text(encoding="utf-8"))
    assert written.drawn(tmp_path) == expected[written.pillow()]
