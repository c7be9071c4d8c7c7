"""Storyboard panels: what the prompt names is seen, framed as it asks, and no two shots look alike."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from storyboard.animatic import drawing, panel
from storyboard.animatic.camera import CAST_DEPTH
from storyboard.animatic.cast import draw_cast, plan_panel
from storyboard.animatic.ink import Ink
from storyboard.animatic.layers import LayerArea
from storyboard.animatic.noise import rng_factory
from storyboard.animatic.objects import PROPS, prop_for
from storyboard.animatic.prompt import ANGLES, FAMILIES, SIZES, Reading, Subject, read_prompt
from storyboard.core.model import Size

PEOPLE = FAMILIES["person"].split()
THINGS = [kind for family, kinds in FAMILIES.items() if family != "person" for kind in kinds.split()]


def cast_box(reading: Reading, aspect: float = 16 / 9) -> tuple[int, int, int, int] | None:
    """The box that the cast of a panel fills, in pixels of a picture 180 high."""
    ink = Ink(LayerArea(-aspect / 2, 0.0, aspect / 2, 1.0, 180))
    draw_cast(ink, plan_panel(reading, aspect, rng_factory("words", 1)))
    return ink.image.getchannel("A").getbbox()


def test_words_without_a_setting_are_drawn_on_neutral_ground_and_not_as_a_landscape() -> None:
    for prompt in ("a woman's eyes", "Qwertz uiop", "她看着镜头", "Handheld shot of two brothers"):
        world, setting = drawing.build_world(prompt, 3, 192, 108, 4.0)
        assert setting is None
        assert {element.layer.depth for element in drawing.build_elements(world, setting)} <= {0.5, CAST_DEPTH, 1.0}  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [*PEOPLE, *THINGS])
def test_every_kind_of_subject_is_drawn(kind: str) -> None:
    assert cast_box(Reading(subjects=(Subject(kind),))) is not None


def test_a_kind_without_a_drawing_has_that_of_its_family() -> None:
    assert {"animal", "vehicle", "object", "building", "plant"} <= set(PROPS)
    assert prop_for(Subject("frog")) is PROPS["animal"]


def test_a_closer_shot_shows_fewer_heads_of_a_person() -> None:
    heads = [
        plan_panel(Reading(size=size, subjects=(Subject("man"),)), 16 / 9, rng_factory("", 1)).head for size in SIZES
    ]
    assert heads == sorted(heads, reverse=True)
    assert all(near > 1.2 * far for near, far in pairwise(heads))


def full_figure(size: str) -> tuple[float, float]:
    stage = plan_panel(Reading(size=size, subjects=(Subject("man"),)), 16 / 9, rng_factory("", 1))
    return stage.crown, stage.foot


def test_a_full_shot_holds_the_figure_from_crown_to_sole() -> None:
    for size in ("full", "wide", "extreme-wide"):
        crown, foot = full_figure(size)
        assert 0 < crown < foot < 1
    for size in ("close-up", "medium-close-up", "medium", "medium-long"):
        crown, foot = full_figure(size)
        assert 0 < crown < 1 < foot


def test_a_low_camera_sees_a_low_horizon_and_a_high_one_none() -> None:
    lines = {
        angle: plan_panel(
            Reading(size="full", angle=angle, subjects=(Subject("man"),)), 16 / 9, rng_factory("", 1)
        ).horizon
        for angle in ANGLES
    }
    assert lines["high"] < 0 < lines["aerial"] < lines["eye-level"] < lines["low"] < 1


def pictures(prompt: str, size: Size) -> Iterator[np.ndarray]:
    yield np.asarray(panel.draw_panel(read_prompt(prompt), prompt, 1, size, ("push",)))


@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (180, 320), (1080, 1080), (64, 36)])
def test_a_panel_fills_a_picture_of_any_shape(size: tuple[int, int]) -> None:
    for picture in pictures("Close-up of a man who waits", Size(*size)):
        assert picture.shape == (size[1], size[0], 3)
        assert picture.std() > 12


def test_equal_prompts_give_equal_panels() -> None:
    first, second = (next(pictures("A crowd of people, high angle", Size(160, 90))) for _ in range(2))
    assert (first == second).all()
