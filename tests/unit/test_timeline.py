"""Where every shot stands in the film, in whole frames."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard.core.model import Clip, FileInput, Output, Shot, Size, Transition, Trim
from storyboard.core.ranges import film_spans
from storyboard.core.reason import Reason
from storyboard.core.timebase import exact, frame_rate, frames_in, in_words, seconds_of, timecode
from storyboard.core.timeline import TrimOutOfRange, common_parameter_sets, place_shot, take_copy_blocker, timeline
from storyboard.report.reason import blocker_text, detail_text
from tests.unit.films import CLIP, HD, film, shot

OUTPUT = Output("out/film.mp4", HD, Fraction(24))


def test_shots_follow_each_other_in_whole_frames() -> None:
    pieces = timeline(film(shot("a"), shot("b", duration=Fraction(5))), {})
    assert [(piece.shot, piece.at, piece.frames) for piece in pieces] == [("a", 0, 192), ("b", 192, 120)]


def test_a_take_counts_by_its_real_frames() -> None:
    take = msgspec.structs.replace(CLIP, frames=191)
    assert place_shot(shot("a"), 0, OUTPUT, take).frames == 191


def test_a_trim_is_measured_in_seconds_of_the_take() -> None:
    trimmed = msgspec.structs.replace(shot("a"), trim=Trim(Fraction(1, 2), Fraction(9, 2)))
    piece = place_shot(trimmed, 0, OUTPUT, CLIP)
    assert (piece.start, piece.frames, piece.whole) == (Fraction(1, 2), 96, False)


def test_a_trim_to_the_very_ends_is_the_whole_take() -> None:
    trimmed = msgspec.structs.replace(shot("a"), trim=Trim(Fraction(0), Fraction(8)))
    assert place_shot(trimmed, 0, OUTPUT, CLIP).whole


def test_a_trim_past_the_end_is_refused_but_a_frame_of_slack_is_not() -> None:
    trimmed = msgspec.structs.replace(shot("a"), trim=Trim(None, Fraction(8)))
    assert place_shot(trimmed, 0, OUTPUT, msgspec.structs.replace(CLIP, frames=191)).frames == 191
    with pytest.raises(TrimOutOfRange):
        place_shot(trimmed, 0, OUTPUT, msgspec.structs.replace(CLIP, frames=189))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"codec": "hevc"}, "codec"),
        ({"width": 640}, "640x720"),
        ({"rate": "25/1", "frames": 200}, "25 fps"),
        ({"pixel_format": "yuv420p10le"}, "pixel format"),
        ({"rotation": 90}, "rotated"),
        ({"pixel_aspect": "4/3"}, "square"),
        ({"constant_rate": False}, "variable"),
        ({"color": "smpte170m/bt709/bt709/tv"}, "smpte170m"),
        ({"closed_start": False}, "keyframe"),
    ],
)
def test_what_keeps_a_take_from_being_copied(change: dict[str, object], why: str) -> None:
    take = msgspec.structs.replace(CLIP, **change)
    assert why in blocker_text(take_copy_blocker(take, OUTPUT))
    assert take_copy_blocker(CLIP, OUTPUT) is None


def test_the_largest_group_is_chosen_whatever_the_order() -> None:
    assert common_parameter_sets({"a": 10, "b": 20}) == "b"
    assert common_parameter_sets({"a": 5, "b": 5}) == common_parameter_sets({"b": 5, "a": 5})
    assert common_parameter_sets({}) == ""


def test_rates_of_television_are_exact() -> None:
    assert frame_rate(23.976) == Fraction(24000, 1001)
    assert frame_rate("30000/1001") == frame_rate(29.97)
    assert frame_rate(24) == 24
    assert exact(0.1) == Fraction(1, 10)


@pytest.mark.parametrize("bad", ["0", "-1", "x", "nan", "1e999999999"])
def test_what_is_no_rate_is_refused(bad: str) -> None:
    with pytest.raises(ValueError):
        frame_rate(bad)


@given(
    st.integers(0, 10**6), st.sampled_from([Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(60000, 1001)])
)
def test_frames_survive_the_way_through_seconds(frames: int, rate: Fraction) -> None:
    assert frames_in(seconds_of(frames, rate), rate) == frames


def test_timecode_and_lengths_for_people() -> None:
    assert timecode(24 * 3661 + 5, Fraction(24)) == "01:01:01:05"
    assert in_words(Fraction(125)) == "2 min 5 s"
    assert in_words(Fraction(15, 2)) == "7.5 s"
    assert str(Size.parse("1280x720")) == "1280x720"


@pytest.mark.parametrize(
    ("frame", "rate", "said"),
    [
        (1799, "30000/1001", "00:00:59;29"),
        (1800, "30000/1001", "00:01:00;02"),
        (17981, "30000/1001", "00:09:59;29"),
        (17982, "30000/1001", "00:10:00;00"),
        (107892, "30000/1001", "01:00:00;00"),
        (3600, "60000/1001", "00:01:00;04"),
        (86400, "24000/1001", "01:00:00:00"),
        (1800, "30", "00:01:00:00"),
    ],
)
def test_timecode_at_29_97_drops_numbers_so_that_it_stays_with_the_clock(frame: int, rate: str, said: str) -> None:
    assert timecode(frame, Fraction(rate)) == said


@given(st.integers(0, 10**6))
def test_every_frame_has_a_drop_frame_timecode_of_its_own_near_the_clock(frame: int) -> None:
    rate = Fraction(30000, 1001)
    hours, minutes, rest = timecode(frame, rate).split(":")
    seconds, frames = rest.split(";")
    shown = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + Fraction(int(frames), 30)
    assert abs(shown - seconds_of(frame, rate)) < Fraction(1, 5)
    assert timecode(frame, rate) < timecode(frame + 1, rate)


def test_a_shot_is_told_where_it_is_in_the_film_with_the_frames_of_its_transitions() -> None:
    dissolve = Transition("dissolve", Fraction(1))
    shots = (shot("a"), msgspec.structs.replace(shot("b"), transition=dissolve, speed=Fraction(2)), shot("c"))
    spans = film_spans(film(*shots), {"a": msgspec.structs.replace(CLIP, frames=180)})
    assert [(span.shot, span.seconds, span.timecode_in, span.timecode_out) for span in spans] == [
        ("a", Fraction(15, 2), "00:00:00:00", "00:00:07:12"),
        ("b", Fraction(4), "00:00:06:12", "00:00:10:12"),
        ("c", Fraction(8), "00:00:10:12", "00:00:18:12"),
    ]


def test_after_footage_that_is_not_measured_no_timecode_is_made_up() -> None:
    clip = Shot("own", "one", Clip(FileInput("own.mp4")))
    spans = film_spans(film(shot("a"), clip, shot("b")), {})
    assert [(span.seconds, span.timecode_in, span.timecode_out) for span in spans] == [
        (Fraction(8), "00:00:00:00", "00:00:08:00"),
        (None, "00:00:08:00", None),
        (Fraction(8), None, None),
    ]


def test_a_trim_that_its_take_is_too_short_for_leaves_the_places_of_other_shots() -> None:
    trimmed = msgspec.structs.replace(shot("b"), trim=Trim(None, Fraction(8)))
    short = msgspec.structs.replace(CLIP, frames=96)
    spans = film_spans(film(shot("a"), trimmed), {"a": short, "b": short})
    assert [(span.seconds, span.timecode_out) for span in spans] == [(4, "00:00:04:00"), (8, "00:00:12:00")]


def test_a_trim_that_begins_behind_the_end_of_its_take_is_too_short() -> None:
    with pytest.raises(TrimOutOfRange) as caught:
        place_shot(msgspec.structs.replace(shot("a"), trim=Trim(start=Fraction(8))), 0, OUTPUT, CLIP)
    reason = Reason("too-short", detail=caught.value.detail)
    assert detail_text(reason) == "`trim` of `a` begins at 8 s, but its take is 8.000 s long"
