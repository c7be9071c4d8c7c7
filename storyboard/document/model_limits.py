"""A request against the card of its model: lengths, sizes, frames, providers, fields that are passed through."""

from collections.abc import Mapping

from storyboard.core.diagnostics import Diagnostic, Label, Span, error
from storyboard.core.model import DEFAULT_MODEL, DEFAULT_PROVIDER, Generated
from storyboard.core.model_cards import ModelCard, misfits
from storyboard.document.fields import Field, FieldLayer, ShotDraft
from storyboard.document.suggest import alternatives, closest, did_you_mean, quoted

# What the local provider draws by and nobody else is sent.
_LOCAL_PARAMS = {"slate": bool}


class ModelChecks:
    """The cards of the models and what shots ask of them. A default that does not fit is told once."""

    def __init__(self, cards: Mapping[str, ModelCard], provider: str | None, findings: list[Diagnostic]) -> None:
        self._cards = cards
        self.known = cards
        self._provider = provider
        self._findings = findings
        self._told: set[tuple[str, Span | None]] = set()

    def card(self, shot: ShotDraft) -> ModelCard | None:
        """The card of the shot's model, or ``None`` if there is none, which has then been said."""
        field = shot.written("model")
        if field is not None and not field.usable:
            return None
        name = DEFAULT_MODEL if field is None else str(field.value)
        card = self._cards.get(name)
        if card is None:
            advice = did_you_mean(name, self._cards) or f"known are {alternatives(self._cards)}"
            self._tell(shot, "unknown-model", f"the model {quoted(name)} is not known", field, help=advice)
        return card

    def provider(self, shot: ShotDraft, card: ModelCard) -> str:
        """Who makes the shot. Says so if nobody of that name does."""
        field = shot.find("provider") if self._provider is None else None
        name = self._provider or (DEFAULT_PROVIDER if field is None else str(field.value))
        if name in card.providers:
            return name
        everybody = dict.fromkeys(provider for known in self._cards.values() for provider in known.providers)
        makers = f"{card.id} is made by {' or '.join(card.providers)}"
        if name in everybody:
            self._tell(shot, "model-provider", f"{makers}, not by {quoted(name)}", field)
        else:
            meant = closest(name, everybody)
            advice = makers if meant is None else f"did you mean `{meant}`?"
            self._tell(shot, "unknown-provider", f"the provider {quoted(name)} is not known", field, help=advice)
        return name

    def check(self, shot: ShotDraft, card: ModelCard, source: Generated) -> None:
        """Says what of *source* the model cannot serve; fields that are wrong already are left alone."""
        for misfit in misfits(card, source):
            field = shot.written(misfit.field)
            if field is None or field.usable:
                code = f"model-{misfit.field.replace('_', '-')}"
                self._tell(shot, code, misfit.message, field, help=misfit.help)

    def check_params(self, shot: ShotDraft, card: ModelCard, layers: list[FieldLayer]) -> None:
        """Says which of the request fields may not be passed through."""
        told: set[str] = set()
        for layer in layers:
            for name in layer.data:
                field = layer.find(name)
                if field is not None and name not in told:
                    told.add(name)
                    self._param(shot, card, name, field)

    def _param(self, shot: ShotDraft, card: ModelCard, name: str, field: Field) -> None:
        place = field.key_span
        if name in card.refused_params:
            message = f"`{name}` cannot be set: {card.refused_params[name]}"
            self._tell(shot, "refused-param", message, field, place)
        elif name in _LOCAL_PARAMS and not isinstance(field.value, _LOCAL_PARAMS[name]):
            self._tell(shot, "wrong-type", f"`{name}` must be `true` or `false`", field)
        elif name not in card.params and name not in _LOCAL_PARAMS:
            message = f"{card.id} has no request field {quoted(name)}"
            self._tell(shot, "unknown-param", message, field, place, help=did_you_mean(name, card.params))

    def _tell(
        self,
        shot: ShotDraft,
        code: str,
        message: str,
        field: Field | None,
        place: Span | None = None,
        help: str | None = None,  # noqa: A002
    ) -> None:
        """A finding at the field; a default is told once, with the first shot it does not fit."""
        where = place or (field.span if field is not None else None)
        if (code, where) in self._told:
            return
        self._told.add((code, where))
        notes = () if field is None or _is_own(shot, field) else (Label(shot.name_span, "this shot is made with it"),)
        self._findings.append(error(code, message, where, *notes, help=help))


def _is_own(shot: ShotDraft, field: Field) -> bool:
    return field.document is shot.own.document and field.path[: len(shot.own.path)] == shot.own.path
