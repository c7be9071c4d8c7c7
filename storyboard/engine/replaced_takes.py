"""Which takes were in the cut before a build, and which others have come into their place without being made.

That happens after a merge, a checkout, an edit taken back, a pick. What was in the cut is known from the lockfile and
from the links beside the film; the reason is that of the step.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from storyboard.core.build_events import ReplacedTake
from storyboard.core.model import Generated, Storyboard
from storyboard.core.plan import Step, TakeResult
from storyboard.engine.film import own_link
from storyboard.engine.project_store import Shelf


class TakeInUse(Struct, frozen=True):
    """What a shot had: the take that the lockfile names for its provider, those of all providers, the linked one."""

    locked: str | None
    all_locked: frozenset[str]
    linked: str | None


def in_use(shelf: Shelf, storyboard: Storyboard) -> dict[str, TakeInUse]:
    """What every shot has in the cut now."""
    found = {}
    for shot in storyboard.shots():
        provider = shot.source.provider if isinstance(shot.source, Generated) else ""
        entry = shelf.locked(shot.id, provider)
        entries = shelf.lockfile.shots.get(shot.id, {}).values()
        locked = entry.take if entry is not None else None
        found[shot.id] = TakeInUse(locked, frozenset(one.take for one in entries), _linked(shelf, shot.id))
    return found


def _linked(shelf: Shelf, shot: str) -> str | None:
    """The take that the last build left beside the film under the name of *shot*."""
    link = shelf.film.with_suffix("") / f"{shot}.mp4"
    target = own_link(shelf, link)
    return target.rpartition("/")[2] if target is not None else None


def replaced_takes(steps: Iterable[Step], before: Mapping[str, TakeInUse]) -> Iterator[ReplacedTake]:
    """The takes among *steps* that replace others.

    A film that changes over to another provider has other takes throughout; that goes without saying.
    """
    for step in steps:
        if step.action.kind != "take" or step.action.seed is not None or not isinstance(step.result, TakeResult):
            continue
        had = before[step.action.shot]
        new = step.result.digest
        if had.locked is not None and had.locked != new:
            yield ReplacedTake(step, had.locked)
        elif had.linked is not None and had.linked != new and had.linked not in had.all_locked:
            yield ReplacedTake(step, had.linked)
