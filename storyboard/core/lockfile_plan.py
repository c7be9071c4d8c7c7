"""Planning from lockfiles alone: no blobs, no records, no network.

A lockfile names the take of each shot and the planes of the frames that others take from it. These are enough to
compute the key of every shot, linked ones included, so a lockfile can serve the planner as its action cache.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import islice, product
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.clip import ClipInfo
from storyboard.core.earlier_frames import earlier_moment
from storyboard.core.graph import moment
from storyboard.core.keys import (
    Request,
    action_key,
    file_input,
    frame_input,
    frame_request,
    take_request,
)
from storyboard.core.model import DEFAULT_PROVIDER, PICTURE_FIELDS, FileInput, FrameLink, Generated, Storyboard
from storyboard.core.plan import ActionCache, CachedResult, LockEntry, LockInfo, Plan, Step
from storyboard.core.reason import PendingDownload

Entries = Mapping[str, Mapping[str, LockEntry]]
"""Lockfile entries by shot and provider."""


class _LockedResult(Struct, frozen=True):
    outputs: Mapping[str, str]
    values: Mapping[str, str] = {}
    info: Mapping[str, Any] = {}
    accepted: bool = False


class LockfileActionCache:
    """Action cache made of lockfiles, in front of another one if given.

    ``locked`` reads the first of *lockfiles* alone; the takes and frames named by any of them count as present. Only
    the length of such a take is known: ``width`` and ``codec`` are empty.
    """

    def __init__(self, lockfiles: Sequence[Entries], behind: ActionCache | None = None) -> None:
        self._first = lockfiles[0]
        self._behind = behind
        self._results: dict[str, list[_LockedResult]] = {}
        for lockfile in lockfiles:
            for entries in lockfile.values():
                for entry in entries.values():
                    self._add(entry)

    def _add(self, entry: LockEntry) -> None:
        info = ClipInfo(entry.info.frames, entry.info.rate, 0, 0, "", "")
        self._results.setdefault(entry.key, []).append(
            _LockedResult({"clip": entry.take}, {}, msgspec.to_builtins(info))
        )
        for at, planes in entry.frames.items():
            key = action_key("frame", frame_request(entry.take, at))
            self._results.setdefault(key, []).append(_LockedResult({"picture": ""}, {"planes": planes}))

    def find(self, key: str) -> Sequence[CachedResult]:
        """Return the records of the cache behind, then the takes and frames that the lockfiles name."""
        behind: list[CachedResult] = list(self._behind.find(key)) if self._behind is not None else []
        return [*behind, *self._results.get(key, [])]

    def request_of(self, key: str) -> Request | None:
        """Return the request behind *key* if the cache behind knows it: a lockfile holds none."""
        return self._behind.request_of(key) if self._behind is not None else None

    def is_damaged(self, key: str) -> bool:
        """Return ``False``: no bytes are read."""
        return False

    def is_paid_for(self, key: str) -> bool:
        """Return whether the cache behind knows an open job: a lockfile holds none."""
        return self._behind is not None and self._behind.is_paid_for(key)

    def may_be_unpaid(self, key: str) -> bool:
        """Return whether the cache behind knows an open job that may not have been submitted."""
        return self._behind is not None and self._behind.may_be_unpaid(key)

    def was_bought(self, key: str) -> bool:
        """Return whether the cache behind knows a paid attempt: a lockfile holds none."""
        return self._behind is not None and self._behind.was_bought(key)

    def was_accepted(self, key: str) -> bool:
        """Return whether the cache behind knows an ended job: a lockfile holds none."""
        return self._behind is not None and self._behind.was_accepted(key)

    def is_refused(self, key: str) -> bool:
        """Return whether the cache behind knows a refusal: a lockfile holds none."""
        return self._behind is not None and self._behind.is_refused(key)

    def locked(self, shot: str, provider: str) -> LockEntry | None:
        """Return the first lockfile's entry of a shot."""
        return self._first.get(shot, {}).get(provider)

    def named(self, key: str) -> Sequence[LockEntry]:
        """Return nothing: ``find`` returns every take that a lockfile names."""
        return ()

    def planes(self, take: str, at: str) -> str | None:
        """Return nothing: ``find`` returns every frame that a lockfile names."""
        return None

    def film_digest(self, file: str) -> str | None:
        """Return ``None``: no film is read."""
        return None

    def built_film(self, file: str) -> None:
        """Return ``None``: reasons are those of takes."""


# Requests that are tried for one shot that the lockfile does not name: its linked frame may be any of so many.
_MOST_FRAMES = 200


class BoughtTake(Struct, frozen=True):
    """A take that was bought, or is being bought, for *shot*: the key of its request, and the seconds asked for."""

    shot: str
    key: str
    seconds: float


class LockedLengths:
    """Lengths of the takes that were made for shots without a duration, by the lockfile: these shots keep them.

    An instance is a function for ``document.load``. *read* returns the entries of the lockfile, and *bought* what the
    ledger has; neither is called without such a shot. *digest* returns the digest of a file of the project.

    A shot that the lockfile does not name has been renamed if the request for one of the durations was bought before.
    Otherwise the last take that the ledger has under its name counts.
    """

    def __init__(
        self,
        read: Callable[[], Entries],
        bought: Callable[[], Iterable[BoughtTake]] = tuple,
        digest: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._read = read
        self._read_bought = bought
        self._digest = digest

    def __call__(self, shot: str, source: Generated, durations: Sequence[int]) -> Fraction | None:
        """Return the seconds of the shot's take; ``None`` without one. A paid take counts before an animatic."""
        own = self._entries.get(shot, {})
        for provider in sorted(own, key=lambda name: (name == DEFAULT_PROVIDER, name != source.provider)):
            length = _nearest_duration(own[provider].info, tuple(durations)) if provider else None
            if length is not None:
                return length
        length = self._length_by_request(source, durations)
        bought = next((take for take in reversed(self._bought) if take.shot == shot), None) if length is None else None
        return Fraction(bought.seconds) if bought is not None and bought.seconds in durations else length

    @cached_property
    def _entries(self) -> Entries:
        return self._read()

    @cached_property
    def _locked(self) -> list[LockEntry]:
        return [entry for entries in self._entries.values() for entry in entries.values()]

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset((*(entry.key for entry in self._locked), *(take.key for take in self._bought)))

    @cached_property
    def _bought(self) -> list[BoughtTake]:
        return list(self._read_bought())

    @cached_property
    def _providers(self) -> tuple[str, ...]:
        return tuple({name: None for entries in self._entries.values() for name in entries})

    def _length_by_request(self, source: Generated, durations: Sequence[int]) -> Fraction | None:
        paid = [name for name in dict.fromkeys((source.provider, *self._providers)) if name not in _FREE_PROVIDERS]
        if not paid or not self._keys:
            return None
        for frames in islice(self._frames(source), _MOST_FRAMES):
            for seconds, provider in product(durations, paid):
                wanted = replace(source, duration=Fraction(seconds), provider=provider)
                if action_key("take", take_request(wanted, None, frames)) in self._keys:
                    return Fraction(seconds)
        return None

    def _frames(self, source: Generated) -> Iterator[dict[str, str]]:
        """Yield the digests of input pictures that the request may have been bought with."""
        fields = [name for name in PICTURE_FIELDS if getattr(source, name) is not None]
        for digests in product(*(self._picture_digests(getattr(source, name)) for name in fields)):
            yield dict(zip(fields, digests, strict=True))

    def _picture_digests(self, frame: Any) -> list[str]:
        match frame:
            case FileInput(path):
                digest = self._digest(path)
                return [file_input(digest, converted=False)] if digest is not None else []
            case FrameLink(shot, at):
                entries = list(self._entries.get(shot, {}).values()) or self._locked
                names = (moment(at), earlier_moment(moment(at)))
                known = (entry.frames.get(name) for entry in entries for name in names)
                planes = dict.fromkeys(one for one in known if one is not None)
                return [frame_input(one, with_bar=with_bar) for one in planes for with_bar in (False, True)]
        return []  # the content of an address is not in the lockfile


_FREE_PROVIDERS = ("", DEFAULT_PROVIDER)


@lru_cache(maxsize=256)
def _nearest_duration(info: LockInfo, durations: tuple[int, ...]) -> Fraction | None:
    """Return the one of *durations* that a take was made for, within half a second; ``None`` if it was none of them.

    The takes of a film have few different lengths.
    """
    try:
        seconds = info.frames / Fraction(info.rate)
    except (ValueError, ZeroDivisionError):
        return None
    nearest = min(durations, key=lambda duration: abs(duration - seconds))
    return Fraction(nearest) if abs(nearest - seconds) < Fraction(1, 2) else None


State = Literal["stale", "redrawn", "not-locked", "upstream", "unknown", "extra"]
"""stale: the locked take is of another request; redrawn: it is an animatic of another drawing version; not-locked: no
take is locked; upstream: it starts from a frame of a shot that is out of date or not in the lockfile; unknown: it
starts from a downloaded picture or from a frame of own footage, which a lockfile does not hold; extra: locked, but not
in the storyboard."""


class OutdatedEntry(Struct, frozen=True):
    """A shot whose entry the next build would change; ``shots`` are those it waits for."""

    shot: str
    state: State
    shots: tuple[str, ...] = ()


def outdated_entries(plan: Plan, storyboard: Storyboard, lockfile: Entries) -> list[OutdatedEntry]:
    """Return every shot whose entry the next build would change, in the order of the film.

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
    return OutdatedEntry(shot, "redrawn" if step.reason.why == "renderer-changed" else "stale")
