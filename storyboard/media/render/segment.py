"""Rendering of a segment from its layers: footage, captions, stills and titles, alone or in a transition.

``core.render_spec`` describes what a segment shows. Footage is conformed by ``render``; titles and transitions have
their own modules. A still is shown with a slow camera move: at each moment a part of the picture fills the frame.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image

from storyboard.core.clip import ClipInfo
from storyboard.core.model import Size
from storyboard.core.render_spec import (
    Canvas,
    Captioned,
    Footage,
    FoundFonts,
    Layer,
    Mix,
    Photo,
    RenderSpec,
    Slated,
    Title,
    sides_of,
    slate_of,
)
from storyboard.fonts import UnreadableFont, drawing
from storyboard.fonts.lettering import FontFile
from storyboard.media.reader import InvalidMedia
from storyboard.media.render.color import Rgb, planes_to_rgb, rgb_to_frame
from storyboard.media.render.compositor import Composition, Overlay
from storyboard.media.render.conform import Planes, black_picture, mix_pictures, slide_shifts, solid_picture
from storyboard.media.render.encoder import ClipWriter
from storyboard.media.render.render import (
    Progress,
    RenderFailed,
    Segment,
    check_result,
    encoding_of,
    open_footage,
    slated_encoding,
)
from storyboard.media.render.slate import Box, SlateOverlay
from storyboard.media.render.titles import caption_overlays, draw_title
from storyboard.pictures import UnreadablePicture, read_upright

Pictures = Callable[[int], Planes]
_View = tuple[float, float, float, float]
_PUSH_ZOOM = 1.15  # zoom factor at the end of a push


def draw_segment(
    spec: RenderSpec, files: Mapping[str, Path], canvas: Canvas, out: Path, progress: Progress | None = None
) -> ClipInfo:
    """Write *spec* to *out*, a temporary path of the caller's, and probe the result.

    *files* are the source files by digest. Equal specs give equal bytes. Raises ``RenderFailed`` and ``OSError``.
    """
    try:
        with _open_pictures(spec, files, canvas) as pictures:
            pictures(0)
            encoding = slated_encoding(canvas) if any(map(slate_of, sides_of(spec))) else encoding_of(canvas)
            with ClipWriter(out, canvas.size, canvas.rate, encoding) as writer:
                for number in range(spec.frames):
                    writer.write_planes(pictures(number))
                    if progress is not None:
                        progress(writer.frames, spec.frames)
    except InvalidMedia as problem:
        raise RenderFailed(f"a clip {problem.reason}") from problem
    return check_result(spec.frames, canvas, out)


@contextmanager
def _open_pictures(spec: RenderSpec, files: Mapping[str, Path], canvas: Canvas) -> Iterator[Pictures]:
    """Yield a function that returns the picture of each frame, in ascending order, in the size of *canvas*."""
    sides = (spec.before, spec.after) if isinstance(spec, Mix) else (spec,)
    captions = [_draw_captions(side, files, canvas) for side in sides]
    with ExitStack() as stack:
        opened = [
            stack.enter_context(_open_layer(side, texts, files, canvas)) if side is not None else None
            for side, texts in zip(sides, captions, strict=True)
        ]
        pictures = _mixed(spec, opened, canvas) if isinstance(spec, Mix) else opened[0]
        if pictures is None:
            raise ValueError("a segment without a layer")
        yield _with_slates(pictures, spec, captions, files, canvas)


def _mixed(spec: Mix, sides: Sequence[Pictures | None], canvas: Canvas) -> Pictures:
    black = black_picture(canvas.size)
    through = solid_picture(canvas.size, spec.color) if spec.kind == "fade" else black
    before, after = (side if side is not None else lambda _number: black for side in sides)
    return lambda number: mix_pictures(
        spec.kind, before(number), after(number), _progress(spec, number), spec.direction, through
    )


def _with_slates(
    pictures: Pictures,
    spec: RenderSpec,
    captions: Sequence[Sequence[Overlay]],
    files: Mapping[str, Path],
    canvas: Canvas,
) -> Pictures:
    """Return *pictures* with the slates of *spec* over them; in a transition the second one begins in the middle.

    *captions* are those of each side. A slate is left out in frames in which one of them would lie under it.
    """
    sides = (spec.before, spec.after) if isinstance(spec, Mix) else (spec,)
    slates = [
        None
        if (slated := slate_of(side)) is None
        else SlateOverlay(slated, canvas, _font_files(None, slated.found, files))
        for side in sides
        if side is not None
    ]
    if not any(slates):
        return pictures

    def picture(number: int) -> Planes:
        slate = slates[number * len(slates) // spec.frames]
        if slate is None or _reach_into(slate.box, captions, spec, number, canvas.size.height):
            return pictures(number)
        return slate.draw(number, pictures(number))

    return picture


def _reach_into(box: Box, captions: Sequence[Sequence[Overlay]], spec: RenderSpec, number: int, height: int) -> bool:
    """Return whether a caption lies in the rows of *box* in frame *number*: a long one, or one that a slide moves."""
    shifts: Sequence[int] = (0, 0)
    if isinstance(spec, Mix) and spec.kind == "slide" and spec.direction in ("up", "down"):
        shifts = slide_shifts(height, _progress(spec, number), spec.direction)
    return any(
        one.first <= number < one.end and one.y + shift < box.bottom and one.y + shift + one.picture.shape[0] > box.top
        for texts, shift in zip(captions, shifts, strict=False)
        for one in texts
    )


def _progress(spec: Mix, number: int) -> float:
    """Return how far a transition has come in the middle of frame *number*, from 0 to 1."""
    return (number + 0.5) / spec.frames


def _draw_captions(layer: Layer | None, files: Mapping[str, Path], canvas: Canvas) -> list[Overlay]:
    if not isinstance(layer, Captioned):
        return []
    fonts = _font_files(layer.font, layer.found, files)
    with _input_errors(layer.file), drawing():
        return list(caption_overlays(layer.cues, layer.frames, canvas.size, fonts))


def _font_files(font: str | None, found: FoundFonts, files: Mapping[str, Path]) -> list[FontFile]:
    """Return the fonts of a text in the order in which they are used: the built-in font stands in for another."""
    own: list[FontFile] = [(files[font] if font else None, 0)]
    builtin: list[FontFile] = [(None, 0)] if font and found is not None else []
    return [*own, *builtin, *((files[one.digest], one.index) for one in found or ())]


@contextmanager
def _open_layer(
    layer: Layer, captions: Sequence[Overlay], files: Mapping[str, Path], canvas: Canvas
) -> Iterator[Pictures]:
    """Yield the pictures of *layer* with its *captions*, and without its slate, which lies over a whole transition."""
    match layer:
        case Footage(take, start, frames, speed, fit):
            segment = Segment(files[take], start, frames, canvas.rate, canvas.size, speed, fit=fit)
            with open_footage(segment) as pictures:
                yield pictures
        case Slated(inner):
            with _open_layer(inner, captions, files, canvas) as pictures:
                yield pictures
        case Captioned(inner):
            with _open_layer(inner, captions, files, canvas) as pictures:
                yield _compose(lambda number: planes_to_rgb(pictures(number)), layer.frames, canvas, captions)
        case Photo(picture):
            with _input_errors(layer.file):
                stills = MovingStill(layer, files[picture], canvas.size)
            yield _compose(stills.picture, layer.frames, canvas)
        case Title(font=font, found=found):
            with _input_errors(layer.file), drawing():
                card = np.asarray(draw_title(layer, canvas.size, _font_files(font, found, files)))
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


@contextmanager
def _input_errors(file: str) -> Iterator[None]:
    """Name *file*, the picture or font in use, in the error about it."""
    try:
        yield
    except UnreadablePicture as problem:
        raise RenderFailed(f"{file or 'a picture'} cannot be used: {problem}") from problem
    except UnreadableFont as problem:
        raise RenderFailed(f"{file or 'the built-in font'} {problem}") from problem


class MovingStill:
    """The frames of one still in *size*."""

    def __init__(self, photo: Photo, path: Path, size: Size) -> None:
        fit = photo.fit
        self._photo = photo
        self._size = size
        self._picture = _fit_still(
            read_upright(path.read_bytes()), size, "cover" if photo.move != "none" and fit == "contain" else fit
        )
        self._picture.thumbnail((2 * size.width, 2 * size.height), Image.Resampling.LANCZOS)
        self._still = self._picture.resize((size.width, size.height), Image.Resampling.LANCZOS)

    def picture(self, number: int) -> Rgb:
        """Return frame *number* of the segment: RGB, shape (height, width, 3), uint8."""
        if self._photo.move == "none":
            return np.asarray(self._still)
        progress = (self._photo.first + number) / max(1, self._photo.shown - 1)
        box = _visible_box(self._picture.size, self._photo.move, min(1.0, progress))
        moved = self._picture.resize((self._size.width, self._size.height), Image.Resampling.BICUBIC, box)
        return np.asarray(moved)


def _visible_box(full_size: tuple[int, int], move: str, progress: float) -> _View:
    """Return the visible part of the picture, always inside it."""
    width, height = full_size
    closeness = {"push": progress, "pull": 1 - progress}.get(move, 1.0)
    scale = _PUSH_ZOOM**closeness
    inner = (width / scale, height / scale)
    room = (width - inner[0], height - inner[1])
    across = {"left": 1 - progress, "right": progress}.get(move, 0.5)
    down = {"up": 1 - progress, "down": progress}.get(move, 0.5)
    x, y = room[0] * across, room[1] * down
    return (x, y, min(width, x + inner[0]), min(height, y + inner[1]))


def _fit_still(picture: Image.Image, size: Size, fit: str) -> Image.Image:
    """Return *picture* in the shape of *size*: with bars or cropped; stretched pictures are scaled when shown."""
    shape, wanted = Fraction(picture.width, picture.height), Fraction(size.width, size.height)
    if fit == "stretch" or shape == wanted:
        return picture
    wide = (shape > wanted) == (fit == "cover")
    width = round(picture.height * wanted) if wide else picture.width
    height = picture.height if wide else round(picture.width / wanted)
    corner = ((width - picture.width) // 2, (height - picture.height) // 2)
    framed = Image.new("RGB", (max(1, width), max(1, height)))
    framed.paste(picture, corner)
    return framed
