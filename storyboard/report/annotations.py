"""Findings in the formats of CI systems: workflow commands of GitHub, SARIF, GitLab's code quality, and JUnit.

Lines and columns count from 1. Spans count code points, as SARIF may; GitHub counts UTF-16 units. Control characters
of foreign text are replaced by ``text.clean``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Severity, Span
from storyboard.report.diagnostics import SourceLines, summary
from storyboard.report.text import clean, clean_block, clean_lines

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_TOOL = "storyboard"


class CheckedFiles(Struct, frozen=True):
    """The findings of a check, and what the formats need beside them.

    *texts* are the sources by the file names of the spans, *files* are all files that were read, the storyboard first.
    *place_of* returns the path of a file in the checkout, with forward slashes. *explain* returns the entry of a code
    in the page of findings. *version* is the version of this program.
    """

    findings: Sequence[Diagnostic]
    texts: Mapping[str, str]
    files: Sequence[str]
    place_of: Callable[[str], str]
    explain: Callable[[str], str]
    version: str


def annotations(form: str, checked: CheckedFiles) -> str:
    """Return the findings in the format ``github``, ``sarif``, ``gitlab`` or ``junit``, without a last line break.

    Empty for GitHub without findings.
    """
    return _FORMATS[form](checked)


def _github(checked: CheckedFiles) -> str:
    lines = SourceLines(checked.texts)
    return "\n".join(_workflow_command(finding, checked, lines) for finding in checked.findings)


def _workflow_command(finding: Diagnostic, checked: CheckedFiles, lines: SourceLines) -> str:
    """Return a workflow command, which GitHub shows beside the line of a file."""
    span = finding.span
    place: dict[str, object] = {} if span is None else {"file": checked.place_of(span.file), "line": span.line}
    if span is not None:
        place["endLine"] = span.end_line
        source = lines.line(span)
        if span.line == span.end_line and source is not None:  # GitHub refuses columns of a place with several lines
            place["col"] = _utf16_column(source, span.column)
            place["endColumn"] = _utf16_column(source, span.end_column)
    place["title"] = finding.code
    properties = ",".join(f"{name}={_escape_property(str(value))}" for name, value in place.items())
    return f"::{finding.severity} {properties}::{_escape_command(_whole_message(finding, checked))}"


def _utf16_column(source: str, column: int) -> int:
    return len(source[: column - 1].encode("utf-16-le", "surrogatepass")) // 2 + 1


def _escape_command(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_command(clean(text)).replace(":", "%3A").replace(",", "%2C")


def _whole_message(finding: Diagnostic, checked: CheckedFiles) -> str:
    """Return the fact, the notes and the help of a finding, a line each."""
    notes = [f"note: {clean(note.text)} at {_where(note.span, checked)}" for note in finding.notes]
    advice = [f"help: {clean_block(finding.help)}"] if finding.help else []
    return "\n".join([clean_lines(finding.message), *notes, *advice])


def _where(span: Span, checked: CheckedFiles) -> str:
    return f"{clean(checked.place_of(span.file))}:{span.line}:{span.column}"


def _sarif(checked: CheckedFiles) -> str:
    codes = list(dict.fromkeys(finding.code for finding in checked.findings))
    prints = _fingerprints(checked)
    results = [
        _sarif_result(finding, mark, codes, checked) for finding, mark in zip(checked.findings, prints, strict=True)
    ]
    rules = [_sarif_rule(code, checked) for code in codes]
    driver = {"name": _TOOL, "version": checked.version, "semanticVersion": checked.version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _json({"$schema": _SARIF, "version": "2.1.0", "runs": [run]})


def _sarif_rule(code: str, checked: CheckedFiles) -> dict[str, Any]:
    whole = checked.explain(code)
    meaning = whole.split("\n\n")[1:2]
    return {
        "id": code,
        "shortDescription": {"text": " ".join(meaning[0].split()) if meaning else code},
        "help": {"text": whole},
    }


def _sarif_result(finding: Diagnostic, mark: str, codes: list[str], checked: CheckedFiles) -> dict[str, Any]:
    related = [
        {**_sarif_location(note.span, checked), "id": number, "message": {"text": clean(note.text)}}
        for number, note in enumerate(finding.notes)
    ]
    result = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": str(finding.severity),
        "message": {"text": _whole_message(finding, checked)},
        "locations": [_sarif_location(_place(finding, checked), checked)],
        "partialFingerprints": {"storyboard/v1": mark},
    }
    return {**result, "relatedLocations": related} if related else result


def _sarif_location(span: Span, checked: CheckedFiles) -> dict[str, Any]:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    artifact = {"uri": quote(checked.place_of(span.file)), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _place(finding: Diagnostic, checked: CheckedFiles) -> Span:
    """Return the place of a finding; the first character of the storyboard for one without a place."""
    return finding.span or Span(checked.files[0], 1, 1, 1, 1)


def _fingerprints(checked: CheckedFiles) -> list[str]:
    """Return a mark for each finding that a change of other lines keeps, so that a CI system recognises it."""
    seen: dict[str, int] = {}
    marks = []
    for finding in checked.findings:
        told = [checked.place_of(_place(finding, checked).file), finding.code, finding.message]
        mark = sha256(json.dumps(told).encode()).hexdigest()
        seen[mark] = seen.get(mark, 0) + 1
        marks.append(mark if seen[mark] == 1 else sha256(f"{mark} {seen[mark]}".encode()).hexdigest())
    return marks


def _gitlab(checked: CheckedFiles) -> str:
    severity = {Severity.ERROR: "major", Severity.WARNING: "minor"}
    found = []
    for finding, mark in zip(checked.findings, _fingerprints(checked), strict=True):
        span = _place(finding, checked)
        begin, end = ({"line": span.line, "column": span.column}, {"line": span.end_line, "column": span.end_column})
        found.append(
            {
                "description": _whole_message(finding, checked).replace("\n", "; "),
                "check_name": finding.code,
                "fingerprint": mark,
                "severity": severity[finding.severity],
                "location": {"path": checked.place_of(span.file), "positions": {"begin": begin, "end": end}},
            }
        )
    return _json(found)


def _junit(checked: CheckedFiles) -> str:
    """Return a test suite: a failed case for each error, and a passed case for each file without an error."""
    errors = [finding for finding in checked.findings if finding.severity is Severity.ERROR]
    wrong = {_place(finding, checked).file for finding in errors}
    right = [file for file in checked.files if file not in wrong]
    counts = {"tests": str(len(errors) + len(right)), "failures": str(len(errors)), "errors": "0", "skipped": "0"}
    whole = Element("testsuites", counts)
    suite = SubElement(whole, "testsuite", {"name": f"{_TOOL} check", **counts})
    for file in right:
        case = _junit_case(suite, file, clean(checked.place_of(file)), checked)
        notes = [one for one in checked.findings if _place(one, checked).file == file]
        if notes:
            SubElement(case, "system-out").text = "\n".join(_junit_text(one, checked) for one in notes)
    for finding in errors:
        span = _place(finding, checked)
        case = _junit_case(suite, span.file, f"{finding.code} at {_where(span, checked)}", checked)
        case.set("line", str(span.line))
        failure = SubElement(case, "failure", {"message": clean_lines(finding.message), "type": finding.code})
        failure.text = _junit_text(finding, checked)
    SubElement(suite, "system-out").text = summary(checked.findings)
    indent(whole)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(whole, encoding="unicode")


def _junit_case(suite: Element, file: str, name: str, checked: CheckedFiles) -> Element:
    place = checked.place_of(file)
    return SubElement(suite, "testcase", {"classname": clean(place), "name": name, "file": clean(place)})


def _junit_text(finding: Diagnostic, checked: CheckedFiles) -> str:
    span = _place(finding, checked)
    return f"{_where(span, checked)}: {finding.severity}[{finding.code}]: {_whole_message(finding, checked)}"


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True)


_FORMATS: Mapping[str, Callable[[CheckedFiles], str]] = {
    "github": _github,
    "sarif": _sarif,
    "gitlab": _gitlab,
    "junit": _junit,
}
