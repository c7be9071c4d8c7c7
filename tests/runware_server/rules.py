"""What the real API refuses, task by task, with its documented codes.

Source: Runware's pages of Runway Gen-4.5, task polling and media storage, and the typed schema of the official SDK,
read 2026-11-22. Corners that are not documented are decided strictly: an unknown key is refused, also in ``inputs``.
"""

import base64
import binascii
import io
import re
from collections.abc import Callable, Collection
from typing import Any

from PIL import Image

MODEL = "runway:1@2"
SIZES = ((1280, 720), (720, 1280), (1104, 832), (832, 1104), (960, 960))
DURATIONS = (5, 8, 10)
MAX_PICTURE = 20 * 1000**2
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)

Task = dict[str, Any]
Refusal = dict[str, Any]


class Refused(Exception):
    """One error item of a reply."""

    def __init__(self, code: str, parameter: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.item: Refusal = {"code": code, "message": message, "parameter": parameter, **extra}


def check_id(task: Task) -> None:
    """Every task but ``ping`` and ``authentication`` has a UUID of version 4."""
    task_id = task.get("taskUUID")
    if task_id is None:
        raise Refused("missingTaskUUID", "taskUUID", "Missing required parameter 'taskUUID'.")
    if not isinstance(task_id, str) or not UUID4.fullmatch(task_id):
        raise Refused("invalidTaskUUID", "taskUUID", "'taskUUID' must be a UUID v4.", type="string")


def check_keys(task: Task, allowed: Collection[str]) -> None:
    """No key beyond *allowed*."""
    for name in task:
        if name not in allowed:
            raise Refused("unsupportedParameter", name, f"Unsupported use of parameter '{name}'.")


def check_video(task: Task, uploads: Collection[str]) -> None:
    """One ``videoInference`` task. *uploads* are the ids of stored pictures."""
    check_keys(task, FIELDS.keys() | {"taskType", "taskUUID"})
    for name in ("model", "width", "height"):
        if name not in task:
            raise Refused(f"missing{_capital(name)}", name, f"Missing required parameter '{name}'.")
    for name, check in FIELDS.items():
        if name in task:
            check(name, task[name])
    if (task["width"], task["height"]) not in SIZES:
        raise Refused("unsupportedModelResolution", "width", "Unsupported width and height for this model.")
    frames = task.get("inputs", {}).get("frameImages", [])
    for frame in frames:
        check_picture(frame["image"] if isinstance(frame, dict) else frame, uploads)
    if "positivePrompt" not in task and not frames:
        raise Refused("missingPositivePrompt", "positivePrompt", "One of 'positivePrompt' or 'inputs' is required.")


def check_picture(reference: Any, uploads: Collection[str]) -> None:
    """A stored picture's id, an https address, a data URI or bare base64 of a PNG, JPEG or WebP."""
    if not isinstance(reference, str) or not reference:
        raise Refused("invalidFrameImage", "inputs.frameImages", "A frame image is a string.")
    if reference in uploads or reference.startswith("https://"):
        return
    data = picture_bytes(reference)
    if data is None or len(data) > MAX_PICTURE or not _is_picture(data):
        raise Refused("invalidFrameImage", "inputs.frameImages", "The image is not a PNG, JPEG or WebP of 20 MB.")


def picture_bytes(reference: str) -> bytes | None:
    """The bytes written out in a data URI or in bare base64; ``None`` if it is neither."""
    text = reference.partition(";base64,")[2] if reference.startswith("data:image/") else reference
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _is_picture(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
            picture.verify()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _invalid(name: str, message: str, **extra: Any) -> Refused:
    return Refused(f"invalid{_capital(name)}", name, message, **extra)


def _integer(low: int, high: int, **extra: Any) -> Callable[[str, Any], None]:
    def check(name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _invalid(name, f"'{name}' must be an integer between {low} and {high}.", min=low, max=high, **extra)

    return check


def _one_of(*values: Any, code: str | None = None) -> Callable[[str, Any], None]:
    def check(name: str, value: Any) -> None:
        if type(value) is not type(values[0]) or value not in values:
            raise Refused(
                code or f"unsupported{_capital(name)}",
                name,
                f"Unsupported value for '{name}'.",
                allowedValues=list(values),
            )

    return check


def _text(low: int, high: int) -> Callable[[str, Any], None]:
    def check(name: str, value: Any) -> None:
        if not isinstance(value, str) or not low <= len(value) <= high:
            raise _invalid(name, f"'{name}' must have {low} to {high} characters.", min=low, max=high)

    return check


def _boolean(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise _invalid(name, f"'{name}' must be a boolean.", type="boolean")


def _address(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise _invalid(name, f"'{name}' must be a URI.", type="string")


def _object(name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise _invalid(name, f"'{name}' must be an object.", type="object")


def _inputs(name: str, value: Any) -> None:
    _object(name, value)
    check_keys({f"inputs.{key}": None for key in value}, {"inputs.frameImages"})
    frames = value.get("frameImages")
    if not isinstance(frames, list) or len(frames) != 1:
        raise _invalid("frameImages", "This model takes exactly one frame image.", min=1, max=1)
    frame = frames[0]
    if isinstance(frame, dict):
        check_keys({f"inputs.frameImages.{key}": None for key in frame}, _FRAME_KEYS)
        if "image" not in frame:
            raise Refused("missingImage", "inputs.frameImages.image", "Missing required parameter 'image'.")
        if frame.get("frame", "first") != "first":
            raise Refused(
                "unsupportedFrame", "inputs.frameImages.frame", "Unsupported frame position.", allowedValues=["first"]
            )


def _provider_settings(name: str, value: Any) -> None:
    _object(name, value)
    check_keys({f"{name}.{key}": None for key in value}, {f"{name}.runway"})
    runway = value.get("runway", {})
    _object(f"{name}.runway", runway)
    check_keys({f"{name}.runway.{key}": None for key in runway}, {f"{name}.runway.contentModeration"})
    moderation = runway.get("contentModeration", {})
    _object("contentModeration", moderation)
    check_keys(moderation, {"publicFigureThreshold"})
    if "publicFigureThreshold" in moderation:
        _one_of("auto", "low")("publicFigureThreshold", moderation["publicFigureThreshold"])


def _safety(name: str, value: Any) -> None:
    _object(name, value)
    check_keys(value, {"checkContent", "mode"})
    if "checkContent" in value:
        _boolean("checkContent", value["checkContent"])
    if "mode" in value:
        _one_of("none", "fast", "full")("mode", value["mode"])


_FRAME_KEYS = {"inputs.frameImages.image", "inputs.frameImages.frame"}
FIELDS: dict[str, Callable[[str, Any], None]] = {
    "model": _one_of(MODEL, code="invalidModel"),
    "positivePrompt": _text(1, 1000),
    "width": _integer(128, 2048, multiplier=16),
    "height": _integer(128, 2048, multiplier=16),
    "duration": _one_of(*DURATIONS),
    "seed": _integer(0, 2147483647),
    "inputs": _inputs,
    "providerSettings": _provider_settings,
    "numberResults": _integer(1, 4),
    "outputType": _one_of("URL"),
    "outputFormat": _one_of("MP4", "WEBM", "MOV"),
    "outputQuality": _integer(20, 99),
    "deliveryMethod": _one_of("async"),
    "includeCost": _boolean,
    "ttl": _integer(60, 2**31),
    "webhookURL": _address,
    "uploadEndpoint": _address,
    "safety": _safety,
    "routing": _object,
}
