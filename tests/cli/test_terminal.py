"""What a terminal shows: a first sign at once, lines that fit, colour where it is wanted, and each failure once."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.project import Project, write_broken_clip
from tests.runware_server.server import RunwareServer

TEXT = """\
title: The river that runs through the valley below the mountains, a film in two parts
scenes:
  - id: the-first-part
    title: Night on the river
    shots:
      - {id: a-wide-view-of-the-river, prompt: a river at night, seed: 3, title: The river from above}
      - {id: b, prompt: a forest at dawn, seed: 4, first_frame: {shot: a-wide-view-of-the-river, at: last}}
  - id: two
    shots:
      - {id: end, card: {text: The end, duration: 1}}
"""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOR = re.compile(r"\x1b\[[0-9;]*m")
# The console script, with the tiny model.
_PROGRAM = "from tests.tiny import install; install(); from storyboard.cli.entry import main; main()"
_ENVIRONMENT = {"COLUMNS": "", "FORCE_COLOR": "", "NO_COLOR": "", "TERM": "xterm-256color"}
SIGN = "reading the storyboard ..."


class Terminal:
    """A terminal of *width* cells on which one verb of *project* runs."""

    def __init__(self, project: Project, *words: str, width: int = 80, env: Mapping[str, str] | None = None) -> None:
        self._end, end = os.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        environment = project.environment({**_ENVIRONMENT, **(env or {})})
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *words],
            cwd=project.folder,
            env=environment,
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)

    def read(self) -> Iterator[str]:
        """What is printed, piece by piece, until the verb has ended."""
        while True:
            try:
                data = os.read(self._end, 1 << 16)
            except OSError:  # Linux reports the end of a terminal as an error
                data = b""
            if not data:
                break
            yield data.decode(errors="replace")
        os.close(self._end)
        self.process.wait()


def shown(project: Project, *words: str, width: int = 80, env: Mapping[str, str] | None = None) -> str:
    """All that a verb prints on a terminal."""
    return "".join(Terminal(project, *words, width=width, env=env).read()).replace("\r\n", "\n")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "film", TEXT)


def test_the_first_sign_of_a_build_is_there_before_its_modules_and_goes_away(project: Project) -> None:
    text = shown(project, "build")
    assert text.startswith(f"{SIGN}\r{' ' * len(SIGN)}\r")
    assert text.count(SIGN) == 1
    assert SIGN not in shown(project, "build"), "nothing to do is answered at once"
    assert SIGN not in shown(project, "build", "--help")
    assert SIGN not in shown(project, "plan", "--json")


def test_the_first_sign_waits_for_no_module_that_takes_long_to_load(project: Project) -> None:
    program = """
import sys
from storyboard.cli import entry, process
process.FirstSign.show = lambda words: print(sorted({"click", "yaml", "pathlib", "rich", "av"} & set(sys.modules)))
entry.run(["build", "--help"])
"""
    words = [sys.executable, "-S", "-c", program]
    done = subprocess.run(words, env=project.environment(), capture_output=True, text=True, check=False)
    assert done.stdout.startswith("[]\n"), done


def test_the_last_line_of_a_build_is_in_colour_and_holds_path_length_money_and_seconds(project: Project) -> None:
    last = shown(project, "build").rstrip("\n").rpartition("\n")[2]
    assert re.fullmatch(
        r"\x1b\[32m\x1b\[1mout/film\.draft\.mp4: 3 s, 36 frames, spent \$0\.00, in \d+\.\d s\x1b\[0m", last
    )


def test_no_line_is_wider_than_the_terminal_or_broken_inside_a_word(project: Project) -> None:
    for width in (100, 80, 50):
        whole = {word for verb in ("plan", "status") for word in project.said(verb).split()}
        for verb in ("plan", "status"):
            text = ESCAPE.sub("", shown(project, verb, width=width).rpartition("\r")[2])
            assert max(map(len, text.split("\n"))) <= width
            assert set(text.split()) <= whole
        built = shown(project, "build", "--remake", "b", width=width)
        lines = [ESCAPE.sub("", line) for line in re.split(r"\n|\r|\x1b\[\d*[AK]", built)]
        assert max(map(len, lines)) <= width


def test_a_finding_fits_into_a_narrow_terminal(project: Project) -> None:
    project.edit("The river from above}", "The river from above, promt: a very long text of many words}")
    for width in (80, 50):
        text = ESCAPE.sub("", shown(project, "check", width=width))
        assert max(map(len, text.split("\n"))) <= width
        assert "did you mean `prompt`?" in text


def test_a_pipe_gets_no_escape_and_no_progress(project: Project) -> None:
    ran = project.run("build")
    assert "\x1b" not in ran.out + ran.err
    assert "\r" not in ran.out + ran.err
    assert SIGN not in ran.err
    assert len(ran.err.splitlines()) == 2, "a line for each take"


def test_colour_is_left_out_with_no_color_and_on_a_dumb_terminal_and_forced_into_a_pipe(project: Project) -> None:
    assert COLOR.search(shown(project, "plan"))
    assert not ESCAPE.search(shown(project, "plan", env={"NO_COLOR": "1"}))
    assert not COLOR.search(shown(project, "build", env={"NO_COLOR": "1"}))
    dumb = shown(project, "build", "--remake", "b", env={"TERM": "dumb"})
    assert not ESCAPE.search(dumb)
    assert SIGN not in dumb
    forced = project.run("build", "--remake", "b", env={"FORCE_COLOR": "1", "NO_COLOR": ""})
    assert COLOR.search(forced.out)
    assert "\r" not in forced.out + forced.err
    assert not re.search(r"\x1b\[[0-9;?]*[A-Zac-ln-z]", forced.out + forced.err), "nothing moves in a pipe"


def test_a_failure_is_told_once(project: Project) -> None:
    write_broken_clip(project.folder)
    project.edit("card: {text: The end, duration: 1}", "clip: broken.mp4")
    ran = project.run("build")
    assert ran.code == 1
    [told] = [line for line in ran.err.splitlines() if line.startswith("failed ")]
    assert (ran.out + ran.err).count(told.partition("  ")[2].strip()) == 1
    assert ran.out.splitlines()[-1].startswith("not joined: the film; failed: end; spent $0.00, in ")
    quiet = project.run("build", "-q")
    assert (quiet.out.count("failed   end:"), quiet.err) == (1, "")


def test_the_state_of_a_paid_job_is_shown_in_the_words_of_its_provider(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", TEXT, server=server)
    server.shop.seconds_per_job = 3.0
    text = shown(project, "build", "-q")
    assert "runware" not in text
    project.edit("a river at night", "a river at noon")
    text = shown(project, "build", width=100)
    assert re.search(r"  a-wide-view-of-the-river +runware: processing \d+ s \(\d+ %\), for \d+ s in all", text)
    assert re.search(r"  \d of 2 takes(, [^;]*)?; elapsed \d+ s", text)


def test_a_second_ctrl_c_leaves_the_cursor_visible(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", TEXT, server=server)
    server.shop.seconds_per_job = 60
    terminal = Terminal(project, "build")
    text = ""
    for piece in terminal.read():
        text += piece
        if "elapsed" in piece and server.bill:
            terminal.process.send_signal(signal.SIGINT)
            time.sleep(0.01)
            terminal.process.send_signal(signal.SIGINT)
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")
