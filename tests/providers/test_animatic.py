"""Animatic clips: the requested shape, equal bytes each time, beginning with the requested frame."""

import hashlib
import io
import subprocess
import sys
import zlib
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from storyboard.animatic.request import Animatic
from storyboard.core.model import Size
from storyboard.engine.worker_tasks import write_animatic

Rgb = npt.NDArray[np.uint8]
RIVER = "A slow cinematic glide down a narrow mangrove river at night, roots glowing with blue bioluminescence"
SEA = "the sea at dusk"
TINY = Size(64, 36)
SMALL = Size(192, 108)


def shot(prompt: str = SEA, size: Size = TINY, frames: int = 6, seed: int = 1) -> Animatic:
    rate = Fraction(24)
    return Animatic(prompt, seed, Fraction(frames) / rate, size, rate)


def made(request: Animatic, folder: Path, first_frame: bytes | None = None) -> Path:
    out = folder / "take.mp4"
    write_animatic(request, first_frame, out, lambda done, total: None)
    return out


def pictures(clip: Path) -> list[Rgb]:
    with av.open(str(clip)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def film(request: Animatic, folder: Path, first_frame: bytes | None = None) -> list[Rgb]:
    return pictures(made(request, folder, first_frame))


def stored(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def scenery(size: Size, seed: int = 3) -> Image.Image:
    """A soft picture."""
    rng = np.random.default_rng(seed)
    rough = Image.fromarray(rng.integers(40, 230, (7, 12, 3), dtype=np.uint8))
    return rough.resize((size.width, size.height), Image.Resampling.BICUBIC)


def psnr(first: Rgb, second: Rgb) -> float:
    error = np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def unlike(first: Rgb, second: Rgb) -> float:
    return float(np.abs(first.astype(np.int16) - second.astype(np.int16)).mean())


@pytest.mark.parametrize(
    ("size", "rate"),
    [
        (Size(64, 36), Fraction(24)),
        (Size(36, 64), Fraction(24000, 1001)),
        (Size(60, 60), Fraction(25)),
        (Size(16, 16), Fraction(30)),
    ],
)
def test_clip_has_the_asked_size_rate_and_frames(tmp_path: Path, size: Size, rate: Fraction) -> None:
    request = Animatic(SEA, 7, Fraction(1, 3), size, rate)
    clip = tmp_path / "take.mp4"
    told: list[tuple[int, int]] = []
    assert write_animatic(request, None, clip, lambda done, total: told.append((done, total))) == round(rate / 3)
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(stream))
        assert (stream.width, stream.height, stream.average_rate) == (size.width, size.height, rate)
    assert frames == round(rate / 3)
    assert told == [(n + 1, frames) for n in range(frames)]


def test_same_request_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    here = hashlib.sha256(made(shot(RIVER), tmp_path).read_bytes()).hexdigest()
    program = (
        "import hashlib, sys, pathlib; from fractions import Fraction as F;"
        "from storyboard.core.model import Size; from storyboard.animatic.request import Animatic;"
        "from storyboard.engine.worker_tasks import write_animatic;"
        "out = pathlib.Path(sys.argv[2]);"
        "write_animatic(Animatic(sys.argv[1], 1, F(1, 4), Size(64, 36), F(24)), None, out, lambda d, t: None);"
        "print(hashlib.sha256(out.read_bytes()).hexdigest())"
    )
    command = [sys.executable, "-c", program, RIVER, str(tmp_path / "there.mp4")]
    there = subprocess.run(command, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


def test_importing_the_provider_loads_neither_numpy_nor_pillow() -> None:
    program = "import sys, storyboard.animatic.request; print(sorted({'numpy', 'PIL', 'av'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_seeds_look_different(tmp_path: Path) -> None:
    takes = [film(shot("a mountain valley", SMALL, 1, seed), tmp_path)[0] for seed in (0, 1, 4294967295)]
    assert min(unlike(takes[0], takes[1]), unlike(takes[1], takes[2]), unlike(takes[0], takes[2])) > 8


def test_prompts_look_different(tmp_path: Path) -> None:
    night = film(shot("the sea at night", SMALL, 1), tmp_path)[0]
    noon = film(shot("a desert at noon", SMALL, 1), tmp_path)[0]
    assert noon.mean() > night.mean() + 50


@pytest.mark.parametrize("prompt", [RIVER, "a static shot of a forest", "a desert at noon"])
def test_picture_moves(tmp_path: Path, prompt: str) -> None:
    shown = film(shot(prompt, SMALL, 24), tmp_path)
    assert unlike(shown[0], shown[-1]) > 0.5
    assert all(unlike(a, b) > 0.02 for a, b in pairwise(shown[::6]))


HOSTILE = [
    "夜の川、青く光るマングローブ",
    "река ночью 🌊🛶✨ 👩‍🚀",
    "مركب على النهر",
    "x" * 1000,
    "word " * 200,
    "\u202e\u0000\x1b[31m<b>&\ud800 \n\t %s {}",
    "   ",
    "",
]


@pytest.mark.parametrize("prompt", HOSTILE)
def test_any_text_is_drawn(tmp_path: Path, prompt: str) -> None:
    request = Animatic(prompt, 4294967295, Fraction(1, 12), Size(200, 112), Fraction(24))
    assert len(film(request, tmp_path)) == 2


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_clip_begins_with_the_given_picture(tmp_path: Path, form: str) -> None:
    first = stored(scenery(SMALL), form)
    shown = film(shot("the camera pushes in", SMALL, 12), tmp_path, first)
    expected = np.asarray(Image.open(io.BytesIO(first)).convert("RGB"))
    assert psnr(shown[0], expected) > 35
    assert unlike(shown[0], shown[-1]) > 2


def test_clip_of_one_frame_is_the_given_picture(tmp_path: Path) -> None:
    shown = film(shot(frames=1, size=SMALL), tmp_path, stored(scenery(SMALL)))
    assert len(shown) == 1
    assert psnr(shown[0], np.asarray(scenery(SMALL))) > 35


def test_given_picture_of_another_shape_is_cropped_to_cover(tmp_path: Path) -> None:
    wide = Image.new("RGB", (400, 100), (200, 30, 30))
    wide.paste((30, 60, 200), (150, 0, 250, 100))
    shown = film(shot(size=Size(80, 80), frames=2), tmp_path, stored(wide))
    assert np.abs(shown[0].reshape(-1, 3).mean(axis=0) - (30, 60, 200)).max() < 12


def test_given_picture_is_turned_upright(tmp_path: Path) -> None:
    lying = Image.new("RGB", (36, 64), (20, 20, 20))
    lying.paste((220, 220, 220), (0, 0, 18, 64))
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = film(shot(frames=1), tmp_path, stored(lying, "JPEG", exif=exif, quality=95))
    assert shown[0][:16].mean() > 190 > 60 > shown[0][20:].mean()


def test_see_through_picture_stands_on_black(tmp_path: Path) -> None:
    first = stored(Image.new("RGBA", (64, 36), (255, 255, 255, 0)))
    assert film(shot(frames=1), tmp_path, first)[0].max() < 12


@pytest.mark.parametrize("data", [b"", b"no picture", stored(scenery(TINY))[:200], b"GIF89a" + bytes(40)])
def test_damaged_picture_is_refused_and_nothing_is_left(tmp_path: Path, data: bytes) -> None:
    from storyboard.pictures import UnreadablePicture

    with pytest.raises(UnreadablePicture):
        made(shot(), tmp_path, data)
    assert list(tmp_path.iterdir()) == []


def test_picture_of_too_many_pixels_is_refused_unread(tmp_path: Path) -> None:
    from storyboard.pictures import UnreadablePicture

    vast = bytearray(stored(Image.new("1", (8, 8))))
    vast[16:24] = (60_000).to_bytes(4, "big") * 2
    header = bytes(vast[12:29])
    vast[29:33] = zlib.crc32(header).to_bytes(4, "big")
    with pytest.raises(UnreadablePicture, match="pixels"):
        made(shot(), tmp_path, bytes(vast))


def test_chained_clip_takes_over_from_the_last_picture(tmp_path: Path) -> None:
    before = film(shot(size=SMALL, frames=6), tmp_path)[-1]
    after = film(shot("pan left", SMALL, 24, seed=9), tmp_path, stored(Image.fromarray(before)))
    assert psnr(after[0], before) > 35
    assert unlike(after[0], after[-1]) > 2


def test_odd_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="size"):
        made(shot(size=Size(65, 36)), tmp_path)
    assert list(tmp_path.iterdir()) == []
