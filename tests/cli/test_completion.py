"""Shells complete verbs, options and the names of a film: the words that are offered, and each shell itself."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from storyboard.cli.commands.completion import SCRIPTS, split_line
from tests.conftest import tool
from tests.inside import run
from tests.project import Project
from tests.shells import Shell

pytestmark = pytest.mark.usefixtures("inside")

HEADER = "version: 1\nmodel: tiny:1\nprovider: local\noutput: {file: out/film.mp4, size: 128x72, fps: 12}\n"
FILM = """\
scenes:
  - id: river
    tags: [water]
    shots:
      - {id: glide, prompt: A slow glide up a river at night, takes: [3, 48281], pick: 3}
      - {id: skiff, title: The skiff, prompt: a boat, tags: [hero]}
  - include: scenes/temple.yaml
"""
TEMPLE = "id: temple\nshots:\n  - {id: gate, prompt: a gate, seed: 5}\n"
BREAKS = " \t\n\"'><=;|&(:"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("completion") / "film", None, inside=True)
    (made.folder / "scenes").mkdir(parents=True)
    made.write(FILM, HEADER)
    (made.folder / "scenes/temple.yaml").write_text(TEMPLE)
    (made.folder / "notes.txt").write_text("")
    assert run(made.folder, {}, "build", "glide").code == 0
    return made


def offered(folder: Path, line: str, shell: str = "zsh") -> dict[str, str]:
    """The words that are offered at the end of *line*, with their explanations."""
    words = "\n".join(line.split(" "))
    env = {"_STORYBOARD_COMPLETE": shell, "COMP_WORDS": words, "COMP_LINE": line, "COMP_WORDBREAKS": BREAKS}
    ran = run(folder, env)
    assert (ran.code, ran.err) == (0, ""), ran
    return {value: about for value, _, about in (text.partition("\t") for text in ran.out.splitlines())}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("storyboard pl", {"plan"}),
        ("storyboard cache v", {"verify"}),
        ("storyboard build --part", {"--partial"}),
        ("storyboard takes ", {"glide", "skiff", "gate"}),
        ("storyboard why gl", {"glide"}),
        ("storyboard build riv", {"river"}),
        ("storyboard build wa", {"water"}),
        ("storyboard build s", {"skiff", "scenes/", "storyboard.yaml", "scene:river", "scene:temple"}),
        ("storyboard build river,g", {"river,glide", "river,gate"}),
        ("storyboard build +g", {"+glide", "+gate"}),
        ("storyboard plan -s scene:", {"scene:river", "scene:temple"}),
        ("storyboard plan --select=tag:h", {"--select=tag:hero"}),
        ("storyboard build --remake sk", {"skiff"}),
        ("storyboard build --provider ", {"local", "runware"}),
        ("storyboard models run", {"runway:1@2"}),
        ("storyboard check scenes/", {"scenes/temple.yaml"}),
        ("storyboard check not", set()),
        ("storyboard build --plan no", {"notes.txt"}),
        ("storyboard pick glide ", {"#1", "#2", "seed:3", "seed:48281"}),
        ("storyboard pick gate ", {"seed:5"}),
        ("storyboard drop glide 4", {"48281"}),
        ("storyboard drop glide seed:4", {"seed:48281"}),
        ("storyboard view glide #", {"#1", "#2"}),
        ("storyboard view sk", {"skiff"}),
        ("storyboard ls --format c", {"csv"}),
        ("storyboard --explain model-d", {"model-duration"}),
        ("storyboard completion ", {"bash", "zsh", "fish"}),
        ("storyboard nonsense ", set()),
    ],
)
def test_a_word_is_completed_by_its_place(project: Project, line: str, words: set[str]) -> None:
    assert set(offered(project.folder, line)) == words


def test_words_are_explained(project: Project) -> None:
    shots = offered(project.folder, "storyboard takes ")
    assert (shots["glide"], shots["skiff"]) == ("A slow glide up a river at night", "The skiff")
    assert offered(project.folder, "storyboard st")["status"]
    takes = offered(project.folder, "storyboard pick glide #").values()
    assert sum(about.startswith("seed 3, in the cut, local 2") for about in takes) == 1


def test_names_are_completed_below_the_storyboard_and_of_one_that_is_named(project: Project) -> None:
    assert set(offered(project.folder / "scenes", "storyboard takes gl")) == {"glide"}
    assert set(offered(project.folder.parent, "storyboard build film gl")) == {"glide"}


def test_films_are_completed(tmp_path: Path) -> None:
    outputs = "outputs: {wide: {file: out/wide.mp4}, tall: {file: out/tall.mp4}}\n"
    (tmp_path / "storyboard.yaml").write_text(f"version: 1\n{outputs}{FILM}")
    assert set(offered(tmp_path, "storyboard view ta")) == {"tall"}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ("  bad: [", {"glide", "skiff", "gate"}),
        ("\tx: 1", {"glide", "skiff", "gate"}),
        ("scenes: 7", {"glide", "skiff", "gate"}),
        ("unknown: field", {"glide", "skiff", "gate"}),
    ],
)
def test_of_a_storyboard_with_a_mistake_what_can_be_read_is_offered(
    project: Project, tmp_path: Path, edit: str, words: set[str]
) -> None:
    (tmp_path / "scenes").mkdir()
    (tmp_path / "storyboard.yaml").write_text(f"{HEADER}{FILM}{edit}\n")
    (tmp_path / "scenes/temple.yaml").write_text(TEMPLE)
    assert set(offered(tmp_path, "storyboard takes ")) == words
    assert set(offered(tmp_path, "storyboard build -s scene:")) == {"scene:river", "scene:temple"}
    assert set(offered(tmp_path, "storyboard pick gate ")) <= {"seed:5", "seed:1"}


def test_a_scene_with_a_mistake_hides_no_other(project: Project, tmp_path: Path) -> None:
    (tmp_path / "scenes").mkdir()
    (tmp_path / "storyboard.yaml").write_text(HEADER + FILM)
    (tmp_path / "scenes/temple.yaml").write_text(TEMPLE + "  - [")
    assert set(offered(tmp_path, "storyboard takes ")) == {"glide", "skiff", "gate"}


@pytest.mark.parametrize("shell", ["", "tcsh", "bash_complete", "zsh_source"])
def test_an_unknown_shell_and_a_script_of_an_earlier_version_get_nothing(project: Project, shell: str) -> None:
    assert offered(project.folder, "storyboard takes ", shell) == {}


def test_without_a_storyboard_verbs_and_files_are_offered(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    assert set(offered(tmp_path, "storyboard build ")) == {"film/"}
    assert offered(tmp_path, "storyboard takes ") == {}


def test_no_name_can_act_on_the_shell_or_the_terminal(tmp_path: Path) -> None:
    names = ["a\\e[31m", "b\\nc", "$(touch x)", "`touch y`", "d'e", "f\\u202eg", "{h,i}", "*"]
    shots = "".join(f'      - {{id: "{name}", prompt: x}}\n' for name in names)
    (tmp_path / "storyboard.yaml").write_text(f"{HEADER}scenes:\n  - id: one\n    shots:\n{shots}")
    assert set(offered(tmp_path, "storyboard takes ", "fish")) == {"$(touch x)", "`touch y`", "d'e", "{h,i}", "*"}
    escaped = {r"\$\(touch\ x\)", r"\`touch\ y\`", r"d\'e", r"\{h,i\}", r"\*"}
    assert set(offered(tmp_path, "storyboard takes ", "bash")) == escaped
    assert set(offered(tmp_path, 'storyboard takes "', "bash")) >= {r"\$(touch x)", r"\`touch y\`"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("storyboard pick glide seed:", {"3", "48281"}),
        ("storyboard pick glide 'seed:", {"seed:3", "seed:48281"}),
        ("storyboard plan --select=scene:t", {"temple"}),
        ("storyboard pick glide ", {r"\#1", r"\#2", "seed:3", "seed:48281"}),
        ("storyboard pick glide '", {"#1", "#2", "seed:3", "seed:48281"}),
        (r"storyboard pick glide \#", {r"\#1", r"\#2"}),
        ("storyboard  build   --dr", {"--draft"}),
    ],
)
def test_bash_gets_words_from_its_last_break_on_and_quoted(project: Project, line: str, words: set[str]) -> None:
    assert set(offered(project.folder, line, "bash")) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a b", ["a", "b"]),
        ("a ", ["a", ""]),
        ("a 'b c' \"d e", ["a", "b c", "d e"]),
        (r"a b\ c", ["a", "b c"]),
        ("", [""]),
        ("a ''", ["a", ""]),
    ],
)
def test_a_line_is_split_as_a_shell_splits_it(line: str, words: list[str]) -> None:
    assert [word.text for word in split_line(line)] == words


def test_completion_loads_no_heavy_library(project: Project) -> None:
    code = "import sys; from storyboard.cli.main import run; run(); print(*sys.modules, file=open('loaded', 'w'))"
    env = {**os.environ, "_STORYBOARD_COMPLETE": "zsh", "COMP_WORDS": "storyboard\nbuild\nri"}
    done = subprocess.run([sys.executable, "-c", code], cwd=project.folder, env=env, capture_output=True, check=True)
    loaded = set((project.folder / "loaded").read_text().split())
    (project.folder / "loaded").unlink()
    assert done.stdout.startswith(b"river\t")
    assert not loaded & {"networkx", "moviepy", "av", "numpy", "httpx", "rich", "PIL", "jsonschema"}


def test_a_large_film_is_completed_too(tmp_path: Path) -> None:
    shots = "".join(f"      - {{id: s{number:04d}, prompt: shot {number}}}\n" for number in range(2000))
    (tmp_path / "storyboard.yaml").write_text(f"{HEADER}scenes:\n  - id: one\n    shots:\n{shots}")
    assert len(offered(tmp_path, "storyboard takes s19")) == 100


# the shells themselves

LINES: Mapping[str, list[str]] = {
    "storyboard stat\t": ["status"],
    "storyboard cache ver\t": ["cache", "verify"],
    "storyboard takes gl\t": ["takes", "glide"],
    "storyboard build --part\triv\t": ["build", "--partial", "river"],
    "storyboard build -s scene:te\t": ["build", "-s", "scene:temple"],
    "storyboard build --select=tag:he\t": ["build", "--select=tag:hero"],
    "storyboard build river,ga\t": ["build", "river,gate"],
    "storyboard pick glide \\#2\t": ["pick", "glide", "#2"],
    "storyboard pick glide '#2\t": ["pick", "glide", "#2"],
    "storyboard pick glide seed:4\t": ["pick", "glide", "seed:48281"],
    "storyboard check sce\ttem\t": ["check", "scenes/temple.yaml"],
    "storyboard build --provider run\t": ["build", "--provider", "runware"],
    "storyboard models runway:1\t": ["models", "runway:1@2"],
}


@pytest.mark.parametrize("shell", list(SCRIPTS))
def test_each_shell_completes_a_line(project: Project, tmp_path: Path, shell: str) -> None:
    tool(shell)
    script = run(tmp_path, {}, "completion", shell).out
    with Shell(shell, project.folder, tmp_path / "home", script) as typing:
        assert {line: typing.words(line) for line in LINES} == LINES
        shown = typing.shown("storyboard takes ")
    assert all(name in shown for name in ("glide", "skiff", "gate"))
    if shell != "bash":
        assert "A slow glide up a river" in shown


@pytest.mark.parametrize("shell", list(SCRIPTS))
def test_each_shell_stays_silent_where_nothing_can_be_completed(tmp_path: Path, shell: str) -> None:
    tool(shell)
    with Shell(shell, tmp_path, tmp_path / "home", run(tmp_path, {}, "completion", shell).out) as typing:
        assert typing.words("storyboard takes x\ty") == ["takes", "xy"]
        assert "rror" not in typing.shown("storyboard takes ")
