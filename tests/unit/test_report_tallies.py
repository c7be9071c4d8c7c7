"""How much of a film is copied, in words."""

from fractions import Fraction

from storyboard.core.model import Output, Size
from storyboard.core.plan import EncodeCounts
from storyboard.core.reason import CopyBlocker
from storyboard.report.plan import FilmLength, encode_counts_text


def test_one_frame_is_not_called_frames() -> None:
    assert (
        encode_counts_text(EncodeCounts(0, {CopyBlocker("card"): 1}))
        == "0 of 1 frame copied, 1 encoded: 1 (title card)"
    )
    assert encode_counts_text(EncodeCounts(1, {})) == "1 frame copied"
    assert encode_counts_text(EncodeCounts(2304, {})) == "all 2,304 frames copied"
    assert FilmLength(1, open=False).frames_at_rate(Output("a.mp4", Size(2, 2), Fraction(24))) == "1 frame at 24 fps"
