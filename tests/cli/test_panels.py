"""Panels, one still picture a shot, and animatics of which only what is seen is drawn."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from unittest import mock

import av
import numpy as np
import pytest

from storyboard.animatic.request import Animatic
from storyboard.core.model import Size
from storyboard.engine import worker_tasks
from tests.inside import hasty
from tests.project import Project, errors
from tests.runware_server.server import RunwareServer

CHAIN = """\
scenes:
  - id: s
    shots:
      - {id: a, prompt: "Close-up of a woman, push in", seed: 3, duration: 3}
      - {id: b, prompt: Two men at a table, seed: 4, duration: 3, first_frame: {shot: a, at: last}}
"""
TRIMMED = """\
scenes:
  - id: s
    shots:
      - {id: a, prompt: a river, seed: 3, duration: 3, trim: {start: 1, end: 2}}
"""


@pytest.fixture
def drawn() -> Iterator[list[Animatic]]:
    """The requests that are drawn, in their order."""
    found: list[Animatic] = []
    real = worker_tasks.write_animatic

    def write(request: Animatic, first: bytes | None, out: Path, progress: Callable[[int, int], None]) -> int:
        found.append(request)
        return real(request, first, out, progress)

    with hasty(), mock.patch.object(worker_tasks, "write_animatic", write):
        yield found


@pytest.fixture
def desk(drawn: list[Animatic], tmp_path: Path) -> Project:
    return Project(tmp_path / "film", CHAIN, inside=True)


def luma(desk: Project, shot: str) -> list[np.ndarray]:
    """The brightness of every frame of the take in the cut."""
    with av.open(str(desk.blobs[str(desk.lock()[shot]["local"]["take"]).removeprefix("sha256:")])) as clip:
        return [frame.to_ndarray(format="gray").astype(int) for frame in clip.decode(video=0)]


def test_panels_are_one_still_picture_a_shot_held_for_its_length(desk: Project) -> None:
    assert sorted(desk.built("--panels")) == ["cut", "take:a", "take:b"]
    assert (desk.folder / "out/film.draft.mp4").exists()
    frames = luma(desk, "a")
    assert len(frames) == 36
    assert max(int(np.abs(frame - frames[0]).max()) for frame in frames) <= 12


def test_panels_and_moving_animatics_are_takes_of_their_own(desk: Project, drawn: list[Animatic]) -> None:
    desk.built("--panels")
    assert [request.is_panel for request in drawn] == [True, True]
    desk.built("--draft")
    assert [request.is_panel for request in drawn] == [True, True, False, False]
    for option in ("--panels", "--draft", "--panels"):
        desk.built(option)
    assert len(drawn) == 4
    assert desk.built("--panels") == []


def test_a_panel_shows_its_own_prompt_and_waits_for_no_other_shot(desk: Project, drawn: list[Animatic]) -> None:
    assert desk.plan("--panels") == {"a": "make: new", "b": "make: new"}
    desk.built("--panels")
    assert [request.prompt for request in drawn] == ["Close-up of a woman, push in", "Two men at a table"]
    assert desk.lock()["b"]["local"].get("frames", {}) == {}


def test_panels_are_no_clips_that_stand_still_by_mistake(desk: Project) -> None:
    ran = desk.run("build", "--panels", "--json")
    assert "frozen" not in ran.out + ran.err


def test_one_shot_is_a_panel_by_its_params(desk: Project, drawn: list[Animatic]) -> None:
    desk.edit("seed: 3,", "seed: 3, params: {style: panel},")
    desk.built()
    assert [request.is_panel for request in drawn] == [True, False]
    desk.edit("style: panel", "style: sketch")
    [error] = errors(desk.run("check", "--json"))
    assert error["message"] == "`style` must be `moving` or `panel`"


def test_panels_and_another_provider_are_refused(desk: Project) -> None:
    ran = desk.run("build", "--panels", "--provider", "runware")
    assert ran.code == 2
    assert "--panels selects --provider local" in ran.err


def test_panels_cost_nothing_and_leave_bought_takes_alone(
    drawn: list[Animatic], server: RunwareServer, tmp_path: Path
) -> None:
    desk = Project(tmp_path / "film", CHAIN, server=server, inside=True)
    desk.built()
    paid = desk.lock()["a"]["runware"]
    desk.edit("seed: 3,", "seed: 3, trim: {start: 1, end: 2}, params: {style: panel},")
    assert desk.built("--panels") != []
    assert desk.built("--draft") != []
    assert desk.lock()["a"]["runware"] == paid
    assert desk.decisions()["a"] == ("reuse", "unchanged")
    assert len(server.bill) == 2


# what is seen


def test_an_animatic_is_drawn_between_its_in_point_and_its_out_point(desk: Project, drawn: list[Animatic]) -> None:
    desk.write(TRIMMED)
    desk.built()
    [request] = drawn
    numbers = list(request.drawn_frames())
    assert len(numbers) == 36
    assert sorted(set(numbers)) == list(range(12, 24))
    assert numbers[:12] == [12] * 12
    assert numbers[24:] == [23] * 12


def test_a_trim_means_the_same_moments_in_a_whole_clip_and_in_one_drawn_in_part(
    desk: Project, drawn: list[Animatic]
) -> None:
    desk.write(TRIMMED)
    desk.built()
    part = luma(desk, "a")
    desk.edit(", trim: {start: 1, end: 2}", "")
    desk.built()
    whole = luma(desk, "a")
    assert len(part) == len(whole) == 36
    apart = [float(np.abs(one - other).mean()) for one, other in zip(part, whole, strict=True)]
    assert max(apart[12:24]) < 2.5
    assert len(drawn) == 2


def test_a_changed_trim_within_what_is_drawn_draws_nothing(desk: Project, drawn: list[Animatic]) -> None:
    desk.write(TRIMMED)
    desk.built()
    for trim in ("{start: 1.25, end: 1.75}", "{start: 1.5, end: 2}", "{start: 1, end: 2}"):
        text = TRIMMED.replace("{start: 1, end: 2}", trim)
        desk.write(text)
        assert "take:a" not in desk.built()
        assert desk.decisions()["a"] == ("reuse", "unchanged")
    assert len(drawn) == 1
    desk.write(TRIMMED.replace("end: 2", "end: 2.5"))
    assert desk.plan()["a"] == "make: changed: trim.end"
    assert "take:a" in desk.built()
    assert len(drawn) == 2


def test_trimming_a_take_that_is_drawn_whole_draws_nothing(desk: Project, drawn: list[Animatic]) -> None:
    desk.write(TRIMMED.replace(", trim: {start: 1, end: 2}", ""))
    desk.built()
    desk.write(TRIMMED)
    assert "take:a" not in desk.built()
    assert len(drawn) == 1


def test_a_new_link_into_an_undrawn_moment_draws_it(desk: Project, drawn: list[Animatic]) -> None:
    linked = TRIMMED + "      - {id: b, prompt: a wood, first_frame: {shot: a, at: %s}}\n"
    desk.write(TRIMMED + "      - {id: b, prompt: a wood}\n")
    desk.built()
    desk.write(linked % "1.5")
    assert "take:a" not in desk.built()
    desk.write(linked % "last")
    assert "take:a" in desk.built()
    assert 35 in drawn[-2].drawn_frames()
    assert desk.built() == []


def test_an_animatic_has_the_size_of_the_film_where_that_is_smaller(desk: Project, drawn: list[Animatic]) -> None:
    desk.write(TRIMMED, header="version: 1\nmodel: tiny:1\noutput: {size: 64x36, fps: 12}\nprovider: local\n")
    desk.built()
    assert drawn[-1].size == Size(64, 36)
    desk.write(TRIMMED, header="version: 1\nmodel: tiny:1\noutput: {size: 1280x720, fps: 12}\nprovider: local\n")
    assert "take:a" in desk.built()
    assert drawn[-1].size == Size(128, 72)
    desk.write(TRIMMED, header="version: 1\nmodel: tiny:1\noutput: {size: 96x54, fps: 12}\nprovider: local\n")
    assert "take:a" not in desk.built()


def test_of_several_films_the_largest_decides_the_size(desk: Project, drawn: list[Animatic]) -> None:
    header = (
        "version: 1\nmodel: tiny:1\nprovider: local\noutputs:\n"
        "  wide: {file: out/w.mp4, size: 64x36, fps: 12}\n"
        "  tall: {file: out/t.mp4, size: 36x54, fps: 12, fit: cover}\n"
    )
    desk.write(TRIMMED.replace("seed: 3,", "seed: 3, size: 128x72,"), header=header)
    desk.built()
    assert drawn[-1].size == Size(96, 54)


def test_a_frame_that_a_paid_model_gets_is_drawn_in_full_size(
    drawn: list[Animatic], server: RunwareServer, tmp_path: Path
) -> None:
    desk = Project(tmp_path / "film", "", server=server, inside=True)
    header = "version: 1\nmodel: tiny:1\noutput: {file: out/film.mp4, size: 64x36, fps: 12}\nprovider: runware\n"
    desk.write(CHAIN.replace("seed: 3,", "seed: 3, provider: local,"), header=header)
    desk.built()
    assert drawn[0].size == Size(128, 72)


@pytest.mark.parametrize(
    ("moments", "wanted"),
    [
        ((), range(24)),
        (((Fraction(1, 2), Fraction(1)),), range(6, 12)),
        (((Fraction(0), Fraction(1, 12)),), range(1)),
        (((Fraction(2), Fraction(2)),), (23,)),
        (((Fraction(0), Fraction(1, 6)), (Fraction(1), Fraction(1))), (0, 1, 11, 12, 13)),
        (((Fraction(5), Fraction(6)),), (23,)),
    ],
)
def test_frames_around_each_moment_are_drawn(
    moments: tuple[tuple[Fraction, Fraction], ...], wanted: Iterator[int]
) -> None:
    request = Animatic("words", 1, Fraction(2), Size(64, 36), Fraction(12), moments=moments)
    numbers = list(request.drawn_frames())
    assert len(numbers) == 24
    assert sorted(set(numbers)) == sorted(wanted)


def test_missing_shots_are_filled_with_panels(drawn: list[Animatic], server: RunwareServer, tmp_path: Path) -> None:
    desk = Project(tmp_path / "film", CHAIN, server=server, inside=True)
    desk.built("-s", "a")
    desk.built("--fill", "panels")
    assert [(request.prompt, request.is_panel) for request in drawn] == [("Two men at a table", True)]
    assert len(server.bill) == 1
