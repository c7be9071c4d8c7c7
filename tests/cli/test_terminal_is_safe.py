"""Text from elsewhere with control characters: it moves no cursor, turns no line around and breaks no line."""

import json
import os
import re
import shutil
import unicodedata
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storyboard.report import text as report_text
from tests.gits import git
from tests.inside import Ran, hasty
from tests.project import HEADER, HERE, Project

ESCAPES = "\x1b[2J\x1b]0;owned\x07"
HOSTILE = {
    "line-break": "x\ny",
    "return": "x\ry",
    "escapes": f"x{ESCAPES}y",
    "c1": "x\x9b31my",
    "bidi": "x\u202egpj\u2066y",
    "delete": "x\x7f\x08y",
    "separators": "x\u2028\u2029\x85y",
    "not-text": os.fsdecode(b"x\xff\xfey"),
}
MARK = "zq"


@pytest.fixture(autouse=True)
def filtered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What only the filter of the streams stopped: text that passed no cleaning before."""
    real, found = report_text.without_controls, []

    def record(text: str) -> str:
        shown = real(text)
        if shown != text:
            found.append(text)
        return shown

    monkeypatch.setattr(report_text, "without_controls", record)
    with hasty():
        yield found
    assert found == []


# What YAML lets into a text; it refuses the others.
IN_YAML = ("line-break", "return", "bidi")


def film(folder: Path, kind: str) -> Project:
    """A project in which everything that can have a hostile name has one."""
    name = HOSTILE[kind]
    project = Project(folder / name, "", inside=True, repository=True)
    stem = f"{MARK}{name}" if kind in IN_YAML else MARK
    text = json.dumps(stem)
    with wave.open(str(project.folder / f"{stem}.wav"), "wb") as sound:
        sound.setparams((1, 2, 48000, 0, "NONE", ""))
        sound.writeframes(bytes(96000))
    with hasty():
        maker = Project(folder / "clip", "scenes: [{id: s, shots: [{id: a, prompt: a river}]}]\n", inside=True)
        maker.said("build")
    shutil.copy(maker.film, project.folder / f"{stem}.mp4")
    Image.new("RGB", (128, 72), "navy").save(project.folder / f"{stem}.png", "PNG")
    end = text[:-1]
    project.write(
        f"""title: {text}
vars: {{v: {text}}}
notes: {text}
scenes:
  - include: {end}.scene.yaml"
  - id: s
    title: {text}
    shots:
      - {{id: a, prompt: "river ${{v}}", title: {text}, notes: {text}, tags: [t]}}
      - {{id: b, prompt: {text}, first_frame: {{shot: a, at: last}}}}
      - {{id: c, clip: {end}.mp4"}}
      - {{id: d, image: {{file: {end}.png", duration: 1}}}}
      - {{id: e, card: {{text: Hello, duration: 1}}, title: {text}}}
      - {{id: f, prompt: start, first_frame: {end}.png"}}
audio: [{{file: {end}.wav"}}]
""",
        header=HEADER.replace("file: out/film.mp4", f'file: "out/{text[1:-1]}.mp4"'),
    )
    (project.folder / f"{stem}.scene.yaml").write_text(f"id: one\nshots: [{{id: g, prompt: {text}}}]\n", "utf-8")
    return project


def check(ran: Ran, words: Any) -> None:
    """Nothing on either stream controls a terminal, and no name is spread over lines."""
    assert "this is a bug" not in ran.err, (words, ran)
    assert "Traceback" not in ran.err, (words, ran)
    out = ran.out.replace("\r\n", "\n") if "csv" in words else ran.out  # the line ends of CSV
    for line in f"{out}\n{ran.err}".split("\n"):
        bad = [c for c in line if c in "\u202e\u2066" or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
        assert not bad, (words, ascii(line))
        assert not line.startswith("y"), (words, line)


VERBS = (
    ("check",),
    ("plan",),
    ("plan", "-v"),
    ("build", "-v"),
    ("build",),
    ("build", "-q"),
    ("status",),
    ("ls",),
    ("ls", "--format", "csv"),
    ("ls", "--format", "markdown"),
    ("view", "--path"),
    ("view", "a", "--path"),
    ("takes", "a"),
    ("takes", "c"),
    ("take", "a"),
    ("why", "a"),
    ("why", "c"),
    ("why", "sound"),
    ("hold", "a"),
    ("release", "a"),
    ("accept", "a"),
    ("hold", "g"),
    ("release", "g"),
    ("pick", "g", "7"),
    ("pick", "g", "1"),
    ("cost",),
    ("cache", "ls"),
    ("cache", "verify"),
    ("cache", "gc"),
    ("cache", "dir"),
    ("graph",),
    ("graph", "--format", "mermaid"),
    ("graph", "--format", "dot"),
    ("doctor",),
    ("diff",),
    ("diff", "--format", "markdown"),
    ("diff", "HEAD~1"),
    ("log", "a"),
)


@pytest.mark.sweep
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_verb_prints_a_hostile_name_as_it_is(tmp_path: Path, kind: str) -> None:
    name = HOSTILE[kind]
    project = film(tmp_path, kind)
    project.git("add", "-A")
    subject = f"x{name}"
    git(project.folder, "commit", "-q", "-m", subject, "--author", f"x{name} <a@b>")
    project.edit('prompt: "river', 'prompt: "wide river')
    project.git("add", "-A")
    project.git("commit", "-q", "-m", f"{subject} again")
    for verb in (*VERBS, ("plan", "--out", f"plan{name}.json"), ("build", "--plan", f"plan{name}.json")):
        ran = project.run(*verb, env={"COLUMNS": "200"})
        check(ran, verb)
        if verb[0] in ("check", "plan", "build", "status"):
            assert ran.code == 0, (verb, ran)
    for verb in VERBS:
        if "markdown" not in verb and "mermaid" not in verb:
            ran = project.run(*verb, "--json")
            check(ran, verb)
            json.loads(ran.out)


@pytest.mark.sweep
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_error_prints_a_hostile_word_of_the_command_line_as_it_is(tmp_path: Path, kind: str) -> None:
    name = HOSTILE[kind]
    project = Project(tmp_path / "film", inside=True, repository=True)
    project.commit("One")
    told = [
        (name,),
        ("build", name),
        ("build", f"--{name}"),
        ("build", "-s", name),
        ("build", "--remake", name),
        ("build", "--provider", name),
        ("build", "--max-cost", name),
        ("build", "-j", name),
        ("build", "--plan", name),
        ("plan", "--out", f"none/{name}"),
        ("plan", "--out", "storyboard.yaml"),
        ("init", f"{name}/film"),
        ("takes", name),
        ("take", name),
        ("take", "a", "-n", name),
        ("pick", name, "1"),
        ("pick", "a", name),
        ("hold", name),
        ("release", name),
        ("accept", name),
        ("why", name),
        ("diff", name),
        ("diff", f"{name}..HEAD"),
        ("log", name),
        ("cache", name),
        ("graph", "--format", name),
        ("models", name),
        ("completion", name),
        ("--explain", name),
    ]
    for words in told:
        for more in ((), ("--json",)):
            check(project.run(*words, *more), words)


@pytest.mark.sweep
@pytest.mark.parametrize(
    "variable", ["MAX_COST", "JOBS", "PROVIDER", "SELECT", "REMAKE", "CACHE_DIR", "POLL_INTERVAL", "YES"]
)
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_error_prints_a_hostile_value_of_the_environment_as_it_is(tmp_path: Path, kind: str, variable: str) -> None:
    project = Project(tmp_path / "film", inside=True)
    for verb in ("plan", "build", "status"):
        check(project.run(verb, env={f"STORYBOARD_{variable}": HOSTILE[kind]}), variable)


@pytest.mark.sweep
@pytest.mark.parametrize("kind", HOSTILE)
def test_findings_about_hostile_names_stay_on_their_lines(tmp_path: Path, kind: str) -> None:
    name = json.dumps(HOSTILE[kind]) if "udcff" not in ascii(HOSTILE[kind]) else '"x\\uFFFDy"'
    project = Project(
        tmp_path / "film",
        f"""vars: {{{name}: 1}}
scenes:
  - include: {name}
  - id: {name}
    {name}: 1
    shots:
      - {{id: {name}, prompt: "${{{name[1:-1]}}}", first_frame: {{shot: {name}, at: last}}, model: {name}}}
      - {{id: b, clip: {name}}}
      - {{id: c, image: {name}, duration: 1, provider: {name}, size: {name}}}
""",
        inside=True,
    )
    for more in ((), ("--json",)):
        ran = project.run("check", *more)
        assert ran.code == 3
        check(ran, kind)


def test_only_the_modules_of_the_border_write_to_a_stream() -> None:
    """A module that prints by itself could pass the filter of the streams by."""
    border = {"cli/output.py", "cli/entry.py", "cli/main.py", "cli/process.py", "cli/installation.py"}
    border |= {"engine/worker_main.py"}  # a worker that lacks memory or files to start, in words of its own
    prints = re.compile(
        r"(?<![\w.])print\(|click\.s?echo|\bsys\.(__)?std(out|err)(__)?\.(write|buffer)|\bConsole\(|os\.write\([12],"
    )
    package = HERE / "storyboard"
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if prints.search(path.read_text("utf-8")) and "report/progress" not in path.as_posix()
    }
    assert found <= border
