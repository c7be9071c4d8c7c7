"""Specification of a rendered segment: which pictures, from where to where, and how two are mixed.

Inputs are named by digest; the renderer finds the files. ``render_request`` alone decides what is part of the key of a
segment.
"""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal

from msgspec import Struct

from storyboard.core.captions import Cue
from storyboard.core.keys import Request, normal_request, segment_request
from storyboard.core.model import DEFAULT_CRF, DEFAULT_PRESET, Fit, Json, Output, Size


class Canvas(Struct, frozen=True):
    """Size and frame rate of a segment, and x264's settings for it."""

    size: Size
    rate: Fraction
    crf: int = DEFAULT_CRF
    preset: str = DEFAULT_PRESET


MixKind = Literal["dissolve", "fade", "wipe", "slide", "fade_in", "fade_out"]


class Footage(Struct, frozen=True, tag="footage"):
    """Frames of a clip: *start* in seconds of the clip, *frames* of the output, played at *speed*.

    *fit* says how a picture of another shape fills the frame.
    """

    take: str
    start: Fraction
    frames: int
    speed: Fraction = Fraction(1)
    fit: Fit = "contain"


class Photo(Struct, frozen=True, tag="photo"):
    """Frames of a moving still: *frames* from *first*, of the *shown* frames of the whole move.

    *file* is the path of the picture in the project and not part of the key.
    """

    picture: str
    move: str
    first: int
    frames: int
    shown: int
    file: str = ""
    fit: Fit = "contain"


class FoundFont(Struct, frozen=True):
    """A face of a font, of this machine or of the output, for letters that another font lacks.

    *index* is its number in the file with that *digest*; the path *file* is not part of a key.
    """

    digest: str
    index: int
    file: str = ""


# The fonts that draw the letters which the font of a text lacks, ``None`` if it has them all.
FoundFonts = tuple[FoundFont, ...] | None
FindFonts = Callable[[str, str | None, str | None, str | None], FoundFonts]
"""Returns the fonts for the letters of a text that its font lacks, ``None`` if it lacks none.

The arguments are the text, the path of its font in the project (``None`` for the built-in font), the path of another
font that comes before those of the machine, and the language of the output.
"""


class Title(Struct, frozen=True, tag="title"):
    """Frames of a title card; *font* is the digest of a font file, ``None`` for the built-in font."""

    text: str
    subtitle: str | None
    color: str
    background: str
    align: str
    font: str | None
    frames: int
    file: str = ""
    found: FoundFonts = None


# Fields of the request of a piece with the fonts of this machine.
_FOUND, _FOUND_FOR_CAPTIONS = "fonts", "caption_fonts"
# Part of the key of every piece with a slate: raise it when an equal slate is drawn differently.
SLATE_VERSION = 1
# A smaller picture has no room for a timecode in letters that can be read.
_LEAST_SLATED = Size(160, 120)


class Slated(Struct, frozen=True, tag="slated"):
    """Frames of an animatic with its slate: shot, seed, prompt, and the running time and frame of the take.

    The prompt is *large* over a panel, of which it is a part.
    """

    layer: Footage
    shot: str
    seed: int
    prompt: str
    found: FoundFonts = None
    large: bool = False

    @property
    def frames(self) -> int:
        return self.layer.frames


def fits_slate(size: Size) -> bool:
    """Return whether a picture of *size* has room for a slate."""
    return size.width >= _LEAST_SLATED.width and size.height >= _LEAST_SLATED.height


class Captioned(Struct, frozen=True, tag="captioned"):
    """A layer with captions drawn into it, counted in its own frames.

    *font* is the digest of a font file, ``None`` for the built-in font; *file* is its path and not part of the key.
    """

    layer: Footage | Photo | Title | Slated
    cues: tuple[Cue, ...]
    font: str | None = None
    file: str = ""
    found: FoundFonts = None

    @property
    def frames(self) -> int:
        return self.layer.frames


Plain = Footage | Photo | Title
Layer = Plain | Slated | Captioned


class Mix(Struct, frozen=True, tag="mix"):
    """*frames* frames of a transition between two layers; a fade of the film has one layer only."""

    kind: MixKind
    frames: int
    before: Layer | None
    after: Layer | None
    direction: str = "left"
    color: str = "#000000"


RenderSpec = Layer | Mix


def takes_of(spec: RenderSpec) -> Iterator[str]:
    """Yield the digests of the clips in *spec*."""
    for layer in sides_of(spec):
        plain = plain_of(layer)
        if isinstance(plain, Footage):
            yield plain.take


def files_of(spec: RenderSpec) -> Iterator[tuple[str, str]]:
    """Yield digest and path of the pictures and fonts in *spec*."""
    for layer in sides_of(spec):
        if isinstance(layer, Captioned) and layer.font is not None:
            yield layer.font, layer.file
        plain = plain_of(layer)
        digest = plain.picture if isinstance(plain, Photo) else plain.font if isinstance(plain, Title) else None
        if digest is not None and not isinstance(plain, Footage):
            yield digest, plain.file


def fonts_of(spec: RenderSpec) -> Iterator[FoundFont]:
    """Yield the fonts of this machine with which *spec* is drawn."""
    for layer in sides_of(spec):
        for part in _layers_of(layer):
            if not isinstance(part, Footage | Photo):
                yield from part.found or ()


def _layers_of(layer: Layer) -> Iterator[Layer]:
    yield layer
    while isinstance(layer, Captioned | Slated):
        layer = layer.layer
        yield layer


def names_fonts(request: Mapping[str, Any]) -> bool:
    """Return whether the *request* of a piece depends on the fonts of this machine."""
    return any(
        name in (_FOUND, _FOUND_FOR_CAPTIONS) or (isinstance(value, Mapping) and names_fonts(value))
        for name, value in request.items()
    )


def _fonts_request(found: FoundFonts, name: str) -> Request:
    return {name: [f"file:{font.digest}#{font.index}" for font in found]} if found is not None else {}


def sides_of(spec: RenderSpec) -> Iterator[Layer]:
    """Yield the layers of *spec*: one, or those that a transition mixes, the earlier first."""
    sides = (spec.before, spec.after) if isinstance(spec, Mix) else (spec,)
    return (layer for layer in sides if layer is not None)


def plain_of(layer: Layer) -> Plain:
    """Return the pictures of *layer*, without what is drawn over them."""
    while isinstance(layer, Captioned | Slated):
        layer = layer.layer
    return layer


def slate_of(layer: Layer | None) -> Slated | None:
    """Return the slate of *layer*, if it has one."""
    inner = layer.layer if isinstance(layer, Captioned) else layer
    return inner if isinstance(inner, Slated) else None


def render_request(spec: RenderSpec, output: Output, renderer: Mapping[str, Json]) -> Request:
    """Return what decides the pixels of *spec*: digests, frames, size, rate, renderer; no path and no id."""
    more = encoding_request(output)
    if isinstance(spec, Footage):
        request = segment_request(spec.take, spec.start, spec.frames, output.fps, output.size, renderer, spec.speed)
        return request | _fit_request(spec.fit) | more
    whole = {"rate": str(output.fps), "size": str(output.size), "renderer": renderer}
    return normal_request({**_layer_request(spec), "frames": spec.frames, **whole, **more})


def encoding_request(output: Output) -> Request:
    """Return the settings of the encoder that differ from the defaults."""
    usual = {"crf": DEFAULT_CRF, "preset": DEFAULT_PRESET}
    return {name: getattr(output, name) for name, value in usual.items() if getattr(output, name) != value}


def _fit_request(fit: Fit) -> Request:
    return {"fit": fit} if fit != "contain" else {}


def _layer_request(spec: RenderSpec) -> Request:
    match spec:
        case Footage(take, start, frames, speed, fit):
            return {"take": take, "start": str(start), "frames": frames, "speed": str(speed), **_fit_request(fit)}
        case Slated(layer, shot, seed, prompt, found, large):
            slate = {"version": SLATE_VERSION, "shot": shot, "seed": seed, "prompt": prompt}
            slate |= {"large": True} if large else {}
            return _layer_request(layer) | {"slate": slate | _fonts_request(found, _FOUND)}
        case Captioned(layer, cues, font, _, found):
            own = {"caption_font": f"file:{font}"} if font is not None else {}
            own |= _fonts_request(found, _FOUND_FOR_CAPTIONS)
            return _layer_request(layer) | {"captions": [(cue.text, cue.first, cue.end) for cue in cues]} | own
        case Photo(picture, move, first, frames, shown, _, fit):
            place = {"first": first, "shown": shown} if move != "none" else {}
            return {"image": f"file:{picture}", "move": move, "frames": frames, **place, **_fit_request(fit)}
        case Title(text, subtitle, color, background, align, font, frames, _, found):
            words = {"text": text, "subtitle": subtitle, "color": color, "background": background, "align": align}
            fonts = {"font": font and f"file:{font}"} | _fonts_request(found, _FOUND)
            return {"card": words | fonts, "frames": frames}
        case Mix(kind, frames, before, after, direction, color):
            sides = {name: _layer_request(side) for name, side in (("before", before), ("after", after)) if side}
            looks = {"direction": direction} if kind in ("wipe", "slide") else {}
            looks |= {"color": color} if kind.startswith("fade") else {}
            return {"mix": kind, "frames": frames, **looks, **sides}
