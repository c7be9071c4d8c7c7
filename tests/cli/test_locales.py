"""Every locale: names of files in any script, output in any encoding, and JSON that is JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import HERE

NAME = "Fluß — 川"
TEXT = f"""version: 1
title: {NAME}
output: {{file: "out/{NAME}.mp4", size: 320x180, fps: 24}}
scenes:
  - include: "{NAME}.scene.yaml"
"""
SCENE = f"""id: s
shots:
  - {{id: a, card: {{text: Hallo, duration: 0.5}}, title: {NAME}}}
"""
LOCALES = {
    "c": {"LC_ALL": "C"},
    "c-without-utf-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "posix-without-utf-8": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin-1-output": {"PYTHONIOENCODING": "latin-1"},
    "ascii-output": {"PYTHONIOENCODING": "ascii"},
    "ascii-everything": {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii:strict",
    },
    "utf-16-output": {"PYTHONIOENCODING": "cp1252"},
    "utf-8": {"LC_ALL": "C.UTF-8"},
}
VERBS = (
    ("check",),
    ("plan",),
    ("build", "-v"),
    ("build",),
    ("status",),
    ("ls",),
    ("view", "--path"),
    ("why", "a"),
    ("cost",),
    ("graph",),
    ("doctor",),
    ("cache", "ls"),
    ("schema",),
    ("models",),
    ("--help",),
    ("--explain", "git"),
)


def verb(folder: Path, locale: dict[str, str], *words: str) -> "subprocess.CompletedProcess[bytes]":
    clear = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-m", "storyboard", *words],
        cwd=folder,
        env={**clear, "PYTHONPATH": str(HERE), "COLUMNS": "120", **locale},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=90,
        check=False,
    )


@pytest.mark.sweep
@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_every_verb_runs_in_every_locale(tmp_path: Path, locale: dict[str, str]) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "storyboard.yaml").write_text(TEXT, "utf-8")
    (folder / f"{NAME}.scene.yaml").write_text(SCENE, "utf-8")
    for words in VERBS:
        done = verb(folder, locale, *words)
        assert b"this is a bug" not in done.stderr, (words, done.stderr)
        assert done.returncode == 0 or words == ("why", "a"), (words, done.stderr)
    assert (folder / "out" / f"{NAME}.mp4").is_file()
    for words in VERBS[:10]:
        done = verb(folder, locale, *words, "--json")
        assert json.loads(done.stdout)["command"], done  # UTF-8, or ASCII with escapes
    steps = json.loads(verb(folder, locale, "plan", "--json").stdout)
    assert "graph" not in steps
    film = json.loads(verb(folder, locale, "build", "--json").stdout)["data"]["film"]
    assert film == f"out/{NAME}.mp4"


@pytest.mark.sweep
@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_findings_about_names_in_any_script_are_printed_in_every_locale(tmp_path: Path, locale: dict[str, str]) -> None:
    (tmp_path / "storyboard.yaml").write_text(TEXT, "utf-8")
    done = verb(tmp_path, locale, "check")
    assert done.returncode == 3
    assert b"error[unreadable-file]" in done.stderr
    done = verb(tmp_path, locale, "check", NAME)
    assert (done.returncode, b"no such file" in done.stderr) == (2, True), done


def test_output_that_an_encoding_lacks_is_a_question_mark(tmp_path: Path) -> None:
    (tmp_path / "storyboard.yaml").write_text(TEXT, "utf-8")
    done = verb(tmp_path, {"PYTHONIOENCODING": "latin-1"}, "check")
    assert "`Fluß ? ?.scene.yaml`".encode("latin-1") in done.stderr
