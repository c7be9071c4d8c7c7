"""Draws the two pictures that shots of this film start from: ``python examples/mangrove/draw_refs.py``.

They are drawn by the local provider, one frame of a clip each, so that the example needs nothing that is not here.
"""

import tempfile
from fractions import Fraction
from pathlib import Path

import av

from storyboard.animatic.request import Animatic
from storyboard.core.model import Size
from storyboard.engine.worker_tasks import write_animatic

PICTURES = {
    "skiff": (
        "A small research skiff with one lamp on a mangrove river at night, arching roots, "
        "blue bioluminescence in the water, mist, static camera",
        97986,
    ),
    "temple": (
        "A jungle temple with worn stairs in a clearing at dawn, ferns in front, warm haze, static camera",
        82229,
    ),
}


def main() -> None:
    refs = Path(__file__).parent / "refs"
    refs.mkdir(exist_ok=True)
    for name, (prompt, seed) in PICTURES.items():
        with tempfile.TemporaryDirectory() as folder:
            clip = Path(folder) / "clip.mp4"
            request = Animatic(
                prompt=prompt,
                seed=seed,
                duration=Fraction(1),
                size=Size(1280, 720),
                fps=Fraction(2),
            )
            write_animatic(request, None, clip, lambda done, total: None)
            with av.open(str(clip)) as container:
                frame = next(container.decode(video=0))
            frame.to_image().save(refs / f"{name}.jpg", quality=88)
            print(f"wrote {refs / name}.jpg")


if __name__ == "__main__":
    main()
