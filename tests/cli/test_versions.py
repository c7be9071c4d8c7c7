"""``why``, ``diff``, ``log`` and ``check --locked`` over real git."""

import json
import os
import shutil
import wave
from hashlib import sha256
from pathlib import Path

import pytest

from tests.inside import errors
from tests.project import CHAIN, Project, copied

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project(tmp_path_factory.mktemp("template") / "film", repository=True)
    project.build()
    project.commit("First cut")
    return project.folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return copied(template, tmp_path / "film", repository=True)


# why


def test_why_shows_the_words_that_changed_and_that_they_are_not_committed(project: Project) -> None:
    project.edit("at night", "at noon")
    ran = project.run("why", "a")
    assert "prompt: a river at [-night-] {+noon+}" in ran.out
    assert "storyboard.yaml:8  not committed yet" in ran.out
    assert "1 linked shot to make after it: $0.00 (b)" in ran.out


def test_why_names_the_commit_that_changed_the_line_and_not_a_later_one(project: Project) -> None:
    project.edit("at night", "at noon")
    noon = project.commit("Make it noon")
    project.edit("in the rain", "in the snow")
    project.commit("Snow")
    [cause] = project.data("why", "a")["changes"]
    assert (cause["old"], cause["new"]) == ("a river at night", "a river at noon")
    assert (cause["commit"]["id"], cause["commit"]["subject"]) == (noon, "Make it noon")
    assert (cause["place"]["file"], cause["place"]["line"]) == ("storyboard.yaml", 8)


def test_why_blames_the_change_of_a_variable_that_a_prompt_uses(project: Project) -> None:
    project.edit("scenes:", "vars: {when: night}\nscenes:")
    project.edit("a river at night", '"a river at ${when}"')
    project.commit("A variable for the time")
    project.edit("when: night", "when: noon")
    noon = project.commit("Noon everywhere")
    [cause] = project.data("why", "a")["changes"]
    assert cause["commit"]["id"] == noon


def test_why_a_linked_shot_waits_names_the_shot_upstream_and_its_change(project: Project) -> None:
    project.edit("at night", "at noon")
    data = project.data("why", "b")
    assert (data["do"], data["why"]) == ("wait", "upstream-changes")
    assert [(above["shot"], above["why"]) for above in data["upstream"]] == [("a", "request-changed")]


def test_why_tells_a_replaced_upstream_take_from_a_change_of_the_text(project: Project) -> None:
    project.edit("seed: 3", "seed: 33")
    project.build("-s", "a")
    data = project.data("why", "b")
    assert (data["do"], data["why"]) == ("make", "input-changed")
    assert [cause["field"] for cause in data["changes"]] == ["first_frame"]
    assert [above["shot"] for above in data["upstream"]] == ["a"]


def test_why_without_a_change_tells_what_the_take_was_made_from(project: Project) -> None:
    data = project.data("why", "b")
    assert data["do"] == "reuse"
    assert data["made"]["seed"] == 4
    assert data["made"]["provider"] == "local"
    assert data["request"]["prompt"] == "a forest at dawn"
    assert "made from:" in project.run("why", "b").out


def test_why_finds_the_old_request_in_git_where_the_cache_does_not_know_it(project: Project) -> None:
    shutil.rmtree(project.folder / ".storyboard")
    project.edit("at night", "at noon")
    [cause] = project.data("why", "a")["changes"]
    assert (cause["field"], cause["old"], cause["new"]) == ("prompt", "a river at night", "a river at noon")


def test_why_works_without_git(project: Project) -> None:
    shutil.rmtree(project.folder / ".git")
    project.edit("at night", "at noon")
    [cause] = project.data("why", "a")["changes"]
    assert (cause["commit"], cause["committed"]) == (None, None)


def test_why_an_unknown_shot_suggests_a_near_one(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", CHAIN.replace("id: c,", "id: city,"), repository=True)
    ran = project.run("why", "cty")
    assert ran.code == 2
    assert "did you mean `city`?" in ran.err


# diff


def test_diff_of_the_same_says_so_and_costs_nothing(project: Project) -> None:
    data = project.data("diff")
    assert data["make"] == []
    assert "no differences" in project.run("diff").out


def test_diff_tells_added_removed_renamed_moved_changed_and_retimed_shots(project: Project) -> None:
    project.write(
        "scenes:\n  - id: two\n    shots:\n"
        "      - {id: city, prompt: a city in the rain, seed: 5, trim: {start: 0, end: 0.5}}\n"
        "      - {id: d, prompt: a desert, seed: 9}\n"
        "  - id: one\n    shots:\n"
        "      - {id: a, prompt: a river at noon, seed: 3}\n"
    )
    data = project.data("diff")
    assert data["added"] == ["d"]
    assert data["removed"] == ["b"]
    assert data["renamed"] == [{"old": "c", "new": "city"}]
    assert len(data["moved"]) == 1
    assert [one["shot"] for one in data["changed"]] == ["city", "a"]
    assert data["retimed"] == [{"shot": "city", "old": 1, "new": 0.5}]
    assert data["seconds"] == {"old": 3, "new": 2.5}
    assert sorted(one["shot"] for one in data["make"]) == ["a", "d"]


def test_diff_between_two_commits_looks_at_neither_the_files_nor_the_present(project: Project) -> None:
    project.edit("at night", "at noon")
    project.build()
    project.commit("Noon")
    project.edit("at noon", "at dusk")
    data = project.data("diff", "HEAD~1..HEAD")
    [changed] = data["changed"]
    assert changed["changes"] == [{"field": "prompt", "old": "a river at night", "new": "a river at noon"}]
    assert data["make"] == []
    assert (data["from"], data["to"]) == ("HEAD~1", "HEAD")


def test_diff_back_to_the_first_commit_costs_nothing(project: Project) -> None:
    project.edit("at night", "at noon")
    project.build()
    project.commit("Noon")
    data = project.data("diff", "HEAD..HEAD~1")
    assert [one["shot"] for one in data["changed"]] == ["a"]
    assert data["make"] == []


def test_diff_with_three_dots_leaves_out_what_the_other_branch_did(project: Project) -> None:
    project.git("checkout", "-q", "-b", "snow")
    project.edit("in the rain", "in the snow")
    project.commit("Snow")
    project.git("checkout", "-q", "main")
    project.edit("at night", "at noon")
    project.commit("Noon")
    assert [one["shot"] for one in project.data("diff", "main...snow")["changed"]] == ["c"]


def test_diff_counts_what_follows_a_changed_shot(project: Project) -> None:
    project.edit("at night", "at noon")
    ran = project.run("diff", "--provider", "runware")
    assert "starts from a frame of a, which is made first" in ran.out
    data = project.data("diff")
    assert [one["shot"] for one in data["make"]] == ["a", "b"]


def test_diff_on_a_machine_without_a_cache_counts_what_the_lockfiles_name_as_there(project: Project) -> None:
    shutil.rmtree(project.folder / ".storyboard")
    project.edit("in the rain", "in the snow")
    data = project.data("diff")
    assert [one["shot"] for one in data["make"]] == ["c"]
    assert data["not_in_this_cache"] == ["a", "b"]
    assert not (project.folder / ".storyboard").exists()


def test_diff_notices_a_picture_replaced_under_the_same_name(project: Project) -> None:
    from PIL import Image

    Image.new("RGB", (128, 72), "red").save(project.folder / "ref.png")
    project.edit("seed: 5}", "seed: 5, first_frame: ref.png}")
    project.commit("A picture")
    Image.new("RGB", (128, 72), "blue").save(project.folder / "ref.png")
    [changed] = project.data("diff")["changed"]
    assert [one["field"] for one in changed["changes"]] == ["first_frame content"]


def test_diff_notices_a_track_replaced_under_the_same_name_in_files_and_between_commits(project: Project) -> None:
    def sound(loudness: int) -> None:
        with wave.open(str(project.folder / "music.wav"), "wb") as file:
            file.setparams((1, 2, 48000, 0, "NONE", ""))
            file.writeframes(loudness.to_bytes(2, "little") * 4800)

    sound(1)
    project.edit("scenes:", "audio: [{file: music.wav}]\nscenes:")
    first = project.commit("A track")
    assert project.data("diff")["film"] == []
    sound(2)
    [changed] = project.data("diff")["film"]
    assert changed["field"] == "audio.1.file content"
    assert changed["new"] == f"file:{sha256((project.folder / 'music.wav').read_bytes()).hexdigest()}"
    project.commit("Another track")
    assert project.data("diff", f"{first}..HEAD")["film"] == [changed]
    assert "audio.1.file content" in project.run("diff", f"{first}..HEAD").out


def test_a_picture_of_equal_size_path_and_mtime_second_is_noticed(project: Project) -> None:
    from PIL import Image

    def draw(color: str) -> None:
        Image.new("RGB", (128, 72), color).save(picture)
        picture.write_bytes(picture.read_bytes().ljust(1000, b"\0"))

    picture = project.folder / "ref.png"
    draw("red")
    project.edit("seed: 5}", "seed: 5, first_frame: ref.png}")
    project.build()
    project.commit("A picture")
    old = picture.stat()
    draw("blue")
    assert picture.stat().st_size == old.st_size
    os.utime(picture, (int(old.st_atime), int(old.st_mtime)))
    assert [one["shot"] for one in project.data("diff")["changed"]] == ["c"]
    assert [one["shot"] for one in project.data("check", "--locked", code=7)["out_of_date"]] == ["c"]
    assert project.data("why", "c")["why"] == "input-changed"


@pytest.mark.parametrize("change", ["rename", "reorder", "retitle", "comment", "re-indent", "another file"])
def test_getting_to_a_film_that_only_reads_otherwise_costs_nothing(project: Project, change: str) -> None:
    head, one, two = CHAIN.split("  - id:")
    match change:
        case "rename":
            project.edit("id: c,", "id: city,")
        case "reorder":
            project.write(f"{head}  - id:{two}  - id:{one}")
        case "retitle":
            project.edit("id: two\n", "id: two\n    title: Elsewhere\n")
        case "comment":
            project.edit("seed: 5}", "seed: 5} # the city")
        case "re-indent":
            project.edit("      - {id: c,", "          - {id: c,")
        case "another file":
            project.write(f"{head}  - id:{one}  - include: two.yaml\n")
            lines = ("id:" + two).splitlines()
            (project.folder / "two.yaml").write_text("\n".join([lines[0], *(line[4:] for line in lines[1:])]) + "\n")
    data = project.data("diff")
    assert (data["make"], data["cost"], data["removed"], data["added"]) == ([], "0", [], [])


def test_diff_as_markdown_keeps_foreign_text_from_being_markup(project: Project) -> None:
    project.edit("prompt: a city in the rain", 'title: "<b>@everyone | x", prompt: "```a `city` in the rain"')
    out = project.run("diff", "--format", "markdown").out
    assert "| changed | c |" in out
    fence = next(line for line in out.splitlines() if line.startswith("`") and line.endswith("text"))
    assert fence.startswith("````")
    table = out.split("<details>")[0]
    assert "<b>" not in table


def test_diff_of_a_storyboard_that_is_new_adds_every_shot(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", repository=True)
    (project.folder / "storyboard.yaml").rename(project.folder / "later.yaml")
    project.git("add", ".gitignore")
    project.git("commit", "-q", "-m", "Nothing yet")
    (project.folder / "later.yaml").rename(project.folder / "storyboard.yaml")
    assert project.data("diff")["added"] == ["a", "b", "c"]


@pytest.mark.parametrize("revision", ["nope", "-x", "HEAD..nope"])
def test_diff_of_an_unknown_revision_is_a_wrong_command_line(project: Project, revision: str) -> None:
    assert project.run("diff", "--", revision).code == 2


def test_diff_outside_git_says_what_is_missing(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", repository=True)
    shutil.rmtree(project.folder / ".git")
    ran = project.run("diff", "--json")
    assert ran.code == 1
    assert errors(ran)[0]["code"] == "git"


def test_diff_writes_nothing(project: Project) -> None:
    before = {path: path.lstat().st_mtime_ns for path in project.folder.rglob("*")}
    project.run("diff", "HEAD")
    project.run("log", "a")
    project.run("why", "a")
    assert {path: path.lstat().st_mtime_ns for path in project.folder.rglob("*")} == before


def test_a_project_below_the_top_of_its_repository_has_a_past_too(template: Path, tmp_path: Path) -> None:
    project = copied(template, tmp_path / "repository" / "film", repository=True)
    shutil.rmtree(project.folder / ".git")
    top = Project(tmp_path / "repository", repository=True)
    top.commit("All")
    project.edit("at night", "at noon")
    assert [one["shot"] for one in project.data("diff")["changed"]] == ["a"]


# log


def test_log_shows_each_request_with_the_take_that_answered_it(project: Project) -> None:
    first = project.data("why", "a")["take"]
    project.edit("at night", "at noon")
    project.commit("Noon")
    project.build()
    project.commit("Build noon")
    second = project.data("why", "a")["take"]
    versions = project.data("log", "a")["versions"]
    assert [(one["commit"]["subject"], one["take"]) for one in versions] == [("Noon", second), ("First cut", first)]
    assert [one["in_this_cache"] for one in versions] == [True, True]


def test_log_of_a_linked_shot_shows_when_another_picture_went_in(project: Project) -> None:
    project.edit("at night", "at noon")
    project.build()
    project.commit("Noon")
    versions = project.data("log", "b")["versions"]
    assert [change["field"] for change in versions[0]["changes"]] == ["first_frame picture"]
    assert versions[0]["take"] != versions[1]["take"]


def test_log_follows_a_shot_through_its_rename(project: Project) -> None:
    project.edit("id: c,", "id: city,")
    project.commit("A better name")
    versions = project.data("log", "city")["versions"]
    assert [(one["shot"], one["was"]) for one in versions] == [("city", "c"), ("c", None)]


def test_log_knows_what_happened_in_a_file_that_is_included_no_more(project: Project) -> None:
    head, one, two = CHAIN.split("  - id:")
    lines = ("id:" + two).splitlines()
    part = project.folder / "two.yaml"
    part.write_text("\n".join([lines[0], *(line[4:] for line in lines[1:])]) + "\n")
    project.write(f"{head}  - id:{one}  - include: two.yaml\n")
    project.commit("Its own file")
    part.write_text(part.read_text().replace("in the rain", "in the snow"))
    project.commit("Snow")
    part.unlink()
    project.write(CHAIN.replace("in the rain", "in the snow"))
    project.commit("One file again")
    subjects = [one["commit"]["subject"] for one in project.data("log", "c")["versions"]]
    assert subjects == ["Snow", "First cut"]


def test_diff_follows_a_chain_of_renames(project: Project) -> None:
    project.edit("id: a,", "id: river,")
    project.edit("{shot: a, at: last}", "{shot: river, at: last}")
    project.edit("id: b,", "id: forest,")
    data = project.data("diff")
    assert data["renamed"] == [{"old": "a", "new": "river"}, {"old": "b", "new": "forest"}]
    assert (data["changed"], data["make"]) == ([], [])


def test_log_leaves_out_commits_that_did_not_touch_the_request(project: Project) -> None:
    project.edit("seed: 3}", "seed: 3, notes: mind the boat} # a comment")
    project.commit("A note")
    assert len(project.data("log", "a")["versions"]) == 1


def test_log_shows_a_change_on_a_merged_branch_once(project: Project) -> None:
    project.git("checkout", "-q", "-b", "noon")
    project.edit("at night", "at noon")
    project.commit("Noon")
    project.git("checkout", "-q", "main")
    project.edit("seed: 5}", "seed: 6}")
    project.commit("Another city")
    project.git("merge", "-q", "--no-edit", "noon")
    subjects = [one["commit"]["subject"] for one in project.data("log", "a")["versions"]]
    assert subjects == ["Noon", "First cut"]


def test_log_steps_over_a_commit_that_cannot_be_read_and_says_so(project: Project) -> None:
    good = (project.folder / "storyboard.yaml").read_text()
    (project.folder / "storyboard.yaml").write_text("version: [")
    project.commit("Broken")
    (project.folder / "storyboard.yaml").write_text(good.replace("at night", "at noon"))
    project.commit("Mended")
    ran = project.run("log", "a", "--json")
    assert [one["commit"]["subject"] for one in ran.data["versions"]] == ["Mended", "First cut"]
    assert [warning["code"] for warning in json.loads(ran.out)["warnings"]] == ["revision"]


# check --locked


def test_check_locked_passes_without_cache_and_key(project: Project) -> None:
    shutil.rmtree(project.folder / ".storyboard")
    ran = project.run("check", "--locked")
    assert ran.code == 0, ran
    assert "the lockfile is current" in ran.out
    assert not (project.folder / ".storyboard").exists()


def test_check_locked_names_every_shot_that_is_out_of_date(project: Project) -> None:
    shutil.rmtree(project.folder / ".storyboard")
    project.edit("at night", "at noon")
    project.edit("id: c,", "id: city,")
    ran = project.run("check", "--locked", "--json")
    assert ran.code == 7
    states = {one["shot"]: one["state"] for one in ran.data["out_of_date"]}
    assert states == {"a": "stale", "b": "upstream", "city": "not-locked", "c": "extra"}
    assert errors(ran)[0]["place"]["line"] == 8


def test_check_locked_notices_a_take_that_was_rolled_again_upstream(project: Project) -> None:
    lock = project.folder / "storyboard.lock"
    data = json.loads(lock.read_text())
    data["shots"]["a"]["local"]["frames"]["last"] = "0" * 64
    lock.write_text(json.dumps(data))
    assert [one["shot"] for one in project.data("check", "--locked", code=7)["out_of_date"]] == ["b"]


def test_check_locked_notices_a_lockfile_without_the_picture_of_a_link(project: Project) -> None:
    lock = project.folder / "storyboard.lock"
    data = json.loads(lock.read_text())
    del data["shots"]["a"]["local"]["frames"]
    lock.write_text(json.dumps(data))
    found = project.data("check", "--locked", code=7)["out_of_date"]
    assert [(one["shot"], one["state"]) for one in found] == [("b", "upstream")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("scenes:", "title: Another\nscenes:"),
        ("seed: 5}", "seed: 5, notes: x} # y"),
        ("  - id: two", "\n  - id:   two"),
    ],
    ids=["title", "notes", "space"],
)
def test_check_locked_does_not_mind_names_and_notes(project: Project, old: str, new: str) -> None:
    project.edit(old, new)
    assert project.run("check", "--locked").code == 0


def test_check_locked_agrees_with_build_locked(project: Project) -> None:
    for old, new in [("seed: 4", "seed: 44"), ("seed: 44", "seed: 4")]:
        project.edit(old, new)
        assert project.run("check", "--locked").code == project.run("build", "--locked").code


def test_check_locked_refuses_a_lockfile_with_a_conflict(project: Project) -> None:
    lock = project.folder / "storyboard.lock"
    lock.write_text("<<<<<<< HEAD\n" + lock.read_text())
    ran = project.run("check", "--locked")
    assert ran.code == 1
    assert "merge conflict" in ran.err


def test_check_locked_says_what_a_lockfile_cannot_tell(project: Project) -> None:
    project.edit("seed: 5}", "seed: 5, first_frame: https://example.org/a.png}")
    ran = project.run("check", "--locked", "--json")
    assert [warning["code"] for warning in json.loads(ran.out)["warnings"]] == ["locked"]
    assert ran.data["out_of_date"][0]["state"] == "unknown"
    assert ran.code == 0


def test_check_locked_does_not_blame_a_shot_for_what_cannot_be_told_upstream(project: Project) -> None:
    project.edit("seed: 3}", "seed: 3, first_frame: https://example.org/a.png}")
    found = project.data("check", "--locked")["out_of_date"]
    assert [(one["shot"], one["state"]) for one in found] == [("a", "unknown"), ("b", "unknown")]
