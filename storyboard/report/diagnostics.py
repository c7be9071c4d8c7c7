"""Findings and errors as text: fact, source line with carets, notes, help; and as the data that ``--json`` prints.

``error_text`` makes the text of every error without a place; ``render`` that of findings with theirs. Source text is
cleaned for the terminal by ``text.clean``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from storyboard.core.diagnostics import Diagnostic, Label, Severity, Span
from storyboard.report.text import cells, clean, clean_block, clean_character, clean_lines

WIDTH = 100
_LEAST_WIDTH = 24
# Cells before a source line: its number and a bar.
_MARGIN = 8
TAB = 4

_BREAK = re.compile(r"\r\n|\r|\n")
_COLORS: Mapping[str, str] = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m"}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_Paint = Callable[[str, str], str]


def render(
    findings: Sequence[Diagnostic], texts: Mapping[str, str], color: bool = False, width: int | None = None
) -> str:
    """Return all findings, a blank line between two, and a last line with their number; empty if there are none.

    *texts* are the sources by the file names of the spans; a finding in another file has no caret. *width* is that of
    the terminal in cells, if there is one.
    """
    if not findings:
        return ""
    lines = SourceLines(texts, WIDTH if width is None else max(_LEAST_WIDTH, min(WIDTH, width - _MARGIN)))
    blocks = ["\n".join(_block(finding, lines, color)) for finding in findings]
    return "\n\n".join([*blocks, summary(findings)]) + "\n"


def error_text(
    message: str,
    code: str = "",
    *,
    label: str = "error",
    details: Sequence[str] = (),
    help: str | None = None,  # noqa: A002
    color: bool = False,
) -> str:
    """Return an error without a place: ``error[code]: message``, then *details* and *help*, a line each.

    *label* is ``error``, ``warning`` or who reports the error. All parts are cleaned; only *help* has line breaks.
    """
    head = _heading(label, code, clean_lines(message), _painter(color))
    return "\n".join([head, *(f"  {clean_lines(detail)}" for detail in details), *_help_line(help)])


def _heading(label: str, code: str, message: str, paint: _Paint) -> str:
    kind = paint(_COLORS.get(label, ""), f"{label}[{code}]" if code else label)
    return f"{kind}: {paint(_BOLD, message)}"


def _help_line(text: str | None) -> list[str]:
    return [f"  help: {clean_block(text)}"] if text else []


def summary(findings: Sequence[Diagnostic]) -> str:
    """Return ``2 errors, 1 warning``; ``no findings`` if there are none."""
    counts = [(severity, sum(finding.severity is severity for finding in findings)) for severity in Severity]
    parts = [f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts if count]
    return ", ".join(parts) or "no findings"


def as_data(findings: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """Return the findings as JSON data. Lines and columns count from 1, ends are exclusive; ``place`` may be null."""
    return [
        {
            "severity": str(finding.severity),
            "code": finding.code,
            "message": finding.message,
            "place": place_data(finding.span),
            "notes": [{"message": note.text, "place": place_data(note.span)} for note in finding.notes],
            "help": finding.help,
        }
        for finding in findings
    ]


class SourceLines:
    """Source lines by file and number, shown in *width* cells; each text is split once."""

    def __init__(self, texts: Mapping[str, str], width: int = WIDTH) -> None:
        self._texts = texts
        self.width = width
        self._split: dict[str, list[str]] = {}

    def line(self, span: Span) -> str | None:
        if span.file not in self._split:
            text = self._texts.get(span.file)
            self._split[span.file] = [] if text is None else _split_lines(text)
        lines = self._split[span.file]
        return lines[span.line - 1] if 0 < span.line <= len(lines) else None


def _split_lines(text: str) -> list[str]:
    return _BREAK.split(text) if "\r" in text else text.split("\n")


def _block(finding: Diagnostic, lines: SourceLines, color: bool) -> Iterator[str]:
    paint = _painter(color)
    place = "" if finding.span is None else paint(_BOLD, f"{_where(finding.span)}: ")
    yield place + _heading(finding.severity, finding.code, clean(finding.message), paint)
    source = lines.line(finding.span) if finding.span is not None else None
    if finding.span is not None and source is not None:
        number = f"{finding.span.line:>5}"
        shown, caret = _point_at(source, finding.span, lines.width)
        yield f"{paint(_DIM, f'{number} |')} {shown}".rstrip()
        yield f"{paint(_DIM, ' ' * len(number) + ' |')} {paint(_COLORS[finding.severity], caret)}"
    yield from (f"  note: {_note(label)}" for label in finding.notes)
    yield from _help_line(finding.help and clean_lines(finding.help))


def _point_at(source: str, span: Span, width: int) -> tuple[str, str]:
    """Return a source line as it is shown in *width* cells, and the line of carets below it."""
    first = span.column - 1
    last = span.end_column - 1 if span.end_line == span.line else len(source)
    # A line can be a megabyte long; only the part around the place is laid out.
    cut = max(0, first - 4 * width)
    more = len(source) > cut + 8 * width
    source, first, last = source[cut : cut + 8 * width], first - cut, last - cut
    pieces, starts = _lay_out(source)
    begin = starts[min(first, len(source))]
    end = max(starts[min(last, len(source))], begin + 1)
    return _window(pieces, starts, begin, end, (cut > 0, more), width)


def _lay_out(source: str) -> tuple[Sequence[str], Sequence[int]]:
    """Return the text shown for each character and the cell where it begins; last, the cell after them all."""
    if source.isascii() and source.isprintable():
        return source, range(len(source) + 1)
    pieces: list[str] = []
    starts: list[int] = []
    width = 0
    for character in source:
        starts.append(width)
        piece = " " * (TAB - width % TAB) if character == "\t" else clean_character(character)
        width += len(piece) if character == "\t" else cells(piece)
        pieces.append(piece)
    return pieces, [*starts, width]


def _window(
    pieces: Sequence[str], starts: Sequence[int], begin: int, end: int, cut: tuple[bool, bool], width: int
) -> tuple[str, str]:
    """Return the part of a line that fits around the carets from cell *begin* to *end*, with ``…`` for the rest.

    *cut* says whether text before and after is left out already.
    """
    total = starts[-1]
    if not any(cut) and total <= width and end <= width:
        return "".join(pieces), " " * begin + "^" * (end - begin)
    low = 0 if begin < width * 2 // 3 and not cut[0] else begin - width // 3
    low = min(low, max(0, total - width + 2)) if not cut[1] else low
    inside = [at for at in range(len(pieces)) if low <= starts[at] and starts[at + 1] <= low + width - 2]
    first, last = (inside[0], inside[-1] + 1) if inside else (len(pieces), len(pieces))
    head = "…" if first > 0 or cut[0] else ""
    tail = "…" if last < len(pieces) or cut[1] else ""
    shift = starts[first] - len(head)
    until = min(end, max(starts[last], begin + 1))
    return head + "".join(pieces[first:last]) + tail, " " * (begin - shift) + "^" * (until - begin)


def _note(label: Label) -> str:
    return f"{clean(label.text)} at {_where(label.span)}"


def _where(span: Span) -> str:
    return f"{clean(span.file)}:{span.line}:{span.column}"


def place_data(span: Span | None) -> dict[str, Any] | None:
    """Return a place as JSON data."""
    if span is None:
        return None
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _painter(color: bool) -> _Paint:
    return (lambda code, text: f"{code}{text}{_RESET}") if color else (lambda _code, text: text)
