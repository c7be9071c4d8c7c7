"""Warnings about takes that passed validation: black or frozen ranges, and a start that differs from the linked frame.

A warning carries its figures and blocks nothing: a take may be black on purpose.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from storyboard.core.graph import Action, moment
from storyboard.core.model import FrameLink, Generated, Storyboard
from storyboard.core.plan import TakeResult

# Mean difference of thumbnails, of 255, from which a start counts as a jump; encoding alone stays below 3.
JUMP = 10.0


class ClipWarning(Struct, frozen=True):
    """One warning about the take of *shot*; *seed* is set for an alternate take.

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
    """Return all warnings about *takes*, in the order of the film."""
    place = {shot.id: number for number, shot in enumerate(storyboard.shots())}
    links = {shot.id: _first_frame_link(shot.source) for shot in storyboard.shots()}
    ordered = sorted(takes, key=lambda one: (place[one[0].shot], one[0].seed is not None))
    return [warning for action, take in ordered for warning in _take_warnings(action, take, links[action.shot])]


def _take_warnings(action: Action, take: TakeResult, link: FrameLink | None) -> Iterator[ClipWarning]:
    for start, end in take.info.black:
        yield ClipWarning(action.shot, action.seed, "black", start, end)
    for start, end in take.info.frozen:
        yield ClipWarning(action.shot, action.seed, "frozen", start, end)
    if take.jump is not None and take.jump >= JUMP and link is not None:
        yield ClipWarning(action.shot, action.seed, "jump", difference=take.jump, frame=link.shot, at=moment(link.at))


def _first_frame_link(source: object) -> FrameLink | None:
    frame = source.first_frame if isinstance(source, Generated) else None
    return frame if isinstance(frame, FrameLink) else None
