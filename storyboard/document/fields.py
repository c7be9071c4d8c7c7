"""Fields of a shot with its defaults: the value that counts, and its location.

Defaults run from the storyboard over the scene to the shot; the nearest wins. An invalid value hides the defaults
below it too: its author meant to replace them.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from storyboard.core.diagnostics import Label, Span
from storyboard.document.yaml.source_map import Document, Path

# The fields of a shot that are its source; it has one of them.
SOURCES = ("prompt", "clip", "image", "card")


class Field(Struct, gc=False):
    """One value as written, and its location."""

    value: object
    document: Document
    path: Path

    @property
    def span(self) -> Span:
        return self.document.span(self.path)

    @property
    def key_span(self) -> Span:
        return self.document.key_span(self.path)

    def span_of(self, name: str) -> Span:
        """Return the span of the value under *name* in this field."""
        return self.document.span((*self.path, name))

    @property
    def usable(self) -> bool:
        """True if no finding was reported for this value."""
        return self.path not in self.document.invalid_paths


class FieldLayer(Struct, gc=False):
    """One mapping of fields: a shot, or defaults."""

    document: Document
    path: Path
    data: Mapping[str, object]

    def find(self, name: str) -> Field | None:
        """Return the field *name*, usable or not, ``None`` if it is not written."""
        if name not in self.data:
            return None
        return Field(self.data[name], self.document, (*self.path, name))


def layer(document: Document, path: Path, value: object) -> FieldLayer:
    """Return the mapping at *path* as a layer, an empty one if the value is no mapping."""
    return FieldLayer(document, path, value if isinstance(value, dict) else {})


class SceneDraft(Struct, gc=False):
    """A scene as written: its own fields and the defaults for its shots, the nearest first."""

    own: FieldLayer
    defaults: tuple[FieldLayer, ...]
    id: str


class ShotDraft(Struct, gc=False):
    """A shot as written. ``id`` is empty if it has none; ``kind`` is its source, empty if it is not clear."""

    own: FieldLayer
    scene: SceneDraft
    id: str
    kind: str

    def find_any(self, name: str) -> Field | None:
        """Return the field that counts, usable or not."""
        for part in self.layers():
            if name in part.data:
                return part.find(name)
        return None

    def find(self, name: str) -> Field | None:
        """Return the field that counts if it is usable."""
        field = self.find_any(name)
        return field if field is not None and field.usable else None

    def find_trim(self) -> Field | None:
        """Return the trim that counts: a default trims takes, and neither cards nor stills, which have durations."""
        return self.find_any("trim") if self.kind in ("prompt", "clip") else self.own.find("trim")

    def notes(self, field: Field) -> tuple[Label, ...]:
        """Return the note to a finding about *field*: this shot, if the field is a default."""
        own = self.own
        is_own = field.document is own.document and field.path[: len(own.path)] == own.path
        return () if is_own else (Label(self.name_span, "this shot uses the value"),)

    def layers(self) -> Iterator[FieldLayer]:
        """Yield the layers in which fields are looked up, the nearest first."""
        yield self.own
        yield from self.scene.defaults

    @property
    def name_span(self) -> Span:
        """The span of its id, of its first key if it has none."""
        field = self.own.find("id")
        return self.own.document.head_span(self.own.path) if field is None else field.span

    @property
    def skipped(self) -> bool:
        return self.own.data.get("skip") is True
