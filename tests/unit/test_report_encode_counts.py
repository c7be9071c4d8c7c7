"""How much of a film is copied, in words."""

from fractions import Fraction

from storyboard.core.graph import Action
from storyboard.core.model import Output, Size
from storyboard.core.plan import EncodeCounts, Step
from storyboard.core.reason import CopyBlocker, Reason
from storyboard.report.plan import FilmLength, encode_counts_data, encode_counts_text
from storyboard.report.reason import reason_text

OUTPUT = Output("a.mp4", Size(640, 360), Fraction(24))


def test_one_frame_is_not_called_frames() -> None:
    one = EncodeCounts(0, {CopyBlocker("card"): 1})
    assert encode_counts_text(one, OUTPUT, verbose=True) == "0 of 1 frame copied, 1 encoded: 1 (title card)"
    assert encode_counts_text(EncodeCounts(1, {}), OUTPUT, verbose=True) == "1 frame copied"
    assert encode_counts_text(EncodeCounts(2304, {}), OUTPUT, verbose=False) == "all 2,304 frames copied"
    assert FilmLength(1, open=False).frames_at_rate(Output("a.mp4", Size(2, 2), Fraction(24))) == "1 frame at 24 fps"


def test_reasons_for_encoding_name_what_the_film_needs_and_keep_their_keys_in_json() -> None:
    size, rate, fade = (
        CopyBlocker("size", "1280x720"),
        CopyBlocker("frame-rate", "25/1"),
        CopyBlocker("transition", "fade_in"),
    )
    counted = EncodeCounts(10, {size: 48, rate: 24, fade: 12})
    assert encode_counts_text(counted, OUTPUT, verbose=False) == "10 of 94 frames copied, 84 encoded"
    assert encode_counts_text(counted, OUTPUT, verbose=True) == (
        "10 of 94 frames copied, 84 encoded: "
        "48 (1280x720 scaled to 640x360), 24 (25 fps conformed to 24 fps), 12 (fade in)"
    )
    keys = {"it is 1280x720": 48, "it has 25 frames a second": 24, "it is a fade in": 12}
    assert encode_counts_data(counted)["why"] == keys


def test_a_segment_is_rendered_or_encoded_again_and_says_why() -> None:
    def text(blocker: CopyBlocker) -> str:
        reason = Reason("not-copied", copy_blocker=blocker)
        return reason_text(Step(Action("segment:a", "segment", "a"), "make", reason, request={"size": "640x360"}))

    assert text(CopyBlocker("size", "1280x720")) == "re-encoded: 1280x720 scaled to 640x360"
    assert text(CopyBlocker("speed", "3/2")) == "re-encoded: speed 1.5"
    assert text(CopyBlocker("card")) == "rendered: title card"
    assert text(CopyBlocker("transition", "dissolve")) == "rendered: dissolve"
