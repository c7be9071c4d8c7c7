"""What the verbs say of own footage, before and after it has been taken in."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import av
import pytest

from storyboard.core.graph import Action
from storyboard.core.model import Clip, FileInput, Shot
from storyboard.core.plan import Step
from storyboard.core.reason import Reason
from storyboard.engine.generators import FootageImporter, GenerationRequest
from storyboard.engine.worker_pool import WorkerPool
from storyboard.engine.worker_tasks import TaskFailed, WorkerDied
from tests.cli.test_cut import clip
from tests.inside import hasty
from tests.media.clips import ffmpeg
from tests.media.test_footage import bars, write
from tests.project import Project, decoded

SHOTS = """\
scenes:
  - id: one
    shots:
      - {id: own, clip: own.mp4}
      - {id: a, prompt: a river at night}
"""


def test_footage_counts_when_it_has_been_measured_and_is_told_as_what_it_is(tmp_path: Path) -> None:
    desk = Project(tmp_path / "film", SHOTS, inside=True)
    clip(desk.folder / "own.mp4", 30, "12")
    desk.git("init", "-q")
    (desk.folder / ".gitignore").write_text(".storyboard/\nout/\n")
    desk.commit("first")
    with hasty():
        assert "2 shots, at least 1 s (at least 12 frames at 12 fps)" in desk.said("plan")
        assert "own footage, not in this cache" in desk.said("log", "own")
        desk.built()
        assert "2 shots, 3.5 s (42 frames at 12 fps)" in desk.said("status")
        assert ", own footage, imported 20" in desk.said("why", "own")
        assert "own footage, imported as " in desk.said("log", "own")
        clip(desk.folder / "own.mp4", 40, "12")
        told = desk.data("diff")
        assert told["seconds"] == {"old": 3.5, "new": 1}
        assert told["retimed"] == []
        assert "at least 1 s" in desk.said("status")


def test_a_card_for_footage_that_is_broken_can_be_read(tmp_path: Path) -> None:
    desk = Project(tmp_path / "film", SHOTS, inside=True)
    (desk.folder / "own.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and nothing more")
    with hasty():
        assert desk.run("build", "--partial").code == 1
    assert len(decoded(desk.film)) == 4 * 12 + 12


@pytest.mark.parametrize(("transfer", "name"), [(16, "smpte2084"), (18, "arib-std-b67")])
def test_footage_in_hdr_is_refused_with_a_way_out(tmp_path: Path, transfer: int, name: str) -> None:
    desk = Project(tmp_path / "film", SHOTS, inside=True)
    write(desk.folder / "own.mp4", bars(), "libx264", "yuv420p10le", transfer=transfer)
    with hasty():
        ran = desk.run("build")
        assert ran.code == 1
        assert f"own.mp4 is HDR ({name}), which is not tone-mapped; convert it to BT.709" in ran.err
        assert not (desk.folder / "out/film.mp4").exists()


def test_transitions_that_are_longer_than_their_footage_are_told_before_it_is_taken_in(tmp_path: Path) -> None:
    other = "{id: b, clip: b.mov, transition: {type: dissolve, duration: 3}}"
    desk = Project(tmp_path / "film", SHOTS.replace("{id: a, prompt: a river at night}", other), inside=True)
    clip(desk.folder / "own.mp4", 30, "12")
    clip(desk.folder / "b.mov", 60, "30000/1001")
    error = desk.refused(3, "check")
    assert (error["code"], error["place"]["line"]) == ("transition-too-long", 9)
    assert error["message"].endswith("takes 3 s; `b` has only 2 s left for it")
    desk.edit("duration: 3", "duration: 2}, speed: 0.5, trim: {start: 0.5")
    assert desk.run("check").code == 0
    desk.edit("own.mp4", "own.mp4, trim: {start: 1}")
    assert desk.refused(3, "check")["message"].endswith("takes 2 s; `own` has only 1.5 s left for it")


def test_a_part_behind_the_footage_that_it_is_of_is_told_before_that_is_taken_in(tmp_path: Path) -> None:
    shots = SHOTS.replace("prompt: a river at night", "card: x")
    shots = shots.replace("own.mp4", "own.mp4, trim: {start: 1, end: 2.58}")
    desk = Project(tmp_path / "film", shots, inside=True)
    clip(desk.folder / "own.mp4", 30, "12")
    assert desk.run("check").code == 0, "one frame more is left out by the build"
    desk.edit("end: 2.58", "end: 2.7")
    error = desk.refused(3, "check")
    assert (error["code"], error["message"]) == ("bad-trim", "`end` is 2.7 s; the clip is 2.5 s long")
    assert error["place"]["column"] == len("      - {id: own, clip: own.mp4, trim: {start: 1, end: ") + 1
    desk.edit("start: 1, end: 2.7", "start: 2.5")
    assert desk.refused(3, "plan")["message"] == "`start` is 2.5 s; the clip is 2.5 s long"


# The tags that recorders write into `chan` (Apple, Core Audio Format): MPEG_6_1_A and MPEG_7_1_C.
@pytest.mark.parametrize(("layout", "tag"), [("6.1", (125 << 16) | 7), ("7.1", (128 << 16) | 8)])
def test_uncompressed_sound_in_a_channel_order_of_its_own_is_refused_by_the_name_of_the_clip(
    tmp_path: Path, layout: str, tag: int
) -> None:
    project = Project(tmp_path / "film", "scenes: [{id: s, shots: [{id: own, clip: own.mov, trim: {end: 0.5}}]}]\n")
    picture = ["-f", "lavfi", "-i", "testsrc=s=128x72:r=12:d=1"]
    sound = ["-f", "lavfi", "-i", f"aevalsrc=0.1:d=1:s=48000:c={layout}"]
    ffmpeg(*picture, *sound, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", f"{project.folder}/own.mov")
    data = bytearray((project.folder / "own.mov").read_bytes())
    at = data.index(b"chan") + 8
    data[at : at + 8] = tag.to_bytes(4, "big") + bytes(4)
    (project.folder / "own.mov").write_bytes(data)
    assert project.run("check").code == 0
    assert project.run("plan").code == 0
    build = project.run("build")
    if int(av.__version__.split(".")[0]) >= 19:
        assert build.code == 0
        return
    assert build.code == 1
    assert f"own.mov has sound of {int(layout[0]) + 1} channels (FL+FR+" in build.err
    assert "in an order that PyAV 18" in build.err
    assert "-c:v copy -c:a aac -ac 2" in build.err


def test_a_clip_that_crashes_the_decoder_is_named_and_not_taken_for_a_lack_of_memory(tmp_path: Path) -> None:
    clip(tmp_path / "own.mp4", 12, "12")
    shot = Shot("own", "s", source=Clip(FileInput("own.mp4")))
    action = Action("take:own", "take", shot="own")
    request = GenerationRequest(
        Step(action, "make", Reason("new"), request={"clip": "file:0"}), shot, {}, tmp_path / "out"
    )

    class Crashing(WorkerPool):
        async def run(self, *_: object, **__: object) -> Any:
            raise WorkerDied(-signal.SIGABRT, started=True)

    importer = FootageImporter(Crashing(1), tmp_path)
    with pytest.raises(
        TaskFailed, match=r"^own\.mp4 crashes the decoder: a process ended twice by SIGABRT; convert it"
    ):
        asyncio.run(importer.generate(request, lambda: None))
