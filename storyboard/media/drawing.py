"""One piece of the film that is drawn: a layer by itself, or one layer taking over from another.

Owns how layers become pictures and pictures a clip. What a piece shows is said by ``core.layers``; conforming of
footage is ``render``'s, cards, stills and blends have modules of their own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from storyboard.core.clip import ClipInfo
from storyboard.core.layers import Captioned, Drawn, Footage, Layer, Mix, Photo, Title, layers_of
from storyboard.fonts import UnreadableFont
from storyboard.media.blend import mixed, solid
from storyboard.media.burn import Burner
from storyboard.media.color import Rgb
from storyboard.media.encode import ClipWriter
from storyboard.media.photos import Stills, UnreadablePhoto
from storyboard.media.reader import Refused
from storyboard.media.render import Canvas, Progress, RenderFailed, Segment, checked, footage
from storyboard.media.titles import draw_title

Pictures = Callable[[int], Rgb]


def draw(
    drawn: Drawn, files: Mapping[str, Path], canvas: Canvas, out: Path, progress: Progress | None = None
) -> ClipInfo:
    """Write *drawn* to *out*, a temporary path of the caller's, and probe what was written.

    *files* are the files behind it by digest. The same piece gives the same bytes. Raises ``RenderFailed`` and
    ``OSError``.
    """
    try:
        with _pictures(drawn, files, canvas) as pictures:
            pictures(0)
            with ClipWriter(out, canvas.size, canvas.rate, canvas.encoding) as writer:
                for number in range(drawn.frames):
                    writer.write(pictures(number))
                    if progress is not None:
                        progress(writer.frames, drawn.frames)
    except Refused as problem:
        raise RenderFailed(f"a clip {problem.reason}") from problem
    except (UnreadablePhoto, UnreadableFont) as problem:
        raise RenderFailed(f"{_name(drawn)} {problem}") from problem
    return checked(drawn.frames, canvas, out)


@contextmanager
def _pictures(drawn: Drawn, files: Mapping[str, Path], canvas: Canvas) -> Iterator[Pictures]:
    """The picture of each frame, asked for in rising order, in the size of *canvas*."""
    with ExitStack() as stack:
        if not isinstance(drawn, Mix):
            yield stack.enter_context(_layer(drawn, files, canvas))
            return
        black = solid(np.empty((canvas.size.height, canvas.size.width, 3), np.uint8), "#000000")
        sides = [
            stack.enter_context(_layer(side, files, canvas)) if side is not None else lambda _number: black
            for side in (drawn.before, drawn.after)
        ]
        yield lambda number: mixed(
            drawn.kind,
            sides[0](number),
            sides[1](number),
            (number + 0.5) / drawn.frames,
            drawn.direction,
            drawn.color,
        )


@contextmanager
def _layer(layer: Layer, files: Mapping[str, Path], canvas: Canvas) -> Iterator[Pictures]:
    match layer:
        case Footage(take, start, frames, speed, fit):
            segment = Segment(files[take], start, frames, canvas.rate, canvas.size, speed, fit=fit)
            with footage(segment) as pictures:
                yield pictures
        case Captioned(inner, cues):
            burner = Burner(cues, canvas.size)
            with _layer(inner, files, canvas) as pictures:
                yield lambda number: burner.picture(pictures(number), number)
        case Photo(picture):
            yield Stills(layer, files[picture], canvas.size).picture
        case Title(font=font):
            card = np.asarray(draw_title(layer, canvas.size, files[font] if font else None))
            yield lambda _number: card


def _name(drawn: Drawn) -> str:
    named = (layer.file for layer in layers_of(drawn) if isinstance(layer, Photo | Title) and layer.file)
    return next(named, "a file")
