"""Rendering of a segment from its layers: footage, captions, stills and titles, alone or in a transition.

``core.render_spec`` describes what a segment shows. Footage is conformed by ``render``; titles, stills and transitions
have their own modules.
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
from storyboard.media.render.color import Rgb, planes_to_rgb, rgb_to_frame
from storyboard.media.render.compositor import Composition, Overlay
from storyboard.media.render.conform import Planes, black_picture, mix_pictures, solid_picture
from storyboard.media.render.encoder import ClipWriter
from storyboard.media.render.render import Progress, RenderFailed, Segment, check_result, encoding_of, open_footage
from storyboard.media.render.still_motion import MovingStill, UnreadablePhoto
from storyboard.media.render.titles import caption_overlays, draw_title

Pictures = Callable[[int], Planes]


def draw_segment(
    spec: RenderSpec, files: Mapping[str, Path], canvas: Canvas, out: Path, progress: Progress | None = None
) -> ClipInfo:
    """Write *spec* to *out*, a temporary path of the caller's, and probe the result.

    *files* are the source files by digest. Equal specs give equal bytes. Raises ``RenderFailed`` and ``OSError``.
    """
    try:
        with _open_pictures(spec, files, canvas) as pictures:
            pictures(0)
            with ClipWriter(out, canvas.size, canvas.rate, encoding_of(canvas)) as writer:
                for number in range(spec.frames):
                    writer.write_planes(pictures(number))
                    if progress is not None:
                        progress(writer.frames, spec.frames)
    except InvalidMedia as problem:
        raise RenderFailed(f"a clip {problem.reason}") from problem
    except (UnreadablePhoto, UnreadableFont) as problem:
        raise RenderFailed(f"{_source_name(spec)} {problem}") from problem
    return check_result(spec.frames, canvas, out)


@contextmanager
def _open_pictures(spec: RenderSpec, files: Mapping[str, Path], canvas: Canvas) -> Iterator[Pictures]:
    """Yield a function that returns the picture of each frame, in ascending order, in the size of *canvas*."""
    with ExitStack() as stack:
        if not isinstance(spec, Mix):
            yield stack.enter_context(_open_layer(spec, files, canvas))
            return
        black = black_picture(canvas.size)
        through = solid_picture(canvas.size, spec.color) if spec.kind == "fade" else black
        sides = [
            stack.enter_context(_open_layer(side, files, canvas)) if side is not None else lambda _number: black
            for side in (spec.before, spec.after)
        ]
        yield lambda number: mix_pictures(
            spec.kind,
            sides[0](number),
            sides[1](number),
            (number + 0.5) / spec.frames,
            spec.direction,
            through,
        )


@contextmanager
def _open_layer(layer: Layer, files: Mapping[str, Path], canvas: Canvas) -> Iterator[Pictures]:
    match layer:
        case Footage(take, start, frames, speed, fit):
            segment = Segment(files[take], start, frames, canvas.rate, canvas.size, speed, fit=fit)
            with open_footage(segment) as pictures:
                yield pictures
        case Captioned(inner, cues, font):
            with _open_layer(inner, files, canvas) as pictures:
                overlays_above = list(caption_overlays(cues, layer.frames, canvas.size, files[font] if font else None))
                yield _compose(lambda number: planes_to_rgb(pictures(number)), layer.frames, canvas, overlays_above)
        case Photo(picture):
            stills = MovingStill(layer, files[picture], canvas.size)
            yield _compose(stills.picture, layer.frames, canvas)
        case Title(font=font):
            card = np.asarray(draw_title(layer, canvas.size, files[font] if font else None))
            yield _compose(lambda _number: card, layer.frames, canvas)


def _compose(
    source: Callable[[int], Rgb], frames: int, canvas: Canvas, overlays_above: Sequence[Overlay] = ()
) -> Pictures:
    """Return drawn pictures in the film's colours; a picture that does not change is converted once."""
    composition, converter = Composition(source, frames, canvas.rate, overlays_above), VideoReformatter()
    last: list[tuple[Rgb, Planes]] = []

    def planes(number: int) -> Planes:
        picture = composition.picture(number)
        if not last or last[0][0] is not picture:
            last[:] = [(picture, np.asarray(rgb_to_frame(picture, converter).to_ndarray(), np.uint8))]
        return last[0][1]

    return planes


def _source_name(spec: RenderSpec) -> str:
    return next((file for _, file in files_of(spec)), "a file")
