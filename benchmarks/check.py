"""A check of a film with footage and tracks whose lengths it needs: measured first, and remembered later.

Trims and fades are what needs a length. CPU time of the whole process against an interpreter that does nothing.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.footage import ffmpeg
from benchmarks.measure import Row, Sample, command
from benchmarks.noop import cpu_seconds

_REFERENCE = "python -c pass"
_PROGRAM = [sys.executable, "-m", "storyboard", "check"]
_HEADER = """\
version: 1
output: {file: out/film.mp4, size: 640x360, fps: 24}
audio:
  - {file: tone.wav, fade_out: 1}
  - {file: tone.mp3, fade_in: 1, fade_out: 1}
scenes:
  - id: one
    shots:
"""


def rows(quick: bool) -> Iterator[Row]:
    """*quick* takes few samples."""
    runs, clips = 3 if quick else 15, 8
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder)
        _write(film, clips)
        cpu_seconds(film, _PROGRAM)
        nothing: list[float] = []
        first: list[float] = []
        again: list[float] = []
        for _ in range(runs):
            (film / ".storyboard/index.sqlite").unlink(missing_ok=True)
            nothing.append(cpu_seconds(film, [sys.executable, "-c", "pass"]))
            first.append(cpu_seconds(film, _PROGRAM))
            again.append(cpu_seconds(film, _PROGRAM))
        reference = Sample(tuple(nothing))
        yield Row("check", f"check of {clips} trimmed clips, first", Sample(tuple(first)), _REFERENCE, reference)
        yield Row("check", f"check of {clips} trimmed clips, unchanged", Sample(tuple(again)), _REFERENCE, reference)


def _write(film: Path, clips: int) -> None:
    """Write a project with a state folder, as after a build."""
    (film / ".storyboard").mkdir()
    shots = "".join(f"      - {{id: s{number}, clip: c{number}.mp4, trim: {{end: 1}}}}\n" for number in range(clips))
    (film / "storyboard.yaml").write_text(_HEADER + shots)
    make = [ffmpeg(), "-y", "-loglevel", "error", "-f", "lavfi", "-i"]
    for number in range(clips):
        pictures = ["testsrc=size=640x360:rate=24", "-frames:v", str(40 + number)]
        command([*make, *pictures, str(film / f"c{number}.mp4")])()
    for name, how in (("tone.wav", ()), ("tone.mp3", ("-write_xing", "0"))):
        command([*make, "sine=duration=200", *how, str(film / name)])()


if __name__ == "__main__":
    for row in rows(quick="--quick" in sys.argv):
        print(f"{row.name:48} {row.ratio:8.2f} x {row.reference}", flush=True)
