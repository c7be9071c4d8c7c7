"""Palettes: one for every mood, adjusted by the setting, by colours in the prompt and by the seed.

A colour is red, green and blue from 0 to 1, as displayed on a screen.
"""

import colorsys
from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from storyboard.animatic.prompt import COLOURS, Reading

Colour = tuple[float, float, float]
# The colour of each setting, and its share in haze, leaf and ground.
_SETTING_TINTS: Mapping[str, tuple[str, float]] = {
    "forest": ("#4a9460", 0.48), "river": ("#2c8073", 0.16), "temple": ("#6b8a58", 0.18), "desert": ("#e59a54", 0.34),
    "underwater": ("#0f7f9c", 0.75), "field": ("#b9b45a", 0.16), "sea": ("#2f7fa6", 0.16), "space": ("#3a2f7a", 0.35),
}  # fmt: skip

_AUTUMN = "#e08a3c"
_DEFAULT_MOODS = {
    "street": ("dusk", "night", "neon"),
    "skyline": ("dusk", "night", "dawn"),
    "interior": ("warm", "dawn", "dusk"),
    "space": ("night", "neon"),
    "underwater": ("day", "night"),
    "desert": ("noon", "dusk", "dawn"),
    "mountain": ("dawn", "day", "dusk"),
}


class Palette(Struct, frozen=True):
    """The colours of one clip.

    ``sky`` runs from the top to the horizon; ``haze`` is the colour of distance, ``dark`` the colour of near things;
    ``light`` comes from sun, moon or lamp; ``accent`` is for things that shine themselves; ``night`` means that lamps
    are lit, ``veiled`` that clouds hide the sun.
    """

    sky: tuple[Colour, ...]
    haze: Colour
    dark: Colour
    light: Colour
    accent: Colour
    leaf: Colour
    ground: Colour
    night: bool = False
    veiled: bool = False


def parse_colour(text: str) -> Colour:
    """Parse ``#rrggbb``."""
    return tuple(int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))  # type: ignore[return-value]


def mix(first: Colour, second: Colour, part: float) -> Colour:
    """Return *first* where *part* is 0, *second* where it is 1."""
    return tuple(a + (b - a) * part for a, b in zip(first, second, strict=True))  # type: ignore[return-value]


def adjust(base: Colour, hue: float = 0.0, saturation: float = 1.0, value: float = 1.0) -> Colour:
    """Return *base* with its hue turned (in degrees) and its saturation and value scaled."""
    h, s, v = colorsys.rgb_to_hsv(*base)
    return colorsys.hsv_to_rgb((h + hue / 360) % 1, min(1, s * saturation), min(1, v * value))


def to_bytes(shade: Colour) -> tuple[int, int, int]:
    """Return a colour for Pillow: three numbers from 0 to 255."""
    return tuple(max(0, min(255, round(part * 255))) for part in shade)  # type: ignore[return-value]


def _palette(sky: str, near: str, night: bool = False, veiled: bool = False) -> Palette:
    stops = tuple(parse_colour(stop) for stop in sky.split())
    haze, dark, light, accent, leaf, ground = (parse_colour(shade) for shade in near.split())
    return Palette(stops, haze, dark, light, accent, leaf, ground, night=night, veiled=veiled)


# Top to horizon; haze, dark, light, accent, leaf, ground.
MOODS: Mapping[str, Palette] = {
    "night": _palette("#050918 #0b1a3a #173a5e #2f6f86", "#2b6279 #030710 #d9ecff #45e0ff #0b3038 #101c2c", night=True),
    "neon": _palette("#0a0620 #1d0d47 #56177a #d23a8c", "#5b2a86 #06030f #ff7ac0 #23e5ff #18243f #120a22", night=True),
    "dawn": _palette("#33457a #8a6c9c #eb9b86 #ffe0ac", "#eeb29a #221a33 #fff1cf #ffd27a #4d4a63 #6a4656"),
    "dusk": _palette("#231f55 #7b3a80 #e2605d #ffc071", "#c8697a #170e26 #ffe2a6 #ffb347 #4a2350 #5a2440"),
    "day": _palette("#3f86c9 #78b5e2 #b5dcec #eaf5ee", "#bcdbe0 #17363a #fffbe6 #ffd166 #3a7550 #7d8f5c"),
    "noon": _palette("#3d8fcb #7cbbe0 #cfe3dc #fbeac6", "#f2d7ab #4a2417 #fff9e0 #ffd98a #5c6b3a #c98a4b"),
    "overcast": _palette(
        "#4c5c68 #71838e #9fadb3 #ccd3d3", "#aab7ba #161f25 #eef2ee #ffd9a0 #33493f #4b5350", veiled=True
    ),
    "storm": _palette(
        "#1b222d #323e4b #57656e #92998f", "#65737a #0b1016 #dfe8e4 #bfe3ff #1f3330 #2b3338", veiled=True
    ),
    "winter": _palette("#6b8fb4 #9cb9d2 #cbdbe6 #f3f3ee", "#d0dee7 #1c2e40 #ffffff #ffd9a0 #3d5a62 #e7eef3"),
    "warm": _palette("#2a1712 #5a2f1d #a5602f #f0b264", "#b87844 #150a07 #ffdf9e #ffb347 #4f4a26 #5b331d"),
}


def palette_for(reading: Reading, setting: str, rng: np.random.Generator) -> Palette:
    """Return the palette of one clip; the seed chooses the time of day if the prompt names none."""
    unsaid = _DEFAULT_MOODS.get(setting, ("dawn", "day", "dusk"))
    mood = reading.mood or unsaid[int(rng.integers(len(unsaid)))]
    if mood == "warm" and setting != "interior":
        mood = "dusk"
    base = _shift_hue(MOODS[mood], float(rng.uniform(-14, 14)), float(rng.uniform(0.9, 1.12)))
    if setting in _SETTING_TINTS and (mood != "winter" or setting in ("underwater", "space")):
        tint, amount = _SETTING_TINTS[setting]
        tint = _AUTUMN if reading.has("autumn") and setting in ("forest", "field", "river") else tint
        amount *= 0.7 if mood in ("dawn", "dusk") and setting != "underwater" else 1.0
        base = _apply_tint(base, parse_colour(tint), amount)
    if reading.has("autumn"):
        base = replace(base, leaf=mix(base.leaf, (0.78, 0.36, 0.10), 0.75))
    return _apply_named_colours(base, reading.colours)


def _shift_hue(base: Palette, hue: float, saturation: float) -> Palette:
    def turn(shade: Colour) -> Colour:
        return adjust(shade, hue, saturation)

    return replace(
        base,
        sky=tuple(turn(stop) for stop in base.sky),
        haze=turn(base.haze),
        dark=turn(base.dark),
        leaf=turn(base.leaf),
        ground=turn(base.ground),
        accent=adjust(base.accent, hue * 0.8),
    )


def _match_brightness(shade: Colour, like: Colour) -> Colour:
    """Return *shade* with the brightness of *like*."""
    weights = (0.299, 0.587, 0.114)
    has = sum(w * c for w, c in zip(weights, shade, strict=True))
    wants = sum(w * c for w, c in zip(weights, like, strict=True))
    factor = wants / max(has, 0.01)
    return tuple(min(1.0, part * factor) for part in shade)  # type: ignore[return-value]


def _apply_tint(base: Palette, tint: Colour, amount: float) -> Palette:
    def pull(shade: Colour, share: float = 1.0) -> Colour:
        return mix(shade, _match_brightness(tint, shade), amount * share)

    return replace(
        base,
        sky=tuple(pull(stop, 0.35 + 0.4 * i / len(base.sky)) for i, stop in enumerate(base.sky)),
        haze=pull(base.haze),
        dark=pull(base.dark, 0.7),
        leaf=pull(base.leaf),
        ground=pull(base.ground, 1.4 if amount < 0.7 else 1.0),
    )


def _apply_named_colours(base: Palette, names: tuple[str, ...]) -> Palette:
    """Apply the colours that the prompt names.

    Things that shine get the first colour, the light the second, and the air some of both.
    """
    if not names:
        return base
    first = parse_colour(COLOURS[names[0]])
    second = parse_colour(COLOURS[names[1]]) if len(names) > 1 else first
    tinted = replace(_apply_tint(base, first, 0.16), leaf=base.leaf, ground=base.ground)
    accent = mix(adjust(first, value=1.2), (1.0, 1.0, 1.0), 0.12)
    return replace(tinted, accent=accent, light=mix(base.light, second, 0.22))
