"""Faults of submissions."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.runware_server.turn import ALWAYS, Act, Fault, Turn
from tests.runware_server.wire import head_bytes

OTHER_ID = "0d1e2f30-4152-4374-8596-a7b8c9dae0f1"


def error(code: str, task_id: str | None = None, message: str = "Something is wrong.") -> dict[str, Any]:
    """A reply that holds one error."""
    about = {"taskType": "videoInference", "taskUUID": task_id} if task_id else {}
    return {"data": [], "errors": [{"code": code, "message": message, **about}]}


def refuse(status: int, code: str, headers: dict[str, str] | None = None, *, accept: bool = False) -> Act:
    """An error reply; with *accept* the job was taken and billed before it."""

    async def act(turn: Turn) -> None:
        if accept:
            turn.answer()
        await turn.wire.json(status, error(code), headers)

    return act


def body(content: bytes, content_type: str) -> Act:
    """A reply of status 200 that is something else; the job was taken."""

    async def act(turn: Turn) -> None:
        turn.answer()
        await turn.wire.reply(200, content, {"Content-Type": content_type})

    return act


def payload(status: int, make: Any, *, accept: bool = True) -> Act:
    """A reply made from the id of the task."""

    async def act(turn: Turn) -> None:
        if accept:
            turn.answer()
        await turn.deliver(status, make(turn.task_id))

    return act


def redirect(status: int) -> Act:
    """Sends the client, with its body and key if it is careless, to the second origin."""

    async def act(turn: Turn) -> None:
        await turn.wire.reply(status, b"", {"Location": f"{turn.elsewhere}/v1"})

    return act


async def reset_before(turn: Turn) -> None:
    """The connection breaks before the task counts."""
    turn.wire.reset()


async def reset_after(turn: Turn) -> None:
    """The task counts, and then the connection breaks."""
    turn.answer()
    turn.wire.reset()


async def late(turn: Turn) -> None:
    """The acknowledgement takes its time."""
    status, reply = turn.answer()
    await asyncio.sleep(turn.seconds)
    await turn.deliver(status, reply)


async def too_many_until(turn: Turn) -> None:
    """HTTP 429 with a date."""
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    await turn.wire.json(429, error("rateLimitExceeded"), {"Retry-After": until})


async def huge_json(turn: Turn) -> None:
    """A gigabyte of JSON, as fast as it is taken."""
    turn.answer()
    await turn.wire.head(200, {"Content-Type": "application/json", "Content-Length": str(10**9)})
    await turn.wire.raw(b'{"data":[')
    for _ in range(10**9 // 65536):
        await turn.wire.raw(b" " * 65536)


async def slow_headers(turn: Turn) -> None:
    """A byte of the head at a time."""
    turn.answer()
    for byte in head_bytes(200, {"Content-Type": "application/json", "Content-Length": "0"}):
        await turn.wire.raw(bytes([byte]))
        await asyncio.sleep(turn.seconds)


def ack(task_id: str) -> dict[str, Any]:
    """An acknowledgement."""
    return {"taskType": "videoInference", "taskUUID": task_id}


CASES = (
    Fault("submit-refused", "connect", "nothing listens for some seconds"),
    Fault("submit-reset-before-accept", "submit", "the connection is reset, the task was not taken", reset_before),
    Fault(
        "submit-reset-after-accept",
        "submit",
        "the task is taken, then the connection is reset",
        reset_after,
        money=True,
    ),
    Fault("submit-500-before-accept", "submit", "500, the task was not taken", refuse(500, "internalServerError")),
    Fault(
        "submit-500-after-accept",
        "submit",
        "500, but the task was taken",
        refuse(500, "internalServerError", accept=True),
        money=True,
    ),
    Fault(
        "submit-502-after-accept",
        "submit",
        "502, but the task was taken",
        refuse(502, "serverUnavailable", accept=True),
        money=True,
    ),
    Fault(
        "submit-504-after-accept",
        "submit",
        "504, but the task was taken",
        refuse(504, "timeout", accept=True),
        money=True,
    ),
    Fault("submit-ack-late", "submit", "the acknowledgement comes after 90 s", late, seconds=90.0, money=True),
    Fault(
        "submit-429-seconds", "submit", "429, come back in 2 s", refuse(429, "rateLimitExceeded", {"Retry-After": "2"})
    ),
    Fault("submit-429-date", "submit", "429, come back at a time 2 s away", too_many_until),
    Fault(
        "submit-429-negative",
        "submit",
        "429, come back in -1 s",
        refuse(429, "rateLimitExceeded", {"Retry-After": "-1"}),
    ),
    Fault(
        "submit-429-huge",
        "submit",
        "429, come back in 999999 s",
        refuse(429, "rateLimitExceeded", {"Retry-After": "999999"}),
    ),
    Fault(
        "submit-429-rubbish", "submit", "429, come back in x", refuse(429, "rateLimitExceeded", {"Retry-After": "x"})
    ),
    Fault("submit-429-for-ever", "submit", "429, always", refuse(429, "rateLimitExceeded"), times=ALWAYS),
    Fault("submit-429-balance", "submit", "429 with the code of an empty account", refuse(429, "insufficientCredits")),
    Fault("submit-401", "submit", "401", refuse(401, "invalidApiKey")),
    Fault("submit-402", "submit", "402", refuse(402, "insufficientCredits")),
    Fault("submit-403", "submit", "403", refuse(403, "forbidden")),
    Fault(
        "submit-moderated",
        "submit",
        "the prompt is refused",
        payload(400, lambda i: error("contentPolicyViolation", i), accept=False),
    ),
    Fault(
        "submit-conflict-own",
        "submit",
        "taken, and answered with a conflict",
        payload(400, lambda i: error("conflictTaskUUID", i)),
        money=True,
    ),
    Fault(
        "submit-conflict-foreign",
        "submit",
        "a conflict about another id",
        payload(400, lambda _: error("conflictTaskUUID", OTHER_ID), accept=False),
    ),
    Fault("submit-html", "submit", "200 with a page", body(b"<!doctype html><title>Log in</title>", "text/html")),
    Fault(
        "submit-broken-json",
        "submit",
        "200 with half an object",
        body(b'{"data":[{"taskType":"video', "application/json"),
    ),
    Fault(
        "submit-deep-json",
        "submit",
        "200 with 100 000 brackets",
        body(b"[" * 100_000 + b"]" * 100_000, "application/json"),
    ),
    Fault("submit-huge-json", "submit", "200 with a gigabyte", huge_json),
    Fault(
        "submit-data-and-errors",
        "submit",
        "taken, with an error of another task beside it",
        payload(200, lambda i: {"data": [ack(i)], "errors": error("invalidSeed", OTHER_ID)["errors"]}),
    ),
    Fault(
        "submit-error-of-another-task",
        "submit",
        "an error that is about another task",
        payload(400, lambda _: error("invalidSeed", OTHER_ID), accept=False),
    ),
    Fault(
        "submit-ack-another-id",
        "submit",
        "taken, acknowledged under another id",
        payload(200, lambda _: {"data": [ack(OTHER_ID)]}),
        money=True,
    ),
    Fault("submit-two-acks", "submit", "acknowledged twice", payload(200, lambda i: {"data": [ack(i), ack(i)]})),
    Fault("submit-redirect-307", "submit", "307 to another origin", redirect(307)),
    Fault("submit-redirect-308", "submit", "308 to another origin", redirect(308)),
    Fault("submit-slow-headers", "submit", "a byte of the head at a time", slow_headers, seconds=0.4),
)
