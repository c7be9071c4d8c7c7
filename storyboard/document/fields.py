"""The fields of a shot with its defaults: which value counts, and where it stands.

Defaults run from the storyboard over the scene to the shot; the nearest wins. A value that is wrong hides the defaults
below it all the same: its author meant to replace them.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from storyboard.core.diagnostics import Span
from storyboard.document.yaml.source_map import Document, Path


class Field(Struct, gc=False):
    """One value as written, and where."""

    value: object
    document: Document
    path: Path

    @property
    def span(self) -> Span:
        return self.document.span(self.path)

    @property
    def key_span(self) -> Span:
        return self.document.key_span(self.path)

    def part(self, name: str) -> Span:
        """Where the value under *name* in it stands."""
        return self.document.span((*self.path, name))

    @property
    def usable(self) -> bool:
        """Whether nothing in it has been found wrong yet."""
        return self.path not in self.document.invalid_paths


class FieldLayer(Struct, gc=False):
    """One mapping of fields: a shot, or defaults."""

    document: Document
    path: Path
    data: Mapping[str, object]

    def find(self, name: str) -> Field | None:
        """The field called *name*, usable or not."""
        if name not in self.data:
            return None
        return Field(self.data[name], self.document, (*self.path, name))


def layer(document: Document, path: Path, value: object) -> FieldLayer:
    """The mapping at *path*; an empty one if there is something else."""
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

    def written(self, name: str) -> Field | None:
        """The field that counts, wrong or not."""
        for part in self.layers():
            if name in part.data:
                return part.find(name)
        return None

    def find(self, name: str) -> Field | None:
        """The field that counts, if it can be used."""
        field = self.written(name)
        return field if field is not None and field.usable else None

    def layers(self) -> Iterator[FieldLayer]:
        """Where fields are looked for, the nearest first."""
        yield self.own
        yield from self.scene.defaults

    @property
    def name_span(self) -> Span:
        """Where its id stands; its first key if it has none."""
        field = self.own.find("id")
        return self.own.document.head_span(self.own.path) if field is None else field.span

    @property
    def skipped(self) -> bool:
        return self.own.data.get("skip") is True
