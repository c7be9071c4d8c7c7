"""The film as a whole: its scenes and ids, its output, and what only shows once every shot has been read."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from storyboard.core.cards import ModelCard
from storyboard.core.diagnostics import Diagnostic, Label, error, has_errors
from storyboard.core.model import DEFAULT_CRF, DEFAULT_PRESET, DEFAULT_PROVIDER, Output, Scene, Size, Storyboard
from storyboard.core.timebase import exact, frame_rate
from storyboard.document.fields import Field, Layer, SceneDraft, ShotDraft, layer
from storyboard.document.files import ProjectFiles
from storyboard.document.fit import Cards
from storyboard.document.frames import Frames
from storyboard.document.links import check_links
from storyboard.document.lower import Lowered, Tools, lower_shot
from storyboard.document.names import folded, is_reserved, quoted
from storyboard.document.overlaps import check_overlaps
from storyboard.document.paths import BadPath, default_film, film
from storyboard.document.sound import check_shots, check_times, read_tracks
from storyboard.document.source import Document, Path
from storyboard.document.vars import Texts
from storyboard.document.wording import SOURCES

_FPS = (1, 120)
_PROFILES: dict[str, dict[str, Any]] = {
    "final": {"crf": DEFAULT_CRF, "preset": DEFAULT_PRESET},
    "draft": {"crf": 28, "preset": "ultrafast"},
}
_OUTPUT = ("fit", "copy", "captions", "crf", "preset", "comment", "chapters")
# Of a film in which nothing is generated.
_SIZE = Size(1280, 720)
_RATE = 24


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
        output = self._root.find("output")
        self._output = layer(root, ("output",), output.value if output is not None else None)
        vars_ = self._root.find("vars")
        self._tools = Tools(
            findings,
            Texts(layer(root, ("vars",), vars_.value if vars_ is not None else None), findings),
            Frames(files, findings),
            Cards(cards, provider, findings),
            self._film_size(),
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
        tracks = read_tracks(self._root, self._tools.frames)
        self.findings.extend(check_shots(self._root, self.drafts, complete=self._complete))
        titles = [self._tools.texts.fill(field) if field else None for field in self._titles()]
        file = self._film_file()
        rate = self._rate()
        if has_errors(self.findings):
            return None
        self.findings.extend(self._tools.texts.unused())
        output = self._whole_output(file, rate, lowered)
        storyboard = replace(self._storyboard(lowered, titles, output), audio=tracks)
        self.findings.extend(check_overlaps(storyboard, self.drafts, self._output))
        self.findings.extend(check_times(storyboard, self._root))
        return None if has_errors(self.findings) else storyboard

    def _storyboard(self, lowered: Sequence[Lowered], titles: list[str | None], output: Output) -> Storyboard:
        shots = iter([one.shot for one in lowered if one.shot is not None])
        scenes = [
            Scene(scene.id, tuple(next(shots) for _ in _shots(scene)), title)
            for scene, title in zip(self._scenes, titles[1:], strict=True)
        ]
        provider, budget = self._root.data.get("provider", DEFAULT_PROVIDER), self._root.data.get("budget")
        return Storyboard(
            file=self._root.document.name,
            output=output,
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

    def _film_size(self) -> Size | None:
        field = self._output.find("size")
        if field is None or not field.usable:
            return None
        size = Size.parse(str(field.value))
        if size.width % 2 == 0 and size.height % 2 == 0:
            return size
        even = Size(size.width + size.width % 2, size.height + size.height % 2)
        message = "width and height of a film must be even"
        self.findings.append(error("odd-size", message, field.span, help=f"write `{even}`"))
        return None

    def _rate(self) -> Fraction | None:
        field = self._output.find("fps")
        if field is None or not field.usable or not isinstance(field.value, int | float | str):
            return None
        rate = frame_rate(field.value)
        if _FPS[0] <= rate <= _FPS[1]:
            return rate
        message = f"a film has {_FPS[0]} to {_FPS[1]} frames a second"
        self.findings.append(error("out-of-range", message, field.span))
        return None

    def _film_file(self) -> str:
        field, name = self._output.find("file"), self._root.document.name
        if field is None or not field.usable:
            return default_film(name)
        try:
            return film(str(field.value), name)
        except BadPath as problem:
            self.findings.append(error(problem.code, problem.message, field.span, help=problem.help))
            return default_film(name)

    def _whole_output(self, file: str, rate: Fraction | None, lowered: Sequence[Lowered]) -> Output:
        """The output with its defaults from the first shot that is in the film."""
        shown = [one.linked for one in lowered if not one.linked.draft.skipped]
        sizes = [one.source.size for one in shown if one.source is not None]
        rates = [one.card.fps for one in lowered if one.card is not None and not one.linked.draft.skipped]
        size = self._tools.film_size or (sizes[0] if sizes else _SIZE)
        said = {**_PROFILES[str(self._output.data.get("profile", "final"))], **self._output.data}
        plain = {name: said[name] for name in _OUTPUT if name in said}
        fades: dict[str, Any] = {name: exact(str(said.get(name, 0))) for name in ("fade_in", "fade_out")}
        fades |= {"loudness": exact(str(said["loudness"]))} if "loudness" in said else {}
        return Output(file, size, rate or Fraction(rates[0] if rates else _RATE), **plain, **fades)


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
