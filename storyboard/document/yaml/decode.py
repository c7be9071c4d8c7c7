"""Decode the bytes of a file, and refuse text that cannot be read as YAML safely."""

import codecs
import re

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.document.yaml.source_map import Document

MAX_BYTES = 4 * 1024 * 1024
MAX_DIRECTIVES = 16

_UTF16 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_SEPARATOR = re.compile("[\x85\u2028\u2029]")
_DIRECTIVE = re.compile(r"(?:\A|[\r\n])(%)")


def decode_document(raw: bytes, name: str) -> Document:
    """Return a document with the text of a file and no root.

    A finding in it is the reason why the text must not be parsed: it is too large, not UTF-8, or holds control
    characters.
    """
    document = Document(name, "", None, [])
    problem = (
        _check_size(document, raw)
        or _decode(document, raw)
        or _check_characters(document)
        or _check_directives(document)
    )
    if problem is not None:
        document.findings.append(problem)
    return document


def _check_size(document: Document, raw: bytes) -> Diagnostic | None:
    if len(raw) <= MAX_BYTES:
        return None
    message = f"the file is larger than {MAX_BYTES >> 20} MiB"
    return error("file-too-big", message, document.between(0, 0), help="split the file")


def _decode(document: Document, raw: bytes) -> Diagnostic | None:
    if raw.startswith(_UTF16):
        message = "the file is UTF-16 or UTF-32, not UTF-8"
        return error("not-utf-8", message, document.between(0, 0), help="save the file as UTF-8")
    body = raw.removeprefix(codecs.BOM_UTF8)
    try:
        document.text = body.decode("utf-8")
    except UnicodeDecodeError as problem:
        document.text = body.decode("utf-8", "replace")
        at = len(body[: problem.start].decode("utf-8"))
        byte = f"0x{body[problem.start]:02x}"
        place = document.between(at, at + 1)
        return error("not-utf-8", f"byte {byte} is not UTF-8", place, help="save the file as UTF-8")
    return None


def _check_characters(document: Document) -> Diagnostic | None:
    if document.text.replace("\n", "").isprintable():  # a quick yes; what is not printable may be allowed
        return None
    found = _CONTROL.search(document.text)
    if found is not None:
        message = f"the control character U+{ord(found.group()):04X} is not allowed"
        return error("control-character", message, document.between(*found.span()), help="delete the character")
    found = _SEPARATOR.search(document.text)
    if found is not None:
        # A line break for the rules of YAML 1.1 only: it could end a comment and begin a key that nobody sees.
        code = f"{ord(found.group()):04X}"
        message = f"some YAML parsers end the line at U+{code}, others do not"
        return error(
            "line-separator", message, document.between(*found.span()), help=f"write `\\u{code}` in double quotes"
        )
    return None


def _check_directives(document: Document) -> Diagnostic | None:
    if "%" not in document.text:
        return None
    # libyaml compares every %TAG with all before it.
    for count, found in enumerate(_DIRECTIVE.finditer(document.text), 1):
        if count > MAX_DIRECTIVES:
            message = f"more than {MAX_DIRECTIVES} lines begin with `%`"
            return error("yaml-syntax", message, document.between(*found.span(1)), help="delete these lines")
    return None
