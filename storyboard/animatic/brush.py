"""Brushes: draw shapes in stage units into soft masks, and turn masks into shaded layers."""

import math
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image, ImageChops, ImageDraw

from storyboard.animatic import noise
from storyboard.animatic.layers import LayerArea
from storyboard.animatic.palette import Colour, to_bytes
from storyboard.animatic.planes import Picture

Points = npt.ArrayLike
SHADE_STEP = 16  # layer pixels; light and air change slowly


class Glow(Struct, frozen=True):
    """A light source: its place on the stage, colour, reach (stage units) and strength (0 to 1)."""

    x: float
    y: float
    colour: Colour
    reach: float
    strength: float


class Stencil:
    """A mask that is drawn with hard edges and read with soft ones."""

    def __init__(self, canvas: LayerArea) -> None:
        self.canvas = canvas
        self.image = Image.new("L", canvas.size)
        self._pen = ImageDraw.Draw(self.image).draw  # an L picture needs no conversion of colours to ink

    def polygon(self, points: Points, level: int = 255) -> None:
        """Fill a polygon."""
        flat = self.canvas.pixels(points)
        if len(flat) >= 3:
            self._pen.draw_polygon(flat.ravel().tolist(), level, 1)

    def box(self, left: float, top: float, right: float, bottom: float, level: int = 255) -> None:
        """Fill a rectangle."""
        canvas = self.canvas
        x0, x1 = (left - canvas.left) * canvas.scale, (right - canvas.left) * canvas.scale
        y0, y1 = (top - canvas.top) * canvas.scale, (bottom - canvas.top) * canvas.scale
        if x1 > x0 and y1 > y0:
            self._pen.draw_rectangle((x0, y0, x1, y1), level, 1)

    def disc(self, x: float, y: float, radius: float, tall: float = 1.0, level: int = 255) -> None:
        """Fill an ellipse; *tall* is its height over its width."""
        canvas = self.canvas
        px, py = (x - canvas.left) * canvas.scale, (y - canvas.top) * canvas.scale
        rx = max(0.5, radius * canvas.scale)
        ry = max(0.5, rx * tall)
        self._pen.draw_ellipse((px - rx, py - ry, px + rx, py + ry), level, 1)

    def discs(self, x: noise.Array, y: noise.Array, radius: noise.Array, tall: noise.Array) -> None:
        """Fill many ellipses at once, each at least a pixel large."""
        middle = self.canvas.pixels(np.stack([x, y], axis=1))
        wide = np.maximum(0.5, radius * self.canvas.scale)
        reach = np.stack([wide, np.maximum(0.5, wide * tall)], axis=1)
        for corners in np.concatenate([middle - reach, middle + reach], axis=1).tolist():
            self._pen.draw_ellipse(corners, 255, 1)

    def limb(self, points: Points, widths: Sequence[float], level: int = 255) -> None:
        """Draw a round stroke along *points*; *widths* gives its width at each point (stage units)."""
        line = self.canvas.pixels(points).view(np.complex128)[:, 0]  # x + iy: a quarter turn is a factor of i
        radii = np.maximum(0.35, np.asarray(widths, dtype=np.float64) * (self.canvas.scale / 2))
        along = np.empty_like(line)
        along[1:-1], along[0], along[-1] = line[2:] - line[:-2], line[1] - line[0], line[-1] - line[-2]
        normal = along * (1j * radii / np.maximum(1e-9, np.abs(along)))
        outline = np.concatenate([line + normal, (line - normal)[::-1]])
        self._pen.draw_polygon(outline.view(np.float64).tolist(), level, 1)
        for end in (0, -1):
            x, y, r = line[end].real, line[end].imag, radii[end]
            self._pen.draw_ellipse((x - r, y - r, x + r, y + r), level, 1)

    def soft_mask(self, blur: float = 0.0) -> Picture:
        """Return the mask with edges one frame pixel wide, or blurred over *blur* stage units."""
        factor = max(2, round(blur * self.canvas.scale))
        return soften(self.image, factor)


def soften(mask: Picture, factor: int) -> Picture:
    """Return *mask* blurred over about *factor* pixels, by way of a smaller mask, at its own size."""
    factor = min(factor, max(1, min(mask.size) // 2))
    if factor <= 1:
        return mask
    wide = Image.Resampling.BILINEAR if factor <= 2 else Image.Resampling.BICUBIC
    pad = (-mask.width % factor, -mask.height % factor)
    if any(pad):
        grown = Image.new("L", (mask.width + pad[0], mask.height + pad[1]))
        grown.paste(mask.resize(grown.size, Image.Resampling.NEAREST, (0, 0, mask.width, mask.height)))
        grown.paste(mask)
        return _enlarge(grown.reduce(factor), grown.size, wide).crop((0, 0, *mask.size))
    return _enlarge(mask.reduce(factor), mask.size, wide)


def _enlarge(mask: Picture, size: tuple[int, int], wide: Image.Resampling) -> Picture:
    """Return *mask* at *size*; at a large factor the last doubling repeats pixels, invisible in a soft mask."""
    if size[0] < 6 * mask.width:
        return mask.resize(size, wide)
    return mask.resize((size[0] // 2, size[1] // 2), wide).resize(size, Image.Resampling.NEAREST)


def curve(*control: tuple[float, float], steps: int = 14) -> list[tuple[float, float]]:
    """Return a Bézier curve through its first and last point, led by those between."""
    points: list[tuple[float, float]] = [
        tuple(p) for p in (_weights(len(control), steps) @ np.asarray(control)).tolist()
    ]
    return points


@cache
def _weights(count: int, steps: int) -> npt.NDArray[np.float64]:
    t = np.linspace(0, 1, steps)
    columns = [math.comb(count - 1, i) * (1 - t) ** (count - 1 - i) * t**i for i in range(count)]
    return np.stack(columns, axis=1)


def taper(first: float, last: float, steps: int = 14) -> list[float]:
    """Return widths for a curve, from *first* to *last*."""
    return [first + (last - first) * i / (steps - 1) for i in range(steps)]


def shading(
    canvas: LayerArea,
    tone: Colour,
    air: Colour,
    lift: Iterable[tuple[float, float, float]] = (),
    glows: Iterable[Glow] = (),
    rng: np.random.Generator | None = None,
) -> Picture:
    """Return an RGB picture of *canvas* in *tone*, with *air* gathered at some heights and light falling in.

    Each *lift* is (from y, to y, amount): the share of air grows from 0 at the first height to amount at the second.
    """
    x, y = canvas.grid(SHADE_STEP)
    colours = np.broadcast_to(np.asarray(tone), (y.shape[0], x.shape[1], 3)).copy()
    for start, end, amount in lift:
        colours = _blend_towards(colours, air, amount * noise.smoothstep(start, end, y + 0 * x))
    for glow in glows:
        distance = np.hypot(x - glow.x, y - glow.y) / max(glow.reach, 1e-6)
        colours = _blend_towards(colours, glow.colour, glow.strength * np.exp(-(distance**1.3) * 1.6))
    if rng is not None:
        texture = noise.clouds(rng, x.shape[1], y.shape[0], (max(2, x.shape[1] / 9), max(2, y.shape[0] / 9)), 3) - 0.5
        colours *= 1 + 0.16 * texture[..., None]
    colours = vignette(colours, canvas, x, y)
    return enlarge_coarse(to_picture(colours, rng), canvas)


def enlarge_coarse(coarse: Picture, canvas: LayerArea) -> Picture:
    """Return a coarse picture over all of *canvas*; the last doubling repeats pixels, which a frame pixel hides."""
    half = (max(1, canvas.size[0] // 2), max(1, canvas.size[1] // 2))
    return coarse.resize(half, Image.Resampling.BICUBIC).resize(canvas.size, Image.Resampling.NEAREST)


def vignette(colours: noise.Array, canvas: LayerArea, x: noise.Array, y: noise.Array) -> noise.Array:
    """Return *colours* (height, width, 3), darkened where *x* and *y* approach the corners of the stage."""
    distance = np.hypot(x / max(0.25, canvas.right), (y - 0.5) / 0.58)
    return np.asarray(colours * (1 - 0.42 * noise.smoothstep(0.8, 1.5, distance))[..., None])


def _blend_towards(colours: noise.Array, goal: Colour, part: noise.Array) -> noise.Array:
    return np.asarray(colours + (np.asarray(goal) - colours) * part[..., None])


def to_picture(colours: noise.Array, rng: np.random.Generator | None = None) -> Picture:
    """Return colours from 0 to 1, shape (height, width, 3), as RGB; *rng* dithers by a level against banding."""
    levels = np.clip(colours, 0, 1) * 255
    if rng is not None:
        levels = levels + rng.uniform(-0.9, 0.9, levels.shape[:2])[..., None]
    return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def cut_out(paint: Picture, mask: Picture) -> Picture:
    """Return *paint* where *mask* is set, as RGBA."""
    image = paint.copy()
    image.putalpha(mask)
    return image


def tint(image: Picture, mask: Picture, shade: Colour, amount: float = 1.0) -> None:
    """Colour *image* (RGB or RGBA) where *mask* is set; alpha is unchanged."""
    box = mask.getbbox()
    if box is None:
        return
    part, level = image.crop(box), mask.crop(box)
    level = level if amount >= 1 else level.point([round(i * amount) for i in range(256)])
    if image.mode == "RGBA":
        alpha = part.getchannel("A")
        part.paste((*to_bytes(shade), 255), (0, 0), level)
        part.putalpha(alpha)
    else:
        part.paste(to_bytes(shade), (0, 0), level)
    image.paste(part, box)


def shine(image: Picture, mask: Picture, shade: Colour, spread: int, amount: float = 0.8) -> None:
    """Let *mask* shine: a bright core and a wide halo in *shade*, which extends beyond the silhouette."""
    inner = mask.getbbox()
    if inner is None:
        return
    room = 2 * spread
    box = (
        max(0, inner[0] - room),
        max(0, inner[1] - room),
        min(mask.width, inner[2] + room),
        min(mask.height, inner[3] + room),
    )
    part, core = image.crop(box), mask.crop(box)
    halo = ImageChops.add(soften(core, spread), soften(core, max(2, spread // 4)), 1.6)
    halo = halo.point([round(min(255, i * amount)) for i in range(256)])
    alpha = ImageChops.lighter(part.getchannel("A"), halo) if image.mode == "RGBA" else None
    hot: Colour = tuple(0.28 + 0.72 * level for level in shade)  # type: ignore[assignment]
    part.paste(to_bytes(shade), (0, 0), halo if alpha is None else _halo_share(halo, alpha))
    part.paste(to_bytes(hot), (0, 0), soften(core, 2))
    if alpha is not None:
        part.putalpha(alpha)
    image.paste(part, box)


def _halo_share(halo: Picture, alpha: Picture) -> Picture:
    """Return the share of the halo in the colour under *alpha*."""
    top = np.asarray(halo, dtype=np.float32)
    under = np.maximum(np.asarray(alpha, dtype=np.float32), 1)
    return Image.fromarray(np.minimum(255, top * 255 / under).astype(np.uint8))


def draw_reflection(image: Picture, canvas: LayerArea, base: float, fade: float, amount: float = 0.5) -> None:
    """Draw the reflection of the part above *base* below it, fading out over *fade* stage units."""
    line = round((base - canvas.top) * canvas.scale)
    room = min(image.height - line, line, round(fade * canvas.scale))
    if room < 2:
        return
    above = image.crop((0, line - room, image.width, line)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    falling = Image.linear_gradient("L").transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((image.width, room))
    weak = ImageChops.multiply(above.getchannel("A"), falling).point([round(i * amount) for i in range(256)])
    above.putalpha(weak)
    under = image.crop((0, line, image.width, line + room))
    above.alpha_composite(under)
    image.paste(above, (0, line))
