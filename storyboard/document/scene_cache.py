"""Scenes in files of their own that have been read before: what became of them, and where what stands.

A scene is known by the bytes of its file and by what the storyboard gives it (``context``). Only what a whole film
needs of it is kept. Whoever asks for more gets ``NotReusable``, and the film is read again without what is known.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Span
from storyboard.core.model import Clip, FileInput, FrameLink, Generated, Shot, Size, Still, TitleCard
from storyboard.core.model_cards import ModelCard
from storyboard.document.fields import Field, ShotDraft

_KINDS = {Generated: "prompt", Clip: "clip", Still: "image", TitleCard: "card"}
# Of the storyboard itself, not of what it gives to its scenes; `output` gives the size.
_OWN = frozenset(("scenes", "title", "notes", "audio", "budget", "output", "outputs"))
Place = tuple[int, int, int, int]


class NotReusable(Exception):
    """What is known is not enough: the text has to be read."""


class KnownScene(Struct, frozen=True):
    """One file: its bytes by sha256 and number, the context, and its scene.

    *shots* are *first* to *end* of all shots of the film. *names* and *links* are places: of every shot's id, and of
    the shots that its links name, by the shot's number in the scene. *files* are those that were looked at, with the
    kind they have to be of; *used* the vars that were filled in.
    """

    digest: str
    size: int
    context: str
    id: str
    title: str | None
    first: int
    end: int
    names: tuple[Place, ...]
    links: dict[int, tuple[Place, ...]]
    warnings: tuple[Diagnostic, ...]
    used: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


class Known(Protocol):
    """What is known of a film. Whatever is handed out is as the files are now."""

    def scene(self, path: str) -> KnownScene | None:
        """The scene in the file at *path*, if the file is the one that was read then."""

    def shots(self, scene: KnownScene) -> Sequence[Shot]:
        """Its shots."""


def context_of(
    root: Mapping[str, object],
    size: Size | None,
    provider: str | None,
    cards: Mapping[str, Any],
    fonts: Sequence[FileInput | None],
) -> str:
    """Everything beside its own text that decides what a scene is lowered to, as one digest.

    *fonts* are those that captions are drawn with. Empty if it cannot be said.
    """
    given = {name: value for name, value in root.items() if name not in _OWN and not name.startswith("x-")}
    told = [sorted(given), given, str(size), provider, {name: _described(card) for name, card in cards.items()}, fonts]
    try:
        return sha256(msgspec.json.encode(told, order="sorted")).hexdigest()
    except (OverflowError, TypeError):  # a whole number that JSON does not have, say; it is told by others
        return ""


def _described(card: Any) -> Any:
    return msgspec.to_builtins(card) if isinstance(card, ModelCard) else str(card)


class KnownDraft(Struct, gc=False):
    """Stands for the draft of a shot whose text has not been read."""

    file: str
    id: str
    kind: str
    skipped: bool
    place: Place

    @property
    def name_span(self) -> Span:
        """Where its id stands."""
        return Span(self.file, *self.place)

    @property
    def own(self) -> Any:
        raise NotReusable

    def written(self, name: str) -> Field | None:
        raise NotReusable

    def find(self, name: str) -> Field | None:
        raise NotReusable


class KnownSceneDraft:
    """Stands for the draft of a scene whose text has not been read."""

    def __init__(self, file: str, known: KnownScene, shots: Sequence[Shot]) -> None:
        self.file = file
        self.known = known
        self.id = known.id
        self.shots = shots
        self.drafts = [
            KnownDraft(file, shot.id, _KINDS[type(shot.source)], shot.skip, place)
            for shot, place in zip(shots, known.names, strict=True)
        ]

    @property
    def own(self) -> Any:
        raise NotReusable

    def links(self, number: int, shot: Shot) -> list[tuple["KnownField", FrameLink]]:
        """The links of its shot of that number, with their places."""
        places, source = self.known.links.get(number), shot.source
        if places is None or not isinstance(source, Generated):
            return []
        frames = [frame for frame in (source.first_frame, source.last_frame) if isinstance(frame, FrameLink)]
        return [(KnownField(self.file, place), frame) for place, frame in zip(places, frames, strict=True)]


class KnownField(Struct, frozen=True, gc=False):
    """Stands for the field of a link."""

    file: str
    place: Place

    def part(self, name: str) -> Span:
        """Where the link names its shot; nothing else of it is known."""
        if name != "shot":
            raise NotReusable
        return Span(self.file, *self.place)


AnyDraft = ShotDraft | KnownDraft
AnyField = Field | KnownField


def place_of(span: Span) -> Place:
    """A span without its file."""
    return (span.line, span.column, span.end_line, span.end_column)
