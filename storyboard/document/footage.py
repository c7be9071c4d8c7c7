"""What is asked of own footage against how long it says that it is: the part of it that is shown.

Only MP4 and MOV say so; other footage is measured when it is taken in, and the build says then what does not fit.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.core.model import Clip, Shot, Storyboard
from storyboard.core.timebase import in_words
from storyboard.document.frames import Frames
from storyboard.document.known import AnyDraft
from storyboard.document.source import Path

# A part may end a frame behind its footage; frames are not longer than this.
_FRAME_S = Fraction(1, 10)


def check_footage(storyboard: Storyboard, drafts: Sequence[AnyDraft], files: Frames) -> Iterator[Diagnostic]:
    """Findings about parts that begin or end behind the footage that they are of."""
    for draft, shot in zip(drafts, storyboard.shots(), strict=True):
        if shot.skip or not isinstance(shot.source, Clip) or (shot.trim.start, shot.trim.end) == (None, None):
            continue
        length = files.length(shot.source.file, "clip")
        path = None if length is None else _beyond(shot, length)
        field = draft.own.find("trim") if path is not None else None
        if length is not None and path is not None and field is not None:
            message = f"the footage is {in_words(length)} long"
            yield error("bad-trim", message, field.document.span((*field.path, *path)))


def _beyond(shot: Shot, length: Fraction) -> Path | None:
    """The side of the part that lies behind the footage."""
    if shot.trim.start is not None and shot.trim.start >= length:
        return ("start",)
    return ("end",) if shot.trim.end is not None and shot.trim.end > length + _FRAME_S else None
