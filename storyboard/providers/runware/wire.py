"""Runware's wire format for generated video: requests out, replies in.

One address, POST only; the body is a list of tasks and the reply an object with ``data`` and ``errors``, either of
which may be missing. ``replies`` reads outcomes, ``error_codes`` maps errors. Source: Runware's documentation of task
polling, errors, media storage and of Runway Gen-4.5, read 2026-11-22.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from storyboard.core.timebase import plain_number
from storyboard.providers.base import (
    Archived,
    Call,
    Outcome,
    Picture,
    Position,
    Reply,
    TakeRequest,
    Unknown,
)
from storyboard.providers.errors import ProviderError
from storyboard.providers.runware.error_codes import classify, error_from_item, text_field
from storyboard.providers.runware.replies import (
    VIDEO,
    archived_of,
    first_error,
    is_job_error,
    is_ours,
    items,
    list_field,
    normalise,
    outcome_of,
    require_envelope,
    same_frames,
    silence_means_unknown,
    unreadable_reply,
)

# A picture of more bytes is uploaded once instead of travelling as text inside the request.
INLINE_PICTURE_BYTES = 4 * 1024 * 1024
# Parameters for the animatic, which have no field in this API.
_NOT_SENT = frozenset({"slate"})
_COMPARED = ("model", "positivePrompt", "negativePrompt", "width", "height", "duration", "seed", "providerSettings")


class Runware:
    """Video models behind Runware's HTTP API; ``base.Provider`` documents each method."""

    name = "runware"
    endpoint = "https://api.runware.ai/v1"
    key_variable = "RUNWARE_API_KEY"
    result_hosts = frozenset({"vm.runware.ai", "im.runware.ai"})
    task_id_retention_s = 24 * 60 * 60
    client_task_ids = True
    batch = 50

    def task_id(self, key: str, attempt: int) -> str:
        """Return a UUID in the form of version 4, derived from a hash."""
        return derived_uuid("take", key, str(attempt))

    def error_of(self, reply: Reply) -> ProviderError | None:
        """Return the error for a failed HTTP status, with code and message of the first error item if there is one."""
        if reply.status < 300:
            return None
        error = first_error(reply) if reply.status >= 400 else None
        if error is None:
            error = _status_error(reply.status)
        error.retry_after = reply.retry_after
        return error

    # The old names, for plug-ins that extend this class and use them.
    memory_s, own_ids, refusal = task_id_retention_s, client_task_ids, error_of

    def uploads(self, request: TakeRequest) -> dict[Position, Call]:
        """Return one ``mediaStorage`` task for each large picture."""
        large = {at: picture for at, picture in request.frames().items() if len(picture.data) > INLINE_PICTURE_BYTES}
        return {at: upload_call(picture) for at, picture in large.items()}

    def read_upload(self, reply: Reply) -> str:
        """Return the ``mediaUUID``."""
        self._raise_error(reply)
        for item in items(reply.data, "data"):
            reference = text_field(item, "mediaUUID")
            if item.get("taskType") == "mediaStorage" and reference:
                return reference
        raise first_error(reply) or unreadable_reply("no mediaUUID in the reply to an upload")

    def submission(self, request: TakeRequest, task_id: str, references: Mapping[Position, str] | None = None) -> Call:
        """Return one ``videoInference`` task; pictures are uploaded references or data URIs."""
        task: dict[str, Any] = {
            "taskType": VIDEO,
            "taskUUID": task_id,
            "model": request.model,
            "positivePrompt": request.prompt,
            "width": request.size.width,
            "height": request.size.height,
            "duration": plain_number(request.duration),
            "seed": request.seed,
            "deliveryMethod": "async",
            "outputType": "URL",
            "includeCost": True,
            "numberResults": 1,
        }
        if request.negative_prompt is not None:
            task["negativePrompt"] = request.negative_prompt
        task |= {name: value for name, value in request.params.items() if name not in _NOT_SENT | task.keys()}
        frames = _frame_images(request, references or {})
        if frames:
            inputs = request.params.get("inputs")
            task["inputs"] = {**(inputs if isinstance(inputs, dict) else {}), "frameImages": frames}
        return Call([task])

    def read_acknowledgement(self, reply: Reply, task_id: str) -> str:
        """Return *task_id* if the reply acknowledges it. An error about another task is no answer to the submission."""
        self._raise_error(reply, task_id)
        ours = [item for item in items(reply.data, "errors") if text_field(item, "taskUUID") in {None, task_id}]
        taken = any(is_ours(item, task_id) for item in items(reply.data, "data"))
        if ours and taken:
            raise unreadable_reply("the reply both accepts and refuses the task", task_id)
        if ours:
            raise error_from_item(ours[0], reply.status)
        if taken:
            return task_id
        raise unreadable_reply("the reply is about another task", task_id)

    def status_query(self, task_ids: Sequence[str]) -> Call:
        """Return one ``getResponse`` task per id, all in one request."""
        return Call([{"taskType": "getResponse", "taskUUID": task_id} for task_id in task_ids])

    def read_status(self, reply: Reply, task_ids: Sequence[str]) -> dict[str, Outcome]:
        """Return outcomes by id. Raises errors that are not about one job (key, rate, server)."""
        self._raise_query_error(reply, task_ids)
        found = {task_id: outcome_of(reply.data, task_id, reply.status) for task_id in task_ids}
        return {one: told for one, told in found.items() if told != Unknown() or silence_means_unknown(reply, task_ids)}

    def archive_query(self, task_ids: Sequence[str]) -> Call:
        """Return one ``getTaskDetails`` task per id, all in one request."""
        return Call([{"taskType": "getTaskDetails", "taskUUID": task_id} for task_id in task_ids])

    def read_archive(self, reply: Reply, task_ids: Sequence[str]) -> dict[str, Archived]:
        """Return the archive's entries. A refused replay shows that the task is known; it is no failure of the job."""
        self._raise_query_error(reply, task_ids)
        silent = (
            {task_id: Archived(known=False) for task_id in task_ids} if silence_means_unknown(reply, task_ids) else {}
        )
        told = [item for item in items(reply.data, "data") if item.get("taskType") == "getTaskDetails"]
        mine = {one: item for item in reversed(told) if (one := text_field(item, "taskUUID")) in task_ids and one}
        return silent | {task_id: archived_of(item, task_id) for task_id, item in mine.items()}

    def same_request(self, archived: Mapping[str, Any], submitted: Call) -> bool:
        """Return whether the fields that determine the take are equal; only inline pictures are compared."""
        ours = submitted.body[0] if isinstance(submitted.body, list) else {}
        if not isinstance(ours, dict):
            return False
        fields_equal = all(normalise(archived.get(name)) == normalise(ours.get(name)) for name in _COMPARED)
        return fields_equal and same_frames(archived.get("inputs"), ours.get("inputs"))

    def _raise_error(self, reply: Reply, task_id: str | None = None) -> None:
        foreign = task_id is not None and any(
            text_field(item, "taskUUID") not in {None, task_id} for item in items(reply.data, "errors")
        )
        error = self.error_of(reply)
        if error and foreign and reply.status == 400:
            raise unreadable_reply("the refusal is about another task", task_id)
        if error:
            raise error
        require_envelope(reply.data)

    def _raise_query_error(self, reply: Reply, task_ids: Sequence[str]) -> None:
        """Raise errors of the query; errors of the queried jobs are left for their outcomes."""
        about_jobs = any(is_job_error(item, task_ids) for item in items(reply.data, "errors"))
        error = self.error_of(reply)
        if error and not (about_jobs and error.code not in {"auth", "no-balance", "rate-limited", "server"}):
            raise error
        if error is None:
            require_envelope(reply.data)
        for item in items(reply.data, "errors"):
            trouble = error_from_item(item, reply.status)
            about = text_field(item, "taskUUID")
            whole = about is None or (list(task_ids) == [about] and not is_job_error(item, task_ids))
            if trouble.code == "auth" or (whole and not list_field(reply.data, "data")):
                raise trouble


def _status_error(status: int) -> ProviderError:
    if status < 400:
        return ProviderError("unreadable-reply", "the API replied with a redirect", status=status)
    code, retryable = classify(None, status)
    return ProviderError(code, f"HTTP {status}", retryable=retryable, status=status)


def derived_uuid(*parts: str) -> str:
    """Return a UUID with the version and variant bits of version 4, equal for equal *parts* on every machine."""
    framed = "".join(f"{len(part)}:{part}" for part in ("storyboard runware 1", *parts))
    return str(UUID(bytes=sha256(framed.encode()).digest()[:16], version=4))


def data_uri(picture: Picture) -> str:
    """Return the picture as a data URI."""
    return f"data:{picture.media_type};base64,{b64encode(picture.data).decode('ascii')}"


def upload_call(picture: Picture) -> Call:
    """Return the call that stores a picture at Runware; the task id is derived from its content."""
    task_id = derived_uuid("media", sha256(picture.data).hexdigest())
    task = {"taskType": "mediaStorage", "taskUUID": task_id, "operation": "upload", "media": data_uri(picture)}
    return Call([task])


def _frame_images(request: TakeRequest, references: Mapping[Position, str]) -> list[dict[str, str]]:
    images = []
    for position, picture in request.frames().items():
        if position not in references and len(picture.data) > INLINE_PICTURE_BYTES:
            raise ValueError(f"the {position} frame has to be uploaded first")
        images.append({"image": references.get(position) or data_uri(picture), "frame": position})
    return images
