"""The films that are made of one storyboard: its `output`, or several `outputs` to which that gives what they lack."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Label, Span, error, warning
from storyboard.core.model import DEFAULT_CRF, DEFAULT_PRESET, FileInput, Output, Size, Storyboard
from storyboard.core.timebase import exact, frame_rate
from storyboard.document.check_lengths import check_overlaps
from storyboard.document.fields import Field, FieldLayer, layer
from storyboard.document.file_inputs import FileInputs
from storyboard.document.lower_shot import LoweredShot
from storyboard.document.names import folded, quoted
from storyboard.document.paths import BadPath, default_film, film
from storyboard.document.project_files import ProjectFiles
from storyboard.document.scene_cache import AnyDraft

_FPS = (1, 120)
_PROFILES: dict[str, dict[str, Any]] = {
    "final": {"crf": DEFAULT_CRF, "preset": DEFAULT_PRESET},
    "draft": {"crf": 28, "preset": "ultrafast"},
}
_OUTPUT = ("fit", "copy", "captions", "language", "crf", "preset", "comment", "chapters")
# Of a film in which nothing is generated.
_SIZE = Size(1280, 720)
_RATE = 24


class OutputDraft(Struct):
    """One film as written: its own fields, and those of `output`, which count where it has none."""

    name: str
    own: FieldLayer
    shared: FieldLayer

    def find(self, name: str) -> Field | None:
        """The field that counts, usable or not."""
        return self.own.find(name) or self.shared.find(name)

    @property
    def said(self) -> dict[str, Any]:
        """Every field that counts; a profile of its own comes before settings that are shared."""
        hidden = ("crf", "preset") if "profile" in self.own.data else ()
        return {**{name: value for name, value in self.shared.data.items() if name not in hidden}, **self.own.data}

    @property
    def place(self) -> Span | None:
        """Where its file is named, or it itself."""
        file = self.own.find("file")
        return file.span if file is not None else self.own.document.key_span(self.own.path)


class Outputs:
    """The outputs of one storyboard. What is wrong with them is added to *findings*, once for what they share."""

    def __init__(self, root: FieldLayer, findings: list[Diagnostic]) -> None:
        self._document = root.document
        self._findings = findings
        self._told: set[tuple[str, object]] = set()
        self._fonts: dict[tuple[str | int, ...] | None, FileInput | None] = {}
        shared, several = root.find("output"), root.find("outputs")
        self._shared = layer(root.document, ("output",), shared.value if shared is not None else None)
        named = layer(root.document, ("outputs",), several.value if several is not None else None)
        if several is not None and several.usable and not named.data:
            findings.append(error("bad-length", "`outputs` is empty", several.span))
        nothing = FieldLayer(root.document, ("output",), {})
        self.drafts = [
            OutputDraft(name, layer(root.document, ("outputs", name), value), self._shared)
            for name, value in named.data.items()
        ] or [OutputDraft("", self._shared, nothing)]

    def shared_size(self) -> Size | None:
        """The size in which takes are asked for where their model makes it: that of `output` alone."""
        return self._size(self._shared.find("size"))

    def read_fonts(self, frames: FileInputs) -> None:
        """Look at the font files; one that cannot be used is told, and one that nothing is drawn with too."""
        burning = {_place(draft) for draft in self.drafts if draft.said.get("captions") == "burn"}
        for draft in self.drafts:
            field, place = draft.find("font"), _place(draft)
            if field is None or place in self._fonts:
                continue
            self._fonts[place] = frames.file(field, "font")
            if place not in burning:
                message = "no captions are drawn into the film, so no font is needed"
                self._tell(
                    warning("unused-font", message, field.key_span, help="write `captions: burn`, or leave it out")
                )

    def caption_fonts(self) -> tuple[FileInput | None, ...]:
        """What captions are drawn with, in all films together; ``None`` is the built-in font."""
        drawn = [draft for draft in self.drafts if draft.said.get("captions") == "burn"]
        whole = [draft for draft in drawn if draft.find("font") is None or self._font(draft) is not None]
        return tuple(dict.fromkeys(self._font(draft) for draft in whole))

    def _font(self, draft: OutputDraft) -> FileInput | None:
        return self._fonts.get(_place(draft))

    def read(self, files: ProjectFiles) -> list[tuple[str, Size | None, Fraction | None]]:
        """File, size and rate of each output, as far as they are said."""
        found = [
            (self._file(draft), self._size(draft.find("size")), self._rate(draft.find("fps"))) for draft in self.drafts
        ]
        for draft, (file, _, _) in zip(self.drafts, found, strict=True):
            self._check_inside(draft, file, files.leads_outside(file))
        self._check_apart([file for file, _, _ in found])
        return found

    def whole(
        self, read: Sequence[tuple[str, Size | None, Fraction | None]], lowered: Sequence[LoweredShot]
    ) -> list[Output]:
        """The outputs; what nobody says comes from the first shot that is in the film."""
        shown = [one for one in lowered if not one.linked.draft.skipped]
        sizes = [one.linked.source.size for one in shown if one.linked.source is not None]
        rates = [one.card.fps for one in shown if one.card is not None]
        size, rate = sizes[0] if sizes else _SIZE, Fraction(rates[0] if rates else _RATE)
        return [
            Output(
                file,
                own_size or size,
                own_rate or rate,
                **_settings(draft.said),
                name=draft.name,
                font=self._font(draft),
            )
            for draft, (file, own_size, own_rate) in zip(self.drafts, read, strict=True)
        ]

    def check_overlaps(self, storyboard: Storyboard, drafts: Sequence[AnyDraft], frames: FileInputs) -> None:
        """Findings about transitions and fades in any of the films, each place once."""
        for draft, one in zip(self.drafts, storyboard.films(), strict=True):
            for finding in check_overlaps(one, drafts, draft, frames):
                self._tell(finding)

    def _tell(self, finding: Diagnostic) -> None:
        key = (finding.code, finding.span)
        if key not in self._told:
            self._told.add(key)
            self._findings.append(finding)

    def _size(self, field: Field | None) -> Size | None:
        if field is None or not field.usable:
            return None
        size = Size.parse(str(field.value))
        if size.width % 2 == 0 and size.height % 2 == 0:
            return size
        even = Size(size.width + size.width % 2, size.height + size.height % 2)
        message = "width and height of a film must be even"
        self._tell(error("odd-size", message, field.span, help=f"write `{even}`"))
        return None

    def _rate(self, field: Field | None) -> Fraction | None:
        if field is None or not field.usable or not isinstance(field.value, int | float | str):
            return None
        rate = frame_rate(field.value)
        if _FPS[0] <= rate <= _FPS[1]:
            return rate
        message = f"a film has {_FPS[0]} to {_FPS[1]} frames a second"
        self._tell(error("out-of-range", message, field.span))
        return None

    def _file(self, draft: OutputDraft) -> str:
        """Where the film goes; one of several that does not say so is named after `output.file` and itself."""
        own = self._path(draft.own.find("file"))
        if own is not None:
            return own
        whole = self._path(draft.shared.find("file")) or default_film(self._document.name)
        stem, _, suffix = whole.rpartition(".")
        return f"{stem}-{draft.name}.{suffix}" if draft.name else whole

    def _path(self, field: Field | None) -> str | None:
        if field is None or not field.usable:
            return None
        try:
            return film(str(field.value), self._document.name)
        except BadPath as problem:
            self._tell(error(problem.code, problem.message, field.span, help=problem.help))
            return None

    def _check_inside(self, draft: OutputDraft, file: str, elsewhere: str | None) -> None:
        if elsewhere is not None:
            folder = file.rpartition("/")[0]
            message = f"{quoted(folder, 80)} leads to {elsewhere}; a film is written into its project only"
            advice = "name a folder of the project that is reached through no such link"
            self._tell(error("outside-project", message, draft.place, help=advice))

    def _check_apart(self, files: Sequence[str]) -> None:
        """Each film needs a name of its own, whatever it ends in: captions and shots lie beside it by that name."""
        first: dict[str, OutputDraft] = {}
        for draft, file in zip(self.drafts, files, strict=True):
            for name in _taken(file):
                before = first.setdefault(name, draft)
                if before is not draft:
                    note = Label(before.place, f"{quoted(before.name)} is here") if before.place is not None else None
                    message = f"{quoted(draft.name)} would be written where {quoted(before.name)} is"
                    advice = "give each output a `file` of another name; the ending alone does not tell them apart"
                    notes = [note] if note is not None else []
                    self._tell(error("duplicate-output", message, draft.place, *notes, help=advice))
                    break


def _place(draft: OutputDraft) -> tuple[str | int, ...] | None:
    """Where the font of a film is written, if it is."""
    field = draft.find("font")
    return None if field is None else tuple(field.path)


def _taken(file: str) -> Iterator[str]:
    """The names that a film takes up, for itself and for one with slates in its holes."""
    stem = folded(file.rpartition(".")[0])
    yield stem
    yield f"{stem}.partial"


def _settings(said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a film beside its file, size and rate."""
    whole = {**_PROFILES[str(said.get("profile", "final"))], **said}
    plain = {name: whole[name] for name in _OUTPUT if name in whole}
    plain |= {"loudness": exact(str(whole["loudness"]))} if "loudness" in whole else {}
    return plain | {name: exact(str(whole.get(name, 0))) for name in ("fade_in", "fade_out")}
