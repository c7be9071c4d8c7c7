"""Reading what Runware says of a job: items to outcomes, and what in them is believed.

An item is ours only if ``taskUUID`` and ``taskType`` match; a result that comes several times counts once; an unknown
status is a running one. Nothing that is odd about seed or cost loses a take: it becomes ``None`` and a note.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from storyboard.providers.base import (
    Archived,
    Failed,
    Outcome,
    Reply,
    Running,
    Succeeded,
    Unknown,
)
from storyboard.providers.errors import ProviderError, Secret
from storyboard.providers.runware.error_codes import CONFLICT, from_item, meaning, not_seen, text

VIDEO = "videoInference"
DONE = "success"
ERROR = "error"
# No take costs more US dollars; a larger figure is a mistake of the reply.
ABSURD_COST = Decimal(1000)
# Errors of these kinds are about the question how a job is doing, unless they name the job's own task type.
_OF_THE_QUESTION = {"auth", "no-balance", "rate-limited", "server"}

Item = Mapping[str, Any]


def outcome_of(data: Any, task_id: str, status: int | None) -> Outcome:
    """What the items of one reply say of one job. A success outweighs all else, and the first one counts."""
    mine = [item for item in items(data, "data") if is_ours(item, task_id)]
    successes = [item for item in mine if _is_done(item)]
    if successes:
        return _success(successes, task_id)
    failures = [item for item in mine if item.get("status") == ERROR]
    failures += [item for item in items(data, "errors") if is_job_error(item, [task_id])]
    for item in failures:
        if not not_seen(item) and text(item, "code") != CONFLICT:
            return Failed(from_item(item, status if status and status >= 400 else None))
    return Running(_progress(mine[-1])) if mine else Unknown()


def _is_done(item: Item) -> bool:
    """``success`` says so; so does a result without any status, as the published samples have it."""
    if "status" in item and item["status"] is not None:
        return bool(item["status"] == DONE)
    return _result(item, "URL") is not None


def _success(successes: Sequence[Item], task_id: str) -> Outcome:
    first = successes[0]
    url = _result(first, "URL")
    if url is None:
        return Failed(unreadable("the job succeeded, but the reply names no video", task_id))
    notes: list[str] = []
    results = {_result(item, "UUID") for item in successes}
    if len(results) > 1:
        notes.append(f"{len(results)} videos came for one task; the first is used")
    nsfw = first.get("NSFWContent")
    return Succeeded(
        url=Secret(url),
        result_id=_result(first, "UUID"),
        seed=_seed(first, notes),
        cost=_cost(first, notes),
        nsfw=nsfw if isinstance(nsfw, bool) else None,
        notes=tuple(notes),
    )


def _seed(item: Item, notes: list[str]) -> int | None:
    seed = item.get("seed")
    if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**64:
        return seed
    if seed is not None:
        notes.append("the seed in the reply is not a whole number")
    return None


def _cost(item: Item, notes: list[str]) -> Decimal | None:
    if item.get("cost") is None:
        notes.append("the reply names no cost")
        return None
    cost = _number(item["cost"])
    if cost is None or not 0 < cost <= ABSURD_COST:
        notes.append("the cost in the reply is not a plausible amount")
        return None
    return cost


def _progress(item: Item) -> int | None:
    percent = _number(item.get("progress"))
    return int(percent) if percent is not None and 0 <= percent <= 100 else None


def _number(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def archived_of(item: Item, task_id: str) -> Archived:
    """What one ``getTaskDetails`` item holds."""
    asked = item.get("request")
    requests = [task for task in asked if isinstance(task, dict)] if isinstance(asked, list) else []
    mine = [task for task in requests if task.get("taskUUID") == task_id and task.get("taskType") == VIDEO]
    outcome = outcome_of(item.get("response"), task_id, None)
    return Archived(known=True, outcome=outcome, request=mine[0] if mine else None)


def same_frames(archived: Any, ours: Any) -> bool:
    """Whether two ``inputs`` place pictures alike; pictures are compared where both are written out."""
    theirs, own = _pictures(archived), _pictures(ours)
    if [place for place, _ in theirs] != [place for place, _ in own]:
        return False
    pairs = zip(theirs, own, strict=True)
    return all(a == b for (_, a), (_, b) in pairs if a.startswith("data:") and b.startswith("data:"))


def _pictures(inputs: Any) -> list[tuple[str, str]]:
    images = inputs.get("frameImages") if isinstance(inputs, dict) else None
    found = []
    for entry in images if isinstance(images, list) else []:
        item = entry if isinstance(entry, dict) else {"image": entry}
        found.append((str(item.get("frame", "first")), str(item.get("image", ""))))
    return found


def comparable(value: Any) -> Any:
    """A value of a reply or of a request as one that compares: as it was written, numbers exact."""
    if isinstance(value, dict):
        return {name: comparable(part) for name, part in value.items()}
    if isinstance(value, list):
        return [comparable(part) for part in value]
    return Decimal(str(value)) if isinstance(value, float) else value


def _result(item: Item, what: str) -> str | None:
    return text(item, f"video{what}") or text(item, f"media{what}")


def is_ours(item: Item, task_id: str) -> bool:
    """Whether an item of ``data`` is about the video of that task."""
    return item.get("taskUUID") == task_id and item.get("taskType") == VIDEO


def is_job_error(item: Item, task_ids: Sequence[str]) -> bool:
    """Whether an error item is about a job itself, not about the question how it is doing."""
    if item.get("taskUUID") not in task_ids:
        return False
    if item.get("taskType") == VIDEO or item.get("status") == ERROR:
        return True
    code = text(item, "code") or ""
    return code.startswith("task") or (item.get("taskType") is None and meaning(code)[0] not in _OF_THE_QUESTION)


def silence_counts(reply: Reply, task_ids: Sequence[str]) -> bool:
    """Whether a task that the reply does not mention is one that the provider does not know.

    If one task was asked about, it is. A reply about several may instead have broken off at an error of another one.
    """
    errors = list(items(reply.data, "errors"))
    return len(task_ids) == 1 or (reply.status < 400 and all(is_job_error(item, task_ids) for item in errors))


def listed(data: Any, name: str) -> list[Any]:
    """``data`` or ``errors`` of a reply; missing is empty."""
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def items(data: Any, name: str) -> Iterator[dict[str, Any]]:
    """The items of such a list that are objects."""
    return (item for item in listed(data, name) if isinstance(item, dict))


def require_envelope(data: Any) -> None:
    """Raise ``unreadable-reply`` unless there is at least one of the two lists."""
    if not isinstance(data, dict) or not any(isinstance(data.get(name), list) for name in ("data", "errors")):
        raise unreadable("the reply has neither data nor errors")


def first_error(reply: Reply) -> ProviderError | None:
    """The first error item, or the single ``error`` that some refusals hold instead of a list."""
    single = reply.data.get("error") if isinstance(reply.data, dict) else None
    for item in [*items(reply.data, "errors"), *([single] if isinstance(single, dict) else [])]:
        return from_item(item, reply.status)
    return None


def unreadable(message: str, task_id: str | None = None) -> ProviderError:
    """A reply that says nothing that can be relied on."""
    return ProviderError("unreadable-reply", message, retryable=True, task_id=task_id)
