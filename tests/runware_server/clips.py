"""The clips that the server sells: exact in size and length, plain to look at, quick to render.

A clip starts with the given picture, or with a gradient of its own, and from there a block moves over it while the
light changes. Colours and path follow from the seed and from the video's id, since providers are not deterministic.
"""

import io
import tempfile
import threading
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from storyboard.core.model import Size
from storyboard.media.encode import ClipWriter, Encoding

RATE = Fraction(24)
Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Order:
    """What a clip is made of."""

    video_id: str
    size: Size
    seconds: int
    seed: int
    picture: bytes | None = None


class Clips:
    """Renders each clip once, however many ask for it, and keeps its bytes."""

    def __init__(self) -> None:
        self._made: dict[Order, bytes] = {}
        self._lock = threading.Lock()

    def bytes_of(self, order: Order) -> bytes:
        """The whole MP4."""
        with self._lock:
            if order not in self._made:
                self._made[order] = render(order)
            return self._made[order]


def render(order: Order) -> bytes:
    """One clip as the bytes of an MP4 file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with ClipWriter(path, order.size, RATE, Encoding(crf=30, preset="ultrafast")) as writer:
            first = start_picture(order)
            for number in range(int(order.seconds * RATE)):
                writer.write(picture_at(order, first, number))
        return path.read_bytes()


def start_picture(order: Order) -> Rgb:
    """The given picture at the size of the clip, else a gradient."""
    width, height = order.size.width, order.size.height
    if order.picture is not None:
        with Image.open(io.BytesIO(order.picture)) as given:
            return np.asarray(given.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
    tint = digest(order)
    across = np.linspace(0.2, 1.0, width)[None, :, None]
    down = np.linspace(1.0, 0.4, height)[:, None, None]
    colour = np.array([64 + tint[i] // 2 for i in range(3)])
    return np.asarray(across * down * colour, dtype=np.uint8)


def picture_at(order: Order, first: Rgb, number: int) -> Rgb:
    """Frame *number*; frame 0 is *first* itself."""
    if number == 0:
        return first
    tint = digest(order)
    frame = first.copy()
    side = min(order.size.width, order.size.height) // 6
    span_x, span_y = order.size.width - side, order.size.height - side
    x = (tint[3] * span_x // 255 + number * (4 + tint[4] % 8)) % span_x
    y = (tint[5] * span_y // 255 + number * (2 + tint[6] % 5)) % span_y
    frame[y : y + side, x : x + side] = [255 - tint[0], 255 - tint[1], 255 - tint[2]]
    frame[: side // 2, : min(order.size.width, number * 4)] = [tint[7], tint[8], tint[9]]
    return frame


def digest(order: Order) -> bytes:
    """What the look of a clip follows from."""
    return sha256(f"{order.seed} {order.video_id}".encode()).digest()
