"""Lower sources that are not generated (footage, stills, title cards), transitions, and the seeds of a shot."""

from fractions import Fraction
from typing import Any

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Label, error, warning
from storyboard.core.model import DEFAULT_SEED, Clip, FileInput, Source, Still, TitleCard, Transition
from storyboard.core.model_cards import ModelCard
from storyboard.core.suggest import alternatives
from storyboard.core.timebase import exact
from storyboard.document.fields import Field, ShotDraft
from storyboard.document.file_inputs import FileInputs
from storyboard.document.lower_text import VarExpander, check_glyphs

DEFAULT_STILL_S = Fraction(4)
DEFAULT_TRANSITION_S = Fraction(1)


def lower_local_source(
    draft: ShotDraft, expander: VarExpander, inputs: FileInputs, findings: list[Diagnostic]
) -> Source | None:
    """Return the source of a shot without a prompt, ``None`` after a finding if it cannot be used."""
    field = draft.own.find(draft.kind) if draft.kind else None
    if field is None:
        return None
    match draft.kind:
        case "clip":
            file = inputs.read_file(field, "clip")
            return None if file is None else Clip(file)
        case "image":
            return _read_still(field, inputs)
        case "card":
            return _read_title_card(field, expander, inputs, findings)
    return None


def read_transition(draft: ShotDraft) -> Transition:
    """Return the transition into the shot."""
    field = draft.find("transition")
    whole: dict[str, Any] = {"type": "cut"}
    if field is not None:
        whole = field.value if isinstance(field.value, dict) else {"type": field.value}
    if whole["type"] == "cut":
        return Transition()
    looks = {name: whole[name] for name in ("direction", "color") if name in whole}
    return Transition(whole["type"], _read_duration(whole, DEFAULT_TRANSITION_S), **looks)


def _read_still(field: Field, inputs: FileInputs) -> Still | None:
    said: dict[str, Any] = field.value if isinstance(field.value, dict) else {"file": field.value}
    place = _subfield(field, "file") if isinstance(field.value, dict) else field
    file = inputs.read_file(place, "picture")
    if file is None or not field.usable:
        return None
    return Still(file, _read_duration(said, DEFAULT_STILL_S), said.get("move", "none"))


def _read_title_card(
    field: Field, expander: VarExpander, inputs: FileInputs, findings: list[Diagnostic]
) -> TitleCard | None:
    if not field.usable:
        return None
    if not isinstance(field.value, dict):
        text = _read_words(field, expander, findings)
        return TitleCard(text, DEFAULT_STILL_S) if text and check_glyphs(field, text, None, inputs, findings) else None
    said = field.value
    filled = {
        name: _read_words(_subfield(field, name), expander, findings) for name in ("text", "subtitle") if name in said
    }
    font: FileInput | None = inputs.read_file(_subfield(field, "font"), "font") if "font" in said else None
    looks: dict[str, Any] = {name: said[name] for name in ("color", "background", "align") if name in said}
    text = filled["text"]
    if not text or ("font" in said and font is None):
        return None
    drawn = [
        check_glyphs(_subfield(field, name), words, font, inputs, findings) for name, words in filled.items() if words
    ]
    return (
        TitleCard(text, _read_duration(said, DEFAULT_STILL_S), filled.get("subtitle"), font=font, **looks)
        if all(drawn)
        else None
    )


def _read_words(field: Field, expander: VarExpander, findings: list[Diagnostic]) -> str | None:
    text = expander.fill(field)
    if text == "":
        findings.append(error("empty-text", "the text is blank", field.span, help="write text"))
    return text


def _subfield(field: Field, name: str) -> Field:
    value = field.value[name] if isinstance(field.value, dict) else None
    return Field(value, field.document, (*field.path, name))


def _read_duration(said: dict[str, Any], otherwise: Fraction) -> Fraction:
    return exact(said["duration"]) if "duration" in said else otherwise


class Seeds(Struct, frozen=True):
    """The seeds of a shot: *seed* of the selected take, *takes* and *pick* as written."""

    seed: int
    takes: tuple[int, ...] = ()
    pick: int | None = None


def read_seeds(draft: ShotDraft, card: ModelCard, findings: list[Diagnostic]) -> Seeds:
    """Return the seeds of a shot and report invalid ones."""
    takes, pick = draft.own.find("takes"), draft.own.find("pick")
    if takes is None:
        if pick is not None:
            advice = "add `takes: [...]` with the seeds to choose from, or delete `pick`"
            findings.append(error("bad-pick", "`pick` needs `takes`", pick.key_span, help=advice))
        return Seeds(_read_seed(draft))
    if not takes.usable or not isinstance(takes.value, list):
        return Seeds(_read_seed(draft))
    seeds = _check_range([int(value) for value in takes.value], takes, card, findings)
    if not seeds:
        return Seeds(card.seed_range[0])
    _check_unused_seed(draft, takes, seeds, findings)
    picked = _read_pick(pick, takes, seeds, findings)
    return Seeds(seeds[0] if picked is None else picked, tuple(seeds), picked)


def _read_seed(draft: ShotDraft) -> int:
    field = draft.find("seed")
    return int(field.value) if field is not None and isinstance(field.value, int | float) else DEFAULT_SEED


def _check_range(seeds: list[int], field: Field, card: ModelCard, findings: list[Diagnostic]) -> list[int]:
    low, high = card.seed_range
    for index, seed in enumerate(seeds):
        if not low <= seed <= high:
            place = field.document.span((*field.path, index))
            findings.append(error("model-seed", f"{card.id} accepts seeds from {low} to {high}, not `{seed}`", place))
    return [seed for seed in seeds if low <= seed <= high]


def _check_unused_seed(draft: ShotDraft, takes: Field, seeds: list[int], findings: list[Diagnostic]) -> None:
    own = draft.own.find("seed")
    if own is not None and own.usable and own.value not in seeds:
        note = Label(takes.key_span, "takes are made with these seeds")
        advice = f"add {own.value} to `takes`, or delete `seed`"
        message = f"no take is made with seed {own.value}: it is not in `takes`"
        findings.append(warning("unused-seed", message, own.span, note, help=advice))


def _read_pick(pick: Field | None, takes: Field, seeds: list[int], findings: list[Diagnostic]) -> int | None:
    if pick is None or not pick.usable or not isinstance(pick.value, int | float):
        return None
    if pick.value in seeds:
        return int(pick.value)
    note = Label(takes.key_span, "the seeds are listed here")
    advice = f"write {alternatives([str(seed) for seed in seeds])}" if len(seeds) <= 6 else "write a seed of `takes`"
    message = f"seed {int(pick.value)} is not in `takes`"
    findings.append(error("bad-pick", message, pick.span, note, help=advice))
    return None
