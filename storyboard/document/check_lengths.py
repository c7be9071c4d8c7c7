"""Findings about shots that are too short: for a transition or fade, or for the part of the footage that they show.

A transition needs as many frames of both shots as it lasts. Footage counts with the length that its header states;
without one the build measures it and reports what does not fit.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Protocol

from storyboard.core.diagnostics import Diagnostic, Label, Span, error, warning
from storyboard.core.model import Clip, Shot, Storyboard
from storyboard.core.ranges import long_transitions, overlaps
from storyboard.core.reason import OverlapTooLong
from storyboard.core.timebase import decimal_seconds, frames_in, in_words, plain_number
from storyboard.core.timeline import TrimOutOfRange, place_shot
from storyboard.document.fields import Field
from storyboard.document.file_inputs import FileInputs
from storyboard.document.scene_cache import AnyDraft


class OutputFields(Protocol):
    """The fields of one output as written."""

    def find(self, name: str) -> Field | None:
        """Return the field that counts."""


def check_overlaps(
    storyboard: Storyboard, drafts: Sequence[AnyDraft], output: OutputFields, files: FileInputs
) -> Iterator[Diagnostic]:
    """Yield findings about transitions and fades that are too long, and about a transition of the first shot."""
    written = {draft.id: draft for draft in drafts}
    shots = [shot for shot in storyboard.shots() if not shot.skip]
    sharing = {name for name, share in overlaps(storyboard).items() if share.before or share.after}
    found = {shot.id: _shot_frames(shot, storyboard, files) for shot in shots if shot.id in sharing}
    lengths = {name: frames for name, frames in found.items() if frames is not None}
    for problem in long_transitions(storyboard, lengths) if sharing else ():
        note = Label(written[problem.short].name_span, f"`{problem.short}` is defined here")
        place = _problem_span(problem, written, output)
        yield error("transition-too-long", _overlap_message(problem), place, note, help=_overlap_help(problem))
    first = shots[0] if shots else None
    moves = first is not None and first.transition.type != "cut"
    field = written[first.id].own.find("transition") if first is not None and moves else None
    if first is not None and field is not None:
        message = f"`transition` has no effect: `{first.id}` is the first shot"
        advice = "delete `transition`; to fade the film in, write `fade_in` under `output`"
        yield warning("no-shot-before", message, field.key_span, help=advice)


def _shot_frames(shot: Shot, storyboard: Storyboard, files: FileInputs) -> int | None:
    if isinstance(shot.source, Clip):
        length = files.length(shot.source.file, "clip")
        return None if length is None else _footage_frames(shot, storyboard, length)
    try:
        return place_shot(shot, 0, storyboard.output, None).frames
    except TrimOutOfRange:
        return None


def _footage_frames(shot: Shot, storyboard: Storyboard, length: Fraction) -> int | None:
    """Return the frames of a shot whose footage lasts *length* seconds, ``None`` if its trim leaves nothing."""
    shown = min(shot.trim.end or length, length) - (shot.trim.start or 0)
    return max(1, frames_in(shown / shot.speed, storyboard.output.fps)) if shown > 0 else None


def _overlap_message(problem: OverlapTooLong) -> str:
    what = f"{problem.kind} into `{problem.shot}`" if problem.shot else problem.kind
    left = f"only {decimal_seconds(problem.longest)} s" if problem.longest > 0 else "nothing"
    return f"the {what} takes {decimal_seconds(problem.asked)} s; `{problem.short}` has {left} left for it"


def _overlap_help(problem: OverlapTooLong) -> str:
    if problem.longest > 0:
        return f"write `{decimal_seconds(problem.longest)}` or less"
    return f"delete the {problem.kind}, or lengthen `{problem.short}`"


def _problem_span(problem: OverlapTooLong, written: dict[str, AnyDraft], output: OutputFields) -> Span | None:
    if not problem.shot:
        name = problem.kind.replace(" ", "_")
        field = output.find(name)
        return None if field is None else field.span
    found = written[problem.shot].find("transition")
    if found is None:
        return None
    said = found.value if isinstance(found.value, dict) else {}
    return found.document.span((*found.path, "duration")) if "duration" in said else found.key_span


# A part may end a frame behind its footage; frames are not longer than this.
_FRAME_S = Fraction(1, 10)


def check_trims(storyboard: Storyboard, drafts: Sequence[AnyDraft], files: FileInputs) -> Iterator[Diagnostic]:
    """Yield findings about trims that begin or end behind the end of their footage."""
    for draft, shot in zip(drafts, storyboard.shots(), strict=True):
        if shot.skip or not isinstance(shot.source, Clip) or (shot.trim.start, shot.trim.end) == (None, None):
            continue
        length = files.length(shot.source.file, "clip")
        offset = None if length is None else _misplaced_offset(shot, length)
        field = draft.find_trim() if offset is not None else None
        if length is not None and offset is not None and field is not None:
            name, moment = offset
            message = f"`{name}` is {plain_number(moment)} s; the clip is {in_words(length)} long"
            advice = "write a smaller `start`" if name == "start" else "write a smaller `end`, or none"
            yield error("bad-trim", message, field.span_of(name), *draft.notes(field), help=advice)


def _misplaced_offset(shot: Shot, length: Fraction) -> tuple[str, Fraction] | None:
    """Return the name and second of the offset of the trim that lies behind the end of the footage."""
    if shot.trim.start is not None and shot.trim.start >= length:
        return "start", shot.trim.start
    if shot.trim.end is not None and shot.trim.end > length + _FRAME_S:
        return "end", shot.trim.end
    return None
