"""Texts with the values of vars in the place of their names, normalised (NFC) and trimmed."""

import re
import unicodedata
from collections.abc import Iterator

from storyboard.core.diagnostics import Diagnostic, Span, error, warning
from storyboard.document.fields import Field, Layer
from storyboard.document.names import closest, quoted
from storyboard.document.source import Document, Path

MAX_TEXT = 4_000

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}\n]{0,64})\}|\$\{")


class Texts:
    """Fills texts from the vars of one storyboard and remembers which were used.

    Each text is filled once, however many shots it is the default of; what is wrong in it is said once.
    """

    def __init__(self, defined: Layer, findings: list[Diagnostic]) -> None:
        self._findings = findings
        self._defined = defined
        self._done: dict[tuple[str, Path], str | None] = {}
        self._used: set[str] = set()
        self._values = dict(self._read(defined))

    def fill(self, field: Field) -> str | None:
        """The text of a field, or ``None`` if it is no text or cannot be filled, which has then been said."""
        return self._text(field.document, field.path, field.value) if field.usable else None

    def fill_all(self, field: Field) -> object:
        """A value with every text in it filled; texts that cannot be are left as they are."""
        return self._deep(field.document, field.path, field.value)

    def unused(self) -> Iterator[Diagnostic]:
        """A warning for every var that no text has asked for so far."""
        for name in self._values:
            if name not in self._used:
                place = self._defined.document.key_span((*self._defined.path, name))
                yield warning("unused-var", f"the var `{name}` is not used", place)

    def _read(self, defined: Layer) -> Iterator[tuple[str, str]]:
        for name in defined.data:
            field = defined.find(name)
            if field is None or not field.usable or not isinstance(field.value, str):
                yield name, ""
                continue
            for found in _REFERENCE.finditer(field.value):
                if found.group() != "$${":
                    place = _place(field.document, field.path, field.value, found)
                    advice = "write `$${` for a literal `${`"
                    self._findings.append(error("var-in-var", "vars are not filled in vars", place, help=advice))
            yield name, field.value.replace("$${", "${")

    def _deep(self, document: Document, path: Path, value: object) -> object:
        if isinstance(value, dict):
            return {key: self._deep(document, (*path, key), below) for key, below in value.items()}
        if isinstance(value, list):
            return [self._deep(document, (*path, index), below) for index, below in enumerate(value)]
        if isinstance(value, str):
            filled = self._text(document, path, value)
            return value if filled is None else filled
        return value

    def _text(self, document: Document, path: Path, value: object) -> str | None:
        if not isinstance(value, str):
            return None
        key = (document.name, path)
        if key not in self._done:
            self._done[key] = self._fresh(document, path, value)
        return self._done[key]

    def _fresh(self, document: Document, path: Path, text: str) -> str | None:
        pieces: list[str] = []
        length, last, whole = 0, 0, True
        for found in _REFERENCE.finditer(text) if "${" in text else ():
            value = self._value(document, path, text, found)
            whole = whole and value is not None
            pieces += (text[last : found.start()], value or "")
            last = found.end()
            length += len(pieces[-1])
            if length > MAX_TEXT:
                break
        pieces.append(text[last:])
        if sum(map(len, pieces)) > MAX_TEXT:
            message = f"the text has more than {MAX_TEXT} characters"
            self._findings.append(error("text-too-long", message, document.span(path)))
            return None
        return unicodedata.normalize("NFC", "".join(pieces)).strip() if whole else None

    def _value(self, document: Document, path: Path, text: str, found: re.Match[str]) -> str | None:
        name = found.group(1)
        if found.group() == "$${":
            return "${"
        if name in self._values:
            self._used.add(name)
            return self._values[name]
        place = _place(document, path, text, found)
        self._findings.append(self._unclosed(place) if name is None else self._unknown(name, place))
        return None

    def _unclosed(self, place: Span) -> Diagnostic:
        return error("bad-var", "no name and `}` follow this `${`", place, help="write `$${` for a literal `${`")

    def _unknown(self, name: str, place: Span) -> Diagnostic:
        meant = closest(name, self._values)
        advice = "define it under `vars`, or write `$${` for a literal `${`"
        if meant is not None:
            self._used.add(meant)
            advice = f"did you mean `${{{meant}}}`?"
        return error("unknown-var", f"the var {quoted(name)} is not defined", place, help=advice)


def _place(document: Document, path: Path, text: str, found: re.Match[str]) -> Span:
    """Where a reference stands in the file: exact if the value is written as it reads, else the whole value."""
    raw = document.raw(path)
    if raw is not None:
        start, written = raw
        inside = list(_REFERENCE.finditer(written))
        meant = list(_REFERENCE.finditer(text))
        if [one.group() for one in inside] == [one.group() for one in meant]:
            one = inside[[other.start() for other in meant].index(found.start())]
            return document.between(start + one.start(), start + one.end())
    return document.span(path)
