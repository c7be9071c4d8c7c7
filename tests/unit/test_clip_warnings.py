from fractions import Fraction

import msgspec

from storyboard.core.build_events import JUMP, ClipWarning, clip_warnings
from storyboard.core.graph import Action
from storyboard.core.plan import TakeResult
from storyboard.report.build_result import warning_line
from tests.unit.films import CLIP, FakeMemory, build, film, plan, shot

FILM = film(shot("a"), shot("b", after="a", at=Fraction(5, 2)))


def test_a_jump_is_told_from_a_figure_on_and_names_the_frame() -> None:
    takes = [(Action("take:b", "take", "b"), TakeResult("b", CLIP, jump)) for jump in (JUMP, JUMP - 0.01, None)]
    [found] = clip_warnings(FILM, takes)
    assert warning_line(found) == "the first frame of b differs from the frame at 2.5 s of a by 10.0 of 255"
    assert clip_warnings(FILM, [(Action("take:a", "take", "a"), TakeResult("a", CLIP, 99.0))]) == []


def test_seconds_are_short_and_takes_beside_have_their_seed() -> None:
    assert warning_line(ClipWarning("a", 7, "frozen", 0.0, 3.003)) == "a#7 is frozen from 0.0 to 3.0 s"
    assert warning_line(ClipWarning("a", None, "black", 1.04, 2.25)) == "a is black from 1.04 to 2.25 s"


def test_takes_that_nobody_looked_at_have_none() -> None:
    memory = FakeMemory()
    build(FILM, memory)
    facts = {"frames": 192, "rate": "24/1", "width": 1280, "height": 720, "codec": "h264", "pixel_format": "yuv420p"}
    for key, records in memory.records.items():
        memory.records[key] = [msgspec.structs.replace(one, info=facts if one.info else {}) for one in records]
    found = plan(FILM, memory)
    takes = [(step.action, step.result) for step in found.of("take")]
    assert [take.jump for _, take in takes if isinstance(take, TakeResult)] == [None, None]
    assert clip_warnings(FILM, [(action, take) for action, take in takes if isinstance(take, TakeResult)]) == []


def test_a_take_accepted_for_another_request_has_not_begun_with_this_frame() -> None:
    memory = FakeMemory()
    build(FILM, memory)
    for accepted in (False, True):
        for key, records in memory.records.items():
            told = [msgspec.structs.replace(one, info={**one.info, "jump": 20.0}, accepted=accepted) for one in records]
            memory.records[key] = told
        jumps = [step.result.jump for step in plan(FILM, memory).of("take") if isinstance(step.result, TakeResult)]
        assert jumps == ([None, None] if accepted else [20.0, 20.0])
