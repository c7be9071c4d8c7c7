"""``storyboard models``: the limits and prices of known models."""

import click
import msgspec

from storyboard.cli.options import completes, json_option
from storyboard.cli.output import CommandOutput
from storyboard.core.model_cards import ModelCard
from storyboard.core.results import dollars
from storyboard.core.suggest import either
from storyboard.providers import models
from storyboard.report.text import clean


@click.command("models", epilog="Example: storyboard models runway:1@2 --json")
@click.argument("name", required=False, shell_complete=completes("models"))
@json_option
def command(name: str | None, as_json: bool) -> None:
    """Show the limits and prices of one model, or of all."""
    found = models.cards()
    if name is not None and name not in found:
        raise click.UsageError(f"no model is called {name!r}; known models: {', '.join(found)}")
    chosen = [found[name]] if name is not None else list(found.values())
    text = "\n\n".join(_format_card(card) for card in chosen)
    CommandOutput("models", as_json=as_json).result(text, {"models": msgspec.to_builtins(chosen)})


def _format_card(card: ModelCard) -> str:
    low, high = card.prompt_length
    rows = {
        "providers": ", ".join(card.providers),
        "durations": f"{either([str(seconds) for seconds in card.durations])} s",
        "without duration": _default_text(card),
        "sizes": ", ".join(card.sizes),
        "rate": f"{card.fps} fps",
        "prompt": f"{low} to {high} characters",
        "negative prompt": "yes" if card.negative_prompt else "no",
        "frames": ", ".join(card.frames) or "none",
        "seeds": f"{card.seed_range[0]} to {card.seed_range[1]}",
        "price": f"{dollars(card.price_per_second)} per second",
        "params": ", ".join(card.params),
    }
    return "\n".join([f"{card.id}  {card.name}", *(f"  {name:<16} {value}" for name, value in rows.items())])


def _default_text(card: ModelCard) -> str:
    """Return what a shot without a duration gets, and why."""
    reason = card.default_duration_reason or "the shortest"
    return f"{card.default_duration} s: {clean(reason)}"
