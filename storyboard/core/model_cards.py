"""Model cards: capabilities and price of a model, as data. ``providers.models`` reads them from JSON."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import force_setattr

from storyboard.core.model import Generated


class ModelCard(Struct, frozen=True, forbid_unknown_fields=True):
    """Capabilities and price of one model.

    ``durations`` in seconds; ``fps`` is what a clip is expected to have until it has been probed; ``price_per_second``
    in US dollars; ``frames`` are the conditioning pictures it takes; ``params`` are the request fields that may be
    passed through; ``refused_params`` maps a field that may not to the reason.

    ``default_duration`` is what a shot without a duration gets: the shortest, which costs least, unless the card has
    another one and gives the reason in ``default_duration_reason``.
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
    default_duration: int = 0
    default_duration_reason: str = ""
    params: tuple[str, ...] = ()
    refused_params: dict[str, str] = {}

    def __post_init__(self) -> None:
        shortest = min(self.durations)
        if not self.default_duration:
            force_setattr(self, "default_duration", shortest)
        if self.default_duration not in self.durations:
            raise ValueError(f"{self.id} makes no clips of {self.default_duration} s, its default")
        if self.default_duration != shortest and not self.default_duration_reason:
            raise ValueError(f"{self.id} needs a reason for a default that is not its shortest duration")

    def price(self, source: Generated) -> Decimal:
        """List price of one take in US dollars."""
        seconds = Decimal(source.duration.numerator) / Decimal(source.duration.denominator)
        return self.price_per_second * seconds


def prompt_length(text: str, unit: Literal["characters", "utf16"]) -> int:
    """Length of a prompt as a model counts it: code points, or UTF-16 code units."""
    return len(text) if unit == "characters" else len(text.encode("utf-16-le")) // 2
