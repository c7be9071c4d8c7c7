"""Films of up to ten thousand shots, built for real by the engine, with takes that are there at once.

What a drawn take would hold does not matter here; that there are as many blobs, records, links and lockfile entries as
a real film leaves behind does. So every take is the same two frames with a mark of its own behind them, and its linked
frame a picture with a mark. Nothing is synced to the disk while a film is prepared.
"""

import asyncio
import contextlib
import io
import os
import subprocess
import sys
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from unittest import mock

import msgspec
import numpy as np

from storyboard.build.makers import Delivery, LocalMaker, Order
from storyboard.build.workers import Workers
from storyboard.cli.start import run
from storyboard.core.model import Size
from storyboard.media import frames, probe
from storyboard.media.encode import ClipWriter

_SIZE = Size(1280, 720)
_FILES = 100
_CHAIN = 4
_WORDS = "a slow glide over the dark water between roots while lanterns drift past and the light of the moon breaks "
PROMPT = 600


def storyboard(folder: Path, shots: int) -> None:
    """Write the text: prompts of 600 characters, chains of four shots, at most a hundred included scenes."""
    (folder / "scenes").mkdir(parents=True, exist_ok=True)
    each = max(10, -(-shots // _FILES))
    files = -(-shots // each)
    includes = "".join(f"  - include: scenes/s{number:03d}.yaml\n" for number in range(files))
    head = "version: 1\noutput: {file: out/film.mp4, size: 1280x720, fps: 24}\nscenes:\n"
    (folder / "storyboard.yaml").write_text(head + includes)
    for number in range(files):
        lines = [f"id: s{number:03d}\nshots:"]
        lines += [_shot(index) for index in range(number * each, min(shots, (number + 1) * each))]
        (folder / f"scenes/s{number:03d}.yaml").write_text("\n".join(lines) + "\n")


def _shot(index: int) -> str:
    prompt = f"shot {index} of the film, {_WORDS * 6}"[:PROMPT].strip()
    link = f"\n    first_frame: {{shot: x{index - 1:05d}, at: last}}" if index % _CHAIN else ""
    return f"  - id: x{index:05d}\n    prompt: {prompt}\n    seed: {index + 1}{link}"


def build(folder: Path) -> None:
    """Build the film in *folder*, then once more as the command line does it, so that all is at rest."""
    clip = folder / "clip.mp4"
    with ClipWriter(clip, _SIZE, Fraction(24)) as writer:
        for _ in range(2):
            writer.write(np.zeros((_SIZE.height, _SIZE.width, 3), np.uint8))
    out = io.StringIO()
    with _at_once(clip), contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = run(["build", "-q"])
    if code:
        raise RuntimeError(out.getvalue())
    clip.unlink()
    rest(folder)


def rest(folder: Path) -> None:
    """Build as the command line does it."""
    subprocess.run([sys.executable, "-m", "storyboard", "build", "-q"], cwd=folder, check=True, capture_output=True)


@contextlib.contextmanager
def _at_once(clip: Path):  # type: ignore[no-untyped-def]
    data, info = clip.read_bytes(), probe.probe(clip)

    async def make(self: LocalMaker, order: Order) -> Delivery:
        mark = order.shot.id.encode()
        order.out.write_bytes(data + (8 + len(mark)).to_bytes(4, "big") + b"free" + mark)
        return Delivery(info, 0.0, 1)

    picture = frames.extract(clip, "last")

    def extract(path: Path, at: object) -> frames.Picture:
        mark = sha256(f"{path.name} {at}".encode()).hexdigest()
        return msgspec.structs.replace(picture, planes=mark, png=picture.png + mark.encode())

    async def inside(self: Workers, label: str, function, *arguments):  # type: ignore[no-untyped-def]
        return await asyncio.to_thread(function, 0, *arguments)

    with (
        mock.patch.object(LocalMaker, "make", make),
        mock.patch.object(frames, "extract", extract),
        mock.patch.object(Workers, "run", inside),
        mock.patch.object(os, "fsync", return_value=None),
    ):
        yield
