"""Draw the two pictures of the README again: `python docs/pictures/draw.py`, with the program installed.

The film next to this file is built as panels, of which a sheet is laid out, and as an animatic, of which a moving
picture is made. Both come from the provider `local`; no key and no network is used.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import av
from PIL import Image

HERE = Path(__file__).parent
PANEL_PX, GAP_PX, COLUMNS = (480, 270), 8, 3
MOVING_PX, MOVING_FPS, FILM_FPS = (384, 216), 8, 24
SHOT_FRAMES = 48  # two seconds of each shot are shown


def build(folder: Path, kind: str, film: str) -> list[Image.Image]:
    """Return all pictures of *film* after `storyboard build --KIND` in *folder*."""
    shutil.copy(HERE / "storyboard.yaml", folder)
    subprocess.run([sys.executable, "-m", "storyboard", "build", "-q", f"--{kind}"], cwd=folder, check=True)
    with av.open(str(folder / f"out/{film}.draft.mp4")) as opened:
        return [frame.to_image() for frame in opened.decode(video=0)]


def sheet(pictures: list[Image.Image]) -> Image.Image:
    """Return one panel of every shot, in rows."""
    panels = pictures[SHOT_FRAMES // 2 :: SHOT_FRAMES]
    rows = -(-len(panels) // COLUMNS)
    width, height = (PANEL_PX[0] + GAP_PX, PANEL_PX[1] + GAP_PX)
    laid = Image.new("RGB", (COLUMNS * width - GAP_PX, rows * height - GAP_PX), "white")
    for number, panel in enumerate(panels):
        laid.paste(panel, (number % COLUMNS * width, number // COLUMNS * height))
    return laid


def main() -> None:
    """Write `panels.webp` and `animatic.webp` next to this file."""
    with tempfile.TemporaryDirectory() as folder:
        sheet(build(Path(folder), "panels", "panels")).save(HERE / "panels.webp", quality=80, method=6)
        moving = [picture.resize(MOVING_PX) for picture in build(Path(folder), "draft", "moving")]
    moving = moving[:: FILM_FPS // MOVING_FPS]
    moving[0].save(
        HERE / "animatic.webp",
        save_all=True,
        append_images=moving[1:],
        duration=1000 // MOVING_FPS,
        loop=0,
        quality=55,
        method=4,
    )


if __name__ == "__main__":
    main()
