"""Findings and the places they point at, as values and in their order. ``report`` prints them.

A finding states a fact about one place of one file; notes point at related places; a help proposes what to do.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """Severity of a finding: an error stops a build, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Span(Struct, frozen=True, order=True):
    """A range of one file.

    Lines and columns count from 1; columns count code points, not bytes. The end is exclusive. ``file`` is the path as
    the user types it, with forward slashes. An empty span (start equal to end) points between two characters.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Label(Struct, frozen=True):
    """A related place and its relation to the finding."""

    span: Span
    text: str


class Diagnostic(Struct, frozen=True):
    """One finding: a stable code, a fact in lower case without a full stop, and a place if it has one."""

    severity: Severity
    code: str
    message: str
    span: Span | None = None
    notes: tuple[Label, ...] = ()
    help: str | None = None


def error(
    code: str,
    message: str,
    span: Span | None,
    *notes: Label,
    help: str | None = None,  # noqa: A002
) -> Diagnostic:
    """Return a finding that stops a build."""
    return Diagnostic(Severity.ERROR, code, message, span, notes, help)


def warning(
    code: str,
    message: str,
    span: Span | None,
    *notes: Label,
    help: str | None = None,  # noqa: A002
) -> Diagnostic:
    """Return a finding that does not stop a build."""
    return Diagnostic(Severity.WARNING, code, message, span, notes, help)


def has_errors(findings: Iterable[Diagnostic]) -> bool:
    """Return whether any finding stops a build."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def in_file_order(findings: Iterable[Diagnostic], files: Sequence[str]) -> list[Diagnostic]:
    """Return the findings without duplicates, by file (in the order of *files*), place, code and message.

    Findings without a place come first.
    """
    rank = {name: position for position, name in enumerate(files)}

    def place(finding: Diagnostic) -> tuple[int, str, int, int, str, str]:
        span = finding.span
        if span is None:
            return (-1, "", 0, 0, finding.code, finding.message)
        return (
            rank.get(span.file, len(rank)),
            span.file,
            span.line,
            span.column,
            finding.code,
            finding.message,
        )

    ordered = sorted(findings, key=place)
    return [finding for i, finding in enumerate(ordered) if i == 0 or finding != ordered[i - 1]]
