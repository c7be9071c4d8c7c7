"""Request of an animatic: everything its frames are drawn from, with no API key and no network.

Drawing loads numpy and Pillow, so the drawing modules are imported when frames are drawn. The engine encodes the
frames. Equal requests give equal frames.
"""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import repeat
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from storyboard.core.model import DEFAULT_PROVIDER, Generated, Shot, Size
from storyboard.core.timebase import frames_in

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Part of every key of the local provider: raise it when an equal request is drawn differently.
ANIMATIC_VERSION = 3


class Animatic(Struct, frozen=True):
    """The input of an animatic, except its first frame; ``duration`` in seconds, ``fps`` in frames a second.

    A request that *is_panel* is one still picture, held for the duration. ``moments`` are the ranges of seconds that
    are drawn, all if there are none: every other frame is the drawn one before it, or else the first.
    """

    prompt: str
    seed: int
    duration: Fraction
    size: Size
    fps: Fraction
    is_panel: bool = False
    moments: tuple[tuple[Fraction, Fraction], ...] = ()

    @property
    def frames(self) -> int:
        """The number of frames of the clip, at least one."""
        return max(1, frames_in(self.duration, self.fps))

    def drawn_frames(self) -> Iterator[int]:
        """Yield for each frame of the clip the number of the one that is drawn for it."""
        if self.is_panel:
            yield from repeat(0, self.frames)
            return
        spans = [_frames_of(start * self.fps, end * self.fps, self.frames) for start, end in self.moments]
        at = min((span.start for span in spans), default=0)
        for number in range(self.frames):
            at = number if not spans or any(number in span for span in spans) else at
            yield at


def _frames_of(first: Fraction, last: Fraction, frames: int) -> range:
    """Return the frames seen between two moments, counted in frames; around a single moment, also its neighbours."""
    if first == last:
        first, last = first - 1, last + 2
    start = min(max(0, floor(first)), frames - 1)
    return range(start, max(start + 1, min(frames, ceil(last))))


def draw_frames(request: Animatic, first_frame: bytes | None = None) -> Iterator["npt.NDArray[np.uint8]"]:
    """Yield the frames of *request* as planes of yuv420p, each in the memory of the one before.

    With *first_frame* (the bytes of a PNG, JPEG or WEBP) the clip begins with that picture and moves on from it. Raises
    ``pictures.UnreadablePicture`` for a first frame that cannot be used.
    """
    from storyboard.pictures import read_upright

    if request.is_panel:
        from storyboard.animatic.panel import draw_panel_frames

        picture = None if first_frame is None else read_upright(first_frame, by_profile=False)
        return draw_panel_frames(request.prompt, request.seed, request.size, request.frames, picture)
    from storyboard.animatic import drawing

    rest = (request.prompt, request.seed, request.size, request.fps, list(request.drawn_frames()))
    if first_frame is None:
        return drawing.draw_from_prompt(*rest)
    # a profile that counts has been applied by now, unless the key is of the time before, when none was
    return drawing.draw_from_picture(read_upright(first_frame, by_profile=False), *rest)


def read_prompts(shots: Iterable[Shot], *, every: bool = False) -> dict[str, Mapping[str, Any]]:
    """Return what a drawing takes from the prompt of each of the *shots* that is drawn, as JSON data by shot.

    With *every*, also for the shots that another provider makes, for which a draft can be drawn.
    """
    sources = ((shot.id, shot.source) for shot in shots)
    prompts = {
        shot: source.prompt
        for shot, source in sources
        if isinstance(source, Generated) and (every or source.provider == DEFAULT_PROVIDER)
    }
    if not prompts:
        return {}
    from storyboard.animatic.prompt import describe_prompt  # its vocabulary takes longer to load than a small plan

    return {shot: describe_prompt(prompt) for shot, prompt in prompts.items()}
