"""Reading of a prompt: from the words of film people to what a drawing shows.

Understands English and Chinese. Words in other languages, in quotes, in comparisons and in names yield nothing, so that
they are drawn as a neutral panel. No picture is made here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from storyboard.animatic import vocabulary
from storyboard.animatic.phrases import BREAKS, PLAIN_WORDS, Phrase, Sentence, Span
from storyboard.animatic.subjects import FAMILIES, FAMILY_OF, PARTS, Subject, SubjectReader
from storyboard.animatic.vocabulary import COLOURS

__all__ = [
    "ANGLES", "COLOURS", "FAMILIES", "PARTS", "SIZES", "TIMES", "VIEWS", "Reading", "Subject", "describe_prompt",
    "read_prompt",
]  # fmt: skip

# Shot sizes from near to far.
SIZES = (
    "extreme-close-up", "close-up", "medium-close-up", "medium", "medium-long", "full", "wide", "extreme-wide",
)  # fmt: skip
VIEWS = ("over-the-shoulder", "point-of-view", "two-shot", "insert", "establishing")
ANGLES = ("eye-level", "low", "high", "overhead", "aerial")
TIMES = ("dawn", "morning", "day", "noon", "afternoon", "golden-hour", "dusk", "blue-hour", "night")


class Reading(Struct, frozen=True):
    """The result. A field is ``None`` or empty where the prompt names nothing.

    ``size``, ``view``, ``angle`` and ``time`` are names from ``SIZES``, ``VIEWS``, ``ANGLES`` and ``TIMES``; ``dutch``
    tilts the horizon. ``moves`` are names from ``camera.MOVES``, where ``pan``, ``track`` and ``orbit`` may come
    without a side; ``pace`` is 1 for an ordinary speed. ``subjects`` come in the order of the prompt; ``held`` are
    things in a hand. ``action`` is the first thing that people do, a name from ``vocabulary.ACTION_WORDS``; ``empty``
    means that the prompt excludes people. ``place`` is ``interior`` or ``exterior``; ``setting`` is a name from
    ``SETTING_WORDS``. ``weather`` holds ``rain``, ``storm``, ``snow``, ``fog``, ``wind``, ``clouds`` or ``clear``.
    ``features`` are names from ``FEATURE_WORDS``; ``colours`` are names from ``COLOURS`` in order. ``understood`` and
    ``unknown`` are places in the prompt: the words that were used, and the others that mean something.
    """

    size: str | None = None
    view: str | None = None
    angle: str | None = None
    dutch: bool = False
    moves: tuple[str, ...] = ()
    pace: float = 1.0
    handheld: bool = False
    subjects: tuple[Subject, ...] = ()
    held: tuple[Subject, ...] = ()
    action: str | None = None
    empty: bool = False
    place: str | None = None
    setting: str | None = None
    time: str | None = None
    weather: tuple[str, ...] = ()
    mood: str | None = None
    colours: tuple[str, ...] = ()
    features: frozenset[str] = frozenset()
    understood: tuple[Span, ...] = ()
    unknown: tuple[Span, ...] = ()

    @property
    def framing(self) -> str | None:
        """The shot size to draw: the named one, else the size that the view or the shown part of a body implies."""
        if self.size is not None:
            return self.size
        if self.view is not None:
            return _SIZES_OF_VIEWS[self.view]
        parts = [subject.part for subject in self.subjects if subject.part is not None]
        return _SIZES_OF_PARTS.get(parts[0]) if parts else None

    @property
    def close(self) -> bool:
        """True for a close-up of any kind."""
        return self.framing in ("extreme-close-up", "close-up")

    def has(self, *names: str) -> bool:
        """Return whether any of the features *names* was found."""
        return not self.features.isdisjoint(names)


_NEAR_SIZES = ("extreme-close-up", "close-up", "medium-close-up")
_SIZES_OF_VIEWS: Mapping[str, str | None] = {
    "over-the-shoulder": "medium-close-up",
    "point-of-view": None,
    "two-shot": "medium",
    "insert": "close-up",
    "establishing": "extreme-wide",
}
_SIZES_OF_PARTS: Mapping[str, str] = {
    "eyes": "extreme-close-up", "mouth": "extreme-close-up", "face": "close-up", "hair": "close-up",
    "hand": "close-up", "foot": "close-up", "leg": "medium", "arm": "medium", "back": "medium",
}  # fmt: skip


_SIDES = {
    "pan": ("pan-left", "pan-right", "tilt-up", "tilt-down"),
    "track": ("track-left", "track-right"),
    "orbit": ("orbit-left", "orbit-right"),
}
_EXCLUDES = {
    "pull": ("push",),
    "zoom-out": ("zoom-in",),
    "dolly-zoom": ("zoom-in", "zoom-out", "push", "pull"),
    "rise": ("tilt-up",),
}


def read_prompt(prompt: str) -> Reading:
    """Return everything that *prompt* names. Accepts any text."""
    sentence = Sentence(prompt)
    if sentence.foreign:
        return Reading(unknown=tuple((token.start, token.end) for token in sentence.tokens if token.is_word))
    found = _read_camera(sentence)
    people = SubjectReader(sentence, close=found.size in _NEAR_SIZES or found.view == "insert")
    found = replace(found, subjects=people.subjects, held=people.held, empty=people.empty)
    found = _read_place(sentence, _read_action(sentence, found))
    found = _read_light(sentence, found)
    found = replace(found, features=_features(sentence, found))
    return replace(found, understood=_understood(sentence), unknown=_unknown(sentence))


def describe_prompt(prompt: str) -> dict[str, Any]:
    """Return the reading of *prompt* as JSON data, with the words themselves in place of their places."""
    found = read_prompt(prompt)
    words = {name: [prompt[start:end] for start, end in getattr(found, name)] for name in ("understood", "unknown")}
    left_out = ("pace", "mood", "features", "understood", "unknown")
    read = {name: value for name, value in to_builtins(found).items() if name not in left_out}
    return read | {"words": words["understood"], "unknown": words["unknown"]}


def _read_camera(sentence: Sentence) -> Reading:
    """Return the size, view, angle and moves of the shot."""
    named: dict[str, str] = {}
    dutch = handheld = False
    pace = 1.0
    for phrase in sentence.phrases:
        for category in ("size", "view", "angle"):
            value = phrase.meanings.get(category)
            if value is None or not _is_direction(sentence, phrase):
                continue
            sentence.use(phrase)
            dutch = dutch or value == "dutch"
            if value != "dutch":
                named.setdefault(category, value)
        if "handheld" in phrase.meanings:
            handheld = True
            sentence.use(phrase)
        pace = 0.75 if "slow" in phrase.meanings and pace == 1.0 else pace
        pace = 1.3 if "fast" in phrase.meanings else pace
        pace = 1.6 if "whip" in phrase.meanings else pace
    names = _sorted_moves([name for name, _ in sentence.moves])
    if re.search(r"\b(?:whip|swish|crash|snap)\b", sentence.text.lower()) and names:
        pace = 1.6
    return Reading(named.get("size"), named.get("view"), named.get("angle"), dutch, names, pace, handheld)


def _is_direction(sentence: Sentence, phrase: Phrase) -> bool:
    """Return whether the words of *phrase* speak of the camera."""
    words = sentence.words(phrase)
    if words in vocabulary.ACRONYMS:
        return sentence.tokens[phrase.first].upper or sentence.word(phrase.first - 1) == ""
    if words not in vocabulary.AT_START:
        return True
    before, after = sentence.word(phrase.first - 1), sentence.word(phrase.last)
    starts = before == "" or before in BREAKS or before in vocabulary.CAMERA_WORDS
    return starts and (
        after == "" or after in BREAKS or after in vocabulary.CAMERA_WORDS or words.endswith((" on", " of", "aerial"))
    )


def _sorted_moves(found: Sequence[str]) -> tuple[str, ...]:
    names = list(dict.fromkeys(found))
    if "static" in names:
        return ("static",)
    for plain, sided in _SIDES.items():
        if plain in names and not set(sided).isdisjoint(names):
            names.remove(plain)
    for name, others in _EXCLUDES.items():
        if name in names:
            names = [other for other in names if other not in others]
    if len(names) > 1 and "glide" in names:
        names.remove("glide")
    return tuple(names[:3])


def _read_action(sentence: Sentence, found: Reading) -> Reading:
    """Return *found* with what people do, if there are any."""
    action = next((phrase for phrase in sentence.phrases if "action" in phrase.meanings), None)
    if action is None or all(subject.family != "person" for subject in found.subjects):
        return found
    sentence.use(action)
    return replace(found, action=action.meanings["action"])


def _read_place(sentence: Sentence, found: Reading) -> Reading:
    """Return *found* with the setting, and with interior or exterior."""
    scores: dict[str, float] = {}
    words: dict[str, set[str]] = {}
    used: dict[str, list[Phrase]] = {}
    place: str | None = None
    for phrase in sentence.phrases:
        named = phrase.meanings.get("place")
        if named is not None and _is_place(sentence, phrase):
            place = place or named
            sentence.use(phrase)
        listed = phrase.meanings.get("setting", "").split()
        for name, weight in zip(listed[::2], listed[1::2], strict=True):
            if sentence.words(phrase) in words.setdefault(name, set()):
                continue
            words[name].add(sentence.words(phrase))
            scores[name] = scores.get(name, 0) + _weight(sentence, phrase, name, float(weight))
            used.setdefault(name, []).append(phrase)
    if place == "exterior":
        scores.pop("interior", None)
    best = max(scores, key=lambda name: scores[name], default=None)
    setting = best if best is not None and scores[best] >= 2 else None
    if place == "interior" and setting not in ("underwater", "forest", "space"):
        vehicle = any(subject.family == "vehicle" for subject in found.subjects)
        setting = "interior" if setting is not None or not vehicle else None
    for phrase in used.get(setting or "", []):
        sentence.use(phrase)
    if place is None and setting not in (None, "space", "underwater"):
        place = "interior" if setting == "interior" else "exterior"
    return replace(found, setting=setting, place=place)


def _is_place(sentence: Sentence, phrase: Phrase) -> bool:
    word, after = sentence.words(phrase), sentence.word(phrase.last)
    if word in ("int", "ext"):
        return after in (".", "/", "-") or sentence.tokens[phrase.first].upper
    if word in ("inside", "outside"):
        near = {sentence.word(phrase.last + step) for step in range(4)}
        if after not in vocabulary.DETERMINERS or near & {"window", "windows", "frame"}:
            return False
        nouns = (sentence.starts.get(phrase.last + step) for step in range(1, 4))
        kind = next((noun.meanings["subject"] for noun in nouns if noun is not None and "subject" in noun.meanings), "")
        return FAMILY_OF.get(kind) != "object"
    return True


def _weight(sentence: Sentence, phrase: Phrase, setting: str, weight: float) -> float:
    """Return the weight of a place by the noun that follows it: `kitchen knife` is no kitchen."""
    after = sentence.starts.get(phrase.last)
    if after is None:
        beyond = sentence.starts.get(phrase.last + 1)
        plain = sentence.word(phrase.last)
        if (
            beyond is not None
            and plain.isalpha()
            and plain not in PLAIN_WORDS
            and not plain.endswith(("ing", "ed", "s", "ly"))
        ):
            family = FAMILY_OF.get(beyond.meanings.get("subject", ""))
            return 0 if family == "object" and "setting" not in beyond.meanings else weight
        return weight
    if "setting" in after.meanings and setting not in after.meanings["setting"].split():
        return weight / 2
    family = FAMILY_OF.get(after.meanings.get("subject", ""))
    if "colour" in after.meanings or (family == "object" and "setting" not in after.meanings):
        return 0
    return min(weight, 1) if family in ("person", "animal", "vehicle") else weight


def _read_light(sentence: Sentence, found: Reading) -> Reading:
    """Return *found* with time, weather, mood and colours."""
    time: str | None = None
    weather: list[str] = []
    colours: list[str] = []
    moods: set[str] = set()
    for phrase in sentence.phrases:
        meanings = phrase.meanings
        if "time" in meanings and time is None:
            time = meanings["time"]
        if "weather" in meanings:
            weather.append(meanings["weather"])
        if "colour" in meanings:
            colours.append(meanings["colour"])
        if "mood" in meanings:
            moods.add(meanings["mood"])
        if {"time", "weather", "colour", "mood"} & meanings.keys():
            sentence.use(phrase)
    moods |= {vocabulary.MOODS_OF_WEATHER[one] for one in weather if one in vocabulary.MOODS_OF_WEATHER}
    if time is not None:
        moods.add(vocabulary.MOODS_OF_TIMES[time])
    mood = next((name for name in MOODS if name in moods), None)
    return replace(
        found, time=time, weather=tuple(dict.fromkeys(weather)), mood=mood, colours=tuple(dict.fromkeys(colours))
    )


# Moods, the first that is named decides.
MOODS = ("neon", "night", "dawn", "dusk", "storm", "overcast", "winter", "noon", "day", "warm")
_FEATURES_OF_WEATHER = {"rain": "rain", "storm": "lightning", "snow": "snow", "fog": "fog", "clouds": "clouds"}
_FEATURES_OF_KINDS = {
    "bird": "birds", "eagle": "birds", "car": "car", "truck": "car", "bus": "car", "boat": "boat", "sailboat": "sail",
    "ship": "sail", "cup": "cup", "fish": "fish", "shark": "fish", "lighthouse": "lighthouse", "flower": "flowers",
    "woman": "dress", "girl": "dress", "house": "cabin",
}  # fmt: skip


def _features(sentence: Sentence, found: Reading) -> frozenset[str]:
    """Return the names from ``FEATURE_WORDS`` of all words, subjects and kinds of weather."""
    names: set[str] = set()
    for phrase in sentence.phrases:
        if "feature" in phrase.meanings:
            names.update(phrase.meanings["feature"].split())
            sentence.use(phrase)
    for subject in (*found.subjects, *found.held):
        names.add(_FEATURES_OF_KINDS.get(subject.kind, ""))
        if subject.family == "person":
            names.add("person" if subject.count == 1 and subject.kind != "crowd" else "people")
    names.update(_FEATURES_OF_WEATHER.get(one, "") for one in found.weather)
    return frozenset(names - {""})


def _understood(sentence: Sentence) -> tuple[Span, ...]:
    """Return the places of the words that were used, and of those that the prompt excludes."""
    numbers = sentence.used | {number for number, why in enumerate(sentence.masked) if why == "no"}
    words = [(sentence.tokens[number].start, sentence.tokens[number].end) for number in numbers]
    return _joined_spans(sorted([*words, *(span for _, span in sentence.moves)]))


def _unknown(sentence: Sentence) -> tuple[Span, ...]:
    """Return the places of the words that mean something and were not used."""
    hidden = {
        number
        for phrase in sentence.phrases
        if not phrase.meanings.keys() - {"number", "pronoun", "slow", "fast", "whip"}
        for number in range(phrase.first, phrase.last)
    }
    hidden |= {number for number, why in enumerate(sentence.masked) if why in ("quoted", "spoken")}
    read = _understood(sentence)
    found = []
    for number, token in enumerate(sentence.tokens):
        is_plain = token.text in PLAIN_WORDS or token.text == "'s" or token.text.isdigit() or token.text in "abcdefghij"
        if not token.is_word or is_plain or number in hidden:
            continue
        if not any(start < token.end and end > token.start for start, end in read):
            found.append((token.start, token.end))
    return tuple(dict.fromkeys(found))


def _joined_spans(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return *spans* in order, those that overlap or touch by a hyphen or space as one."""
    found: list[Span] = []
    for start, end in spans:
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)
