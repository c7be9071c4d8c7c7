"""The clips that the server sells: exact in size and length, plain to look at, quick to render.

A clip starts with the given picture, or with a gradient of its own, and from there a block moves over it while the
light changes. Colours and path follow from the seed and from the video's id, since providers are not deterministic.
The encoder is set up here and not with the product's own means: a provider's clips are foreign ones.
"""

import io
import tempfile
import threading
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image

from storyboard.core.model import Size

RATE = Fraction(24)
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Order:
    """What a clip is made of."""

    video_id: str
    size: Size
    seconds: int
    seed: int
    picture: bytes | None = None


class Clips:
    """Renders each clip once, however many ask for it, and keeps its bytes.

    If they are *alike*, one is rendered for each size, length and picture; a box that players skip tells them apart.
    """

    def __init__(self, *, alike: bool = False) -> None:
        self._made: dict[Order, bytes] = {}
        self._alike = alike
        self._lock = threading.Lock()

    def bytes_of(self, order: Order) -> bytes:
        """The whole MP4."""
        if not self._alike:
            return self._rendered(order)
        name = order.video_id.encode()
        box = (8 + len(name)).to_bytes(4, "big") + b"free" + name
        return self._rendered(replace(order, video_id="", seed=0)) + box

    def _rendered(self, order: Order) -> bytes:
        with self._lock:
            if order not in self._made:
                self._made[order] = render(order)
            return self._made[order]


def render(order: Order) -> bytes:
    """One clip as the bytes of an MP4 file: H.264, yuv420p, BT.709, 24 frames a second, index at the front."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w", format="mp4", container_options={"movflags": "+faststart"}) as container:
            stream = _stream(container, order.size)
            first = planes_of(start_picture(order))
            for number in range(int(order.seconds * RATE)):
                frame = av.VideoFrame.from_ndarray(picture_at(order, first, number), format="yuv420p")
                frame.pts, frame.time_base = number, 1 / RATE
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path.read_bytes()


def _stream(container: OutputContainer, size: Size) -> Any:
    options = {"preset": "ultrafast", "crf": "28", "bf": "0", "threads": "1"}
    stream: Any = container.add_stream("libx264", rate=RATE, options=options)
    stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
    context = stream.codec_context
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return stream


def start_picture(order: Order) -> Picture:
    """RGB: the given picture at the size of the clip, else a gradient."""
    width, height = order.size.width, order.size.height
    if order.picture is not None:
        with Image.open(io.BytesIO(order.picture)) as given:
            return np.asarray(given.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
    tint = digest(order)
    across = np.linspace(0.2, 1.0, width)[None, :, None]
    down = np.linspace(1.0, 0.4, height)[:, None, None]
    colour = np.array([64 + tint[i] // 2 for i in range(3)])
    return np.asarray(across * down * colour, dtype=np.uint8)


def planes_of(picture: Picture) -> Picture:
    """RGB as yuv420p of BT.709 in the tv range: shape (height * 3 / 2, width)."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
    )
    return np.asarray(frame.to_ndarray(), dtype=np.uint8)


def picture_at(order: Order, first: Picture, number: int) -> Picture:
    """The planes of frame *number*; frame 0 is *first* itself."""
    if number == 0:
        return first
    tint = digest(order)
    width, height = order.size.width, order.size.height
    side = min(width, height) // 12 * 2
    span_x, span_y = (width - side) // 2, (height - side) // 2
    x = (tint[3] * span_x // 255 + number * (2 + tint[4] % 4)) % span_x
    y = (tint[5] * span_y // 255 + number * (1 + tint[6] % 3)) % span_y
    frame = first.copy()
    below, contrast = int(first[2 * y, 2 * x]), 80 + tint[0] % 40
    frame[2 * y : 2 * y + side, 2 * x : 2 * x + side] = below + contrast if below < 128 else below - contrast
    frame[: side // 2, : min(width, number * 4)] = 40 + tint[1] % 180
    chroma = frame[height:].reshape(2, height // 2, width // 2)
    half = side // 2
    chroma[:, y : y + half, x : x + half] = [[[64 + tint[2] % 128]], [[64 + tint[7] % 128]]]
    return frame


def digest(order: Order) -> bytes:
    """What the look of a clip follows from."""
    return sha256(f"{order.seed} {order.video_id}".encode()).digest()
