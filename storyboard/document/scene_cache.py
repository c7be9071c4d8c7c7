"""Cache entries of scenes in files of their own: their shots and the spans that checks of the whole film need.

An entry holds for the bytes of its file and for what the storyboard passes on to the scene (``context``). An access to
anything else raises ``NotReusable``, and the film is loaded again without cached scenes.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Label, Span
from storyboard.core.model import Clip, FileInput, FrameLink, Generated, Shot, Size, Still, TitleCard
from storyboard.core.model_cards import ModelCard
from storyboard.document.fields import Field, ShotDraft

_KINDS = {Generated: "prompt", Clip: "clip", Still: "image", TitleCard: "card"}
# Fields that do not affect scenes. The size in `output` does, and enters the digest by itself.
_OWN = frozenset(("scenes", "title", "notes", "audio", "budget", "output", "outputs"))
Place = tuple[int, int, int, int]


class NotReusable(Exception):
    """Raised if the cache entry is not sufficient: the text has to be read."""


class KnownScene(Struct, frozen=True):
    """The entry of one file: the sha256 and size of its bytes, the context, and its scene.

    The shots are *first* to *end* of all shots of the film. *names* and *links* are spans: of every shot's id, and of
    the shots that its links name, by the shot's number in the scene. *files* are the files that were checked, with the
    kind they have to be of and the size of a picture; *used* the vars that were expanded; *timeless* the numbers of the
    shots without a duration.
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
    files: tuple[tuple[str, str, str], ...]
    timeless: tuple[int, ...] = ()


class KnownScenes(Protocol):
    """The cached scenes of a film. Entries are returned only if they hold for the files as they are now."""

    def scene(self, path: str) -> KnownScene | None:
        """Return the entry for the file at *path* if the file is unchanged."""

    def shots(self, scene: KnownScene) -> Sequence[Shot]:
        """Return the shots of *scene*."""


def context_digest(
    root: Mapping[str, object],
    size: Size | None,
    provider: str | None,
    cards: Mapping[str, Any],
    fonts: Sequence[Sequence[FileInput | None]],
) -> str:
    """Return the digest of everything but its own text that determines the result of lowering a scene.

    *fonts* are those of captions and of slates. Empty if the values have no JSON form.
    """
    given = {name: value for name, value in root.items() if name not in _OWN and not name.startswith("x-")}
    told = [sorted(given), given, str(size), provider, {name: _card_data(card) for name, card in cards.items()}, fonts]
    try:
        return sha256(msgspec.json.encode(told, order="sorted")).hexdigest()
    except (OverflowError, TypeError):  # such as an integer beyond 64 bits, which the schema reports
        return ""


def _card_data(card: Any) -> Any:
    return msgspec.to_builtins(card) if isinstance(card, ModelCard) else str(card)


class KnownDraft(Struct, gc=False):
    """Stand-in for the draft of a shot whose text has not been read."""

    file: str
    id: str
    kind: str
    skipped: bool
    place: Place

    @property
    def name_span(self) -> Span:
        """The span of its id."""
        return Span(self.file, *self.place)

    @property
    def own(self) -> Any:
        raise NotReusable

    def find_any(self, name: str) -> Field | None:
        raise NotReusable

    def find(self, name: str) -> Field | None:
        raise NotReusable

    def find_trim(self) -> Field | None:
        raise NotReusable

    def notes(self, field: Field) -> tuple[Label, ...]:
        raise NotReusable


class KnownSceneDraft:
    """Stand-in for the draft of a scene whose text has not been read."""

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
        """Return the links of the shot with that number in the scene, with their spans."""
        places, source = self.known.links.get(number), shot.source
        if places is None or not isinstance(source, Generated):
            return []
        frames = [frame for frame in (source.first_frame, source.last_frame) if isinstance(frame, FrameLink)]
        return [(KnownField(self.file, place), frame) for place, frame in zip(places, frames, strict=True)]


class KnownField(Struct, frozen=True, gc=False):
    """Stand-in for the field of a link."""

    file: str
    place: Place

    def span_of(self, name: str) -> Span:
        """Return the span of the shot's name. Raises ``NotReusable`` for other names: only this span is cached."""
        if name != "shot":
            raise NotReusable
        return Span(self.file, *self.place)


AnyDraft = ShotDraft | KnownDraft
AnyField = Field | KnownField


def place_of(span: Span) -> Place:
    """Return *span* without its file."""
    return (span.line, span.column, span.end_line, span.end_column)
