"""Shots without a duration: new ones are as short as their model can make them, and bought ones stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import msgspec
import pytest

from storyboard.core.model_cards import ModelCard
from storyboard.providers import models
from tests import written
from tests.inside import at_work
from tests.project import Project, takes
from tests.runware_server.server import RunwareServer
from tests.tiny import TINY

FILM = """\
scenes:
  - id: s
    shots:
      - {id: a, prompt: a river, seed: 3}
      - {id: b, prompt: a forest, seed: 4, first_frame: {shot: a, at: last}}
      - {id: c, prompt: a city, seed: 5, duration: 2}
"""
KEPT = "without `duration`: a and b keep the 3 s of their takes; write `duration: 1` for the default of the model"


@contextmanager
def _before_the_change() -> Iterator[None]:
    """The program as it was when the longest clip of a model was the default."""
    card = msgspec.structs.replace(TINY, default_duration=3, default_duration_reason="the longest")
    cards = {**models.cards(), card.id: card}
    with mock.patch.object(models, "cards", return_value=cards):
        yield


@pytest.fixture
def bought(server: RunwareServer, tmp_path: Path) -> Iterator[Project]:
    """A film that was bought when its shots without a duration had the longest clips."""
    with at_work(11, 12, 13):
        project = Project(tmp_path / "film", FILM, server=server, inside=True)
        with _before_the_change():
            project.build()
        assert sorted(line["cost"] for line in project.ledger() if line["cost"]) == ["0.24", "0.36", "0.36"]
        yield project


def test_a_new_shot_without_a_duration_buys_the_shortest_clip(server: RunwareServer, tmp_path: Path) -> None:
    with at_work():
        project = Project(tmp_path / "film", FILM, server=server, inside=True)
        plan = project.data("plan")
        assert (plan["cost"], "default_durations" in plan) == ("0.48", False)
        assert project.build()["cost"] == "0.48"


def test_models_says_what_a_shot_without_a_duration_gets(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", FILM, server=server)
    assert "  without duration 1 s: the shortest" in project.said("models", "tiny:1")
    assert "  without duration 5 s: the shortest" in project.said("models", "runway:1@2")


def test_a_default_that_is_not_the_shortest_needs_its_reason() -> None:
    card = msgspec.to_builtins(TINY)
    with pytest.raises(msgspec.ValidationError, match="needs a reason"):
        msgspec.convert({**card, "default_duration": 3}, ModelCard, strict=False)
    with pytest.raises(msgspec.ValidationError, match="makes no clips of 4 s"):
        msgspec.convert({**card, "default_duration": 4}, ModelCard, strict=False)


def test_no_bought_take_becomes_stale_by_another_default(bought: Project, server: RunwareServer) -> None:
    plan = bought.data("plan")
    assert (plan["cost"], plan["nothing_to_do"]) == ("0", True)
    assert plan["default_durations"] == {"a": 1, "b": 1}
    assert KEPT in bought.said("plan").splitlines()
    assert bought.built() == []
    assert len(server.bill) == 3


def test_a_clone_with_the_lockfile_alone_fetches_the_long_takes(
    bought: Project, server: RunwareServer, tmp_path: Path
) -> None:
    clone = Project(tmp_path / "clone", None, server=server, inside=True)
    clone.folder.mkdir()
    for name in ("storyboard.yaml", "storyboard.lock"):
        (clone.folder / name).write_bytes((bought.folder / name).read_bytes())
    assert clone.decisions() == dict.fromkeys("abc", ("resume", "missing"))
    assert takes(clone.built("--max-cost", "0")) == ["a", "b", "c"]
    assert len(server.bill) == 3
    assert clone.lock() == bought.lock()


def test_a_renamed_shot_keeps_its_long_take(bought: Project, server: RunwareServer) -> None:
    bought.edit("id: a,", "id: opening,")
    bought.edit("shot: a,", "shot: opening,")
    bought.edit("id: b,", "id: forest,")
    assert bought.decisions() == dict.fromkeys(("opening", "forest"), ("reuse", "cached")) | {
        "c": ("reuse", "unchanged")
    }
    assert takes(bought.built()) == []
    assert len(server.bill) == 3


def test_more_takes_of_a_shot_are_as_long_as_its_take(bought: Project, server: RunwareServer) -> None:
    bought.data("take", "a", "-n", "2")
    assert [line["cost"] for line in bought.ledger() if line["cost"]][3:] == ["0.36", "0.36"]
    bought.said("pick", "a", "12")
    assert bought.data("plan")["default_durations"] == {"a": 1, "b": 1}
    assert takes(bought.built()) == ["b"]


def test_an_edited_prompt_keeps_the_length_of_the_cut_and_the_plan_says_so(bought: Project) -> None:
    bought.edit("a river", "a lake")
    said = bought.said("plan")
    assert "~ a  00:00:00:00 - 00:00:03:00  3 s  $0.36  changed: prompt\n" in said
    assert KEPT in said
    bought.edit("seed: 3", "seed: 3, duration: 1")
    assert "~ a  00:00:00:00 - 00:00:01:00  1 s  $0.12  changed: prompt and duration\n" in bought.said("plan")


def test_the_animatic_of_a_bought_film_is_as_long_as_the_film(bought: Project) -> None:
    paid = bought.data("status")["film"]["copied"]["frames"]
    draft = bought.data("build", "--draft")["frames"]
    assert (draft, paid) == (24 * 8, 24 * 8)
    assert bought.data("plan")["nothing_to_do"] is True  # the animatic is another file
    assert bought.built() == []


def test_a_take_that_only_the_ledger_names_is_used_again(bought: Project) -> None:
    (bought.folder / "storyboard.lock").unlink()
    assert bought.decisions() == dict.fromkeys("abc", ("reuse", "cached"))
    assert takes(bought.built()) == []


def test_a_film_of_an_earlier_version_keeps_its_long_takes_and_its_job_in_flight(tmp_path: Path) -> None:
    film = written.place("longest", tmp_path / "film")
    plan = film.data("plan")
    steps = {step["action"]: (step["do"], step["why"]) for step in plan["steps"] if step["kind"] == "take"}
    long = ("waves", "gull", "dunes", "storm")
    assert plan["default_durations"] == dict.fromkeys(long, 5)
    assert {steps[f"take:{shot}"] for shot in (*long[:3], "hut")} == {("resume", "missing")}
    assert steps["take:storm"] == ("resume", "paid-for")
    locked = film.lock()
    keys = {step["shot"]: step["key"] for step in plan["steps"] if step["action"] in {f"take:{s}" for s in long[:3]}}
    assert keys == {shot: locked[shot]["runware"]["key"] for shot in long[:3]}
    said = film.said("plan")
    assert "waves, gull, dunes and storm keep the 10 s of their takes; write `duration: 5` for the default" in said


def test_versions_of_a_film_have_the_lengths_of_their_lockfiles(bought: Project) -> None:
    bought = Project(bought.folder, None, server=bought.server, repository=True)
    (bought.folder / ".gitignore").write_text("out/\n.storyboard/\n")
    bought.git("init", "-q")
    bought.commit("long")
    bought.edit("seed: 3", "seed: 3, duration: 1")
    bought.commit("short")
    said = bought.said("diff", "HEAD~1..HEAD")
    assert "duration: 3 s -> 1 s" in said


def test_shots_of_included_scenes_keep_their_lengths_from_a_cached_plan(server: RunwareServer, tmp_path: Path) -> None:
    with at_work():
        project = Project(tmp_path / "film", "scenes:\n  - include: one.yaml\n", server=server, inside=True)
        project.write("id: one\nshots:\n  - {id: a, prompt: a river, seed: 3}\n", "", "one.yaml")
        with _before_the_change():
            project.build()
            project.build()
        project.build()
        assert KEPT.replace("a and b keep", "a keeps").replace("their takes", "its take") in project.said("plan")
        assert project.data("plan")["default_durations"] == {"a": 1}
        project.said("plan", "--draft")
        assert len(server.bill) == 1
