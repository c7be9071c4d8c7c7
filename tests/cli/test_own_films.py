"""A build replaces a film or captions only if it has written their content there; old films are reported and stay."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.project import HEADER, Project, digest

pytestmark = pytest.mark.usefixtures("inside")

SHOTS = "scenes: [{id: s, shots: [{id: a, card: {text: Hello, duration: 0.5}, caption: Hello there}]}]\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A film of a title card, built once."""
    made = Project(tmp_path / "film", SHOTS, inside=True)
    made.build()
    return made


def written(project: Project) -> Path:
    return project.folder / ".storyboard/written.json"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: digest(path) for path in sorted(folder.iterdir()) if path.is_file()}


def test_a_film_of_ours_from_elsewhere_is_not_replaced(project: Project, tmp_path: Path) -> None:
    """Every film of this program has its tag; that proves nothing."""
    other = Project(tmp_path / "other", SHOTS.replace("Hello,", "Other,"), inside=True)
    other.build()
    project.film.parent.joinpath("keep.mp4").write_bytes(other.film.read_bytes())
    before = contents(project.film.parent)
    project.edit("out/film.mp4", "out/keep.mp4")
    failed = project.data("build", code=1)["failed"]["cut"]
    assert "keep.mp4: no build of this project has written it there, or `.storyboard` was removed" in failed
    assert "move it away, or name another `output.file`" in failed
    assert contents(project.film.parent) == before


def test_an_older_film_of_this_project_that_was_kept_under_another_name_is_not_replaced(project: Project) -> None:
    project.edit("text: Hello", "text: Second")
    kept = project.folder / "out/first.mp4"
    shutil.copy(project.film, kept)
    project.build()
    before = kept.read_bytes()
    project.edit("out/film.mp4", "out/first.mp4")
    assert "no build of this project has written it there" in project.data("build", code=1)["failed"]["cut"]
    assert kept.read_bytes() == before


def test_a_film_of_ours_is_replaced_in_other_capitals_too(project: Project) -> None:
    """On a disk without capitals the file at both names is one."""
    project.film.rename(project.folder / "out/Film.mp4")
    for suffix in ("srt", "vtt"):
        (project.folder / f"out/film.{suffix}").rename(project.folder / f"out/Film.{suffix}")
    project.edit("out/film.mp4", "out/Film.mp4")
    project.edit("text: Hello", "text: Second")
    assert "cut" in project.built()


@pytest.mark.parametrize("state", ["lost", "damaged", "empty"])
def test_a_film_of_an_earlier_version_is_replaced(project: Project, state: str) -> None:
    """Its state has no list of written files, but the digest of each film in the record of its cut."""
    if state == "lost":
        written(project).unlink()
    else:
        written(project).write_bytes(written(project).read_bytes()[:-9] if state == "damaged" else b"")
    for suffix in ("srt", "vtt"):  # an earlier version kept a blob of each caption file
        data = (project.folder / f"out/film.{suffix}").read_bytes()
        name = hashlib.sha256(data).hexdigest()
        blob = project.folder / ".storyboard/cache/blobs" / name[:2] / name
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(data)
    project.edit("text: Hello", "text: Second")
    project.edit("Hello there", "Goodbye")
    before = digest(project.film)
    ran = project.run("build")
    assert ran.code == 0
    assert ("written.json" in ran.err) == (state != "lost")
    assert "not made by storyboard" not in ran.err
    assert digest(project.film) != before
    assert "Goodbye" in (project.folder / "out/film.srt").read_text()


def test_without_its_state_a_project_replaces_no_film_but_an_equal_one(project: Project) -> None:
    before = contents(project.film.parent)
    shutil.rmtree(project.folder / ".storyboard")
    project.edit("text: Hello", "text: Second")
    assert "`.storyboard` was removed since" in project.data("build", code=1)["failed"]["cut"]
    assert contents(project.film.parent) == before
    shutil.rmtree(project.folder / ".storyboard")
    project.edit("text: Second", "text: Hello")
    project.build()
    assert contents(project.film.parent) == before
    project.edit("text: Hello", "text: Second")  # and the film is known again
    project.build()


def test_a_build_that_was_killed_before_the_rename_leaves_a_film_that_the_next_replaces(project: Project) -> None:
    """Then two digests are written down: what was there, and what was about to be."""
    data = json.loads(written(project).read_text())["body"]
    [film] = [file for file in data["files"] if file["path"] == "out/film.mp4"]
    assert (film["digests"], film["storyboard"]) == ([digest(project.film)], "storyboard.yaml")
    from storyboard.store.written_files import WrittenFiles

    files = WrittenFiles(written(project).parent, project.folder, list, writable=True)
    files.announce({"out/film.mp4": "0" * 64}, {"out/film.mp4": digest(project.film)}, "storyboard.yaml")
    project.edit("text: Hello", "text: Second")
    assert "cut" in project.built()
    assert len(json.loads(written(project).read_text())["body"]["files"][0]["digests"]) == 1


def test_captions_that_were_edited_by_hand_are_not_replaced(project: Project) -> None:
    captions = project.folder / "out/film.srt"
    captions.write_text(captions.read_text().replace("there", "dear"))
    project.edit("Hello there", "Goodbye")
    ran = project.run("build")
    assert "film.srt was not made by storyboard" in ran.err
    assert "dear" in captions.read_text()
    assert "Goodbye" in (project.folder / "out/film.vtt").read_text()


def test_captions_go_when_the_film_has_none_any_more(project: Project) -> None:
    project.edit(", caption: Hello there", "")
    project.build()
    assert sorted(contents(project.film.parent)) == ["film.mp4"]


def test_a_footage_file_where_captions_go_is_not_removed_since_its_bytes_are_in_the_cache(tmp_path: Path) -> None:
    """An earlier version took every blob for captions of its own, and inputs are blobs too."""
    other = Project(tmp_path / "other", SHOTS, inside=True)
    other.build()
    project = Project(tmp_path / "film", SHOTS + "# \n", inside=True)
    (project.folder / "clip.mp4").write_bytes(other.film.read_bytes())
    project.edit("{id: a,", "{id: z, clip: clip.mp4}, {id: a,")
    project.build()
    (project.folder / "clip.mp4").rename(project.folder / "movie.srt")
    project.edit("clip: clip.mp4", "card: {text: x, duration: 0.5}")
    project.edit("out/film.mp4", "movie.mp4")
    assert "movie.srt was not made by storyboard" in project.run("build").err
    assert digest(project.folder / "movie.srt") == digest(other.film)


def test_a_partial_film_that_was_changed_is_not_replaced(project: Project) -> None:
    project.write(SHOTS.replace("{id: a,", "{id: b, clip: bad.mp4}, {id: a,"), HEADER)
    (project.folder / "bad.mp4").write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0")
    partial = project.folder / "out/film.draft.mp4"
    project.data("build", "--partial", code=1)
    project.data("build", "--partial", code=1)
    data = bytearray(partial.read_bytes())
    data[-100] ^= 0xFF
    partial.write_bytes(data)
    ran = project.run("build", "--partial")
    assert "film.draft.mp4: it was changed after the last build" in ran.out + ran.err
    assert partial.read_bytes() == data


# films of earlier outputs


def test_a_film_whose_output_was_renamed_is_reported_and_stays(project: Project) -> None:
    project.edit("out/film.mp4", "out/night.mp4")
    ran = project.run("build")
    assert "out/film.mp4 is a film of an earlier output; it stays until you delete it" in ran.err
    assert project.film.is_file()
    assert "is a film of an earlier output" not in project.run("build").err
    assert "nothing to do" in project.run("build").out
    assert "old film: out/film.mp4 is no output any more" in project.run("status").out
    assert project.data("status")["old_films"] == ["out/film.mp4"]
    project.film.unlink()
    assert "old_films" not in project.data("status")


def test_a_file_of_mine_at_the_path_of_an_old_film_is_not_called_one(project: Project) -> None:
    project.edit("out/film.mp4", "out/night.mp4")
    project.build()
    project.film.write_bytes(b"mine")
    assert "old_films" not in project.data("status")


def test_the_film_of_another_storyboard_is_no_old_film_until_that_is_gone(project: Project) -> None:
    project.write(SHOTS.replace("Hello,", "Other,"), HEADER.replace("out/film", "out/other"), name="other.yaml")
    project.build("other.yaml")
    assert "old_films" not in project.data("status", "other.yaml")
    project.file.unlink()
    assert project.data("status", "other.yaml")["old_films"] == ["out/film.mp4"]


def test_what_killed_builds_of_an_old_output_left_is_removed(project: Project) -> None:
    left = [project.folder / "out" / name for name in (".film.mp4.part-01234567", ".film.srt.0123456789abcdef.tmp")]
    for path in left:
        path.write_text("x")
    project.edit("out/film.mp4", "out/night.mp4")
    project.build()
    assert not any(path.exists() for path in left)


# two storyboards with one output


def test_two_storyboards_with_one_output_are_reported_before_either_is_built(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", SHOTS, inside=True)
    project.write(SHOTS, name="second.yaml")
    [warning] = project.data("check")["findings"]
    assert (warning["code"], warning["severity"], warning["place"]["line"]) == ("shared-output", "warning", 3)
    assert warning["message"] == "`second.yaml` has this output too: `out/film.mp4`"


@pytest.mark.parametrize("file", ["out/film.mp4", "out/Film.mov", "out/film.draft.mp4"])
def test_the_film_of_another_storyboard_is_not_replaced(project: Project, file: str) -> None:
    """Nor are its captions, which a film with another suffix has as well."""
    header = HEADER.replace("out/film.mp4", file)
    project.write(SHOTS.replace("Hello,", "Other,"), header, name="second.yaml")
    before = contents(project.film.parent)
    if file == "out/film.draft.mp4":  # a draft of the first would be written there
        assert [found["code"] for found in project.data("check", "second.yaml")["findings"]] == ["shared-output"]
        return
    error = project.refused(3, "build", "second.yaml")
    assert (error["code"], error["place"]["file"]) == ("output-in-use", "second.yaml")
    assert error["message"] == "the film of `storyboard.yaml` is there: `out/film.mp4`"
    assert project.refused(3, "check", "second.yaml")["code"] == "output-in-use"
    assert contents(project.film.parent) == before
    assert [found["code"] for found in project.data("check")["findings"]] == ["shared-output"]


def test_a_storyboard_in_another_folder_that_has_built_the_film_is_found_too(project: Project) -> None:
    (project.folder / "films").mkdir()
    project.write(SHOTS.replace("Hello,", "Other,"), HEADER.replace("out/", "../out/"), name="films/second.yaml")
    error = project.refused(3, "build", "films/second.yaml")
    assert error["message"] == "the film of `storyboard.yaml` is there: `out/film.mp4`"


def test_a_storyboard_that_was_renamed_keeps_its_film(project: Project) -> None:
    project.file.rename(project.folder / "night.yaml")
    (project.folder / "night.yaml").write_text((project.folder / "night.yaml").read_text().replace("Hello,", "Second,"))
    assert "cut" in project.built("night.yaml")


def test_a_film_is_free_for_another_storyboard_once_its_own_has_another_output(project: Project) -> None:
    project.write(SHOTS.replace("Hello,", "Other,"), name="second.yaml")
    project.edit("out/film.mp4", "out/night.mp4")
    assert "cut" in project.built("second.yaml")


def test_a_scene_file_and_other_yaml_files_are_no_other_storyboards(project: Project) -> None:
    (project.folder / "two.yaml").write_text("id: two\nshots: [{id: c, card: {text: film, duration: 0.5}}]\n")
    (project.folder / "notes.yaml").write_text("output: {file: out/film.mp4}\n")
    (project.folder / "broken.yaml").write_text("scenes: [out/film.mp4\n")
    (project.folder / "list.yaml").write_text("- out/film.mp4\n")
    project.write(SHOTS.replace("scenes: [", "scenes: [{include: two.yaml}, "))
    assert project.data("check")["findings"] == []


# a storyboard that is a link


def test_a_storyboard_that_is_a_link_inside_its_project_is_named(project: Project) -> None:
    (project.folder / "films").mkdir()
    project.file.rename(project.folder / "films/night.yaml")
    project.file.symlink_to("films/night.yaml")
    ran = project.run("check")
    assert ran.code == 0
    assert "warning[linked-storyboard]: `storyboard.yaml` is a link to `films/night.yaml`" in ran.err
    assert "help: name `films/night.yaml` itself" in ran.err
    assert [one["code"] for one in json.loads(project.run("plan", "--json").out)["warnings"]] == ["linked-storyboard"]
    project.build()
    assert (project.folder / "films/out/film.mp4").is_file()


def test_a_storyboard_that_is_a_link_out_of_its_project_is_refused(project: Project, tmp_path: Path) -> None:
    """A repository could make a build in it a build of another project of the user."""
    mine = Project(tmp_path / "mine", SHOTS, inside=True)
    project.file.unlink()
    project.file.symlink_to(mine.file)
    for verb in ("check", "plan", "build", "status"):
        error = project.refused(2, verb)
        assert f"storyboard.yaml is a link that leads out of its project, to {mine.file}" in error["message"]
    assert not mine.film.exists()


def test_a_project_folder_that_is_a_link_is_a_project_like_any_other(project: Project, tmp_path: Path) -> None:
    (tmp_path / "shortcut").symlink_to(project.folder)
    assert project.data("check", str(tmp_path / "shortcut"))["findings"] == []
