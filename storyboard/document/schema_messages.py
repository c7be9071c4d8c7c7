"""What the schema found, in the words of people who write storyboards, at the exact key or value.

The library's own messages repeat the whole instance; nothing of them is used.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from storyboard.core.diagnostics import Diagnostic, Label, error
from storyboard.core.suggest import closest, did_you_mean, suggestion
from storyboard.document.names import alternatives, as_id, quoted
from storyboard.document.schema import fields_of
from storyboard.document.yaml.source_map import Document, Path

FORBIDDEN = "forbidden"
SOURCES = ("prompt", "clip", "image", "card")
Told = tuple[Diagnostic, Path]

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


def translate(document: Document, kind: str, problem: Any) -> Iterator[Told]:
    """The findings that one error of the library amounts to, each with the path of what is wrong."""
    path: Path = tuple(problem.absolute_path)
    if problem.validator == FORBIDDEN:
        yield _forbidden(document, path)
        return
    word = _WORDS.get(problem.validator, _other)
    yield from word(document, kind, path, problem)


def owner(document: Document, path: Path, kind: str) -> str:
    """What the mapping at *path* is: ``shot `glide` ``, ``scene 2``, ``the storyboard``, or the key it stands under."""
    if not path:
        return "the storyboard" if kind == "storyboard" else _named(document, path, "the scene")
    if "include" in getattr(document.node(path), "items", ()) and path[:-1] == ("scenes",):
        return "an include"
    if len(path) >= 2 and path[-2] in ("shots", "scenes") and isinstance(path[-1], int):
        what = str(path[-2])[:-1]
        return _named(document, path, what, f"{what} {path[-1] + 1}")
    return _subject(path)


def _named(document: Document, path: Path, what: str, otherwise: str | None = None) -> str:
    value = getattr(document.node(path), "value", None)
    name = value.get("id") if isinstance(value, dict) else None
    return f"{what} {quoted(name)}" if isinstance(name, str) and name else otherwise or what


def _subject(path: Path) -> str:
    if not path:
        return "the file"
    last = path[-1]
    return (
        quoted(last)
        if isinstance(last, str)
        else f"item {last + 1} of {quoted(path[-2]) if len(path) > 1 else 'the file'}"
    )


def _forbidden(document: Document, path: Path) -> Told:
    """A field that does not go with the source of its shot."""
    shot = document.node(path[:-1])
    found = [key for key in getattr(shot, "keys", {}) if key in SOURCES]
    if path[-1] not in SOURCES:
        message = f"a shot with `{found[0]}` takes no `{path[-1]}`"
        advice = "it belongs to generated shots, which have a `prompt`"
        advice = "a card always has the shape of the film" if path[-1] == "fit" else advice
        return error("wrong-source", message, document.key_span(path), help=advice), path
    first, second = (*path[:-1], found[0]), (*path[:-1], found[1])
    note = Label(document.key_span(first), f"the first is `{found[0]}`")
    message = f"{owner(document, path[:-1], '')} has two sources"
    advice = f"a shot has one of {alternatives(SOURCES)}"
    return error("two-sources", message, document.key_span(second), note, help=advice), path


def _unknown(document: Document, kind: str, path: Path, problem: Any) -> Iterator[Told]:
    known: Mapping[str, Any] = problem.schema.get("properties", {})
    for key in problem.instance:
        if key not in known and not key.startswith("x-"):
            here = (*path, key)
            message = f"{owner(document, path, kind)} has no field {quoted(key)}"
            advice = did_you_mean(key, known) or _elsewhere(key, path) or _known(known)
            yield error("unknown-key", message, document.key_span(here), help=advice), here


def _elsewhere(key: str, path: Path) -> str | None:
    if key == "include":
        return "only an item of `scenes` can be an include, and an included file holds no further ones"
    places = {"shot": "a shot", "scene": "a scene", "storyboard": "the storyboard", "output": "`output`"}
    for name in ("shot", "output", "scene", "storyboard", "transition", "trim"):
        if key in fields_of(name):
            return f"`{key}` is a field of {places.get(name, f'`{name}`')}"
    return None


def _known(known: Mapping[str, Any]) -> str | None:
    return f"known are {', '.join(f'`{name}`' for name in known)}" if 0 < len(known) <= 6 else None


def _missing(document: Document, kind: str, path: Path, problem: Any) -> Iterator[Told]:
    known = problem.schema.get("properties") or fields_of("shot")
    meant = {closest(key, known) for key in problem.instance if key not in known}
    if "include" in problem.instance and "include" not in known:
        return
    for key in problem.validator_value:
        if key not in problem.instance and not meant & ({*SOURCES} if key == "prompt" else {key}):
            yield _missing_one(document, kind, path, key), path


def _missing_one(document: Document, kind: str, path: Path, key: str) -> Diagnostic:
    who, place = owner(document, path, kind), document.head_span(path)
    if key == "prompt":
        return error("no-source", f"{who} has no source", place, help=f"add one of {alternatives(SOURCES)}")
    advice = "begin the file with `version: 1`" if key == "version" else None
    return error("missing-key", f"{who} has no `{key}`", place, help=advice)


def _wrong_type(document: Document, kind: str, path: Path, problem: Any) -> Iterator[Told]:
    wanted, value = problem.validator_value, problem.instance
    names = [wanted] if isinstance(wanted, str) else wanted
    allowed = " or ".join(_TYPES[name] for name in names)
    subject = {"storyboard": "a storyboard", "scene": "a scene"}[kind] if not path else _subject(path)
    if value is None:
        message = f"{subject} is empty"
        form = f": {_first_sentence(problem.schema['description'])}" if "pattern" in problem.schema else ""
        yield error("wrong-type", message, document.span(path), help=f"it must be {allowed}{form}"), path
        return
    broken = names == ["integer"] and isinstance(value, float)
    message = f"{subject} must be {allowed}, not {quoted(value) if broken else _kind(value)}"
    yield error("wrong-type", message, document.span(path), help=_retype(names, value, path)), path


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return quoted(value)
    names: dict[type, str] = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names[type(value)]


def _retype(wanted: list[str], value: object, path: Path) -> str | None:
    """How the value could be written to be of the wanted type."""
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


def _wrong_word(document: Document, kind: str, path: Path, problem: Any) -> Iterator[Told]:
    wanted, value = problem.validator_value, problem.instance
    if problem.validator == "const":
        message = f"version {quoted(value)} of the language is not known"
        yield error("unknown-version", message, document.span(path), help=f"write `version: {wanted}`"), path
        return
    message = f"{_subject(path)} must be {alternatives(wanted)}"
    if not isinstance(value, str):
        message += f", not {_kind(value) if value is not None else 'empty'}"
    advice = did_you_mean(value, wanted) if isinstance(value, str) else None
    yield error("unknown-value", message, document.span(path), help=advice), path


def _wrong_form(document: Document, kind: str, path: Path, problem: Any) -> Iterator[Told]:
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


def _out_of_range(document: Document, kind: str, path: Path, problem: Any) -> Iterator[Told]:
    limit = _LIMITS[problem.validator]
    message = f"{_subject(path)} must be {limit} {problem.validator_value}, not {quoted(problem.instance)}"
    yield error("out-of-range", message, document.span(path)), path


def _length(document: Document, kind: str, path: Path, problem: Any) -> Iterator[Told]:
    limit = problem.validator_value
    if problem.validator.startswith("min"):
        message = f"{_subject(path)} is empty"
    else:
        what = {"maxLength": "characters", "maxItems": "items"}.get(problem.validator, "entries")
        message = f"{_subject(path)} has more than {limit} {what}"
    yield error("bad-length", message, document.key_span(path) if path else document.head_span(path)), path


def _repeated(document: Document, kind: str, path: Path, problem: Any) -> Iterator[Told]:
    values: list[object] = problem.instance
    value = values[int(path[-1])]
    first = Label(document.span((*path[:-1], values.index(value))), "it stands here first")
    message = f"{quoted(value)} is repeated in {_subject(path[:-1])}"
    yield error("repeated-value", message, document.span(path), first), path


def _other(document: Document, kind: str, path: Path, problem: Any) -> Iterator[Told]:
    yield error("bad-value", f"{_subject(path)} is not allowed here", document.span(path)), path


_WORDS: dict[str, Callable[[Document, str, Path, Any], Iterator[Told]]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "type": _wrong_type,
    "enum": _wrong_word,
    "const": _wrong_word,
    "pattern": _wrong_form,
    **dict.fromkeys(_LIMITS, _out_of_range),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "maxProperties"), _length),
    "uniqueItems": _repeated,
}
