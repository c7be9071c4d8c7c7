"""The film as a whole: its scenes and ids, and what only shows once every shot has been read."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from storyboard.core.cards import ModelCard
from storyboard.core.diagnostics import Diagnostic, Label, error, has_errors
from storyboard.core.model import DEFAULT_PROVIDER, Output, Scene, Storyboard
from storyboard.document.fields import Field, Layer, SceneDraft, ShotDraft, layer
from storyboard.document.files import ProjectFiles
from storyboard.document.fit import Cards
from storyboard.document.frames import Frames
from storyboard.document.links import check_links
from storyboard.document.lower import Lowered, Tools, lower_shot
from storyboard.document.names import folded, is_reserved, quoted
from storyboard.document.outputs import Outputs
from storyboard.document.sound import check_shots, check_times, read_tracks
from storyboard.document.source import Document, Path
from storyboard.document.vars import Texts
from storyboard.document.wording import SOURCES


class Film:
    """Lowers one storyboard whose files have been read. ``drafts`` are the shots in the order of the film.

    *complete* says that no scene is missing because its file could not be read.
    """

    def __init__(
        self,
        root: Document,
        scenes: Sequence[tuple[Document, Path]],
        findings: list[Diagnostic],
        files: ProjectFiles,
        cards: Mapping[str, ModelCard],
        provider: str | None,
        *,
        complete: bool,
    ) -> None:
        self.findings = findings
        self._root = layer(root, (), root.data)
        self._provider = provider
        self._complete = complete
        self._outputs = Outputs(self._root, findings)
        vars_ = self._root.find("vars")
        self._tools = Tools(
            findings,
            Texts(layer(root, ("vars",), vars_.value if vars_ is not None else None), findings),
            Frames(files, findings),
            Cards(cards, provider, findings),
            self._outputs.shared_size(),
            {},
        )
        self._scenes = [self._scene(document, path) for document, path in scenes]
        self.drafts = [draft for scene in self._scenes for draft in _shots(scene)]

    def lower(self) -> Storyboard | None:
        """The storyboard, or ``None`` if there is any error among the findings."""
        self._ids()
        lowered = [lower_shot(draft, self._tools) for draft in self.drafts]
        self.findings.extend(check_links([one.linked for one in lowered], complete=self._complete))
        self._any_shot()
        tracks = read_tracks(self._root, self._tools.frames, self.findings)
        self.findings.extend(check_shots(self._root, self.drafts, complete=self._complete))
        titles = [self._tools.texts.fill(field) if field else None for field in self._titles()]
        outputs = self._outputs.read()
        if has_errors(self.findings):
            return None
        self.findings.extend(self._tools.texts.unused())
        storyboard = self._storyboard(lowered, titles, self._outputs.whole(outputs, lowered))
        storyboard = replace(storyboard, audio=tracks)
        self._outputs.check_overlaps(storyboard, self.drafts)
        self.findings.extend(check_times(storyboard, self._root))
        return None if has_errors(self.findings) else storyboard

    def _storyboard(
        self, lowered: Sequence[Lowered], titles: list[str | None], outputs: Sequence[Output]
    ) -> Storyboard:
        shots = iter([one.shot for one in lowered if one.shot is not None])
        scenes = [
            Scene(scene.id, tuple(next(shots) for _ in _shots(scene)), title)
            for scene, title in zip(self._scenes, titles[1:], strict=True)
        ]
        provider, budget = self._root.data.get("provider", DEFAULT_PROVIDER), self._root.data.get("budget")
        return Storyboard(
            file=self._root.document.name,
            output=outputs[0],
            more=tuple(outputs[1:]),
            scenes=tuple(scenes),
            title=titles[0],
            provider=self._provider or str(provider),
            budget=None if budget is None else Decimal(str(budget)),
        )

    def _titles(self) -> Iterator[Field | None]:
        yield self._root.find("title")
        for scene in self._scenes:
            yield scene.own.find("title")

    def _scene(self, document: Document, path: Path) -> SceneDraft:
        node = document.node(path)
        own = layer(document, path, None if node is None else node.value)
        top = {name: self._root.data[name] for name in ("model", "provider") if name in self._root.data}
        defaults = (
            layer(document, (*path, "defaults"), own.data.get("defaults")),
            layer(self._root.document, ("defaults",), self._root.data.get("defaults")),
            Layer(self._root.document, (), top),
        )
        name = own.data.get("id")
        return SceneDraft(own, tuple(part for part in defaults if part.data), name if isinstance(name, str) else "")

    def _ids(self) -> None:
        self.findings.extend(_id_problems("scene", (scene.own for scene in self._scenes)))
        self.findings.extend(_id_problems("shot", (draft.own for draft in self.drafts)))

    def _any_shot(self) -> None:
        if self.drafts and all(draft.skipped for draft in self.drafts):
            place = self._root.document.key_span(("scenes",))
            self.findings.append(error("no-shots", "all shots are skipped, so there is no film", place))


def _shots(scene: SceneDraft) -> Iterator[ShotDraft]:
    shots = scene.own.data.get("shots")
    for index, value in enumerate(shots if isinstance(shots, list) else ()):
        if isinstance(value, dict):
            own = Layer(scene.own.document, (*scene.own.path, "shots", index), value)
            sources = [name for name in SOURCES if name in value]
            name = value.get("id")
            yield ShotDraft(own, scene, name if isinstance(name, str) else "", sources[0] if len(sources) == 1 else "")


def _id_problems(what: str, layers: Iterator[Layer]) -> Iterator[Diagnostic]:
    """Ids that are used twice, or look the same to some file systems, or that no file can have."""
    first: dict[str, Field] = {}
    for part in layers:
        field = part.find("id")
        if field is None or not isinstance(field.value, str) or not field.value:
            continue
        before = first.setdefault(folded(field.value), field)
        if before is not field:
            note = Label(before.span, f"{quoted(before.value)} stands here first")
            same = before.value == field.value
            message = f"the {what} id {quoted(field.value)} is used twice"
            advice = None if same else "they name one file on macOS and Windows"
            yield error("duplicate-id", message, field.span, note, help=advice)
        elif field.usable and is_reserved(field.value):
            message = f"no file can be called {quoted(field.value)} on Windows"
            yield error("reserved-id", message, field.span, help=f"write `{field.value}-1`, say")
