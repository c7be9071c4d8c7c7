"""Captions of a shot as written: one text for all of it, or texts with their times."""

from fractions import Fraction

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.core.model import Caption
from storyboard.core.timebase import exact, plain_number
from storyboard.document.fields import Field, ShotDraft
from storyboard.document.vars import Texts


def captions(
    draft: ShotDraft, length: Fraction | None, texts: Texts, findings: list[Diagnostic]
) -> tuple[Caption, ...]:
    """The captions of a shot whose source lasts *length* seconds, ``None`` if that is not known yet."""
    field = draft.own.find("caption")
    if field is None or not field.usable:
        return ()
    if not isinstance(field.value, list):
        text = texts.fill(field)
        return (Caption(text),) if text else ()
    found = (_timed(field, number, length, texts, findings) for number in range(len(field.value)))
    return tuple(caption for caption in found if caption is not None)


def _timed(
    field: Field, number: int, length: Fraction | None, texts: Texts, findings: list[Diagnostic]
) -> Caption | None:
    said = field.value[number] if isinstance(field.value, list) else {}
    path = (*field.path, number)
    text = texts.fill(Field(said["text"], field.document, (*path, "text")))
    start, end = exact(said["start"]), exact(said["end"])
    problem, name = _problem(start, end, length)
    if problem is not None:
        findings.append(error("bad-caption", problem, field.document.span((*path, name))))
        return None
    return Caption(text, start, end) if text else None


def _problem(start: Fraction, end: Fraction, length: Fraction | None) -> tuple[str | None, str]:
    if end <= start:
        return f"the caption ends at {plain_number(end)} s and starts at {plain_number(start)} s", "end"
    if length is not None and start >= length:
        return f"the shot is {plain_number(length)} s long", "start"
    return None, ""
