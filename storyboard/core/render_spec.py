"""What a rendered piece of the film shows, as values: whose pictures, from where to where, and how two are mixed.

Inputs are named by digest; where the files lie is found out by whoever renders. ``drawn_request`` is the one place
that says what counts in the key of a piece.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Literal

from msgspec import Struct

from storyboard.core.captions import Cue
from storyboard.core.keys import Request, normal_request, segment_request
from storyboard.core.model import DEFAULT_CRF, DEFAULT_PRESET, Fit, Json, Output, Size


class Canvas(Struct, frozen=True):
    """Pixels and frame rate of a segment of the film, and x264's settings for it."""

    size: Size
    rate: Fraction
    crf: int = DEFAULT_CRF
    preset: str = DEFAULT_PRESET


MixKind = Literal["dissolve", "fade", "wipe", "slide", "fade_in", "fade_out"]


class Footage(Struct, frozen=True, tag="footage"):
    """Frames of a clip: *start* in seconds of the clip, *frames* of the output, played at *speed*.

    *fit* says how a picture of another shape fills the film.
    """

    take: str
    start: Fraction
    frames: int
    speed: Fraction = Fraction(1)
    fit: Fit = "contain"


class Photo(Struct, frozen=True, tag="photo"):
    """Frames of a still that moves: *frames* of them from *first* on, out of the *shown* that the whole move takes.

    *file* is the picture's path in the project, which does not count.
    """

    picture: str
    move: str
    first: int
    frames: int
    shown: int
    file: str = ""
    fit: Fit = "contain"


class Title(Struct, frozen=True, tag="title"):
    """Frames of a title card; *font* is the digest of a font file, ``None`` for the built-in one."""

    text: str
    subtitle: str | None
    color: str
    background: str
    align: str
    font: str | None
    frames: int
    file: str = ""


class Captioned(Struct, frozen=True, tag="captioned"):
    """A layer with captions drawn into it, in its own frames.

    *font* is the digest of a font file, ``None`` for the built-in one; *file* is its path, which does not count.
    """

    layer: Footage | Photo | Title
    cues: tuple[Cue, ...]
    font: str | None = None
    file: str = ""

    @property
    def frames(self) -> int:
        return self.layer.frames


Plain = Footage | Photo | Title
Layer = Plain | Captioned


class Mix(Struct, frozen=True, tag="mix"):
    """*frames* frames in which one picture takes over from another; a fade of the film has one side only."""

    kind: MixKind
    frames: int
    before: Layer | None
    after: Layer | None
    direction: str = "left"
    color: str = "#000000"


RenderSpec = Layer | Mix


def takes_of(drawn: RenderSpec) -> Iterator[str]:
    """The digests of the clips in it."""
    for layer in _layers(drawn):
        plain = layer.layer if isinstance(layer, Captioned) else layer
        if isinstance(plain, Footage):
            yield plain.take


def files_of(drawn: RenderSpec) -> Iterator[tuple[str, str]]:
    """Digest and path of the files of the project that it is drawn from: pictures and fonts."""
    for layer in _layers(drawn):
        if isinstance(layer, Captioned) and layer.font is not None:
            yield layer.font, layer.file
        plain = layer.layer if isinstance(layer, Captioned) else layer
        digest = plain.picture if isinstance(plain, Photo) else plain.font if isinstance(plain, Title) else None
        if digest is not None and not isinstance(plain, Footage):
            yield digest, plain.file


def _layers(drawn: RenderSpec) -> Iterator[Layer]:
    sides = (drawn.before, drawn.after) if isinstance(drawn, Mix) else (drawn,)
    return (layer for layer in sides if layer is not None)


def drawn_request(drawn: RenderSpec, output: Output, renderer: Mapping[str, Json]) -> Request:
    """Everything that decides over the pixels of *drawn*: digests, frames, size, rate, who renders; no path, no id."""
    more = encoding_request(output)
    if isinstance(drawn, Footage):
        request = segment_request(drawn.take, drawn.start, drawn.frames, output.fps, output.size, renderer, drawn.speed)
        return request | _fitted(drawn.fit) | more
    whole = {"rate": str(output.fps), "size": str(output.size), "renderer": renderer}
    return normal_request({**_described(drawn), "frames": drawn.frames, **whole, **more})


def encoding_request(output: Output) -> Request:
    """The settings of the encoder that are not the usual ones."""
    usual = {"crf": DEFAULT_CRF, "preset": DEFAULT_PRESET}
    return {name: getattr(output, name) for name, value in usual.items() if getattr(output, name) != value}


def _fitted(fit: Fit) -> Request:
    return {"fit": fit} if fit != "contain" else {}


def _described(drawn: RenderSpec) -> Request:
    match drawn:
        case Footage(take, start, frames, speed, fit):
            return {"take": take, "start": str(start), "frames": frames, "speed": str(speed), **_fitted(fit)}
        case Captioned(layer, cues, font):
            own = {"caption_font": f"file:{font}"} if font is not None else {}
            return _described(layer) | {"captions": [(cue.text, cue.first, cue.end) for cue in cues]} | own
        case Photo(picture, move, first, frames, shown, _, fit):
            place = {"first": first, "shown": shown} if move != "none" else {}
            return {"image": f"file:{picture}", "move": move, "frames": frames, **place, **_fitted(fit)}
        case Title(text, subtitle, color, background, align, font, frames):
            words = {"text": text, "subtitle": subtitle, "color": color, "background": background, "align": align}
            return {"card": words | {"font": font and f"file:{font}"}, "frames": frames}
        case Mix(kind, frames, before, after, direction, color):
            sides = {name: _described(side) for name, side in (("before", before), ("after", after)) if side}
            looks = {"direction": direction} if kind in ("wipe", "slide") else {}
            looks |= {"color": color} if kind.startswith("fade") else {}
            return {"mix": kind, "frames": frames, **looks, **sides}
