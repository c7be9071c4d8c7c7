"""A repository that brings links: nothing behind them is read, written or removed by any verb."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inside import errors, hasty
from tests.project import Project

SHOT = "scenes: [{id: one, shots: [{id: a, prompt: a river at night, seed: 3}]}]\n"
VERBS = (
    ("build",),
    ("plan",),
    ("status",),
    ("ls",),
    ("view", "a", "--path"),
    ("takes", "a"),
    ("why", "a"),
    ("cost",),
    ("cache", "ls"),
    ("cache", "verify"),
    ("cache", "gc"),
    ("cache", "gc", "--delete"),
    ("cache", "dir"),
    ("doctor",),
    ("log", "a"),
    ("hold", "a"),
    ("pick", "a", "1"),
    ("accept", "a"),
)


@pytest.fixture(autouse=True, scope="module")
def _inside() -> Iterator[None]:
    with hasty():
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was built once."""
    project = Project(tmp_path_factory.mktemp("template") / "film", SHOT, inside=True)
    project.build()
    return project.folder


class Clone(Project):
    """A project that brings links, and a folder of the person beside it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "film", SHOT, inside=True)
        self.documents = folder / "Documents"
        (self.documents / "sub").mkdir(parents=True)
        for name in (
            "letter.txt",
            "sub/photo.jpg",
            ".storyboard.lock.0123456789abcdef.tmp",
            ".film.mp4.part-01234567",
            "0" * 32,
            "data.json",
        ):
            (self.documents / name).write_text(f"mine: {name}")
        (self.documents / "a.mp4").symlink_to("letter.txt")
        self.before = self.look()

    def link(self, path: str, target: Path | None = None) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target or self.documents)

    def look(self) -> dict[str, str]:
        return {
            os.fspath(path.relative_to(self.documents)): str(path.readlink()) if path.is_symlink() else path.read_text()
            for path in sorted(self.documents.rglob("*"))
            if not path.is_dir()
        }

    def assert_untouched(self) -> None:
        assert self.look() == self.before


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.mark.parametrize("link", ["", "/cache", "/cache/tmp", "/cache/records", "/cache/blobs", "/journal", "/memory"])
def test_build_of_a_clone_with_a_linked_state_empties_no_folder(clone: Clone, link: str) -> None:
    clone.link(f".storyboard{link}")
    if link.startswith("/cache/"):
        (clone.folder / ".storyboard" / "builder.json").write_text("{}")  # as after a crash: everything is swept
    ran = clone.run("build", "--json")
    assert ran.code == 1
    assert [error["code"] for error in errors(ran)] == ["linked-state"]
    assert f".storyboard{link} is a link to" in errors(ran)[0]["message"]
    clone.assert_untouched()


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_no_verb_reaches_through_a_linked_state(clone: Clone, verb: tuple[str, ...]) -> None:
    clone.link(".storyboard/cache")
    ran = clone.run(*verb, "--json")
    assert (ran.code, errors(ran)[0]["code"]) == (1, "linked-state"), ran
    clone.assert_untouched()


def test_records_behind_a_link_are_not_moved_away_as_damaged(clone: Clone) -> None:
    clone.build()
    [folder] = [path for path in (clone.folder / ".storyboard/cache/records").glob("*/*") if "take" in _kinds(path)]
    for record in folder.iterdir():
        record.unlink()
    folder.rmdir()
    folder.symlink_to(clone.documents)
    assert clone.run("build").code == 0
    clone.assert_untouched()


def _kinds(folder: Path) -> set[str]:
    return {word for path in folder.iterdir() for word in ("take",) if f'"kind":"{word}"' in path.read_text()}


def test_tracked_state_is_refused_by_every_verb(clone: Clone) -> None:
    (clone.folder / ".storyboard").mkdir()
    (clone.folder / ".storyboard" / "ledger.jsonl").write_text("")
    subprocess.run(["git", "init", "-q", str(clone.folder)], check=True)
    subprocess.run(["git", "-C", str(clone.folder), "add", "-f", ".storyboard"], check=True)
    for verb in VERBS:
        ran = clone.run(*verb, "--json")
        assert (ran.code, errors(ran)[0]["code"]) == (1, "tracked-state"), ran
    assert "git -C " in errors(ran)[0]["help"]
    assert [path.name for path in (clone.folder / ".storyboard").iterdir()] == ["ledger.jsonl"]


def test_refusal_names_the_setting_that_keeps_a_cache_on_another_disk(template: Path, tmp_path: Path) -> None:
    """A team that has linked its cache to a large disk writes what it is told, and nothing is made again."""
    import shutil
    import tomllib

    project = Project(tmp_path / "film", SHOT, inside=True)
    shutil.copytree(template, project.folder, symlinks=True, dirs_exist_ok=True)
    disk = tmp_path / "big disk"
    shutil.move(project.folder / ".storyboard" / "cache", disk)
    (project.folder / ".storyboard" / "cache").symlink_to(disk)
    config = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    ran = project.run("build", "--json", env=config)
    [error] = errors(ran)
    settings = tmp_path / "config" / "storyboard" / "settings.toml"
    assert str(settings) in error["help"]
    lines = [line.strip() for line in error["help"].splitlines() if line.startswith("    ")]
    assert tomllib.loads("\n".join(lines)) == {"project": {str(project.folder): {"cache": str(disk)}}}
    (project.folder / ".storyboard" / "cache").unlink()
    settings.parent.mkdir(parents=True)
    settings.write_text("\n".join(lines))
    assert project.build(env=config)["made"] == []
    assert json.loads(project.run("cache", "dir", "--json", env=config).out)["data"]["folder"] == str(disk)
    other = {"STORYBOARD_CACHE_DIR": str(disk), "XDG_CONFIG_HOME": str(tmp_path / "nowhere")}
    assert project.build(env=other)["made"] == []
    linked = project.folder / "out" / "film.draft" / "a.mp4"
    assert linked.resolve().is_relative_to(disk)
    forgotten = project.run("build", "--json", env={"XDG_CONFIG_HOME": str(tmp_path / "nowhere")})
    assert [one["code"] for one in errors(forgotten)] == ["cache-dir"]
    assert str(disk) in errors(forgotten)[0]["help"]
    assert not (project.folder / ".storyboard" / "cache").exists()
    disk.rename(tmp_path / "unplugged")
    unplugged = project.run("build", "--json", env=config)
    assert "is missing; it was in" in errors(unplugged)[0]["message"]
    (tmp_path / "unplugged").rename(disk)
    assert project.build(env=config)["made"] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cache = 1\n", "'cache' is not a setting"),
        ("[project.'/x']\ncach = '/y'\n", "the settings of project '/x' are invalid"),
        ("project = 1\n", "`project` is not a table"),
        ("[project", "not TOML"),
    ],
)
def test_settings_that_cannot_be_used_are_named(clone: Clone, tmp_path: Path, text: str, words: str) -> None:
    settings = tmp_path / "config" / "storyboard" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(text)
    ran = clone.run("plan", env={"XDG_CONFIG_HOME": str(tmp_path / "config")})
    assert ran.code == 2
    assert f"{settings}: {words}" in ran.err


def test_relative_cache_in_the_environment_is_refused(clone: Clone) -> None:
    ran = clone.run("plan", env={"STORYBOARD_CACHE_DIR": "cache"})
    assert ran.code == 2
    assert "STORYBOARD_CACHE_DIR: 'cache' is not an absolute path" in ran.err


def test_build_that_found_nothing_to_do_looks_again_when_the_settings_change(template: Path, tmp_path: Path) -> None:
    import shutil

    project = Project(tmp_path / "film", SHOT, inside=True)
    shutil.copytree(template, project.folder, symlinks=True, dirs_exist_ok=True)
    config = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    for _ in range(3):
        assert project.build(env=config)["made"] == []
    settings = tmp_path / "config" / "storyboard" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[project."{project.folder}"]\ncache = "{tmp_path / "new"}"\n')
    ran = project.run("build", "--json", env=config)
    assert [error["code"] for error in errors(ran)] == ["cache-dir"]


# the film and what lies beside it


def test_links_of_the_person_in_a_folder_that_has_the_name_of_the_film_stay(clone: Clone) -> None:
    clone.edit("out/film.mp4", "footage.mp4")
    footage = clone.folder / "footage"
    footage.mkdir()
    for name in ("one.mov", "a.mp4"):
        (footage / name).symlink_to(clone.documents / "letter.txt")
    (footage / "annexed.mov").symlink_to("../.git/annex/objects/aa/bb/" + "c" * 64)
    before = {path.name: path.readlink() for path in footage.iterdir()}
    for _ in range(2):
        assert clone.run("build").code == 0
        assert {name: (footage / name).readlink() for name in before} == before
    clone.assert_untouched()


def test_own_links_to_takes_are_replaced_and_removed(clone: Clone) -> None:
    clone.build()
    folder = clone.folder / "out" / "film.draft"
    first = (folder / "a.mp4").readlink()
    clone.edit("seed: 3", "seed: 4")
    clone.build()
    assert (folder / "a.mp4").readlink() != first
    clone.edit("id: a,", "id: b,")
    clone.build()
    assert [path.name for path in folder.iterdir()] == ["b.mp4"]


@pytest.mark.parametrize("target", ["..", "../Documents", ".git/hooks", ".storyboard/cache"])
def test_film_is_not_written_through_a_link_out_of_the_project(clone: Clone, target: str) -> None:
    (clone.folder / ".git" / "hooks").mkdir(parents=True)
    if target.startswith(".storyboard"):
        clone.run("plan")
        (clone.folder / target).mkdir(parents=True)
    (clone.folder / "out").symlink_to(target)
    around = sorted(path for path in clone.folder.parent.iterdir())
    ran = clone.run("check", "--json")
    assert [error["code"] for error in errors(ran)] == ["outside-project"], ran
    assert errors(ran)[0]["place"]["line"] == 3
    assert clone.run("build").code == 3
    clone.assert_untouched()
    assert sorted(path for path in clone.folder.parent.iterdir()) == around
    assert list((clone.folder / ".git" / "hooks").iterdir()) == []


def test_film_is_written_through_a_link_inside_the_project(clone: Clone) -> None:
    (clone.folder / "renders").mkdir()
    (clone.folder / "out").symlink_to("renders")
    clone.build()
    assert (clone.folder / "renders" / "film.draft.mp4").is_file()
    assert (clone.folder / "renders" / "film.draft" / "a.mp4").resolve().is_file()


def test_folder_of_takes_that_is_a_link_is_left_alone(clone: Clone) -> None:
    (clone.folder / "out").mkdir()
    (clone.folder / "out" / "film.draft").symlink_to(clone.documents)
    ran = clone.run("build")
    assert ran.code == 0
    assert "is a link, so takes were not linked in it" in ran.err
    clone.assert_untouched()


def test_lockfile_that_is_a_link_is_told_and_not_replaced(clone: Clone) -> None:
    (clone.folder / "storyboard.lock").symlink_to(clone.documents / "letter.txt")
    ran = clone.run("build", "--json")
    assert (ran.code, errors(ran)[0]["code"]) == (1, "lockfile")
    assert "the lockfile is a link" in errors(ran)[0]["message"]
    assert (clone.folder / "storyboard.lock").is_symlink()
    clone.assert_untouched()


def test_captions_that_are_links_are_left_alone(clone: Clone) -> None:
    clone.edit("seed: 3}", "seed: 3, caption: Night.}")
    (clone.folder / "out").mkdir()
    for suffix in ("srt", "vtt"):
        (clone.folder / "out" / f"film.draft.{suffix}").symlink_to(clone.documents / "letter.txt")
    ran = clone.run("build")
    assert ran.code == 0
    assert "was not made by storyboard, so captions were not written to it" in ran.err
    assert (clone.folder / "out" / "film.draft.srt").is_symlink()
    clone.assert_untouched()


def test_leftovers_in_the_folder_of_the_film_go_and_files_of_like_names_stay(clone: Clone) -> None:
    out = clone.folder / "out"
    out.mkdir()
    left = [".film.mp4.0123456789abcdef.tmp", ".film.mp4.part-01234567", ".film.draft.mp4.part-01234567"]
    mine = [
        ".film.mp4.backup.tmp",
        ".film.mp4.part-2",
        ".film.mp4.0123456789abcdef.tmp.txt",
        ".other.mp4.part-01234567",
    ]
    for name in left + mine:
        (out / name).write_text("x")
    (out / ".film.mp4.part-abcdef01").symlink_to(clone.documents / "letter.txt")
    clone.build()
    there = {path.name for path in out.iterdir()}
    assert not there & set(left)
    assert there >= {*mine, ".film.mp4.part-abcdef01"}
    clone.assert_untouched()


# what init writes, and notes of builds that were never made


@pytest.mark.parametrize("name", ["storyboard.yaml", "storyboard.schema.json", ".gitignore"])
def test_init_writes_through_no_link_and_over_no_file(tmp_path: Path, name: str) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    project = Project(tmp_path / "film", "", inside=True)
    (project.folder / "storyboard.yaml").unlink()
    (project.folder / name).symlink_to(mine)
    project.run("init")
    assert mine.read_text() == "mine"
    assert (project.folder / name).is_symlink()


def test_note_that_no_build_has_written_is_not_believed(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    from storyboard.fastpath import noop
    from storyboard.fastpath.noop import write_note
    from storyboard.store.file_stamps import PathStamps

    monkeypatch.chdir(clone.folder)
    (clone.folder / ".storyboard").mkdir()
    asked = noop.question(["build"])
    write_note(str(clone.folder / ".storyboard"), asked, PathStamps(), {"text": "all is well", "notes": ""})
    assert noop.noop_answer(["build"]) is None


def test_file_called_like_the_state_makes_no_project_of_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / ".storyboard").write_text("mine")
    project = Project(tmp_path / "film", SHOT, inside=True)
    assert project.run("plan").code == 0
    assert (tmp_path / ".storyboard").read_text() == "mine"


def test_link_that_leads_nowhere_is_refused_as_state(clone: Clone) -> None:
    clone.link(".storyboard", clone.folder / "nowhere")
    ran = clone.run("build", "--json")
    assert (ran.code, errors(ran)[0]["code"]) == (1, "linked-state")
    assert not (clone.folder / "nowhere").exists()
