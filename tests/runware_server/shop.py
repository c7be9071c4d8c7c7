"""Jobs, the bill and the memory for task ids: what the server knows, without any socket.

Three memories: ``forever`` refuses a known task id always; ``running`` only while the job runs, later the same id is a
new job that is billed again, and a finished job is forgotten by ``getResponse`` after a while (the archive still has
it); ``none`` never refuses, bills every time, and knows a job only if its acknowledgement reached the client.
"""

import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from storyboard.core.model import Size
from tests.runware_server.clips import Order
from tests.runware_server.rules import Refused, Task, picture_bytes

Memory = Literal["forever", "running", "none"]
PRICE_PER_SECOND = Decimal("0.12")


@dataclass
class Job:
    """One accepted task."""

    task: Task
    accepted: float
    ready: float
    cost: Decimal
    orders: list[Order] = field(default_factory=list)
    acknowledged: bool = False
    refused_replay: dict[str, Any] | None = None

    @property
    def task_id(self) -> str:
        """The id that the client chose."""
        return str(self.task["taskUUID"])


class Shop:
    """Accepts tasks, remembers them after the fashion of *memory*, and bills them."""

    def __init__(self, memory: Memory, seconds_per_job: float, forget_after: float, bill: Path | None) -> None:
        self.memory = memory
        self.seconds_per_job = seconds_per_job
        self.forget_after = forget_after
        self.bill: list[dict[str, Any]] = []
        self.submits: Counter[str] = Counter()
        self.uploads: dict[str, bytes | None] = {}
        self.jobs: dict[str, Job] = {}
        self.videos: dict[str, Order] = {}
        self._bill_path = bill

    def submit(self, task: Task) -> Job:
        """Accept and bill a task that has passed the rules. Raises ``Refused`` for an id that is in use."""
        task_id = task["taskUUID"]
        self.submits[task_id] += 1
        known = self.jobs.get(task_id)
        if known is not None and self._conflicts(known):
            refusal = Refused("conflictTaskUUID", "taskUUID", "The 'taskUUID' is already in use.")
            known.refused_replay = {**refusal.item, "taskType": task["taskType"], "taskUUID": task_id}
            raise refusal
        now = time.monotonic()
        job = Job(task, now, now + self.seconds_per_job, price(task))
        job.orders = list(self._orders(task))
        self.jobs[task_id] = job
        self._charge(job)
        return job

    def visible(self, task_id: str) -> Job | None:
        """The job as ``getResponse`` sees it."""
        job = self.jobs.get(task_id)
        if job is None or (self.memory == "none" and not job.acknowledged):
            return None
        forgotten = self.memory == "running" and time.monotonic() > job.ready + self.forget_after
        return None if forgotten else job

    def archived(self, task_id: str) -> Job | None:
        """The job as ``getTaskDetails`` sees it."""
        return None if self.memory == "none" else self.jobs.get(task_id)

    def finish_all(self) -> None:
        """Let every job be ready now."""
        for job in self.jobs.values():
            job.ready = min(job.ready, time.monotonic())

    def _conflicts(self, job: Job) -> bool:
        running = time.monotonic() < job.ready
        return self.memory == "forever" or (self.memory == "running" and running)

    def _orders(self, task: Task) -> Iterator[Order]:
        seed = task.get("seed", random.randrange(2**31))
        for number in range(task.get("numberResults", 1)):
            video_id = str(uuid.uuid4())
            size = Size(task["width"], task["height"])
            order = Order(video_id, size, task.get("duration", 10), seed + number, self._picture(task))
            self.videos[video_id] = order
            yield order

    def _picture(self, task: Task) -> bytes | None:
        for frame in task.get("inputs", {}).get("frameImages", []):
            reference = frame["image"] if isinstance(frame, dict) else frame
            # An address is not followed: nothing here leaves the machine.
            return self.uploads.get(reference) or picture_bytes(reference)
        return None

    def _charge(self, job: Job) -> None:
        prompt = str(job.task.get("positivePrompt", ""))
        line = {
            "task_id": job.task_id,
            "cost": str(job.cost),
            "model": job.task["model"],
            "seconds": job.task.get("duration", 10),
            "prompt_sha256": sha256(prompt.encode()).hexdigest(),
        }
        self.bill.append(line)
        if self._bill_path is not None:
            with self._bill_path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def price(task: Task) -> Decimal:
    """What a task costs; 8 seconds of 720p are charged half a cent above the list."""
    seconds = int(task.get("duration", 10))
    above = Decimal("0.005") if seconds == 8 and (task["width"], task["height"]) == (1280, 720) else Decimal(0)
    return (PRICE_PER_SECOND * seconds + above) * int(task.get("numberResults", 1))
