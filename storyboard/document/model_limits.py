"""Check requests against the card of their model: durations, sizes, frames, providers, passed-through fields."""

from collections.abc import Callable, Collection, Iterator, Mapping
from fractions import Fraction

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Span, error
from storyboard.core.model import DEFAULT_MODEL, DEFAULT_PROVIDER, DRAWING_PARAMS, PANELS, Generated, Size
from storyboard.core.model_cards import ModelCard, prompt_length
from storyboard.core.suggest import alternatives, did_you_mean, either, quoted
from storyboard.document.fields import Field, FieldLayer, ShotDraft

# Returns the names of all providers that are installed, whether or not a card names them.
InstalledProviders = Callable[[], Collection[str]]


class ModelChecks:
    """Checks against the cards of the models. A default that does not fit is reported once."""

    def __init__(
        self,
        cards: Mapping[str, ModelCard],
        provider: str | None,
        findings: list[Diagnostic],
        installed: InstalledProviders,
    ) -> None:
        self.cards = cards
        self._installed = installed
        self.draws_panels = provider == PANELS
        self._provider = DEFAULT_PROVIDER if self.draws_panels else provider
        self._findings = findings
        self._reported: set[tuple[str, Span | None]] = set()

    def find_card(self, shot: ShotDraft) -> ModelCard | None:
        """Return the card of the shot's model, ``None`` after a finding if there is none."""
        field = shot.find_any("model")
        if field is not None and not field.usable:
            return None
        name = DEFAULT_MODEL if field is None else str(field.value)
        card = self.cards.get(name)
        if card is None:
            advice = did_you_mean(name, self.cards) or f"use {alternatives(self.cards)}"
            self._report(shot, "unknown-model", f"unknown model {quoted(name)}", field, help=advice)
        return card

    def check_provider(self, shot: ShotDraft, card: ModelCard) -> str:
        """Return the name of the shot's provider. An unknown or unsuitable one is reported."""
        field = shot.find("provider") if self._provider is None else None
        name = self._provider or (self._maker(shot, card) if field is None else str(field.value))
        if name in card.providers:
            return name
        providers = dict.fromkeys(provider for known in self.cards.values() for provider in known.providers)
        advice = f"use {alternatives(card.providers)}"
        if name in providers:
            self._report(shot, "model-provider", f"{quoted(name)} does not offer {card.id}", field, help=advice)
        elif name in self._installed():
            message = f"the provider {quoted(name)} is installed, but the card of {card.id} does not name it"
            self._report(shot, "model-provider", message, field, help=advice)
        else:
            advice = did_you_mean(name, providers) or advice
            self._report(shot, "unknown-provider", f"unknown provider {quoted(name)}", field, help=advice)
        return name

    def _maker(self, shot: ShotDraft, card: ModelCard) -> str:
        """Return the provider of a shot that names none: one that sells the model that is written for it.

        Without a model in the text the shot is an animatic.
        """
        sellers = [name for name in card.providers if name != DEFAULT_PROVIDER]
        return sellers[0] if sellers and shot.find("model") is not None else DEFAULT_PROVIDER

    def check_request(self, shot: ShotDraft, card: ModelCard, source: Generated) -> None:
        """Report values of *source* that the model does not support, except for those already reported."""
        for mismatch in mismatches(card, source):
            field = shot.find_any(mismatch.field)
            if field is None or field.usable:
                code = f"model-{mismatch.field.replace('_', '-')}"
                self._report(shot, code, mismatch.message, field, help=mismatch.help)

    def check_params(self, shot: ShotDraft, card: ModelCard, layers: list[FieldLayer]) -> None:
        """Report request fields that may not be passed through."""
        told: set[str] = set()
        for layer in layers:
            for name in layer.data:
                field = layer.find(name)
                if field is not None and name not in told:
                    told.add(name)
                    self._check_param(shot, card, name, field)

    def _check_param(self, shot: ShotDraft, card: ModelCard, name: str, field: Field) -> None:
        place, values = field.key_span, DRAWING_PARAMS.get(name, ())
        if name in card.refused_params:
            message = f"`{name}` cannot be set: {card.refused_params[name]}"
            self._report(shot, "refused-param", message, field, place, help=f"delete `{name}`")
        elif name in DRAWING_PARAMS and not any(
            type(field.value) is type(value) and field.value == value for value in values
        ):
            words = ["true" if value is True else "false" if value is False else str(value) for value in values]
            advice = f"write {alternatives(f'{name}: {word}' for word in words)}, without quotes"
            self._report(shot, "wrong-type", f"`{name}` must be {alternatives(words)}", field, help=advice)
        elif name not in card.params and name not in DRAWING_PARAMS:
            message = f"unknown request field {quoted(name)} for {card.id}"
            advice = (
                did_you_mean(name, card.params)
                or f"delete {quoted(name)}; `storyboard models` lists the request fields"
            )
            self._report(shot, "unknown-param", message, field, place, help=advice)

    def _report(
        self,
        shot: ShotDraft,
        code: str,
        message: str,
        field: Field | None,
        place: Span | None = None,
        help: str | None = None,  # noqa: A002
    ) -> None:
        """Add a finding at the field; a default is reported once, with the first shot it does not fit."""
        where = place or (field.span if field is not None else None)
        if (code, where) in self._reported:
            return
        self._reported.add((code, where))
        notes = () if field is None else shot.notes(field)
        self._findings.append(error(code, message, where, *notes, help=help))


class ModelMismatch(Struct, frozen=True):
    """A field of a request that a model cannot serve, the message, and the nearest value that it can."""

    field: str
    message: str
    help: str | None = None


def mismatches(card: ModelCard, source: Generated) -> Iterator[ModelMismatch]:
    """Yield everything in *source* that *card* does not allow, field by field."""
    if source.duration not in card.durations:
        nearest = min(card.durations, key=lambda d: (abs(d - source.duration), d))
        lengths = either([str(d) for d in card.durations])
        yield ModelMismatch(
            "duration", f"{card.id} makes clips of {lengths} s", f"write `{nearest}`, the nearest length"
        )
    if str(source.size) not in card.sizes:
        help_text = f"write `{_nearest_size(card, source.size)}`, the nearest size"
        yield ModelMismatch("size", f"{card.id} makes clips of {either(card.sizes)}", help_text)
    low, high = card.prompt_length
    length = prompt_length(source.prompt, card.prompt_unit)
    if not low <= length <= high:
        message = f"{card.id} accepts prompts of {low} to {high} characters; this prompt has {length}"
        yield ModelMismatch("prompt", message, "shorten the prompt" if length > high else "lengthen the prompt")
    if not card.seed_range[0] <= source.seed <= card.seed_range[1]:
        low, high = card.seed_range
        yield ModelMismatch("seed", f"{card.id} accepts seeds from {low} to {high}, not `{source.seed}`")
    if source.negative_prompt is not None and not card.negative_prompt:
        help_text = "delete `negative_prompt`, and describe in `prompt` what to show"
        yield ModelMismatch("negative_prompt", f"{card.id} accepts no negative prompt", help_text)
    for position in ("first", "last"):
        if getattr(source, f"{position}_frame") is not None and position not in card.frames:
            accepted = f"only a {either(card.frames)} frame" if card.frames else "no frames"
            help_text = f"delete `{position}_frame`, or choose another model"
            yield ModelMismatch(f"{position}_frame", f"{card.id} accepts {accepted}", help_text)


def _nearest_size(card: ModelCard, size: Size) -> str:
    """Return the size of *card* nearest in shape, then in pixels."""
    wanted = Fraction(size.width, size.height)

    def distance(text: str) -> tuple[float, int]:
        candidate = Size.parse(text)
        ratio = Fraction(candidate.width, candidate.height) / wanted
        pixels = abs(candidate.width * candidate.height - size.width * size.height)
        return float(max(ratio, 1 / ratio)), pixels

    return min(card.sizes, key=distance)
