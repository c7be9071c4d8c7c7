"""Memory of a cut and of segment workers, open clips, exact frames and the gate: each against its limit.

What is measured for memory runs in a process of its own, whose largest resident size is told.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.footage import Film, Kind, child, run, takes
from benchmarks.measure import Row, Sample, at_most, both

_WORKER_MB = 700.0
_OPEN_CLIPS = 3.0


def rows(quick: bool) -> Iterator[Row]:
    seconds, short, long = (2, 4, 8) if quick else (8, 12, 60)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = takes(folder / "takes", "t", long, Kind(seconds))
        yield from _joins(clips, short, folder)
        yield from _builds(clips, short, folder)
        yield from _workers(folder, 1 if quick else 8)
        yield from _frames(folder, seconds, 1 if quick else 3)


def _joins(clips: list[Path], short: int, folder: Path) -> Iterator[Row]:
    sizes = [child("join", folder / "film.mp4", *some)["rss"] for some in (clips[:short], clips)]
    name, reference = f"memory of joining {len(clips)} takes", f"joining {short} of them"
    yield Row("media", name, Sample((sizes[1],), "MB"), reference, Sample((sizes[0],), "MB"), 1.1)


def _builds(clips: list[Path], short: int, folder: Path) -> Iterator[Row]:
    """First builds, with a dissolve at every fourth join: the largest of all their processes."""
    sizes = []
    for some in (clips[:short], clips):
        film = Film(folder / f"film{len(some)}", some, "1280x720")
        film.write(lambda number: ", transition: {type: dissolve, duration: 0.75}" if number % 4 == 3 else "")
        sizes.append(film.build_memory())
    name, reference = f"memory of a build of {len(clips)} takes, builder and workers", f"a build of {short} takes"
    yield Row("media", name, Sample((sizes[1],), "MB"), reference, Sample((sizes[0],), "MB"), 1.1)


def _workers(folder: Path, seconds: int) -> Iterator[Row]:
    for length in (seconds, 3 * seconds):
        clips = takes(folder / f"hd{length}", "h", 2, Kind(length, "1920x1080", 30, keyframes=2, tagged=False))
        told = child("draw", folder / "piece.mp4", *clips, str(length * 24))
        name = f"segment worker at 1080p, a dissolve of {length} s"
        yield Row("media", f"{name}: memory", Sample((told["rss"],), "MB"), "limit", at_most(_WORKER_MB, "MB"), 1.0)
        opened = Sample((told["open"],), "")
        yield Row("media", f"{name}: clips open at once", opened, "limit", at_most(_OPEN_CLIPS, ""), 1.0)


def _frames(folder: Path, seconds: int, runs: int) -> Iterator[Row]:
    from storyboard.media.frames import extract_frame
    from storyboard.media.probe import validate_clip

    [many] = takes(folder / "many", "k", 1, Kind(seconds, keyframes=1))
    [single] = takes(folder / "single", "k", 1, Kind(seconds))
    for name, clip, target in (("keyframes each second", many, 0.5), ("a single keyframe", single, 2.0)):
        decode = run("-threads", "1", "-i", clip, "-f", "null", "-")
        _, (ours, theirs) = both(runs, lambda clip=clip: extract_frame(clip, "last"), decode)
        yield Row("media", f"last frame of a take with {name}, CPU", ours, "ffmpeg decodes it all", theirs, target)
    wall, cpu = both(runs, lambda: validate_clip(single))
    length = at_most(float(seconds), "s")
    yield Row("media", f"gate of {seconds} s of 720p", wall[0], "the clip's length", length, 0.5)
    yield Row("media", f"gate of {seconds} s of 720p, CPU", cpu[0], "the clip's length", length)
