"""Write ``longest/`` as commit 9120c32 makes it: ``python write_longest.py FOLDER``, in a checkout of that commit.

Shots without a duration were then bought at 10 s, the longest of their model. Of the state only the ledger and the
journal are kept: the cache has 40 s of film. The imports are modules of that commit.
"""

import shutil
import sys
from pathlib import Path

from tests.desk import Desk, at_work
from tests.inside import SOON, hasty
from tests.shops import PaidProject, shop

HEADER = """\
version: 1
title: The long shore
model: runway:1@2
provider: runware
output: {file: out/film.mp4, size: 960x960, fps: 24}
"""
FILM = """\
scenes:
  - id: shore
    shots:
      - {id: waves, prompt: Waves on a long shore., seed: 3}
      - {id: gull, prompt: A gull over the waves., seed: 4, first_frame: {shot: waves, at: last}}
      - {id: dunes, prompt: Dunes in the wind., takes: [5, 6], pick: 6, trim: {start: 1, end: 7.5}}
      - {id: hut, prompt: A hut in the dunes., seed: 7, duration: 5}
"""
LATE = "      - {id: storm, prompt: A storm comes in., seed: 8}\n"


def main() -> None:
    folder = Path(sys.argv[1]).resolve() / "longest"
    with shop() as server, at_work():
        project = PaidProject(folder, server, FILM)
        project.write(FILM, HEADER)
        Desk(project, project.settings()).built()
    with shop(seconds_per_job=600.0) as server, at_work():
        project.server = server
        project.write(FILM + LATE, HEADER)
        with hasty(**SOON):
            assert Desk(project, project.settings()).run("build", "-s", "storm").code == 1
        assert len(server.bill) == len(project.journal()) == 1
    for path in folder.glob(".storyboard/*"):
        if path.name == ".gitignore":
            path.rename(path.with_name("gitignore"))
        elif path.name not in ("journal", "ledger.jsonl"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / ".storyboard").rename(folder / "state")
    shutil.rmtree(folder / "out")


if __name__ == "__main__":
    main()
