"""The films of the campaign: small, quick to draw, and between them most of what a film can hold."""

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.media.sounds import tone, write_wav
from tests.project import CHAIN, HEADER, HERE, PAID_HEADER

# What is quick to draw: the point is what is on disk and on the wire, not what is in the picture.
PLAIN = CHAIN.replace("a river at night", "a cat").replace("a city in the rain", "a dog")
WIDE = """\
audio:
  - {file: in/music.wav, gain: -6, duck: true, fade_out: 0.5}
scenes:
  - id: one
    shots:
      - {id: name, card: {text: A film, duration: 1}}
      - {id: a, prompt: a cat, seed: 3, caption: A caption., transition: {type: dissolve, duration: 0.25}}
      - {id: still, image: {file: in/still.png, duration: 1, move: push}}
  - id: two
    shots:
      - {id: own, clip: in/clip.mp4}
      - {id: b, prompt: a dog, takes: [4, 9], first_frame: in/still.png}
      - {id: c, prompt: a cup, seed: 5, first_frame: {shot: a, at: last}}
"""


@dataclass(frozen=True)
class Film:
    """A storyboard of the campaign, how many takes it asks for, and how many more when its last prompt is edited."""

    name: str
    text: str
    takes: int
    edited_takes: int
    paid: bool = False
    has_inputs: bool = False

    def write(self, folder: Path) -> None:
        """Make the folder of a project with the film."""
        folder.mkdir(parents=True)
        self.fill(folder)

    def fill(self, folder: Path) -> None:
        """Write the storyboard, and the files that it names. Raises ``OSError``."""
        header = PAID_HEADER if self.paid else HEADER
        (folder / "storyboard.yaml").write_text(header + self.text, encoding="utf-8")
        if self.has_inputs:
            from PIL import Image

            inputs = folder / "in"
            inputs.mkdir(exist_ok=True)
            Image.linear_gradient("L").resize((128, 72)).convert("RGB").save(inputs / "still.png")
            write_wav(inputs / "music.wav", tone(1.5, level=0.1))
            (inputs / "clip.mp4").write_bytes(_clip())


@cache
def _clip() -> bytes:
    """A clip of 12 frames, made by a process of its own: the threads of a picture converter do not survive a fork."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        code = "import sys, pathlib, tests.media.clips as clips; clips.make(pathlib.Path(sys.argv[1]), 12)"
        subprocess.run([sys.executable, "-c", code, str(path)], cwd=HERE, check=True)
        return path.read_bytes()


MANY = "scenes:\n  - id: one\n    shots:\n" + "".join(
    f"      - {{id: s{number}, prompt: shot {number} of a dog, seed: {number}}}\n" for number in range(12)
)
FREE, PAID = Film("free", PLAIN, 3, 1), Film("paid", PLAIN, 3, 1, paid=True)
FREE_WIDE = Film("free-wide", WIDE, 4, 2, has_inputs=True)
PAID_WIDE = Film("paid-wide", WIDE, 4, 2, paid=True, has_inputs=True)
PAID_MANY = Film("paid-many", MANY, 12, 12, paid=True)
FILMS = {film.name: film for film in (FREE, PAID, FREE_WIDE, PAID_WIDE, PAID_MANY)}
