"""One piece of the film that is drawn: a layer by itself, or one layer taking over from another.

Owns how layers become pictures and pictures a clip. What a piece shows is said by ``core.layers``; conforming of
footage is ``render``'s, cards, stills and blends have modules of their own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from av.video.reformatter import VideoReformatter

from storyboard.core.clip import ClipInfo
from storyboard.core.render_spec import Canvas, Captioned, Footage, Layer, Mix, Photo, RenderSpec, Title, files_of
from storyboard.fonts import UnreadableFont
from storyboard.media.reader import InvalidMedia
from storyboard.media.render.color import Rgb, from_709, to_bt709
from storyboard.media.render.compositor import Composition, Overlay
from storyboard.media.render.conform import Planes, black, mixed, solid
from storyboard.media.render.encoder import ClipWriter
from storyboard.media.render.render import Progress, RenderFailed, Segment, checked, encoding_of, footage
from storyboard.media.render.still_motion import Stills, UnreadablePhoto
from storyboard.media.render.titles import draw_title, overlays

Pictures = Callable[[int], Planes]


def draw(
    drawn: RenderSpec, files: Mapping[str, Path], canvas: Canvas, out: Path, progress: Progress | None = None
) -> ClipInfo:
    """Write *drawn* to *out*, a temporary path of the caller's, and probe what was written.

    *files* are the files behind it by digest. The same piece gives the same bytes. Raises ``RenderFailed`` and
    ``OSError``.
    """
    try:
        with _pictures(drawn, files, canvas) as pictures:
            pictures(0)
            with ClipWriter(out, canvas.size, canvas.rate, encoding_of(canvas)) as writer:
                for number in range(drawn.frames):
                    writer.write_planes(pictures(number))
                    if progress is not None:
                        progress(writer.frames, drawn.frames)
    except InvalidMedia as problem:
        raise RenderFailed(f"a clip {problem.reason}") from problem
    except (UnreadablePhoto, UnreadableFont) as problem:
        raise RenderFailed(f"{_name(drawn)} {problem}") from problem
    return checked(drawn.frames, canvas, out)


@contextmanager
def _pictures(drawn: RenderSpec, files: Mapping[str, Path], canvas: Canvas) -> Iterator[Pictures]:
    """The picture of each frame, asked for in rising order, in the size of *canvas*."""
    with ExitStack() as stack:
        if not isinstance(drawn, Mix):
            yield stack.enter_context(_layer(drawn, files, canvas))
            return
        dark = black(canvas.size)
        through = solid(canvas.size, drawn.color) if drawn.kind == "fade" else dark
        sides = [
            stack.enter_context(_layer(side, files, canvas)) if side is not None else lambda _number: dark
            for side in (drawn.before, drawn.after)
        ]
        yield lambda number: mixed(
            drawn.kind,
            sides[0](number),
            sides[1](number),
            (number + 0.5) / drawn.frames,
            drawn.direction,
            through,
        )


@contextmanager
def _layer(layer: Layer, files: Mapping[str, Path], canvas: Canvas) -> Iterator[Pictures]:
    match layer:
        case Footage(take, start, frames, speed, fit):
            segment = Segment(files[take], start, frames, canvas.rate, canvas.size, speed, fit=fit)
            with footage(segment) as pictures:
                yield pictures
        case Captioned(inner, cues, font):
            with _layer(inner, files, canvas) as pictures:
                above = list(overlays(cues, layer.frames, canvas.size, files[font] if font else None))
                yield _drawn(lambda number: from_709(pictures(number)), layer.frames, canvas, above)
        case Photo(picture):
            stills = Stills(layer, files[picture], canvas.size)
            yield _drawn(stills.picture, layer.frames, canvas)
        case Title(font=font):
            card = np.asarray(draw_title(layer, canvas.size, files[font] if font else None))
            yield _drawn(lambda _number: card, layer.frames, canvas)


def _drawn(source: Callable[[int], Rgb], frames: int, canvas: Canvas, above: Sequence[Overlay] = ()) -> Pictures:
    """Drawn pictures in the film's colours; one that stands still is converted once."""
    composition, converter = Composition(source, frames, canvas.rate, above), VideoReformatter()
    last: list[tuple[Rgb, Planes]] = []

    def planes(number: int) -> Planes:
        picture = composition.picture(number)
        if not last or last[0][0] is not picture:
            last[:] = [(picture, np.asarray(to_bt709(picture, converter).to_ndarray(), np.uint8))]
        return last[0][1]

    return planes


def _name(drawn: RenderSpec) -> str:
    return next((file for _, file in files_of(drawn)), "a file")
