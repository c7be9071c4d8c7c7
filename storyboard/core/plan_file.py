"""A plan that can be agreed to: what would be made, at what price, and everything that it rests on.

It is a value and its JSON. A later build makes the same value again and compares: what differs has moved, and is named.
The seal is a digest over the rest. It shows that a file was cut short or edited; it keeps nobody from writing another.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.compare import described, settings, track_described
from storyboard.core.keys import canonical, normal
from storyboard.core.model import Storyboard
from storyboard.core.plan import Plan

PLAN_VERSION = 1
# What people call a shot and how they sort shots makes nothing.
_FOR_PEOPLE = ("title", "tags")


class PlanChoice(Struct, frozen=True, forbid_unknown_fields=True):
    """What the command line asked for beside the storyboard."""

    provider: str | None = None
    select: tuple[str, ...] = ()
    remake: tuple[str, ...] = ()


class PlannedTake(Struct, frozen=True, forbid_unknown_fields=True):
    """One take of the plan, by its action's id; ``cost`` in US dollars as decimal text."""

    name: str
    do: str
    why: str
    key: str | None
    cost: str


class PlanFile(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a build has to find as it was.

    *shots* and *lockfile* map a shot to a digest of what the storyboard and the lockfile say of it; *film* is a digest
    of the order, the outputs and the tracks; *files* maps a picture to the digest of its content.
    """

    plan_version: int
    storyboard: str
    choice: PlanChoice
    takes: tuple[PlannedTake, ...]
    cost: str
    shots: dict[str, str]
    film: str
    files: dict[str, str]
    lockfile: dict[str, str]
    seal: str = ""


class InvalidPlanFile(ValueError):
    """A file that is no plan file of this version, or was edited.

    ``version`` is the one that an unreadable plan file has. ``is_plan`` says whether the file is a plan file at all:
    then a new one may replace it.
    """

    def __init__(self, problem: Literal["not-a-plan", "version", "edited"], version: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.version = version
        self.is_plan = problem != "not-a-plan"


Kind = Literal["choice", "storyboard", "file", "lockfile", "price", "cache"]


class Drift(Struct, frozen=True):
    """A difference from the plan file: *name* is a shot or a path, empty for the whole film and the command line.

    *old* and *new* are what it was and is, empty where it is not there; prices in US dollars.
    """

    kind: Kind
    name: str = ""
    old: str = ""
    new: str = ""


def make_plan_file(
    plan: Plan, storyboard: Storyboard, choice: PlanChoice, files: Mapping[str, str], lockfile: Mapping[str, Any]
) -> PlanFile:
    """The plan and what it rests on. *lockfile* maps a shot to JSON data, *files* a picture's path to its digest."""
    shots = {shot.id: described(shot, {}) for shot in storyboard.shots()}
    for fields in shots.values():
        for name in _FOR_PEOPLE:
            fields.pop(name, None)
    takes = [
        PlannedTake(step.action.id.removeprefix("take:"), step.do, step.reason.why, step.key, str(step.cost))
        for step in sorted(plan.of("take"), key=lambda step: step.action.id)
    ]
    signed = PlanFile(
        plan_version=PLAN_VERSION,
        storyboard=storyboard.file,
        choice=choice,
        takes=tuple(takes),
        cost=str(plan.cost()),
        shots={shot: _digest(fields) for shot, fields in shots.items()},
        film=_digest(_film(storyboard)),
        files=dict(files),
        lockfile={shot: _digest(entries) for shot, entries in lockfile.items()},
    )
    return replace(signed, seal=_seal(signed))


def _film(storyboard: Storyboard) -> dict[str, Any]:
    """All that is said of the films beside their shots and that can be seen or heard in one, but the files' content."""
    with_chapters = any(output.chapters for output in storyboard.outputs)
    return {
        "shots": [shot.id for shot in storyboard.shots()],
        "title": storyboard.title,
        "lockfile": storyboard.lockfile,
        "outputs": [settings(output, {}) for output in storyboard.outputs],
        "audio": [track_described(track, {}) for track in storyboard.audio],
        "chapters": [[scene.id, scene.title] for scene in storyboard.scenes] if with_chapters else [],
    }


def dumps(signed: PlanFile) -> bytes:
    """The file, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(signed, order="sorted"), indent=2) + b"\n"


def loads(data: bytes) -> PlanFile:
    """From the bytes of a file. Raises ``InvalidPlanFile``."""
    try:
        version = msgspec.json.decode(data, type=_Versioned).plan_version
        if version != PLAN_VERSION:
            raise InvalidPlanFile("version", version)
        signed = msgspec.json.decode(data, type=PlanFile)
        Decimal(signed.cost)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError) as problem:
        raise InvalidPlanFile("not-a-plan") from problem
    if signed.seal != _seal(signed):
        raise InvalidPlanFile("edited")
    return signed


class _Versioned(Struct):
    plan_version: int


def find_drift(agreed: PlanFile, now: PlanFile) -> list[Drift]:
    """What is not as it was when the plan was agreed to; empty if the build would do exactly that."""
    found = [
        *_differing("storyboard", agreed.shots, now.shots),
        *_differing("file", agreed.files, now.files),
        *_differing("lockfile", agreed.lockfile, now.lockfile),
    ]
    if agreed.film != now.film:
        found.append(Drift("storyboard"))
    if agreed.storyboard != now.storyboard:
        found.append(Drift("storyboard", now.storyboard, agreed.storyboard, now.storyboard))
    if agreed.choice != now.choice:
        found.append(Drift("choice"))
    before, after = ({take.name: take for take in plan.takes} for plan in (agreed, now))
    for shot in before.keys() & after.keys():
        if before[shot].cost != after[shot].cost and _made(before[shot]) and _made(after[shot]):
            found.append(Drift("price", shot, before[shot].cost, after[shot].cost))
    return found or list(_cache(before, after))


def _cache(before: Mapping[str, PlannedTake], after: Mapping[str, PlannedTake]) -> Iterator[Drift]:
    """With all else equal, a step can differ only by what is in the cache, or by another version of this tool."""
    for shot in sorted(before.keys() | after.keys()):
        if before.get(shot) != after.get(shot):
            old, new = (_told(takes.get(shot)) for takes in (before, after))
            yield Drift("cache", shot, old, new)


def _told(take: PlannedTake | None) -> str:
    return "" if take is None else f"{take.do} ({take.why})"


def _made(take: PlannedTake) -> bool:
    return take.do in ("make", "wait", "resume")


def _differing(kind: Kind, before: Mapping[str, str], after: Mapping[str, str]) -> Sequence[Drift]:
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [Drift(kind, name, before.get(name, ""), after.get(name, "")) for name in names]


def _digest(value: Any) -> str:
    return sha256(canonical(normal(value))).hexdigest()


def _seal(signed: PlanFile) -> str:
    return _digest(msgspec.to_builtins(replace(signed, seal="")))
