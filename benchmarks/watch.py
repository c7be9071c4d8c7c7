"""``storyboard watch``: from the save of one changed card in a film of sixty to the new film, against FFmpeg.

FFmpeg encodes a picture of that card for its length, and copies the rest: it draws no text. The save, the wait for
another save and the joined film are in our time.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.footage import PRESET, Kind, concat_copy, environment, run, takes
from benchmarks.measure import Row, alternating

_SECONDS = 4
_PATIENCE_S = 300.0


def rows(quick: bool) -> Iterator[Row]:
    shots, size = (6, "640x360") if quick else (60, "1280x720")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = takes(folder / "footage", "s", shots, Kind(_SECONDS, size))
        picture = folder / "card.png"
        run("-i", clips[0], "-frames:v", "1", picture)()
        encode = run("-loop", "1", "-framerate", "24", "-i", picture, "-t", str(_SECONDS), *PRESET, folder / "card.mp4")
        copy = concat_copy(folder, clips)

        def theirs() -> None:
            encode()
            copy()

        with _Watched(folder, clips, size) as watched:
            watched.change()  # the first one of a session loads modules
            ours, reference = alternating(2 if quick else 7, watched.change, theirs)
    title = f"one changed card in a film of {shots}: save to film"
    yield Row("watch", title, ours, "ffmpeg encodes it and copies the rest", reference, target=3)


class _Watched:
    """A film of footage and one card under ``storyboard watch``, between ``with`` and its end."""

    def __init__(self, folder: Path, clips: list[Path], size: str) -> None:
        self._folder = folder
        self._head = f"version: 1\noutput: {{file: out/film.mp4, size: {size}, fps: 24}}\nscenes:\n"
        self._shots = "".join(
            f"      - {{id: s{at:03}, clip: footage/{clip.name}}}\n" for at, clip in enumerate(clips[1:])
        )
        self._number = 0

    def __enter__(self) -> "_Watched":
        self._save()
        words = [sys.executable, "-m", "storyboard", "watch", "-q"]
        self._process = subprocess.Popen(
            words, cwd=self._folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        self._wait(None)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def change(self) -> None:
        """Save another text of the card, and wait for the film."""
        before = self._film()
        self._save()
        self._wait(before)

    def _save(self) -> None:
        self._number += 1
        card = f"      - {{id: title, card: {{text: Number {self._number}, duration: {_SECONDS}}}}}\n"
        text = f"{self._head}  - id: one\n    shots:\n{card}{self._shots}"
        (self._folder / "storyboard.yaml").write_text(text, encoding="utf-8")

    def _film(self) -> tuple[int, int] | None:
        try:
            found = (self._folder / "out" / "film.mp4").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _wait(self, before: tuple[int, int] | None) -> None:
        """Wait for another film. Raises ``TimeoutError`` and ``RuntimeError``."""
        began = time.monotonic()
        while self._film() in (None, before):
            if self._process.poll() is not None:
                raise RuntimeError(f"watch ended with {self._process.returncode}")
            if time.monotonic() - began > _PATIENCE_S:
                raise TimeoutError("no new film")
            time.sleep(0.005)
