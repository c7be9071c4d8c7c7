"""Scenes of a film, read from their text or from the cache, and the cache entry of a scene that was read."""

from collections.abc import Iterator, Sequence

from storyboard.core.diagnostics import Diagnostic
from storyboard.core.file_signatures import FileKind
from storyboard.core.model import PICTURE_FIELDS, FrameLink, Generated, Shot
from storyboard.core.model_cards import ModelCard
from storyboard.document.fields import SOURCES, FieldLayer, SceneDraft, ShotDraft
from storyboard.document.file_inputs import FileInputs
from storyboard.document.links import LinkedShot
from storyboard.document.lower_shot import LoweredShot, LoweringContext
from storyboard.document.scene_cache import KnownScene, KnownSceneDraft, NotReusable, Place, place_of


class ReadScene:
    """A scene as written, with the findings, vars and files recorded while its shots were lowered."""

    def __init__(self, draft: SceneDraft) -> None:
        self.draft = draft
        self.id = draft.id
        self.own = draft.own
        self.drafts = list(_shot_drafts(draft))
        self.title: str | None = None
        self.findings: list[Diagnostic] = []
        self.used: set[str | None] = set()
        self.files: set[tuple[str, str, str]] = set()
        self.reads_fonts = False


AnyScene = ReadScene | KnownSceneDraft


def lower_known_scene(scene: KnownSceneDraft, context: LoweringContext, digest: str) -> Sequence[LoweredShot]:
    """Return the shots of a cached scene as if they had been lowered now.

    Raises ``NotReusable`` if lowering would give another result: the context differs from *digest*, a file is invalid,
    or a shot without a duration has another length now.
    """
    known = scene.known
    if known.context != digest or any(_has_changed(context.inputs, *file) for file in known.files):
        raise NotReusable
    context.findings.extend(known.warnings)
    context.expander.used.update(known.used)
    cards, timeless = context.models.cards, frozenset(known.timeless)
    found = []
    for number, (shot, draft) in enumerate(zip(scene.shots, scene.drafts, strict=True)):
        source = shot.source if isinstance(shot.source, Generated) else None
        card = cards[source.model] if source is not None else None
        if number in timeless and not _is_as_long(shot.id, source, card, context):
            raise NotReusable
        found.append(LoweredShot(shot, LinkedShot(draft, source, scene.links(number, shot)), card))
    return found


def _is_as_long(shot: str, source: Generated | None, card: ModelCard | None, context: LoweringContext) -> bool:
    """Return whether a shot without a duration has the length that it would have if it was lowered now."""
    if source is None or card is None:
        return True
    return context.length_without_duration(shot, source, card) == source.duration


def _has_changed(inputs: FileInputs, path: str, name: str, size: str) -> bool:
    """Return whether a file of a cached scene cannot be used any more, or is a picture of another *size*."""
    kind = _file_kind(name)
    return inputs.problem(path, kind) is not None or inputs.picture_size(path, kind) != size


def make_known_scene(
    scene: ReadScene, shots: Sequence[Shot], first: int, digest: str, size: int, context: str
) -> KnownScene | None:
    """Return the cache entry of a scene in a file of its own, whose shots begin with number *first* in the film.

    ``None`` if its result depends on more than its file, the context and the validity of files.
    """
    document = scene.own.document
    elsewhere = [finding for finding in scene.findings if _span_files(finding) != {document.name}]
    field = scene.own.find("id")
    links = dict(_link_places(scene, shots))
    if elsewhere or not context or scene.reads_fonts or field is None or scene.own.path or None in links.values():
        return None
    return KnownScene(
        digest=digest,
        size=size,
        context=context,
        id=scene.id,
        title=scene.title,
        first=first,
        end=first + len(shots),
        names=tuple(place_of(draft.name_span) for draft in scene.drafts),
        links={number: places for number, places in links.items() if places is not None},
        warnings=tuple(scene.findings),
        used=tuple(sorted(name for name in scene.used if name is not None)),
        files=tuple(sorted(scene.files)),
        timeless=tuple(_timeless_shots(scene, shots)),
    )


def _timeless_shots(scene: ReadScene, shots: Sequence[Shot]) -> Iterator[int]:
    for number, (draft, shot) in enumerate(zip(scene.drafts, shots, strict=True)):
        if isinstance(shot.source, Generated) and draft.find_any("duration") is None:
            yield number


def _link_places(scene: ReadScene, shots: Sequence[Shot]) -> Iterator[tuple[int, tuple[Place, ...] | None]]:
    """Yield the places of the links of each shot with links, ``None`` in place of links written in another file."""
    for number, (draft, shot) in enumerate(zip(scene.drafts, shots, strict=True)):
        if not isinstance(shot.source, Generated):
            continue
        linked = [name for name in PICTURE_FIELDS if isinstance(getattr(shot.source, name), FrameLink)]
        fields = [field for name in linked if (field := draft.find(name)) is not None]
        if any(field.document is not scene.own.document for field in fields):
            yield number, None
        elif fields:
            yield number, tuple(place_of(field.span_of("shot")) for field in fields)


def _span_files(finding: Diagnostic) -> set[str]:
    return {span.file if span is not None else "" for span in (finding.span, *(note.span for note in finding.notes))}


def _file_kind(name: str) -> FileKind:
    kinds: dict[str, FileKind] = {"picture": "picture", "clip": "clip", "font": "font", "sound": "sound"}
    return kinds[name]


def _shot_drafts(scene: SceneDraft) -> Iterator[ShotDraft]:
    shots = scene.own.data.get("shots")
    for index, value in enumerate(shots if isinstance(shots, list) else ()):
        if isinstance(value, dict):
            own = FieldLayer(scene.own.document, (*scene.own.path, "shots", index), value)
            sources = [name for name in SOURCES if name in value]
            name = value.get("id")
            yield ShotDraft(own, scene, name if isinstance(name, str) else "", sources[0] if len(sources) == 1 else "")
