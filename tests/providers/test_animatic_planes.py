"""Drawing in planes: the colours of BT.709, no seam between the pieces of a layer, sprites at any pixel."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from storyboard.animatic.camera import Camera
from storyboard.animatic.layers import STRIP, Layer, LayerArea
from storyboard.animatic.palette import MOODS
from storyboard.animatic.planes import Sprite, Yuv, new_frame_memory, plane_levels, planes_of, sheet_over
from storyboard.animatic.world import Moment, Plane, draw_all
from storyboard.core.model import Size
from storyboard.media.render.color import frame_to_rgb, rgb_to_frame
from storyboard.media.render.encoder import ClipWriter

SIZE = Size(320, 2 * STRIP + 10)
TINY = Size(64, 36)
CAMERA = Camera(SIZE.width / SIZE.height, ("push",))


def soft(seed: int, size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    channels = len(mode)
    rough = np.random.default_rng(seed).integers(0, 255, (9, 14, channels), dtype=np.uint8)
    bands = [Image.fromarray(rough[..., i]).resize(size, Image.Resampling.BICUBIC) for i in range(channels)]
    return Image.merge(mode, bands)


def parts(memory: Yuv, size: Size = SIZE) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Luma, and both planes of colour, as numbers that can be subtracted."""
    return memory[: size.height].astype(np.int16), memory[size.height :].astype(np.int16)


def furthest(first: npt.NDArray[np.int16], second: npt.NDArray[np.int16]) -> int:
    return int(np.abs(first - second).max())


def test_planes_are_what_the_exact_conversion_gives() -> None:
    picture, memory = soft(1, (SIZE.width, SIZE.height)), new_frame_memory(SIZE)
    sheet_over(memory, SIZE.height).paste(planes_of(picture))
    exact = np.asarray(rgb_to_frame(np.asarray(picture)).to_ndarray())
    for ours, theirs in zip(parts(memory), parts(exact), strict=True):
        assert furthest(ours, theirs) <= 2
        assert abs(float((ours - theirs).mean())) < 0.2


@pytest.mark.parametrize("mood", sorted(MOODS))
def test_colours_of_a_palette_are_seen_in_the_clip(tmp_path: Path, mood: str) -> None:
    shades = [*MOODS[mood].sky, MOODS[mood].haze, MOODS[mood].dark, MOODS[mood].light, MOODS[mood].accent]
    clip, size = tmp_path / "clip.mp4", Size(64, 32)
    with ClipWriter(clip, size, Fraction(24)) as out:
        for shade in shades:
            memory = new_frame_memory(size)
            mask = Image.new("L", (64, 32), 255)
            Layer(LayerArea(-1, 0, 1, 1, 32), 0.0, mask, shade).draw(sheet_over(memory, 32), (-1.0, 0.0, 1.0, 1.0))
            assert np.unique(memory[:32]).tolist() == [plane_levels(shade)[0]]
            out.write_planes(memory)
    with av.open(str(clip)) as container:
        for frame, shade in zip(container.decode(video=0), shades, strict=True):
            assert np.abs(frame_to_rgb(frame).mean(axis=(0, 1)) - np.asarray(shade) * 255).max() < 4


def scene() -> tuple[Layer, Layer]:
    """A back that fills the picture and a front, most of it solid, with soft edges."""
    bounds = CAMERA.bounds(1.0)
    canvas = LayerArea(*bounds, 2 * SIZE.height)
    mask = soft(3, canvas.size, "L").point([min(255, max(0, 4 * i - 300)) for i in range(256)])
    front = soft(4, canvas.size)
    front.putalpha(mask)
    return Layer(canvas, 1.0, soft(2, canvas.size)), Layer(canvas, 1.0, front)


@pytest.mark.parametrize("progress", [0.0, 0.137, 0.5, 0.961])
def test_pieces_of_layers_leave_no_seam(progress: float) -> None:
    back, front = scene()
    window = CAMERA.window(1.0, progress)
    memory, whole = new_frame_memory(SIZE), new_frame_memory(SIZE)
    draw_all(sheet_over(memory, SIZE.height), [Plane(back), Plane(front)], Moment(progress, progress, CAMERA))
    picture = Image.new("RGB", (2 * SIZE.width, 2 * SIZE.height))
    for layer in (back, front):
        layer.stamp(picture, window)
    small = picture.resize((SIZE.width, SIZE.height), Image.Resampling.BOX)
    sheet_over(whole, SIZE.height).paste(planes_of(small))
    luma, tones = (ours - theirs for ours, theirs in zip(parts(memory), parts(whole), strict=True))
    assert np.abs(luma).max() <= 12  # the nearest of four layer pixels against their mean, at the steepest place
    assert np.abs(tones).max() <= 16
    assert np.abs(luma).mean() < 1.2
    assert np.abs(tones).mean() < 2.0
    rows = np.abs(luma).mean(axis=1)
    assert rows[STRIP - 1 : STRIP + 1].max() < 3 * rows.mean() + 0.5


def test_what_nearer_layers_hide_is_left_out_unseen() -> None:
    back, front = scene()
    memory, plain = new_frame_memory(SIZE), new_frame_memory(SIZE)
    draw_all(sheet_over(memory, SIZE.height), [Plane(back), Plane(front)], Moment(0.3, 0.3, CAMERA))
    for layer in (back, front):
        layer.draw(sheet_over(plain, SIZE.height), CAMERA.window(1.0, 0.3))
    assert np.abs(memory.astype(np.int16) - plain).max() <= 3


@pytest.mark.parametrize("at", [(40, 30), (41, 30), (40, 31), (41, 31), (0, 0), (319, 5)])
def test_sprite_lies_where_it_is_put(at: tuple[int, int]) -> None:
    image = Image.new("RGBA", (9, 9))
    ImageDraw.Draw(image).ellipse((0, 0, 8, 8), (255, 40, 30, 255))
    memory = new_frame_memory(SIZE)
    expected = Image.new("RGB", (SIZE.width, SIZE.height), (90, 120, 150))
    sheet = sheet_over(memory, SIZE.height)
    sheet.paste(planes_of(expected))
    Sprite(image).paste(sheet, at[0] + 0.5, at[1] + 0.5)
    expected.paste(image, (at[0] - 4, at[1] - 4), image)
    again = new_frame_memory(SIZE)
    sheet_over(again, SIZE.height).paste(planes_of(expected))
    luma, tones = (furthest(a, b) for a, b in zip(parts(memory), parts(again), strict=True))
    assert luma <= 1
    assert tones <= 3


def test_planes_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="yuv420p"), ClipWriter(tmp_path / "clip.mp4", TINY, Fraction(24)) as out:
        out.write_planes(new_frame_memory(Size(64, 34)))
    assert list(tmp_path.iterdir()) == []
