"""A compact form of shots: values that many shots share are written once, so that thousands are read back quickly.

Fractions, which JSON and msgpack do not have, are written as text.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from storyboard.core.model import (
    NORMAL,
    WHOLE,
    Audio,
    Caption,
    Clip,
    FileInput,
    Fit,
    FrameInput,
    FrameLink,
    Generated,
    Shot,
    Size,
    Still,
    TitleCard,
    Transition,
    Trim,
    UrlInput,
)
from storyboard.core.timebase import as_text, parse_fraction

_T = TypeVar("_T")
_NOT_GENERATED = -1
_MOMENTS: dict[str, Literal["first", "last"]] = {"first": "first", "last": "last"}


class _GeneratedFields(Struct, frozen=True, array_like=True):
    """The fields of a generated source but prompt, seed and frames, which differ from shot to shot."""

    model: str
    provider: str
    duration: Fraction
    size: Size
    negative_prompt: str | None
    params: dict[str, Any]
    takes: tuple[int, ...]
    pick: int | None


class _ShotFields(Struct, frozen=True, array_like=True):
    """The fields of a shot but id, scene and source."""

    trim: Trim
    speed: Fraction
    fit: Fit | None
    transition: Transition
    caption: tuple[Caption, ...]
    audio: Audio
    hold: bool
    skip: bool
    title: str | None
    tags: tuple[str, ...]


_Frame = tuple[str, str, str] | None
# One shot: id; numbers of scene, shot fields and generated fields in their tables; prompt, seed, first and last frame.
# The seed of a source that is not generated is its number in ``others``.
_Row = tuple[str, int, int, int, str, int, _Frame, _Frame]


class PackedShots(Struct, frozen=True, rename={"shot_fields": "manners", "generated_fields": "asked"}):
    """Tables of shared values, and a row for each shot."""

    scenes: list[str]
    shot_fields: list[_ShotFields]
    generated_fields: list[_GeneratedFields]
    others: list[Clip | Still | TitleCard]
    rows: list[_Row]


def pack(shots: Iterable[Shot]) -> PackedShots:
    """Return *shots* in the compact form, in their order."""
    scenes, shot_fields, generated_fields = _Table[str](), _Table[_ShotFields](), _Table[_GeneratedFields]()
    others: list[Clip | Still | TitleCard] = []
    rows: list[_Row] = []
    for shot in shots:
        fields = _ShotFields(**{name: getattr(shot, name) for name in _ShotFields.__struct_fields__})
        place = (shot.id, scenes.place(shot.scene), shot_fields.place(fields))
        source = shot.source
        if isinstance(source, Generated):
            values = {name: getattr(source, name) for name in _GeneratedFields.__struct_fields__}
            number = generated_fields.place(_GeneratedFields(**values | {"params": dict(source.params)}))
            frames = (_encode_frame(source.first_frame), _encode_frame(source.last_frame))
            rows.append((*place, number, source.prompt, source.seed, *frames))
        else:
            rows.append((*place, _NOT_GENERATED, "", len(others), None, None))
            others.append(source)
    return PackedShots(scenes.values, shot_fields.values, generated_fields.values, others, rows)


def unpack(packed: PackedShots) -> list[Shot]:
    """Return the shots of *packed*. Raises ``LookupError`` or ``ValueError`` if ``pack`` did not make it."""
    shot_fields = [_shot_values(fields) for fields in packed.shot_fields]
    shots = []
    for name, scene, fields, generated, prompt, seed, first, last in packed.rows:
        trim, speed, fit, transition, caption, audio, hold, skip, title, tags = shot_fields[fields]
        source: Any
        if generated == _NOT_GENERATED:
            source = packed.others[seed]
        else:
            one = packed.generated_fields[generated]
            source = Generated(
                prompt,
                one.model,
                one.provider,
                one.duration,
                one.size,
                seed,
                one.negative_prompt,
                one.params,
                None if first is None else _decode_frame(*first),
                None if last is None else _decode_frame(*last),
                one.takes,
                one.pick,
            )
        shots.append(
            Shot(
                name,
                packed.scenes[scene],
                source,
                trim,
                speed,
                fit,
                transition,
                caption,
                audio,
                hold,
                skip,
                title,
                tags,
            )
        )
    return shots


def _shot_values(fields: _ShotFields) -> tuple[Any, ...]:
    """Return the field values, with the model's own default objects where equal: comparing these is quick."""
    trim = WHOLE if fields.trim == WHOLE else fields.trim
    speed = NORMAL if fields.speed == NORMAL else fields.speed
    return (trim, speed, *(getattr(fields, name) for name in _ShotFields.__struct_fields__[2:]))


def _encode_frame(frame: FrameInput | None) -> tuple[str, str, str] | None:
    match frame:
        case FileInput(path):
            return ("file", path, "")
        case UrlInput(url):
            return ("url", url, "")
        case FrameLink(shot, at):
            return ("link", shot, str(at))
    return None


def _decode_frame(kind: str, name: str, at: str) -> FrameInput:
    if kind == "link":
        return FrameLink(name, _MOMENTS.get(at) or parse_fraction(at))
    return FileInput(name) if kind == "file" else UrlInput(name)


class _Table(Generic[_T]):
    """Distinct values, numbered in the order of their first use."""

    def __init__(self) -> None:
        self.values: list[_T] = []
        self._places: dict[bytes, int] = {}

    def place(self, value: _T) -> int:
        """Return the number of *value*, which is added if it is new."""
        encoded = msgspec.msgpack.encode(value, enc_hook=as_text)
        place = self._places.setdefault(encoded, len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return place
