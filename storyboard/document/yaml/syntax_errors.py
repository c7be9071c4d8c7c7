"""Findings for text that is not valid YAML, worded for authors.

The two loaders of PyYAML word one error differently and point at different positions; both become one finding here.
"""

import re

import yaml
from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Span, error
from storyboard.document.yaml.scalars import in_quotes, shorten
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


_QUOTE = "put text with `: `, ` #` or quotes into single quotes, and write `''` for a single quote in it"
_ALIGN = "align the line with the other keys or items of its group"
_UNTAG = "put text that begins with `!` into quotes"
_QUOTE_END = "add the closing quote"
_BACKSLASH = "write `\\\\` for a backslash"
_MISTAKES = (
    _MistakePattern("quoted scalar", "end of stream", "this quote is never closed", _QUOTE_END, at_context=True),
    _MistakePattern("scalar", "document indicator", "this quote is never closed", _QUOTE_END, at_context=True),
    _MistakePattern("scalar", "unknown escape", "double quotes have no such escape", _BACKSLASH),
    _MistakePattern("scalar", "escape", "this escape does not name a character", "write the character itself"),
    _MistakePattern("scalar", "hexdecimal", "this escape needs hexadecimal digits", _BACKSLASH),
    _MistakePattern("scalar", "hexadecimal", "this escape needs hexadecimal digits", _BACKSLASH),
    _MistakePattern("flow sequence", "or ']'", "this `[` is never closed", "add a `]`", at_context=True),
    _MistakePattern("flow mapping", "or '}'", "this `{` is never closed", "add a `}`", at_context=True),
    _MistakePattern("", "mapping values are not allowed", "a `: ` is not allowed here", f"{_ALIGN}, or {_QUOTE}"),
    _MistakePattern(
        "", "sequence entries are not allowed", "a list cannot begin on this line", "begin it on a new line"
    ),
    _MistakePattern("", "mapping keys are not allowed", "a `? ` is not allowed here", _QUOTE),
    _MistakePattern("simple key", "expected ':'", "this key has no `:` after it", "add a `:`", at_context=True),
    _MistakePattern(
        "block scalar", "indentation indicator", "the indentation after `|` or `>` is 0", "write 1 to 9, or nothing"
    ),
    _MistakePattern("block scalar", "", "text follows `|` or `>` on its line", "begin the text on the next line"),
    _MistakePattern(
        "anchor", "", "the anchor `&` needs a name of letters and digits", "put text that begins with `&` into quotes"
    ),
    _MistakePattern(
        "alias", "", "the alias `*` needs a name of letters and digits", "put text that begins with `*` into quotes"
    ),
    _MistakePattern("", "duplicate anchor", "the anchor is defined twice", "rename one of the two"),
    _MistakePattern("tag", "", "this tag is not valid", _UNTAG),
    _MistakePattern("", "tag handle", "tags are not supported", _UNTAG),
    _MistakePattern("", "incompatible YAML", "`%YAML` names an unsupported version", "delete the line"),
    _MistakePattern("", "directive", "this directive is not valid", "delete the line that begins with `%`"),
    _MistakePattern("directive", "", "this directive is not valid", "delete the line that begins with `%`"),
    _MistakePattern(
        "", "document start", "text follows the end of the document", "delete the text, or correct its indentation"
    ),
    _MistakePattern("", "expected key", "a key is expected here", f"{_ALIGN}, or {_QUOTE}"),
    _MistakePattern("block mapping", "block end", "a key is expected here", f"{_ALIGN}, or {_QUOTE}"),
    _MistakePattern("", "'-' indicator", "an item that begins with `- ` is expected here", _ALIGN),
    _MistakePattern("", "block end", "an item that begins with `- ` is expected here", _ALIGN),
    _MistakePattern("", "node content", "a value is expected here", _QUOTE),
)
_BREAK = re.compile(r"\r\n|\r|\n")
_CONFLICT = re.compile(r"^<{7}(?= )", re.MULTILINE)
_HASH = re.compile(r" #")
_LONE_KEY = re.compile(r"[ -]*([A-Za-z_][\w-]*)\Z")
# A key and a plain text behind it, up to the colon in the text at which reading stopped.
_TEXT_IN_BRACES = re.compile(r"(?:^|[\s{,\[])([A-Za-z_][\w-]*):[ \t]+([^\s\"'|>&*!%@`{}\[\],#][^{}\[\],\r\n]*)\Z")
_TEXT_OF_LINE = re.compile(r"[ -]*([A-Za-z_][\w-]*):[ \t]+([^\s\"'|>&*!%@`{}\[\],#][^\r\n]*)\Z")
_ITEM = re.compile(r"[ ]*- ([^\s\"'|>&*!%@`{}\[\],#][^\r\n]*)\Z")
_REST_IN_BRACES = re.compile(r"[^{}\[\],#\r\n]*")
_REST_OF_LINE = re.compile(r"(?:(?![ \t]#)[^\r\n])*")
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
        advice = "keep one side, or parts of both, and delete the marker lines"
        return error("merge-conflict", "the file has an unresolved merge conflict", place, help=advice)
    mark = getattr(problem, "problem_mark", None)
    start = getattr(problem, "context_mark", None)
    index = _mark_index(mark if mark is not None else start)
    tab = _find_tab(document, index)
    if tab is not None:
        return error(CODE, "the line is indented with a tab", document.between(tab, tab + 1), help="indent with spaces")
    if not isinstance(problem, yaml.MarkedYAMLError):
        return error(CODE, "the text is not valid YAML", document.between(0, 0))
    said = (problem.context or "", problem.problem or "")
    if "cannot start any token" in said[1]:
        return _bad_first_character(document, index)
    if "unknown escape" in said[1] and document.text[index : index + 1] != "\\":
        index -= 1  # the pure loader points behind the backslash
    by_line = _comment_in_brackets(document, index, said[1]) or _text_after_quote(document, index, said[1])
    by_line = by_line or _misread_key(document, index, said[1]) or _colon_in_text(document, index, said)
    if by_line is not None:
        return by_line
    for mistake in _MISTAKES:
        if mistake.context in said[0] and mistake.problem in said[1]:
            at = _mark_index(start) if mistake.at_context else index
            return error(CODE, mistake.message, _character_span(document, at), help=mistake.help)
    return error(CODE, "the text is not valid YAML here", _character_span(document, index), help=_QUOTE)


def _comment_in_brackets(document: Document, index: int, said: str) -> Diagnostic | None:
    """Find a ``#`` on the previous line that cut off the rest of a flow value."""
    if not any(piece in said for piece in ("node content", "or ']'", "or '}'")):
        return None
    lines = _BREAK.split(document.text[:index].rstrip())
    found = _HASH.search(lines[-1])
    if found is None or document.text[:index].rstrip() == document.text[:index].rstrip(" "):
        return None
    at = len(document.text[:index].rstrip()) - len(lines[-1]) + found.end() - 1
    message = "`#` begins a comment, which hides the closing bracket"
    return error(CODE, message, _character_span(document, at), help="put text with a `#` into quotes")


def _text_after_quote(document: Document, index: int, said: str) -> Diagnostic | None:
    """Find text behind a closing quote, mostly where the quote was meant as part of the text."""
    if not any(piece in said for piece in ("expected key", "block end")) or index >= len(document.text):
        return None
    line = _line_before(document, index).rstrip(" ")
    if not line.endswith(('"', "'")) or line.strip(" -") in ('"', "'"):
        return None
    message = "text follows the closing quote"
    advice = "write `\\\"` for a quote inside double quotes, `''` for one inside single quotes"
    return error(CODE, message, _character_span(document, index), help=advice)


def _misread_key(document: Document, index: int, said: str) -> Diagnostic | None:
    """Find a line that looks like a key but continues the text of the line above."""
    found = _LONE_KEY.match(_line_before(document, index))
    if "mapping values" not in said or found is None:
        return None
    place = document.between(index - len(found.group(1)), index)
    advice = "add the missing `:` to the line above, or indent this line less"
    return error(CODE, "a key is not allowed here", place, help=advice)


def _colon_in_text(document: Document, index: int, said: tuple[str, str]) -> Diagnostic | None:
    """Find a `: ` inside of a text without quotes; the help is the whole field with the text in quotes."""
    in_braces = "flow" in said[0]
    if document.text[index : index + 1] != ":" or not (in_braces or "mapping values" in said[1]):
        return None
    found = (_TEXT_IN_BRACES if in_braces else _TEXT_OF_LINE).search(_line_before(document, index))
    name = found.group(1) if found is not None else ""
    if found is None and not in_braces:
        found = _ITEM.match(_line_before(document, index))
    if found is None:
        return None
    rest = (_REST_IN_BRACES if in_braces else _REST_OF_LINE).match(document.text, index)
    text = found.group(found.lastindex or 0) + (rest.group() if rest is not None else "").rstrip()
    message = "a `: ` is not allowed in a text without quotes"
    advice = f"write `{f'{name}:' if name else '-'} {in_quotes(shorten(text, 400))}`"
    return error(CODE, message, _character_span(document, index), help=advice)


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
