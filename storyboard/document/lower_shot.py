"""Checked data to the model, tolerant of what is wrong: values that cannot be used are passed over.

Everything here works on the fields of one shot; what concerns the film as a whole is in ``film``.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from msgspec import Struct, convert

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.core.model import (
    NORMAL,
    WHOLE,
    Clip,
    FileInput,
    Fit,
    FrameInput,
    FrameLink,
    Generated,
    Json,
    Shot,
    Size,
    Source,
    Trim,
)
from storyboard.core.model_cards import ModelCard
from storyboard.core.timebase import exact, plain_number
from storyboard.document.fields import Field, FieldLayer, ShotDraft, layer
from storyboard.document.file_inputs import FileInputs
from storyboard.document.links import LinkedShot
from storyboard.document.lower_audio import shot_audio
from storyboard.document.lower_sources import material, read_seeds, transition
from storyboard.document.lower_text import CaptionFonts, VarExpander, captions
from storyboard.document.model_limits import ModelChecks

MAX_PARAM_VALUES = 256


class LoweringContext(Struct):
    """What every shot of one storyboard is lowered with."""

    findings: list[Diagnostic]
    texts: VarExpander
    frames: FileInputs
    cards: ModelChecks
    film_size: Size | None
    params: dict[tuple[tuple[str, object], ...], Mapping[str, Json]]
    caption_fonts: tuple[FileInput | None, ...] = ()


class LoweredShot(Struct):
    """A shot, ``None`` if its source cannot be used, with what the links of the film are checked by."""

    shot: Shot | None
    linked: LinkedShot
    card: ModelCard | None


def lower_shot(draft: ShotDraft, tools: LoweringContext) -> LoweredShot:
    """Read one shot; what is wrong with it is added to the findings."""
    title = _text(draft, "title", tools)
    links: list[tuple[Field, FrameLink]] = []
    card = tools.cards.card(draft) if draft.kind == "prompt" else None
    source = (
        _generated(draft, card, tools, links)
        if card is not None
        else material(draft, tools.texts, tools.frames, tools.findings)
    )
    trim = _trim(draft, source, tools)
    linked = LinkedShot(draft, source if isinstance(source, Generated) else None, links)
    if source is None:
        return LoweredShot(None, linked, card)
    shot = Shot(
        id=draft.id,
        scene=draft.scene.id,
        source=source,
        trim=trim,
        transition=transition(draft),
        caption=captions(
            draft, _length(source), tools.texts, CaptionFonts(tools.caption_fonts, tools.frames), tools.findings
        ),
        audio=shot_audio(draft, tools.findings),
        speed=_number(draft, "speed", NORMAL),
        fit=_fit(draft),
        hold=draft.own.data.get("hold") is True,
        skip=draft.skipped,
        title=title,
        tags=_tags(draft),
    )
    return LoweredShot(shot, linked, card)


def _generated(
    draft: ShotDraft, card: ModelCard, tools: LoweringContext, links: list[tuple[Field, FrameLink]]
) -> Generated | None:
    """The request of a generated shot, with what fits anyhow in the place of what cannot be used."""
    frames: dict[str, FrameInput | None] = {}
    for name in ("first_frame", "last_frame"):
        field = draft.find(name)
        frames[name] = tools.frames.read(field) if field is not None else None
        link = frames[name]
        if field is not None and isinstance(link, FrameLink):
            links.append((field, link))
    prompt = _text(draft, "prompt", tools)
    provider = tools.cards.provider(draft, card)
    seeds = read_seeds(draft, card, tools.findings)
    source = Generated(
        prompt=prompt if prompt is not None else "-" * card.prompt_length[0],
        model=card.id,
        provider=provider,
        duration=_number(draft, "duration", Fraction(card.default_duration)),
        size=_size(draft, card, tools.film_size),
        seed=seeds.seed,
        negative_prompt=_text(draft, "negative_prompt", tools),
        params=_params(draft, card, tools),
        first_frame=frames["first_frame"],
        last_frame=frames["last_frame"],
        takes=seeds.takes,
        pick=seeds.pick,
    )
    tools.cards.check(draft, card, source)
    return source


def _text(draft: ShotDraft, name: str, tools: LoweringContext) -> str | None:
    field = draft.find(name)
    return None if field is None else tools.texts.fill(field)


def _number(draft: ShotDraft, name: str, otherwise: Fraction) -> Fraction:
    field = draft.find(name)
    return exact(field.value) if field is not None and isinstance(field.value, int | float) else otherwise


def _fit(draft: ShotDraft) -> Fit | None:
    field = draft.own.find("fit")
    return convert(field.value, Fit) if field is not None and field.usable else None


def _size(draft: ShotDraft, card: ModelCard, film: Size | None) -> Size:
    field = draft.find("size")
    if field is not None:
        return Size.parse(str(field.value))
    return film if film is not None and str(film) in card.sizes else Size.parse(card.sizes[0])


def _tags(draft: ShotDraft) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for part in (draft.scene.own, draft.own):
        field = part.find("tags")
        if field is not None and field.usable and isinstance(field.value, list):
            found.update(dict.fromkeys(str(tag) for tag in field.value))
    return tuple(found)


def _params(draft: ShotDraft, card: ModelCard, tools: LoweringContext) -> Mapping[str, Json]:
    """The merged request fields; shots that share all their layers share the result."""
    layers = [
        layer(field.document, field.path, field.value)
        for part in draft.layers()
        if (field := part.find("params")) is not None and field.usable
    ]
    if not layers:
        return {}
    tools.cards.check_params(draft, card, layers)
    key = tuple((part.document.name, part.path) for part in layers)
    if key not in tools.params:
        tools.params[key] = _merged(layers, tools)
    return tools.params[key]


def _merged(layers: list[FieldLayer], tools: LoweringContext) -> Mapping[str, Json]:
    whole: dict[str, Any] = {}
    for part in reversed(layers):
        if _count(part.data) > MAX_PARAM_VALUES:
            message = f"`params` holds more than {MAX_PARAM_VALUES} values"
            tools.findings.append(error("params-too-big", message, part.document.key_span(part.path)))
            continue
        filled = tools.texts.fill_all(Field(part.data, part.document, part.path))
        whole = _over(whole, filled)
    return whole


def _over(below: Any, above: Any) -> Any:
    """*above* laid over *below*: mappings key by key, everything else as a whole."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}


def _count(value: object) -> int:
    """How many values there are; stops soon after the limit."""
    waiting, count = [value], 0
    while waiting and count <= MAX_PARAM_VALUES:
        count += 1
        here = waiting.pop()
        if isinstance(here, dict | list):
            waiting.extend(here.values() if isinstance(here, dict) else here)
    return count


def _trim(draft: ShotDraft, source: Source | None, tools: LoweringContext) -> Trim:
    field = draft.own.find("trim")
    if field is None or not field.usable or not isinstance(field.value, dict):
        return WHOLE
    start, end = (exact(field.value[name]) if name in field.value else None for name in ("start", "end"))
    length = _length(source)
    for name, moment, low in (("start", start, Fraction(0)), ("end", end, start or Fraction(0))):
        problem = _moment_problem(name, moment, low, length)
        if problem is not None:
            place = field.document.span((*field.path, name))
            tools.findings.append(error("bad-trim", problem, place))
            return WHOLE
    return Trim(start, end)


def _length(source: Source | None) -> Fraction | None:
    """Seconds of a source, where they are known before anything is made."""
    return None if source is None or isinstance(source, Clip) else source.duration


def _moment_problem(name: str, moment: Fraction | None, low: Fraction, length: Fraction | None) -> str | None:
    if moment is None:
        return None
    if name == "end" and moment <= low:
        return f"the part ends at {plain_number(moment)} s and starts at {plain_number(low)} s"
    if length is not None and (moment > length or (name == "start" and moment == length)):
        return f"the shot is {plain_number(length)} s long"
    return None
