"""Lower the films of a storyboard: its `output`, or several `outputs` that share the fields of `output`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Label, Span, error, warning
from storyboard.core.model import (
    DEFAULT_CRF,
    DEFAULT_PRESET,
    DEFAULT_PROVIDER,
    FileInput,
    Output,
    OutputFiles,
    Size,
    Storyboard,
)
from storyboard.core.render_spec import fits_slate
from storyboard.core.suggest import quoted
from storyboard.core.timebase import exact, frame_rate
from storyboard.document.check_lengths import check_overlaps
from storyboard.document.fields import Field, FieldLayer, layer
from storyboard.document.file_inputs import FileInputs
from storyboard.document.lower_shot import LoweredShot
from storyboard.document.paths import BadPath, default_film_path, film_path, folded
from storyboard.document.project_files import OtherStoryboard, ProjectFiles
from storyboard.document.scene_cache import AnyDraft, NotReusable
from storyboard.document.yaml.parse import parse
from storyboard.operating_system import why_not_on_windows

_FPS_RANGE = (1, 120)
_PROFILES: dict[str, dict[str, Any]] = {
    "final": {"crf": DEFAULT_CRF, "preset": DEFAULT_PRESET},
    "draft": {"crf": 28, "preset": "ultrafast"},
}
_PLAIN_FIELDS = ("fit", "copy", "captions", "language", "crf", "preset", "comment", "chapters", "slate")
# For a film without generated shots.
_DEFAULT_SIZE = Size(1280, 720)
_DEFAULT_RATE = 24


INPUT = "an input"


class UsedFile(Struct, frozen=True):
    """A file of the project that no build may replace: its path, a noun, and the place that names it."""

    path: str
    name: str
    place: Span | None = None


class OutputDraft(Struct):
    """One film as written: its own fields, and the fields of `output` for all that it lacks."""

    name: str
    own: FieldLayer
    shared: FieldLayer

    def find(self, name: str) -> Field | None:
        """Return the field that counts, usable or not."""
        return self.own.find(name) or self.shared.find(name)

    @property
    def fields(self) -> dict[str, Any]:
        """All fields that count. A profile of its own wins over shared settings."""
        hidden = ("crf", "preset") if "profile" in self.own.data else ()
        return {**{name: value for name, value in self.shared.data.items() if name not in hidden}, **self.own.data}

    @property
    def file_span(self) -> Span | None:
        """The span of its file name, of the output itself if it names none."""
        file = self.own.find("file")
        return file.span if file is not None else self.own.document.key_span(self.own.path)


class OutputLowering:
    """Lowering of the outputs of one storyboard. Problems are added to *findings*, once per place."""

    def __init__(self, root: FieldLayer, findings: list[Diagnostic]) -> None:
        self._document = root.document
        self._findings = findings
        self._reported: set[tuple[str, object]] = set()
        self._fonts: dict[tuple[str | int, ...] | None, FileInput | None] = {}
        shared, several = root.find("output"), root.find("outputs")
        self._shared = layer(root.document, ("output",), shared.value if shared is not None else None)
        named = layer(root.document, ("outputs",), several.value if several is not None else None)
        if several is not None and several.usable and not named.data:
            findings.append(
                error("bad-length", "`outputs` is empty", several.span, help="add an output, or delete `outputs`")
            )
        nothing = FieldLayer(root.document, ("output",), {})
        self.drafts = [
            OutputDraft(name, layer(root.document, ("outputs", name), value), self._shared)
            for name, value in named.data.items()
        ] or [OutputDraft("", self._shared, nothing)]

    def shared_size(self) -> Size | None:
        """Return the size of `output`, in which takes are requested if their model supports it."""
        return self._read_size(self._shared.find("size"))

    def read_fonts(self, inputs: FileInputs) -> None:
        """Check the font files and report those that cannot be used."""
        for draft in self.drafts:
            field, place = draft.find("font"), _font_path(draft)
            if field is not None and place not in self._fonts:
                self._fonts[place] = inputs.read_file(field, "font")

    def check_font_use(self, inputs: FileInputs) -> None:
        """Report the fonts that no caption is drawn with, and no slate."""
        drawing = [draft for draft in self.drafts if draft.fields.get("captions") == "burn"]
        drawing += self._slated() if inputs.slates_lack_letters else []
        used = {_font_path(draft) for draft in drawing}
        for draft in self.drafts:
            field = draft.find("font")
            if field is not None and _font_path(draft) not in used:
                message = "`font` has no effect: captions are not drawn into the film"
                self._report(
                    warning("unused-font", message, field.key_span, help="write `captions: burn`, or delete `font`")
                )

    def caption_fonts(self) -> tuple[FileInput | None, ...]:
        """Return the fonts that captions are drawn with, in all films together; ``None`` is the built-in font."""
        return self._usable_fonts([draft for draft in self.drafts if draft.fields.get("captions") == "burn"])

    def slate_fonts(self) -> tuple[FileInput | None, ...]:
        """Return the fonts that help out the built-in one on slates; empty if no film has slates."""
        return self._usable_fonts(self._slated())

    def _slated(self) -> list[OutputDraft]:
        """Return the films that have slates over their animatics, and room for them."""
        sizes = [self._read_size(draft.find("size")) for draft in self.drafts]
        return [
            draft
            for draft, size in zip(self.drafts, sizes, strict=True)
            if draft.fields.get("slate") is not False and (size is None or fits_slate(size))
        ]

    def _usable_fonts(self, drafts: Sequence[OutputDraft]) -> tuple[FileInput | None, ...]:
        whole = [draft for draft in drafts if draft.find("font") is None or self._font(draft) is not None]
        return tuple(dict.fromkeys(self._font(draft) for draft in whole))

    def _font(self, draft: OutputDraft) -> FileInput | None:
        return self._fonts.get(_font_path(draft))

    def read_settings(self, files: ProjectFiles) -> list[tuple[str, Size | None, Fraction | None]]:
        """Return file, size and rate of each output, ``None`` where they are not written."""
        found = [
            (self._choose_file(draft), self._read_size(draft.find("size")), self._read_rate(draft.find("fps")))
            for draft in self.drafts
        ]
        for draft, (file, _, _) in zip(self.drafts, found, strict=True):
            self._check_inside(draft, file, files.outside_folder(file))
        self._check_distinct([file for file, _, _ in found], files)
        return found

    def complete(
        self, read: Sequence[tuple[str, Size | None, Fraction | None]], lowered: Sequence[LoweredShot]
    ) -> list[Output]:
        """Return the outputs, with sizes and rates that are not written taken from the first shot of the film."""
        shown = [one for one in lowered if not one.linked.draft.skipped]
        sources = [one.linked.source for one in shown if one.linked.source is not None]
        sizes = [source.size for source in sources]
        is_draft = any(source.provider == DEFAULT_PROVIDER for source in sources)
        rates = [one.card.fps for one in shown if one.card is not None]
        size, rate = sizes[0] if sizes else _DEFAULT_SIZE, Fraction(rates[0] if rates else _DEFAULT_RATE)
        return [
            Output(
                file,
                own_size or size,
                own_rate or rate,
                **_output_settings(draft.fields),
                name=draft.name,
                font=self._font(draft),
                is_draft=is_draft,
            )
            for draft, (file, own_size, own_rate) in zip(self.drafts, read, strict=True)
        ]

    def check_overlaps(self, storyboard: Storyboard, drafts: Sequence[AnyDraft], inputs: FileInputs) -> None:
        """Report transitions and fades that are too long in any of the films."""
        for draft, one in zip(self.drafts, storyboard.films(), strict=True):
            for finding in check_overlaps(one, drafts, draft, inputs):
                self._report(finding)

    def _report(self, finding: Diagnostic) -> None:
        key = (finding.code, finding.span)
        if key not in self._reported:
            self._reported.add(key)
            self._findings.append(finding)

    def _read_size(self, field: Field | None) -> Size | None:
        if field is None or not field.usable:
            return None
        size = Size.parse(str(field.value))
        if size.width % 2 == 0 and size.height % 2 == 0:
            return size
        even = Size(size.width + size.width % 2, size.height + size.height % 2)
        message = f"width and height of the film must be even, not `{size}`"
        self._report(error("odd-size", message, field.span, help=f"write `{even}`"))
        return None

    def _read_rate(self, field: Field | None) -> Fraction | None:
        if field is None or not field.usable or not isinstance(field.value, int | float | str):
            return None
        rate = frame_rate(field.value)
        if _FPS_RANGE[0] <= rate <= _FPS_RANGE[1]:
            return rate
        message = f"`fps` must be from {_FPS_RANGE[0]} to {_FPS_RANGE[1]}, not {quoted(field.value)}"
        self._report(error("out-of-range", message, field.span))
        return None

    def _choose_file(self, draft: OutputDraft) -> str:
        """Return the path of the film; one of several without a path is named after `output.file` and its own name."""
        own = self._read_path(draft.own.find("file"))
        if own is not None:
            return own
        whole = self._read_path(draft.shared.find("file")) or default_film_path(self._document.name)
        stem, _, suffix = whole.rpartition(".")
        return f"{stem}-{draft.name}.{suffix}" if draft.name else whole

    def _read_path(self, field: Field | None) -> str | None:
        if field is None or not field.usable:
            return None
        try:
            path = film_path(str(field.value), self._document.name)
        except BadPath as problem:
            self._report(error(problem.code, problem.message, field.span, help=problem.help))
            return None
        for part in path.split("/"):
            reason = why_not_on_windows(part)
            if reason is not None:
                message = f"Windows cannot write a file or folder called {quoted(part, 80)}: {reason}"
                advice = "write another name, if the film is to be built on Windows too"
                self._report(warning("unportable-name", message, field.span, help=advice))
        return path

    def _check_inside(self, draft: OutputDraft, file: str, elsewhere: str | None) -> None:
        if elsewhere is not None:
            folder = file.rpartition("/")[0]
            message = f"the film would be written to {elsewhere}: a link at {quoted(folder, 80)} leads there"
            advice = "write `file` into a folder of the project that is not such a link"
            self._report(error("outside-project", message, draft.file_span, help=advice))

    def _check_distinct(self, files: Sequence[str], project: ProjectFiles) -> None:
        """Report outputs whose names differ only in the ending.

        Captions and shots are written beside a film by its stem, so each film needs a stem of its own.
        """
        first: dict[str, OutputDraft] = {}
        for draft, file in zip(self.drafts, files, strict=True):
            stems = OutputFiles(file).stems
            for name in sorted(frozenset().union(*map(project.identities, stems))):
                before = first.setdefault(name, draft)
                if before is not draft:
                    message = f"the file of {quoted(draft.name)} collides with the file of {quoted(before.name)}"
                    advice = "write a `file` whose name differs before the suffix"
                    notes = _notes(before.file_span, f"{quoted(before.name)} is defined here")
                    self._report(error("duplicate-output", message, draft.file_span, *notes, help=advice))
                    break

    def check_written(
        self, paths: Sequence[str], read: Sequence[UsedFile], shots: Collection[str], project: ProjectFiles
    ) -> None:
        """Report outputs, to be written to *paths*, that would replace a file that is *read*.

        *shots* are the ids of shots, by which links to takes are named. Raises ``NotReusable`` for a file whose place
        in a cached scene would have to be shown.
        """
        used = {identity: file for file in read for identity in project.identities(file.path)}
        written = []
        for draft, film in zip(self.drafts, paths, strict=True):
            for path, what in _named_files(OutputFiles(film)):
                name = f"the {what} of {quoted(draft.name)}" if draft.name else f"the {what}"
                mine = project.identities(path)
                hit = next((used[one] for one in sorted(mine) if one in used), None)
                if hit is not None:
                    self._report_use(draft, hit, f"the {what} would be written over {hit.name}: {quoted(path, 80)}")
                    break
                written.append(UsedFile(path, name, draft.file_span))
        first = OutputFiles(paths[0])
        for of in (first.final, first.draft):
            self._check_links(of.links, [*read, *written], frozenset(map(folded, shots)), project)

    def check_shared(self, paths: Sequence[str], scenes: Collection[str], project: ProjectFiles) -> None:
        """Report outputs, written to *paths*, that are outputs of another storyboard too, which is none of *scenes*.

        It is an error if the film of the other one is there, since a build would replace it.
        """
        stems = [_plain_stem(path) for path in paths]
        mine = {
            identity: draft
            for draft, film in zip(self.drafts, paths, strict=True)
            for path, _ in _named_files(OutputFiles(film))
            for identity in project.identities(path)
        }
        for other in project.other_storyboards([self._document.name, *scenes], paths):
            text = other.content.lower()  # most files name none of the films, and need not be parsed
            is_named = other.has_written or any(stem in text or stem in other.name.lower().encode() for stem in stems)
            for film in _films_of(other) if is_named else ():
                written = [path for path, _ in _named_files(OutputFiles(film))]
                drafts = [mine[one] for path in written for one in project.identities(path) if one in mine]
                if drafts:
                    self._report_shared(drafts[0], film, other)
                    break

    def _report_shared(self, draft: OutputDraft, film: str, other: OtherStoryboard) -> None:
        if other.has_written:
            message = f"the film of {quoted(other.name, 80)} is there: {quoted(film, 80)}"
            self._report(error("output-in-use", message, draft.file_span, help="write another `file`"))
        else:
            message = f"{quoted(other.name, 80)} has this output too: {quoted(film, 80)}"
            advice = "write another `file` in one of the two; once one is built, the other is refused"
            self._report(warning("shared-output", message, draft.file_span, help=advice))

    def film_files(self) -> list[str]:
        """Return the path of each film."""
        return [self._choose_file(draft) for draft in self.drafts]

    def _check_links(self, folder: str, used: Sequence[UsedFile], shots: frozenset[str], project: ProjectFiles) -> None:
        """Report the first output if its *folder* of links is one of the files *used*, or has one in a link's place."""
        mine = project.identities(folder)
        parents = {file.path.rpartition("/")[0] for file in used}
        inside = {parent for parent in parents if mine & project.identities(parent)}
        for file in used:
            parent, _, name = file.path.rpartition("/")
            if mine & project.identities(file.path):
                message = f"the links to the takes need the folder {quoted(folder, 80)}, which is {file.name}"
            elif parent in inside and _is_link(name, project.identities(file.path), shots):
                message = f"a link to a take would replace {file.name}: {quoted(file.path, 80)}"
            else:
                continue
            self._report_use(self.drafts[0], file, message)

    def _report_use(self, draft: OutputDraft, used: UsedFile, message: str) -> None:
        if used.place is None and used.name == INPUT:
            raise NotReusable
        notes = _notes(used.place, f"{used.name} is named here")
        self._report(error("output-in-use", message, draft.file_span, *notes, help="write another `file`"))


def _films_of(other: OtherStoryboard) -> list[str]:
    """Return the paths of the films of another storyboard; none if the file is no storyboard."""
    document = parse(other.content, other.name)
    root = layer(document, (), document.data if document.root is not None else None)
    return OutputLowering(root, []).film_files() if "scenes" in root.data else []


def _notes(place: Span | None, text: str) -> Iterator[Label]:
    if place is not None:
        yield Label(place, text)


def _named_files(files: OutputFiles) -> Iterator[tuple[str, str]]:
    """Yield the files of an output with the noun of each."""
    for film, noun in ((files.final, "film"), (files.draft, "draft")):
        yield film.film, noun
        for path in film.captions:
            yield path, "caption file"


def _plain_stem(film: str) -> bytes:
    """Return the name of *film* in small letters, without the endings that a build may add to a film's name."""
    stem = film.rpartition("/")[2].rpartition(".")[0].lower()
    return stem.removesuffix(".draft").encode()


def _is_link(name: str, identities: frozenset[str], shots: frozenset[str]) -> bool:
    """Return whether a build may replace or remove the file *name* in a folder of links.

    Such a link has the name of a shot, perhaps with a seed, or leads to a take in the cache.
    """
    stem, _, suffix = folded(name).rpartition(".")
    shot, _, seed = stem.rpartition(".")
    is_named = suffix == "mp4" and (stem in shots or (shot in shots and seed.isdecimal()))
    return is_named or any(identity.startswith(".storyboard/") for identity in identities)


def _font_path(draft: OutputDraft) -> tuple[str | int, ...] | None:
    """Return the path at which the font of a film is written, ``None`` if it has none."""
    field = draft.find("font")
    return None if field is None else tuple(field.path)


def _output_settings(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a film except for its file, size and rate."""
    whole = {**_PROFILES[str(said.get("profile", "final"))], **said}
    plain = {name: whole[name] for name in _PLAIN_FIELDS if name in whole}
    plain |= {"loudness": exact(str(whole["loudness"]))} if "loudness" in whole else {}
    return plain | {name: exact(str(whole.get(name, 0))) for name in ("fade_in", "fade_out")}
