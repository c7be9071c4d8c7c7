"""Faults of polls, and of the addresses that they give."""

import math
from collections.abc import Callable
from typing import Any

from tests.runware_server.faults_submit import OTHER_ID, refuse
from tests.runware_server.turn import ALWAYS, Edit, Fault, Item

OTHER_VIDEO = "11111111-2222-4333-8444-555555555555"


def nothing(_data: list[Item], _errors: list[Item], _task_id: str, _elsewhere: str) -> tuple[list[Item], list[Item]]:
    """The job is not mentioned."""
    return [], []


def failure(code: str, *, inside: bool = False) -> Edit:
    """The job has failed; told in ``errors``, or *inside* ``data``."""

    def edit(_data: list[Item], _errors: list[Item], task_id: str, _elsewhere: str) -> tuple[list[Item], list[Item]]:
        item = {"taskType": "videoInference", "taskUUID": task_id, "status": "error"}
        trouble = {"code": code, "message": "The job \x1b[31mfailed\x1b[0m."}
        return ([{**item, "error": trouble}], []) if inside else ([], [{**item, **trouble}])

    return edit


def not_found(_data: list[Item], _errors: list[Item], task_id: str, _elsewhere: str) -> tuple[list[Item], list[Item]]:
    """The job is said not to be known."""
    return [], [{"taskType": "getResponse", "taskUUID": task_id, "code": "taskNotFound", "message": "Not found."}]


def each(change: Callable[[Item, str], Any]) -> Edit:
    """Change a success; what runs is left alone."""

    def edit(data: list[Item], errors: list[Item], _task_id: str, elsewhere: str) -> tuple[list[Item], list[Item]]:
        for item in data:
            if item.get("status") == "success":
                change(item, elsewhere)
        return data, errors

    return edit


def put(**fields: Any) -> Edit:
    """Other values in a success."""
    return each(lambda item, _: item.update(fields))


def drop(name: str) -> Edit:
    """A success without a field."""
    return each(lambda item, _: item.pop(name, None))


def address(make: Callable[[str, str], str]) -> Edit:
    """Another address in a success, made from the good one and the second origin."""
    return each(lambda item, elsewhere: item.update(videoURL=make(item["videoURL"], elsewhere)))


def back_to_processing(item: Item, _elsewhere: str) -> None:
    """The job runs again, it seems."""
    item.update(status="processing")
    for name in ("videoURL", "videoUUID", "cost", "seed"):
        item.pop(name, None)


def other_task(data: list[Item], errors: list[Item], _task_id: str, _elsewhere: str) -> tuple[list[Item], list[Item]]:
    """What is told is about another task."""
    return [{**item, "taskUUID": OTHER_ID} for item in data], errors


def thrice(data: list[Item], errors: list[Item], _task_id: str, _elsewhere: str) -> tuple[list[Item], list[Item]]:
    """The same item three times."""
    return data * 3, errors


def two_videos(data: list[Item], errors: list[Item], _task_id: str, _elsewhere: str) -> tuple[list[Item], list[Item]]:
    """A second video for the same task."""
    second = [{**item, "videoUUID": OTHER_VIDEO} for item in data if item.get("status") == "success"]
    return data + second, errors


def tenfold(item: Item, _elsewhere: str) -> None:
    """Ten times what it should cost."""
    item["cost"] = item.get("cost", 1) * 10


POLL = (
    Fault("poll-empty-5-times", "poll", "nothing about the job, five times", edit=nothing, times=5),
    Fault("poll-empty-for-ever", "poll", "nothing about the job, ever", edit=nothing, times=ALWAYS),
    Fault("poll-task-not-found", "poll", "taskNotFound, ever", edit=not_found, times=ALWAYS),
    Fault("poll-back-to-processing", "poll", "done, running again, done", edit=each(back_to_processing), nth=2),
    Fault("poll-unknown-status", "poll", "an unknown status, twice", edit=put(status="polishing"), times=2),
    Fault("poll-no-status", "poll", "an address and no status", edit=drop("status"), times=ALWAYS),
    Fault("poll-error-in-errors", "poll", "failed, stated in errors", edit=failure("inferenceError"), times=ALWAYS),
    Fault(
        "poll-error-in-data",
        "poll",
        "failed, stated in data",
        edit=failure("inferenceError", inside=True),
        times=ALWAYS,
    ),
    Fault("poll-moderated", "poll", "a safety code", edit=failure("contentPolicyViolation"), times=ALWAYS),
    Fault("poll-timeout-provider", "poll", "timeoutProvider", edit=failure("timeoutProvider"), times=ALWAYS),
    Fault("poll-429", "poll", "429, once", refuse(429, "rateLimitExceeded")),
    Fault("poll-500", "poll", "500, twice", refuse(500, "internalServerError"), times=2),
    Fault("poll-401", "poll", "the key is refused in mid-build", refuse(401, "invalidApiKey"), times=ALWAYS),
    Fault("poll-other-task", "poll", "the item of another task, twice", edit=other_task, times=2),
    Fault("poll-thrice", "poll", "the same item three times", edit=thrice, times=ALWAYS),
    Fault("poll-two-videos", "poll", "two videos for one task", edit=two_videos, times=ALWAYS),
    Fault("poll-seed-absent", "poll", "no seed", edit=drop("seed"), times=ALWAYS),
    Fault(
        "poll-seed-text",
        "poll",
        "a seed in quotes",
        edit=each(lambda i, _: i.update(seed=str(i["seed"]))),
        times=ALWAYS,
    ),
    Fault("poll-seed-other", "poll", "another seed", edit=put(seed=987654321), times=ALWAYS),
    Fault("poll-cost-absent", "poll", "no cost", edit=drop("cost"), times=ALWAYS),
    Fault("poll-cost-zero", "poll", "a cost of 0", edit=put(cost=0), times=ALWAYS),
    Fault("poll-cost-negative", "poll", "a cost of -1", edit=put(cost=-1), times=ALWAYS),
    Fault("poll-cost-nan", "poll", "a cost of NaN", edit=put(cost=math.nan), times=ALWAYS),
    Fault("poll-cost-huge", "poll", "a cost of 1e308", edit=put(cost=1e308), times=ALWAYS),
    Fault("poll-cost-text", "poll", "a cost in quotes", edit=put(cost="0.96"), times=ALWAYS),
    Fault("poll-cost-tenfold", "poll", "ten times the price", edit=each(tenfold), times=ALWAYS),
)

URL = (
    Fault("url-null", "url", "null", edit=put(videoURL=None), times=ALWAYS),
    Fault("url-file", "url", "a file", edit=put(videoURL="file:///etc/hostname"), times=ALWAYS),
    Fault(
        "url-http", "url", "http at the right host", edit=put(videoURL="http://vm.runware.ai/video/a.mp4"), times=ALWAYS
    ),
    Fault(
        "url-userinfo",
        "url",
        "a user before the host",
        edit=address(lambda url, _: url.replace("://", "://user:pw@")),
        times=ALWAYS,
    ),
    Fault(
        "url-ip-literal",
        "url",
        "an address of the documentation net",
        edit=put(videoURL="https://203.0.113.7/video/a.mp4"),
        times=ALWAYS,
    ),
    Fault(
        "url-other-host",
        "url",
        "another host",
        edit=address(lambda _, elsewhere: f"{elsewhere}/video/a.mp4"),
        times=ALWAYS,
    ),
    Fault(
        "url-look-alike",
        "url",
        "the host as a prefix",
        edit=put(videoURL="https://vm.runware.ai.example.com/a.mp4"),
        times=ALWAYS,
    ),
    Fault(
        "url-long",
        "url",
        "ten megabytes of address",
        edit=address(lambda url, _: url + "&" + "a" * 10**7),
        times=ALWAYS,
    ),
    Fault("url-escape", "url", "ESC in the address", edit=address(lambda url, _: f"{url}\x1b[2J"), times=ALWAYS),
    Fault(
        "url-line-break",
        "url",
        "CR LF in the address",
        edit=address(lambda url, _: f"{url}\r\nX-Injected: yes"),
        times=ALWAYS,
    ),
    Fault("url-bidi", "url", "U+202E in the address", edit=address(lambda url, _: f"{url}\u202e4pm"), times=ALWAYS),
)

CASES = (*POLL, *URL)
