"""Lengths of footage and tracks are measured once, remembered by content, and never outside of the project."""

import os
import shutil
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from storyboard.media import length
from tests.cli.test_cut import clip
from tests.inside import hasty
from tests.media.clips import ffmpeg
from tests.project import Project

SHOTS = """\
audio:
  - {file: tone.wav, fade_out: 1}
scenes:
  - id: one
    shots:
      - {id: own, clip: own.mp4, trim: {end: 1}}
      - {id: a, prompt: a river at night}
"""
LIBRARIES = {"av", "numpy", "moviepy", "PIL"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a state folder, as a build leaves one, and files that are older than their hashing."""
    project = Project(tmp_path / "film", SHOTS)
    clip(project.folder / "own.mp4", 30, "12")
    tone = "sine=duration=2:sample_rate=44100"
    assert ffmpeg("-f", "lavfi", "-i", tone, str(project.folder / "tone.wav")).returncode == 0
    (project.folder / ".storyboard").mkdir()
    return project


def run(project: Project, *words: str) -> tuple[int, set[str], str]:
    """A verb in a process of its own: exit code, the heavy libraries that it loaded, what it printed."""
    program = (
        "import sys; from tests import tiny; tiny.install(); from storyboard.cli.main import run; "
        f"code = run({list(words)!r}); print(*sorted(set(sys.modules) & {LIBRARIES!r}), file=sys.stderr); "
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    *printed, loaded = done.stderr.split("\n")[:-1]
    return done.returncode, set(loaded.split()), done.stdout + "\n".join(printed)


def lengths(project: Project) -> dict[str, str]:
    with sqlite3.connect(project.folder / ".storyboard/index.sqlite") as base:
        found = dict(base.execute("SELECT kind, length FROM lengths"))
    base.close()
    return found


def test_a_check_of_an_unchanged_film_loads_no_pyav(project: Project) -> None:
    assert run(project, "check")[:2] == (0, {"av"})
    assert lengths(project) == {"clip 1": "5/2", "sound 1": "2"}
    assert run(project, "check")[:2] == (0, set())
    os.utime(project.folder / "own.mp4")
    assert run(project, "check")[:2] == (0, set()), "the content is the one that was measured"
    (project.folder / "copy.mp4").write_bytes((project.folder / "own.mp4").read_bytes())
    project.write(SHOTS.replace("own.mp4", "copy.mp4"))
    assert run(project, "check")[:2] == (0, set())


def test_a_check_of_changed_footage_measures_it_again(project: Project) -> None:
    assert run(project, "check")[0] == 0
    clip(project.folder / "own.mp4", 9, "12")
    code, loaded, printed = run(project, "check")
    assert (code, "av" in loaded) == (3, True)
    assert "`end` is 1 s; the clip is 0.75 s long" in printed
    code, loaded, again = run(project, "check")
    assert (code, loaded) == (3, set())
    assert again == printed


def test_a_film_that_asks_for_no_length_loads_no_pyav(project: Project) -> None:
    project.write(SHOTS.replace(", fade_out: 1", "").replace(", trim: {end: 1}", ""))
    assert run(project, "check")[:2] == (0, set())
    assert not (project.folder / ".storyboard/index.sqlite").exists()


def test_a_check_without_a_state_leaves_none(project: Project) -> None:
    shutil.rmtree(project.folder / ".storyboard")
    for _ in range(2):
        assert run(project, "check")[:2] == (0, {"av"})
    assert not (project.folder / ".storyboard").exists()


@pytest.mark.parametrize("verb", ["plan", "status"])
def test_verbs_that_write_nothing_remember_nothing(project: Project, verb: str) -> None:
    assert run(project, verb)[0] == 0
    assert list((project.folder / ".storyboard").iterdir()) == []


def test_a_state_that_is_refused_is_neither_read_nor_written(project: Project, tmp_path: Path) -> None:
    (project.folder / ".storyboard").rename(tmp_path / "elsewhere")
    (project.folder / ".storyboard").symlink_to(tmp_path / "elsewhere")
    for _ in range(2):
        assert run(project, "check")[:2] == (0, {"av"})
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_memory_of_lengths_costs_time_alone(project: Project, damage: bytes) -> None:
    (project.folder / ".storyboard/index.sqlite").write_bytes(damage)
    assert run(project, "check")[:2] == (0, {"av"})
    assert run(project, "check")[:2] == (0, set())


@pytest.mark.parametrize("text", ["x", "1/0", "1e99999999", "nan"])
def test_a_length_that_was_changed_in_the_memory_is_measured_again(project: Project, text: str) -> None:
    assert run(project, "check")[0] == 0
    with sqlite3.connect(project.folder / ".storyboard/index.sqlite") as base:
        base.execute("UPDATE lengths SET length = ?", (text,))
    base.close()
    assert run(project, "check")[:2] == (0, {"av"})
    assert run(project, "check")[:2] == (0, set())


def test_a_length_that_is_not_known_is_remembered_too(project: Project) -> None:
    (project.folder / "tone.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    assert run(project, "check")[:2] == (0, {"av"})
    assert lengths(project)["sound 1"] == ""
    assert run(project, "check")[:2] == (0, set())


@pytest.mark.parametrize("length", [2**63 - 100, 2**63, 2**64 - 1])
@pytest.mark.parametrize("verb", ["check", "plan"])
def test_a_clip_that_states_a_box_longer_than_any_file_is_checked(project: Project, verb: str, length: int) -> None:
    box = struct.pack(">I4sQ", 1, b"free", length)
    for name in ("own.mp4", "tone.wav"):
        path = project.folder / name
        path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + box + bytes(64))
    code, _, printed = run(project, verb)
    assert code in (0, 1), printed
    assert "this is a bug" not in printed
    assert "Traceback" not in printed


def test_a_file_outside_of_the_project_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Project(tmp_path / "film", SHOTS, inside=True)
    clip(tmp_path / "own.mp4", 30, "12")
    (desk.folder / "own.mp4").symlink_to(tmp_path / "own.mp4")
    (desk.folder / "tone.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    measured: list[str] = []
    monkeypatch.setattr(length, "media_length", lambda _descriptor, kind: measured.append(kind))
    with hasty():
        ran = desk.run("check")
    assert ran.code == 3
    assert "`own.mp4` cannot be used: it is a link that leads out of the project" in ran.out + ran.err
    assert measured == ["sound"]
