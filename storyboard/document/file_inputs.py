"""Files and frames as written: a file of the project, a URL, or a frame of another shot."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from posixpath import dirname, relpath
from unicodedata import east_asian_width

from storyboard.core.diagnostics import Diagnostic, Span, error, warning
from storyboard.core.file_signatures import FileKind
from storyboard.core.model import FileInput, FrameInput, FrameLink, Size, UrlInput
from storyboard.core.suggest import quoted, spelling
from storyboard.core.timebase import exact
from storyboard.document.fields import Field
from storyboard.document.paths import BadPath, https_url, is_url, project_path
from storyboard.document.project_files import NO_FILE, ProjectFiles
from storyboard.fonts import has_layout, missing_letters, needs_layout
from storyboard.pictures import PictureFacts

INSTALL_FRIBIDI = "run `apt-get install libfribidi0` or `brew install fribidi`"
_MOST_LETTERS = 12
_MOST_ENLARGED = 2
_MOST_CROPPED = Fraction(1, 3)  # of the picture: 4:3 in 16:9 loses a quarter, a square more than two fifths
_KINDS: dict[FileKind, str] = {
    "clip": "a video file",
    "picture": "a picture file",
    "font": "a font file",
    "sound": "a sound file, or a video with sound,",
}


class FileInputs:
    """Reader of the file and frame fields of one storyboard. Every file is checked and measured once.

    ``checked_files`` are the paths checked so far, with the kind they have to be of and the size of a picture;
    ``shots`` are the ids of the shots with takes; ``font_reads`` counts uses of fonts; ``places`` has every path that
    was checked, with the first place that names it, ``None`` in a cached scene; ``slates_lack_letters`` says that a
    prompt on a slate has letters that the built-in font lacks.
    """

    def __init__(self, files: ProjectFiles, findings: list[Diagnostic]) -> None:
        self._files = files
        self._findings = findings
        self._problems: dict[tuple[str, FileKind], str | None] = {}
        self._lengths: dict[tuple[str, FileKind], Fraction | None] = {}
        self._pictures: dict[str, PictureFacts | None] = {}
        self.checked_files: set[tuple[str, str, str]] = set()
        self.font_reads = 0
        self.slates_lack_letters = False
        self._without_layout: Span | None = None
        self._unwritten: list[tuple[Span, str]] = []
        self.shots: frozenset[str] = frozenset()
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
        """Return the letters of *text* that neither *font*, nor the built-in font, nor one of this machine has."""
        missing = missing_letters(text) if font is None else self._files.missing_letters(font.path, text)
        if font is not None and missing:
            missing = missing_letters(missing)
        self.font_reads += bool(font is not None or missing)
        return self._files.unwritten(missing) if missing else ""

    def note_unwritten(self, place: Span, letters: str) -> None:
        """Note letters that are drawn at *place* of the storyboard and that no font has, for one warning."""
        self._unwritten.append((place, letters))

    def check_slate(self, place: Span, prompt: str, fonts: Sequence[FileInput | None]) -> None:
        """Note what slates cannot show of a prompt: letters of no font, and letters that Pillow cannot lay out."""
        lacking = missing_letters(prompt)
        self.slates_lack_letters |= bool(lacking)
        for font in fonts if lacking else ():
            missing = self.missing_letters(font, lacking)
            if missing:
                self.note_unwritten(place, missing)
        if self._without_layout is None and needs_layout(prompt) and not has_layout():
            self._without_layout = place
            self.font_reads += 1

    def unwritten_warning(self) -> Iterator[Diagnostic]:
        """Yield a warning at the first text with letters that no font has, and at the first that is not laid out.

        Each is about all such texts.
        """
        if self._unwritten:
            place, _ = self._unwritten[0]
            letters = "".join(dict.fromkeys("".join(found for _, found in self._unwritten)))
            listed = " ".join(letters[:_MOST_LETTERS]) + (" …" if len(letters) > _MOST_LETTERS else "")
            count = len({span for span, _ in self._unwritten}) - 1
            more = f", here and in {count} more text{'s' * (count > 1)}" if count else ""
            message = f"no font has {listed}{more}; other signs are drawn in their place"
            yield warning("missing-letters", message, place, help=missing_font_help(letters))
        if self._without_layout is not None:
            message = "slates show right-to-left and joining letters one by one: FriBiDi is not installed"
            yield warning("no-layout", message, self._without_layout, help=INSTALL_FRIBIDI)

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
        if reason != NO_FILE:
            self._findings += misspelled_file(self._files, path, field.span)
        if reason is None:
            return FileInput(path)
        advice = f"name {_KINDS[kind]} of this project"
        if reason == NO_FILE and kind == "picture" and field.value in self.shots:
            from storyboard.document.fix_lines import field_line

            at = "first" if field.path[-1] == "last_frame" else "last"
            line = field_line(str(field.path[-1]), {"shot": field.value, "at": at})
            advice = f"for a frame of the shot {quoted(field.value)}, write `{line}`"
        elif reason == NO_FILE:
            advice = missing_file_help(self._files, path, field.document.name)
        elif kind == "picture" and (facts := self._picture_facts(path)) is not None and facts.problem == reason:
            advice = "save it again as a still PNG, JPEG or WebP picture, or name another one"
        message = f"{quoted(path, 80)} cannot be used: {reason}"
        self._findings.append(error(f"bad-{kind}", message, field.span, help=advice))
        return None

    def problem(self, path: str, kind: FileKind) -> str | None:
        """Return the reason why the file at *path* cannot be used, ``None`` if it can."""
        self.places.setdefault(path, None)
        if (path, kind) not in self._problems:
            self._problems[path, kind] = self._files.problem(path, kind)
        self.checked_files.add((path, kind, self.picture_size(path, kind)))
        return self._problems[path, kind]

    def picture_size(self, path: str, kind: FileKind) -> str:
        """Return the size of a picture as ``1280x720``; empty for another kind, and for a picture without facts."""
        facts = self._picture_facts(path) if kind == "picture" else None
        return f"{facts.width}x{facts.height}" if facts is not None else ""

    def _picture_facts(self, path: str) -> PictureFacts | None:
        if path not in self._pictures:
            self._pictures[path] = self._files.picture(path)
        return self._pictures[path]

    def check_frame_shape(self, field: Field, frame: FrameInput | None, size: Size) -> None:
        """Warn about a picture that has far fewer pixels than the shot, or another shape."""
        facts = self._picture_facts(frame.path) if isinstance(frame, FileInput) else None
        if not isinstance(frame, FileInput) or facts is None or facts.problem:
            return
        there = f"{quoted(frame.path, 80)} is {facts.width}x{facts.height}, and the shot is {size}"
        larger = max(Fraction(size.width, facts.width), Fraction(size.height, facts.height))
        if larger > _MOST_ENLARGED:
            advice = f"name a picture of at least {size.width // _MOST_ENLARGED}x{size.height // _MOST_ENLARGED}"
            message = f"{there}: it is enlarged {float(larger):.3g} times"
            self._findings.append(warning("small-picture", message, field.span, help=advice))
        shape = Fraction(facts.width, facts.height) / Fraction(size.width, size.height)
        lost = 1 - min(shape, 1 / shape)
        if lost > _MOST_CROPPED:
            where = "left and right" if shape > 1 else "top and bottom"
            message = f"{there}: {round(lost * 100)} % of it, at its {where}, is cropped"
            advice = "crop the picture to the shape of the shot, or write another `size`"
            self._findings.append(warning("cropped-picture", message, field.span, help=advice))


def missing_font_help(letters: str) -> str:
    """Return the help for letters that no font has."""
    if any(east_asian_width(letter) in "WF" for letter in letters):
        return "run `pip install 'storyboard-build[cjk]'`, or name a font file that has these letters: `font`"
    return "install a font that has these letters, or name its file: `font`"


def misspelled_file(files: ProjectFiles, path: str, place: Span) -> Iterator[Diagnostic]:
    """Yield a warning for a file that is found at *path* only because its disk ignores capitals or Unicode forms."""
    if files.other_spelling(path) is not None:
        message = f"{quoted(path, 80)} is found on this disk only: the file has another name"
        yield warning("unportable-name", message, place, help=missing_file_help(files, path, place.file))


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
