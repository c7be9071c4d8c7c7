"""Repeatable noise: random generators seeded from text, and smooth noise in one and two dimensions."""

import hashlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float64]


def make_rng(*parts: object) -> np.random.Generator:
    """Return a generator that depends on *parts* only, in every process."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def rng_factory(prompt: str, seed: int) -> Callable[[str], np.random.Generator]:
    """Return a function that makes a generator by purpose, for one prompt and seed."""
    return lambda purpose: make_rng("animatic", prompt, seed, purpose)


def _lattice(rng: np.random.Generator, x: Array, frequency: float) -> Array:
    place = (x - x.min()) * frequency + rng.random()
    values = rng.uniform(-1, 1, int(place.max()) + 2)
    whole = place.astype(np.int64)
    part = place - whole
    blend = part * part * (3 - 2 * part)
    mixed: Array = values[whole] * (1 - blend) + values[whole + 1] * blend
    return mixed


def ridge(
    rng: np.random.Generator, x: Array, frequency: float, octaves: int = 5, gain: float = 0.5, sharp: float = 0.0
) -> Array:
    """Return heights for the ascending places *x*, about -1 to 1; *frequency* is bumps a unit.

    *sharp* from 0 to 1 folds the noise, so that hills become peaks.
    """
    total = np.zeros_like(x)
    weight = 1.0
    scale = 0.0
    for octave in range(octaves):
        layer = _lattice(rng, x, frequency * 2.03**octave)
        total += weight * ((1 - sharp) * layer + sharp * (1 - 2 * np.abs(layer)))
        scale += weight
        weight *= gain
    return np.asarray(total / scale * 1.4)


def clouds(
    rng: np.random.Generator, width: int, height: int, cells: tuple[float, float], octaves: int = 4, gain: float = 0.55
) -> Array:
    """Return smooth noise, shape (height, width), 0 to 1; *cells* are the largest blobs across and down."""
    total = np.zeros((height, width))
    for octave in range(octaves):
        across = max(2, round(cells[0] * 2**octave)) + 1
        down = max(2, round(cells[1] * 2**octave)) + 1
        if across > 2 * width and down > 2 * height:
            break
        grid = Image.fromarray(rng.random((down, across), dtype=np.float32))
        total += gain**octave * np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC))
    low, high = total.min(), total.max()
    return np.asarray((total - low) / max(high - low, 1e-9))


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Return 0 below *low*, 1 above *high*, eased between; *low* may be the larger one."""
    part = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part))
