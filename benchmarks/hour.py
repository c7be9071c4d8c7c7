"""An hour of film from a few takes that are repeated: exact frames, length and steps, with memory that does not grow.

Only with ``--only hour``. The takes are copied; what is told is the time of the join, and its memory beside a minute's.
"""

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from benchmarks.footage import Kind, child, concat_copy, takes
from benchmarks.measure import Row, Sample, both

_TAKE_S = 8
_RATE = 24


def rows(quick: bool) -> Iterator[Row]:
    minutes = 5 if quick else 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = takes(folder / "takes", "t", 6, Kind(_TAKE_S))
        clips = [few[number % len(few)] for number in range(minutes * 60 // _TAKE_S)]
        told: list[dict[str, float]] = []
        ours, theirs = both(
            1, lambda: told.append(child("join", folder / "film.mp4", *clips)), concat_copy(folder, clips)
        )[0]
        _judge(folder / "film.mp4", len(clips) * _TAKE_S * _RATE)
        minute = child("join", folder / "minute.mp4", *clips[: 60 // _TAKE_S])
    title = f"{minutes} minutes from {len(few)} takes"
    yield Row("hour", f"{title}: join, exact frames and steps", ours, "ffmpeg -f concat -c copy", theirs, 3.0)
    memory = Sample((told[0]["rss"],), "MB")
    yield Row("hour", f"{title}: memory", memory, "a minute of film", Sample((minute["rss"],), "MB"))


def _judge(film: Path, frames: int) -> None:
    """Raise ``RuntimeError`` unless *film* has exactly those frames, evenly spaced from the start."""
    import av

    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        times = sorted(
            packet.pts * packet.time_base
            for packet in container.demux(stream)
            if packet.size and packet.pts is not None
        )
        length = Fraction(container.duration or 0, av.time_base)
    steps = {later - earlier for earlier, later in pairwise(times)}
    if (len(times), times[0], steps) != (frames, 0, {Fraction(1, _RATE)}):
        raise RuntimeError(f"{len(times)} frames instead of {frames}, from {times[0]} on, in steps of {steps}")
    if abs(length - Fraction(frames, _RATE)) > Fraction(1, 1000):
        raise RuntimeError(f"the film says that it lasts {float(length)} s instead of {frames / _RATE} s")
