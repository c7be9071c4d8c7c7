"""The verbs at the terminal: help, envelopes, exit codes, where words go."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from storyboard.cli.main import VERBS
from tests.inside import hasty, run
from tests.project import CHAIN, HERE, Project

READING = ["check", "plan", "status", "graph", "cost"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "film")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, tmp_path: Path) -> None:
    ran = run(tmp_path, {}, verb, "--help")
    assert ran.code == 0
    assert "Example: " in ran.out


@pytest.mark.parametrize("verb", READING)
def test_json_is_one_envelope_on_stdout(project: Project, verb: str) -> None:
    with hasty():
        ran = run(project.folder, {}, verb, "--json")
    envelope = json.loads(ran.out)
    assert list(envelope) == ["schema_version", "ok", "command", "data", "warnings", "errors", "next"]
    assert (ran.code, envelope["ok"], envelope["command"], ran.err) == (0, True, verb, "")


def test_findings_are_the_same_as_text_and_as_data(project: Project) -> None:
    project.edit("seed: 5", "sede: 5")
    with hasty():
        text = run(project.folder, {}, "check")
        data = run(project.folder, {}, "check", "--json")
    assert text.code == data.code == 3
    assert "storyboard.yaml:12:45: error[unknown-key]: unknown field `sede` in shot `c`" in text.err
    [error] = json.loads(data.out)["errors"]
    assert (error["code"], error["place"]["line"], error["place"]["column"]) == ("unknown-key", 12, 45)


def test_check_says_nothing_when_quiet(project: Project) -> None:
    with hasty():
        ran = run(project.folder, {}, "check", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_a_near_miss_of_a_verb_or_a_shot_is_suggested(project: Project) -> None:
    with hasty():
        assert "did you mean `build`?" in run(project.folder, {}, "biuld").err
        board = CHAIN.replace("id: c,", "id: city,")
        project.write(board)
        assert "did you mean `city`?" in run(project.folder, {}, "plan", "-s", "ctiy").err
        assert (
            "no scene with a shot in the film is called 'three'"
            in run(project.folder, {}, "plan", "-s", "scene:three").err
        )
        assert "no shot in the film has the tag 'hero'" in run(project.folder, {}, "plan", "-s", "tag:hero").err


def test_a_folder_without_a_storyboard_says_how_to_start_one(tmp_path: Path) -> None:
    ran = run(tmp_path, {}, "build")
    assert ran.code == 2
    assert "storyboard init" in ran.err


def test_graphs_name_every_action(project: Project) -> None:
    with hasty():
        text = run(project.folder, {}, "graph").out
        mermaid = run(project.folder, {}, "graph", "--format", "mermaid").out
        dot = run(project.folder, {}, "graph", "--format", "dot").out
        project.edit("at: last", "at: 0.5")
        moved = run(project.folder, {}, "graph").out
    assert "b  <- a@last" in text
    assert "b  <- a@0.5" in moved
    assert mermaid.startswith("flowchart LR\n")
    assert '"take:a" -> "frame:a@last";' in dot
    assert '"frame:a@last" -> "take:b";' in dot


def test_plan_says_why_field_by_field_with_a_word_diff(project: Project) -> None:
    with hasty():
        assert run(project.folder, {}, "build", "-q").code == 0
        project.edit("a river at night", "a river at noon")
        ran = run(project.folder, {}, "plan")
    assert "~ a  00:00:00:00 - 00:00:01:00  1 s  changed: prompt" in ran.out
    assert "prompt: a river at [-night-] {+noon+}" in ran.out
    assert "~ b  00:00:01:00 - 00:00:02:00  1 s  starts from a frame of a, which is made first" in ran.out
    assert "= c  00:00:02:00 - 00:00:03:00  1 s  unchanged" in ran.out


def test_the_schema_is_printed_as_it_ships() -> None:
    ran = run(HERE, {}, "schema")
    assert json.loads(ran.out) == json.loads((HERE / "schemas/storyboard-1.schema.json").read_text())


def test_models_tell_what_they_can_do_and_cost() -> None:
    ran = run(HERE, {}, "models", "runway:1@2")
    for word in ("5, 8 or 10 s", "1280x720", "$0.12 per second", "local, runware"):
        assert word in ran.out


def test_doctor_finds_the_codecs_and_names_no_key(project: Project) -> None:
    ran = run(project.folder, {"RUNWARE_API_KEY": "canary"}, "doctor", "--json")
    assert ran.code == 0
    assert ran.data["codecs"] == {"encoder": True, "decoder": True}
    assert ran.data["keys"]["RUNWARE_API_KEY"] is True
    assert "canary" not in ran.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell: str) -> None:
    ran = run(HERE, {}, "completion", shell)
    assert ran.code == 0
    assert "_STORYBOARD_COMPLETE" in ran.out


@pytest.mark.parametrize("name", ["my-film", "no: 'yes' \"x\"", "Über uns", "123"])
def test_init_starts_a_storyboard_without_findings(tmp_path: Path, name: str) -> None:
    ran = run(tmp_path, {}, "init", name)
    assert ran.code == 0, ran
    folder = tmp_path / name
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "storyboard.schema.json", "storyboard.yaml"]
    assert "$schema=./storyboard.schema.json" in (folder / "storyboard.yaml").read_text()
    checked = run(folder, {}, "check", "--json")
    assert (checked.code, json.loads(checked.out)["warnings"]) == (0, []), checked
    again = run(tmp_path, {}, "init", name)
    assert again.code == 2


def test_init_keeps_what_gitignore_had(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.psd")
    run(tmp_path, {}, "init")
    assert (tmp_path / ".gitignore").read_text() == "*.psd\n.storyboard/\nout/\n"


@pytest.mark.parametrize("example", ["mangrove", "minimal", "series"])
def test_examples_have_no_findings(example: str) -> None:
    ran = run(HERE, {}, "check", f"examples/{example}", "--json")
    envelope = json.loads(ran.out)
    assert (ran.code, envelope["warnings"]) == (0, []), envelope


def test_the_program_runs_as_a_module_and_tells_its_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "storyboard", "--version"], capture_output=True, text=True, check=True, cwd=HERE
    )
    assert done.stdout.startswith("storyboard 0.")


def test_a_pipe_that_closes_early_is_no_bug(project: Project) -> None:
    done = subprocess.run(
        f"{sys.executable} -m tests.tiny schema | head -1", shell=True, capture_output=True, text=True,
        env=project.environment(), check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


def test_control_characters_of_a_storyboard_never_reach_the_terminal(project: Project) -> None:
    project.edit("prompt: a city in the rain", r'prompt: "a \e[31mcity\u202e"')
    project.edit("scenes:", 'title: "\\e]0;owned\\a film"\nscenes:')
    with hasty():
        run(project.folder, {}, "build", "-q")
        project.edit("seed: 5", "seed: 6")
        for verb in ("check", "plan", "status", "graph", "build"):
            ran = run(project.folder, {}, verb)
            assert "\x1b" not in ran.out + ran.err
            assert "\u202e" not in ran.out + ran.err


HEAVY = {"moviepy", "networkx", "jsonschema", "httpx", "av", "numpy", "PIL", "rich"}


@pytest.mark.parametrize(
    ("words", "allowed"),
    [(["--version"], set()), (["--help"], set()), (["check"], set()), (["plan"], {"networkx"})],
    ids=["version", "help", "check", "plan"],
)
def test_heavy_libraries_are_loaded_only_where_they_are_used(
    project: Project, words: list[str], allowed: set[str]
) -> None:
    program = (
        "import sys; from tests import tiny; tiny.install(); from storyboard.cli.main import run; "
        f"code = run({words!r}); print(sorted(set(sys.modules) & {HEAVY!r}), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(eval(done.stderr.splitlines()[-1])) <= allowed


def test_a_film_that_was_never_built_is_missing_and_not_out_of_date(project: Project) -> None:
    with hasty():
        ran = run(project.folder, {}, "status")
    assert "film: out/film.draft.mp4 is missing\n" in ran.out


def test_status_of_the_draft_is_asked_for_as_the_plan_of_it_is(project: Project) -> None:
    project.edit("provider: local\n", "")
    with hasty():
        paid, draft = (run(project.folder, {}, "status", *words) for words in ((), ("--draft",)))
    assert "provider: runware" in paid.out
    assert "provider: local" in draft.out
    assert "drawn: " in draft.out
