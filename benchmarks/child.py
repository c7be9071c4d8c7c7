"""Work that runs in a process of its own, so that its memory can be told: ``python -m benchmarks.child join|draw …``.

Prints the largest resident size in MB and the most clips that were open at once.
"""

import json
import sys
from fractions import Fraction
from pathlib import Path

from benchmarks.measure import peak_mb
from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas, Footage, Mix
from storyboard.media.join.join import JoinPiece, join
from storyboard.media.probe import probe
from storyboard.media.render.segment import draw_segment


def joined(out: Path, *clips: Path) -> int:
    """Join whole clips of 24 frames a second."""
    facts = {clip: probe(clip) for clip in dict.fromkeys(clips)}
    size = Size(facts[clips[0]].width, facts[clips[0]].height)
    join([JoinPiece(clip, facts[clip].frames) for clip in clips], out, size, Fraction(24), {})
    return 0


def drawn(out: Path, one: Path, two: Path, frames: Path) -> int:
    """Let one clip dissolve into another over so many frames at 1080p; the most clips that were open."""
    most = [0]

    def look(_done: int, _total: int) -> None:
        names = (link.resolve().name for link in Path("/proc/self/fd").iterdir())
        most[0] = max(most[0], sum(name.endswith(".mp4") for name in names))

    count = int(str(frames))
    sides = [Footage(name, Fraction(0), count) for name in ("one", "two")]
    canvas = Canvas(Size(1920, 1080), Fraction(24))
    draw_segment(Mix("dissolve", count, *sides), {"one": one, "two": two}, canvas, out, look)
    return most[0]


if __name__ == "__main__":
    work = {"join": joined, "draw": drawn}[sys.argv[1]]
    opened = work(*map(Path, sys.argv[2:]))
    print(json.dumps({"rss": peak_mb(), "open": opened}))
