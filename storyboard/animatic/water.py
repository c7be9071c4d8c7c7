"""Water and wet ground: a mirrored picture that ripples and glints, in perspective."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from storyboard.animatic import brush, noise
from storyboard.animatic.camera import Window
from storyboard.animatic.layers import STRIP, Area, Layer, LayerArea, VisibleSpans
from storyboard.animatic.palette import Colour, mix, to_bytes
from storyboard.animatic.planes import Picture, Sheet, to_ycbcr
from storyboard.animatic.world import Moment, World

DEPTH = 0.5
_HALF = 120  # one field of ripples has levels from 0 to twice this
_LEVELS = 4 * _HALF + 1  # the levels of the sum of two fields


class Water:
    """Reflecting surface from the horizon down.

    Each pixel is fetched from a mirror picture, displaced by two moving fields of ripples; at their crests it is
    fetched from a brighter copy. Two neighbouring pixels share a displacement.
    """

    def __init__(
        self,
        world: World,
        mirrored: Sequence[tuple[Layer, float]],
        *,
        body: Colour | None = None,
        clear: float = 0.8,
        chop: float = 1.0,
        glint: float = 1.0,
        speed: float = 1.0,
        smear: float = 0.0,
    ) -> None:
        """Paint the mirror picture and the ripples.

        *mirrored* are the reflected layers, from the back to the front, each with the height of its foot; *clear* is
        the share of the mirror picture, *chop* the displacement by ripples, *glint* the number of shining crests,
        *smear* the downward blur of the mirror (stage units), as on wet asphalt.
        """
        self._world = world
        self._speed = speed
        self._chop = chop
        full = world.canvas(DEPTH, top=world.horizon)
        self._canvas = LayerArea(full.left, world.horizon, full.right, full.bottom + 0.05, world.height * 1.25)
        shade = mix(world.palette.haze, world.palette.dark, 0.62) if body is None else body
        calm = self._calm(mirrored, shade, clear, smear)
        bright = self._bright(calm, glint)
        self._width, self._rows = calm.size
        pixels = np.concatenate([np.asarray(to_ycbcr(picture)) for picture in (calm, bright)])
        self._luma = np.ascontiguousarray(pixels[..., 0]).ravel()
        self._tones = np.ascontiguousarray(pixels[..., 1:]).view(np.uint16).ravel()
        self._fields = self._ripples()
        self._threshold = int(_HALF * 4 * (0.77 - 0.06 * min(glint, 2.0)))

    def _calm(self, mirrored: Sequence[tuple[Layer, float]], shade: Colour, clear: float, smear: float) -> Picture:
        canvas, horizon = self._canvas, self._world.horizon
        depth = canvas.bottom - horizon
        above = LayerArea(canvas.left, horizon - depth, canvas.right, horizon, canvas.scale / 2)
        flat = Image.new("RGB", above.size, to_bytes(self._world.palette.sky[0]))
        for layer, foot in mirrored:
            layer.stamp(flat, (above.left, above.top, above.right, above.bottom), (0.0, -2 * (foot - horizon)))
        flat = ImageOps.flip(flat)
        if smear:
            squeezed = flat.resize(
                (flat.width, max(2, round(flat.height / (smear * canvas.scale)))), Image.Resampling.BOX
            )
            flat = Image.blend(flat, squeezed.resize(flat.size, Image.Resampling.BICUBIC), 0.8)
        flat = flat.resize(canvas.size, Image.Resampling.BICUBIC)
        step = 8
        x, y = canvas.grid(step)
        down = (y - horizon) / max(depth, 1e-6)
        part = np.clip(1 - clear + 0.42 * down**0.8, 0, 1) + 0 * x
        mask = brush.enlarge_coarse(Image.fromarray((part * 255).astype(np.uint8)), canvas)
        deep = brush.shading(
            canvas, shade, self._world.palette.dark, [(horizon, horizon + depth, 0.7)], rng=self._world.rng_for("deep")
        )
        flat.paste(deep, (0, 0), mask)
        return flat

    def _bright(self, calm: Picture, glint: float) -> Picture:
        """Return the copy for crests: the light's colour in a path below it, the sky's elsewhere."""
        light, canvas = self._world.light, self._canvas
        x, y = canvas.grid(8)
        down = y - self._world.horizon
        width = 0.05 + 0.32 * down
        path = np.exp(-(((x - light.x) / width) ** 2)) * light.strength
        part = np.clip((0.09 + 0.91 * path) * min(1.0, glint), 0, 0.95)
        mask = brush.enlarge_coarse(Image.fromarray((part * 255).astype(np.uint8)), canvas)
        bright = calm.copy()
        bright.paste(to_bytes(mix(light.colour, self._world.palette.sky[-1], 0.25)), (0, 0), mask)
        return bright

    def _ripples(self) -> list[npt.NDArray[np.int32]]:
        """Return two fields in perspective, one row for each frame row below the horizon, wide enough to be moved.

        The first has the place of its row in the table of ``_throws`` added.
        """
        unit = self._world.height
        rows = round(unit * (1.15 - self._world.horizon * 0.5))
        columns = round(self._world.width * 1.5) + 8
        down = (np.arange(0, rows, 2, dtype=np.float32) + 1)[:, None] / unit
        across = np.arange(0, columns, 2, dtype=np.float32)[None, :] / unit - self._world.aspect * 0.75
        near = 1 / (down + 0.045)
        fields = []
        for number in (0, 1):
            rng = self._world.rng_for(f"ripples {number}")
            field = np.zeros((down.shape[0], across.shape[1]), dtype=np.float32)
            for scale, weight in ((1.0, 1.0), (2.3, 0.6)):
                field += weight * _sample_noise(rng, across * near * 2.2 * scale, near * 6.5 * scale + 0 * across)
            levels = np.asarray(np.clip(field / 1.6, 0, 1) * _HALF * 2, dtype=np.uint8)
            whole = np.asarray(Image.fromarray(levels).resize((columns, rows), Image.Resampling.BILINEAR))
            fields.append(np.pad(whole, ((0, max(0, unit - rows)), (0, 0)), mode="edge").astype(np.int32))
        fields[0] += np.arange(len(fields[0]))[:, None] * _LEVELS
        return fields

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Fetch every pixel below the horizon."""
        self.plan_draw(VisibleSpans(sheet.width, sheet.height), moment)(sheet)

    def plan_draw(self, cover: VisibleSpans, moment: Moment) -> Callable[[Sheet], None]:
        """Return a function that fetches the visible pixels below the horizon, and hide them in *cover*."""
        window = moment.window(DEPTH)
        step = (window[3] - window[1]) / cover.height
        first = max(0, math.ceil((self._world.horizon - window[1]) / step))
        area = cover.visible_area(first) if first < cover.height else None
        if area is None:
            return lambda sheet: None
        for row in range(-(-first // STRIP) * STRIP, cover.height, STRIP):
            cover.hide(row, 0, cover.width)
        return lambda sheet: self._fetch(sheet, moment, window, first, area)

    def _fetch(self, sheet: Sheet, moment: Moment, window: Window, first: int, area: Area) -> None:
        """Fill *area* of the sheet; *first* is the row of the horizon. Every fourth pixel gives the colour of four."""
        left, top, right, bottom = area
        index = self._crests(moment, window[0], sheet.width, (left, top - first, right, bottom - first))
        y = window[1] + (np.arange(top, bottom) + 0.5) * (window[3] - window[1]) / sheet.height - self._world.horizon
        x = window[0] + (np.arange(left, right) + 0.5) * (window[2] - window[0]) / sheet.width - self._canvas.left
        columns = np.clip(x * self._canvas.scale, 0, self._width - 1).astype(np.intp)
        begins = np.take(self._throws(y), index, mode="clip")
        luma = np.empty((bottom - top, right - left), np.uint8)
        for side in (0, 1):
            part = columns[side::2]
            places = begins[:, : len(part)] + part
            luma[:, side::2] = np.take(self._luma, places, mode="clip")
            if side == left % 2:
                tones = np.take(self._tones, places[top % 2 :: 2], mode="clip")
        blue, red = np.moveaxis(tones.view(np.uint8).reshape(*tones.shape, 2), -1, 0)
        for plane, levels, at in zip(sheet.planes, (luma, blue, red), (1, 2, 2), strict=True):
            if levels.size:
                plane.paste(Image.fromarray(np.ascontiguousarray(levels)), (-(-left // at), -(-top // at)))

    def _throws(self, y: noise.Array) -> npt.NDArray[np.intp]:
        """Return the place of the pixels at the distances *y* below the horizon, for every level of the ripples."""
        throw = ((0.003 + 0.055 * y) * self._chop * self._canvas.scale / (2 * _HALF)).astype(np.float32)
        level = np.arange(_LEVELS, dtype=np.float32) - 2 * _HALF
        rows = (level * throw[:, None] + (y * self._canvas.scale).astype(np.float32)[:, None]).astype(np.int32)
        np.clip(rows, 0, self._rows - 1, out=rows)
        rows[:, self._threshold + 1 :] += self._rows
        return np.asarray(rows * self._width, dtype=np.intp).ravel()

    def _crests(self, moment: Moment, left: float, width: int, area: Area) -> npt.NDArray[np.int32]:
        """Return the levels of the ripples in *area* (rows from the horizon), as places in the table."""
        moved = (moment.seconds * 0.045 * self._speed, -moment.seconds * 0.035 * self._speed)
        parts = []
        for field, way in zip(self._fields, moved, strict=True):
            spare = field.shape[1] - width
            at = round((left + self._world.aspect / 2 + way) * self._world.height + spare / 2) % max(1, 2 * spare)
            at = at if at <= spare else 2 * spare - at
            parts.append(field[area[1] : area[3], at + area[0] : at + area[2] : 2])
        return np.asarray(parts[0] + parts[1] - area[1] * _LEVELS)


def _sample_noise(rng: np.random.Generator, x: noise.Array, y: noise.Array) -> noise.Array:
    """Return smooth noise from 0 to 1 at the places (x, y); the lattice repeats after 128."""
    lattice = rng.random((128, 128)).astype(np.float32)
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = x - x0, y - y0
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    i, j = x0.astype(np.int64) & 127, y0.astype(np.int64) & 127
    right, below = (i + 1) & 127, (j + 1) & 127
    top = lattice[j, i] * (1 - fx) + lattice[j, right] * fx
    bottom = lattice[below, i] * (1 - fx) + lattice[below, right] * fx
    return np.asarray(top * (1 - fy) + bottom * fy)
