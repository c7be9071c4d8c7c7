"""How long a film is, in words, as far as that is known before everything is there."""

from collections.abc import Mapping

from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.cutting import overlaps
from storyboard.core.model import Output, Storyboard
from storyboard.core.timebase import in_words, seconds_of
from storyboard.core.timeline import TooShort, is_open, timeline, total_frames
from storyboard.report.words import several


class Length(Struct, frozen=True):
    """Frames of a film; *open* says that footage is in it whose length is not known yet and does not count."""

    frames: int
    open: bool

    def seconds(self, output: Output) -> str:
        """``40 s``, ``at least 8 s``."""
        return f"{'at least ' if self.open else ''}{in_words(seconds_of(self.frames, output.fps))}"

    def frames_at_rate(self, output: Output) -> str:
        """``960 frames at 24 fps``."""
        return f"{'at least ' if self.open else ''}{several(self.frames, 'frame')} at {float(output.fps):g} fps"


def length(film: Storyboard, takes: Mapping[str, ClipInfo]) -> Length:
    """The length of a film of one output; takes that are there count by their real length."""
    into = {name: overlap.before for name, overlap in overlaps(film).items()}
    try:
        pieces = timeline(film, takes, into)
    except TooShort:
        pieces = timeline(film, {}, into)
    unmeasured = {shot.id for shot in film.shots() if is_open(shot) and shot.id not in takes}
    uncounted = sum(piece.frames for piece in pieces if piece.shot in unmeasured)
    return Length(max(0, total_frames(pieces) - uncounted), open=bool(uncounted))
