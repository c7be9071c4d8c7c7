"""Lower one shot from validated data to the model. Values that cannot be used are skipped.

``lower_film`` checks everything that concerns several shots.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from msgspec import Struct, convert
from msgspec.structs import replace

from storyboard.core.diagnostics import Diagnostic, error
from storyboard.core.keys import wants_slate
from storyboard.core.model import (
    DEFAULT_PROVIDER,
    NORMAL,
    PICTURE_FIELDS,
    WHOLE,
    Clip,
    FileInput,
    Fit,
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
from storyboard.document.lower_audio import lower_shot_audio
from storyboard.document.lower_sources import lower_local_source, read_seeds, read_transition
from storyboard.document.lower_text import CaptionFonts, VarExpander, read_captions
from storyboard.document.model_limits import ModelChecks

MAX_PARAM_VALUES = 256


TakeLength = Callable[[str, Generated, Sequence[int]], Fraction | None]
"""Returns the seconds of the take that a shot without a duration has already, among the durations of its model."""


class LoweringContext(Struct):
    """The shared state for lowering all shots of one storyboard.

    *kept_lengths* collects the shots without a duration whose length *take_length* decides, with their model's default.
    """

    findings: list[Diagnostic]
    expander: VarExpander
    inputs: FileInputs
    models: ModelChecks
    film_size: Size | None
    params: dict[tuple[tuple[str, object], ...], Mapping[str, Json]]
    caption_fonts: tuple[FileInput | None, ...] = ()
    slate_fonts: tuple[FileInput | None, ...] = ()
    take_length: TakeLength | None = None
    kept_lengths: dict[str, Fraction] = {}

    def length_without_duration(self, shot: str, source: Generated, card: ModelCard) -> Fraction:
        """Return the seconds of a shot that has no duration: those of its take, or else the default of its model."""
        default = Fraction(card.default_duration)
        if source.duration != default:
            source = replace(source, duration=default)
        found = self.take_length(shot, source, card.durations) if self.take_length is not None else None
        if found is not None and found != default:
            self.kept_lengths[shot] = default
        return default if found is None else found


class LoweredShot(Struct):
    """A shot, ``None`` if its source cannot be used, with the data that the checks of the whole film need."""

    shot: Shot | None
    linked: LinkedShot
    card: ModelCard | None


def lower_shot(draft: ShotDraft, context: LoweringContext) -> LoweredShot:
    """Lower one shot and add its problems to the findings."""
    title = _read_text(draft, "title", context)
    links: list[tuple[Field, FrameLink]] = []
    card = context.models.find_card(draft) if draft.kind == "prompt" else None
    source = (
        _lower_generated(draft, card, context, links)
        if card is not None
        else lower_local_source(draft, context.expander, context.inputs, context.findings)
    )
    trim = _read_trim(draft, source, context)
    linked = LinkedShot(draft, source if isinstance(source, Generated) else None, links)
    if source is None:
        return LoweredShot(None, linked, card)
    shot = Shot(
        id=draft.id,
        scene=draft.scene.id,
        source=source,
        trim=trim,
        transition=read_transition(draft),
        caption=read_captions(
            draft,
            _known_length(source),
            context.expander,
            CaptionFonts(context.caption_fonts, context.inputs),
            context.findings,
        ),
        audio=lower_shot_audio(draft, context.findings),
        speed=_read_number(draft, "speed", NORMAL),
        fit=_read_fit(draft),
        hold=draft.own.data.get("hold") is True,
        skip=draft.skipped,
        title=title,
        tags=_merge_tags(draft),
    )
    return LoweredShot(shot, linked, card)


def _lower_generated(
    draft: ShotDraft, card: ModelCard, context: LoweringContext, links: list[tuple[Field, FrameLink]]
) -> Generated | None:
    """Return the request of a generated shot, with valid stand-ins for values that cannot be used."""
    fields = {name: field for name in PICTURE_FIELDS if (field := draft.find(name)) is not None}
    frames = {name: context.inputs.read_frame(field) for name, field in fields.items()}
    links += [(fields[name], frame) for name, frame in frames.items() if isinstance(frame, FrameLink)]
    prompt = _read_text(draft, "prompt", context)
    provider = context.models.check_provider(draft, card)
    seeds = read_seeds(draft, card, context.findings)
    source = Generated(
        prompt=prompt if prompt is not None else "-" * card.prompt_length[0],
        model=card.id,
        provider=provider,
        duration=_read_number(draft, "duration", Fraction(card.default_duration)),
        size=_choose_size(draft, card, context.film_size),
        seed=seeds.seed,
        negative_prompt=_read_text(draft, "negative_prompt", context),
        params=_read_params(draft, card, context),
        first_frame=frames.get("first_frame"),
        last_frame=frames.get("last_frame"),
        takes=seeds.takes,
        pick=seeds.pick,
    )
    if draft.find_any("duration") is None:
        length = context.length_without_duration(draft.id, source, card)
        source = source if length == source.duration else replace(source, duration=length)
    context.models.check_request(draft, card, source)
    for name, field in fields.items():
        context.inputs.check_frame_shape(field, frames[name], source.size)
    if provider == DEFAULT_PROVIDER and context.slate_fonts and wants_slate(source.params):
        _check_slate(draft, source.prompt, context)
    is_panel = context.models.draws_panels or (source.is_panel and provider == DEFAULT_PROVIDER)
    return source.as_panel() if is_panel else source


def _check_slate(draft: ShotDraft, prompt: str, context: LoweringContext) -> None:
    """Report what the slate of an animatic cannot show of its prompt."""
    field = draft.find("prompt")
    if field is not None and not prompt.isascii():
        context.inputs.check_slate(field.span, prompt, context.slate_fonts)


def _read_text(draft: ShotDraft, name: str, context: LoweringContext) -> str | None:
    field = draft.find(name)
    return None if field is None else context.expander.fill(field)


def _read_number(draft: ShotDraft, name: str, otherwise: Fraction) -> Fraction:
    field = draft.find(name)
    return exact(field.value) if field is not None and isinstance(field.value, int | float) else otherwise


def _read_fit(draft: ShotDraft) -> Fit | None:
    field = draft.find("fit") if draft.kind != "card" else None
    return convert(field.value, Fit) if field is not None and field.usable else None


def _choose_size(draft: ShotDraft, card: ModelCard, film: Size | None) -> Size:
    field = draft.find("size")
    if field is not None:
        return Size.parse(str(field.value))
    return film if film is not None and str(film) in card.sizes else Size.parse(card.sizes[0])


def _merge_tags(draft: ShotDraft) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for part in (*reversed(draft.scene.defaults), draft.scene.own, draft.own):
        field = part.find("tags")
        if field is not None and field.usable and isinstance(field.value, list):
            found.update(dict.fromkeys(str(tag) for tag in field.value))
    return tuple(found)


def _read_params(draft: ShotDraft, card: ModelCard, context: LoweringContext) -> Mapping[str, Json]:
    """Return the merged request fields. Shots that share all their layers share the result."""
    layers = [
        layer(field.document, field.path, field.value)
        for part in draft.layers()
        if (field := part.find("params")) is not None and field.usable
    ]
    if not layers:
        return {}
    context.models.check_params(draft, card, layers)
    key = tuple((part.document.name, part.path) for part in layers)
    if key not in context.params:
        context.params[key] = _merge_params(layers, context)
    return context.params[key]


def _merge_params(layers: list[FieldLayer], context: LoweringContext) -> Mapping[str, Json]:
    whole: dict[str, Any] = {}
    for part in reversed(layers):
        if _count_values(part.data) > MAX_PARAM_VALUES:
            message = f"`params` has more than {MAX_PARAM_VALUES} values"
            context.findings.append(
                error("params-too-big", message, part.document.key_span(part.path), help="delete values")
            )
            continue
        filled = context.expander.fill_all(Field(part.data, part.document, part.path))
        whole = _merge(whole, filled)
    return whole


def _merge(below: Any, above: Any) -> Any:
    """Return *above* merged over *below*: mappings key by key, all other values as a whole."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{key: _merge(below.get(key), value) for key, value in above.items()}}


def _count_values(value: object) -> int:
    """Return the number of values in *value*; counting stops soon after the limit."""
    waiting, count = [value], 0
    while waiting and count <= MAX_PARAM_VALUES:
        count += 1
        here = waiting.pop()
        if isinstance(here, dict | list):
            waiting.extend(here.values() if isinstance(here, dict) else here)
    return count


def _read_trim(draft: ShotDraft, source: Source | None, context: LoweringContext) -> Trim:
    field = draft.find_trim()
    if field is None or not field.usable or not isinstance(field.value, dict):
        return WHOLE
    start, end = (exact(field.value[name]) if name in field.value else None for name in ("start", "end"))
    length = _known_length(source)
    for name, moment, low in (("start", start, Fraction(0)), ("end", end, start or Fraction(0))):
        problem = _offset_problem(name, moment, low, length)
        if problem is not None:
            message, advice = problem
            context.findings.append(error("bad-trim", message, field.span_of(name), *draft.notes(field), help=advice))
            return WHOLE
    return Trim(start, end)


def _known_length(source: Source | None) -> Fraction | None:
    """Return the seconds of a source, ``None`` if they are not known before the build."""
    return None if source is None or isinstance(source, Clip) else source.duration


def _offset_problem(
    name: str, moment: Fraction | None, low: Fraction, length: Fraction | None
) -> tuple[str, str] | None:
    """Return the message and the help for an offset that is before *low* or behind *length*."""
    if moment is None:
        return None
    if name == "end" and moment <= low:
        return (
            f"`end` ({plain_number(moment)} s) is not after `start` ({plain_number(low)} s)",
            "write an `end` after `start`",
        )
    if length is not None and (moment > length or (name == "start" and moment == length)):
        advice = "write a smaller `start`" if name == "start" else "write a smaller `end`, or none"
        return f"`{name}` is {plain_number(moment)} s; the shot is {plain_number(length)} s long", advice
    return None
