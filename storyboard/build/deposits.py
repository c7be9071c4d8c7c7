"""What each kind of action leaves in the store: the record of it, and what is kept under which name."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from storyboard import __version__
from storyboard.build.makers import Delivery
from storyboard.build.tasks import TaskFailed, clip_facts
from storyboard.core.clip import ClipInfo
from storyboard.core.model import Generated, Shot
from storyboard.core.plan import Step
from storyboard.store.group import Deposit
from storyboard.store.records import ACCEPTED, Made, Record


def take(
    step: Step,
    shot: Shot,
    clip: Path,
    delivery: Delivery,
    began_with: bytes | None = None,
    *,
    accepted: bool = False,
) -> Deposit:
    """A finished take. *began_with* is the picture of another shot that it was asked to begin with.

    *accepted* says that it was made for another request than it answers.
    """
    jump = _jump(clip, began_with) if began_with is not None else None
    source = shot.source
    return deposit(
        step,
        "clip",
        clip,
        clip_facts(delivery.info) | ({"jump": jump} if jump is not None else {}),
        seconds=delivery.seconds,
        provider=source.provider if isinstance(source, Generated) else "",
        seed=delivery.seed,
        task_id=delivery.task_id,
        cost=str(delivery.cost) if delivery.cost else None,
        note=ACCEPTED if accepted else "; ".join(delivery.notes),
    )


def named(record: Record, facts: Mapping[str, Any]) -> Deposit:
    """The record of a take that is here, and of which only the lockfile told until now."""
    return Deposit(replace(record, info=dict(facts), made=replace(record.made, at=_now())))


def _jump(clip: Path, began_with: bytes) -> float | None:
    from storyboard.media.likeness import distance
    from storyboard.media.reader import Refused

    try:
        return distance(clip, began_with)
    except Refused:  # it has passed its gate; what is only worth a remark stops nothing
        return None


def frame(step: Step, clip: Path) -> Deposit:
    """One frame of *clip*, decoded. Raises ``TaskFailed``."""
    from storyboard.media.stills import Unreadable, extract

    at = step.action.at
    moments: dict[str, Literal["first", "last"]] = {"first": "first", "last": "last"}
    began = time.monotonic()
    try:
        picture = extract(clip, moments[at] if at in moments else Fraction(at))
    except Unreadable as problem:
        raise TaskFailed(f"frame `{at}` of {step.action.shot}: {problem}") from problem
    facts, values = {"size": str(picture.size)}, {"planes": picture.planes}
    return deposit(step, "picture", picture.png, facts, values, seconds=time.monotonic() - began)


def segment(step: Step, clip: Path, info: ClipInfo, frames: int, seconds: float) -> Deposit:
    """A rendered stretch; it counts only with the frames it should have. Raises ``TaskFailed``."""
    if info.frames != frames:
        raise TaskFailed(f"the segment of {step.action.shot} has {info.frames} frames instead of {frames}")
    return deposit(step, "clip", clip, clip_facts(info), seconds=seconds)


def film(step: Step, digest: str, seconds: float) -> Deposit:
    """Which film a cut gave; its bytes stay at the output path alone."""
    return deposit(step, "", None, {}, {"film": digest}, seconds=seconds)


def deposit(
    step: Step,
    name: str,
    content: bytes | Path | None,
    info: Mapping[str, Any],
    values: Mapping[str, str] | None = None,
    **made: Any,
) -> Deposit:
    """What *step* has made. *made* are fields of the record's ``Made``."""
    if step.key is None or step.request is None:
        raise TypeError(f"{step.action.id} has no key")
    record = Record(
        key=step.key,
        kind=step.action.kind,
        request=step.request,
        outputs={},
        values=dict(values or {}),
        info=dict(info),
        made=Made(at=_now(), tool=__version__, label=step.action.shot, **made),
    )
    return Deposit(record, name, content)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
