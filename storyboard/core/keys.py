"""What an action is known by: sha256 over tagged canonical JSON of exactly what is asked for.

What counts in the key of a take, and what does not:

    in                                             out, and why
    ---------------------------------------------  ---------------------------------------------------------------
    provider, model                                shot id, scene, order, title, notes, tags, x-*: names for people
    engine (the local provider's drawing version)  trim, speed, fit, transition, caption, audio: the cut, not the take
    prompt, negative_prompt (NFC, trimmed)         paths, include files: a file counts by its content
    seed                                           comments, key order, quotes, whitespace: not in the values
    duration, width, height                        price, budget, retries, concurrency: not in the request
    params, after defaults and vars                API key, task id, attempt: not in the request
    first_frame, last_frame: digest of the file    prompt, name or path of the shot that a frame is taken from:
    or of the decoded planes of the linked frame   only the picture reaches the model

Frames, segments, the sound and the cut are keyed the same way, over the digests of what they are made of.
"""

import math
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from typing import Any

import msgspec

from storyboard.core.model import Generated, Json, Size
from storyboard.core.timebase import plain_number

KEY_VERSION = 1
# Params that say how we draw ourselves; they are sent to nobody, so they count for nobody else.
DRAWN_BY = frozenset({"slate"})
Request = dict[str, Any]


def normal(value: Any) -> Json:
    """*value* as canonical JSON data: text in NFC, ``5.0`` as ``5``, fractions as numbers, tuples as lists.

    Raises ``ValueError`` for NaN and infinity, ``TypeError`` for what JSON has not.
    """
    kind = type(value)
    if kind is str:
        return _nfc(value)
    if kind is int or value is None:
        return value  # type: ignore[no-any-return]
    if kind is dict:
        # most of it is plain text, for which a film of many shots calls nothing
        return {
            key if type(key) is str and key.isascii() else _nfc(str(key)): (
                item if type(item) is str and item.isascii() else normal(item)
            )
            for key, item in value.items()
        }
    match value:
        case bool():
            return value
        case str():
            return _nfc(value)
        case int():
            return value
        case float():
            if not math.isfinite(value):
                raise ValueError(f"not a finite number: {value}")
            return int(value) if value.is_integer() else value
        case Fraction():
            return plain_number(value)
        case Mapping():
            return {_nfc(str(key)): normal(item) for key, item in value.items()}
        case list() | tuple():
            return [normal(item) for item in value]
    raise TypeError(f"not JSON: {type(value).__name__}")


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def canonical(value: Any) -> bytes:
    """The one spelling of *value*: sorted keys, no spaces, UTF-8."""
    return msgspec.json.encode(normal(value), order="sorted")


def action_key(kind: str, request: Mapping[str, Any]) -> str:
    """The key of an action, 64 hex digits. The kind and the key version are part of what is hashed."""
    return sha256(canonical({"kind": kind, "key_version": KEY_VERSION, "request": request})).hexdigest()


def take_request(source: Generated, engine: str | None, frames: Mapping[str, str]) -> Request:
    """Everything that decides a take.

    *frames* maps ``first_frame`` and ``last_frame`` to ``file:DIGEST`` or ``picture:PLANES``; *engine* is the version
    of a provider that draws by itself, ``None`` for one that sends the request away.
    """
    request: Request = {
        "provider": source.provider,
        "model": source.model,
        "prompt": source.prompt,
        "seed": source.seed,
        "duration": source.duration,
        "width": source.size.width,
        "height": source.size.height,
    }
    params = {name: value for name, value in source.params.items() if engine or name not in DRAWN_BY}
    optional: Request = {"engine": engine, "negative_prompt": source.negative_prompt, "params": params or None}
    request |= {name: value for name, value in optional.items() if value is not None}
    return normal_request(request | dict(frames))


def footage_request(file: str) -> Request:
    """Own footage: the digest of the file."""
    return {"clip": f"file:{file}"}


def frame_request(take: str, at: str) -> Request:
    """One exact picture of a take: the take's digest, and ``first``, ``last`` or seconds."""
    return {"take": take, "at": at}


def segment_request(
    take: str,
    start: Fraction,
    frames: int,
    rate: Fraction,
    size: Size,
    renderer: Mapping[str, Json],
    speed: Fraction = Fraction(1),
) -> Request:
    """A stretch of a take conformed to the output: *start* in seconds of the take, *frames* of the output."""
    request = {
        "take": take,
        "start": str(start),
        "frames": frames,
        "rate": str(rate),
        "size": str(size),
        "renderer": renderer,
    }
    return normal_request(request | ({"speed": str(speed)} if speed != 1 else {}))


def slate_request(
    lines: tuple[str, ...], frames: int, rate: Fraction, size: Size, renderer: Mapping[str, Json]
) -> Request:
    """A slate that stands in for a shot that is not there."""
    return normal_request(
        {"slate": lines, "frames": frames, "rate": str(rate), "size": str(size), "renderer": renderer}
    )


def cut_request(
    pieces: list[tuple[str, int] | tuple[str, int, int]],
    rate: Fraction,
    size: Size,
    title: str | None,
    renderer: Mapping[str, Json],
    extras: Mapping[str, Json] | None = None,
) -> Request:
    """The film: digests and frame counts of its pieces in order, and where in its clip a piece begins if inside.

    *extras* are what it carries besides, where it carries it: its sound, captions beside it, chapters, a comment.
    """
    request: Request = {"pieces": pieces, "rate": str(rate), "size": str(size), "title": title, "renderer": renderer}
    return normal_request(request | {name: value for name, value in (extras or {}).items() if value})


def normal_request(request: Mapping[str, Any]) -> Request:
    """A request as it is hashed, kept and shown."""
    data = normal(request)
    if not isinstance(data, dict):
        raise TypeError("a request is a mapping")
    return data
