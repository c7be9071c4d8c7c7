"""From a body of tasks to a reply: authentication, rules, jobs, polls, archive, media storage."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.runware_server import rules
from tests.runware_server.rules import Refused, Task
from tests.runware_server.shop import Job, Shop
from tests.runware_server.wire import Request

VIDEO = "videoInference"
Payload = dict[str, list[dict[str, Any]]]
SIGNATURE = "sig-canary-7f3a"


class Api:
    """The tasks of one request, judged one by one."""

    def __init__(self, shop: Shop, key: str, unknown: str, address: Callable[[], str]) -> None:
        self._shop, self._key, self._unknown, self._address = shop, key, unknown, address
        self._tasks: dict[str, Callable[[Task], list[dict[str, Any]]]] = {
            VIDEO: self._video,
            "getResponse": self._get_response,
            "getTaskDetails": self._get_task_details,
            "mediaStorage": self._media_storage,
            "accountManagement": self._account,
            "ping": self._ping,
        }

    def tasks_of(self, request: Request) -> list[Task]:
        """The tasks of a request with a good key. Raises ``Refused``."""
        try:
            body = json.loads(request.body)
        except ValueError:
            raise Refused("invalidJSON", "body", "The body is not valid JSON.") from None
        if not isinstance(body, list) or not all(isinstance(task, dict) for task in body):
            raise Refused("invalidRequestBody", "body", "The body must be an array of task objects.", type="array")
        if not body:
            raise Refused("missingTask", "body", "The body holds no task.")
        self._authenticate(request, body)
        return body

    def answer(self, tasks: list[Task]) -> tuple[int, Payload]:
        """Status and payload; accepting and billing happens here."""
        data: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for task in tasks:
            try:
                for item in self._one(task):
                    (errors if item.get("status") == "error" else data).append(item)
            except Refused as refused:
                errors.append(told(refused, task))
        refused_whole = bool(errors) and not data and all(error.get("status") != "error" for error in errors)
        payload: Payload = {"data": data}
        if errors:
            payload["errors"] = errors
        return (400 if refused_whole else 200, payload)

    def _authenticate(self, request: Request, tasks: list[Task]) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if tasks[0].get("taskType") == "authentication":
            rules.check_keys(tasks[0], {"taskType", "apiKey", "connectionSessionUUID"})
            scheme, key = "Bearer", str(tasks[0].get("apiKey", ""))
        if scheme != "Bearer" or not key:
            raise Refused("missingApiKey", "apiKey", "Missing API key.", taskType="authentication")
        if key != self._key:
            raise Refused("invalidApiKey", "apiKey", "Invalid API key.", taskType="authentication")

    def _one(self, task: Task) -> list[dict[str, Any]]:
        task_type = task.get("taskType")
        if task_type == "authentication":
            return [{"taskType": task_type, "connectionSessionUUID": str(uuid.uuid4())}]
        if not isinstance(task_type, str) or task_type not in self._tasks:
            raise Refused("invalidTaskType", "taskType", "Unknown 'taskType'.", allowedValues=sorted(self._tasks))
        if task_type != "ping":
            rules.check_id(task)
        return self._tasks[task_type](task)

    def _video(self, task: Task) -> list[dict[str, Any]]:
        rules.check_video(task, self._shop.uploads)
        self._shop.submit(task)
        return [{"taskType": VIDEO, "taskUUID": task["taskUUID"]}]

    def _get_response(self, task: Task) -> list[dict[str, Any]]:
        rules.check_keys(task, {"taskType", "taskUUID"})
        job = self._shop.visible(task["taskUUID"])
        if job is None:
            return self._not_found(task)
        return self.results(job)

    def _not_found(self, task: Task) -> list[dict[str, Any]]:
        if self._unknown == "empty":
            return []
        item = {"code": "taskNotFound", "message": "The task was not found.", "status": "error"}
        return [{**item, "taskType": task["taskType"], "taskUUID": task["taskUUID"]}]

    def results(self, job: Job) -> list[dict[str, Any]]:
        """The items of a job as a poll shows them."""
        running = job.ready - time.monotonic()
        base = {"taskType": VIDEO, "taskUUID": job.task_id}
        if running > 0:
            share = 1 - running / max(self._shop.seconds_per_job, 1e-6)
            return [{**base, "status": "processing", "progress": max(0, min(99, int(100 * share)))}]
        items = []
        for order in job.orders:
            url = video_url(self._address(), order.video_id)
            item: dict[str, Any] = {**base, "status": "success", "videoUUID": order.video_id, "videoURL": url}
            item["seed"] = order.seed
            if job.task.get("includeCost"):
                item["cost"] = float(job.cost) / len(job.orders)
            if (
                job.task.get("safety", {}).get("checkContent")
                or job.task.get("safety", {}).get("mode", "none") != "none"
            ):
                item["NSFWContent"] = False
            items.append(item)
        return items

    def _get_task_details(self, task: Task) -> list[dict[str, Any]]:
        rules.check_keys(task, {"taskType", "taskUUID"})
        job = self._shop.archived(task["taskUUID"])
        if job is None:
            return self._not_found(task)
        response: dict[str, Any] = {"data": self.results(job)}
        if job.refused_replay is not None:
            response = {"errors": [job.refused_replay]}
        return [{"taskType": "getTaskDetails", "taskUUID": job.task_id, "request": [job.task], "response": response}]

    def _media_storage(self, task: Task) -> list[dict[str, Any]]:
        rules.check_keys(task, {"taskType", "taskUUID", "operation", "media"})
        media, operation = task.get("media"), task.get("operation")
        base = {"taskType": "mediaStorage", "taskUUID": task["taskUUID"], "operation": operation}
        if operation == "upload":
            rules.check_picture(media, ())
            media_id = str(uuid.uuid4())
            self._shop.uploads[media_id] = rules.picture_bytes(str(media))
            return [{**base, "mediaUUID": media_id, "mediaURL": f"{self._address()}/media/{media_id}"}]
        if operation == "delete":
            if media not in self._shop.uploads:
                raise Refused("mediaNotFound", "media", "The media was not found.")
            del self._shop.uploads[str(media)]
            return [{**base, "mediaUUID": media}]
        raise Refused("unsupportedOperation", "operation", "Unknown operation.", allowedValues=["upload", "delete"])

    def _account(self, task: Task) -> list[dict[str, Any]]:
        rules.check_keys(task, {"taskType", "taskUUID", "operation"})
        if task.get("operation") != "getDetails":
            raise Refused("unsupportedOperation", "operation", "Unknown operation.", allowedValues=["getDetails"])
        base = {"taskType": "accountManagement", "taskUUID": task["taskUUID"], "operation": "getDetails"}
        return [{**base, "organizationName": "Loopback"}]

    def _ping(self, task: Task) -> list[dict[str, Any]]:
        rules.check_keys(task, {"taskType", "taskUUID", "ping"})
        if task.get("ping") is not True:
            raise Refused("missingPing", "ping", "Missing required parameter 'ping'.")
        return [{"taskType": "ping", "pong": True}]


def video_url(origin: str, video_id: str) -> str:
    """Where a clip can be fetched: signed, as results are."""
    return f"{origin}/video/{video_id}.mp4?sig={SIGNATURE}"


def told(refused: Refused, task: Task) -> dict[str, Any]:
    """An error item with the task it is about."""
    about = {name: task[name] for name in ("taskType", "taskUUID") if isinstance(task.get(name), str)}
    return {**about, **refused.item, "documentation": "https://runware.ai/docs/platform/errors"}
