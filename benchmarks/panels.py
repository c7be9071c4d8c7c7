"""A storyboard of forty shots as panels and as a draft, in processor seconds, against drawing every shot whole.

Every shot shows one second of its clip in a film of 320x180. The reference draws what every draft drew before panels:
each clip from its first frame to its last, at the size of its model. Verbs run as processes, and all of them count.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

from benchmarks.measure import Row, both, command
from storyboard.animatic.request import Animatic
from storyboard.core.model import Size
from storyboard.engine.worker_tasks import write_animatic

SHOTS, RATE, WHOLE, SECONDS = 40, 24, Size(1280, 720), 5
HEADER = """\
version: 1
provider: local
model: runway:1@2
output: {file: out/film.mp4, size: 320x180, fps: 24}
defaults: {duration: 5}
scenes:
  - id: all
    shots:
"""
PROMPTS = (
    "A woman's eyes, extreme close-up", "Wide shot of a man with a dog in a field", "Hands pour coffee into a cup",
    "A car drives along a coast road at dusk, drone shot", "Two friends laugh in a bar, medium shot",
    "A runner ties her shoes at dawn, low angle", "The can of soda on a table, dolly in",
    "Crowd at a concert, crane up",
)  # fmt: skip


def rows(quick: bool) -> Iterator[Row]:
    """Forty shots; *quick*: four, once."""
    shots, runs = (4, 1) if quick else (SHOTS, 3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = "".join(
            f'      - {{id: s{number}, prompt: "{_prompt(number)}", seed: {number + 1}, trim: {{start: 1, end: 2}}}}\n'
            for number in range(shots)
        )
        (folder / "storyboard.yaml").write_text(HEADER + text, encoding="utf-8")
        tasks = (_built(folder, "--panels"), _built(folder, "--draft"), lambda: _drawn_whole(folder, shots))
        panels, draft, whole = both(runs, *tasks)[1]
        note = f"{shots} shots of 1 s, 320x180, processor seconds of all processes"
        reference = f"each drawn whole, {SECONDS} s at {WHOLE}"
        yield Row("panels", "build --panels", panels, reference, whole, None if quick else 1 / 30, note)
        yield Row("panels", "build --draft", draft, reference, whole, None, note)


def _prompt(number: int) -> str:
    return f"{PROMPTS[number % len(PROMPTS)]} {number}"


def _built(folder: Path, option: str) -> Callable[[], None]:
    """A task that builds from nothing."""
    here = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "PYTHONPATH": str(here)}
    build = command([sys.executable, "-m", "storyboard", "build", option, "-q"], cwd=folder, env=environment)

    def task() -> None:
        for kept in (".storyboard", "out"):
            shutil.rmtree(folder / kept, ignore_errors=True)
        (folder / "storyboard.lock").unlink(missing_ok=True)
        build()

    return task


def _drawn_whole(folder: Path, shots: int) -> None:
    for number in range(shots):
        request = Animatic(_prompt(number), number + 1, Fraction(SECONDS), WHOLE, Fraction(RATE))
        write_animatic(request, None, folder / "whole.mp4", lambda done, total: None)
