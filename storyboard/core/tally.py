"""How much of a film is the takes' own picture, and why the rest is not."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from storyboard.core.plan import SegmentMade, Step


class Tally(Struct, frozen=True):
    """Frames that are copied, and frames that are encoded, by reason."""

    copied: int
    why: Mapping[str, int]

    @property
    def encoded(self) -> int:
        return sum(self.why.values())

    @property
    def frames(self) -> int:
        return self.copied + self.encoded


def tally(steps: Iterable[Step]) -> Tally:
    """Count the frames of the segments among *steps*; those that wait for a take count for nothing yet."""
    copied = 0
    why: Counter[str] = Counter()
    for step in steps:
        if step.action.kind != "segment":
            continue
        if isinstance(step.found, SegmentMade) and step.found.copied:
            copied += step.found.frames
        elif step.request is not None:
            why[step.reason.text] += int(step.request["frames"])
    return Tally(copied, dict(why.most_common()))
