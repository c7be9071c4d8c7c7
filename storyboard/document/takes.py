"""The seeds of a shot: one, or several to choose from and the one that goes into the cut."""

from msgspec import Struct

from storyboard.core.cards import ModelCard
from storyboard.core.diagnostics import Diagnostic, Label, error, warning
from storyboard.core.model import DEFAULT_SEED
from storyboard.document.fields import Field, ShotDraft
from storyboard.document.names import alternatives


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
