"""Action keys: the sha256 of tagged canonical JSON of everything that decides a result.

Fields of the key of a take, and fields left out:

    in                                             out, and why
    ---------------------------------------------  ---------------------------------------------------------------
    provider, model                                shot id, scene, order, title, notes, tags, x-*: names for people
    engine (the local provider's drawing version)  trim, speed, fit, transition, caption, audio: the cut, not the take
    prompt, negative_prompt (NFC, trimmed)         paths, include files: a file counts by its content
    seed                                           comments, key order, quotes, whitespace: not in the values
    duration, width, height                        price, budget, retries, concurrency: not in the request
    params, after defaults and vars                `slate` of params: drawn over the take in the film
                                               API key, task id, attempt: not in the request
    first_frame, last_frame: digest of the file    prompt, name or path of the shot that a frame is taken from:
    or of the decoded planes of the linked frame,  only the picture reaches the model
    and how either is prepared to be sent          bytes of a prepared picture: they may differ with a library

A drawn take also has in its key what is drawn of it, where that is less than the whole clip: the moments that the film
or a link shows (``drawn_seconds``) and the size of the film (``drawn_size``). Both follow from what is seen, so that
nothing else is drawn. They are no reason to draw again: a take of which as much or more is drawn is that of
the request, and a trim, link or size within it draws nothing (``TakePlanner.asked``). A paid take is always whole.

Frames, segments, the sound and the cut have keys of their own kind, over the digests of their inputs.
"""

import math
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from typing import Any

import msgspec

from storyboard.core.model import DRAWING_PARAMS, PICTURE_FIELDS, Generated, Json, Size
from storyboard.core.ranges import SeenPart
from storyboard.core.timebase import plain_number

KEY_VERSION = 1
# Params that decide what is drawn over a take, and not the take itself.
_DRAWN_OVER = frozenset({"slate"})
# Drawing versions of the local provider that drew a slate bar below the picture; `slate` was part of their requests.
WITH_BAR = ("animatic 1", "animatic 2")
Request = dict[str, Any]
# Prefixes of the value of an input picture in a request, before a digest. A picture that is sent as it lies is a file,
# or a linked frame by its planes.
_FILE, _FRAME = "file:", "picture:"
# `pictures.convert_picture` prepares a file, and `pictures.crop_bar` a frame. Raise the number if either makes
# other pixels of equal ones.
CONVERTED, ABOVE_BAR = "converted-1:", "above-bar-1:"
DRAWN_FIELDS = _DRAWN_SIZE, _DRAWN_SECONDS = "drawn_size", "drawn_seconds"  # what is drawn of a take
_AS_IT_LIES = {CONVERTED: _FILE, ABOVE_BAR: _FRAME}


def normal(value: Any) -> Json:
    """Return *value* as canonical JSON data: text in NFC, ``5.0`` as ``5``, fractions as numbers, tuples as lists.

    Raises ``ValueError`` for NaN and infinity, ``TypeError`` for types that JSON lacks.
    """
    kind = type(value)
    if kind is str:
        return _nfc(value)
    if kind is int or value is None:
        return value  # type: ignore[no-any-return]
    if kind is dict:
        # most values are ASCII text, which is already normal: no call per value in a film of many shots
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
    """Return the canonical JSON of *value*: sorted keys, no spaces, UTF-8."""
    return msgspec.json.encode(normal(value), order="sorted")


def action_key(kind: str, request: Mapping[str, Any]) -> str:
    """Return the key of an action, 64 hex digits. The hashed text includes the kind and the key version."""
    return sha256(canonical({"kind": kind, "key_version": KEY_VERSION, "request": request})).hexdigest()


def take_request(
    source: Generated, engine: str | None, frames: Mapping[str, str], seen: SeenPart | None = None
) -> Request:
    """Return everything that decides a take.

    *seen* is what is drawn of a take that is drawn here.
    *frames* maps ``first_frame`` and ``last_frame`` to what ``file_input`` or ``frame_input`` return; *engine* is the
    drawing version of the local provider, ``None`` for a provider that receives the request.
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
    left_out = _DRAWN_OVER if engine else DRAWING_PARAMS
    params = {name: value for name, value in source.params.items() if engine in WITH_BAR or name not in left_out}
    optional: Request = {"engine": engine, "negative_prompt": source.negative_prompt, "params": params or None}
    request |= {name: value for name, value in optional.items() if value is not None}
    if seen is not None and seen.size != source.size:
        request[_DRAWN_SIZE] = str(seen.size)
    if seen is not None and seen.moments:
        request[_DRAWN_SECONDS] = ", ".join(_range_text(*moment) for moment in seen.moments)
    return normal_request(request | dict(frames))


def drawn_part(request: Request) -> SeenPart:
    """Return what is drawn of the take of *request*, whose provider draws here."""
    size = request.get(_DRAWN_SIZE) or f"{request['width']}x{request['height']}"
    moments = str(request.get(_DRAWN_SECONDS, ""))
    return SeenPart(Size.parse(str(size)), tuple(_read_range(text) for text in moments.split(", ") if text))


def whole_drawing(request: Request) -> Request:
    """Return the request for all of a take of which *request* may ask for a part."""
    return {name: value for name, value in request.items() if name not in DRAWN_FIELDS}


def draws_as_much(request: Request, other: Request) -> bool:
    """Return whether *request* draws everything that *other* does, of the same take."""
    if whole_drawing(request) != whole_drawing(other):
        return False
    mine, theirs = drawn_part(request), drawn_part(other)
    holds = all(any(first <= start and end <= last for first, last in mine.moments) for start, end in theirs.moments)
    covers = not mine.moments or (bool(theirs.moments) and holds)
    return covers and mine.size.width >= theirs.size.width and mine.size.height >= theirs.size.height


def _range_text(start: Fraction, end: Fraction) -> str:
    return _second_text(start) if start == end else f"{_second_text(start)} to {_second_text(end)}"


def _second_text(seconds: Fraction) -> str:
    number = str(plain_number(seconds))
    return number if Fraction(number) == seconds else str(seconds)


def _read_range(text: str) -> tuple[Fraction, Fraction]:
    start, _, end = text.partition(" to ")
    return Fraction(start), Fraction(end or start)


def file_input(digest: str, *, converted: bool) -> str:
    """Return the value of a picture file in a request; *converted* if it is sent as upright RGB, not as it lies."""
    return f"{CONVERTED if converted else _FILE}{digest}"


def frame_input(planes: str, *, with_bar: bool) -> str:
    """Return the value of a linked frame in a request; with *with_bar* its slate bar is cut off before it is sent."""
    return f"{ABOVE_BAR if with_bar else _FRAME}{planes}"


def input_digest(value: str) -> str:
    """Return the digest in the value of an input picture."""
    return value.rpartition(":")[2]


def is_frame(value: object) -> bool:
    """Return whether an input picture of that value is a frame of another shot."""
    return str(value).startswith((_FRAME, ABOVE_BAR))


def is_prepared(value: object) -> bool:
    """Return whether an input picture of that value is sent otherwise than it lies."""
    return str(value).startswith((CONVERTED, ABOVE_BAR))


def unprepared(request: Request) -> Request:
    """Return the request as it was before pictures were prepared: every picture as it lies."""
    found = dict(request)
    for field in PICTURE_FIELDS:
        kind, colon, digest = str(request.get(field, "")).rpartition(":")
        if kind + colon in _AS_IT_LIES:
            found[field] = _AS_IT_LIES[kind + colon] + digest
    return found


def wants_slate(params: Mapping[str, Any]) -> bool:
    """Return whether a drawn take is shown with a slate, by the params of its shot."""
    return params.get("slate", True) is not False


def without_slate(request: Request) -> Request:
    """Return the request of a take without params that decide only what is drawn over it."""
    params = {name: value for name, value in request.get("params", {}).items() if name not in _DRAWN_OVER}
    rest = {name: value for name, value in request.items() if name != "params"}
    return rest | ({"params": params} if params else {})


def is_drawn(request: Mapping[str, Any]) -> bool:
    """Return whether the local provider draws the take of that request."""
    return "engine" in request


def is_panel(request: Mapping[str, Any]) -> bool:
    """Return whether the take of that request is one still panel."""
    return (request.get("params") or {}).get("style") == "panel"


def has_bar(request: Mapping[str, Any]) -> bool:
    """Return whether the take of that request has a slate bar in its pictures, as drawing versions before 3 drew it."""
    return request.get("engine") in WITH_BAR and wants_slate(request.get("params") or {})


def footage_request(file: str) -> Request:
    """Return the request of own footage: the digest of its file."""
    return {"clip": f"file:{file}"}


def frame_request(take: str, at: str) -> Request:
    """Return the request of one exact frame: the digest of the take, and ``first``, ``last`` or seconds."""
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
    """Return the request of a range of a take conformed to the output.

    *start* is in seconds of the take, *frames* counts frames of the output.
    """
    request = {
        "take": take,
        "start": str(start),
        "frames": frames,
        "rate": str(rate),
        "size": str(size),
        "renderer": renderer,
    }
    return normal_request(request | ({"speed": str(speed)} if speed != 1 else {}))


def cut_request(
    pieces: list[tuple[str, int] | tuple[str, int, int]],
    rate: Fraction,
    size: Size,
    title: str | None,
    renderer: Mapping[str, Json],
    extras: Mapping[str, Json] | None = None,
) -> Request:
    """Return the request of the film: digests and frame counts of its pieces in order.

    A piece inside a clip has its start frame as well. *extras* are the sound, captions in a file of their own, chapters
    and comment of the film, as far as it has them.
    """
    request: Request = {"pieces": pieces, "rate": str(rate), "size": str(size), "title": title, "renderer": renderer}
    return normal_request(request | {name: value for name, value in (extras or {}).items() if value})


def normal_request(request: Mapping[str, Any]) -> Request:
    """Return a request in the form that is hashed, stored and shown."""
    data = normal(request)
    if not isinstance(data, dict):
        raise TypeError("a request is a mapping")
    return data
