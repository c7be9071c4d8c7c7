"""What a lockfile alone says of a storyboard: no cache, no key, no network.

A lockfile names each shot's take and the planes of the pictures that others take from it. That is all it takes to
compute the key of every shot, linked ones too, so the planner can be asked with the lockfile for its only memory.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.keys import Request, action_key, frame_request
from storyboard.core.model import Generated, Storyboard
from storyboard.core.plan import ActionCache, CachedResult, LockEntry, Plan, Step
from storyboard.core.reason import PendingDownload

Entries = Mapping[str, Mapping[str, LockEntry]]
"""Lockfile entries by shot and provider."""


class _Known(Struct, frozen=True):
    outputs: Mapping[str, str]
    values: Mapping[str, str] = {}
    info: Mapping[str, Any] = {}
    accepted: bool = False


class LockfileActionCache:
    """A planner's memory made of lockfiles, in front of another one if there is one.

    The first of *lockfiles* is the one that counts for ``locked``; takes and pictures that any of them names are taken
    to be there. Only lengths are known of such a take: ``width`` and ``codec`` are left empty.
    """

    def __init__(self, lockfiles: Sequence[Entries], behind: ActionCache | None = None) -> None:
        self._first = lockfiles[0]
        self._behind = behind
        self._known: dict[str, list[_Known]] = {}
        for lockfile in lockfiles:
            for entries in lockfile.values():
                for entry in entries.values():
                    self._add(entry)

    def _add(self, entry: LockEntry) -> None:
        info = ClipInfo(entry.info.frames, entry.info.rate, 0, 0, "", "")
        self._known.setdefault(entry.key, []).append(_Known({"clip": entry.take}, {}, msgspec.to_builtins(info)))
        for at, planes in entry.frames.items():
            key = action_key("frame", frame_request(entry.take, at))
            self._known.setdefault(key, []).append(_Known({"picture": ""}, {"planes": planes}))

    def find(self, key: str) -> Sequence[CachedResult]:
        """What is in the memory behind, then what the lockfiles name."""
        behind: list[CachedResult] = list(self._behind.find(key)) if self._behind is not None else []
        return [*behind, *self._known.get(key, [])]

    def request_of(self, key: str) -> Request | None:
        """A lockfile holds no requests; the memory behind may."""
        return self._behind.request_of(key) if self._behind is not None else None

    def is_damaged(self, key: str) -> bool:
        """Never: no bytes are looked at."""
        return False

    def is_paid_for(self, key: str) -> bool:
        """A lockfile knows no open jobs; the memory behind may."""
        return self._behind is not None and self._behind.is_paid_for(key)

    def locked(self, shot: str, provider: str) -> LockEntry | None:
        """What the first lockfile says of a shot."""
        return self._first.get(shot, {}).get(provider)

    def named(self, key: str) -> Sequence[LockEntry]:
        """Nothing beyond what ``find`` gives: every take that a lockfile names is taken to be there."""
        return ()

    def planes(self, take: str, at: str) -> str | None:
        """Nothing beyond what ``find`` gives: every frame that a lockfile names is taken to be there."""
        return None

    def film_digest(self, file: str) -> str | None:
        """No film is looked at."""
        return None


State = Literal["stale", "not-locked", "upstream", "unknown", "extra"]
"""stale: the locked take answers another request; not-locked: no take is locked; upstream: it starts from a frame of a
shot that is out of date, or that is not in the lockfile; unknown: it starts from a picture behind an address or from a
frame of own footage, which a lockfile says nothing about; extra: locked, but not in the storyboard."""


class OutdatedEntry(Struct, frozen=True):
    """One shot whose entry a build would change; ``shots`` are those it waits for."""

    shot: str
    state: State
    shots: tuple[str, ...] = ()


def out_of_date(plan: Plan, storyboard: Storyboard, lockfile: Entries) -> list[OutdatedEntry]:
    """Every shot whose entry a build would change, in the order of the film.

    *plan* was made over a ``LockfileActionCache`` of that lockfile alone.
    """
    sources = {shot.id: shot.source for shot in storyboard.shots()}
    found: dict[str, OutdatedEntry] = {}
    beyond: set[str] = set()
    for step in plan.takes():
        source = sources[step.action.shot]
        if not isinstance(source, Generated):
            beyond.add(step.action.shot)
            continue
        judged = _judge(step, lockfile.get(step.action.shot, {}).get(source.provider))
        if judged is not None:
            unknown = judged.shots and beyond.issuperset(judged.shots)
            if unknown or judged.state == "unknown":
                beyond.add(judged.shot)
            found[judged.shot] = OutdatedEntry(judged.shot, "unknown", judged.shots) if unknown else judged
    in_order = [found[shot] for shot in sources if shot in found]
    return [*in_order, *(OutdatedEntry(shot, "extra") for shot in sorted(lockfile) if shot not in sources)]


def _judge(step: Step, entry: LockEntry | None) -> OutdatedEntry | None:
    shot = step.action.shot
    if step.do == "held":
        return None
    if step.do == "reuse" and step.reason.why not in ("cached", "other-take"):
        return None
    if isinstance(step.reason.detail, PendingDownload):
        return OutdatedEntry(shot, "unknown")
    if entry is None:
        return OutdatedEntry(shot, "not-locked")
    if step.do in ("wait", "blocked"):
        return OutdatedEntry(shot, "upstream", step.reason.shots)
    return OutdatedEntry(shot, "stale")
