"""First and last frames as written: a picture of the project, an address, or a frame of another shot."""

from fractions import Fraction

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.core.file_signatures import Kind
from storyboard.core.model import FileInput, FrameInput, FrameLink, UrlInput
from storyboard.core.timebase import exact
from storyboard.document.fields import Field
from storyboard.document.names import quoted
from storyboard.document.paths import BadPath, address, in_project, is_address
from storyboard.document.project_files import ProjectFiles
from storyboard.fonts import missing_letters


class FileInputs:
    """Reads frame fields of one storyboard; every picture is looked at once."""

    def __init__(self, files: ProjectFiles, findings: list[Diagnostic]) -> None:
        self._files = files
        self._findings = findings
        self._problems: dict[tuple[str, Kind], str | None] = {}
        self._lengths: dict[tuple[str, Kind], Fraction | None] = {}
        self.looked_at: set[tuple[str, str]] = set()
        self.fonts_read = 0

    def read(self, field: Field) -> FrameInput | None:
        """The input that *field* names, or ``None`` if it cannot be used, which has then been said."""
        value = field.value
        if isinstance(value, dict):
            return _link(value)
        if not isinstance(value, str):
            return None
        try:
            if is_address(value):
                return UrlInput(address(value))
            return self._picture(field, in_project(value, field.document.name))
        except BadPath as problem:
            self._findings.append(error(problem.code, problem.message, field.span, help=problem.help))
            return None

    def file(self, field: Field, kind: Kind) -> FileInput | None:
        """The file of the project that *field* names, or ``None`` if it cannot be used, which has then been said."""
        if not field.usable or not isinstance(field.value, str):
            return None
        try:
            return self._file(field, in_project(field.value, field.document.name), kind)
        except BadPath as problem:
            self._findings.append(error(problem.code, problem.message, field.span, help=problem.help))
            return None

    def missing_letters(self, font: FileInput | None, text: str) -> str:
        """The letters of *text* that a font file, or without one the built-in font, has not."""
        self.fonts_read += font is not None
        return missing_letters(text) if font is None else self._files.missing_letters(font.path, text)

    def length(self, file: FileInput, kind: Kind) -> Fraction | None:
        """Seconds of a sound or clip; ``None`` if they are not known before it is decoded."""
        if (file.path, kind) not in self._lengths:
            self._lengths[file.path, kind] = self._files.length(file.path, kind)
        return self._lengths[file.path, kind]

    def _picture(self, field: Field, path: str) -> FrameInput | None:
        return self._file(field, path, "picture")

    def _file(self, field: Field, path: str, kind: Kind) -> FileInput | None:
        reason = self.problem(path, kind)
        if reason is None:
            return FileInput(path)
        self._findings.append(error(f"bad-{kind}", f"{quoted(path, 80)} cannot be used: {reason}", field.span))
        return None

    def problem(self, path: str, kind: Kind) -> str | None:
        """Why the file at *path* of the project cannot be used, ``None`` if it can."""
        self.looked_at.add((path, kind))
        if (path, kind) not in self._problems:
            self._problems[path, kind] = self._files.problem(path, kind)
        return self._problems[path, kind]


def _link(value: dict[str, object]) -> FrameLink:
    at, shot = value.get("at", "last"), str(value["shot"])
    if at == "first" or at == "last":
        return FrameLink(shot, "first" if at == "first" else "last")
    return FrameLink(shot, exact(at if isinstance(at, int | float) else 0))
