"""``view`` opens the film or a take with the program of the user, or prints its path."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.inside import Ran, run
from tests.project import Project

pytestmark = pytest.mark.usefixtures("inside")

HEADER = "version: 1\nmodel: tiny:1\nprovider: local\noutput: {file: out/film.mp4, size: 128x72, fps: 12}\n"
FILM = """\
scenes:
  - id: one
    shots:
      - {id: glide, prompt: a river at night, takes: [3, 4], pick: 3}
      - {id: end, card: {text: The end, duration: 1}}
      - {id: later, prompt: a hill, skip: true}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("view") / "film", None, inside=True)
    made.folder.mkdir()
    made.write(FILM, HEADER)
    assert run(made.folder, {}, "build").code == 0
    return made


@pytest.fixture
def desk(tmp_path: Path) -> dict[str, str]:
    """The environment of a desktop whose program for films writes down what it is to open."""
    program = tmp_path / "bin" / "xdg-open"
    program.parent.mkdir()
    program.write_text(f'#!{sys.executable}\nimport sys\nopen("{tmp_path}/opened", "a").write(sys.argv[1] + "\\n")\n')
    program.chmod(0o755)
    return {"PATH": os.fspath(program.parent), "DISPLAY": ":0", "SSH_CONNECTION": "", "SSH_TTY": "", "BROWSER": ""}


def opened(tmp_path: Path) -> list[str]:
    notes = tmp_path / "opened"
    return notes.read_text().splitlines() if notes.exists() else []


def view(project: Project, env: Mapping[str, str], *words: str) -> Ran:
    return run(project.folder, dict(env), "view", *words)


def test_the_film_is_opened_by_the_program_of_the_system(built: Project, desk: dict[str, str], tmp_path: Path) -> None:
    ran = view(built, desk)
    assert (ran.code, ran.out) == (0, "opened out/film.draft.mp4\n"), ran
    assert opened(tmp_path) == [str(built.folder / "out/film.draft.mp4")]


@pytest.mark.parametrize(
    "away", [{"DISPLAY": ""}, {"SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22"}, {"PATH": "/nowhere"}]
)
def test_without_a_desktop_the_path_is_printed(
    built: Project, desk: dict[str, str], tmp_path: Path, away: dict[str, str]
) -> None:
    ran = view(built, desk | away)
    assert (ran.code, ran.out) == (0, "out/film.draft.mp4\n")
    assert "its path is printed" in ran.err
    assert opened(tmp_path) == []


def test_path_prints_nothing_but_the_path(built: Project, desk: dict[str, str], tmp_path: Path) -> None:
    ran = view(built, desk, "--path")
    assert (ran.out, ran.err, opened(tmp_path)) == ("out/film.draft.mp4\n", "", [])


def test_a_program_that_fails_leaves_the_path(built: Project, desk: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin/xdg-open").write_text("#!/bin/sh\nexit 3\n")
    ran = view(built, desk, "--json")
    assert ran.data["opened"] is False


@pytest.mark.parametrize("name", ["STORYBOARD_VIEWER", "BROWSER"])
def test_a_player_that_is_named_gets_the_path(built: Project, desk: dict[str, str], tmp_path: Path, name: str) -> None:
    player = (tmp_path / "bin/xdg-open").rename(tmp_path / "bin/player")
    film = str(built.folder / "out/film.draft.mp4")
    assert view(built, desk | {name: "player"}).code == 0
    assert view(built, desk | {name: f"{player} 'file://%s'"}).code == 0
    assert opened(tmp_path) == [film, f"file://{film}"]


@pytest.mark.parametrize(
    ("player", "message"),
    [
        ("no-such-player", "STORYBOARD_VIEWER names no program that is there"),
        ("mpv 'a", "STORYBOARD_VIEWER is no command: no closing quotation"),
        (" ", "STORYBOARD_VIEWER names no program that is there"),
    ],
)
def test_a_player_that_cannot_be_run_is_said(built: Project, desk: dict[str, str], player: str, message: str) -> None:
    ran = view(built, desk | {"STORYBOARD_VIEWER": player})
    assert (ran.code, ran.err.splitlines()[0]) == (2, f"error: {message}")


def test_a_program_in_the_folder_of_the_project_is_not_run(
    built: Project, desk: dict[str, str], tmp_path: Path
) -> None:
    trap = built.folder / "xdg-open"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/trapped\n")
    trap.chmod(0o755)
    built_in = Project(built.folder, None)
    ran = built_in.run("view", env=desk | {"PATH": f".:{desk['PATH']}", "PYTHONPATH": str(Path.cwd())})
    trap.unlink()
    assert ran.code == 0, ran
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    ("words", "link"),
    [
        ("glide", "glide.mp4"),
        ("glide seed:3", "glide.mp4"),
        ("glide seed:4", "glide.4.mp4"),
        ("glide --draft", "glide.mp4"),
    ],
)
def test_a_take_is_opened_by_its_link_next_to_the_film(built: Project, words: str, link: str) -> None:
    data = view(built, {}, *words.split(), "--path", "--json").data
    assert data["file"] == f"out/film.draft/{link}"
    assert (data["kind"], data["shot"], data["opened"]) == ("take", "glide", False)
    assert os.path.realpath(built.folder / data["file"]).endswith(data["take"])


def test_a_take_without_a_link_is_opened_in_the_cache(built: Project, tmp_path: Path) -> None:
    link = built.folder / "out/film.draft/glide.4.mp4"
    target = os.fspath(link.readlink())
    link.unlink()
    ran = view(built, {}, "glide", "seed:4", "--path")
    link.symlink_to(target)
    assert ran.out == f".storyboard/cache/blobs/{target.rpartition('blobs/')[2]}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("end", "shot 'end' is a title card and has no take"),
        ("gilde", "no shot or film is called 'gilde'\n  help: did you mean `glide`?"),
        ("glide 9", "'9' names no take of glide"),
        ("glide 1 2", "one film or one take is viewed at a time"),
    ],
)
def test_what_cannot_be_viewed_is_said(built: Project, words: str, message: str) -> None:
    ran = view(built, {}, *words.split())
    assert ran.code == 2
    assert message in ran.err


def test_a_film_that_is_not_made_says_what_to_build(built: Project, tmp_path: Path) -> None:
    made = Project(tmp_path / "new", None, inside=True)
    made.folder.mkdir()
    made.write(FILM, HEADER)
    ran = view(made, {}, "--json")
    content = json.loads(ran.out)
    assert (ran.code, content["errors"][0]["code"]) == (1, "not-made")
    assert content["next"] == ["storyboard build", "storyboard build --draft"]
    assert "glide has no take yet" in view(made, {}, "glide").err
    assert "run `storyboard build glide --draft`" in view(made, {}, "glide", "--draft").err
    assert "later has no take yet" in view(built, {}, "later").err


def test_the_final_film_comes_before_the_draft(built: Project) -> None:
    final = built.folder / "out/film.mp4"
    final.write_bytes(b"a film")
    try:
        ran = view(built, {}, "--path")
        assert (ran.out, ran.err) == ("out/film.mp4\n", "")
        os.utime(final, (0, 0))
        assert view(built, {}, "--path").err == "the draft is newer: `storyboard view --draft` opens it\n"
        assert view(built, {}, "--path", "--draft").out == "out/film.draft.mp4\n"
    finally:
        final.unlink()


def test_one_of_several_films_is_named(tmp_path: Path) -> None:
    made = Project(tmp_path / "two", None, inside=True)
    made.folder.mkdir()
    wide, tall = (
        f"{{file: out/{name}.mp4, size: {size}, fps: 12}}" for name, size in (("wide", "128x72"), ("tall", "72x128"))
    )
    outputs = f"outputs: {{wide: {wide}, tall: {tall}}}\n"
    made.write(FILM, f"version: 1\nmodel: tiny:1\nprovider: local\n{outputs}")
    for name in ("wide", "tall"):
        (made.folder / "out").mkdir(exist_ok=True)
        (made.folder / f"out/{name}.draft.mp4").write_bytes(b"a film")
    assert view(made, {}, "--path").out == "out/wide.draft.mp4\n"
    assert view(made, {}, "tall", "--path").out == "out/tall.draft.mp4\n"
