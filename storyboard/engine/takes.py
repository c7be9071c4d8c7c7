"""The takes of one shot: all that were ever made for it, which one is in the cut, and the choice of another.

A take belongs to a shot if it was made under that shot's id, if the lockfile names it, or if it answers what the shot
asks for today, whatever it was called when the take was made.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec

from storyboard import __version__
from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, take_id
from storyboard.core.keys import Request
from storyboard.core.model import Generated
from storyboard.core.plan import LockEntry, Plan, Step, TakeResult
from storyboard.core.planner import Planner
from storyboard.core.reason import Change, Reason
from storyboard.core.results import ACCEPTED, Provenance, Record, Take
from storyboard.engine.session import Session

_MOST_DRAWN = 999_999


class NotAccepted(Exception):
    """There is nothing to accept; the text says why."""


class ShotTakes:
    """The takes of one shot of an open session. Raises ``KeyError`` if the film has no such shot."""

    def __init__(self, session: Session, shot: str) -> None:
        source = session.graph.shot(shot).source
        if not isinstance(source, Generated):
            raise TypeError(f"shot {shot} is not generated")
        self.shot = shot
        self.source = source
        self.held = session.graph.shot(shot).hold
        self.locked: LockEntry | None = session.shelf.locked(shot, source.provider)
        self._session = session
        self._action: Action = session.graph.action(take_id(shot))
        self._planner: Planner
        plan: Plan
        self._planner, plan = session.planned()
        self.step: Step = next(step for step in plan.takes() if step.action.shot == shot)
        takes = [action for action in session.graph.order if action.kind == "take" and action.shot == shot]
        asked = [self._planner.takes.asked(action) for action in takes]
        self._asked = dict(found for found in asked if not isinstance(found, Reason))
        self.takes: list[Take] = self._listed()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that the shot asks for."""
        return self.source.takes or (self.source.seed,)

    def unmade(self) -> list[int]:
        """The seeds that the shot asks for and that have no take yet."""
        made = {take.seed for take in self.takes if not take.changes and (take.whole or take.in_cut)}
        return [seed for seed in self.seeds if seed not in made]

    def used_seeds(self) -> set[int]:
        """Every seed that the shot asks for or has a take of."""
        return {*self.seeds, self.source.seed, *(take.seed for take in self.takes if take.seed is not None)}

    def matching(self, text: str) -> list[Take]:
        """The takes that *text* may mean: a number of the listing, a seed, the beginning of a digest."""
        found = [take for take in self.takes if text in (str(take.number), str(take.seed))]
        if len(text) >= 4:
            found += [take for take in self.takes if take.digest.startswith(text.lower()) and take not in found]
        return found

    def choose(self, take: Take) -> None:
        """Let the lockfile name *take*, of which there is a record or an entry. Only in a building session."""
        step = Step(self._action, "reuse", Reason("unchanged"), take.key)
        made = TakeResult(take.digest, msgspec.convert(take.info, ClipInfo))
        self._session.shelf.lock_take(step, self._session.graph.shot(self.shot), made)
        self._session.shelf.finish(keep=None)

    def accept(self) -> Take:
        """Remember that the take of the lockfile answers what the shot asks for today. Only in a building session.

        So do the takes beside it that were made from the same request with other seeds. Raises ``NotAccepted``.
        """
        take = next((one for one in self.takes if one.in_cut), None)
        asked = self._planner.takes.asked(self._action)
        if self.locked is None or take is None:
            raise NotAccepted("the lockfile names no take of it yet")
        if isinstance(asked, Reason):
            raise NotAccepted("what it starts from is not made yet, so its request is not known; build that first")
        key, request = asked
        if self.locked.key == key:
            raise NotAccepted(f"its take {take.digest[:12]} answers this very request already")
        if not take.whole:
            raise NotAccepted(f"its take {take.digest[:12]} is not in this cache")
        if self.step.do == "resume":
            raise NotAccepted("a take for this very request is paid for already; build to collect it")
        for other, seeded in self._beside(take):
            self._accept(other, *seeded)
        self._accept(take, key, request)
        self.choose(msgspec.structs.replace(take, key=key))
        return take

    def _beside(self, chosen: Take) -> Iterable[tuple[Take, tuple[str, Request]]]:
        """What was made beside *chosen* from its request, with what is asked for today with the same seed."""
        for action in self._session.graph.order:
            if action.kind == "take" and action.shot == self.shot and action.seed is not None:
                asked = self._planner.takes.asked(action)
                made = {**chosen.request, "seed": action.seed}
                found = next((take for take in self.takes if take.whole and take.request == made), None)
                if found is not None and not isinstance(asked, Reason) and not self._session.shelf.find(asked[0]):
                    yield found, asked

    def _accept(self, take: Take, key: str, request: Request) -> None:
        made = Provenance(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            provider=take.provider,
            tool=__version__,
            label=self.shot,
            seed=take.seed,
            task_id=take.task_id,
            cost=take.cost,
            note=ACCEPTED,
        )
        self._session.workspace.records.add(Record(key, "take", request, {"clip": take.digest}, made, info=take.info))

    def _listed(self) -> list[Take]:
        by_digest: dict[str, list[Record]] = {}
        for record in self._records():
            by_digest.setdefault(record.outputs["clip"], []).append(record)
        takes = [self._take(records) for records in by_digest.values()]
        if self.locked is not None and self.locked.take not in by_digest:
            takes.append(self._only_locked(self.locked))
        takes.sort(key=lambda take: (take.at, take.digest))
        return [msgspec.structs.replace(take, number=number) for number, take in enumerate(takes, 1)]

    def _records(self) -> Iterable[Record]:
        entries = self._session.shelf.lockfile.shots.get(self.shot, {}).values()
        locked = {(entry.key, entry.take) for entry in entries}
        keys = self._asked.keys()
        seen = set()
        for record in self._session.workspace.records.takes_of():
            if record.made.label == self.shot or record.key in keys or (record.key, record.digest) in locked:
                seen.add((record.key, record.digest))
                yield record
        for key in dict.fromkeys([*(key for key, _ in locked), *keys]):
            for found in self._session.shelf.find(key):
                if (key, found.digest) not in seen:
                    yield found

    def _take(self, records: list[Record]) -> Take:
        """One take from its records: that of its making, and those that say that it answers other requests."""
        made = min(records, key=lambda record: (record.accepted, record.made.at)).made
        nearest = min(records, key=lambda record: (len(self._changes_of(record)), record.key))
        digest = nearest.digest
        return Take(
            number=0,
            digest=digest,
            key=nearest.key,
            request=self._request(nearest),
            info=nearest.info,
            at=made.at,
            provider=made.provider,
            seed=made.seed,
            cost=made.cost,
            task_id=made.task_id,
            changes=self._changes_of(nearest),
            accepted=nearest.accepted,
            whole=any(found.outputs["clip"] == digest for found in self._session.shelf.find(nearest.key)),
            in_cut=self.locked is not None and self.locked.take == digest,
            comes_in=self._comes_in(digest),
        )

    def _comes_in(self, digest: str) -> bool:
        found = self.step.result
        named = self.locked.take if self.locked is not None else None
        return isinstance(found, TakeResult) and found.digest == digest != named

    def _request(self, record: Record) -> Request:
        """The request that a take was made from; empty if neither its record nor the storyboard tells it."""
        return record.request or self._asked.get(record.key, {})

    def _changes_of(self, record: Record) -> tuple[Change, ...]:
        return self._changes(record.key, self._request(record))

    def _changes(self, key: str, request: Request) -> tuple[Change, ...]:
        if not request:  # told by the lockfile alone, for a request that is not today's
            return (Change("request", f"key {key[:12]}", None),)
        found = self._planner.takes.differs(self._action, request)
        return tuple(one for one in found if one.field != "seed" or request.get("seed") not in self.seeds)

    def _only_locked(self, entry: LockEntry) -> Take:
        """A take that the lockfile names and that nothing in this cache knows of."""
        request = self._asked.get(entry.key, {})
        return Take(
            number=0,
            digest=entry.take,
            key=entry.key,
            request=request,
            info={},
            at="",
            provider=self.source.provider,
            seed=entry.seed,
            cost=entry.cost,
            task_id=entry.task_id,
            changes=self._changes(entry.key, request),
            accepted=False,
            whole=False,
            in_cut=True,
            comes_in=False,
        )


def fresh_seeds(count: int, used: set[int], limits: tuple[int, int], draw: Callable[[int], int]) -> list[int]:
    """Seeds that are not in *used*, within *limits* and short enough to be read; ``draw(n)`` gives 0 to n - 1.

    Raises ``ValueError`` if there are not so many.
    """
    low, high = max(limits[0], 1), min(limits[1], _MOST_DRAWN)
    if high - low + 1 - sum(low <= seed <= high for seed in used) < count:
        raise ValueError(f"there are no {count} seeds left from {low} to {high}")
    found: list[int] = []
    while len(found) < count:
        seed = low + draw(high - low + 1)
        if seed not in used and seed not in found:
            found.append(seed)
    return found
