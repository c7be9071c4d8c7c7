"""Films of up to ten thousand shots, with everything that a build leaves behind.

What a drawn take would hold does not matter here; that there are as many blobs, records, links and lockfile entries as
a real film has does. So every take is the same two frames with a mark of its own behind them, and its linked frame a
picture with a mark. They are put into the store by the store's own hands, unsynced; a build then joins the film. A film
has no slates, so that its pieces are copied, as those of a film of bought takes are.
"""

import json
import os
import subprocess
import sys
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from unittest import mock

import msgspec
import numpy as np

from storyboard.cli.project import read_project
from storyboard.core.graph import take_id
from storyboard.core.model import Size
from storyboard.core.plan import FrameResult, TakeResult, drawing_of
from storyboard.engine import commit
from storyboard.engine.generators import GeneratedClip
from storyboard.engine.session import BuildOptions, Session
from storyboard.media import frames
from storyboard.media.frames import extract_frame
from storyboard.media.probe import probe
from storyboard.media.render.encoder import ClipWriter

_SIZE = Size(1280, 720)
_FILES = 100
_CHAIN = 4
# Steps whose results are there before the first build; the film is joined of copies.
_FILLED = ("take:", "frame:", "segment:")
_WORDS = "a slow glide over the dark water between roots while lanterns drift past and the light of the moon breaks "
PROMPT = 600


def storyboard(folder: Path, shots: int) -> None:
    """Write the text: prompts of 600 characters, chains of four shots, at most a hundred included scenes."""
    (folder / "scenes").mkdir(parents=True, exist_ok=True)
    each = max(10, -(-shots // _FILES))
    files = -(-shots // each)
    includes = "".join(f"  - include: scenes/s{number:03d}.yaml\n" for number in range(files))
    head = "version: 1\noutput: {file: out/film.mp4, size: 1280x720, fps: 24, slate: false}\nscenes:\n"
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
    """Put all takes and frames of the film in *folder* into its store, then build it as the command line does."""
    clip = folder / "clip.mp4"
    with ClipWriter(clip, _SIZE, Fraction(24)) as writer:
        for _ in range(2):
            writer.write(np.zeros((_SIZE.height, _SIZE.width, 3), np.uint8))
    project = read_project(folder)
    board = project.storyboard
    if board is None:
        raise ValueError([finding.message for finding in project.findings])
    with (
        mock.patch.object(os, "fsync", return_value=None),
        Session(project.state(), board, project.cards, BuildOptions(), lambda holder: None) as session,
    ):
        _fill(session, clip)
    clip.unlink()
    rest(folder)


def _fill(session: Session, clip: Path) -> None:
    data, info, picture = clip.read_bytes(), probe(clip), extract_frame(clip, "last")
    planner, store, graph = session.planner(), session.store, session.graph
    for action in graph.order:
        if action.kind not in ("take", "frame"):
            continue
        step, shot = planner.step(action), graph.shot(action.shot)
        mark = action.id.encode()
        if action.kind == "take":
            out = store.blobs.temp_path(".mp4")
            out.write_bytes(data + (8 + len(mark)).to_bytes(4, "big") + b"free" + mark)
            record = store.commit_one(commit.take_record(step, shot, out, GeneratedClip(info, 0.0, 1)))
            made = TakeResult(record.digest, info, drawing=drawing_of(record.request))
            planner.record(action, made)
            store.lock_take(step, shot, made)
            continue
        marked = msgspec.structs.replace(picture, planes=sha256(mark).hexdigest(), png=picture.png + mark)
        with mock.patch.object(frames, "extract_frame", return_value=marked):
            take = planner.results[take_id(action.shot)].digest
            record = store.commit_one(commit.frame_record(step, store.blob_path(take)))
        frame = FrameResult(record.values["planes"], record.digest)
        planner.record(action, frame)
        store.lock_frame(action, frame, shot)
    store.finish(keep=None)


def rest(folder: Path) -> None:
    """Build as the command line does it. Raises ``ValueError`` if the build draws what *build* put into the store."""
    words = [sys.executable, "-m", "storyboard", "build", "--json"]
    done = subprocess.run(words, cwd=folder, check=True, capture_output=True)
    drawn = [name for name in json.loads(done.stdout)["data"]["made"] if name.startswith(_FILLED)]
    if drawn:
        raise ValueError(f"{len(drawn)} steps of a film that is in place were made: {', '.join(drawn[:3])}")
