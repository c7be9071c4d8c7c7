"""Write ``barred/`` as commit 8829461 makes it: ``PYTHONPATH=. python write_barred.py FOLDER``, in a checkout of it.

Its animatics have a slate bar below the picture. The imports are modules of that commit.
"""

import shutil
import sys
from pathlib import Path

from tests.inside import at_work, hasty
from tests.project import Project
from tests.shops import shop

HEADER = "version: 1\nmodel: tiny:1\nprovider: runware\noutput: {file: out/film.mp4, size: 320x180, fps: 24}\n"
FILM = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river at night, seed: 3, provider: local}
      - {id: b, prompt: a forest, takes: [4, 14], first_frame: {shot: a}}
      - {id: c, prompt: a hill, seed: 5, provider: local, first_frame: {shot: a}}
      - {id: d, prompt: a barn, seed: 6, first_frame: {shot: c, at: first}}
      - {id: e, prompt: a gate, seed: 7, provider: local, params: {slate: false}}
      - {id: f, prompt: a road, seed: 8, first_frame: {shot: e}}
      - {id: g, prompt: the sea, seed: 9, provider: local}
      - {id: h, prompt: a ship, seed: 10, first_frame: {shot: g}}
      - {id: i, prompt: a moor, seed: 11, first_frame: {shot: c}}
"""


def main() -> None:
    folder = Path(sys.argv[1]).resolve() / "barred"
    with shop() as server, hasty(), at_work():
        project = Project(folder, FILM, server=server, inside=True)
        project.write(FILM, HEADER)
        project.build()
        project.said("hold", "g")
        project.edit("prompt: the sea,", "prompt: the sea at dusk,")
        project.build()
        assert len(server.bill) == 6
    for path in folder.glob(".storyboard/*"):
        if path.name == ".gitignore":
            path.rename(path.with_name("gitignore"))
        elif path.name not in ("cache", "ledger.jsonl"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / ".storyboard").rename(folder / "state")
    shutil.rmtree(folder / "out")


if __name__ == "__main__":
    main()
