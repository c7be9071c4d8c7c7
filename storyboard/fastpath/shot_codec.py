"""Shots in a form that is read back quickly: what many shots have in common is written once.

The same values come out that went in. Numbers that JSON and msgpack do not have (fractions) travel as text.
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
_OTHER = -1
_MOMENTS: dict[str, Literal["first", "last"]] = {"first": "first", "last": "last"}


class _GeneratedFields(Struct, frozen=True, array_like=True):
    """What is asked of a model, but for prompt, seed and frames."""

    model: str
    provider: str
    duration: Fraction
    size: Size
    negative_prompt: str | None
    params: dict[str, Any]
    takes: tuple[int, ...]
    pick: int | None


class _ShotFields(Struct, frozen=True, array_like=True):
    """How a shot goes into the cut, and what people call it."""

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


_Picture = tuple[str, str, str] | None
# One shot: its id, its scene, manner and what is asked by their numbers in the tables, prompt, seed, the pictures it
# begins and ends with. A source that nobody generates is in ``others`` by its seed.
_Row = tuple[str, int, int, int, str, int, _Picture, _Picture]


class PackedShots(Struct, frozen=True):
    """Shots, to be written down as they are and unpacked."""

    scenes: list[str]
    manners: list[_ShotFields]
    asked: list[_GeneratedFields]
    others: list[Clip | Still | TitleCard]
    rows: list[_Row]


def pack(shots: Iterable[Shot]) -> PackedShots:
    """Write *shots* down, in their order."""
    scenes, manners, asked = _Table[str](), _Table[_ShotFields](), _Table[_GeneratedFields]()
    others: list[Clip | Still | TitleCard] = []
    rows: list[_Row] = []
    for shot in shots:
        manner = _ShotFields(**{name: getattr(shot, name) for name in _ShotFields.__struct_fields__})
        place = (shot.id, scenes.place(shot.scene), manners.place(manner))
        source = shot.source
        if isinstance(source, Generated):
            said = {name: getattr(source, name) for name in _GeneratedFields.__struct_fields__}
            number = asked.place(_GeneratedFields(**said | {"params": dict(source.params)}))
            frames = (_written(source.first_frame), _written(source.last_frame))
            rows.append((*place, number, source.prompt, source.seed, *frames))
        else:
            rows.append((*place, _OTHER, "", len(others), None, None))
            others.append(source)
    return PackedShots(scenes.values, manners.values, asked.values, others, rows)


def unpack(packed: PackedShots) -> list[Shot]:
    """The shots. Raises ``LookupError`` or ``ValueError`` if they have not been packed here."""
    manners = [_shared(manner) for manner in packed.manners]
    shots = []
    for name, scene, manner, asked, prompt, seed, first, last in packed.rows:
        trim, speed, fit, transition, caption, audio, hold, skip, title, tags = manners[manner]
        source: Any
        if asked == _OTHER:
            source = packed.others[seed]
        else:
            one = packed.asked[asked]
            source = Generated(
                prompt,
                one.model,
                one.provider,
                one.duration,
                one.size,
                seed,
                one.negative_prompt,
                one.params,
                None if first is None else _frame(*first),
                None if last is None else _frame(*last),
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


def _shared(manner: _ShotFields) -> tuple[Any, ...]:
    """Its fields, with the model's own objects where they are equal: these are told apart from others quickly."""
    trim = WHOLE if manner.trim == WHOLE else manner.trim
    speed = NORMAL if manner.speed == NORMAL else manner.speed
    return (trim, speed, *(getattr(manner, name) for name in _ShotFields.__struct_fields__[2:]))


def _written(frame: FrameInput | None) -> tuple[str, str, str] | None:
    match frame:
        case FileInput(path):
            return ("file", path, "")
        case UrlInput(url):
            return ("url", url, "")
        case FrameLink(shot, at):
            return ("link", shot, str(at))
    return None


def _frame(kind: str, name: str, at: str) -> FrameInput:
    if kind == "link":
        return FrameLink(name, _MOMENTS.get(at) or parse_fraction(at))
    return FileInput(name) if kind == "file" else UrlInput(name)


class _Table(Generic[_T]):
    """Values, each once."""

    def __init__(self) -> None:
        self.values: list[_T] = []
        self._places: dict[bytes, int] = {}

    def place(self, value: _T) -> int:
        """The number of *value*."""
        written = msgspec.msgpack.encode(value, enc_hook=as_text)
        found = self._places.setdefault(written, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found
