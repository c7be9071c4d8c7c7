"""The takes of one shot: all that were ever made for it, the one in the cut, and the choice of another.

A take belongs to a shot if it was made under the shot's id, if the lockfile names it, or if it answers the shot's
current request, under whatever id it was made.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from storyboard import __version__
from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, take_id
from storyboard.core.keys import Request, has_bar
from storyboard.core.model import Generated, Shot
from storyboard.core.plan import LockEntry, Step, TakeResult
from storyboard.core.reason import Change, Reason, changes
from storyboard.core.results import ACCEPTED, Provenance, Record, Take
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.session import Session

_MOST_DRAWN = 999_999
# Digits of a digest that name a take.
_LEAST_DIGITS = 4


class NotAccepted(Exception):
    """A take that cannot be accepted; the text says why."""


class NamedTakes(Struct, frozen=True):
    """The takes that a word of the user can mean, and a seed of the shot without a take that it can mean too."""

    takes: tuple[Take, ...]
    seed: int | None = None

    @property
    def is_ambiguous(self) -> bool:
        return len(self.takes) + (self.seed is not None) > 1


class ShotTakes:
    """The takes of one shot of an open session. Raises ``KeyError`` if the film has no such shot."""

    def __init__(self, session: Session, shot: str) -> None:
        source = session.graph.shot(shot).source
        if not isinstance(source, Generated):
            raise TypeError(f"shot {shot} is not generated")
        self.shot = shot
        self.source = source
        self.held = session.graph.shot(shot).hold
        self.locked: LockEntry | None = session.store.locked(shot, source.provider)
        self._session = session
        self._action: Action = session.graph.action(take_id(shot))
        self._planner, plan = session.planner(), session.plan()
        self.step: Step = next(step for step in plan.takes() if step.action.shot == shot)
        takes = [action for action in session.graph.order if action.kind == "take" and action.shot == shot]
        asked = [self._planner.takes.asked(action) for action in takes]
        self._asked = dict(found for found in asked if not isinstance(found, Reason))
        self.takes: list[Take] = self._list_takes()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the shot."""
        return self.source.takes or (self.source.seed,)

    def missing_seeds(self) -> list[int]:
        """Return the seeds of the shot that have no take yet."""
        made = {take.seed for take in self.takes if not take.changes and (take.whole or take.in_cut)}
        return [seed for seed in self.seeds if seed not in made]

    def actions(self, seeds: Collection[int]) -> set[str]:
        """Return the ids of the actions that make the takes with these seeds."""
        graph = self._session.graph
        takes = [action for action in graph.order if action.kind == "take" and action.shot == self.shot]
        return {action.id for action in takes if _seed_of(graph.shot_of(action)) in seeds}

    def used_seeds(self) -> set[int]:
        """Return every seed of the shot and of its takes."""
        return {*self.seeds, self.source.seed, *(take.seed for take in self.takes if take.seed is not None)}

    def named(self, text: str) -> "NamedTakes":
        """Return the takes that *text* can mean.

        ``#1`` is a number of the listing, ``seed:1`` a seed; a number alone is either. Four and more digits can be the
        beginning of a digest.
        """
        number, _, seed = text.removeprefix("#"), *text.partition("seed:")[1:]
        by_number, by_seed = not seed, not text.startswith("#")
        found = [take for take in self.takes if by_number and number == str(take.number)]
        found += [t for t in self.takes if by_seed and (seed or text) == str(t.seed) and t not in found]
        if len(text) >= _LEAST_DIGITS:
            found += [take for take in self.takes if take.digest.startswith(text.lower()) and take not in found]
        unmade = [one for one in self.missing_seeds() if by_seed and (seed or text) == str(one)]
        made = {take.seed for take in found}
        return NamedTakes(tuple(found), next((one for one in unmade if one not in made), None))

    def choose(self, take: Take) -> None:
        """Let the lockfile name *take*, which has a record or an entry. Only in a session for a build."""
        step = Step(self._action, "reuse", Reason("unchanged"), take.key)
        made = TakeResult(take.digest, msgspec.convert(take.info, ClipInfo))
        self._session.store.lock_take(step, self._session.graph.shot(self.shot), made)
        self._session.store.finish(keep=None)

    def accept(self) -> Take:
        """Record that the locked take answers the shot's current request. Only in a session for a build.

        Alternate takes of that take's request are accepted too. Raises ``NotAccepted``.
        """
        take = next((one for one in self.takes if one.in_cut), None)
        asked = self._planner.takes.prepared(self._action)
        if self.locked is None or take is None:
            raise NotAccepted("the lockfile has no take of this shot")
        if isinstance(asked, Reason):
            raise NotAccepted(
                "the shot it starts from is not made yet, so its request is unknown; build that shot first"
            )
        key, request = asked
        if self.locked.key == key:
            raise NotAccepted(f"its take {take.digest[:12]} already matches the current request")
        if not take.whole:
            raise NotAccepted(f"its take {take.digest[:12]} is not in this cache")
        if self.step.do == "resume":
            paid = "perhaps paid for already" if self.step.reason.why == "perhaps-paid" else "already paid for"
            raise NotAccepted(f"a take of the current request is {paid}; run `storyboard build` to collect it")
        for other, seeded in self._alternates(take):
            self._accept(other, *seeded)
        self._accept(take, key, request)
        self.choose(msgspec.structs.replace(take, key=key))
        return msgspec.structs.replace(take, changes=take.changes or changes(take.request, request))

    def _alternates(self, chosen: Take) -> Iterable[tuple[Take, tuple[str, Request]]]:
        """Yield the alternate takes of the request of *chosen*, each with its current key and request."""
        for action in self._session.graph.order:
            if action.kind == "take" and action.shot == self.shot and action.seed is not None:
                asked = self._planner.takes.prepared(action)
                made = {**chosen.request, "seed": action.seed}
                found = next((take for take in self.takes if take.whole and take.request == made), None)
                if found is not None and not isinstance(asked, Reason) and not self._session.store.find(asked[0]):
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
        info = {**take.info, "bar": True} if has_bar(take.request) else take.info
        self._session.store.records.add(Record(key, "take", request, {"clip": take.digest}, made, info=info))

    def _list_takes(self) -> list[Take]:
        by_digest: dict[str, list[Record]] = {}
        for record in self._records():
            by_digest.setdefault(record.outputs["clip"], []).append(record)
        takes = [self._take(records) for same in by_digest.values() for records in _by_seed(same)]
        if self.locked is not None and self.locked.take not in by_digest:
            takes.append(self._take_of_entry(self.locked))
        takes.sort(key=lambda take: (take.at, take.digest))
        return [msgspec.structs.replace(take, number=number) for number, take in enumerate(takes, 1)]

    def _records(self) -> Iterable[Record]:
        entries = self._session.store.lockfile.content.shots.get(self.shot, {}).values()
        locked = {(entry.key, entry.take) for entry in entries}
        keys = self._asked.keys()
        seen = set()
        for record in self._session.store.records.scan():
            if record.made.label == self.shot or record.key in keys or (record.key, record.digest) in locked:
                seen.add((record.key, record.digest))
                yield record
        for key in dict.fromkeys([*(key for key, _ in locked), *keys]):
            for found in self._session.store.find(key):
                if (key, found.digest) not in seen:
                    yield found

    def _take(self, records: list[Record]) -> Take:
        """Return one take from its records: that of its generation, and those of the requests that accepted it."""
        made = min(records, key=lambda record: (record.accepted, record.made.at)).made
        nearest = min(records, key=lambda record: (len(self._changes_of(record)), record.key))
        return msgspec.structs.replace(
            _stored_take(self._session.store, nearest, made, self._request(nearest)),
            changes=self._changes_of(nearest),
            accepted=nearest.accepted,
            in_cut=self._is_locked(nearest),
            comes_in=self._comes_in(nearest),
        )

    def _is_locked(self, record: Record) -> bool:
        entry = self.locked
        return entry is not None and entry.take == record.digest and entry.seed in (None, record.made.seed)

    def _comes_in(self, record: Record) -> bool:
        found = self.step.result
        comes = isinstance(found, TakeResult) and found.digest == record.digest and self.step.key == record.key
        return comes and not self._is_locked(record)

    def _request(self, record: Record) -> Request:
        """Return the request of a take; empty if neither its record nor the storyboard has it."""
        return record.request or self._asked.get(record.key, {})

    def _changes_of(self, record: Record) -> tuple[Change, ...]:
        return self._changes(record.key, self._request(record))

    def _changes(self, key: str, request: Request) -> tuple[Change, ...]:
        if not request:  # only the lockfile has the take, under a key that is not the current one
            return (Change("request", f"key {key[:12]}", None),)
        found = self._planner.takes.differs(self._action, request)
        return tuple(one for one in found if one.field != "seed" or request.get("seed") not in self.seeds)

    def _take_of_entry(self, entry: LockEntry) -> Take:
        """Return a take that the lockfile names without a record in the cache."""
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


def _by_seed(records: list[Record]) -> list[list[Record]]:
    """Divide the records of equal clips into takes: drawings of several seeds can be equal.

    A record of a request for which a take was accepted belongs to the first.
    """
    made: dict[int | None, list[Record]] = {}
    for record in sorted(records, key=lambda one: one.accepted):
        first = next(iter(made), record.made.seed)
        made.setdefault(first if record.accepted else record.made.seed, []).append(record)
    return list(made.values())


def removed_takes(store: ProjectStore, shot: str) -> list[Take]:
    """Return the takes in the cache that were made for a shot which the storyboard has no more, the oldest first."""
    made: dict[str, Record] = {}
    for record in store.records.scan():
        if record.kind == "take" and record.made.label == shot:
            made.setdefault(record.digest, record)
    found = sorted(made.values(), key=lambda record: (record.made.at, record.digest))
    takes = (_stored_take(store, record, record.made, record.request or {}) for record in found)
    return [msgspec.structs.replace(take, number=number) for number, take in enumerate(takes, 1)]


def _stored_take(store: ProjectStore, record: Record, made: Provenance, request: Request) -> Take:
    """Return the take of *record* as one that is not in the film; *made* is how its clip was generated."""
    return Take(
        number=0,
        digest=record.digest,
        key=record.key,
        request=request,
        info=record.info,
        at=made.at,
        provider=made.provider,
        seed=made.seed,
        cost=made.cost,
        task_id=made.task_id,
        changes=(),
        accepted=False,
        whole=any(found.digest == record.digest for found in store.find(record.key)),
        in_cut=False,
        comes_in=False,
    )


def _seed_of(shot: Shot) -> int | None:
    return shot.source.seed if isinstance(shot.source, Generated) else None


def fresh_seeds(count: int, used: set[int], limits: tuple[int, int], draw: Callable[[int], int]) -> list[int]:
    """Return seeds that are not in *used*, within *limits* and at most six digits long; ``draw(n)`` gives 0 to n - 1.

    Raises ``ValueError`` if there are fewer.
    """
    low, high = max(limits[0], 1), min(limits[1], _MOST_DRAWN)
    if high - low + 1 - sum(low <= seed <= high for seed in used) < count:
        raise ValueError(f"fewer than {count} unused seeds from {low} to {high} are left")
    found: list[int] = []
    while len(found) < count:
        seed = low + draw(high - low + 1)
        if seed not in used and seed not in found:
            found.append(seed)
    return found
