"""What is worth a look in a take is told with figures, kept with it, and stops nothing."""

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from unittest import mock

import jsonschema
import numpy as np

from storyboard.core.model import Size
from storyboard.engine import worker_tasks
from tests.inside import hasty
from tests.media.clips import make, numbered
from tests.project import HERE, Project
from tests.shops import shop

SHOTS = """\
scenes:
  - id: one
    shots:
      - {id: own, clip: own.mp4}
      - {id: glide, prompt: a river at night, seed: 3}
      - {id: drift, prompt: a forest at dawn, takes: [4, 5], first_frame: {shot: glide, at: last}}
"""
SIZE = Size(128, 72)


def footage(path: Path) -> None:
    black = np.zeros((72, 128, 3), np.uint8)
    pictures = [*(numbered(n, SIZE) for n in range(12)), *[black] * 18, *(numbered(n, SIZE) for n in range(6))]
    make(path, pictures, rate=Fraction(12), size=SIZE)


def test_remarks_are_made_once_and_told_by_status(tmp_path: Path) -> None:
    desk = Project(tmp_path / "film", SHOTS, inside=True)
    footage(desk.folder / "own.mp4")
    make_it = worker_tasks.write_animatic

    def elsewhere(request, first_frame, out, progress):
        """A provider that does not care for the frame it is given."""
        return make_it(request, None, out, progress)

    with hasty(), mock.patch.object(worker_tasks, "write_animatic", elsewhere):
        ran = desk.run("build", "--json")
        assert ran.code == 0, ran
        jsonschema.validate(json.loads(ran.out), json.loads((HERE / "schemas/envelope-1.schema.json").read_text()))
        first, *jumps = ran.data["remarks"]
        assert (first["shot"], first["kind"], first["start"], first["end"]) == ("own", "black", 1.0, 2.5)
        assert first["text"] == "own is black from 1.0 to 2.5 s"
        assert [(one["shot"], one["seed"], one["frame"], one["at"]) for one in jumps] == [
            ("drift", None, "glide", "last"),
            ("drift", 5, "glide", "last"),
        ]
        text = r"the first frame of drift differs from the last frame of glide by \d+\.\d of 255"
        assert re.fullmatch(text, jumps[0]["text"])
        again = desk.data("build")
        assert (again["made"], again["remarks"]) == ([], [])
        assert desk.data("status")["remarks"] == [first, *jumps]
        assert "  warning: own is black from 1.0 to 2.5 s\n" in desk.said("status")
        (desk.film).unlink()
        desk.edit("id: own", "id: mine")
        assert "warning: " not in desk.said("build")
        assert desk.data("status")["remarks"][0]["text"] == "mine is black from 1.0 to 2.5 s"


def test_what_we_draw_ourselves_gives_nothing_to_remark(tmp_path: Path) -> None:
    desk = Project(tmp_path / "film", SHOTS.replace("id: own, clip: own.mp4", "id: own, card: A river"), inside=True)
    with hasty():
        assert desk.data("build")["remarks"] == []
        assert desk.data("status")["remarks"] == []
        records = (desk.folder / ".storyboard/cache/records").rglob("*.json")
        jumps = [float(jump) for path in records for jump in re.findall(r'"jump": ?([0-9.]+)', path.read_text())]
        assert len(jumps) == 2
        assert max(jumps) < 3


def test_one_clip_delivered_for_two_jobs_is_a_warning_that_names_both_shots(tmp_path: Path) -> None:
    shots = """scenes:
  - id: s
    shots:
      - {id: a, prompt: a river, seed: 3}
      - {id: b, prompt: a forest, seed: 4}
"""
    with (
        shop(seconds_per_job=0, alike=True) as server,
        hasty(),
        mock.patch.object(
            server.clips, "bytes_of", lambda order: server.clips._rendered(replace(order, video_id="", seed=0))
        ),
    ):
        desk = Project(tmp_path / "film", shots, server=server, inside=True)
        ran = desk.run("build", "--json")
        jsonschema.validate(json.loads(ran.out), json.loads((HERE / "schemas/envelope-1.schema.json").read_text()))
        [one] = ran.data["remarks"]
        assert (one["kind"], one["shot"], one["frame"]) == ("repeated", "b", "a")
        assert one["text"] == "b has the clip that was also delivered for a; look at both, and ask the provider"
        assert desk.data("status")["remarks"] == [one]
        assert desk.build()["remarks"] == []
        desk.file.write_text(f"{desk.file.read_text()}      - {{id: c, prompt: a town, seed: 5}}\n")
        [late] = desk.build()["remarks"]
        assert (late["shot"], late["frame"]) == ("c", "a")
        assert "warning: c has the clip" in desk.said("status")


def test_one_job_for_two_shots_and_own_footage_used_twice_are_no_repeated_clips(tmp_path: Path) -> None:
    shots = """scenes:
  - id: s
    shots:
      - {id: a, prompt: a river, seed: 3}
      - {id: b, prompt: a river, seed: 3}
      - {id: c, clip: own.mp4}
      - {id: d, clip: own.mp4, speed: 2}
"""
    with shop(seconds_per_job=0) as server, hasty():
        desk = Project(tmp_path / "film", shots, server=server, inside=True)
        footage(desk.folder / "own.mp4")
        assert [one["kind"] for one in desk.build()["remarks"]] in (["black", "black"], ["black"])
        assert len(server.bill) == 1
