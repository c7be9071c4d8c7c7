"""Write the state of films as commit 9120c32 makes it: ``python write_state.py FOLDER``, in a checkout of that commit.

README.md says what is written, and with which command. Every date that the program writes is in January 2026. The
imports are modules of that commit: they are not renamed with those of later ones.
"""

import json
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, tzinfo
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import av
import numpy as np
from PIL import Image

from storyboard.build import deposits, pictures, remote, takes
from storyboard.build.budget import Budget
from storyboard.build.workspace import Workspace
from tests.desk import Desk, at_work
from tests.inside import SOON, hasty
from tests.project import HERE
from tests.shops import PaidProject, shop

HEADER = """\
version: 1
title: The quay
model: tiny:1
provider: runware
output: {file: out/film.mp4, size: 128x72, fps: 24, fade_in: 0.25, loudness: -20}
outputs:
  wide: {file: out/film.mp4, captions: stream, chapters: true}
  tall: {file: out/tall.mp4, size: 72x128, captions: burn, profile: draft, fit: cover}
vars: {mood: soft mist}
audio:
  - {file: material/tone.wav, loop: true, fade_out: 0.5, duck: 9}
"""
FILM = """\
scenes:
  - id: river
    title: The river
    shots:
      - id: title
        card: {text: The quay, subtitle: A small film, duration: 1}
      - id: glide
        prompt: A river at night, ${mood}.
        seed: 3
      - id: skiff
        prompt: A skiff drifts on, ${mood}.
        seed: 4
        first_frame: {shot: glide, at: last}
        transition: {type: dissolve, duration: 0.25}
      - id: lamp
        prompt: A lamp swings over the water.
        seed: 5
        duration: 2
        trim: {start: 0.25, end: 1.5}
        first_frame: refs/lamp.png
        caption: A lamp in the night.
  - include: scenes/town.yaml
  - id: home
    title: Home
    shots:
      - id: map
        image: {file: refs/map.png, duration: 1, move: push}
        transition: {type: fade, duration: 0.25}
      - id: own
        clip: material/own.mp4
"""
TOWN = """\
id: town
title: The town
shots:
  - id: square
    prompt: A square at noon, ${mood}.
    seed: 7
    params: {outputQuality: 90}
  - id: bell
    prompt: A bell tower above the square.
    seed: 8
    first_frame: {shot: skiff, at: 0.5}
  - id: market
    prompt: A market at dawn.
    seed: 9
  - id: pier
    prompt: A pier in the rain.
    seed: 10
    speed: 1.5
  - id: gulls
    prompt: Gulls over the pier.
    seed: 12
"""
THEN = {"plan": ["plan"], "cost": ["cost", "--by", "day"], "takes": ["takes", "glide"], "why": ["why", "pier"]}
UNFINISHED = """\
scenes:
  - id: one
    shots:
      - {id: harbour, prompt: A harbour in the fog., seed: 21}
"""


@contextmanager
def on(day: int) -> Iterator[None]:
    """The program's clock goes on from noon of that day in January 2026."""
    behind = time.time() - datetime(2026, 1, day, 12, tzinfo=UTC).timestamp()

    def clock(real: Callable[[], float] = time.time) -> float:
        return real() - behind

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Then":
            return cls.fromtimestamp(clock(), tz)

    def tools(real: Callable[..., Any] = remote.Tools, **named: Any) -> Any:
        return real(**{**named, "clock": clock})

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(remote, "Tools", tools))
        for module in (deposits, pictures, takes):
            stack.enter_context(mock.patch.object(module, "datetime", Then))
        stack.enter_context(mock.patch.dict(Workspace.__init__.__kwdefaults__, clock=clock))
        stack.enter_context(mock.patch.object(Budget.__init__, "__defaults__", (None, clock)))
        yield


def material(folder: Path) -> None:
    """Two pictures, a track, and footage with a sound."""
    for name in ("refs", "material", "scenes"):
        (folder / name).mkdir(parents=True)
    across, down = np.meshgrid(np.arange(128), np.arange(72))
    for name, blue in (("lamp", 40), ("map", 160)):
        picture = np.stack([across * 2, down * 3, np.full_like(across, blue)], axis=2).astype(np.uint8)
        Image.fromarray(picture).save(folder / "refs" / f"{name}.png")
    with wave.open(str(folder / "material" / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(tone(16000, 220).astype("<i2").tobytes())
    footage(folder / "material" / "own.mp4")


def tone(rate: int, hertz: int) -> Any:
    """A second of a sine, as samples of 16 bits."""
    return 6000 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)


def footage(path: Path) -> None:
    """A second of moving bars at 25 frames a second, of another size than the film, with a tone."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=25, options={"threads": "1", "crf": "30"})
        video.width, video.height, video.pix_fmt = 96, 96, "yuv420p"
        audio: Any = container.add_stream("aac", rate=48000)
        audio.layout = "mono"
        for number in range(25):
            picture = np.zeros((96, 96, 3), np.uint8)
            picture[:, number * 3 : number * 3 + 12] = (200, 120, 40)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        frame = av.AudioFrame.from_ndarray(tone(48000, 440).astype(np.int16)[None, :], "s16", "mono")
        frame.sample_rate, frame.time_base, frame.pts = 48000, Fraction(1, 48000), 0
        container.mux(audio.encode(frame))
        for stream in (video, audio):
            container.mux(stream.encode(None))


def paid(folder: Path) -> None:
    """A film that was bought, rolled again, chosen from, held and accepted, and that is finished."""
    material(folder)
    (folder / "scenes/town.yaml").write_text(TOWN)
    with shop() as server:
        project = PaidProject(folder, server, FILM)
        project.write(FILM, HEADER)
        desk = Desk(project, project.settings())
        with at_work(11, 13):
            with on(5):
                first_day(desk, server)
            with on(6):
                second_day(desk)
        settle(project)
    (folder / "then").mkdir()
    for name, words in THEN.items():
        (folder / "then" / f"{name}.json").write_text(told(project, *words))


def first_day(desk: Desk, server: Any) -> None:
    """The first cut: one request is refused by policy and changed, one attempt fails and is made anew."""
    server.arm("submit-moderated")
    assert desk.run("build", "-s", "gulls").code == 6
    server.arm("poll-error-in-data")
    town = desk.folder / "scenes/town.yaml"
    town.write_text(town.read_text().replace("Gulls over the pier", "White gulls over the pier"))
    desk.built()
    (desk.folder / "past").mkdir()
    for name in ("storyboard.yaml", "storyboard.lock"):
        shutil.copy(desk.folder / name, desk.folder / "past" / name)
    shutil.copy(town, desk.folder / "past" / "town.yaml")
    desk.built("--draft")
    desk.built()


def second_day(desk: Desk) -> None:
    """More takes, one of them picked; one shot rolled again, one held against an edit, one accepted after an edit."""
    town = desk.folder / "scenes/town.yaml"
    desk.said("take", "glide", "-n", "2")
    desk.said("pick", "glide", "11")
    desk.built()
    old = desk.in_cut("market")
    desk.built("--remake", "market")
    desk.said("pick", "market", old[:12])
    desk.said("hold", "pier")
    text = town.read_text().replace("in the rain", "in the snow").replace("A square at noon", "The square at noon")
    town.write_text(text)
    desk.said("accept", "square")
    desk.built()
    assert desk.built() == []


def unfinished(folder: Path) -> None:
    """A job that was submitted and paid for, and that the build gave up waiting for."""
    with shop(seconds_per_job=600.0) as server, on(5), at_work():
        project = PaidProject(folder, server, UNFINISHED)
        with hasty(**SOON):
            assert Desk(project, project.settings()).run("build").code == 1
        assert len(server.bill) == len(project.journal()) == 1
    settle(project, "plan")


def settle(project: PaidProject, verb: str = "build") -> None:
    """Let the command itself look at the state when it is old enough for notes."""
    time.sleep(11)
    for _ in range(2):
        assert project.run(verb).code == 0


def told(project: PaidProject, *words: str) -> str:
    """What a verb prints as data, without the folder."""
    ran = project.run(*words, "--json")
    assert ran.code == 0, ran
    return ran.out.replace(str(project.folder), "ROOT")


def store(folder: Path) -> None:
    """Put the state where git holds it: no hidden folder, no list of what git ignores, no links into the cache."""
    (folder / ".storyboard").rename(folder / "state")
    (folder / "state/.gitignore").rename(folder / "state/gitignore")
    for path in [path for path in folder.rglob("*") if path.is_symlink()]:
        path.unlink()
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def example(name: str, folder: Path) -> None:
    """Build an example, and keep its lockfile and its records, all in one file."""
    work = folder / name
    shutil.copytree(HERE / "examples" / name, work)
    subprocess.run([sys.executable, "-m", "storyboard", "build", "-q"], cwd=work, check=True)
    kept = [work / "storyboard.lock", *sorted((work / ".storyboard/cache/records").rglob("*.json"))]
    state = {path.relative_to(work).as_posix(): path.read_text() for path in kept}
    (folder / f"{name}.json").write_text(json.dumps(state, indent=1) + "\n")
    shutil.rmtree(work)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    for name, write in (("paid", paid), ("unfinished", unfinished)):
        write(folder / name)
        store(folder / name)
    (folder / "examples").mkdir()
    for found in sorted((HERE / "examples").glob("*/storyboard.yaml")):
        example(found.parent.name, folder / "examples")


if __name__ == "__main__":
    main()
