"""The embedded provider: an animatic, drawn and encoded here, with no key and no network.

Owns the request and the file that comes of it. What is drawn is for ``animatic``, which loads numpy and Pillow and is
therefore imported late; how it is encoded is for ``media.encode``. The same request gives the same bytes.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec import Struct

from storyboard.core.model import Size
from storyboard.core.timebase import frames_in

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Part of every key of the local provider: raised when the same request is drawn differently.
ANIMATIC_VERSION = 2


class Animatic(Struct, frozen=True):
    """Everything an animatic is made from, but its first frame.

    ``duration`` in seconds, ``fps`` in frames a second; ``label`` is the shot's id, shown on the slate and in no key;
    ``slate`` says whether the bar with label, seed, prompt and timecode stands below the picture.
    """

    prompt: str
    seed: int
    duration: Fraction
    size: Size
    fps: Fraction
    label: str
    slate: bool = True

    @property
    def frames(self) -> int:
        """How many frames the clip has; at least one."""
        return max(1, frames_in(self.duration, self.fps))


def draw(request: Animatic, first_frame: bytes | None = None) -> Iterator["npt.NDArray[np.uint8]"]:
    """Yield the frames of *request* as planes of yuv420p, each in the memory of the one before.

    With *first_frame* (the bytes of a PNG, JPEG or WEBP) the clip begins with that picture and moves on from it.
    Raises ``animatic.still.UnreadablePictureError`` for a first frame that cannot be used.
    """
    from storyboard.animatic import clip, still

    label = request.label if request.slate else None
    rest = (request.prompt, request.seed, request.size, request.fps, request.frames, label)
    if first_frame is None:
        return clip.drawn(*rest)
    return clip.continued(still.read_picture(first_frame), *rest)
