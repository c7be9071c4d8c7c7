"""Lower a whole film: its scenes and ids, and the checks that need every shot."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property
from itertools import islice

from msgspec.structs import replace

from storyboard.core.diagnostics import Diagnostic, Label, error, has_errors, warning
from storyboard.core.model import DEFAULT_PROVIDER, PANELS, Output, Scene, Storyboard, lockfile_path
from storyboard.core.model_cards import ModelCard
from storyboard.core.results import dollars
from storyboard.core.suggest import quoted
from storyboard.document.check_lengths import check_trims
from storyboard.document.fields import Field, FieldLayer, SceneDraft, layer
from storyboard.document.file_inputs import FileInputs
from storyboard.document.links import check_links
from storyboard.document.lower_audio import check_track_shots, check_track_times, read_tracks
from storyboard.document.lower_outputs import INPUT, OutputLowering, UsedFile
from storyboard.document.lower_shot import LoweredShot, LoweringContext, TakeLength, lower_shot
from storyboard.document.lower_text import VarExpander
from storyboard.document.model_limits import InstalledProviders, ModelChecks
from storyboard.document.paths import folded, is_reserved
from storyboard.document.project_files import ProjectFiles
from storyboard.document.scene_cache import AnyDraft, KnownSceneDraft, context_digest
from storyboard.document.scene_records import AnyScene, ReadScene, lower_known_scene
from storyboard.document.yaml.source_map import Document, Path


class FilmLowering:
    """Lowering of one storyboard whose files have been read. ``drafts`` are the shots in the order of the film.

    *complete* is false if a scene is missing because its file could not be read.
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
        installed: InstalledProviders,
        take_length: TakeLength | None = None,
    ) -> None:
        self.findings = findings
        self._files = files
        self._root = layer(root, (), root.data)
        self._provider = provider
        self._complete = complete
        self._outputs = OutputLowering(self._root, findings)
        vars_ = self._root.find("vars")
        self._context = LoweringContext(
            findings,
            VarExpander(layer(root, ("vars",), vars_.value if vars_ is not None else None), findings),
            FileInputs(files, findings),
            ModelChecks(cards, provider, findings, installed),
            self._outputs.shared_size(),
            {},
            take_length=take_length,
        )
        self.scenes = [
            scene if isinstance(scene, KnownSceneDraft) else ReadScene(self._draft_scene(*scene)) for scene in scenes
        ]
        self.drafts: list[AnyDraft] = [draft for scene in self.scenes for draft in scene.drafts]
        self._context.inputs.shots = frozenset(one.id for one in self.drafts if one.kind in ("prompt", "clip"))

    @cached_property
    def context_digest(self) -> str:
        """The digest of everything that the storyboard passes on to its scenes."""
        given = self._context
        fonts = [given.caption_fonts, given.slate_fonts]
        return context_digest(self._root.data, given.film_size, self._provider, given.models.cards, fonts)

    def lower(self) -> Storyboard | None:
        """Return the storyboard, ``None`` if a finding is an error."""
        self._check_ids()
        self._outputs.read_fonts(self._context.inputs)
        self._context.caption_fonts = self._outputs.caption_fonts()
        self._context.slate_fonts = self._outputs.slate_fonts()
        lowered = [one for scene in self.scenes for one in self._lower_scene(scene)]
        self.findings.extend(check_links([one.linked for one in lowered], complete=self._complete))
        self.findings.extend(_paid_starts(lowered))
        self.findings.extend(self._context.inputs.unwritten_warning())
        self._outputs.check_font_use(self._context.inputs)
        self._check_any_shot()
        tracks = read_tracks(self._root, self._context.inputs, self.findings)
        self.findings.extend(check_track_shots(self._root, self.drafts, complete=self._complete))
        title = self._read_title(self._root)
        titles = [self._read_scene_title(scene) for scene in self.scenes]
        outputs = self._outputs.read_settings(self._files)
        shots = [draft.id for draft in self.drafts]
        films = [file for file, _, _ in outputs]
        self._outputs.check_written(films, self._used_files(), shots, self._files)
        self._outputs.check_shared(films, self._scene_files(), self._files)
        if has_errors(self.findings):
            return None
        self.findings.extend(self._context.expander.unused_warnings())
        storyboard = self._storyboard(lowered, title, titles, self._outputs.complete(outputs, lowered))
        storyboard = replace(storyboard, audio=tracks)
        self.findings.extend(check_trims(storyboard, self.drafts, self._context.inputs))
        self._outputs.check_overlaps(storyboard, self.drafts, self._context.inputs)
        self.findings.extend(check_track_times(storyboard, self._root))
        return None if has_errors(self.findings) else storyboard

    def _used_files(self) -> list[UsedFile]:
        """Return the files that the storyboard consists of and is made from."""
        name = self._root.document.name
        return [
            UsedFile(name, "the storyboard"),
            UsedFile(lockfile_path(name), "the lockfile"),
            *(UsedFile(scene, "the file of a scene") for scene in sorted(self._scene_files() - {name})),
            *(UsedFile(path, INPUT, place) for path, place in self._context.inputs.places.items()),
        ]

    def _scene_files(self) -> set[str]:
        return {scene.file if isinstance(scene, KnownSceneDraft) else scene.own.document.name for scene in self.scenes}

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
            provider=DEFAULT_PROVIDER if self._provider == PANELS else self._provider or str(provider),
            budget=None if budget is None else Decimal(str(budget)),
            kept_lengths=self._context.kept_lengths,
        )

    def _read_title(self, part: FieldLayer) -> str | None:
        field = part.find("title")
        return self._context.expander.fill(field) if field is not None else None

    def _read_scene_title(self, scene: AnyScene) -> str | None:
        if isinstance(scene, KnownSceneDraft):
            return scene.known.title
        with self._record_reads(scene):
            scene.title = self._read_title(scene.draft.own)
        return scene.title

    def _lower_scene(self, scene: AnyScene) -> Sequence[LoweredShot]:
        if isinstance(scene, KnownSceneDraft):
            return lower_known_scene(scene, self._context, self.context_digest)
        with self._record_reads(scene):
            return [lower_shot(draft, self._context) for draft in scene.drafts]

    @contextmanager
    def _record_reads(self, scene: ReadScene) -> Iterator[None]:
        """Record the vars, files and findings of a scene read inside the block, for its cache entry."""
        expander, inputs, before = self._context.expander, self._context.inputs, len(self.findings)
        used, checked, fonts = expander.used, inputs.checked_files, inputs.font_reads
        expander.used, inputs.checked_files = set(), set()
        yield
        scene.findings += self.findings[before:]
        scene.used |= expander.used
        scene.files |= inputs.checked_files
        scene.reads_fonts |= inputs.font_reads > fonts
        expander.used |= used
        inputs.checked_files |= checked

    def _draft_scene(self, document: Document, path: Path) -> SceneDraft:
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

    def _check_ids(self) -> None:
        """Report ids that collide or cannot be file names."""
        if not _are_distinct([scene.id for scene in self.scenes]):
            self.findings.extend(_id_problems("scene", (scene.own for scene in self.scenes)))
        if not _are_distinct([draft.id for draft in self.drafts]):
            self.findings.extend(_id_problems("shot", (draft.own for draft in self.drafts)))

    def _check_any_shot(self) -> None:
        if self.drafts and all(draft.skipped for draft in self.drafts):
            place = self._root.document.key_span(("scenes",))
            message = "all shots are skipped, so the film is empty"
            self.findings.append(error("no-shots", message, place, help="delete `skip` from a shot"))


def _paid_starts(lowered: Sequence[LoweredShot]) -> Iterator[Diagnostic]:
    """Yield a warning for every paid shot that starts from, or ends with, a frame of an animatic."""
    drawn = {
        one.linked.draft.id: one.linked.draft
        for one in lowered
        if one.linked.source is not None and one.linked.source.provider == DEFAULT_PROVIDER
    }
    for one in lowered:
        source, card = one.linked.source, one.card
        if source is None or card is None or source.provider == DEFAULT_PROVIDER:
            continue
        for field, link in one.linked.links:
            if link.shot in drawn:
                shot, price = quoted(one.linked.draft.id), dollars(card.price(source))
                message = f"{shot} is bought for {price} and uses a frame of an animatic"
                note = Label(drawn[link.shot].name_span, f"`{DEFAULT_PROVIDER}` draws {quoted(link.shot)}")
                advice = f"write `provider: {source.provider}` for {quoted(link.shot)} too, or name a picture"
                yield warning("animatic-frame", message, field.span_of("shot"), note, help=advice)


def _are_distinct(ids: list[str]) -> bool:
    names = {folded(name) for name in ids}
    return len(names) == len(ids) and not any(map(is_reserved, ids))


def _id_problems(what: str, layers: Iterator[FieldLayer]) -> Iterator[Diagnostic]:
    """Yield findings about ids that occur twice, that some file systems take for one, or that no file can have."""
    first: dict[str, Field] = {}
    for part in layers:
        field = part.find("id")
        if field is None or not isinstance(field.value, str) or not field.value:
            continue
        before = first.setdefault(folded(field.value), field)
        if before is not field:
            note = Label(before.span, f"{quoted(before.value)} is first used here")
            message = f"the {what} id {quoted(field.value)} is used twice"
            if before.value != field.value:
                both = f"{quoted(before.value)} and {quoted(field.value)}"
                message = f"the {what} ids {both} name one file on macOS and Windows"
            yield error("duplicate-id", message, field.span, note, help="rename one of the two")
        elif field.usable and is_reserved(field.value):
            message = f"{quoted(field.value)} is a file name that Windows reserves"
            yield error("reserved-id", message, field.span, help=f"write another id, such as `{field.value}-1`")
