"""Findings for schema violations, worded for authors and located at the exact key or value.

The messages of ``jsonschema`` repeat the whole instance and are not used.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from storyboard.core.diagnostics import Diagnostic, Label, error
from storyboard.core.suggest import alternatives, as_id, quoted, suggestion
from storyboard.document.fields import SOURCES
from storyboard.document.fix_lines import field_line, format_value, line_for, number_for, with_duration
from storyboard.document.meanings import UnknownField, field_advice, meant_fields, value_advice
from storyboard.document.schema import fields_of
from storyboard.document.yaml.scalars import in_quotes
from storyboard.document.yaml.source_map import Document, Map, Path, Scalar

FORBIDDEN = "forbidden"
_FILE = re.compile(r"\.[A-Za-z0-9]{2,5}\Z")
_TIMED = re.compile(r"([a-z]+)[\s,]+(\d.*)\Z")
LocatedFinding = tuple[Diagnostic, Path]

_TYPES = {
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
        return "an `include`"
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
        message = f"a shot with `{found[0]}` has no field `{path[-1]}`"
        advice = _advice_for_forbidden(str(path[-1]), found[0], getattr(shot, "value", {}))
        return error("wrong-source", message, document.key_span(path), help=advice), path
    first, second = (*path[:-1], found[0]), (*path[:-1], found[1])
    note = Label(document.key_span(first), f"the other source is `{found[0]}`")
    message = f"{describe_owner(document, path[:-1], '')} has two sources"
    advice = f"keep {alternatives(found[:2])}, or write two shots"
    return error("two-sources", message, document.key_span(second), note, help=advice), path


def _advice_for_forbidden(field: str, source: str, shot: Mapping[str, Any]) -> str:
    """Return the help for a *field* of a *shot* that does not go with its *source*."""
    if field == "duration" and source in ("card", "image"):
        article = "a" if source == "card" else "an"
        return f"{article} {source} has its own: write `{with_duration(source, shot[source], shot[field])}`"
    if field == "duration":
        line = field_line("trim", {"end": shot[field]})
        return f"a clip is as long as its file: write `{line}` to show less, or `speed` to show it slower"
    reason = "a card is drawn in the size of the film" if field == "fit" else "generated shots have this field"
    return f"delete `{field}`; {reason}"


def _unknown_keys(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    known: Mapping[str, Any] = problem.schema.get("properties", {})
    texts = dict(_texts_with_commas(document, path, known))
    for key, value in problem.instance.items():
        if key in known or key.startswith("x-"):
            continue
        here = (*path, key)
        if key in texts and texts[key] is None:  # a further part of a text that is reported already
            continue
        message = f"unknown field {quoted(key)} in {describe_owner(document, path, kind)}"
        unknown = UnknownField(key, value, problem.instance, _field_name(path), _shot_id(document, path))
        advice = (
            texts.get(key)
            or field_advice(problem.schema.get("title", ""), unknown, known)
            or _suggest_place(key, value, known)
            or _list_known(key, known)
        )
        yield error("unknown-key", message, document.key_span(here), help=advice), here


def _texts_with_commas(document: Document, path: Path, known: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield the unknown keys that are parts of a text with commas, the first with the help, the others with ``None``.

    In braces ``{text: Hello, world}`` has the field ``world`` without a value.
    """
    node = document.node(path)
    if not isinstance(node, Map) or document.text[node.start : node.start + 1] != "{":
        return
    items = list(node.items.items())
    for number, (name, value) in enumerate(items):
        if not isinstance(value, Scalar) or not isinstance(value.value, str) or document.text[value.start] in "\"'":
            continue
        parts = []
        for key, below in items[number + 1 :]:
            if key in known or below.value is not None:
                break
            parts.append(key)
        if parts:
            text = document.text[value.start : node.keys[parts[-1]][1]]
            whole = in_quotes(" ".join(text.split()))
            yield parts[0], f"a comma ends a text in braces; put the text into quotes: `{name}: {whole}`"
            yield from ((part, None) for part in parts[1:])


def _shot_id(document: Document, path: Path) -> str:
    """Return the id of the shot around *path*, empty if there is none."""
    for length in range(len(path), 1, -1):
        if path[length - 2] == "shots":
            name = getattr(document.node(path[:length]), "value", {})
            return str(name["id"]) if isinstance(name, dict) and isinstance(name.get("id"), str) else ""
    return ""


def _field_name(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _suggest_place(key: str, value: object, known: Mapping[str, Any]) -> str | None:
    if key == "include":
        return "write `include` as an item of `scenes` in the storyboard"
    if "include" in known and key in fields_of("scene"):
        return f"write `{key}` in the included file"
    if "defaults" in known and key in fields_of("defaults"):
        return f"for all shots here, write `{field_line('defaults', {key: value})}`"
    places = {"shot": "a shot", "scene": "a scene", "storyboard": "the storyboard", "output": "`output`"}
    for name in ("shot", "output", "scene", "storyboard", "transition", "trim"):
        if key in fields_of(name):
            return f"move `{key}` to {places.get(name, f'`{name}`')}"
    return None


def _list_known(key: str, known: Mapping[str, Any]) -> str:
    return (
        f"use {alternatives(known)}"
        if 0 < len(known) <= 6
        else f"delete {quoted(key)}; `storyboard schema` lists all fields"
    )


def _missing_keys(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    known = problem.schema.get("properties") or fields_of("shot")
    owner = problem.schema.get("title", "shot")
    meant = {name for key in problem.instance if key not in known for name in meant_fields(owner, key, known)}
    if ("include" in problem.instance and "include" not in known) or "" in meant:
        return
    for key in problem.validator_value:
        if key not in problem.instance and not meant & ({*SOURCES} if key == "prompt" else {key}):
            yield _missing_key(document, kind, path, key), path


def _missing_key(document: Document, kind: str, path: Path, key: str) -> Diagnostic:
    who, place = describe_owner(document, path, kind), document.head_span(path)
    if key == "prompt":
        return error("no-source", f"{who} has no source", place, help=f"add {alternatives(SOURCES)}")
    advice = "begin the file with `version: 1`" if key == "version" else f"add `{key}`"
    return error("missing-key", f"{who} needs the field `{key}`", place, help=advice)


def _wrong_type(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    if "enum" in problem.schema:  # the error about its words says more
        return
    wanted, value = problem.validator_value, problem.instance
    names = [wanted] if isinstance(wanted, str) else wanted
    allowed = " or ".join(_TYPES.get(name) or f"fields such as {_example(problem.schema, value)}" for name in names)
    subject = {"storyboard": "the storyboard", "scene": "the scene"}[kind] if not path else _describe_value(path)
    advice = _suggest_value(document, names, value, path)
    if value is None:
        message = f"{subject} has no value"
        advice = f"write {_first_sentence(problem.schema['description']) if 'pattern' in problem.schema else allowed}"
    elif names == ["object"]:
        message = f"{subject} needs fields, such as {_example(problem.schema, value)}"
        advice = None if advice is not None and advice == f"write {_example(problem.schema, value)}" else advice
    elif _is_number(value) and problem.schema.get("title", "").endswith(" id"):
        message = f"{subject} is a number; quote it to use it as an id"
    else:
        broken = names == ["integer"] and isinstance(value, float)
        message = f"{subject} must be {allowed}, not {quoted(value) if broken else _describe_type(value)}"
    yield error("wrong-type", message, document.span(path), help=advice), path


def _example(schema: Mapping[str, Any], value: object) -> str:
    """Return an example of fields by *schema*, with *value* in it if it is the word that one of them takes."""
    if isinstance(value, str) and value.endswith((".yaml", ".yml")) and "shots" in schema["properties"]:
        return f"`include: {value[:60]}`"
    fields = dict(schema["x-example"])
    if isinstance(value, str) and value and "text" in fields:
        fields["text"] = value
    elif isinstance(value, str) and value and "prompt" in fields:
        fields |= {"id": as_id(value)} if as_id(value) == value else {"prompt": value}
    for name in schema.get("required", ()):
        if value in schema["properties"][name].get("enum", ()):
            fields = {name: value}
    return f"`{{{', '.join(f'{name}: {_format_example(one)}' for name, one in fields.items())}}}`"


def _format_example(value: object) -> str:
    if isinstance(value, list | dict):
        return "[…]" if isinstance(value, list) else "{…}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _describe_type(value: object) -> str:
    if isinstance(value, bool):
        return quoted(value)
    names: dict[type, str] = {
        str: "text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a group of fields",
    }
    return names[type(value)]


def _suggest_value(document: Document, wanted: list[str], value: object, path: Path) -> str | None:
    """Return how to write the value in the wanted type, ``None`` if that is not clear."""
    name = _field_name(path)
    line = line_for(name, value, wanted, _siblings(document, path)) if path and name == path[-1] else None
    if line is not None:
        return line
    if isinstance(value, str) and ("number" in wanted or "integer" in wanted):
        return _suggest_number(name, value, whole="number" not in wanted)
    if isinstance(value, str) and wanted == ["boolean"]:
        words = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
        meant = words.get(value.lower())
        return None if meant is None else f"write `{meant}`: in YAML 1.2 `{value}` is text"
    if _is_number(value) and "string" in wanted:
        written = (document.source_text(path) or (0, str(value)))[1]
        return f'write `"{written}"`'
    if wanted == ["array"]:
        return "begin each item with `- `"
    return None


def _siblings(document: Document, path: Path) -> Mapping[str, Any]:
    value = getattr(document.node(path[:-1]), "value", None)
    return value if isinstance(value, dict) else {}


def _suggest_number(field: str, text: str, *, whole: bool) -> str | None:
    """Return how to write the number that *text* means in *field*, ``None`` if that is not clear."""
    number = number_for(field, text)
    if number is None or (whole and number.denominator != 1):
        return None
    if ":" in text:
        return f"write `{format_value(number)}`; times are in seconds"
    digits = re.match(r"\s*([\d.]+)", text)
    is_plain = digits is not None and digits.group(1) == format_value(number)
    return f"write `{format_value(number)}` without quotes or unit" if is_plain else f"write `{format_value(number)}`"


def _unknown_value(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    wanted, value = problem.validator_value, problem.instance
    if problem.validator == "const":
        message = f"`version` must be {wanted}, not {quoted(value)}"
        yield error("unknown-version", message, document.span(path), help=f"write `version: {wanted}`"), path
        return
    message, advice = f"{_describe_value(path)} must be {alternatives(wanted)}", None
    if value is None:
        message, advice = f"{_describe_value(path)} has no value", f"write {alternatives(wanted)}"
    elif isinstance(value, str):
        advice = _advice_for_word(document, path, problem.schema.get("title", ""), value, wanted)
    else:
        message += f", not {_describe_type(value)}"
    yield error("unknown-value", message, document.span(path), help=advice), path


def _advice_for_word(document: Document, path: Path, title: str, value: str, wanted: list[str]) -> str | None:
    """Return the help for a word that its field does not have."""
    if title == "mode" and _FILE.search(value):
        shot = _shot_id(document, path) or "…"
        line = field_line("audio", [{"file": value, "start": {"shot": shot}}])
        return f"a file is a track of the whole film: write at the top of the storyboard `{line}`"
    timed = _TIMED.match(value) if title == "kind of transition" else None
    kind, seconds = (timed.group(1), number_for("duration", timed.group(2))) if timed is not None else ("", None)
    if kind in wanted and seconds is not None:
        return f"write `{field_line('transition', {'type': kind, 'duration': seconds})}`"
    return value_advice(title, value, wanted)


def _bad_pattern(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    title, value = problem.schema["title"], problem.instance
    of_key = "propertyNames" in problem.absolute_schema_path
    here = (*path, value) if of_key else path
    article = "an" if title[0] in "aeiou" else "a"
    meant = as_id(value) if title.endswith(" id") else None
    rate = number_for("fps", value) if title == "frame rate" and "/" not in value else None
    advice = value_advice(title, value, ()) if rate is None else f"write `{format_value(rate)}`"
    advice = advice or (
        f"write {_first_sentence(problem.schema['description'])}" if meant is None else suggestion(meant)
    )
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
        advice = "add an item" if problem.validator == "minItems" else "write text"
    else:
        what = {"maxLength": "characters", "maxItems": "items"}.get(problem.validator, "entries")
        message = f"{_describe_value(path)} has more than {limit} {what}"
        advice = "shorten the text" if problem.validator == "maxLength" else f"delete {what}"
    place = document.key_span(path) if path else document.head_span(path)
    yield error("bad-length", message, place, help=advice), path


def _repeated_value(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    values: list[object] = problem.instance
    value = values[int(path[-1])]
    first = Label(document.span((*path[:-1], values.index(value))), "the first one is here")
    message = f"{quoted(value)} is repeated in {_describe_value(path[:-1])}"
    yield error("repeated-value", message, document.span(path), first, help="delete one of the two"), path


def _other_error(document: Document, kind: str, path: Path, problem: Any) -> Iterator[LocatedFinding]:
    name = _describe_value(path)
    yield error("bad-value", f"{name} is not allowed here", document.span(path), help=f"delete {name}"), path


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
