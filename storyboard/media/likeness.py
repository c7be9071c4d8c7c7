"""How far a clip begins from the picture that it was asked to begin with."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from storyboard.media import color
from storyboard.media.frames import exact_frames
from storyboard.media.index import index
from storyboard.media.reader import opened, picture_stream
from storyboard.media.tagging import rotation

# Grain and the marks of an encoder are gone in a picture of this width, what has moved is not.
_WIDTH = 160
_SHAPE_SLACK = 0.02


def distance(clip: Path, picture: bytes) -> float | None:
    """Mean difference, 0 to 255, between the first frame of *clip* and *picture*, a PNG, both made small.

    ``None`` if they are not of one shape, so that no place of one is that of the other. Raises ``Refused``.
    """
    with opened(clip) as container:
        stream = picture_stream(container)
        frame = next(exact_frames(container, stream, index(container, stream), [0]))
        begins = Image.fromarray(color.upright(color.to_rgb(frame), rotation(frame)))
    with Image.open(io.BytesIO(picture)) as found:
        asked = found.convert("RGB")
    shapes = [image.width / image.height for image in (begins, asked)]
    if abs(shapes[0] - shapes[1]) > _SHAPE_SLACK * shapes[0]:
        return None
    size = (_WIDTH, max(1, round(_WIDTH / shapes[0])))
    small = [np.asarray(image.resize(size, Image.Resampling.BOX), np.int16) for image in (begins, asked)]
    return round(float(np.abs(small[0] - small[1]).mean()), 2)
