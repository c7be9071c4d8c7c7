"""Load a storyboard file with the scenes it includes: read, validate and lower it. The only entry to the language.

The caller supplies the project's files and the model cards; everything that is wrong is returned as findings.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from posixpath import dirname, relpath

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.diagnostics import Diagnostic, Label, Severity, Span, error, in_file_order
from storyboard.core.model import Storyboard
from storyboard.core.model_cards import ModelCard
from storyboard.core.suggest import quoted
from storyboard.document.file_inputs import missing_file_help, misspelled_file
from storyboard.document.lower_film import FilmLowering
from storyboard.document.lower_shot import TakeLength
from storyboard.document.model_limits import InstalledProviders
from storyboard.document.paths import BadPath, project_path
from storyboard.document.project_files import NO_FILE, FileProblem, ProjectFiles
from storyboard.document.scene_cache import AnyDraft, KnownScene, KnownSceneDraft, KnownScenes, NotReusable
from storyboard.document.scene_records import make_known_scene
from storyboard.document.validate import DocumentKind, check_schema
from storyboard.document.yaml.decode import decode_document
from storyboard.document.yaml.parse import parse
from storyboard.document.yaml.source_map import Document, Path

MAX_FINDINGS = 500
MAX_SCENES = 2000  # as in the schema
MAX_SHOTS = 10_000
MAX_TOTAL = 32 * 1024 * 1024
_MOST_INCLUDES = 12
_SPLIT = "split the film into several storyboards"


class Loaded(Struct):
    """The result of loading a storyboard file.

    ``storyboard`` is ``None`` if a finding is an error. ``findings`` are in the order of files and lines, ``files`` are
    the names of all files read, the storyboard first, and ``texts`` their contents, for carets.
    """

    storyboard: Storyboard | None
    findings: list[Diagnostic]
    files: tuple[str, ...]
    texts: Mapping[str, str]
    _drafts: dict[str, AnyDraft]
    _film: FilmLowering | None = None

    def place(self, shot_id: str, field: str | None = None) -> Span | None:
        """Return the span of a shot, or of one of its fields, in the defaults if the field comes from there."""
        draft = self._drafts.get(shot_id)
        if draft is None or field is None:
            return None if draft is None else draft.name_span
        found = draft.find_any(field)
        return None if found is None else found.span

    def locate(self, shot_id: str) -> tuple[str, Path] | None:
        """Return the file of a shot and the path to it in that file, for ``yaml.edit``."""
        draft = self._drafts.get(shot_id)
        return None if draft is None else (draft.own.document.name, draft.own.path)

    def scene_entries(self) -> Iterator[tuple[str, KnownScene | None]]:
        """Yield each scene with a file of its own: the file, and the entry to cache for the next load.

        The entry is ``None`` for a scene that has to be read each time. Yields nothing without a storyboard.
        """
        if self.storyboard is None or self._film is None:
            return
        first = 0
        for scene, lowered in zip(self._film.scenes, self.storyboard.scenes, strict=True):
            if isinstance(scene, KnownSceneDraft):
                end = first + len(lowered.shots)
                yield scene.file, replace(scene.known, first=first, end=end)
            elif not scene.own.path:
                document = scene.own.document
                raw = document.raw_bytes
                told = (sha256(raw).hexdigest(), len(raw), self._film.context_digest)
                yield document.name, make_known_scene(scene, lowered.shots, first, *told)
            first += len(lowered.shots)


def load(
    path: str,
    project: ProjectFiles,
    cards: Mapping[str, ModelCard],
    *,
    provider: str | None = None,
    known: KnownScenes | None = None,
    take_length: TakeLength | None = None,
    installed: InstalledProviders = tuple,
) -> Loaded:
    """Load the storyboard at *path*, relative to the project, with forward slashes.

    *cards* are the available models by id; *provider* makes every shot and overrides the storyboard. *known* are cached
    scenes whose files need not be read; their shots cannot be located afterwards. *take_length* is called for shots
    without a duration. *installed* returns the installed providers, to tell a name without a card from an unknown one.
    No file content makes it raise.
    """
    try:
        return _load(path, _FileReader(project, known), cards, provider, take_length, installed)
    except NotReusable:
        return _load(path, _FileReader(project, None), cards, provider, take_length, installed)


def _load(
    path: str,
    reader: "_FileReader",
    cards: Mapping[str, ModelCard],
    provider: str | None,
    take_length: TakeLength | None,
    installed: InstalledProviders,
) -> Loaded:
    root = reader.open(path, "storyboard", None)
    if root is None or root.root is None:
        return _load_result(None, reader, {})
    if _count_scenes(root) > MAX_SCENES:  # none is read, since opening all of them may take long
        reader.findings.extend(check_schema(root, "storyboard"))
        return _load_result(None, reader, {})
    scenes = list(reader.scenes(root))
    if reader.has_too_many_shots(root, scenes):
        return _load_result(None, reader, {})
    for document, kind in reader.parsed_documents():
        reader.findings.extend(check_schema(document, kind))
    film = FilmLowering(
        root,
        scenes,
        reader.findings,
        reader.project,
        cards,
        provider,
        complete=reader.complete,
        take_length=take_length,
        installed=installed,
    )
    storyboard = film.lower()
    drafts: dict[str, AnyDraft] = {}
    for draft in film.drafts:
        drafts.setdefault(draft.id, draft)
    return _load_result(storyboard, reader, drafts, film)


def _count_scenes(root: Document) -> int:
    listed = root.data.get("scenes") if isinstance(root.data, dict) else None
    return len(listed) if isinstance(listed, list) else 0


def _load_result(
    storyboard: Storyboard | None, reader: "_FileReader", drafts: dict[str, AnyDraft], film: FilmLowering | None = None
) -> Loaded:
    files = tuple(reader.files)
    findings = in_file_order(reader.findings, files)
    if len(findings) > MAX_FINDINGS:
        left = len(findings) - MAX_FINDINGS
        kept = sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)[:MAX_FINDINGS]
        findings = [
            *in_file_order(kept, files),
            Diagnostic(kept[0].severity, "and-more", f"{left} more findings are not listed"),
        ]
    return Loaded(storyboard, findings, files, _FileTexts(reader), drafts, film)


class _FileTexts(Mapping[str, str]):
    """The texts of all files. Texts of files that were not read, since their scene was cached, are read on demand."""

    def __init__(self, reader: "_FileReader") -> None:
        self._reader = reader
        self._reread: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        document = self._reader.documents.get(name)
        if document is not None:
            return document.text
        if name not in self._reread:
            self._reread[name] = self._read(self._reader.files[name], name)
        return self._reread[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._reader.files)

    def __len__(self) -> int:
        return len(self._reader.files)

    def _read(self, digest: str, name: str) -> str:
        """Return the text that the spans refer to. Raises ``KeyError`` if the file has been edited since."""
        try:
            raw = self._reader.project.read(name)
        except FileProblem as problem:
            raise KeyError(name) from problem
        if sha256(raw).hexdigest() != digest:
            raise KeyError(name)
        return decode_document(raw, name).text


class _FileReader:
    """Reader of a storyboard and its includes. Each file is read once."""

    def __init__(self, project: ProjectFiles, known: KnownScenes | None) -> None:
        self.project = project
        self._known = known
        self._kinds: dict[str, DocumentKind] = {}
        self._included: dict[str, Span] = {}
        self._bytes = 0
        self.documents: dict[str, Document] = {}
        self.files: dict[str, str] = {}
        self.findings: list[Diagnostic] = []
        self.complete = True

    def open(self, path: str, kind: DocumentKind, place: Span | None) -> Document | None:
        """Return the parsed file, ``None`` after a finding at *place* if it cannot be read."""
        try:
            raw = self.project.read(path)
        except FileProblem as problem:
            message = f"{quoted(path, 80)} cannot be read: {problem.reason}"
            advice = None if place is None else f"add the file, or write a path relative to `{place.file}`"
            if place is not None and problem.reason == NO_FILE:
                advice = missing_file_help(self.project, path, place.file)
                if set(path) & set("*?["):
                    message = f"`include` names one file, and {quoted(path, 80)} is a pattern"
                    advice = self._list_includes(path, place.file)
            self.findings.append(error("unreadable-file", message, place, help=advice))
            return None
        if not self._fits(len(raw), place):
            return None
        if place is not None:
            self.findings += misspelled_file(self.project, path, place)
        document = parse(raw, path)
        document.raw_bytes = raw
        self.documents[path] = document
        self.files[path] = ""
        self._kinds[path] = kind
        self.findings.extend(document.findings)
        return document

    def _list_includes(self, pattern: str, beside: str) -> str:
        """Return the help with an item for each file that *pattern* matches, as written in the file *beside*."""
        from storyboard.document.fix_lines import field_line

        found = self.project.matching(pattern)
        names = [relpath(f"/{name}", f"/{dirname(beside)}") for name in found[:_MOST_INCLUDES]]
        items = [f"`- {field_line('include', name)}`" for name in names]
        rest = f", and so on for {len(found)} files" if len(found) > len(items) else ""
        return f"write an item for each scene: {', '.join(items or ['`- include: scenes/name.yaml`'])}{rest}"

    def _fits(self, size: int, place: Span | None) -> bool:
        self._bytes += size
        if self._bytes > MAX_TOTAL:
            message = f"the storyboard and its scenes are larger than {MAX_TOTAL >> 20} MiB together"
            self.findings.append(error("file-too-big", message, place, help=_SPLIT))
        return self._bytes <= MAX_TOTAL

    def scenes(self, root: Document) -> Iterator[tuple[Document, Path] | KnownSceneDraft]:
        """Yield the location of every scene, its file and the path in it, or its cached entry."""
        listed = root.data.get("scenes") if isinstance(root.data, dict) else None
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(item, dict) and "include" in item:
                document = self._include(root, ("scenes", index, "include"), item["include"])
                if isinstance(document, KnownSceneDraft):
                    yield document
                elif document is not None and document.root is not None:
                    yield document, ()
                else:
                    self.complete = False
            elif isinstance(item, dict):
                yield root, ("scenes", index)

    def has_too_many_shots(self, root: Document, scenes: list[tuple[Document, Path] | KnownSceneDraft]) -> bool:
        """Return whether there are more shots than can be checked in reasonable time, and report it."""
        count = 0
        for scene in scenes:
            if isinstance(scene, KnownSceneDraft):
                count += len(scene.shots)
                continue
            document, path = scene
            value = getattr(document.node(path), "value", None)
            shots = value.get("shots") if isinstance(value, dict) else None
            count += len(shots) if isinstance(shots, list) else 0
        if count > MAX_SHOTS:
            message = f"the storyboard has more than {MAX_SHOTS} shots"
            self.findings.append(error("too-many-shots", message, root.key_span(("scenes",)), help=_SPLIT))
        return count > MAX_SHOTS

    def parsed_documents(self) -> Iterator[tuple[Document, DocumentKind]]:
        """Yield the files that could be parsed, with their kind."""
        for name, document in self.documents.items():
            if document.root is not None:
                yield document, self._kinds[name]

    def _include(self, root: Document, path: Path, value: object) -> Document | KnownSceneDraft | None:
        if not isinstance(value, str) or not value:
            return None
        place = root.span(path)
        try:
            name = project_path(value, root.name)
        except BadPath as problem:
            self.findings.append(error(problem.code, problem.message, place, help=problem.help))
            return None
        if name == root.name:
            advice = "include a file that holds one scene"
            self.findings.append(error("include-cycle", "the storyboard includes itself", place, help=advice))
            return None
        if name in self._included:
            note = Label(self._included[name], "the first `include` is here")
            message = f"{quoted(name, 80)} is included twice"
            self.findings.append(error("repeated-include", message, place, note, help="delete one of the two"))
            return None
        self._included[name] = place
        return self._find_known(name, place) or self.open(name, "scene", place)

    def _find_known(self, name: str, place: Span) -> KnownSceneDraft | None:
        known = self._known.scene(name) if self._known is not None else None
        if known is None or self._known is None:
            return None
        if not self._fits(known.size, place):
            raise NotReusable
        self.files[name] = known.digest
        return KnownSceneDraft(name, known, self._known.shots(known))
