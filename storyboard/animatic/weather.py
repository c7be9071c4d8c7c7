"""Weather and light: motes, rain, snow, petals, embers, fog, steam, lightning, and lamps."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from PIL import Image

from storyboard.animatic import brush, noise
from storyboard.animatic.layers import DETAIL, Layer, LayerArea
from storyboard.animatic.palette import Colour, mix, to_bytes
from storyboard.animatic.planes import Picture, Sheet, Sprite, plane_levels
from storyboard.animatic.world import Element, Moment, Plane, World


class MoteMotion(Struct, frozen=True):
    """The motion of motes: ``velocity`` and ``wander`` in stage units (a second), ``pulse`` in seconds, 0 for none.

    ``top`` and ``bottom`` bound them on the stage; ``depth`` from far to near sets speed and size.
    """

    velocity: tuple[float, float]
    wander: float = 0.0
    pulse: float = 0.0
    top: float = -0.05
    bottom: float = 1.05
    depth: tuple[float, float] = (0.3, 1.0)


class Motes:
    """Many small things that drift through the picture and re-enter on the other side."""

    def __init__(self, world: World, name: str, count: int, sprites: Sequence[Picture], drift: MoteMotion) -> None:
        """Place the motes; *sprites* go from far to near if *drift* has no pulse, else from dim to bright."""
        rng = world.rng_for(name)
        self._world, self._drift, self._sprites = world, drift, [Sprite(image) for image in sprites]
        total = max(1, round(count * min(1.2, 0.35 + 0.4 * world.aspect)))
        self._x, self._y, self._phase = rng.random(total), rng.random(total), rng.random(total)
        self._depth = np.sort(rng.uniform(*drift.depth, total))

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Paste every mote at its present place."""
        drift, unit = self._drift, sheet.height
        near = 0.35 + 0.65 * self._depth
        left, top, right, _ = moment.window(0.6)
        width, height = self._world.aspect * 1.16, drift.bottom - drift.top
        swing = 2 * np.pi * (self._phase + moment.seconds * (0.11 + 0.1 * self._phase))
        x = self._x * width + drift.velocity[0] * near * moment.seconds + drift.wander * np.sin(swing)
        y = self._y * height + drift.velocity[1] * near * moment.seconds + drift.wander * 0.7 * np.cos(swing * 1.3)
        zoom = self._world.aspect / (right - left)
        x = ((x - left * near * 0.8) % width - width / 2) * zoom + self._world.aspect / 2
        y = (y % height + drift.top - top * near * 0.8) * zoom
        shown = round(len(x) * moment.presence)
        for px, py, sprite in list(zip(x * unit, y * unit, self._pick_sprites(moment), strict=True))[:shown]:
            sprite.paste(sheet, px, py)

    def _pick_sprites(self, moment: Moment) -> list[Sprite]:
        last = len(self._sprites) - 1
        if self._drift.pulse:
            beat = 0.5 + 0.5 * np.sin(
                2 * np.pi * (moment.seconds / self._drift.pulse * (0.7 + 0.6 * self._phase) + 7 * self._phase)
            )
            picks = beat * last
        else:
            low, high = self._drift.depth
            picks = (self._depth - low) / max(1e-6, high - low) * last
        return [self._sprites[round(float(pick))] for pick in picks]


class Plume:
    """Puffs that rise from one place, grow and fade: steam and smoke."""

    def __init__(
        self, world: World, place: tuple[float, float], depth: float, shade: Colour, size: float, amount: float = 0.5
    ) -> None:
        self._place, self._depth, self._size = place, depth, size
        rng = world.rng_for(f"plume {place}")
        self._life = 4.2
        self._phase = np.arange(9) / 9 + rng.uniform(-0.03, 0.03, 9)
        self._lean = rng.uniform(-1, 1, 9)
        steps = 14
        self._puffs = []
        for step in range(steps):
            age = step / (steps - 1)
            alpha = amount * min(1.0, age * 5) * (1 - age) ** 1.4
            self._puffs.append(Sprite(dot(world.height * size * (0.16 + 0.5 * age), shade, alpha, soft=1.5)))

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Paste the puffs in the order of their age."""
        window = moment.window(self._depth)
        scale = sheet.height / (window[3] - window[1])
        ages = (moment.seconds / self._life + self._phase) % 1
        for age, lean in sorted(zip(ages.tolist(), self._lean.tolist(), strict=True)):
            sprite = self._puffs[min(len(self._puffs) - 1, int(age * len(self._puffs)))]
            curl = np.sin(age * 5.5 + lean * 2 + moment.seconds * 0.5) * 0.16 * age + lean * 0.12 * age
            x = (self._place[0] + curl * self._size - window[0]) * scale
            y = (self._place[1] - age * self._size * 1.9 - window[1]) * scale
            sprite.paste(sheet, x, y)


class Lamp:
    """A light at one place that pulses or flickers."""

    def __init__(
        self,
        world: World,
        place: tuple[float, float],
        depth: float,
        shade: Colour,
        radius: float,
        flicker: float = 0.25,
        amount: float = 0.6,
    ) -> None:
        self._place, self._depth, self._flicker = place, depth, flicker
        self._phase = float(world.rng_for(f"lamp {place}").random() * 9)
        steps = (amount * (0.62 + 0.38 * i / 7) for i in range(8))
        self._sprites = [Sprite(dot(world.height * radius, shade, step, soft=2.2)) for step in steps]

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Paste the light at its present strength."""
        t = moment.seconds * (0.5 + 6 * self._flicker) + self._phase
        beat = 0.5 + 0.3 * np.sin(t) + 0.2 * np.sin(2.7 * t + 1)
        sprite = self._sprites[round(float(beat) * 7)]
        window = moment.window(self._depth)
        scale = sheet.height / (window[3] - window[1])
        x, y = (self._place[0] - window[0]) * scale, (self._place[1] - window[1]) * scale
        sprite.paste(sheet, x, y)


class Lightning:
    """Double flashes of the sky, every few seconds."""

    def __init__(self, world: World) -> None:
        self._offset = float(world.rng_for("lightning").uniform(0.8, 2.2))
        self._levels = plane_levels(mix(world.palette.light, (1.0, 1.0, 1.0), 0.5))

    def draw(self, sheet: Sheet, moment: Moment) -> None:
        """Brighten the sheet during a flash."""
        age = (moment.seconds - self._offset) % 3.7
        flash = max(0.0, 1 - age / 0.16) + 0.7 * max(0.0, 1 - abs(age - 0.3) / 0.12)
        if flash > 0.03 and moment.seconds > self._offset:
            for plane, level in zip(sheet.planes, self._levels, strict=True):
                veil = Image.new("L", plane.size, round(255 * min(0.4, 0.34 * flash)))
                plane.paste(level, (0, 0, *plane.size), veil)


def dot(diameter: float, shade: Colour, amount: float, soft: float = 1.8) -> Picture:
    """Return a round light *diameter* frame pixels wide, brightest in the middle, as RGBA."""
    side = max(2, round(diameter))
    reach = np.linspace(-1, 1, side)
    distance = np.hypot(reach[:, None], reach[None, :])
    alpha = np.clip(1 - distance, 0, 1) ** soft * amount * 255
    image = Image.new("RGB", (side, side), to_bytes(shade))
    image.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return image


def spark(diameter: float, shade: Colour, amount: float) -> Picture:
    """Return a dot with a bright core."""
    image = dot(diameter, shade, amount * 0.55, 2.4)
    core = dot(diameter * 0.32, mix(shade, (1.0, 1.0, 1.0), 0.7), amount, 0.8)
    at = (image.width - core.width) // 2
    image.alpha_composite(core, (at, at))
    return image


def streak(length: float, width: float, slant: float, shade: Colour, amount: float) -> Picture:
    """Return a drop of rain with motion blur."""
    high, wide = max(3, round(length)), max(3, round(width + abs(slant) * length + 2))
    y, x = np.mgrid[0:high, 0:wide]
    middle = wide / 2 + slant * (y - high / 2)
    alpha = np.clip(1 - np.abs(x - middle) / max(1.0, width), 0, 1) * np.sin(np.pi * (y + 0.5) / high) ** 0.7
    image = Image.new("RGB", (wide, high), to_bytes(shade))
    image.putalpha(Image.fromarray((alpha * amount * 255).astype(np.uint8)))
    return image


def fog(world: World, depth: float, middle: float, thick: float, amount: float, shade: Colour | None = None) -> Element:
    """Return a bank of mist around the height *middle* that drifts sideways."""
    canvas = world.canvas(depth, middle - thick * 1.6, middle + thick * 1.6, detail=1)
    room = 0.03 * world.seconds + 0.05
    wide = LayerArea(canvas.left - room, canvas.top, canvas.right + room, canvas.bottom, canvas.scale)
    x, y = wide.grid(6)
    rng = world.rng_for(f"fog {depth:.2f} {middle:.2f}")
    form = noise.clouds(rng, x.shape[1], y.shape[0], (2.2 * (wide.right - wide.left), 3.0), 4, 0.5)
    band = np.exp(-(((y - middle) / (thick * 0.72)) ** 2))
    alpha = np.clip(band * (0.35 + 0.85 * form), 0, 1) * noise.smoothstep(1.6, 1.1, np.abs(y - middle) / thick) * amount
    mask = Image.fromarray((np.clip(alpha, 0, 1) * 255).astype(np.uint8)).resize(wide.size, Image.Resampling.BICUBIC)
    way = (1 if rng.random() < 0.5 else -1) * (0.008 + 0.02 * depth)
    return Plane(Layer(wide, depth, mask, world.palette.haze if shade is None else shade), drift=(way, 0.0))


def weather_elements(world: World, outdoors: bool = True) -> list[Element]:
    """Return everything in the air that the prompt names, from the back to the front; indoors there is no weather."""
    found = _outdoor_elements(world) if outdoors else []
    reading, palette, unit = world.reading, world.palette, world.height
    if reading.has("fire"):
        embers = [spark(unit * (0.008 + 0.012 * i / 4), (1.0, 0.55, 0.16), 0.5 + 0.12 * i) for i in range(5)]
        found.append(Motes(world, "embers", 46, embers, MoteMotion((0.02, -0.10), wander=0.03, pulse=1.6)))
    if reading.has("glow"):
        lights = [spark(unit * (0.012 + 0.022 * i / 5), palette.accent, 0.1 + 0.17 * i) for i in range(6)]
        found.append(
            Motes(world, "glow", 44, lights, MoteMotion((0.006, -0.014), 0.035, 3.2, world.horizon - 0.28, 1.02))
        )
    if not found or reading.has("dust", "rays"):
        pale = mix(palette.light, (1.0, 1.0, 1.0), 0.3)
        specks = [dot(unit * (0.004 + 0.005 * i / 3), pale, 0.14 + 0.1 * i, 1.0) for i in range(4)]
        found.append(Motes(world, "dust", 40, specks, MoteMotion((0.012, -0.006), 0.03, 4.0)))
    return found


def _outdoor_elements(world: World) -> list[Element]:
    found: list[Element] = []
    reading, palette, unit = world.reading, world.palette, world.height
    white = mix(palette.light, (1.0, 1.0, 1.0), 0.5)
    if reading.has("fog"):
        found.append(fog(world, 0.9, world.horizon + 0.16, 0.2, 0.62))
    if reading.has("rain"):
        shade = mix(palette.haze, white, 0.6)
        steps = [(unit * (0.035 + 0.015 * i), 0.8 + unit * 0.0003 * i, 0.22 + 0.07 * i) for i in range(5)]
        drops = [streak(length, width, -0.12, shade, amount) for length, width, amount in steps]
        found.append(Motes(world, "rain", 130, drops, MoteMotion((-0.16, 1.55))))
    if reading.has("snow"):
        flakes = [dot(unit * (0.005 + 0.0035 * i * i / 3), white, 0.85, 0.9) for i in range(5)]
        found.append(Motes(world, "snow", 150, flakes, MoteMotion((0.03, 0.13), wander=0.025)))
    if reading.has("flowers", "leaves"):
        tone = palette.accent if reading.has("flowers") else (0.86, 0.45, 0.16)
        found.append(Motes(world, "petals", 34, _petals(unit, tone), MoteMotion((0.09, 0.07), wander=0.05)))
    if reading.has("lightning"):
        found.append(Lightning(world))
    return found


def _petals(unit: int, shade: Colour) -> list[Picture]:
    sprites = []
    for number in range(6):
        side = unit * (0.010 + 0.003 * number)
        canvas = LayerArea(0, 0, 1, 1, max(4, side * DETAIL))
        stencil = brush.Stencil(canvas)
        stencil.disc(0.5, 0.5, 0.38, 0.5)
        paint = Image.new("RGB", canvas.size, to_bytes(mix(shade, (1.0, 1.0, 1.0), 0.06 * number)))
        paint.putalpha(stencil.soft_mask().point([round(i * 0.9) for i in range(256)]))
        turned = paint.rotate(number * 31, Image.Resampling.BICUBIC)
        sprites.append(turned.resize((max(2, round(side)),) * 2, Image.Resampling.BOX))
    return sprites
