"""What is worth a look in takes that passed their gate: black or still stretches, a start away from its frame.

Remarks have figures and block nothing: a take may well mean to be black.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from storyboard.core.graph import Action, moment
from storyboard.core.model import FrameLink, Generated, Storyboard
from storyboard.core.plan import TakeResult

# Mean difference of small pictures, of 255, from which on a start is a jump; encoders stay below 3.
JUMP = 10.0


class ClipWarning(Struct, frozen=True):
    """One thing about the take of *shot*, the one of *seed* if it is beside that in the cut.

    *start* and *end* are seconds of the take. A jump has *difference*, 0 to 255, to the frame *at* of the shot *frame*.
    """

    shot: str
    seed: int | None
    kind: Literal["black", "frozen", "jump"]
    start: float = 0.0
    end: float = 0.0
    difference: float = 0.0
    frame: str = ""
    at: str = ""


def clip_warnings(storyboard: Storyboard, takes: Iterable[tuple[Action, TakeResult]]) -> list[ClipWarning]:
    """Everything that is to be said of *takes*, in the order of the film."""
    place = {shot.id: number for number, shot in enumerate(storyboard.shots())}
    links = {shot.id: _link(shot.source) for shot in storyboard.shots()}
    ordered = sorted(takes, key=lambda one: (place[one[0].shot], one[0].seed is not None))
    return [remark for action, take in ordered for remark in _of(action, take, links[action.shot])]


def _of(action: Action, take: TakeResult, link: FrameLink | None) -> Iterator[ClipWarning]:
    for start, end in take.info.black:
        yield ClipWarning(action.shot, action.seed, "black", start, end)
    for start, end in take.info.frozen:
        yield ClipWarning(action.shot, action.seed, "frozen", start, end)
    if take.jump is not None and take.jump >= JUMP and link is not None:
        yield ClipWarning(action.shot, action.seed, "jump", difference=take.jump, frame=link.shot, at=moment(link.at))


def _link(source: object) -> FrameLink | None:
    frame = source.first_frame if isinstance(source, Generated) else None
    return frame if isinstance(frame, FrameLink) else None
