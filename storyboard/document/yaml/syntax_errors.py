"""Findings for text that is not valid YAML, worded for authors.

The two loaders of PyYAML word one error differently and point at different positions; both become one finding here.
"""

import re

import yaml
from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Span, error
from storyboard.document.yaml.source_map import Document

CODE = "yaml-syntax"


class _MistakePattern(Struct, frozen=True):
    """Substrings of the loader's context and problem that identify a mistake, and the message for it.

    ``at_context`` puts the caret at the start of the construct, not where reading stopped.
    """

    context: str
    problem: str
    message: str
    help: str | None = None
    at_context: bool = False


_QUOTE = "put text that holds `: `, ` #` or quotes into single quotes, and write `''` for a quote in it"
_MISTAKES = (
    _MistakePattern("quoted scalar", "end of stream", "the quote opened here is never closed", None, at_context=True),
    _MistakePattern("scalar", "document indicator", "the quote opened here is never closed", None, at_context=True),
    _MistakePattern("scalar", "unknown escape", "no such escape in double quotes", "write `\\\\` for a backslash"),
    _MistakePattern(
        "scalar", "escape", "no such character can be written with an escape", "write the character itself"
    ),
    _MistakePattern("scalar", "hexdecimal", "an escape needs hexadecimal digits", "write `\\\\` for a backslash"),
    _MistakePattern("scalar", "hexadecimal", "an escape needs hexadecimal digits", "write `\\\\` for a backslash"),
    _MistakePattern(
        "flow sequence", "or ']'", "the list opened here with `[` is never closed", "add a `]`", at_context=True
    ),
    _MistakePattern(
        "flow mapping", "or '}'", "the mapping opened here with `{` is never closed", "add a `}`", at_context=True
    ),
    _MistakePattern("", "mapping values are not allowed", "a `: ` is not allowed here", f"indent alike, or {_QUOTE}"),
    _MistakePattern("", "sequence entries are not allowed", "a list cannot begin here", "begin it on a new line"),
    _MistakePattern("", "mapping keys are not allowed", "a `? ` is not allowed here", _QUOTE),
    _MistakePattern("simple key", "expected ':'", "this line has no `:` behind its key", None, at_context=True),
    _MistakePattern("block scalar", "indentation indicator", "an indentation of 0 is not possible", None),
    _MistakePattern("block scalar", "", "text stands behind `|` or `>`", "begin the text on the next line"),
    _MistakePattern("anchor", "", "an anchor `&` needs a name of letters and digits", _QUOTE),
    _MistakePattern("alias", "", "an alias `*` needs a name of letters and digits", _QUOTE),
    _MistakePattern("", "duplicate anchor", "the anchor is defined twice", None),
    _MistakePattern("tag", "", "this is not a tag", _QUOTE),
    _MistakePattern("", "tag handle", "tags are not used in storyboards", "put text that begins with `!` into quotes"),
    _MistakePattern("", "incompatible YAML", "the file asks for another version of YAML", "take out the `%YAML` line"),
    _MistakePattern("", "directive", "this is not a directive", "take out the line that begins with `%`"),
    _MistakePattern("directive", "", "this is not a directive", "take out the line that begins with `%`"),
    _MistakePattern("", "document start", "something stands behind the end of the document", None),
    _MistakePattern("", "expected key", "a key of the mapping was expected here", f"indent alike, or {_QUOTE}"),
    _MistakePattern(
        "block mapping", "block end", "a key of the mapping was expected here", f"indent alike, or {_QUOTE}"
    ),
    _MistakePattern("", "'-' indicator", "an item that begins with `- ` was expected here", "indent alike"),
    _MistakePattern("", "block end", "an item that begins with `- ` was expected here", "indent alike"),
    _MistakePattern("", "node content", "a value was expected here", _QUOTE),
)
_BREAK = re.compile(r"\r\n|\r|\n")
_CONFLICT = re.compile(r"^<{7}(?= )", re.MULTILINE)
_HASH = re.compile(r" #")
_LONE_KEY = re.compile(r"[ -]*([A-Za-z_][\w-]*)\Z")
_TAB_INDENT = re.compile(r" *\t")


class NestedTooDeep(Exception):
    """Raised if the loader has a depth limit of its own: libyaml 0.2.6, part of PyYAML from 6.0.4 on, has one."""


def explain(document: Document, problem: Exception) -> Diagnostic:
    """Return the finding for an exception of the loader. Raises ``NestedTooDeep``."""
    if "maximum nesting depth" in (getattr(problem, "problem", None) or ""):
        raise NestedTooDeep from problem
    conflict = _CONFLICT.search(document.text)
    if conflict is not None:
        place = document.between(*conflict.span())
        advice = "keep one of the two sides, or of each what you want, and take out the lines of the markers"
        return error("merge-conflict", "git left a merge conflict here", place, help=advice)
    mark = getattr(problem, "problem_mark", None)
    start = getattr(problem, "context_mark", None)
    index = _mark_index(mark if mark is not None else start)
    tab = _find_tab(document, index)
    if tab is not None:
        return error(CODE, "a tab is used for indentation", document.between(tab, tab + 1), help="use spaces")
    if not isinstance(problem, yaml.MarkedYAMLError):
        return error(CODE, "the text is not YAML", document.between(0, 0))
    said = (problem.context or "", problem.problem or "")
    if "cannot start any token" in said[1]:
        return _bad_first_character(document, index)
    if "unknown escape" in said[1] and document.text[index : index + 1] != "\\":
        index -= 1  # the pure loader points behind the backslash
    by_line = _comment_in_brackets(document, index, said[1]) or _text_after_quote(document, index, said[1])
    by_line = by_line or _misread_key(document, index, said[1])
    if by_line is not None:
        return by_line
    for mistake in _MISTAKES:
        if mistake.context in said[0] and mistake.problem in said[1]:
            at = _mark_index(start) if mistake.at_context else index
            return error(CODE, mistake.message, _character_span(document, at), help=mistake.help)
    return error(CODE, "the text is not YAML here", _character_span(document, index))


def _comment_in_brackets(document: Document, index: int, said: str) -> Diagnostic | None:
    """Find a ``#`` on the previous line that cut off the rest of a flow value."""
    if not any(piece in said for piece in ("node content", "or ']'", "or '}'")):
        return None
    lines = _BREAK.split(document.text[:index].rstrip())
    found = _HASH.search(lines[-1])
    if found is None or document.text[:index].rstrip() == document.text[:index].rstrip(" "):
        return None
    at = len(document.text[:index].rstrip()) - len(lines[-1]) + found.end() - 1
    message = "a comment begins here, and cuts off what stands in brackets"
    return error(CODE, message, _character_span(document, at), help="put text that holds a `#` into quotes")


def _text_after_quote(document: Document, index: int, said: str) -> Diagnostic | None:
    """Find text behind a closing quote, mostly where the quote was meant as part of the text."""
    if not any(piece in said for piece in ("expected key", "block end")) or index >= len(document.text):
        return None
    line = _line_before(document, index).rstrip(" ")
    if not line.endswith(('"', "'")) or line.strip(" -") in ('"', "'"):
        return None
    message = "text stands behind the closing quote"
    advice = "write `\\\"` for a quote inside of double quotes, and `''` inside of single ones"
    return error(CODE, message, _character_span(document, index), help=advice)


def _misread_key(document: Document, index: int, said: str) -> Diagnostic | None:
    """Find a line that looks like a key but continues the text of the line above."""
    found = _LONE_KEY.match(_line_before(document, index))
    if "mapping values" not in said or found is None:
        return None
    place = document.between(index - len(found.group(1)), index)
    advice = "does the line above lack a `:`, or is this line indented too far?"
    return error(CODE, "no key can stand here", place, help=advice)


def _line_before(document: Document, index: int) -> str:
    """Return the text of the line of *index* up to there."""
    return document.text[_line_start(document, index) : index]


def _line_start(document: Document, index: int) -> int:
    return max(document.text.rfind("\n", 0, index), document.text.rfind("\r", 0, index)) + 1


def _bad_first_character(document: Document, index: int) -> Diagnostic:
    character = document.text[index : index + 1]
    name = {"`": "a backtick", "\t": "a tab"}.get(character, f"`{character}`")
    message = f"text cannot begin with {name}"
    return error(CODE, message, _character_span(document, index), help="put the text into quotes")


def _find_tab(document: Document, index: int) -> int | None:
    """Return the index of the first tab in the indentation of the line of *index*, ``None`` if there is none."""
    found = _TAB_INDENT.match(document.text, _line_start(document, index))
    return None if found is None else found.end() - 1


def _character_span(document: Document, index: int) -> Span:
    at = min(index, len(document.text))
    beyond = at >= len(document.text) or document.text[at] in "\r\n"
    return document.between(at, at if beyond else at + 1)


def _mark_index(mark: yaml.Mark | None) -> int:
    return 0 if mark is None else mark.index
