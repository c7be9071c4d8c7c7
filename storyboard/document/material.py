"""Sources that nobody has to generate: own footage, stills, title cards; and how a shot takes over from another."""

from fractions import Fraction
from typing import Any

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.core.model import Card, Clip, FileInput, Source, Still, Transition
from storyboard.core.timebase import exact
from storyboard.document.fields import Field, ShotDraft
from storyboard.document.frames import Frames
from storyboard.document.letters import can_be_drawn
from storyboard.document.vars import Texts

SHOWN_S = Fraction(4)
TRANSITION_S = Fraction(1)
_FONT = "card: {text: …, font: fonts/name.ttf}"


def material(draft: ShotDraft, texts: Texts, frames: Frames, findings: list[Diagnostic]) -> Source | None:
    """The source of a shot that has no prompt, or ``None`` if it cannot be used, which has then been said."""
    field = draft.own.find(draft.kind) if draft.kind else None
    if field is None:
        return None
    match draft.kind:
        case "clip":
            file = frames.file(field, "clip")
            return None if file is None else Clip(file)
        case "image":
            return _still(field, frames)
        case "card":
            return _card(field, texts, frames, findings)
    return None


def transition(draft: ShotDraft) -> Transition:
    """How the shot takes over from the one before it."""
    field = draft.find("transition")
    if field is None or not isinstance(field.value, dict) or field.value["type"] == "cut":
        return Transition()
    said: dict[str, Any] = {name: field.value[name] for name in ("direction", "color") if name in field.value}
    return Transition(field.value["type"], _seconds(field.value, TRANSITION_S), **said)


def _still(field: Field, frames: Frames) -> Still | None:
    said: dict[str, Any] = field.value if isinstance(field.value, dict) else {"file": field.value}
    place = _part(field, "file") if isinstance(field.value, dict) else field
    file = frames.file(place, "picture")
    if file is None or not field.usable:
        return None
    return Still(file, _seconds(said, SHOWN_S), said.get("move", "none"))


def _card(field: Field, texts: Texts, frames: Frames, findings: list[Diagnostic]) -> Card | None:
    if not field.usable:
        return None
    if not isinstance(field.value, dict):
        text = _words(field, texts, findings)
        return Card(text, SHOWN_S) if text and can_be_drawn(field, text, None, frames, findings, _FONT) else None
    said = field.value
    filled = {name: _words(_part(field, name), texts, findings) for name in ("text", "subtitle") if name in said}
    font: FileInput | None = frames.file(_part(field, "font"), "font") if "font" in said else None
    looks: dict[str, Any] = {name: said[name] for name in ("color", "background", "align") if name in said}
    text = filled["text"]
    if not text or ("font" in said and font is None):
        return None
    drawn = [
        can_be_drawn(_part(field, name), words, font, frames, findings, _FONT)
        for name, words in filled.items()
        if words
    ]
    return Card(text, _seconds(said, SHOWN_S), filled.get("subtitle"), font=font, **looks) if all(drawn) else None


def _words(field: Field, texts: Texts, findings: list[Diagnostic]) -> str | None:
    text = texts.fill(field)
    if text == "":
        findings.append(error("empty-text", "there is nothing in it but blanks", field.span))
    return text


def _part(field: Field, name: str) -> Field:
    value = field.value[name] if isinstance(field.value, dict) else None
    return Field(value, field.document, (*field.path, name))


def _seconds(said: dict[str, Any], otherwise: Fraction) -> Fraction:
    return exact(said["duration"]) if "duration" in said else otherwise
