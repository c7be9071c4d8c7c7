"""World of one clip: the geometry, light and colours of its stage, and the planes on it."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct

from storyboard.animatic import brush, noise
from storyboard.animatic.brush import Glow, Stencil
from storyboard.animatic.camera import Camera, Window
from storyboard.animatic.layers import DETAIL, Layer, LayerArea, VisibleSpans
from storyboard.animatic.palette import Colour, Palette, adjust, mix
from storyboard.animatic.planes import Picture, Sheet
from storyboard.animatic.prompt import Reading

# The share of the dark colour by depth; steepest in the middle, where planes must be distinguishable.
_NEARNESS = ((0.0, 0.2, 0.35, 0.5, 0.72, 1.0), (0.0, 0.22, 0.40, 0.61, 0.87, 1.0))


class Moment(Struct, frozen=True):
    """One frame of the clip: its time and camera. ``presence`` fades things in the air, 0 to 1."""

    seconds: float
    progress: float
    camera: Camera
    presence: float = 1.0

    def window(self, depth: float) -> Window:
        """Return the visible window at *depth*."""
        return self.camera.window(depth, self.progress)


class Element(Protocol):
    """Something on the stage; elements are drawn from the back to the front."""

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Draw the element into *sheet*, a picture of the stage."""


def draw_all(sheet: Sheet, elements: Sequence[Element], moment: Moment) -> None:
    """Draw *elements*, from the back to the front, into *sheet*, without the parts hidden by nearer ones."""
    cover = VisibleSpans(sheet.width, sheet.height)
    plan = [_plan_draw(element, cover, moment) for element in reversed(elements)]
    for draw in reversed(plan):
        draw(sheet)


def _plan_draw(element: Element, cover: VisibleSpans, moment: Moment) -> Callable[[Sheet], None]:
    """Return a function that draws the visible parts of *element*.

    An element with a method ``plan_draw`` also hides in *cover* what it covers.
    """
    plan: Callable[[VisibleSpans, Moment], Callable[[Sheet], None]] | None = getattr(element, "plan_draw", None)
    return (lambda sheet: element.draw(sheet, moment)) if plan is None else plan(cover, moment)


class Plane(Struct, frozen=True):
    """A layer that stands, drifts (stage units a second) or swings (stage units, and seconds a swing)."""

    layer: Layer
    drift: tuple[float, float] = (0.0, 0.0)
    swing: tuple[float, float, float] = (0.0, 0.0, 6.0)

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Paste the layer at its present place."""
        self.plan_draw(VisibleSpans(sheet.width, sheet.height), moment)(sheet)

    def plan_draw(self, cover: VisibleSpans, moment: Moment) -> Callable[[Sheet], None]:
        """Return a function that pastes the visible parts of the layer at its present place."""
        turn = np.sin(2 * np.pi * moment.seconds / self.swing[2])
        x = self.drift[0] * moment.seconds + self.swing[0] * turn
        y = self.drift[1] * moment.seconds + self.swing[1] * turn
        return self.layer.plan_draw(cover, moment.window(self.layer.depth), (float(x), float(y)))


class World(Struct, frozen=True):
    """The common input of all settings. ``width`` and ``height`` are the stage in frame pixels.

    ``aspect`` is their ratio, limited to 0.4 to 3.2; ``horizon`` is a stage height; ``light`` is sun, moon or the
    brightest lamp; ``rng_for`` gives one random generator per purpose.
    """

    aspect: float
    width: int
    height: int
    camera: Camera
    palette: Palette
    reading: Reading
    light: Glow
    horizon: float
    rng_for: Callable[[str], np.random.Generator]
    seconds: float = 8.0

    @property
    def spread(self) -> float:
        """The half width over which things are placed: that of the stage, at most that of a wide picture."""
        return min(self.aspect, 1.9) / 2

    @property
    def bulk(self) -> float:
        """The scale of things: 1 in a wide picture, less in a tall one."""
        return min(1.0, 0.45 + self.aspect * 0.42)

    def canvas(
        self, depth: float, top: float | None = None, bottom: float | None = None, detail: float = DETAIL
    ) -> LayerArea:
        """Return the area that the camera shows at *depth*, between two heights; soft things need less *detail*."""
        return LayerArea(*self.camera.bounds(depth), self.height * detail).cut(top, bottom)

    def tone(self, depth: float, material: Colour | None = None, share: float = 0.4) -> Colour:
        """Return the colour of things at *depth*: air far away, dark near, with a share of *material*."""
        depth = min(1.0, max(0.0, depth))
        near = float(np.interp(depth, *_NEARNESS))
        base = adjust(mix(self.palette.haze, self.palette.dark, near), saturation=1 + 1.6 * depth * (1 - depth))
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
        """Return the shaded colour of a plane at *depth*; *glow* scales the light that falls on it."""
        shade = self.tone(depth, material) if tone is None else tone
        strength = self.light.strength * glow * 0.85 * (1 - 0.9 * min(1.0, depth)) ** 1.5
        light = Glow(self.light.x, self.light.y, self.light.colour, self.light.reach, strength)
        rng = self.rng_for(f"paint {depth:.3f} {canvas.top:.3f}")
        return brush.shading(canvas, shade, self.palette.haze, lift, [light], rng)

    def silhouette(
        self,
        stencil: Stencil,
        depth: float,
        material: Colour | None = None,
        lift: Sequence[tuple[float, float, float]] = (),
        blur: float = 0.0,
        glow: float = 1.0,
        plane: float | None = None,
    ) -> Layer:
        """Return a silhouette at *depth*, shaded and with a soft edge; *plane* moves it as if at another depth."""
        paint = self.paint(stencil.canvas, depth, material, lift, glow)
        return Layer(stencil.canvas, depth if plane is None else plane, brush.cut_out(paint, stencil.soft_mask(blur)))

    def across(self, canvas: LayerArea, step: float = 0.004) -> noise.Array:
        """Return the places from the left to the right edge of *canvas*."""
        return np.arange(canvas.left - step, canvas.right + 2 * step, step)
