"""Reading of prompts and camera moves of the animatic."""

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from storyboard.animatic import drawing
from storyboard.animatic.camera import MOVES, Camera
from storyboard.animatic.drawing import SETTINGS, build_elements, build_world
from storyboard.animatic.planes import Yuv, new_frame_memory, sheet_over
from storyboard.animatic.prompt import read_prompt
from storyboard.core.model import Size
from storyboard.pictures import UnreadablePicture, read_upright

SIZE = Size(160, 90)
RATE = Fraction(24)


@pytest.mark.parametrize(
    ("prompt", "setting", "mood"),
    [
        ("A slow glide down a narrow mangrove river at night", "river", "night"),
        ("a research skiff drifts between arching roots", "river", None),
        ("a jungle temple at dawn, the camera pushes towards the stairs", "temple", "dawn"),
        ("a neon city street in the rain", "street", "neon"),
        ("a woman walks across a desert at noon", "desert", "noon"),
        ("close-up of a steaming coffee cup in a warm kitchen", "interior", "warm"),
        ("an underwater reef", "underwater", None),
        ("Animate this frame", None, None),
        ("夜の川", None, None),
    ],
)
def test_prompt_names_setting_and_mood(prompt: str, setting: str | None, mood: str | None) -> None:
    reading = read_prompt(prompt)
    assert (reading.setting, reading.mood) == (setting, mood)


@pytest.mark.parametrize(
    ("words", "move"),
    [
        ("the camera pushes in", "push"),
        ("dolly in", "push"),
        ("zooms out slowly", "zoom-out"),
        ("pulls back to reveal the valley", "pull"),
        ("the camera pans to the left", "pan-left"),
        ("slow pan right", "pan-right"),
        ("tilts up", "tilt-up"),
        ("tilt down", "tilt-down"),
        ("crane up", "rise"),
        ("an aerial drone shot", "aerial"),
        ("orbiting the tower", "orbit"),
        ("tracking shot", "track"),
        ("tracks left", "track-left"),
        ("a slow cinematic glide", "glide"),
        ("a wide view of the bay", None),
        ("gliding down the river", "glide"),
        ("locked-off, the camera pans left", "static"),
    ],
)
def test_prompt_names_the_move(words: str, move: str | None) -> None:
    assert read_prompt(words).moves == (() if move is None else (move,))


@pytest.mark.parametrize("words", ["a frying pan on the stove", "sunrise over the hills", "train tracks", "an ark"])
def test_other_words_are_no_moves(words: str) -> None:
    assert read_prompt(words).moves == ()


def test_colours_are_found_in_order() -> None:
    assert read_prompt("a teal car under a red sky, teal rain").colours == ("teal", "red")


def test_every_setting_that_can_be_read_can_be_drawn() -> None:
    from storyboard.animatic.vocabulary import SETTING_WORDS

    assert set(SETTING_WORDS) == set(SETTINGS)


def test_every_move_that_can_be_read_can_be_made() -> None:
    from storyboard.animatic import chinese, vocabulary
    from storyboard.animatic.still import _CAMERA_ENDS

    read = {move[0] for move in (*vocabulary.MOVE_PATTERNS, *chinese.MOVE_PATTERNS)}
    made = {f"{move}-left" if move in ("pan", "track", "orbit") else move for move in read}
    assert made <= set(MOVES)
    assert made <= set(_CAMERA_ENDS)


@pytest.mark.parametrize("move", sorted(MOVES))
def test_every_move_that_is_named_has_an_arrow_of_its_own(move: str) -> None:
    from storyboard.animatic.panel import draw_panel
    from storyboard.animatic.prompt import Reading

    size = Size(160, 90)
    plain = draw_panel(Reading(), "a robot", 1, size, ())
    drawn = draw_panel(Reading(), "a robot", 1, size, (move,))
    assert (plain.tobytes() == drawn.tobytes()) == (move == "static" or move.startswith("drift"))


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_every_setting_fills_the_picture(setting: str) -> None:
    size = (64, 36) if len(setting) % 2 else (36, 64)
    extra = "a woman in a boat, a car, birds, rain, fog, fire, glow, lightning, aurora, autumn leaves, cup, lighthouse"
    world, _ = build_world(extra, 11, *size, 4.0)
    elements = build_elements(world, setting)
    for progress in (0.0, 1.0):
        memory = new_frame_memory(Size(*size))  # of levels that are none of the tv range
        for element in elements:
            element.draw(sheet_over(memory, size[1]), drawing.Moment(4 * progress, progress, world.camera))
        assert memory.min() >= 16


@pytest.mark.parametrize("move", sorted(MOVES))
def test_camera_stays_within_its_bounds_and_never_jumps(move: str) -> None:
    camera = Camera(16 / 9, (move,))
    for depth in (0.0, 0.5, 1.15):
        low_x, low_y, high_x, high_y = camera.bounds(depth)
        views = [camera.window(depth, step / 100) for step in range(101)]
        for left, top, right, bottom in views:
            assert low_x <= left < right <= high_x
            assert low_y <= top < bottom <= high_y
        steps = np.abs(np.diff(np.asarray(views), axis=0)).max()
        assert steps < 0.02


def drift(before: Yuv, after: Yuv) -> tuple[int, int]:
    """By how many pixels the content has moved right and down, as correlation finds it."""
    first, second = (frame[8 : SIZE.height - 8, 8:-8].astype(np.float64) for frame in (before, after))
    first, second = first - first.mean(), second - second.mean()
    product = np.fft.ifft2(np.fft.fft2(first).conj() * np.fft.fft2(second)).real
    y, x = np.unravel_index(int(product.argmax()), product.shape)
    height, width = product.shape
    return int((x + width // 2) % width - width // 2), int((y + height // 2) % height - height // 2)


def moved(prompt: str) -> tuple[int, int]:
    """How the content of a given picture moves in two seconds under *prompt*."""
    rough = np.random.default_rng(5).integers(0, 255, (12, 20, 3), dtype=np.uint8)
    first = Image.fromarray(rough).resize((SIZE.width, SIZE.height), Image.Resampling.BICUBIC)
    shown = [frame.copy() for frame in drawing.draw_from_picture(first, prompt, 1, SIZE, RATE, range(24))]
    return drift(shown[0], shown[-1])


def test_camera_words_set_the_way_a_picture_moves() -> None:
    assert moved("pan left")[0] > 3
    assert moved("pan right")[0] < -3
    assert moved("tilt up")[1] > 2
    assert moved("tilt down")[1] < -2


def test_camera_words_set_the_way_a_scene_moves() -> None:
    shown = {}
    for side in ("left", "right"):
        frames = drawing.draw_from_prompt(f"mountains at noon, pan {side}", 3, SIZE, RATE, range(72))
        first = next(frames).copy()
        shown[side] = drift(first, list(frames)[-1])[0]
    assert shown["left"] > 5
    assert shown["right"] < -5


def test_push_magnifies_and_pull_shows_more() -> None:
    mark = Image.new("RGB", (SIZE.width, SIZE.height))
    mark.paste((255, 255, 255), (60, 30, 100, 60))
    bright = {}
    for words in ("push in", "pull back"):
        *_, last = drawing.draw_from_picture(mark, words, 1, SIZE, RATE, range(24))
        bright[words] = int((last[: SIZE.height] > 128).sum())
    assert bright["push in"] > 40 * 30 * 1.2
    assert bright["pull back"] < 40 * 30 * 0.9


def test_given_picture_does_not_jump_at_the_second_frame() -> None:
    first = Image.fromarray(np.random.default_rng(2).integers(0, 255, (90, 160, 3), dtype=np.uint8))
    frames = drawing.draw_from_picture(first, "a static shot", 1, SIZE, RATE, range(3))
    start = next(frames).copy()
    assert np.abs(next(frames).astype(int) - start).mean() < 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_pictures_of_any_kind_become_rgb(mode: str) -> None:
    out = io.BytesIO()
    ramp = Image.linear_gradient("L")
    deep = Image.fromarray(np.asarray(ramp).astype(np.uint16) * 257)
    (deep if mode == "I;16" else ramp.convert(mode)).save(out, "PNG")
    picture = read_upright(out.getvalue())
    assert (picture.mode, picture.size) == ("RGB", (256, 256))
    assert np.asarray(picture)[:40].mean() < 60 < 195 < np.asarray(picture)[-40:].mean()


def test_picture_of_another_format_is_refused() -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "BMP")
    with pytest.raises(UnreadablePicture, match="is damaged, or not PNG, JPEG or WebP"):
        read_upright(out.getvalue())
