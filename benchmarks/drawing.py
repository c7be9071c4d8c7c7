"""Drawing an animatic, in processor seconds of the process that draws and encodes, against the length of the clip.

A ratio of 1 is real time on one core. All preparation counts, but not the loading of libraries: a worker process does
that once. Scenes: the heaviest that the words know, and others to compare with.
"""

import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from benchmarks.measure import Row, Sample
from storyboard.animatic.request import Animatic
from storyboard.core.model import Size
from storyboard.engine.worker_tasks import write_animatic

SCENES = {
    "mangrove glide": (
        "A slow cinematic glide down a narrow mangrove river between arching roots; the water lights up where ripples "
        "touch the roots, clear night, blue bioluminescence in the water, soft mist, deep shadows.",
        48281,
    ),
    "temple stairs": (
        "The camera pushes in up the worn stairs of the jungle temple towards the tall doorway, a few birds cross the "
        "sky, first light of dawn, warm haze between the leaves, long soft light.",
        4790,
    ),
    "desert": ("a woman walks across a desert at noon", 7),
    "neon street": ("a neon city street in the rain at night, people and a car, fog", 2),
    "misty forest": ("a forest with autumn leaves, fog, rays of light and a woman, fireflies glow", 10),
}
SIZE, RATE, SECONDS = Size(1280, 720), Fraction(24), 8


def rows(quick: bool) -> Iterator[Row]:
    """Every scene as a whole clip of 8 s, 720p, 24 frames a second; *quick*: one of half the size and 1 s, once."""
    size, seconds = (Size(640, 360), 1) if quick else (SIZE, SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "take.mp4"
        _drawn("a desert", 1, Size(64, 36), 1, out)  # loads the libraries
        for name, (prompt, seed) in SCENES.items():
            taken = tuple(_drawn(prompt, seed, size, seconds, out) for _ in range(1 if quick else 3))
            note = f"{size.width}x{size.height}, {seconds * RATE} frames, encoding included"
            yield Row("drawing", name, Sample(taken), "clip length", Sample((float(seconds),)), 1.0, note)


def _drawn(prompt: str, seed: int, size: Size, seconds: int, out: Path) -> float:
    """Processor seconds of one clip."""
    request = Animatic(prompt, seed, Fraction(seconds), size, RATE)
    began = time.process_time()
    write_animatic(request, None, out, lambda done, total: None)
    return time.process_time() - began


if __name__ == "__main__":
    for row in rows(quick=False):
        print(f"{row.name:16s} {row.ours.median:5.2f} s  {row.ratio:4.2f} of the clip's length  {row.note}")
