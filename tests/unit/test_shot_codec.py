"""Shots that are packed come out as they went in, whatever is said of them."""

from fractions import Fraction

import msgspec

from storyboard.core.model import (
    Audio,
    Caption,
    Clip,
    FileInput,
    FrameLink,
    Generated,
    Shot,
    Size,
    Still,
    TitleCard,
    Transition,
    Trim,
    UrlInput,
)
from storyboard.core.timebase import as_text, from_text
from storyboard.fastpath import shot_codec
from tests.unit.films import shot


def through(shots: list[Shot]) -> list[Shot]:
    """As they come back from a file."""
    written = msgspec.msgpack.encode(shot_codec.pack(shots), enc_hook=as_text)
    return shot_codec.unpack(msgspec.msgpack.decode(written, type=shot_codec.PackedShots, dec_hook=from_text))


def test_every_field_of_a_shot_and_of_what_is_generated_is_packed() -> None:
    assert Shot.__struct_fields__ == ("id", "scene", "source", *shot_codec._ShotFields.__struct_fields__)
    apart = {"prompt", "seed", "first_frame", "last_frame"}
    assert set(Generated.__struct_fields__) == {*shot_codec._GeneratedFields.__struct_fields__, *apart}


def test_shots_of_all_kinds_come_out_as_they_went_in() -> None:
    plain = shot("a")
    rich = msgspec.structs.replace(
        shot("b", after="a", at=Fraction(1, 3), scene="two", seed=7, takes=(7, 8), pick=8, params={"slate": False}),
        trim=Trim(Fraction(1, 2), None),
        speed=Fraction(3, 2),
        fit="cover",
        transition=Transition("dissolve", Fraction(1, 4)),
        caption=(Caption("Hello", Fraction(0), Fraction(1)),),
        audio=Audio(keep=False),
        hold=True,
        skip=True,
        title="B",
        tags=("hero",),
    )
    between = shot("c", first_frame=FileInput("c.png"), last_frame=UrlInput("https://example.org/c.png"))
    linked = shot("d", first_frame=FrameLink("a", "first"), negative_prompt="rain", size=Size(720, 1280))
    others = [Clip(FileInput("c.mp4")), Still(FileInput("s.png"), Fraction(4)), TitleCard("Later", Fraction(4))]
    drawn = [msgspec.structs.replace(plain, id=f"o{n}", source=source) for n, source in enumerate(others)]
    shots = [plain, rich, between, linked, *drawn]
    assert through(shots) == shots
