"""What a model can do and what it costs, as data, and where a request goes beyond it.

A card is read from JSON by ``providers.models``; nothing here knows any model by name.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from msgspec import Struct

from storyboard.core.model import Generated, Size


class ModelCard(Struct, frozen=True, forbid_unknown_fields=True):
    """Capabilities and price of one model.

    ``durations`` in seconds; ``fps`` is what a clip is expected to have until it has been probed; ``price_per_second``
    in US dollars; ``frames`` are the conditioning pictures it takes; ``params`` are the request fields that may be
    passed through; ``refused_params`` maps a field that may not to the reason.
    """

    id: str
    name: str
    providers: tuple[str, ...]
    sizes: tuple[str, ...]
    durations: tuple[int, ...]
    fps: int
    prompt_length: tuple[int, int]
    prompt_unit: Literal["characters", "utf16"]
    seed_range: tuple[int, int]
    frames: tuple[Literal["first", "last"], ...]
    negative_prompt: bool
    price_per_second: Decimal
    default_duration: int
    params: tuple[str, ...] = ()
    refused_params: dict[str, str] = {}

    def price(self, source: Generated) -> Decimal:
        """List price of one take in US dollars."""
        seconds = Decimal(source.duration.numerator) / Decimal(source.duration.denominator)
        return self.price_per_second * seconds


class ModelMismatch(Struct, frozen=True):
    """One field of a request that a model cannot serve, and the nearest that it can."""

    field: str
    message: str
    help: str | None = None


def prompt_length(text: str, unit: Literal["characters", "utf16"]) -> int:
    """Length of a prompt as a model counts it: code points, or UTF-16 code units."""
    return len(text) if unit == "characters" else len(text.encode("utf-16-le")) // 2


def alternatives(values: list[str]) -> str:
    """``5, 8 or 10``."""
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def misfits(card: ModelCard, source: Generated) -> list[ModelMismatch]:
    """Everything in *source* that *card* does not allow, field by field."""
    found: list[ModelMismatch] = []
    if source.duration not in card.durations:
        nearest = min(card.durations, key=lambda d: (abs(d - source.duration), d))
        lengths = alternatives([str(d) for d in card.durations])
        found.append(ModelMismatch("duration", f"{card.id} makes clips of {lengths} s", f"the nearest is {nearest}"))
    if str(source.size) not in card.sizes:
        found.append(
            ModelMismatch(
                "size",
                f"{card.id} makes pictures of {alternatives(list(card.sizes))}",
                _near(card, source.size),
            )
        )
    low, high = card.prompt_length
    length = prompt_length(source.prompt, card.prompt_unit)
    if not low <= length <= high:
        found.append(
            ModelMismatch("prompt", f"{card.id} takes prompts of {low} to {high} characters, this one has {length}")
        )
    if not card.seed_range[0] <= source.seed <= card.seed_range[1]:
        found.append(ModelMismatch("seed", f"{card.id} takes seeds from {card.seed_range[0]} to {card.seed_range[1]}"))
    if source.negative_prompt is not None and not card.negative_prompt:
        found.append(
            ModelMismatch(
                "negative_prompt",
                f"{card.id} takes no negative prompt",
                "say what should be seen, in `prompt`",
            )
        )
    for position in ("first", "last"):
        if getattr(source, f"{position}_frame") is not None and position not in card.frames:
            takes = f"only a {alternatives(list(card.frames))} frame" if card.frames else "no frames"
            found.append(ModelMismatch(f"{position}_frame", f"{card.id} takes {takes}"))
    return found


def _near(card: ModelCard, size: Size) -> str:
    wanted = Fraction(size.width, size.height)

    def distance(text: str) -> tuple[float, int]:
        candidate = Size.parse(text)
        ratio = Fraction(candidate.width, candidate.height) / wanted
        return (
            float(max(ratio, 1 / ratio)),
            abs(candidate.width * candidate.height - size.width * size.height),
        )

    return f"the nearest is {min(card.sizes, key=distance)}"
