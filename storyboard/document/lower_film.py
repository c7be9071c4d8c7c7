"""The film as a whole: its scenes and ids, and what only shows once every shot has been read."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property
from itertools import islice

from msgspec.structs import replace

from storyboard.core.diagnostics import Diagnostic, Label, error, has_errors
from storyboard.core.model import DEFAULT_PROVIDER, Output, Scene, Storyboard
from storyboard.core.model_cards import ModelCard
from storyboard.document.check_lengths import check_footage
from storyboard.document.fields import Field, FieldLayer, SceneDraft, layer
from storyboard.document.file_inputs import FileInputs
from storyboard.document.links import check_links
from storyboard.document.lower_audio import check_shots, check_times, read_tracks
from storyboard.document.lower_outputs import Outputs
from storyboard.document.lower_shot import LoweredShot, LoweringContext, lower_shot
from storyboard.document.lower_text import VarExpander
from storyboard.document.model_limits import ModelChecks
from storyboard.document.names import folded, is_reserved, quoted
from storyboard.document.project_files import ProjectFiles
from storyboard.document.scene_cache import AnyDraft, KnownSceneDraft, context_of
from storyboard.document.scene_records import AnyScene, ReadScene, known_shots
from storyboard.document.yaml.source_map import Document, Path


class FilmLowering:
    """Lowers one storyboard whose files have been read. ``drafts`` are the shots in the order of the film.

    *complete* says that no scene is missing because its file could not be read.
    """

    def __init__(
        self,
        root: Document,
        scenes: Sequence[tuple[Document, Path] | KnownSceneDraft],
        findings: list[Diagnostic],
        files: ProjectFiles,
        cards: Mapping[str, ModelCard],
        provider: str | None,
        *,
        complete: bool,
    ) -> None:
        self.findings = findings
        self._files = files
        self._root = layer(root, (), root.data)
        self._provider = provider
        self._complete = complete
        self._outputs = Outputs(self._root, findings)
        vars_ = self._root.find("vars")
        self._tools = LoweringContext(
            findings,
            VarExpander(layer(root, ("vars",), vars_.value if vars_ is not None else None), findings),
            FileInputs(files, findings),
            ModelChecks(cards, provider, findings),
            self._outputs.shared_size(),
            {},
        )
        self.scenes = [
            scene if isinstance(scene, KnownSceneDraft) else ReadScene(self._scene(*scene)) for scene in scenes
        ]
        self.drafts: list[AnyDraft] = [draft for scene in self.scenes for draft in scene.drafts]

    @cached_property
    def context(self) -> str:
        """What the storyboard gives to its scenes."""
        tools = self._tools
        return context_of(self._root.data, tools.film_size, self._provider, tools.cards.known, tools.caption_fonts)

    def lower(self) -> Storyboard | None:
        """The storyboard, or ``None`` if there is any error among the findings."""
        self._ids()
        self._outputs.read_fonts(self._tools.frames)
        self._tools.caption_fonts = self._outputs.caption_fonts()
        lowered = [one for scene in self.scenes for one in self._lowered(scene)]
        self.findings.extend(check_links([one.linked for one in lowered], complete=self._complete))
        self._any_shot()
        tracks = read_tracks(self._root, self._tools.frames, self.findings)
        self.findings.extend(check_shots(self._root, self.drafts, complete=self._complete))
        title = self._title(self._root)
        titles = [self._scene_title(scene) for scene in self.scenes]
        outputs = self._outputs.read(self._files)
        if has_errors(self.findings):
            return None
        self.findings.extend(self._tools.texts.unused())
        storyboard = self._storyboard(lowered, title, titles, self._outputs.whole(outputs, lowered))
        storyboard = replace(storyboard, audio=tracks)
        self.findings.extend(check_footage(storyboard, self.drafts, self._tools.frames))
        self._outputs.check_overlaps(storyboard, self.drafts, self._tools.frames)
        self.findings.extend(check_times(storyboard, self._root))
        return None if has_errors(self.findings) else storyboard

    def _storyboard(
        self, lowered: Sequence[LoweredShot], title: str | None, titles: list[str | None], outputs: Sequence[Output]
    ) -> Storyboard:
        shots = iter([one.shot for one in lowered if one.shot is not None])
        scenes = [
            Scene(scene.id, tuple(islice(shots, len(scene.drafts))), name)
            for scene, name in zip(self.scenes, titles, strict=True)
        ]
        provider, budget = self._root.data.get("provider", DEFAULT_PROVIDER), self._root.data.get("budget")
        return Storyboard(
            file=self._root.document.name,
            output=outputs[0],
            more=tuple(outputs[1:]),
            scenes=tuple(scenes),
            title=title,
            provider=self._provider or str(provider),
            budget=None if budget is None else Decimal(str(budget)),
        )

    def _title(self, part: FieldLayer) -> str | None:
        field = part.find("title")
        return self._tools.texts.fill(field) if field is not None else None

    def _scene_title(self, scene: AnyScene) -> str | None:
        if isinstance(scene, KnownSceneDraft):
            return scene.known.title
        with self._noted(scene):
            scene.title = self._title(scene.draft.own)
        return scene.title

    def _lowered(self, scene: AnyScene) -> Sequence[LoweredShot]:
        if isinstance(scene, KnownSceneDraft):
            return known_shots(scene, self._tools, self.context)
        with self._noted(scene):
            return [lower_shot(draft, self._tools) for draft in scene.drafts]

    @contextmanager
    def _noted(self, scene: ReadScene) -> Iterator[None]:
        """What reading a scene looks at and says, for whoever wants to know it later."""
        texts, frames, before = self._tools.texts, self._tools.frames, len(self.findings)
        used, looked_at, fonts = texts.used, frames.looked_at, frames.fonts_read
        texts.used, frames.looked_at = set(), set()
        yield
        scene.findings += self.findings[before:]
        scene.used |= texts.used
        scene.files |= frames.looked_at
        scene.reads_fonts |= frames.fonts_read > fonts
        texts.used |= used
        frames.looked_at |= looked_at

    def _scene(self, document: Document, path: Path) -> SceneDraft:
        node = document.node(path)
        own = layer(document, path, None if node is None else node.value)
        top = {name: self._root.data[name] for name in ("model", "provider") if name in self._root.data}
        defaults = (
            layer(document, (*path, "defaults"), own.data.get("defaults")),
            layer(self._root.document, ("defaults",), self._root.data.get("defaults")),
            FieldLayer(self._root.document, (), top),
        )
        name = own.data.get("id")
        return SceneDraft(own, tuple(part for part in defaults if part.data), name if isinstance(name, str) else "")

    def _ids(self) -> None:
        """Ids that cannot be told apart, or cannot be names of files; most films have none."""
        if not _all_apart([scene.id for scene in self.scenes]):
            self.findings.extend(_id_problems("scene", (scene.own for scene in self.scenes)))
        if not _all_apart([draft.id for draft in self.drafts]):
            self.findings.extend(_id_problems("shot", (draft.own for draft in self.drafts)))

    def _any_shot(self) -> None:
        if self.drafts and all(draft.skipped for draft in self.drafts):
            place = self._root.document.key_span(("scenes",))
            self.findings.append(error("no-shots", "all shots are skipped, so there is no film", place))


def _all_apart(ids: list[str]) -> bool:
    names = {folded(name) for name in ids}
    return len(names) == len(ids) and not any(map(is_reserved, ids))


def _id_problems(what: str, layers: Iterator[FieldLayer]) -> Iterator[Diagnostic]:
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
