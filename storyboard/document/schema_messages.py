"""Findings for schema violations, worded for authors and located at the exact key or value.

The messages of ``jsonschema`` repeat the whole instance and are not used.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from storyboard.core.diagnostics import Diagnostic, Label, error
from storyboard.core.suggest import alternatives, as_id, closest, did_you_mean, quoted, suggestion
from storyboard.document.schema import fields_of
from storyboard.document.yaml.source_map import Document, Path

FORBIDDEN = "forbidden"
SOURCES = ("prompt", "clip", "image", "card")
LocatedFinding = tuple[Diagnostic, Path]

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "`true` or `false`",
}
_LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}


def translate(document: Document, kind: str, problem: Any) -> Iterator[LocatedFinding]:
    """Yield the findings for one error of the library, each with the path of the wrong value."""
    path: Path = tuple(problem.absolute_path)
    if problem.validator == FORBIDDEN:
        yield _forbidden_field(document, path)
        return
    word = _TRANSLATORS.get(problem.validator, _other_error)
    yield from word(document, kind, path, problem)


def describe_owner(document: Document, path: Path, kind: str) -> str:
    """Return a name for the mapping at *path*: ``shot `glide` ``, ``scene 2``, ``the storyboard``, or its key."""
    if not path:
        return "the storyboard" if kind == "storyboard" else _describe_named(document, path, "the scene")
    if "include" in getattr(document.node(path), "items", ()) and path[:-1] == ("scenes",):
        return "an include"
    if len(path) >= 2 and path[-2] in ("shots", "scenes") and isinstance(path[-1], int):
        what = str(path[-2])[:-1]
        return _describe_named(document, path, what, f"{what} {path[-1] + 1}")
    return _describe_value(path)


def _describe_named(document: Document, path: Path, what: str, otherwise: str | None = None) -> str:
    value = getattr(document.node(path), "value", None)
    name = value.get("id") if isinstance(value, dict) else None
    return f"{what} {quoted(name)}" if isinstance(name, str) and name else otherwise or what


def _describe_value(path: Path) -> str:
    if not path:
        return "the file"
    last = path[-1]
    return (
        quoted(last)
        if isinstance(last, str)
        else f"item {last + 1} of {quoted(path[-2]) if len(path) > 1 else 'the file'}"
    )


def _forbidden_field(document: Document, path: Path) -> LocatedFinding:
    """Return the finding for a field that does not go with the source of its shot."""
    shot = document.node(path[:-1])
    found = [key for key in getattr(shot, "keys", {}) if key in SOURCES]
    if path[-1] not in SOURCES:
        message = f"a shot with `{found[0]}` takes no `{path[-1]}`"
        advice = "it belongs to generated shots, which have a `prompt`"
        advice = "a card always has the shape of the film" if path[-1] == "fit" else advice
        return error("wrong-source", message, document.key_span(path), help=advice), path
    first, second = (*path[:-1], found[0]), (*path[:-1], found[1])
    note = Label(document.key_span(first), f"the first is `{found[0]}`")
    message = f"{describe_owner(document, path[:-1], '')} has two sources"
    advice = f"a shot has one of {alternatives(SOURCES)}"
    return error("two-sources", message, document.key_span(second), note, help=advice), path


def _unknown_keys(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    known: Mapping[str, Any] = problem.schema.get("properties", {})
    for key in problem.instance:
        if key not in known and not key.startswith("x-"):
            here = (*path, key)
            message = f"{describe_owner(document, path, kind)} has no field {quoted(key)}"
            advice = did_you_mean(key, known) or _suggest_place(key, path) or _list_known(known)
            yield error("unknown-key", message, document.key_span(here), help=advice), here


def _suggest_place(key: str, path: Path) -> str | None:
    if key == "include":
        return "only an item of `scenes` can be an include, and an included file holds no further ones"
    places = {"shot": "a shot", "scene": "a scene", "storyboard": "the storyboard", "output": "`output`"}
    for name in ("shot", "output", "scene", "storyboard", "transition", "trim"):
        if key in fields_of(name):
            return f"`{key}` is a field of {places.get(name, f'`{name}`')}"
    return None


def _list_known(known: Mapping[str, Any]) -> str | None:
    return f"known are {', '.join(f'`{name}`' for name in known)}" if 0 < len(known) <= 6 else None


def _missing_keys(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    known = problem.schema.get("properties") or fields_of("shot")
    meant = {closest(key, known) for key in problem.instance if key not in known}
    if "include" in problem.instance and "include" not in known:
        return
    for key in problem.validator_value:
        if key not in problem.instance and not meant & ({*SOURCES} if key == "prompt" else {key}):
            yield _missing_key(document, kind, path, key), path


def _missing_key(document: Document, kind: str, path: Path, key: str) -> Diagnostic:
    who, place = describe_owner(document, path, kind), document.head_span(path)
    if key == "prompt":
        return error("no-source", f"{who} has no source", place, help=f"add one of {alternatives(SOURCES)}")
    advice = "begin the file with `version: 1`" if key == "version" else None
    return error("missing-key", f"{who} has no `{key}`", place, help=advice)


def _wrong_type(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    wanted, value = problem.validator_value, problem.instance
    names = [wanted] if isinstance(wanted, str) else wanted
    allowed = " or ".join(_TYPES[name] for name in names)
    subject = {"storyboard": "a storyboard", "scene": "a scene"}[kind] if not path else _describe_value(path)
    if value is None:
        message = f"{subject} is empty"
        form = f": {_first_sentence(problem.schema['description'])}" if "pattern" in problem.schema else ""
        yield error("wrong-type", message, document.span(path), help=f"it must be {allowed}{form}"), path
        return
    broken = names == ["integer"] and isinstance(value, float)
    message = f"{subject} must be {allowed}, not {quoted(value) if broken else _describe_type(value)}"
    yield error("wrong-type", message, document.span(path), help=_suggest_value(names, value, path)), path


def _describe_type(value: object) -> str:
    if isinstance(value, bool):
        return quoted(value)
    names: dict[type, str] = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names[type(value)]


def _suggest_value(wanted: list[str], value: object, path: Path) -> str | None:
    """Return how to write the value in the wanted type, ``None`` if that is not clear."""
    if isinstance(value, str) and ("number" in wanted or "integer" in wanted):
        digits = value.strip().rstrip("sS ").removesuffix("fp").strip()
        return f"write `{digits}` without quotes or unit" if digits.replace(".", "", 1).isdecimal() else None
    if isinstance(value, str) and wanted == ["boolean"]:
        words = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
        meant = words.get(value.lower())
        return None if meant is None else f"write `{meant}`: in YAML 1.2 `{value}` is text"
    if isinstance(value, str) and path and path[-2:-1] == ("scenes",) and value.endswith((".yaml", ".yml")):
        return f"write `- include: {value[:60]}`"
    if isinstance(value, int | float) and "string" in wanted and not isinstance(value, bool):
        return "put it into quotes"
    if isinstance(value, dict) and wanted == ["array"]:
        return "begin each item with `- `"
    return None


def _unknown_value(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    wanted, value = problem.validator_value, problem.instance
    if problem.validator == "const":
        message = f"version {quoted(value)} of the language is not known"
        yield error("unknown-version", message, document.span(path), help=f"write `version: {wanted}`"), path
        return
    message = f"{_describe_value(path)} must be {alternatives(wanted)}"
    if not isinstance(value, str):
        message += f", not {_describe_type(value) if value is not None else 'empty'}"
    advice = did_you_mean(value, wanted) if isinstance(value, str) else None
    yield error("unknown-value", message, document.span(path), help=advice), path


def _bad_pattern(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    title, value = problem.schema["title"], problem.instance
    of_key = "propertyNames" in problem.absolute_schema_path
    here = (*path, value) if of_key else path
    article = "an" if title[0] in "aeiou" else "a"
    meant = as_id(value) if title.endswith(" id") else None
    advice = _first_sentence(problem.schema["description"]) if meant is None else suggestion(meant)
    place = document.key_span(here) if of_key else document.span(here)
    yield error("bad-value", f"{quoted(value)} is not {article} {title}", place, help=advice), here


def _first_sentence(text: str) -> str:
    sentence = text.split(". ")[0].removesuffix(".")
    return sentence if sentence[1:2].isupper() else sentence[0].lower() + sentence[1:]


def _out_of_range(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    limit = _LIMITS[problem.validator]
    message = f"{_describe_value(path)} must be {limit} {problem.validator_value}, not {quoted(problem.instance)}"
    yield error("out-of-range", message, document.span(path)), path


def _length(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    limit = problem.validator_value
    if problem.validator.startswith("min"):
        message = f"{_describe_value(path)} is empty"
    else:
        what = {"maxLength": "characters", "maxItems": "items"}.get(problem.validator, "entries")
        message = f"{_describe_value(path)} has more than {limit} {what}"
    yield error("bad-length", message, document.key_span(path) if path else document.head_span(path)), path


def _repeated_value(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    values: list[object] = problem.instance
    value = values[int(path[-1])]
    first = Label(document.span((*path[:-1], values.index(value))), "it stands here first")
    message = f"{quoted(value)} is repeated in {_describe_value(path[:-1])}"
    yield error("repeated-value", message, document.span(path), first), path


def _other_error(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    yield error("bad-value", f"{_describe_value(path)} is not allowed here", document.span(path)), path


_TRANSLATORS: dict[str, Callable[[Document, str, Path, Any], Iterator[LocatedFinding]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "type": _wrong_type,
    "enum": _unknown_value,
    "const": _unknown_value,
    "pattern": _bad_pattern,
    **dict.fromkeys(_LIMITS, _out_of_range),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "maxProperties"), _length),
    "uniqueItems": _repeated_value,
}
