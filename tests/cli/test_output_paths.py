"""Films are written over nothing that they are made from, and a file is named in the spelling that is there."""

import errno
import os
import unicodedata
from pathlib import Path

import pytest

from storyboard.document.project_files import DiskFiles
from storyboard.engine import film
from tests.project import Project

pytestmark = pytest.mark.usefixtures("inside")

CARDS = "scenes: [{id: s, shots: [{id: a, card: {text: Hello, duration: 0.5}}, {id: b, clip: in/clip.mp4}]}]\n"
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "café.mp4") for form in ("NFC", "NFD"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A film of a title card and a clip, which is a film that was made elsewhere."""
    other = Project(
        tmp_path / "other", "scenes: [{id: s, shots: [{id: x, card: {text: Clip, duration: 0.5}}]}]\n", inside=True
    )
    other.build()
    made = Project(tmp_path / "film", CARDS, inside=True)
    (made.folder / "in").mkdir()
    other.film.rename(made.folder / "in/clip.mp4")
    return made


def refusal(project: Project, name: str, old: str = "out/film.mp4") -> str:
    """The one finding of ``check`` if the film is called *name*; a build refuses it as well and changes no file."""
    project.edit(f"file: {old}", f'file: "{name}"')
    before = {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}
    assert project.refused(3, "build")["code"] == "output-in-use"
    assert {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()} == before
    error = project.refused(3, "check")
    assert error["code"] == "output-in-use"
    assert error["place"]["line"] == 3
    return str(error["message"])


def test_a_film_cannot_be_written_over_its_own_clip(project: Project) -> None:
    assert refusal(project, "in/clip.mp4") == "the film would be written over an input: `in/clip.mp4`"


def test_a_film_cannot_be_written_over_its_clip_in_other_capitals_or_another_unicode_form(project: Project) -> None:
    assert "over an input" in refusal(project, "in/Clip.mp4")
    (project.folder / "in/clip.mp4").rename(project.folder / "in" / COMPOSED)
    project.edit("clip: in/clip.mp4", f"clip: in/{COMPOSED}")
    assert "over an input" in refusal(project, f"in/{DECOMPOSED}", '"in/Clip.mp4"')


def test_a_film_cannot_be_written_over_a_clip_by_way_of_a_link(project: Project) -> None:
    (project.folder / "out").symlink_to("in")
    assert "over an input" in refusal(project, "out/clip.mp4")


def test_a_clip_that_is_a_link_to_the_film_is_refused(project: Project) -> None:
    (project.folder / "out").mkdir()
    (project.folder / "in/clip.mp4").rename(project.film)
    (project.folder / "in/clip.mp4").symlink_to(project.film)
    assert "over an input: `out/film.mp4`" in refusal(project, "out/film.mp4")


def test_a_clip_that_is_the_film_under_a_second_name_is_refused(project: Project) -> None:
    (project.folder / "out").mkdir()
    project.film.hardlink_to(project.folder / "in/clip.mp4")
    assert "over an input: `out/film.mp4`" in refusal(project, "out/film.mp4")


@pytest.mark.parametrize("ending", [".srt", ".vtt", ".draft.mp4", ".draft.srt", ".draft.vtt"])
def test_what_is_written_next_to_a_film_cannot_be_an_input(project: Project, ending: str) -> None:
    """A clip may have any name: its first bytes tell what it is."""
    (project.folder / "in/clip.mp4").rename(project.folder / f"in/film{ending}")
    project.edit("clip: in/clip.mp4", f"clip: in/film{ending}")
    assert f"would be written over an input: `in/film{ending}`" in refusal(project, "in/film.mp4")


@pytest.mark.parametrize("name", ["a.mp4", "A.mp4", "b.77.mp4"])
def test_a_link_to_a_take_cannot_be_an_input(project: Project, name: str) -> None:
    (project.folder / "in/clip.mp4").rename(project.folder / "in" / name)
    project.edit("clip: in/clip.mp4", f"clip: in/{name}")
    assert f"a link to a take would replace an input: `in/{name}`" in refusal(project, "in.mp4")


def test_other_files_in_the_folder_of_links_are_inputs_like_any_other(project: Project) -> None:
    project.edit("out/film.mp4", "in.mp4")
    project.build()
    assert (project.folder / "in/clip.mp4").is_file()


def test_a_link_of_an_earlier_build_that_the_next_one_would_remove_cannot_be_an_input(tmp_path: Path) -> None:
    text = "scenes: [{id: s, shots: [{id: old, prompt: a river, seed: 3}]}]\n"
    project = Project(tmp_path / "film", text, inside=True)
    project.build()
    project.write("scenes: [{id: s, shots: [{id: new, clip: out/film.draft/old.mp4}]}]\n")
    assert "a link to a take would replace an input: `out/film.draft/old.mp4`" in refusal(project, "out/film.mp4")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("storyboard.yaml.mp4", "the storyboard"),
        ("storyboard.lock.mp4", "the lockfile"),
        ("Storyboard.YAML.mov", "the storyboard"),
    ],
)
def test_the_folder_of_links_cannot_be_the_storyboard_or_the_lockfile(project: Project, name: str, what: str) -> None:
    assert refusal(project, name) == f"the links to the takes need the folder `{name[:-4]}`, which is {what}"


def test_a_scene_file_is_not_replaced_by_captions(project: Project) -> None:
    (project.folder / "film.srt").write_text("id: two\nshots: [{id: c, card: {text: Two, duration: 0.5}}]\n")
    project.write(CARDS.replace("scenes: [", "scenes: [{include: film.srt}, "))
    assert "the caption file would be written over the file of a scene: `film.srt`" in refusal(project, "film.mp4")


@pytest.mark.parametrize(
    ("field", "name", "what"),
    [
        ("prompt: x, first_frame: {}", "p.srt", "caption file"),
        ("prompt: x, last_frame: {}", "p.vtt", "caption file"),
        ("image: {{file: {}, duration: 1}}", "p.mp4", "film"),
        ("card: {{text: x, font: {}}}", "p.draft.mp4", "draft"),
    ],
)
def test_pictures_and_fonts_are_inputs_too(project: Project, field: str, name: str, what: str) -> None:
    from PIL import Image

    from storyboard.fonts import BUILTIN

    with (project.folder / name).open("wb") as file:
        Image.new("RGB", (128, 72)).save(file, "PNG") if "font" not in field else file.write(BUILTIN.read_bytes())
    project.write(f"scenes: [{{id: s, shots: [{{id: a, {field.format(name)}}}]}}]\n")
    project.edit("out/film.mp4", "p.mp4")
    assert f"error[output-in-use]: the {what} would be written over an input: `{name}`" in project.run("check").err


def test_a_track_is_an_input_too(project: Project) -> None:
    project.write(CARDS.replace("clip: in/clip.mp4", "card: x") + "audio: [{file: in/clip.mp4}]\n")
    project.edit("card: x", "card: {text: x, duration: 0.5}")
    project.edit("out/film.mp4", "in/clip.mp4")
    assert "output-in-use" in project.run("check").err


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ("out/film.srt.mp4", "output-in-use"),
        ("out/film/a.mp4", "output-in-use"),
        ("out/FILM.mov", "duplicate-output"),
        ("link/film.mp4", "duplicate-output"),
    ],
)
def test_two_films_do_not_write_to_one_place(project: Project, second: str, code: str) -> None:
    (project.folder / "out").mkdir()
    (project.folder / "link").symlink_to("out")
    head = "version: 1\noutput: {size: 128x72, fps: 12}\noutputs:\n  one: {file: %s}\n  two: {file: %s}\n"
    project.write(CARDS, head % ("out/film.mp4", second))
    if second == "out/film.srt.mp4":  # only the first film has a folder of links
        project.data("check")
        project.write(CARDS, head % (second, "out/film.mp4"))
    assert project.refused(3, "check")["code"] == code


def test_an_input_in_a_cached_scene_is_told_with_its_place(project: Project) -> None:
    (project.folder / "two.yaml").write_text("id: two\nshots: [{id: c, clip: in/clip.mp4}]\n")
    project.write("scenes: [{include: two.yaml}]\n")
    project.build()
    project.data("plan")
    project.edit("out/film.mp4", "in/clip.mp4")
    ran = project.run("plan")
    assert ran.code == 3
    assert "an input is named here at two.yaml:2:23" in ran.err


@pytest.mark.parametrize("name", [".clip.mp4.0123456789abcdef.tmp", ".clip.mp4.part-01234567"])
def test_an_input_with_the_name_of_a_file_that_builds_remove_is_refused(project: Project, name: str) -> None:
    (project.folder / "in/clip.mp4").rename(project.folder / "in" / name)
    project.edit("in/clip.mp4", f"in/{name}")
    error = project.refused(3, "check")
    assert (error["code"], error["message"]) == (
        "bad-path",
        "a build removes files of this name, which killed builds leave",
    )


@pytest.mark.parametrize("name", ["out/...mp4", "out/..mp4", "...mov"])
def test_a_film_whose_folder_of_links_would_be_the_project_is_refused(project: Project, name: str) -> None:
    project.edit("out/film.mp4", name)
    assert project.refused(3, "check")["message"] == "the name of the film has dots only before its suffix"


@pytest.mark.parametrize("name", ["**", "[a]", "a?", "%03d", "*", "(x", "{b}", "$HOME", "[red]x[reset]"])
def test_the_name_of_a_film_is_no_pattern(project: Project, name: str) -> None:
    """Nor is it one for the removal of what killed builds leave."""
    project.write(CARDS, f'version: 1\noutput: {{file: "out/{name}.mp4", size: 128x72, fps: 12}}\n')
    project.edit("duration: 0.5}", "duration: 0.5}, caption: Hello")
    (project.folder / "out").mkdir()
    mine = project.folder / "out/.other.mp4.part-01234567"
    left = project.folder / f"out/.{name}.mp4.part-01234567"
    for path in (mine, left):
        path.write_text("x")
    project.build()
    assert {path.name for path in (project.folder / "out").iterdir()} >= {f"{name}.mp4", f"{name}.srt", mine.name}
    assert not left.exists()
    project.edit("Hello, duration", "Goodbye, duration")
    project.build()
    project.data("status")


def test_a_file_of_mine_where_the_folder_of_links_goes_stays_and_is_reported(project: Project) -> None:
    (project.folder / "out").mkdir()
    mine = project.folder / "out/film"
    mine.write_text("mine")
    ran = project.run("build")
    assert ran.code == 0
    assert "out/film is a file, so takes were not linked in it; move it away" in ran.err
    assert mine.read_text() == "mine"


# names in another spelling


@pytest.mark.parametrize(
    "field",
    [
        "clip: {}",
        "image: {{file: {}, duration: 1}}",
        "prompt: x, first_frame: {}",
        "prompt: x, last_frame: {}",
        "card: {{text: x, font: {}}}",
    ],
)
def test_a_file_in_other_capitals_is_named_as_it_is_there(project: Project, field: str) -> None:
    project.write(f"scenes: [{{id: s, shots: [{{id: a, {field.format('In/CLIP.mp4')}}}]}}]\n")
    assert "help: write `in/clip.mp4`, the name of the file that is there" in project.run("check").err


def test_a_file_that_is_found_in_other_capitals_on_this_disk_only_is_a_warning(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_spelling(self: DiskFiles, path: str) -> str | None:  # as on a disk that ignores capitals
        return {"in/clip.mp4": "in/Clip.mp4", "two.yaml": "Two.yaml"}.get(path)

    project.edit("scenes: [", "scenes: [{include: two.yaml}, ")
    (project.folder / "two.yaml").write_text("id: two\nshots: [{id: c, card: {text: Two, duration: 0.5}}]\n")
    monkeypatch.setattr(DiskFiles, "other_spelling", other_spelling)
    ran = project.run("check")
    assert ran.code == 0
    assert "warning[unportable-name]: `in/clip.mp4` is found on this disk only: the file has another name" in ran.err
    for name in ("in/Clip.mp4", "Two.yaml"):
        assert f"help: write `{name}`, the name of the file that is there" in ran.err


def test_a_track_and_a_scene_in_other_capitals_are_named_as_they_are_there(project: Project) -> None:
    project.write(CARDS + "audio: [{file: in/Clip.mp4}]\n")
    assert project.refused(3, "check")["help"] == "write `in/clip.mp4`, the name of the file that is there"
    (project.folder / "in/Two.yaml").write_text("id: two\nshots: [{id: c, card: {text: Two, duration: 0.5}}]\n")
    project.write("scenes: [{include: in/two.yaml}]\n")
    assert project.refused(3, "check")["help"] == "write `in/Two.yaml`, the name of the file that is there"


def test_a_name_in_another_folder_is_given_relative_to_the_file_that_names_it(project: Project) -> None:
    (project.folder / "films").mkdir()
    project.write(CARDS.replace("in/clip.mp4", "../in/Clip.mp4"), name="films/storyboard.yaml")
    (project.folder / ".git").mkdir()
    error = project.refused(3, "check", "films")
    assert error["help"] == "write `../in/clip.mp4`, the name of the file that is there"


@pytest.mark.parametrize(("there", "escaped"), [(COMPOSED, "caf\\u00e9.mp4"), (DECOMPOSED, "cafe\\u0301.mp4")])
def test_a_name_in_the_other_unicode_form_is_shown_so_that_it_can_be_typed(
    project: Project, there: str, escaped: str
) -> None:
    (project.folder / "in/clip.mp4").rename(project.folder / "in" / there)
    written = DECOMPOSED if there == COMPOSED else COMPOSED
    project.edit("clip: in/clip.mp4", f"clip: in/{written}")
    error = project.refused(3, "check")
    assert f'write `"in/{escaped}"`' in error["help"]
    project.edit(f"clip: in/{written}", f'clip: "in/{escaped}"')
    project.data("check")


def test_a_storyboard_in_another_spelling_on_the_command_line_is_named_as_it_is_there(project: Project) -> None:
    project.file.rename(project.folder / "Night.yaml")
    assert "write `Night.yaml`, the name of the file that is there" in project.run("check", "night.yaml").err
    (project.folder / "Night.yaml").rename(project.folder / f"{DECOMPOSED}.yaml")
    assert "write `$'cafe\\u0301.mp4.yaml'`" in project.run("check", f"{COMPOSED}.yaml").err


def test_a_storyboard_in_other_capitals_on_the_command_line_makes_no_second_film(project: Project) -> None:
    project.build()
    there = sorted(path.name for path in [*project.folder.glob("*"), *project.folder.glob("out/**/*")])
    project.write(CARDS, header="version: 1\nmodel: tiny:1\nprovider: local\noutput: {size: 128x72, fps: 12}\n")
    for name in ("STORYBOARD.YAML", "Storyboard.yaml"):  # refused, or the same film where the disk ignores capitals
        project.run("build", name)
        assert sorted(path.name for path in [*project.folder.glob("*"), *project.folder.glob("out/**/*")]) == there


def test_a_name_that_the_disk_refuses_is_told_by_what_it_lacks(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, mode: int) -> int:  # as exfat-fuse does
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))

    project.edit("out/film.mp4", "out/what?.mp4")
    monkeypatch.setattr(film, "open_new", refuse)
    message = project.refused(1, "build")["message"]
    assert "what?.mp4: this disk has the names of Windows only: names there have no `?`; " in message


def test_a_plan_file_in_another_spelling_is_named_as_it_is_there(project: Project) -> None:
    project.data("plan", "--out", "Plan.json")
    assert "write `Plan.json`, the name of the file that is there" in project.run("build", "--plan", "plan.json").err


def test_a_folder_outside_of_the_project_is_not_searched_for_names(project: Project, tmp_path: Path) -> None:
    (tmp_path / "Secret.mp4").write_text("x")
    (project.folder / "away").symlink_to(tmp_path)
    project.edit("in/clip.mp4", "away/secret.mp4")
    assert "Secret" not in str(project.refused(3, "check"))
