"""Several takes of a shot: made, listed, picked, held, accepted, by verbs that edit the storyboard in place."""

import errno
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from storyboard.cli.editing import Edit, write_edit
from storyboard.cli.output import CommandOutput, ExitWith
from storyboard.engine import commit
from tests.inside import at_work
from tests.project import Project, copied, digest, takes

FILM = """\
scenes:
  - id: one
    shots:
      # the first picture of the film
      - id: a
        prompt: 'a river at night'   # or at dawn?
        seed: 3
      - {id: b, prompt: a forest at dawn, seed: 4, first_frame: {shot: a, at: last}}
  - id: two
    shots:
      - {id: c, prompt: a city in the rain, seed: 5}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project(tmp_path_factory.mktemp("template") / "film", FILM)
    with at_work():
        project.in_process().built()
    return project.folder


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Iterator[Project]:
    project = copied(template, tmp_path / "film")
    with at_work(11, 12, 13, 14):
        yield project


def test_take_adds_seeds_to_the_file_and_makes_them_and_nothing_else(desk: Project) -> None:
    before = desk.file.read_text()
    film = desk.film.read_bytes()
    data = desk.data("take", "a", "-n", "2", "--write")
    assert data["seeds"] == [11, 12]
    assert sorted(data["build"]["made"]) == ["take:a#11", "take:a#12"]
    line = "        takes: [3, 11, 12]\n"
    assert desk.file.read_text() == before.replace("        seed: 3\n", f"        seed: 3\n{line}")
    assert desk.film.read_bytes() == film
    assert desk.built() == []


def test_takes_lists_every_take_with_what_is_known_of_it(desk: Project) -> None:
    desk.said("take", "a", "-n", "2", "--write")
    found = desk.takes("a")
    assert sorted(take["seed"] for take in found) == [3, 11, 12]
    assert [take["number"] for take in found] == [1, 2, 3]
    assert [take["seed"] for take in found if take["in_cut"]] == [3]
    assert {take["provider"] for take in found} == {"local"}
    assert all(take["in_cache"] and take["differs"] == [] for take in found)
    text = desk.said("takes", "a")
    assert text.startswith("a: 3 takes\n")
    assert f"{desk.in_cut('a')[:12]}  in the cut" in text


def test_takes_of_an_earlier_request_say_in_which_field_it_differs(desk: Project) -> None:
    desk.edit("at night", "at noon")
    desk.built()
    old, new = sorted(desk.takes("a"), key=lambda take: bool(take["in_cut"]))
    assert [(change["field"], change["old"], change["new"]) for change in old["differs"]] == [
        ("prompt", "a river at night", "a river at noon")
    ]
    assert new["differs"] == []
    assert "differs: prompt" in desk.said("takes", "a")


def test_a_renamed_shot_keeps_its_takes(desk: Project) -> None:
    desk.edit("id: c,", "id: city,")
    [take] = desk.takes("city")
    assert take["seed"] == 5
    desk.built()
    assert desk.in_cut("city") == take["take"]


def test_a_seed_that_is_not_made_yet_is_listed_as_such(desk: Project) -> None:
    desk.edit("seed: 3\n", "seed: 3\n        takes: [3, 77]\n")
    assert desk.data("takes", "a")["unmade"] == [77]
    assert desk.built() == ["take:a#77"]
    assert desk.data("takes", "a")["unmade"] == []


@pytest.mark.parametrize("by", ["number", "seed", "digest"])
def test_pick_writes_the_seed_and_makes_only_what_follows(desk: Project, by: str) -> None:
    desk.said("take", "a", "-n", "1", "--write")
    [wanted] = [take for take in desk.takes("a") if take["seed"] == 11]
    name = {"number": f"#{wanted['number']}", "seed": "seed:11", "digest": wanted["take"][:8]}[by]
    before = desk.file.read_text()
    said = desk.said("pick", "a", name)
    assert "the next build: 1 to change, 2 unchanged; $0.00" in said
    line = "        takes: [3, 11]\n"
    assert desk.file.read_text() == before.replace(line, f"{line}        pick: 11\n")
    assert desk.lock()["a"]["local"]["take"] == wanted["take"]
    assert sorted(desk.built()) == ["cut", "frame:a@last", "take:b"]
    assert desk.in_cut("a") == wanted["take"]
    desk.said("pick", "a", "3")
    assert desk.built() == ["cut"]


def test_pick_of_a_seed_that_is_not_made_yet_leaves_it_to_the_build(desk: Project) -> None:
    desk.edit("seed: 3\n", "seed: 3\n        takes: [3, 77]\n")
    desk.said("pick", "a", "77")
    assert "pick: 77\n" in desk.file.read_text()
    assert "take:a" in desk.built()


def test_every_take_lies_beside_the_film_by_its_seed_to_be_looked_at(desk: Project) -> None:
    desk.said("take", "a", "-n", "2", "--write")
    folder = desk.folder / "out" / "film.draft"
    assert sorted(path.name for path in folder.iterdir()) == ["a.11.mp4", "a.12.mp4", "a.mp4", "b.mp4", "c.mp4"]
    shown = {digest(folder / f"a{name}.mp4") for name in ("", ".11", ".12")}
    assert shown == {take["take"] for take in desk.takes("a")}
    desk.edit("        takes: [3, 11, 12]\n", "")
    desk.built()
    assert sorted(path.name for path in folder.iterdir()) == ["a.mp4", "b.mp4", "c.mp4"]


def test_an_earlier_seed_comes_back_by_pick(desk: Project) -> None:
    desk.edit("seed: 5}", "seed: 6}")
    desk.built()
    desk.said("pick", "c", "5")
    assert "{id: c, prompt: a city in the rain, seed: 6, takes: [6, 5], pick: 5}" in desk.file.read_text()
    assert desk.built() == ["cut"]


@pytest.fixture
def numbered(desk: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A film with two takes of `a`: take 1 has the seed 3, and take 2, which is made later, the seed 1."""
    monkeypatch.setattr(commit, "_now", lambda: "2099-01-01T00:00:00+00:00")
    desk.edit("seed: 3\n", "seed: 3\n        takes: [3, 1]\n")
    desk.built()
    assert [(take["number"], take["seed"]) for take in desk.takes("a")] == [(1, 3), (2, 1)]
    return desk


def test_a_number_that_is_a_take_and_the_seed_of_another_is_refused_with_both_ways_out(numbered: Project) -> None:
    first, second = (take["take"] for take in numbered.takes("a"))
    before = numbered.file.read_text()
    error = numbered.refused(2, "pick", "a", "1")
    assert error["code"] == "ambiguous-take"
    assert error["help"] == (
        f"write `'#1'` for take 1 (seed 3, {first[:12]}) or `seed:1` for take 2 (seed 1, {second[:12]})"
    )
    assert numbered.refused(2, "view", "a", "1")["help"] == error["help"].replace("write ", "write one of ")
    assert numbered.file.read_text() == before
    numbered.said("pick", "a", "seed:1")
    assert numbered.lock()["a"]["local"]["take"] == second
    numbered.said("pick", "a", "#1")
    assert numbered.lock()["a"]["local"]["take"] == first
    numbered.said("pick", "a", "2")
    assert numbered.lock()["a"]["local"]["take"] == second


def test_a_number_that_is_a_take_and_a_seed_without_a_take_is_refused_too(desk: Project) -> None:
    desk.edit("seed: 3\n", "seed: 3\n        takes: [3, 1]\n")
    error = desk.refused(2, "pick", "a", "1")
    assert error["code"] == "ambiguous-take"
    assert "`'#1'` for take 1 (seed 3, " in error["help"]
    assert error["help"].endswith("or `seed:1` for the seed 1, not made yet")
    assert "pick: 1" not in desk.file.read_text()
    desk.said("pick", "a", "seed:1")
    assert "pick: 1\n" in desk.file.read_text()


def test_takes_lists_the_words_that_pick_reads(numbered: Project) -> None:
    numbered.edit("takes: [3, 1]", "takes: [3, 1, 9]")
    rows = [line.split() for line in numbered.said("takes", "a").splitlines()[2:]]
    assert [row[:2] for row in rows] == [["#1", "seed:3"], ["#2", "seed:1"], ["seed:9", "not"]]


def test_drop_reads_numbers_and_seeds_as_pick_does(numbered: Project) -> None:
    numbered.edit("takes: [3, 1]", "takes: [3, 1, 2]")
    error = numbered.refused(2, "drop", "a", "2")
    assert error["code"] == "ambiguous-take"
    assert "`'#2'` for take 2 (seed 1, " in error["help"]
    assert error["help"].endswith("or `seed:2` for the seed 2, not made yet")
    assert numbered.data("drop", "a", "#2")["dropped"] == [1]
    assert numbered.data("drop", "a", "seed:2")["dropped"] == [2]
    assert numbered.refused(2, "drop", "a", "#7")["message"] == "a has no take #7 with a seed in `takes`"


def test_one_seed_of_several_requests_is_named_by_numbers(desk: Project) -> None:
    desk.edit("a river at night", "a river at noon")
    desk.built()
    first, second = (take["take"][:12] for take in desk.takes("a"))
    error = desk.refused(2, "pick", "a", "seed:3")
    assert error["help"] == f"write `'#1'` for take 1 (seed 3, {first}) or `'#2'` for take 2 (seed 3, {second})"


def test_a_take_that_is_not_there_is_refused(desk: Project) -> None:
    assert desk.refused(2, "pick", "a", "99")["code"] == "no-such-take"
    assert desk.run("takes", "aa").code == 2


def test_a_take_whose_blob_is_gone_cannot_be_picked(desk: Project) -> None:
    desk.said("take", "a", "--write")
    [wanted] = [take for take in desk.takes("a") if take["seed"] == 11]
    desk.blobs[wanted["take"]].unlink()
    assert desk.refused(1, "pick", "a", "11")["code"] == "take-missing"
    assert "pick" not in desk.file.read_text()
    assert "not in this cache" in desk.said("takes", "a")


def test_a_take_of_another_request_is_explained_and_can_be_held(desk: Project) -> None:
    old = desk.in_cut("a")
    desk.edit("at night", "at noon")
    desk.built()
    before = desk.file.read_text()
    error = desk.refused(1, "pick", "a", old[:10])
    assert error["code"] == "other-request"
    assert "made from another request: prompt" in error["message"]
    assert "[-noon-]" in error["help"] or "[-night-] {+noon+}" in error["help"]
    assert desk.file.read_text() == before
    desk.said("pick", "a", old[:10], "--hold")
    assert "        hold: true\n" in desk.file.read_text()
    assert desk.plan()["a"] == "held: held, stale: prompt changed"
    assert sorted(desk.built()) == ["cut"]
    assert desk.in_cut("a") == old


def test_a_held_take_stays_until_it_is_released(desk: Project) -> None:
    take = desk.in_cut("a")
    film = desk.film.read_bytes()
    said = desk.said("hold", "a")
    assert take[:12] in said
    assert "nothing to do" in said
    desk.edit("at night", "at noon")
    assert desk.plan()["a"] == "held: held, stale: prompt changed"
    assert "held       a  00:00:00:00 - 00:00:01:00  1 s  take" in desk.said("status")
    assert desk.built() == []
    assert desk.run("build", "--locked").code == 0
    assert desk.film.read_bytes() == film
    said = desk.said("release", "a")
    assert "the next build: 2 to change" in said
    assert "hold" not in desk.file.read_text()
    assert desk.plan()["a"] == "make: changed: prompt"


def test_remake_makes_a_held_shot_again_and_keeps_the_old_take(desk: Project) -> None:
    take = desk.in_cut("a")
    desk.said("hold", "a")
    desk.edit("at night", "at noon")
    assert takes(desk.built("--remake", "a")) == ["a", "b"]
    assert desk.in_cut("a") != take
    assert take in desk.blobs
    assert [found["take"] for found in desk.takes("a") if found["differs"]] == [take]


def test_hold_twice_and_release_of_what_is_not_held_change_nothing(desk: Project) -> None:
    before = desk.file.read_bytes()
    assert desk.data("release", "a")["changed"] is False
    assert desk.file.read_bytes() == before
    assert desk.data("hold", "a")["changed"] is True
    assert desk.data("hold", "a")["changed"] is False
    assert "stays in the cut; already held, nothing changed\n" in desk.said("hold", "a")
    assert desk.data("release", "a")["hold"] is False
    assert "it is remade when its request changes; not held, nothing changed\n" in desk.said("release", "a")
    assert desk.file.read_bytes() == before


def test_a_project_without_file_locks_is_not_built(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def missing(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", missing)
    for words in (("build",), ("cache", "gc", "--delete")):
        error = desk.refused(1, *words)
        assert error["code"] == "no-lock"
        assert "builder.lock cannot be locked: the file system has no file locks" in error["message"]
        assert error["help"] == "keep the project on a local disk"


def test_an_accepted_take_answers_the_new_text_and_nothing_is_made(desk: Project) -> None:
    take = desk.in_cut("a")
    desk.edit("at night", "by night")
    said = desk.said("accept", "a")
    assert "is accepted for the current request: prompt" in said
    assert "[-at-] {+by+} night" in said
    assert desk.plan()["a"] == "reuse: unchanged; accepted for this request"
    assert desk.built() == []
    assert desk.run("build", "--locked").code == 0
    [found] = desk.takes("a")
    assert (found["take"], found["accepted"], found["differs"]) == (take, True, [])
    assert "accepted for this request" in desk.said("status")
    desk.edit("by night", "at night")
    assert desk.plan()["a"] == "reuse: in the cache"
    assert desk.built() == []


def test_accept_takes_the_takes_beside_it_along(desk: Project) -> None:
    desk.said("take", "a", "-n", "2", "--write")
    desk.edit("at night", "by night")
    desk.said("accept", "a")
    assert desk.built() == []
    assert {take["seed"]: take["accepted"] for take in desk.takes("a")} == {3: True, 11: True, 12: True}


def test_there_may_be_nothing_to_accept(desk: Project, tmp_path: Path) -> None:
    assert "already matches the current request" in desk.refused(1, "accept", "a")["message"]
    fresh = Project(tmp_path / "fresh", FILM, inside=True)
    assert "has no take of this shot" in fresh.refused(1, "accept", "a")["message"]
    desk.edit("at night", "at noon")
    desk.edit("at dawn, seed", "at dusk, seed")
    assert "not made yet" in desk.refused(1, "accept", "b")["message"]


def test_take_of_a_shot_whose_first_frame_is_not_there_changes_nothing(desk: Project) -> None:
    desk.edit("at night", "at noon")
    before = desk.file.read_text()
    error = desk.refused(1, "take", "b")
    assert "a is missing; nothing was changed" in error["message"]
    assert desk.file.read_text() == before


def test_a_shot_written_by_an_alias_is_left_alone_with_the_lines_to_write(desk: Project) -> None:
    text = desk.file.read_text()
    shared = "x-shot: &shot\n  id: a\n  prompt: a river at night\n  seed: 3\nscenes:\n"
    begin, end = text.index("      # the first"), text.index("      - {id: b")
    desk.file.write_text((text[:begin] + "      - *shot\n" + text[end:]).replace("scenes:\n", shared))
    before = desk.file.read_bytes()
    ran = desk.run("hold", "a")
    assert ran.code == 1
    assert "was not changed" in ran.err
    assert "    hold: true\n" in ran.err
    assert desk.file.read_bytes() == before


def test_the_file_that_a_scene_stands_in_is_edited_with_its_line_ends_and_mode(desk: Project) -> None:
    scene = desk.folder / "two.yaml"
    scene.write_bytes(b"id: two\r\nshots:\r\n  - id: c   # last\r\n    prompt: a city in the rain\r\n    seed: 5\r\n")
    scene.chmod(0o640)
    text = desk.file.read_text()
    desk.file.write_text(text[: text.index("  - id: two")] + "  - include: two.yaml\n")
    before = desk.file.read_bytes()
    assert desk.data("hold", "c")["file"] == "two.yaml"
    assert scene.read_bytes().endswith(b"    seed: 5\r\n    hold: true\r\n")
    assert stat.S_IMODE(scene.stat().st_mode) == 0o640
    assert desk.file.read_bytes() == before


def test_a_file_that_was_changed_meanwhile_is_left_as_it_is(desk: Project) -> None:
    edit = Edit(desk.file, "storyboard.yaml", b"what was read", b"what was wanted")
    before = desk.file.read_bytes()
    with pytest.raises(ExitWith):
        write_edit(CommandOutput("hold", as_json=True), edit)
    assert desk.file.read_bytes() == before


def test_listing_takes_writes_nothing(desk: Project) -> None:
    desk.said("take", "a", "--write")
    seen = {path: path.lstat().st_mtime_ns for path in desk.folder.rglob("*")}
    desk.said("takes", "a")
    desk.said("plan")
    assert {path: path.lstat().st_mtime_ns for path in desk.folder.rglob("*")} == seen


def test_check_knows_what_is_wrong_with_seeds(desk: Project) -> None:
    desk.edit("seed: 3\n", "seed: 3\n        takes: [3, 77]\n        pick: 4\n")
    error = desk.refused(3, "check")
    assert (error["code"], error["help"]) == ("bad-pick", "write `3` or `77`")


def test_seeds_tried_for_free_are_not_bought_later(desk: Project) -> None:
    before = desk.file.read_bytes()
    data = desk.data("take", "a", "-n", "2")
    assert (data["seeds"], data["file"]) == ([11, 12], None)
    assert sorted(data["build"]["made"]) == ["take:a#11", "take:a#12"]
    assert all(take["differs"] == [] for take in data["takes"])
    assert desk.file.read_bytes() == before
    assert sorted(take["seed"] for take in desk.takes("a")) == [3, 11, 12]
    paid = desk.data("plan", "--provider", "runware")
    assert [step["action"] for step in paid["steps"] if step["kind"] == "take"] == ["take:a", "take:b", "take:c"]
    assert desk.built() == []
    assert "made animatics with seed 13; they are not in the storyboard" in desk.said("take", "a")
    assert sorted(take["seed"] for take in desk.takes("a")) == [3, 11, 12, 13]


def test_an_animatic_that_was_not_written_can_be_picked(desk: Project) -> None:
    desk.said("take", "a", "-n", "2")
    desk.said("pick", "a", "12")
    assert "takes: [3, 12]" in desk.file.read_text()
    assert "pick: 12" in desk.file.read_text()
    assert takes(desk.built()) == ["b"]


@pytest.mark.parametrize("provider", ["local", "runware"], ids=["local film", "paid film"])
def test_seeds_of_animatics_are_written_on_request_with_what_they_would_cost(desk: Project, provider: str) -> None:
    desk.edit("provider: local\n", f"provider: {provider}\n")
    data = desk.data("take", "a", "-n", "2", "--draft", "--write")
    assert "takes: [3, 11, 12]" in desk.file.read_text()
    assert data["file"] == "storyboard.yaml"
    assert data["next_paid"] == {"provider": "runware", "cost": "0.60"}
    said = desk.said("take", "a", "--draft", "--write")
    assert "with runware, the next build: 3 to make, 3 more takes to make; $0.72" in said
    assert desk.data("plan", "--provider", "runware")["cost"] == "0.72"


def test_drop_takes_seeds_out_of_the_file_and_keeps_their_takes(desk: Project) -> None:
    desk.said("take", "a", "-n", "3", "--write")
    data = desk.data("drop", "a", "11", "13")
    assert (data["dropped"], data["seeds"], data["changed"]) == ([11, 13], [3, 12], True)
    assert "takes: [3, 12]\n" in desk.file.read_text()
    assert sorted(take["seed"] for take in desk.takes("a")) == [3, 11, 12, 13]
    assert desk.built() == []
    said = desk.said("drop", "a", "12", str(desk.file))
    assert said.startswith("a: took seed 12 out of storyboard.yaml; its take stays in the cache\nthe next build: ")
    assert "takes: [3]\n" in desk.file.read_text()


def test_drop_refuses_the_seed_in_the_cut_with_a_way_out(desk: Project) -> None:
    desk.said("take", "a", "-n", "2", "--write")
    before = desk.file.read_bytes()
    error = desk.refused(1, "drop", "a", "11", "seed:3")
    assert error["code"] == "picked-seed"
    assert "storyboard pick a seed:12" in error["help"]
    assert desk.file.read_bytes() == before
    desk.said("pick", "a", "12")
    assert desk.refused(1, "drop", "a", "12")["code"] == "picked-seed"
    desk.said("drop", "a", "seed:3", "11")
    assert "keep one seed" in desk.refused(1, "drop", "a", "12")["help"]


@pytest.mark.parametrize("words", [("99",), ("3", "99"), ("x", "3"), (".",)])
def test_drop_of_a_seed_that_is_not_listed_changes_nothing(desk: Project, words: tuple[str, ...]) -> None:
    desk.said("take", "a", "--write")
    before = desk.file.read_bytes()
    assert desk.run("drop", "a", *words).code == 2
    assert desk.run("drop", "c", "5").code == 2
    assert desk.file.read_bytes() == before


def test_equal_drawings_of_two_seeds_are_two_takes(desk: Project) -> None:
    desk.write("""scenes:
  - id: one
    shots: [{id: a, prompt: words that name nothing, takes: [3, 48281], pick: 3, duration: 1}]
""")
    desk.built()
    found = [take for take in desk.takes("a") if not take["differs"]]
    [first, second] = sorted(found, key=lambda take: take["seed"])
    assert first["take"] == second["take"]
    assert (first["seed"], first["in_cut"], second["seed"], second["in_cut"]) == (3, True, 48281, False)
    desk.said("pick", "a", "seed:48281")
    desk.built()
    in_cut = [take["seed"] for take in desk.takes("a") if take["in_cut"]]
    assert in_cut == [48281]
