"""The stage of one clip: its geometry, its light, its colours, and how planes come to stand on it."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct

from storyboard.animatic import brush, noise
from storyboard.animatic.brush import Glow, Stencil
from storyboard.animatic.camera import Camera, Window
from storyboard.animatic.layers import DETAIL, Cover, Layer, LayerArea
from storyboard.animatic.palette import Colour, Palette, bent, mix
from storyboard.animatic.planes import Picture, Sheet
from storyboard.animatic.prompt import Reading

# How much of the dark there is at a depth; steepest in the middle, where planes must be told apart.
_NEARNESS = ((0.0, 0.2, 0.35, 0.5, 0.72, 1.0), (0.0, 0.22, 0.40, 0.61, 0.87, 1.0))


class Moment(Struct, frozen=True):
    """One frame of the clip: when it is, and the camera that sees it. ``presence`` fades what is in the air, 0 to 1."""

    seconds: float
    progress: float
    camera: Camera
    presence: float = 1.0

    def window(self, depth: float) -> Window:
        """What is seen at *depth*."""
        return self.camera.window(depth, self.progress)


class Element(Protocol):
    """Something on the stage; elements are drawn from the back to the front."""

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Draw into *sheet*, a picture of the stage."""


def draw_all(sheet: Sheet, elements: Sequence[Element], moment: Moment) -> None:
    """Draw *elements*, from the back to the front, into *sheet*; what nearer ones hide is left out."""
    cover = Cover(sheet.width, sheet.height)
    laid = [_laid(element, cover, moment) for element in reversed(elements)]
    for draw in reversed(laid):
        draw(sheet)


def _laid(element: Element, cover: Cover, moment: Moment) -> Callable[[Sheet], None]:
    """How to draw what *cover* leaves of *element*. An element with a method ``laid`` tells *cover* what it hides."""
    laid: Callable[[Cover, Moment], Callable[[Sheet], None]] | None = getattr(element, "laid", None)
    return (lambda sheet: element.draw(sheet, moment)) if laid is None else laid(cover, moment)


class Plane(Struct, frozen=True):
    """A layer that stands, drifts (stage units a second) or swings (stage units, and seconds a swing)."""

    layer: Layer
    drift: tuple[float, float] = (0.0, 0.0)
    swing: tuple[float, float, float] = (0.0, 0.0, 6.0)

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Lay the layer over the sheet where it is now."""
        self.laid(Cover(sheet.width, sheet.height), moment)(sheet)

    def laid(self, cover: Cover, moment: Moment) -> Callable[[Sheet], None]:
        """How to lay what *cover* leaves of the layer."""
        turn = np.sin(2 * np.pi * moment.seconds / self.swing[2])
        x = self.drift[0] * moment.seconds + self.swing[0] * turn
        y = self.drift[1] * moment.seconds + self.swing[1] * turn
        return self.layer.laid(cover, moment.window(self.layer.depth), (float(x), float(y)))


class World(Struct, frozen=True):
    """What every setting builds on. ``width`` and ``height`` are the stage in frame pixels.

    ``aspect`` is their ratio, kept from extremes; ``horizon`` is a stage height.

    ``light`` is sun, moon or the brightest lamp. ``chance`` gives one generator per purpose.
    """

    aspect: float
    width: int
    height: int
    camera: Camera
    palette: Palette
    reading: Reading
    light: Glow
    horizon: float
    chance: Callable[[str], np.random.Generator]
    seconds: float = 8.0

    @property
    def spread(self) -> float:
        """How wide things may stand: the half width of the stage, at most that of a wide picture."""
        return min(self.aspect, 1.9) / 2

    @property
    def bulk(self) -> float:
        """How large things are drawn: 1 in a wide picture, less in a tall one."""
        return min(1.0, 0.45 + self.aspect * 0.42)

    def canvas(
        self, depth: float, top: float | None = None, bottom: float | None = None, detail: float = DETAIL
    ) -> LayerArea:
        """All that the camera will see at *depth*, between two heights; *detail* is less than usual for soft things."""
        return LayerArea(*self.camera.bounds(depth), self.height * detail).cut(top, bottom)

    def tone(self, depth: float, material: Colour | None = None, share: float = 0.4) -> Colour:
        """The colour of things at *depth*: air far away, dark near, with some of their own."""
        depth = min(1.0, max(0.0, depth))
        near = float(np.interp(depth, *_NEARNESS))
        base = bent(mix(self.palette.haze, self.palette.dark, near), saturation=1 + 1.6 * depth * (1 - depth))
        return base if material is None else mix(base, material, share * (1 - 0.7 * depth))

    def paint(
        self,
        canvas: LayerArea,
        depth: float,
        material: Colour | None = None,
        lift: Sequence[tuple[float, float, float]] = (),
        glow: float = 1.0,
        tone: Colour | None = None,
    ) -> Picture:
        """The shaded colour of a plane at *depth*; *glow* scales how much light falls on it."""
        shade = self.tone(depth, material) if tone is None else tone
        strength = self.light.strength * glow * 0.85 * (1 - 0.9 * min(1.0, depth)) ** 1.5
        light = Glow(self.light.x, self.light.y, self.light.colour, self.light.reach, strength)
        rng = self.chance(f"paint {depth:.3f} {canvas.top:.3f}")
        return brush.shading(canvas, shade, self.palette.haze, lift, [light], rng)

    def cut(
        self,
        stencil: Stencil,
        depth: float,
        material: Colour | None = None,
        lift: Sequence[tuple[float, float, float]] = (),
        blur: float = 0.0,
        glow: float = 1.0,
        plane: float | None = None,
    ) -> Layer:
        """A silhouette at *depth*, shaded and with a soft edge; *plane* where it moves as if at another depth."""
        paint = self.paint(stencil.canvas, depth, material, lift, glow)
        return Layer(stencil.canvas, depth if plane is None else plane, brush.cut_out(paint, stencil.soft(blur)))

    def across(self, canvas: LayerArea, step: float = 0.004) -> noise.Array:
        """Places from the left to the right edge of *canvas*."""
        return np.arange(canvas.left - step, canvas.right + 2 * step, step)
