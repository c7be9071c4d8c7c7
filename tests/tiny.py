"""The program with one more model: tiny pictures and short clips, so that tests can build whole films in a second.

``python -m tests.tiny build film`` is ``storyboard build film``, with ``tiny:1`` among the models.
"""

import sys
from decimal import Decimal

from storyboard.core.model_cards import ModelCard
from storyboard.providers import models

TINY = ModelCard(
    id="tiny:1",
    name="Tiny",
    providers=("local", "runware"),
    sizes=("128x72", "72x128", "64x64"),
    durations=(1, 2, 3),
    default_duration=1,
    fps=12,
    prompt_length=(1, 1000),
    prompt_unit="characters",
    seed_range=(0, 2147483647),
    frames=("first",),
    negative_prompt=False,
    price_per_second=Decimal("0.12"),
    params=("providerSettings", "outputQuality", "slate"),
)


def install() -> None:
    """Let every verb of this process know the tiny model."""
    real = models.cards()
    models.cards = lambda: {**real, TINY.id: TINY}  # type: ignore[assignment]


if __name__ == "__main__":
    from storyboard.cli.main import run

    install()
    sys.exit(run())
