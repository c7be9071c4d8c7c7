"""Model cards: capabilities and prices, as JSON files in this folder."""

from functools import cache
from pathlib import Path

import msgspec

from storyboard.core.model_cards import ModelCard


@cache
def cards() -> dict[str, ModelCard]:
    """Return every card that ships with the package, by model id."""
    found = {}
    for path in Path(__file__).parent.glob("*.json"):
        card = msgspec.json.decode(path.read_bytes(), type=ModelCard)
        found[card.id] = card
    return dict(sorted(found.items()))
