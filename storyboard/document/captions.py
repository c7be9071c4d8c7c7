"""Captions of a shot as written: one text for all of it, or texts with their times."""

from fractions import Fraction

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.core.model import Caption, FileInput
from storyboard.core.timebase import exact, plain_number
from storyboard.document.fields import Field, ShotDraft
from storyboard.document.frames import Frames
from storyboard.document.letters import can_be_drawn
from storyboard.document.vars import Texts

_FONT = "output: {captions: burn, font: fonts/name.ttf}"


class Drawn(Struct):
    """What captions are drawn into the film with: fonts, ``None`` for the built-in one. None at all, and none is."""

    fonts: tuple[FileInput | None, ...]
    frames: Frames


def captions(
    draft: ShotDraft, length: Fraction | None, texts: Texts, drawn: Drawn, findings: list[Diagnostic]
) -> tuple[Caption, ...]:
    """The captions of a shot whose source lasts *length* seconds, ``None`` if that is not known yet."""
    field = draft.own.find("caption")
    if field is None or not field.usable:
        return ()
    if not isinstance(field.value, list):
        text = texts.fill(field)
        _check_letters(field, text, drawn, findings)
        return (Caption(text),) if text else ()
    found = (_timed(field, number, length, texts, drawn, findings) for number in range(len(field.value)))
    return tuple(caption for caption in found if caption is not None)


def _check_letters(field: Field, text: str | None, drawn: Drawn, findings: list[Diagnostic]) -> None:
    for font in drawn.fonts if text else ():
        if not can_be_drawn(field, text or "", font, drawn.frames, findings, _FONT):
            return


def _timed(
    field: Field, number: int, length: Fraction | None, texts: Texts, drawn: Drawn, findings: list[Diagnostic]
) -> Caption | None:
    said = field.value[number] if isinstance(field.value, list) else {}
    path = (*field.path, number)
    words = Field(said["text"], field.document, (*path, "text"))
    text = texts.fill(words)
    _check_letters(words, text, drawn, findings)
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
