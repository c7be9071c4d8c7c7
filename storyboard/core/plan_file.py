"""Plan files: what a build would make, at what price, and everything it depends on, as JSON that can be approved.

A later build makes the value again and compares: every difference is a ``Drift``. The checksum is an unkeyed digest of
the rest: it finds a truncated or edited file and proves nothing about its author.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from storyboard.core.compare import output_settings, shot_fields, track_fields
from storyboard.core.keys import canonical, normal
from storyboard.core.model import Storyboard
from storyboard.core.plan import Plan, Step
from storyboard.core.results import money_data

PLAN_VERSION = 1
# Names and tags of a shot change nothing that is made.
_UNUSED_FIELDS = ("title", "tags")


class PlanChoice(Struct, frozen=True, forbid_unknown_fields=True):
    """The choices of the command line."""

    provider: str | None = None
    select: tuple[str, ...] = ()
    remake: tuple[str, ...] = ()


class PlannedTake(Struct, frozen=True, forbid_unknown_fields=True):
    """One take of the plan, by its action id; ``cost`` in US dollars at most, as decimal text."""

    name: str
    do: str
    why: str
    key: str | None
    cost: str


class PlanFile(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a build must find unchanged.

    *shots* and *lockfile* map a shot to a digest of its fields and of its lockfile entries; *film* is a digest of the
    order, the outputs and the tracks; *files* maps a picture to the digest of its content. *cost* is the most that may
    be spent.
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
    checksum: str = field(default="", name="seal")


class InvalidPlanFile(ValueError):
    """A file that is no plan file of this version, or was edited.

    ``version`` is that of a plan file of another version. ``is_plan`` says that the file is a plan file at all, which a
    new plan may replace.
    """

    def __init__(self, problem: Literal["not-a-plan", "version", "edited"], version: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.version = version
        self.is_plan = problem != "not-a-plan"


Kind = Literal["choice", "storyboard", "file", "lockfile", "price", "cache"]


class Drift(Struct, frozen=True):
    """A difference from the plan file: *name* is a shot or a path, empty for the whole film and the command line.

    *old* and *new* are the values before and now, empty where absent; prices in US dollars.
    """

    kind: Kind
    name: str = ""
    old: str = ""
    new: str = ""


def make_plan_file(
    plan: Plan, storyboard: Storyboard, choice: PlanChoice, files: Mapping[str, str], lockfile: Mapping[str, Any]
) -> PlanFile:
    """Return the plan file of *plan*.

    *lockfile* maps a shot to JSON data, *files* the path of a picture to its digest.
    """
    shots = {shot.id: shot_fields(shot, {}) for shot in storyboard.shots()}
    for fields in shots.values():
        for name in _UNUSED_FIELDS:
            fields.pop(name, None)
    takes = [
        PlannedTake(step.action.id.removeprefix("take:"), step.do, step.reason.why, step.key, money_data(_most(step)))
        for step in sorted(plan.of("take"), key=lambda step: step.action.id)
    ]
    plan_file = PlanFile(
        plan_version=PLAN_VERSION,
        storyboard=storyboard.file,
        choice=choice,
        takes=tuple(takes),
        cost=money_data(plan.cost_at_most()),
        shots={shot: _digest(fields) for shot, fields in shots.items()},
        film=_digest(_film(storyboard)),
        files=dict(files),
        lockfile={shot: _digest(entries) for shot, entries in lockfile.items()},
    )
    return replace(plan_file, checksum=_checksum(plan_file))


def _most(step: Step) -> Decimal:
    return step.cost if step.cost_at_most is None else step.cost_at_most


def _film(storyboard: Storyboard) -> dict[str, Any]:
    """Return the settings of the films that can be seen or heard, without their shots and the content of files."""
    with_chapters = any(output.chapters for output in storyboard.outputs)
    return {
        "shots": [shot.id for shot in storyboard.shots()],
        "title": storyboard.title,
        "lockfile": storyboard.lockfile,
        "outputs": [output_settings(output, {}) for output in storyboard.outputs],
        "audio": [track_fields(track, {}) for track in storyboard.audio],
        "chapters": [[scene.id, scene.title] for scene in storyboard.scenes] if with_chapters else [],
    }


def encode_plan_file(plan_file: PlanFile) -> bytes:
    """Return the bytes of the file, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(plan_file, order="sorted"), indent=2) + b"\n"


def decode_plan_file(data: bytes) -> PlanFile:
    """Return the plan file in *data*. Raises ``InvalidPlanFile``."""
    try:
        version = msgspec.json.decode(data, type=_Versioned).plan_version
        if version != PLAN_VERSION:
            raise InvalidPlanFile("version", version)
        plan_file = msgspec.json.decode(data, type=PlanFile)
        Decimal(plan_file.cost)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError) as problem:
        raise InvalidPlanFile("not-a-plan") from problem
    if plan_file.checksum != _checksum(plan_file):
        raise InvalidPlanFile("edited")
    return plan_file


class _Versioned(Struct):
    plan_version: int


def find_drift(approved: PlanFile, now: PlanFile) -> list[Drift]:
    """Return every difference from the approved plan; empty if the build would do exactly what it says."""
    found = [
        *_changed_digests("storyboard", approved.shots, now.shots),
        *_changed_digests("file", approved.files, now.files),
        *_changed_digests("lockfile", approved.lockfile, now.lockfile),
    ]
    if approved.film != now.film:
        found.append(Drift("storyboard"))
    if approved.storyboard != now.storyboard:
        found.append(Drift("storyboard", now.storyboard, approved.storyboard, now.storyboard))
    if approved.choice != now.choice:
        found.append(Drift("choice"))
    before, after = ({take.name: take for take in plan.takes} for plan in (approved, now))
    for shot in before.keys() & after.keys():
        if before[shot].cost != after[shot].cost and _is_made(before[shot]) and _is_made(after[shot]):
            found.append(Drift("price", shot, before[shot].cost, after[shot].cost))
    return found or list(_changed_steps(before, after))


def _changed_steps(before: Mapping[str, PlannedTake], after: Mapping[str, PlannedTake]) -> Iterator[Drift]:
    """Yield the takes whose step differs.

    With equal inputs a step differs only by the content of the cache, or by another version of this tool.
    """
    for shot in sorted(before.keys() | after.keys()):
        if before.get(shot) != after.get(shot):
            old, new = (_step_text(takes.get(shot)) for takes in (before, after))
            yield Drift("cache", shot, old, new)


def _step_text(take: PlannedTake | None) -> str:
    return "" if take is None else f"{take.do} ({take.why})"


def _is_made(take: PlannedTake) -> bool:
    return take.do in ("make", "wait", "resume")


def _changed_digests(kind: Kind, before: Mapping[str, str], after: Mapping[str, str]) -> Sequence[Drift]:
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [Drift(kind, name, before.get(name, ""), after.get(name, "")) for name in names]


def _digest(value: Any) -> str:
    return sha256(canonical(normal(value))).hexdigest()


def _checksum(plan_file: PlanFile) -> str:
    return _digest(msgspec.to_builtins(replace(plan_file, checksum="")))
