"""Expand vars in texts, check that fonts have the glyphs of drawn text, and read captions.

Expanded texts are normalised to NFC and stripped. A caption is one text for the whole shot, or texts with times.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Set
from fractions import Fraction

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Span, error, warning
from storyboard.core.model import Caption, FileInput
from storyboard.core.suggest import closest, quoted, suggestion
from storyboard.core.timebase import exact, plain_number
from storyboard.document.fields import Field, FieldLayer, ShotDraft
from storyboard.document.file_inputs import INSTALL_FRIBIDI, FileInputs
from storyboard.document.yaml.source_map import Document, Path
from storyboard.fonts import UnreadableFont, has_layout, needs_layout

MAX_TEXT = 4_000
MAX_WRONG = 10

_NOTHING: frozenset[str | None] = frozenset()
_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}\n]{0,64})\}|\$\{")
# First characters of scalars that are not plain (YAML 1.2, chapter 7.3.3): after these a comment cuts off no text.
_NOT_PLAIN = ("'", '"', "|", ">", "*")
_COMMENT = re.compile(r"[ \t]+(#[^\r\n]*)")


class VarExpander:
    """Expands vars in the texts of one storyboard; ``used`` are the names that occurred.

    Each text is expanded and reported once, even if it is the default of many shots.
    """

    def __init__(self, defined: FieldLayer, findings: list[Diagnostic]) -> None:
        self._findings = findings
        self._defined = defined
        self._filled: dict[tuple[str, Path], str | None] = {}
        self._used_by: dict[tuple[str, Path], Set[str | None]] = {}
        self.used: set[str | None] = set()
        self._other_notation = _other_notations(defined.data)
        self._values = dict(self._read(defined))

    def fill(self, field: Field) -> str | None:
        """Return the expanded text of a field, ``None`` if it is no text or after a finding."""
        return self._fill_text(field.document, field.path, field.value, prose=True) if field.usable else None

    def fill_all(self, field: Field) -> object:
        """Return a value with every text in it expanded; texts that cannot be expanded stay as written."""
        return self._fill_value(field.document, field.path, field.value)

    def unused_warnings(self) -> Iterator[Diagnostic]:
        """Yield a warning for every var that no text has used so far."""
        for name in self._values:
            if name not in self.used:
                place = self._defined.document.key_span((*self._defined.path, name))
                advice = f"write `${{{name}}}` in a text, or delete `{name}`"
                yield warning("unused-var", f"the var `{name}` is not used", place, help=advice)

    def _read(self, defined: FieldLayer) -> Iterator[tuple[str, str]]:
        for name in defined.data:
            field = defined.find(name)
            if field is None or not field.usable or not isinstance(field.value, str):
                yield name, ""
                continue
            wrong = [found for found in _REFERENCE.finditer(field.value) if found.group() != "$${"][:MAX_WRONG]
            for place in _reference_spans(field.document, field.path, field.value, wrong):
                advice = "write the text out, or `$${` for a literal `${`"
                self._findings.append(error("var-in-var", "vars are not expanded inside vars", place, help=advice))
            self._check_comment(field.document, field.path)
            self._check_notation(field.document, field.path, field.value, "write the text out")
            yield name, field.value.replace("$${", "${")

    def _fill_value(self, document: Document, path: Path, value: object) -> object:
        if isinstance(value, dict):
            return {key: self._fill_value(document, (*path, key), below) for key, below in value.items()}
        if isinstance(value, list):
            return [self._fill_value(document, (*path, index), below) for index, below in enumerate(value)]
        if isinstance(value, str):
            filled = self._fill_text(document, path, value)
            return value if filled is None else filled
        return value

    def _fill_text(self, document: Document, path: Path, value: object, *, prose: bool = False) -> str | None:
        """Return the expanded text; *prose* is text for a model or for viewers, not a value of a request field."""
        if not isinstance(value, str):
            return None
        key = (document.name, path)
        if key not in self._filled:
            before, self.used = self.used, set()
            if prose:
                self._check_comment(document, path)
            self._check_notation(document, path, value)
            self._filled[key] = self._expand(document, path, value)
            self._used_by[key], self.used = self.used or _NOTHING, before
        self.used |= self._used_by[key]
        return self._filled[key]

    def _expand(self, document: Document, path: Path, text: str) -> str | None:
        filled: str | None = text
        if "${" in text and len(text) <= MAX_TEXT:
            filled = self._replace_references(document, path, text)
        if filled is not None and len(filled) > MAX_TEXT:
            message = f"the text has more than {MAX_TEXT} characters"
            self._findings.append(
                error("text-too-long", message, document.span(path), help="shorten the text, or its vars")
            )
            return None
        return None if filled is None else unicodedata.normalize("NFC", filled).strip()

    def _check_comment(self, document: Document, path: Path) -> None:
        """Warn about a comment on the line on which a text without quotes ends: it may have been meant as text."""
        source = document.source_text(path) if document.may_have_comments else None
        if source is None or source[1].startswith(_NOT_PLAIN):
            return
        comment = _COMMENT.match(document.text, source[0] + len(source[1].rstrip()))
        if comment is not None:
            message = f"the text ends before {quoted(comment.group(1))}, which is a comment in YAML"
            place = document.between(*comment.span(1))
            advice = "put the text into quotes, with this part inside of them or after them"
            self._findings.append(warning("text-before-comment", message, place, help=advice))

    def _check_notation(self, document: Document, path: Path, text: str, advice: str = "") -> None:
        """Warn about vars in the notation of another language, which stay in the text as they are."""
        notation = self._other_notation
        if notation is None or len(text) > MAX_TEXT or not ("{" in text or "$" in text):
            return
        found = list(notation.finditer(text))[:MAX_WRONG]
        for one, place in zip(found, _reference_spans(document, path, text, found, notation), strict=True):
            name = one.group(one.lastindex or 0)
            self.used.add(name)
            message = f"{quoted(one.group())} stays in the text as it is: a var is written `${{{name}}}`"
            way_out = advice or f"write `${{{name}}}`, or give the var another name"
            self._findings.append(warning("var-not-expanded", message, place, help=way_out))

    def _replace_references(self, document: Document, path: Path, text: str) -> str | None:
        """Return the text with its references replaced, ``None`` if a reference is invalid.

        The replacement stops as soon as the text is longer than allowed.
        """
        pieces: list[str] = []
        wrong: list[re.Match[str]] = []
        length, last = 0, 0
        for found in _REFERENCE.finditer(text):
            value = self._value_of(found)
            if value is None:
                wrong.append(found)
            pieces += (text[last : found.start()], value or "")
            last = found.end()
            length += len(pieces[-2]) + len(pieces[-1])
            if length > MAX_TEXT:
                break
        for found, place in zip(
            wrong[:MAX_WRONG], _reference_spans(document, path, text, wrong[:MAX_WRONG]), strict=True
        ):
            self._findings.append(self._reference_error(found.group(1), place))
        return None if wrong else "".join([*pieces, text[last:]])

    def _value_of(self, found: re.Match[str]) -> str | None:
        if found.group() == "$${":
            return "${"
        name = found.group(1)
        self.used.add(name)
        return self._values.get(name)

    def _reference_error(self, name: str | None, place: Span) -> Diagnostic:
        if name is None:
            advice = "write `${name}`, or write `$${` for a literal `${`"
            return error("bad-var", "`${` needs a name and a `}`", place, help=advice)
        meant = closest(name, self._values)
        advice = "define it under `vars`, or write `$${` for a literal `${`"
        if meant is not None:
            self.used.add(meant)
            advice = suggestion(f"${{{meant}}}")
        return error("unknown-var", f"the var {quoted(name)} is not defined", place, help=advice)


def _other_notations(names: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern for ``{{name}}``, ``{name}`` and ``$name`` of these names; ``None`` without names."""
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    forms = rf"\{{\{{\s*({either})\s*\}}\}}|(?<!\{{)\{{\s*({either})\s*\}}|\$({either})(?!\w)"
    return re.compile(rf"(?<!\$)(?:{forms})") if either else None


def _reference_spans(
    document: Document,
    path: Path,
    text: str,
    found: list[re.Match[str]],
    pattern: re.Pattern[str] = _REFERENCE,
) -> list[Span]:
    """Return the spans of references, that of the whole value if it is not written as it reads."""
    source = document.source_text(path)
    if source is not None and found:
        start, written = source
        inside = list(pattern.finditer(written))
        meant = list(pattern.finditer(text))
        if [one.group() for one in inside] == [one.group() for one in meant]:
            at = {there.start(): here for here, there in zip(inside, meant, strict=True)}
            places = [at[one.start()] for one in found]
            return [document.between(start + one.start(), start + one.end()) for one in places]
    return [document.span(path)] * len(found)


def check_glyphs(
    field: Field, text: str, font: FileInput | None, inputs: FileInputs, findings: list[Diagnostic]
) -> bool:
    """Return whether *text* can be drawn: *font* (``None``: the built-in font) can be used, and Pillow has its layout.

    Right-to-left and joining scripts need FriBiDi. A problem is reported at *field*; letters that no font has are noted
    for one warning.
    """
    whose = "the built-in font" if font is None else quoted(font.path, 80)
    try:
        missing = inputs.missing_letters(font, text)
    except UnreadableFont as problem:
        message = f"{whose} cannot be used for this text: it {problem}"
        findings.append(error("bad-font", message, field.span, help="name another font file"))
        return False
    if missing:
        inputs.note_unwritten(field.span, missing)
    return _check_layout(field, text, findings)


def _check_layout(field: Field, text: str, findings: list[Diagnostic]) -> bool:
    if not needs_layout(text) or has_layout():
        return True
    message = "right-to-left and joining letters need FriBiDi, which is not installed"
    findings.append(error("no-layout", message, field.span, help=INSTALL_FRIBIDI))
    return False


class CaptionFonts(Struct):
    """The fonts that captions are drawn with, ``None`` for the built-in one. Empty if no film draws captions."""

    fonts: tuple[FileInput | None, ...]
    inputs: FileInputs


def read_captions(
    draft: ShotDraft, length: Fraction | None, expander: VarExpander, drawn: CaptionFonts, findings: list[Diagnostic]
) -> tuple[Caption, ...]:
    """Return the captions of a shot whose source lasts *length* seconds, ``None`` if that is not known yet."""
    field = draft.own.find("caption")
    if field is None or not field.usable:
        return ()
    if not isinstance(field.value, list):
        text = expander.fill(field)
        _check_caption_glyphs(field, text, drawn, findings)
        return (Caption(text),) if text else ()
    found = (
        _read_timed_caption(field, number, length, expander, drawn, findings) for number in range(len(field.value))
    )
    return tuple(caption for caption in found if caption is not None)


def _check_caption_glyphs(field: Field, text: str | None, drawn: CaptionFonts, findings: list[Diagnostic]) -> None:
    for font in drawn.fonts if text else ():
        if not check_glyphs(field, text or "", font, drawn.inputs, findings):
            return


def _read_timed_caption(
    field: Field,
    number: int,
    length: Fraction | None,
    expander: VarExpander,
    drawn: CaptionFonts,
    findings: list[Diagnostic],
) -> Caption | None:
    said = field.value[number] if isinstance(field.value, list) else {}
    path = (*field.path, number)
    words = Field(said["text"], field.document, (*path, "text"))
    text = expander.fill(words)
    _check_caption_glyphs(words, text, drawn, findings)
    start, end = exact(said["start"]), exact(said["end"])
    problem, name = _caption_problem(start, end, length)
    if problem is not None:
        advice = "write an `end` after `start`" if name == "end" else "write a smaller `start`"
        findings.append(error("bad-caption", problem, field.document.span((*path, name)), help=advice))
        return None
    return Caption(text, start, end) if text else None


def _caption_problem(start: Fraction, end: Fraction, length: Fraction | None) -> tuple[str | None, str]:
    if end <= start:
        return f"`end` ({plain_number(end)} s) is not after `start` ({plain_number(start)} s)", "end"
    if length is not None and start >= length:
        return f"`start` is {plain_number(start)} s; the shot is {plain_number(length)} s long", "start"
    return None, ""
