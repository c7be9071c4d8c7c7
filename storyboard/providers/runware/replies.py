"""Read Runware's replies about jobs: items to outcomes, and which of their values are trusted.

An item belongs to a job only if ``taskUUID`` and ``taskType`` match; a repeated result counts once; an unknown status
means running. An odd seed or cost never loses a take: it becomes ``None`` and a note.
"""

import re
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
from storyboard.providers.runware.error_codes import CONFLICT, classify, error_from_item, is_unknown_task, text_field

VIDEO = "videoInference"
DONE = "success"
ERROR = "error"
# Errors with these codes are about the status query, unless they name the job's own task type.
_QUERY_ERRORS = {"auth", "no-balance", "rate-limited", "server"}

_STATUS = re.compile(r"[A-Za-z][A-Za-z _-]{0,30}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)

Item = Mapping[str, Any]


def outcome_of(data: Any, task_id: str, status: int | None) -> Outcome:
    """Return the outcome of one job from the items of one reply. A success outweighs all else; the first one counts."""
    mine = [item for item in items(data, "data") if is_ours(item, task_id)]
    successes = [item for item in mine if _is_done(item)]
    if successes:
        return _read_success(successes, task_id)
    failures = [item for item in mine if item.get("status") == ERROR]
    failures += [item for item in items(data, "errors") if is_job_error(item, [task_id])]
    for item in failures:
        if not is_unknown_task(item) and text_field(item, "code") != CONFLICT:
            return Failed(error_from_item(item, status if status and status >= 400 else None))
    return Running(_read_progress(mine[-1]), _read_status(mine[-1])) if mine else Unknown()


def _is_done(item: Item) -> bool:
    """Return whether an item is a success: by its status, or by a result without any status as in published samples."""
    if "status" in item and item["status"] is not None:
        return bool(item["status"] == DONE)
    return _result_field(item, "URL") is not None


def _read_success(successes: Sequence[Item], task_id: str) -> Outcome:
    first = successes[0]
    url = _result_field(first, "URL")
    if url is None:
        return Failed(unreadable_reply("the job succeeded, but the reply names no video", task_id))
    notes: list[str] = []
    results = {_result_field(item, "UUID") for item in successes}
    if len(results) > 1:
        notes.append(f"{len(results)} videos in the reply for one task; the first is used")
    nsfw = first.get("NSFWContent")
    return Succeeded(
        url=Secret(url),
        result_id=_result_field(first, "UUID"),
        seed=_read_seed(first, notes),
        cost=_read_cost(first, notes),
        nsfw=nsfw if isinstance(nsfw, bool) else None,
        notes=tuple(notes),
    )


def _read_seed(item: Item, notes: list[str]) -> int | None:
    seed = item.get("seed")
    if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**64:
        return seed
    if seed is not None:
        notes.append("the seed in the reply is not a whole number")
    return None


def _read_cost(item: Item, notes: list[str]) -> Decimal | None:
    if item.get("cost") is None:
        notes.append("the reply names no cost")
        return None
    cost = _to_decimal(item["cost"])
    if cost is None and isinstance(item["cost"], str):
        cost = _decimal_in(item["cost"])
    if not cost:
        notes.append(f"the cost in the reply is {'zero' if cost is not None else 'no number'}")
        return None
    return cost


def _decimal_in(text: str) -> Decimal | None:
    """Return the number in *text*, which quotes turn into no number of JSON; ``None`` if it holds none."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _read_progress(item: Item) -> int | None:
    percent = _to_decimal(item.get("progress"))
    return int(percent) if percent is not None and 0 <= percent <= 100 else None


def _read_status(item: Item) -> str:
    """Return the provider's word for the state of a job; empty if it is no short word."""
    word = text_field(item, "status") or ""
    return word if _STATUS.fullmatch(word) else ""


def _to_decimal(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def archived_of(item: Item, task_id: str) -> Archived:
    """Return the archive's entry in one ``getTaskDetails`` item."""
    asked = item.get("request")
    requests = [task for task in asked if isinstance(task, dict)] if isinstance(asked, list) else []
    mine = [task for task in requests if task.get("taskUUID") == task_id and task.get("taskType") == VIDEO]
    outcome = outcome_of(item.get("response"), task_id, None)
    return Archived(known=True, outcome=outcome, request=mine[0] if mine else None)


def same_frames(archived: Any, ours: Any) -> bool:
    """Return whether two ``inputs`` place equal pictures; pictures are compared only if both are inline."""
    theirs, own = _list_pictures(archived), _list_pictures(ours)
    if [place for place, _ in theirs] != [place for place, _ in own]:
        return False
    pairs = zip(theirs, own, strict=True)
    return all(a == b for (_, a), (_, b) in pairs if a.startswith("data:") and b.startswith("data:"))


def _list_pictures(inputs: Any) -> list[tuple[str, str]]:
    images = inputs.get("frameImages") if isinstance(inputs, dict) else None
    found = []
    for entry in images if isinstance(images, list) else []:
        item = entry if isinstance(entry, dict) else {"image": entry}
        found.append((str(item.get("frame", "first")), str(item.get("image", ""))))
    return found


def normalise(value: Any) -> Any:
    """Return *value* in a form that compares: numbers are exact."""
    if isinstance(value, dict):
        return {name: normalise(part) for name, part in value.items()}
    if isinstance(value, list):
        return [normalise(part) for part in value]
    return Decimal(str(value)) if isinstance(value, float) else value


def _result_field(item: Item, what: str) -> str | None:
    return text_field(item, f"video{what}") or text_field(item, f"media{what}")


def is_ours(item: Item, task_id: str) -> bool:
    """Return whether an item of ``data`` is about the video of that task."""
    return item.get("taskUUID") == task_id and item.get("taskType") == VIDEO


def is_job_error(item: Item, task_ids: Sequence[str]) -> bool:
    """Return whether an error item is about a job itself, not about the status query."""
    if item.get("taskUUID") not in task_ids:
        return False
    if item.get("taskType") == VIDEO or item.get("status") == ERROR:
        return True
    code = text_field(item, "code") or ""
    return code.startswith("task") or (item.get("taskType") is None and classify(code)[0] not in _QUERY_ERRORS)


def silence_means_unknown(reply: Reply, task_ids: Sequence[str]) -> bool:
    """Return whether a task that the reply does not mention is unknown to the provider.

    It is if the query named one task. A reply about several may instead have stopped at an error of another one.
    """
    errors = list(items(reply.data, "errors"))
    return len(task_ids) == 1 or (reply.status < 400 and all(is_job_error(item, task_ids) for item in errors))


def list_field(data: Any, name: str) -> list[Any]:
    """Return ``data`` or ``errors`` of a reply, empty if missing."""
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def items(data: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects in such a list."""
    return (item for item in list_field(data, name) if isinstance(item, dict))


def require_envelope(data: Any) -> None:
    """Raise ``unreadable-reply`` if both lists are missing."""
    if not isinstance(data, dict) or not any(isinstance(data.get(name), list) for name in ("data", "errors")):
        raise unreadable_reply("the reply has neither data nor errors")


def first_error(reply: Reply) -> ProviderError | None:
    """Return the first error item, or the single ``error`` that some refusals hold instead of a list."""
    single = reply.data.get("error") if isinstance(reply.data, dict) else None
    for item in [*items(reply.data, "errors"), *([single] if isinstance(single, dict) else [])]:
        return error_from_item(item, reply.status)
    return None


def unreadable_reply(message: str, task_id: str | None = None) -> ProviderError:
    """Return the error for a reply without reliable content."""
    return ProviderError("unreadable-reply", message, retryable=True, task_id=task_id)
