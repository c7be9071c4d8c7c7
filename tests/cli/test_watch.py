"""``watch`` makes the film again on every save, buys nothing, and survives what editors and git do to files."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

from storyboard.cli.watched_files import WatchedFiles, folders_of
from tests.inside import hasty
from tests.project import Project
from tests.runware_server.server import RunwareServer

TEXT = """\
scenes:
  - include: scenes/one.yaml
  - id: two
    shots:
      - {id: end, card: {text: The end, duration: 1}}
"""
SCENE = """\
id: one
shots:
  - {id: a, prompt: a river at night, seed: 3}
  - {id: b, prompt: a forest at dawn, seed: 4}
"""
# How long a sign is waited for on a busy machine.
PATIENCE_S = 100.0


class Watching:
    """``storyboard watch`` in a process, between ``with`` and its end, with all that it has printed."""

    def __init__(self, project: Project, *words: str, env: dict[str, str] | None = None) -> None:
        self.project = project
        self._words, self._env = words, env
        self._lines: list[str] = []
        self._seen = 0

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self.project.command("watch", "-j", "1", *self._words),
            cwd=self.project.folder,
            env=self.project.environment(self._env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # in the order in which a terminal shows both
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            self._lines.extend(stream)

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # the player of a film as well
        self.process.wait()
        self._reader.join()

    def until(self, text: str) -> str:
        """Wait for a line with *text* after those seen before, and return it."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            lines = self._lines[self._seen :]
            found = next((at for at, line in enumerate(lines) if text in line), None)
            if found is not None:
                self._seen += found + 1
                return lines[found]
            assert self.process.poll() is None, self.text
            time.sleep(0.02)
        raise AssertionError(f"{text!r} was not printed:\n{self.text}")

    @property
    def text(self) -> str:
        return "".join(self._lines)


def film(folder: Path, server: RunwareServer | None = None) -> Project:
    project = Project(folder, TEXT, server=server)
    (folder / "scenes").mkdir()
    (folder / "scenes/one.yaml").write_text(SCENE)
    return project


def test_every_save_makes_the_film_again_and_a_mistake_is_shown_in_its_place(tmp_path: Path) -> None:
    project = film(tmp_path / "film")
    with Watching(project) as watching:
        watching.until("out/film.draft.mp4: 3 s")
        watching.until("watching storyboard.yaml")
        project.edit("The end", "The very end")
        watching.until("storyboard.yaml changed")
        watching.until("2 unchanged, rendered 1 piece")
        project.edit("duration: 1", "durations: 1")
        watching.until("storyboard.yaml:9:")
        watching.until("did you mean `duration`?")
        project.edit("durations: 1", "duration: [")
        watching.until("error[yaml-syntax]")
        project.edit("duration: [", "duration: 2")
        watching.until("out/film.draft.mp4: 4 s")
        scene = project.folder / "scenes/one.yaml"
        scene.write_text(SCENE.replace("at night", "at noon"))
        watching.until(f"{Path('scenes/one.yaml')} changed")
        watching.until("made     a  in ")
        watching.until("out/film.draft.mp4: 4 s")
        assert watching.text.count(" changed\n") == 5  # what it writes itself is no change
        watching.process.send_signal(signal.SIGINT)
        assert watching.process.wait(PATIENCE_S) == 130


def test_it_survives_editors_that_rename_folders_that_go_and_branches_that_change(tmp_path: Path) -> None:
    project = film(tmp_path / "film")
    scenes, away = project.folder / "scenes", tmp_path / "away"
    with Watching(project) as watching:
        watching.until("watching storyboard.yaml")
        swap = project.folder / ".storyboard.yaml.swp"
        swap.write_text(project.file.read_text().replace("The end", "Fin"))
        swap.replace(project.file)
        watching.until("out/film.draft.mp4")
        scenes.rename(away)
        watching.until("error[")
        away.rename(scenes)
        watching.until("out/film.draft.mp4")
        project.folder.rename(away)
        watching.until("error[")
        away.rename(project.folder)
        watching.until("out/film.draft.mp4")
        project.edit("Fin", "The end")
        watching.until("storyboard.yaml changed")
        watching.until("out/film.draft.mp4")


def test_a_picture_that_is_missing_and_then_there_makes_the_film(tmp_path: Path) -> None:
    from PIL import Image

    project = film(tmp_path / "film")
    project.edit("card: {text: The end, duration: 1}", "image: {file: stills/end.png, duration: 1}")
    (project.folder / "stills").mkdir()
    with Watching(project) as watching:
        watching.until("stills/end.png")
        watching.until("watching storyboard.yaml")
        Image.new("RGB", (128, 72), "navy").save(project.folder / "stills/end.png")
        watching.until("out/film.draft.mp4: 3 s")
        Image.new("RGB", (128, 72), "olive").save(project.folder / "stills/end.png")
        watching.until(f"{Path('stills/end.png')} changed")
        watching.until("rendered 1 piece")


def test_nothing_is_bought_resumed_or_downloaded_and_the_price_is_told(server: RunwareServer, tmp_path: Path) -> None:
    project = film(tmp_path / "film", server)
    server.shop.seconds_per_job = 60
    build = project.start("build")
    while len(server.bill) < 2:
        time.sleep(0.02)
    build.send_signal(signal.SIGINT)
    build.communicate()
    server.finish_all()
    project.edit("The end", "Fin")
    requests = len(server.requests)
    with Watching(project) as watching:
        watching.until("out/film.draft.mp4")
        watching.until("watching")
        (project.folder / "scenes/one.yaml").write_text(SCENE.replace("at night", "at noon"))
        assert "1 to make, 1 to resume, 1 unchanged; $0.12" in watching.until("a paid build: ")
        watching.until("out/film.draft.mp4")
        assert (len(server.requests), len(server.bill)) == (requests, 2)
        assert len(project.journal()) == 2


def test_a_paid_build_in_another_terminal_works_and_its_takes_come_into_the_film(
    server: RunwareServer, tmp_path: Path
) -> None:
    project = film(tmp_path / "film", server)
    with Watching(project) as watching:
        watching.until("out/film.draft.mp4")
        watching.until("watching")
        with hasty():
            project.in_process().build()
        assert len(server.bill) == 2
        watching.until("storyboard.lock changed")
        assert "out/film.mp4: 3 s" in watching.until("out/film")
        project.edit("The end", "Fin")
        watching.until("rendered 1 piece")
        assert "out/film.mp4: 3 s" in watching.until("out/film")
        assert "a paid build" not in watching.text.partition("storyboard.lock changed")[2]
        assert len(server.bill) == 2


def test_the_film_is_opened_once_and_its_player_does_not_stop_the_builds(tmp_path: Path) -> None:
    project = film(tmp_path / "film")
    opened = tmp_path / "opened"
    player = f"import sys, time; open({str(opened)!r}, 'a').write(sys.argv[1] + chr(10)); time.sleep(1000)"
    viewer = tmp_path / "player.py"
    viewer.write_text(player)
    with Watching(project, "--open", env={"STORYBOARD_VIEWER": f"{sys.executable} {viewer}"}) as watching:
        watching.until("watching")
        project.edit("The end", "Fin")
        watching.until("rendered 1 piece")
        end = time.monotonic() + PATIENCE_S
        while not opened.exists() and time.monotonic() < end:
            time.sleep(0.02)
        assert opened.read_text() == f"{project.folder / 'out/film.draft.mp4'}\n"


def test_a_wrong_path_is_an_error_of_the_command_line(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", TEXT, inside=True)
    assert project.run("watch", "no-such.yaml").code == 2


def test_a_file_counts_as_changed_by_how_it_looks(tmp_path: Path) -> None:
    file, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    file.write_text("one")
    files = WatchedFiles()
    files.keep([file, other])
    assert files.changed() == []
    other.write_text("new")
    assert files.changed() == [other]
    files.keep([file, other])  # a change during a build is still one
    assert files.changed() == [other]
    files.keep([file, other], anew=[other])
    assert files.changed() == []
    file.unlink()
    assert files.changed() == [file]
    files.refresh()
    assert files.changed() == []
    files.keep([file], [tmp_path])
    (tmp_path / "c.png").touch()
    assert files.changed() == [tmp_path]
    shutil.rmtree(tmp_path)
    assert files.changed() == [tmp_path]


def test_a_file_that_is_emptied_and_then_written_is_one_change(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("one")
    files = WatchedFiles()
    files.keep([file])
    steps = [threading.Timer(0.3, file.write_text, [""]), threading.Timer(0.9, file.write_text, ["two"])]
    for step in steps:
        step.start()
    assert files.wait() == [file]
    assert file.read_text() == "two"
    for step in steps:
        step.join()


def test_folders_in_which_a_missing_file_may_appear_are_those_that_are_not_hidden(tmp_path: Path) -> None:
    for name in ("stills/day", ".storyboard/cache", ".git"):
        (tmp_path / name).mkdir(parents=True)
    assert folders_of(tmp_path) == [tmp_path, tmp_path / "stills", tmp_path / "stills/day"]
