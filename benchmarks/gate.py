"""What it costs to let a take in: all of it decoded, checked and looked at. In seconds of CPU."""

import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

from benchmarks.measure import Row, Sample
from storyboard.core.model import Size

RATE = Fraction(24)


def rows(quick: bool) -> Iterator[Row]:
    """The gate beside the length of the clip, and beside a decoder that only decodes it."""
    seconds, size, runs = (2, Size(640, 360), 2) if quick else (8, Size(1280, 720), 5)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        _write(clip, size, seconds)
        validate_clip, decode = _cpu(runs, lambda: _gate(clip), lambda: _decode(clip))
    name = f"{seconds} s of {size}"
    yield Row("gate", name, validate_clip, "the length of the clip", Sample((float(seconds),)), target=0.5)
    yield Row(
        "gate", name, validate_clip, "a decoder alone", decode, note="with index, checks, black and still stretches"
    )


def _write(clip: Path, size: Size, seconds: int) -> None:
    """A coarse noise that slides, so that every frame has to be decoded in full."""
    import numpy as np

    from storyboard.media.render.encoder import ClipWriter

    frames = seconds * int(RATE)
    blocks = np.random.default_rng(1).integers(0, 255, (size.height // 8 + 40, size.width // 8 + 40, 3), np.uint8)
    whole = blocks.repeat(8, 0).repeat(8, 1)
    with ClipWriter(clip, size, RATE) as writer:
        for number in range(frames):
            at = number % 256
            writer.write(np.ascontiguousarray(whole[at : at + size.height, at : at + size.width]))


def _gate(clip: Path) -> None:
    from storyboard.media.probe import validate_clip

    validate_clip(clip)


def _decode(clip: Path) -> None:
    import av

    with av.open(str(clip)) as container:
        for stream in container.streams.video:
            stream.thread_count = 1
        for _ in container.decode(video=0):
            pass


def _cpu(runs: int, *tasks: Callable[[], None]) -> Iterator[Sample]:
    """Seconds of CPU of each task, taken in turn."""
    taken: list[list[float]] = [[] for _ in tasks]
    for _ in range(runs):
        for task, values in zip(tasks, taken, strict=True):
            began = time.process_time()
            task()
            values.append(time.process_time() - began)
    return (Sample(tuple(values)) for values in taken)
