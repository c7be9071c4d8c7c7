"""Black and frozen stretches, found during validation."""

from fractions import Fraction

import numpy as np
import pytest

from storyboard.core.model import Size
from storyboard.media import quality_scan
from storyboard.media.frames import first_frame_distance
from storyboard.media.probe import validate_clip
from tests.media.clips import FILM, MIDDLE, make, numbered
from tests.media.test_footage import bars, write

BLACK = np.zeros((180, 320, 3), np.uint8)


def moving(number: int) -> np.ndarray:
    """A chart with a small boat on it."""
    picture = bars(MIDDLE).copy()
    picture[80:100, 20 + number : 40 + number] = 255
    return picture


HOWS = {
    "plain": {},
    "10 bits": {"pix_fmt": "yuv420p10le"},
    "full range": {"pix_fmt": "yuvj420p", "full_range": True},
    "with B-frames": {"b_frames": 2},
    "RGB": {"codec": "libx264rgb", "pix_fmt": "rgb24"},
}


@pytest.mark.parametrize("name", HOWS)
def test_stretches_are_found_to_the_frame(tmp_path, name):
    pictures = [
        *(moving(number) for number in range(24)),
        *[BLACK] * 36,
        *(moving(number) for number in range(12)),
        *[moving(99)] * 60,
        *(moving(number) for number in range(12)),
    ]
    info = validate_clip(make(tmp_path / "clip.mp4", pictures, size=MIDDLE, matrix=1, **HOWS[name]))
    assert info.black == ((1.0, 2.5),)
    assert info.frozen == ((3.0, 5.5),)


def test_what_ends_with_the_clip_is_told_to_its_end(tmp_path):
    info = validate_clip(make(tmp_path / "end.mp4", [*(moving(n) for n in range(12)), *[BLACK] * 30], size=MIDDLE))
    assert info.black == ((0.5, 1.75),)
    assert info.frozen == ()
    still = validate_clip(make(tmp_path / "still.mp4", [moving(5)] * 60, size=MIDDLE))
    assert (still.black, still.frozen) == ((), ((0.0, 2.5),))


def test_times_count_where_the_rate_varies(tmp_path):
    times = [*range(12), *range(12, 132, 10), *range(132, 140)]
    pictures = [*(moving(n) for n in range(12)), *[BLACK] * 12, *(moving(n) for n in range(8))]
    info = validate_clip(make(tmp_path / "vary.mp4", pictures, size=MIDDLE, times=times))
    assert info.black == ((0.5, 5.5),)


@pytest.mark.parametrize("change", ["boat", "slow fade", "night", "short black", "short still", "noise"])
def test_what_only_looks_like_it_is_not_told(tmp_path, change):
    noise = np.random.default_rng(4)
    pictures = {
        "boat": lambda n: moving(n // 4),
        "slow fade": lambda n: (bars(MIDDLE).astype(float) * (1 - n / 200)).astype(np.uint8),
        "night": lambda n: numbered(n, MIDDLE) // 6,
        "short black": lambda n: BLACK if 20 <= n < 40 else moving(n),
        "short still": lambda n: moving(20) if 20 <= n < 60 else moving(n),
        "noise": lambda n: BLACK + 70 + noise.integers(0, 12, BLACK.shape, dtype=np.uint8),
    }
    clip = make(tmp_path / "clip.mp4", map(pictures[change], range(96)), size=MIDDLE, gop=24)
    info = validate_clip(clip)
    assert (info.black, info.frozen) == ((), ())


def test_distance_is_small_for_the_same_picture_and_large_for_another(tmp_path):
    import io

    from PIL import Image

    def png(picture: np.ndarray) -> bytes:
        data = io.BytesIO()
        Image.fromarray(picture).save(data, "PNG")
        return data.getvalue()

    clip = write(tmp_path / "clip.mp4", bars(MIDDLE), "libx264", "yuv420p")
    same, off = first_frame_distance(clip, png(bars(MIDDLE))), first_frame_distance(clip, png(255 - bars(MIDDLE)))
    assert same is not None
    assert off is not None
    assert same < 3 < 50 < off
    assert first_frame_distance(clip, png(bars(Size(640, 360)))) < 3
    assert first_frame_distance(clip, png(bars(Size(180, 320)))) is None
    turned = write(tmp_path / "turned.mp4", bars(MIDDLE), "libx264", "yuv420p", turned=180)
    assert first_frame_distance(turned, png(np.ascontiguousarray(np.rot90(bars(MIDDLE), 2)))) < 3
    assert validate_clip(clip).fps == FILM == Fraction(24)


def test_what_is_looked_at_in_bands_is_what_the_whole_picture_says():
    noise = np.random.default_rng(1)
    for changed in (0, 1, 5, 60, 90, 4000):
        before = noise.integers(0, 60, (90, 128), np.uint8)
        after = before.copy()
        after.reshape(-1)[noise.choice(before.size, changed, replace=False)] += np.uint8(40)
        apart = np.abs(after.astype(int) - before)
        still = apart.mean() <= 0.255 and np.count_nonzero(apart > 10) <= 0.0005 * apart.size
        assert quality_scan._is_unchanged(before, after) == still
        for full, limit in ((True, 25), (False, 37)):
            dark = np.count_nonzero(after <= limit) >= 0.98 * after.size
            assert quality_scan._is_black(after, full=full) == dark
            assert quality_scan._is_black(after // 8 * (after // 8 < 40), full=full)
