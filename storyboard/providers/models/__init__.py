"""Model cards: capabilities and prices, as JSON files beside this one."""

from functools import cache
from importlib import resources

import msgspec

from storyboard.core.cards import ModelCard


@cache
def cards() -> dict[str, ModelCard]:
    """Every card that ships with the package, by model id."""
    found = {}
    for entry in resources.files(__name__).iterdir():
        if entry.name.endswith(".json"):
            card = msgspec.json.decode(entry.read_bytes(), type=ModelCard)
            found[card.id] = card
    return dict(sorted(found.items()))
