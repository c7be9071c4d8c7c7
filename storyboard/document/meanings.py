"""Words that people know from other programs, and what they mean in a storyboard.

One table for the names of fields and one for values. A meaning is a field or a value of this language, or the advice
about the line to write. In advice ``<value>`` stands for what was written, ``<gain>`` for it in decibels, ``<level>``
for the field with that, ``<seconds>`` for it in seconds, ``<prompt>`` for the prompt with it, ``<move>`` for the prompt
or the still with it as a move of the camera, ``<name>`` for it as an id, ``<seeds>`` for it as seeds, ``<include>`` for
it as the file of a scene, and ``<id>`` for the id of the shot.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import Struct

from storyboard.core.suggest import as_id, closest, did_you_mean, suggestion
from storyboard.document.fix_lines import decibels_for, field_line, format_value, number_for


def _each(words: str, meaning: str) -> Mapping[str, str]:
    """Return *meaning* for each of *words*, which are divided by blanks; ``_`` stands for a blank in a word."""
    return dict.fromkeys(words.split(), meaning)


_TRACK_OF_SHOT = "write it at the top of the storyboard, as a track: `audio: [{file: <value>, start: {shot: <id>}}]`"
_TRACK = "write `audio: <value>`, a sound track of the whole film"
_SPEECH_OF_SHOT = (
    "speech is not generated; write its text as `caption: <value>`, or a recording as a track at the top of the "
    "storyboard: `audio: [{file: voice.wav, start: {shot: <id>}}]`"
)
_IN_PROMPT = "write `<prompt>`; a model reads it from there"
_NO_CODEC = "delete it; the film is H.264, and `crf` sets its quality"
_LENGTHS = "length len dur time seconds secs runtime"
_PICTURES = "size resolution dimensions"

_SHOT = {
    **_each("description desc text_prompt positive_prompt content action visual visuals what", "prompt"),
    **_each("text words", "write `caption: <value>`, or `card: <value>` for a title card"),
    **_each("title_card titlecard", "card"),
    **_each("subtitle subtitles sub subs captions", "caption"),
    **_each("shot key slug", "write `id: <value>`; a shot that starts from another has `first_frame: {shot: <value>}`"),
    **_each("name label", "write `<name>`"),
    **_each(
        "camera camera_move movement motion move",
        "write `<move>`",
    ),
    **_each("angle lens shot_type shot_size framing style mood lighting light look location setting", _IN_PROMPT),
    **_each("music soundtrack song bgm score sfx sound_effect", _TRACK_OF_SHOT),
    **_each("voice voiceover voice_over narration narrator dialogue dialog speech say line", _SPEECH_OF_SHOT),
    **_each("volume gain level loudness db", "write `<level>`; a gain is in decibels"),
    **_each("mute muted silent", "write `audio: <mute>`"),
    **_each("sound", "audio"),
    **_each(_LENGTHS, "duration"),
    **_each("start in from begin", "write `trim: {start: <seconds>}`, in seconds of the shot"),
    **_each("end out until to", "write `trim: {end: <seconds>}`, in seconds of the shot"),
    **_each(
        "start_frame start_image first_image init_image input_image reference reference_image from_shot", "first_frame"
    ),
    **_each("end_frame end_image last_image", "last_frame"),
    **_each("video footage", "clip"),
    **_each("picture photo still img", "image"),
    **_each("file path src source url", "write `clip: <value>` for a video, or `image: <value>` for a picture"),
    **_each("negative exclude avoid without", "negative_prompt"),
    **_each("resolution dimensions", "size"),
    **_each("aspect aspect_ratio ratio format", "write the size in pixels, such as `size: 1280x720`"),
    **_each("variations variants versions alternatives", "takes"),
    **_each("seeds", "write `<seeds>`"),
    **_each("selected choose chosen", "pick"),
    **_each("lock locked keep freeze", "hold"),
    **_each("disabled disable ignore hide hidden off", "skip"),
    **_each("slow_motion slowmo slow playback rate time_stretch", "speed"),
    **_each("crop scale scaling", "fit"),
    **_each("dissolve crossfade cross_dissolve xfade", "write `transition: {type: dissolve, duration: <seconds>}`"),
    **_each("fade fade_in fade_from_black", "write `transition: {type: fade, duration: <seconds>}`"),
    **_each(
        "fade_out fade_to_black",
        "write `transition: fade` into the shot behind it, or `output: {fade_out: <seconds>}` for the end of the film",
    ),
    **_each("note comment comments remark", "notes"),
    **_each("engine generator backend", "model"),
}
_FILM = {
    **_each("music soundtrack song bgm score sound sounds track tracks voice voiceover narration", _TRACK),
    **_each("name film movie", "title"),
    **_each("sequences sequence acts parts chapters scene", "scenes"),
    **_each(_PICTURES, "write `output: {size: <value>}`"),
    **_each("fps frame_rate framerate rate", "write `output: {fps: <value>}`"),
    **_each("aspect aspect_ratio ratio format", "write the size of the film: `output: {size: 1280x720}`"),
    **_each("file filename path out dest", "write `output: {file: <value>}`"),
    **_each("fade_in", "write `output: {fade_in: <seconds>}`"),
    **_each("fade_out", "write `output: {fade_out: <seconds>}`"),
    **_each("captions subtitles", "write `output: {captions: <value>}`; a shot has the text, as `caption`"),
    **_each("fit loudness crf preset profile", "write it into `output`"),
    **_each("max_cost cost price limit", "budget"),
    **_each("variables constants define", "vars"),
    **_each("default settings", "defaults"),
    **_each("import imports includes", "write `include: <value>` as an item of `scenes`"),
    **_each("engine generator backend", "model"),
    **_each("author date director client project draft", "begin the name with `x-` to keep it as a note of yours"),
}
_SCENE = {
    **_each("name label", "write `<name>`"),
    **_each("scene", "id"),
    **_each("file path src", "write `<include>`, alone"),
    **_each("shot clips items", "shots"),
    **_each(
        "music soundtrack song",
        "write it at the top of the storyboard, as a track: `audio: [{file: <value>, start: {shot: …}}]`",
    ),
    **_each("settings", "defaults"),
    **_each("note comment comments description", "notes"),
}
_OUTPUT = {
    **_each("path filename name out dest output", "file"),
    **_each("resolution dimensions width height aspect aspect_ratio ratio format", "size"),
    **_each("frame_rate framerate rate frames_per_second", "fps"),
    **_each("quality", "crf"),
    **_each("bitrate codec encoder vcodec", _NO_CODEC),
    **_each("subtitles subs caption", "captions"),
    **_each("volume level lufs", "loudness"),
    **_each("music audio soundtrack", "move it to the top of the storyboard: `audio: <value>`"),
    **_each("crop scale scaling", "fit"),
}
_TRANSITION = {
    **_each("kind name style effect transition", "type"),
    **_each(f"{_LENGTHS} frames", "duration"),
    **_each("dir side to from", "direction"),
    **_each("colour", "color"),
    **_each("dissolve fade wipe slide", "write `{type: <word>, duration: <seconds>}`"),
}
_TRACK_FIELDS = {
    **_each("path src source url sound music", "file"),
    **_each("volume level db loudness", "write `gain: <gain>`; a gain is in decibels"),
    **_each("at from begin delay", "start"),
    **_each("offset in", "write `start: {shot: …, offset: <seconds>}`; a track plays from the beginning of its file"),
    **_each("shot", "write `start: {shot: <value>}`"),
    **_each("fade", "fade_in"),
    **_each("repeat looping", "loop"),
    **_each("ducking lower sidechain", "duck"),
}
_FRAME = {
    **_each("file path src image picture url", "write the path alone: `<field>: <value>`"),
    **_each("frame position moment time which second", "at"),
    **_each("from id name of", "shot"),
}
_CARD = {
    **_each("title heading line words", "text"),
    **_each("sub tagline second", "subtitle"),
    **_each(_LENGTHS, "duration"),
    **_each("colour text_color foreground fg", "color"),
    **_each("bg background_color background_colour back", "background"),
    **_each("alignment position justify", "align"),
    **_each("typeface font_file", "font"),
}
_IMAGE = {
    **_each("path src source url picture", "file"),
    **_each(_LENGTHS, "duration"),
    **_each("camera zoom pan motion movement ken_burns effect", "move"),
}
_CAPTION = {
    **_each("from in begin", "start"),
    **_each("to out until", "end"),
    **_each("caption words line subtitle content", "text"),
}
_TRIM = {
    **_each("in from begin", "start"),
    **_each("to out until", "end"),
    **_each("duration length", "write `end`, the second at which the part ends"),
}
_SHOT_AUDIO = {
    **_each("volume level db loudness", "write `gain: <gain>`; a gain is in decibels"),
    **_each("mute muted", "write `mode: mute`"),
    **_each("file path music", _TRACK_OF_SHOT),
}
# The tables of fields by the title that the schema gives to the fields around them.
_FIELDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "storyboard": _FILM,
        "scene": _SCENE,
        "shot": _SHOT,
        "defaults": _SHOT,
        "output": _OUTPUT,
        "transition": _TRANSITION,
        "track": _TRACK_FIELDS,
        "frame": _FRAME,
        "card": _CARD,
        "image": _IMAGE,
        "caption with times": _CAPTION,
        "trim": _TRIM,
        "audio": _SHOT_AUDIO,
    }
)
_OFF = "off none no false null disabled nothing"
_ON = "on yes true"
_MOVES = {
    **_each("zoom zoom_in push_in in dolly_in dolly closer ken_burns slow_zoom", "push"),
    **_each("zoom_out pull_out pull_back out dolly_out wider", "pull"),
    **_each("pan_left", "left"),
    **_each("pan_right pan", "right"),
    **_each("tilt_up crane_up pan_up rise", "up"),
    **_each("tilt_down crane_down pan_down", "down"),
    **_each(f"static still fixed {_OFF}", "none"),
}
# The tables of values by the title that the schema gives to their field.
_VALUES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "kind of transition": {
            **_each(
                "crossfade cross_fade cross_dissolve crossdissolve blend mix xfade morph lap lap_dissolve", "dissolve"
            ),
            **_each(
                "fade_in fade_out fadein fadeout fade_to_black fade_from_black fade_through_black dip dip_to_black",
                "fade",
            ),
            **_each(f"hard hard_cut jump jump_cut smash_cut straight {_OFF}", "cut"),
            **_each("push swipe scroll", "slide"),
            **_each("sweep clock_wipe iris", "wipe"),
        },
        "fit": {
            **_each("fill crop zoom cut cropped full overflow", "cover"),
            **_each(f"letterbox pillarbox pad bars black_bars inside whole fit {_OFF}", "contain"),
            **_each("squeeze distort scale resize", "stretch"),
        },
        "audio": {**_each(f"silent silence muted {_OFF}", "mute"), **_each(f"original own {_ON}", "keep")},
        "mode": {**_each(f"silent silence muted {_OFF}", "mute"), **_each(f"original own {_ON}", "keep")},
        "captions": {
            **_each(_OFF, "none"),
            **_each(f"srt vtt webvtt file files external {_ON}", "sidecar"),
            **_each("burned burnt burn_in burned_in hard hardcode hardcoded hardsub open", "burn"),
            **_each("soft embed embedded track closed cc mov_text", "stream"),
        },
        "copy": {**_each(f"{_OFF} encode reencode", "never"), **_each(f"{_ON} always", "auto")},
        "profile": {**_each("preview fast low quick", "draft"), **_each("high best production master", "final")},
        "move": _MOVES,
        "moment": {
            **_each("end ending final finish", "last"),
            **_each("start begin beginning initial", "first"),
            **_each("middle center centre half", "write the second of the shot, such as `at: 2.5`"),
        },
        "alignment": {
            **_each("middle centre centered", "center"),
            **_each("start begin", "left"),
            **_each("end", "right"),
        },
        "direction": {
            **_each("leftwards rtl", "left"),
            **_each("rightwards ltr", "right"),
            **_each("top", "up"),
            **_each("bottom", "down"),
        },
        "colour": {
            "black": '"#000000"',
            "white": '"#ffffff"',
            "red": '"#ff0000"',
            "green": '"#008000"',
            "lime": '"#00ff00"',
            "blue": '"#0000ff"',
            "yellow": '"#ffff00"',
            "orange": '"#ffa500"',
            "purple": '"#800080"',
            "cyan": '"#00ffff"',
            "magenta": '"#ff00ff"',
            "pink": '"#ffc0cb"',
            "brown": '"#a52a2a"',
            "gold": '"#ffd700"',
            "navy": '"#000080"',
            "grey": '"#808080"',
            "gray": '"#808080"',
        },
        "size": {
            **_each("16:9 720p hd", "1280x720"),
            **_each("1080p fullhd full_hd fhd", "1920x1080"),
            **_each("4k uhd 2160p", "3840x2160"),
            **_each("9:16 vertical portrait", "720x1280"),
            **_each("1:1 square", "960x960"),
            **_each("4:3", "960x720"),
        },
    }
)
# The fields that placeholders stand for: the id of a shot; the whole value around a field, with all its fields.
_STANDS_FOR = {"name": "id", "field": "", "include": ""}
_PLACEHOLDER = re.compile(r"<(\w+)>")
_HEXADECIMAL = re.compile(r"\s*#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\s*\Z")
_PIXELS = re.compile(r"\s*(\d{2,4})\s*[x\u00d7*:, ]\s*(\d{2,4})\s*(?:px)?\s*\Z", re.IGNORECASE)


def field_meaning(owner: str, name: str) -> str | None:
    """Return the field of this language that *name* means in fields with the title *owner*, or the advice about it."""
    return _FIELDS.get(owner, {}).get(_key(name))


def meant_fields(owner: str, name: str, known: Iterable[str]) -> set[str]:
    """Return the fields of *owner* that *name* may stand for; an empty text is among them if it stands for all."""
    meaning = field_meaning(owner, name)
    if meaning is None:
        near = closest(name, known)
        return set() if near is None else {near}
    if " " not in meaning:
        return {meaning}
    return {*re.findall(r"(\w+):", meaning), *(_STANDS_FOR[one] for one in _STANDS_FOR if f"<{one}>" in meaning)}


class UnknownField(Struct, frozen=True):
    """A field that the language does not have, by its *name* and *value*.

    *siblings* are the fields around it, which are the value of *field*, in the shot with the id *shot* if they are in
    one.
    """

    name: str
    value: object
    siblings: Mapping[str, object]
    field: str
    shot: str


def field_advice(owner: str, unknown: UnknownField, known: Iterable[str]) -> str | None:
    """Return the help for an unknown field, by its meaning, else by its spelling among *known*, or ``None``.

    *owner* is the title of the fields around it.
    """
    name = unknown.name
    meaning = field_meaning(owner, name)
    if meaning is None and owner == "output" and isinstance(unknown.value, Mapping):
        return f"write each of several films under `outputs`: `outputs: {{{name}: {format_value(unknown.value)}}}`"
    if meaning is None:
        return did_you_mean(name, known)
    if " " not in meaning:
        return suggestion(meaning)
    return _PLACEHOLDER.sub(lambda found: _filled(found.group(1), unknown), meaning)


def _filled(placeholder: str, unknown: UnknownField) -> str:
    match placeholder:
        case "id":
            return unknown.shot or "…"
        case "field":
            return unknown.field
        case "word":
            return _key(unknown.name)
        case "level":
            return "audio: mute" if unknown.value in (0, "0", "0%") else f"audio: {{gain: {_gain(unknown.value)}}}"
        case "mute":
            return "keep" if unknown.value is False else "mute"
        case "gain":
            return _gain(unknown.value)
        case "seconds":
            return _seconds(unknown.value)
        case "seeds":
            return field_line("takes" if isinstance(unknown.value, list) else "seed", unknown.value)
        case "include":
            return field_line("include", unknown.value)
        case "name":
            return _names(unknown.value)
        case "prompt":
            return _prompt_with(unknown)
        case "move":
            return _moved_still(unknown) or _prompt_with(unknown)
    return format_value(unknown.value) or "…"


def _names(value: object) -> str:
    """Return the id for a name, with the name as the title where it is no id."""
    plain = as_id(str(value)) or "name"
    return field_line("id", plain) + ("" if plain == value else f"` and `{field_line('title', value)}")


def _prompt_with(unknown: UnknownField) -> str:
    prompt = unknown.siblings.get("prompt")
    if not isinstance(prompt, str) or not isinstance(unknown.value, str):
        return "prompt: …"
    text = prompt.strip()
    end = "." if text.endswith(".") else ""
    return field_line("prompt", f"{text.removesuffix('.')}, {unknown.value.strip().removesuffix('.')}{end}")


def _moved_still(unknown: UnknownField) -> str | None:
    image = unknown.siblings.get("image")
    if image is None:
        return None
    file = image.get("file", "…") if isinstance(image, Mapping) else image
    return field_line("image", {"file": file, "move": _MOVES.get(_key(str(unknown.value)), "push")})


def _gain(value: object) -> str:
    try:
        decibels = decibels_for(value)
    except ValueError:
        return "-6"
    return "-60" if decibels is None else format_value(decibels)


def _seconds(value: object) -> str:
    number = number_for("duration", value) if isinstance(value, str) else value
    return format_value(number) if number is not None and not isinstance(number, bool | dict | list) else "1"


def value_advice(title: str, value: str, known: Iterable[str]) -> str | None:
    """Return the help for the *value* of a field with this title, by its meaning, else by its spelling, or ``None``."""
    meaning = _VALUES.get(title, {}).get(_key(value))
    if meaning is None and title == "size" and (pixels := _PIXELS.match(value)) is not None:
        meaning = "x".join(pixels.groups())
    if meaning is None and title == "colour" and (digits := _HEXADECIMAL.match(value)) is not None:
        short = digits.group(1)
        meaning = f'"#{short if len(short) == 6 else "".join(digit * 2 for digit in short)}"'
    if meaning is None:
        return did_you_mean(value, known)
    if title in ("colour", "size"):
        return f"write `{meaning}`"
    return suggestion(meaning) if " " not in meaning else meaning


def _key(word: str) -> str:
    """Return *word* as the tables have it: small letters, ``_`` between words."""
    return re.sub(r"[\s_-]+", "_", word.strip().casefold()[:64])
