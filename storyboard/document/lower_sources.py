"""Sources that nobody has to generate: own footage, stills, title cards; and how a shot takes over from another.

The seeds of a shot: one, or several to choose from and the one that goes into the cut.
"""

from fractions import Fraction
from typing import Any

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Label, error, warning
from storyboard.core.model import DEFAULT_SEED, Clip, FileInput, Source, Still, TitleCard, Transition
from storyboard.core.model_cards import ModelCard
from storyboard.core.timebase import exact
from storyboard.document.fields import Field, ShotDraft
from storyboard.document.file_inputs import FileInputs
from storyboard.document.lower_text import VarExpander, can_be_drawn
from storyboard.document.names import alternatives

SHOWN_S = Fraction(4)
TRANSITION_S = Fraction(1)
_FONT = "card: {text: …, font: fonts/name.ttf}"


def material(draft: ShotDraft, texts: VarExpander, frames: FileInputs, findings: list[Diagnostic]) -> Source | None:
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


def _still(field: Field, frames: FileInputs) -> Still | None:
    said: dict[str, Any] = field.value if isinstance(field.value, dict) else {"file": field.value}
    place = _part(field, "file") if isinstance(field.value, dict) else field
    file = frames.file(place, "picture")
    if file is None or not field.usable:
        return None
    return Still(file, _seconds(said, SHOWN_S), said.get("move", "none"))


def _card(field: Field, texts: VarExpander, frames: FileInputs, findings: list[Diagnostic]) -> TitleCard | None:
    if not field.usable:
        return None
    if not isinstance(field.value, dict):
        text = _words(field, texts, findings)
        return TitleCard(text, SHOWN_S) if text and can_be_drawn(field, text, None, frames, findings, _FONT) else None
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
    return TitleCard(text, _seconds(said, SHOWN_S), filled.get("subtitle"), font=font, **looks) if all(drawn) else None


def _words(field: Field, texts: VarExpander, findings: list[Diagnostic]) -> str | None:
    text = texts.fill(field)
    if text == "":
        findings.append(error("empty-text", "there is nothing in it but blanks", field.span))
    return text


def _part(field: Field, name: str) -> Field:
    value = field.value[name] if isinstance(field.value, dict) else None
    return Field(value, field.document, (*field.path, name))


def _seconds(said: dict[str, Any], otherwise: Fraction) -> Fraction:
    return exact(said["duration"]) if "duration" in said else otherwise


class Seeds(Struct, frozen=True):
    """*seed* is that of the take in the cut; *takes* and *pick* as written."""

    seed: int
    takes: tuple[int, ...] = ()
    pick: int | None = None


def read_seeds(draft: ShotDraft, card: ModelCard, findings: list[Diagnostic]) -> Seeds:
    """The seeds of a shot; what is wrong with them is added to the findings."""
    takes, pick = draft.own.find("takes"), draft.own.find("pick")
    if takes is None:
        if pick is not None:
            advice = "write the seeds to choose from: `takes: [...]`"
            findings.append(error("bad-pick", "`pick` without `takes`", pick.key_span, help=advice))
        return Seeds(_single(draft))
    if not takes.usable or not isinstance(takes.value, list):
        return Seeds(_single(draft))
    seeds = _in_range([int(value) for value in takes.value], takes, card, findings)
    if not seeds:
        return Seeds(card.seed_range[0])
    _unused_seed(draft, takes, seeds, findings)
    picked = _picked(pick, takes, seeds, findings)
    return Seeds(seeds[0] if picked is None else picked, tuple(seeds), picked)


def _single(draft: ShotDraft) -> int:
    field = draft.find("seed")
    return int(field.value) if field is not None and isinstance(field.value, int | float) else DEFAULT_SEED


def _in_range(seeds: list[int], field: Field, card: ModelCard, findings: list[Diagnostic]) -> list[int]:
    low, high = card.seed_range
    for index, seed in enumerate(seeds):
        if not low <= seed <= high:
            place = field.document.span((*field.path, index))
            findings.append(error("model-seed", f"{card.id} takes seeds from {low} to {high}", place))
    return [seed for seed in seeds if low <= seed <= high]


def _unused_seed(draft: ShotDraft, takes: Field, seeds: list[int], findings: list[Diagnostic]) -> None:
    own = draft.own.find("seed")
    if own is not None and own.usable and own.value not in seeds:
        note = Label(takes.key_span, "these seeds are made instead")
        advice = "add it to `takes`, or take it out"
        message = f"nothing is made with the seed {own.value}"
        findings.append(warning("unused-seed", message, own.span, note, help=advice))


def _picked(pick: Field | None, takes: Field, seeds: list[int], findings: list[Diagnostic]) -> int | None:
    if pick is None or not pick.usable or not isinstance(pick.value, int | float):
        return None
    if pick.value in seeds:
        return int(pick.value)
    note = Label(takes.key_span, "the seeds to choose from stand here")
    advice = f"write {alternatives([str(seed) for seed in seeds])}" if len(seeds) <= 6 else None
    message = f"the seed {int(pick.value)} is not among `takes`"
    findings.append(error("bad-pick", message, pick.span, note, help=advice))
    return None
