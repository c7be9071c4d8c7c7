"""Files and frames as written: a file of the project, a URL, or a frame of another shot."""

from fractions import Fraction
from posixpath import dirname, relpath

from storyboard.core.diagnostics import Diagnostic, Span, error
from storyboard.core.file_signatures import FileKind
from storyboard.core.model import FileInput, FrameInput, FrameLink, UrlInput
from storyboard.core.suggest import quoted, spelling
from storyboard.core.timebase import exact
from storyboard.document.fields import Field
from storyboard.document.paths import BadPath, https_url, is_url, project_path
from storyboard.document.project_files import NO_FILE, ProjectFiles
from storyboard.fonts import missing_letters

_KINDS: dict[FileKind, str] = {
    "clip": "a video file",
    "picture": "a picture file",
    "font": "a font file",
    "sound": "a sound file, or a video with sound,",
}


class FileInputs:
    """Reader of the file and frame fields of one storyboard. Every file is checked and measured once.

    ``checked_files`` are the paths checked so far with the kind they have to be of; ``font_reads`` counts uses of
    fonts; ``places`` has every path that was checked, with the first place that names it, ``None`` in a cached scene.
    """

    def __init__(self, files: ProjectFiles, findings: list[Diagnostic]) -> None:
        self._files = files
        self._findings = findings
        self._problems: dict[tuple[str, FileKind], str | None] = {}
        self._lengths: dict[tuple[str, FileKind], Fraction | None] = {}
        self.checked_files: set[tuple[str, str]] = set()
        self.font_reads = 0
        self.places: dict[str, Span | None] = {}

    def read_frame(self, field: Field) -> FrameInput | None:
        """Return the frame input that *field* names, ``None`` after a finding if it cannot be used."""
        value = field.value
        if isinstance(value, dict):
            return _link(value)
        if not isinstance(value, str):
            return None
        try:
            if is_url(value):
                return UrlInput(https_url(value))
            return self._picture(field, project_path(value, field.document.name))
        except BadPath as problem:
            self._findings.append(error(problem.code, problem.message, field.span, help=problem.help))
            return None

    def read_file(self, field: Field, kind: FileKind) -> FileInput | None:
        """Return the file of the project that *field* names, ``None`` after a finding if it cannot be used."""
        if not field.usable or not isinstance(field.value, str):
            return None
        try:
            return self._check_file(field, project_path(field.value, field.document.name), kind)
        except BadPath as problem:
            self._findings.append(error(problem.code, problem.message, field.span, help=problem.help))
            return None

    def missing_letters(self, font: FileInput | None, text: str) -> str:
        """Return the letters of *text* that a font file, or without one the built-in font, lacks."""
        self.font_reads += font is not None
        return missing_letters(text) if font is None else self._files.missing_letters(font.path, text)

    def length(self, file: FileInput, kind: FileKind) -> Fraction | None:
        """Return the seconds of a sound or clip, ``None`` if they are not known before it is decoded."""
        if (file.path, kind) not in self._lengths:
            self._lengths[file.path, kind] = self._files.length(file.path, kind)
        return self._lengths[file.path, kind]

    def _picture(self, field: Field, path: str) -> FrameInput | None:
        return self._check_file(field, path, "picture")

    def _check_file(self, field: Field, path: str, kind: FileKind) -> FileInput | None:
        reason = self.problem(path, kind)
        if self.places[path] is None:
            self.places[path] = field.span
        if reason is None:
            return FileInput(path)
        advice = (
            missing_file_help(self._files, path, field.document.name)
            if reason == NO_FILE
            else f"name {_KINDS[kind]} of this project"
        )
        message = f"{quoted(path, 80)} cannot be used: {reason}"
        self._findings.append(error(f"bad-{kind}", message, field.span, help=advice))
        return None

    def problem(self, path: str, kind: FileKind) -> str | None:
        """Return the reason why the file at *path* cannot be used, ``None`` if it can."""
        self.checked_files.add((path, kind))
        self.places.setdefault(path, None)
        if (path, kind) not in self._problems:
            self._problems[path, kind] = self._files.problem(path, kind)
        return self._problems[path, kind]


def missing_file_help(files: ProjectFiles, path: str, beside: str) -> str:
    """Return the help for a missing file at *path* of the project, which is named in the file *beside*."""
    there = files.other_spelling(path)
    if there is None:
        return f"add the file, or write a path relative to `{beside}`"
    return spelling(relpath(f"/{there}", f"/{dirname(beside)}"), relpath(f"/{path}", f"/{dirname(beside)}"))


def _link(value: dict[str, object]) -> FrameLink:
    at, shot = value.get("at", "last"), str(value["shot"])
    if at == "first" or at == "last":
        return FrameLink(shot, "first" if at == "first" else "last")
    return FrameLink(shot, exact(at if isinstance(at, int | float) else 0))
