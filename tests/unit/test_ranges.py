"""Which frames of a shot go where: transitions at its ends, copies between them."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard.core.graph import Graph
from storyboard.core.model import Output, Shot, Transition, Trim
from storyboard.core.ranges import FrameRange, TransitionOverlap, copied_span, long_transitions, overlaps, split_shot
from storyboard.core.render_spec import Footage, Mix, Title, render_request
from storyboard.core.timeline import place_shot, timeline, total_frames
from tests.unit.films import CLIP, HD, FakeMemory, build, film, plan, shot

OUTPUT = Output("out/film.mp4", HD, Fraction(24))
KEYED = msgspec.structs.replace(CLIP, copy_starts=tuple(range(0, 192, 24)), in_order=True)
REORDERED = msgspec.structs.replace(CLIP, copy_starts=(0,), copy_ends=tuple(range(4, 193, 4)))


def into(found: Shot, kind: str = "dissolve", seconds: Fraction = Fraction(1, 2)) -> Shot:
    return msgspec.structs.replace(found, transition=Transition(kind, seconds))


FILM = film(shot("a"), into(shot("b")), shot("c"), into(shot("d"), "wipe", Fraction(1)))


def test_a_transition_takes_its_frames_from_both_sides() -> None:
    assert overlaps(FILM) == {
        "a": TransitionOverlap(0, 12),
        "b": TransitionOverlap(12, 0),
        "c": TransitionOverlap(0, 24),
        "d": TransitionOverlap(24, 0),
    }
    pieces = timeline(FILM, {}, {name: found.before for name, found in overlaps(FILM).items()})
    assert [piece.at for piece in pieces] == [0, 180, 372, 540]
    assert total_frames(pieces) == 4 * 192 - 36


def test_what_is_shorter_than_a_frame_takes_one() -> None:
    blink = Fraction(1, 1000)
    board = film(shot("a"), into(shot("b"), seconds=blink))
    board = msgspec.structs.replace(board, output=msgspec.structs.replace(OUTPUT, fade_in=blink, fade_out=blink))
    assert overlaps(board) == {"a": TransitionOverlap(1, 1), "b": TransitionOverlap(1, 1)}


def test_a_skipped_shot_takes_its_transition_with_it() -> None:
    board = film(msgspec.structs.replace(shot("a"), skip=True), into(shot("b")), shot("c"))
    assert overlaps(board) == {"b": TransitionOverlap(0, 0), "c": TransitionOverlap(0, 0)}
    assert [piece.id for piece in Graph(board).pieces] == ["segment:b", "segment:c"]


def test_pieces_stand_in_the_order_of_the_film() -> None:
    assert [piece.id for piece in Graph(FILM).pieces] == [
        *("segment:a", "tail:a", "transition:b", "head:b", "segment:b", "segment:c", "tail:c"),
        *("transition:d", "head:d", "segment:d"),
    ]


@given(st.integers(0, 100), st.integers(0, 91), st.sampled_from([None, KEYED, REORDERED, CLIP]), st.integers(0, 3))
def test_every_frame_goes_somewhere_and_none_twice(before: int, after: int, take: object, start: int) -> None:
    piece = place_shot(msgspec.structs.replace(shot("a"), trim=Trim(Fraction(start))), 0, OUTPUT, CLIP)
    before, after = min(before, piece.frames), min(after, max(0, piece.frames - before))
    shared = split_shot(piece, TransitionOverlap(before, after), take)  # type: ignore[arg-type]
    spans = [shared.into, shared.head, shared.body, shared.tail, shared.out]
    assert [span.first for span in spans[1:]] == [span.end for span in spans[:-1]]
    assert (spans[0].first, spans[-1].end) == (0, piece.frames)
    assert (shared.into.frames, shared.out.frames) == (before, after)


def test_a_copy_begins_at_a_keyframe_and_ends_where_decoding_is_complete() -> None:
    piece = place_shot(shot("a"), 0, OUTPUT, CLIP)
    assert copied_span(KEYED, piece, FrameRange(12, 180)) == FrameRange(24, 180)
    assert copied_span(REORDERED, piece, FrameRange(0, 179)) == FrameRange(0, 176)
    assert copied_span(REORDERED, piece, FrameRange(0, 192)) == FrameRange(0, 192)
    assert copied_span(REORDERED, piece, FrameRange(12, 192)) is None
    assert copied_span(CLIP, piece, FrameRange(0, 180)) is None
    assert copied_span(CLIP, piece, FrameRange(0, 192)) == FrameRange(0, 192)


def test_a_trimmed_take_is_counted_from_where_its_piece_begins() -> None:
    piece = place_shot(msgspec.structs.replace(shot("a"), trim=Trim(Fraction(1, 2))), 0, OUTPUT, KEYED)
    assert copied_span(KEYED, piece, FrameRange(0, 180)) == FrameRange(12, 180)


def test_the_longest_transition_that_fits_is_told() -> None:
    board = film(shot("a", duration=Fraction(2)), into(shot("b"), seconds=Fraction(3)), into(shot("c")))
    [problem] = long_transitions(board, {"a": 48, "b": 192, "c": 192})
    assert (problem.shot, problem.short, problem.longest) == ("b", "a", 2)
    assert list(long_transitions(board, {"b": 192, "c": 192})) == []


def test_one_transition_changed_makes_that_transition_alone() -> None:
    memory = FakeMemory()
    memory.clip = KEYED
    build(FILM, memory)
    other = film(shot("a"), into(shot("b"), "slide"), shot("c"), into(shot("d"), "wipe", Fraction(1)))
    assert build(other, memory) == ["transition:b", "cut"]
    assert build(FILM, memory) == ["cut"]


def test_speed_one_keeps_the_key_that_it_always_had() -> None:
    made = render_request(Footage("t", Fraction(1), 24), OUTPUT, {"renderer": 1})
    assert set(made) == {"take", "start", "frames", "rate", "size", "renderer"}
    fast = render_request(Footage("t", Fraction(1), 24, Fraction(2)), OUTPUT, {"renderer": 1})
    assert fast == made | {"speed": "2"}


def test_where_a_file_lies_is_in_no_key() -> None:
    looks = ("x", None, "#ffffff", "#000000", "left", "f" * 64, 24)
    one, two = (render_request(Title(*looks, file=name), OUTPUT, {}) for name in ("a.ttf", "b/c.ttf"))
    assert one == two


@pytest.mark.parametrize(
    ("kind", "field", "counts"),
    [("wipe", "direction", True), ("dissolve", "direction", False), ("fade", "color", True), ("slide", "color", False)],
)
def test_a_mix_is_keyed_by_what_it_shows(kind: str, field: str, counts: bool) -> None:
    plain = Mix(kind, 12, Footage("a", Fraction(0), 12), Footage("b", Fraction(0), 12))  # type: ignore[arg-type]
    changed = msgspec.structs.replace(plain, **{field: "up" if field == "direction" else "#123456"})
    assert (render_request(plain, OUTPUT, {}) != render_request(changed, OUTPUT, {})) is counts


def test_a_plan_before_anything_is_made_waits_for_takes_only() -> None:
    found = plan(FILM, FakeMemory())
    assert {step.do for step in found.of("segment")} == {"wait"}
    assert found.of("cut")[0].do == "wait"
