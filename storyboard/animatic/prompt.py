"""Reading of a prompt: from plain words to a setting, a mood, features, colours and camera moves.

Understands English; other text yields nothing, and the seed decides. No picture is made here.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

Span = tuple[int, int]

# Shot sizes from near to far.
SIZES = (
    "extreme-close-up", "close-up", "medium-close-up", "medium", "medium-long", "full", "wide", "extreme-wide",
)  # fmt: skip
VIEWS = ("over-the-shoulder", "point-of-view", "two-shot", "insert", "establishing")
ANGLES = ("eye-level", "low", "high", "overhead", "aerial")
TIMES = ("dawn", "morning", "day", "noon", "afternoon", "golden-hour", "dusk", "blue-hour", "night")
PARTS = ("eyes", "face", "mouth", "hair", "hand", "foot", "leg", "arm", "back")
# Kinds of subjects by family; a drawing that has no figure for a kind draws one of its family.
FAMILIES: Mapping[str, str] = {
    "person": "person woman man girl boy child baby crowd robot",
    "animal": "animal dog cat horse bird fish deer fox wolf bear lion tiger elephant monkey rabbit cow sheep pig mouse "
    "snake insect butterfly whale shark dolphin turtle frog penguin camel jellyfish octopus dragon dinosaur duck "
    "chicken eagle owl",
    "vehicle": "vehicle car truck bus motorcycle bicycle train airplane helicopter boat ship sailboat spaceship",
    "object": "object bottle cup glass can phone book letter bag box gun sword knife camera umbrella instrument guitar "
    "piano flower food fruit cake laptop screen watch shoe jewel key candle lamp ball cigarette balloon mask statue "
    "toy chair table door clock hat tool mirror dress microphone perfume money painting",
    "building": "building house tower castle bridge lighthouse windmill church",
    "plant": "plant tree",
}
_FAMILY_OF = {kind: family for family, kinds in FAMILIES.items() for kind in kinds.split()}


class Subject(Struct, frozen=True):
    """Something in the picture: its kind and number.

    ``kind`` is a name from ``FAMILIES``; ``count`` is 0 where there are several and no number is named; ``part`` is the
    part of a body that the prompt shows, from ``PARTS``; ``age`` is ``child``, ``young`` or ``old``.
    """

    kind: str
    count: int = 1
    part: str | None = None
    age: str | None = None

    @property
    def family(self) -> str:
        """The family of the kind: person, animal, vehicle, object, building or plant."""
        return _FAMILY_OF[self.kind]


class Reading(Struct, frozen=True):
    """The result. A field is ``None`` or empty where the prompt names nothing.

    ``size``, ``view``, ``angle`` and ``time`` are names from ``SIZES``, ``VIEWS``, ``ANGLES`` and ``TIMES``; ``dutch``
    tilts the horizon. ``moves`` are names from ``camera.MOVES``, where ``pan``, ``track`` and ``orbit`` may come
    without a side; ``pace`` is 1 for an ordinary speed. ``subjects`` come in the order of the prompt; ``held`` are
    things in a hand. ``empty`` means that the prompt excludes people. ``place`` is ``interior`` or ``exterior``;
    ``setting`` is a name from ``SETTINGS``. ``weather`` holds ``rain``, ``storm``, ``snow``, ``fog``, ``wind``,
    ``clouds`` or ``clear``. ``features`` are names from ``FEATURES``; ``colours`` are names from ``COLOURS`` in order.
    ``understood`` and ``unknown`` are places in the prompt: the words that were used, and the others that mean
    something.
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

# Settings and their words; a word with ``!`` has triple weight.
SETTINGS: Mapping[str, str] = {
    "temple": "temple! ruin! shrine! pyramid! monastery! palace! cathedral! altar stairs staircase monument "
    "ziggurat! pagoda!",
    "river": "river! creek stream mangrove! swamp! lagoon bayou canal! skiff canoe kayak rowboat roots delta lake! "
    "pond waterfall",
    "sea": "sea! ocean! beach! coast! shore wave surf harbour harbor bay island! lighthouse! sail sailboat ship "
    "yacht horizon cliff pier",
    "street": "street! alley! avenue! downtown sidewalk crosswalk boulevard taxi shop storefront neon traffic "
    "market! tokyo! shibuya",
    "skyline": "city skyline! rooftop! skyscraper! metropolis town cityscape! tower building bridge village",
    "interior": "room! kitchen! interior! bedroom! office! cafe! café! bar restaurant! library! hallway! corridor! "
    "house inside table desk cup mug coffee tea lamp fireplace couch sofa bed window laboratory! lab! "
    "studio workshop! classroom! indoors!",
    "mountain": "mountain! peak! summit! alps! glacier! valley! ridge hill hills canyon! volcano! himalaya snow hiker "
    "climber cabin",
    "desert": "desert! dune! sahara! sand! oasis! camel mesa! savanna! savannah! wasteland! mars! drought",
    "road": "road! highway! motorway! freeway! car truck motorcycle drive driving bus route",
    "forest": "forest! jungle! wood! woods! woodland! tree rainforest! grove bamboo! pine branch moss fern fairy "
    "deer fox leaf leaves",
    "field": "field! meadow! prairie! grass! farm! barn wheat! garden! flower countryside! orchard! vineyard! "
    "steppe! horse park!",
    "space": "space! planet! galaxy! nebula! asteroid! orbit cosmos! cosmic spaceship! spacecraft! astronaut! "
    "satellite! starship! moonscape!",
    "underwater": "underwater! coral! reef! seabed! diver! fish jellyfish! whale! shark! kelp! submarine! deep-sea!",
}

FEATURES: Mapping[str, str] = {
    "mangrove": "mangrove root roots swamp",
    "jungle": "jungle rainforest tropical vine vines palm",
    "pine": "pine fir spruce conifer taiga alpine cabin",
    "palm": "palm tropical beach oasis island",
    "snow": "snow snowy snowfall snowing blizzard winter ice frozen glacier",
    "rain": "rain rainy raining rainfall drizzle storm thunderstorm downpour monsoon",
    "fog": "fog foggy mist misty haze hazy smoke smoky cloudy",
    "fire": "fire flame campfire bonfire burning fireplace torch lava volcano explosion",
    "glow": "glow glowing bioluminescence bioluminescent luminous firefly fireflies lantern lanterns magical "
    "magic fairy ethereal",
    "stars": "star stars starry galaxy cosmos milky constellation",
    "moon": "moon moonlight moonlit",
    "sun": "sun sunlight sunlit sunny sunrise sunset sunbeam",
    "clouds": "cloud clouds cloudy overcast",
    "aurora": "aurora northern-lights",
    "birds": "bird birds flock gull seagull crow crows raven eagle swallow crane heron",
    "boat": "boat skiff canoe kayak rowboat raft gondola dinghy",
    "sail": "sail sailboat ship yacht galleon vessel schooner",
    "person": "woman man girl boy person child figure hiker traveller traveler astronaut explorer dancer runner "
    "soldier stranger monk warrior hero detective lady guy human diver climber he she someone wanderer "
    "scientist worker",
    "people": "people crowd couple friends group team family pedestrians",
    "dress": "woman girl lady princess queen dancer bride she her dress monk",
    "pack": "hiker traveller traveler astronaut explorer climber soldier backpack",
    "car": "car taxi truck vehicle driving cab van suv sedan bus",
    "cup": "cup mug coffee tea espresso teacup",
    "steam": "steam steaming hot coffee tea boiling cooking",
    "neon": "neon cyberpunk futuristic synthwave",
    "planet": "planet mars earth jupiter saturn moonscape",
    "fish": "fish fishes shark whale reef",
    "flowers": "flower flowers blossom petal petals cherry lavender tulip poppy poppies",
    "leaves": "leaf leaves autumn",
    "autumn": "autumn",
    "dust": "dust dusty sand sandstorm particles",
    "lightning": "lightning thunder thunderstorm",
    "lighthouse": "lighthouse beacon",
    "cabin": "cabin house hut barn cottage farmhouse lodge",
    "stairs": "stairs staircase steps stairway pyramid ziggurat",
    "window": "window windows",
    "rays": "rays sunbeam sunbeams beams shafts godrays volumetric",
}

MOODS: Mapping[str, str] = {
    "neon": "neon cyberpunk synthwave",
    "night": "night midnight moonlight moonlit starry moon nocturnal stars dark aurora",
    "dawn": "dawn sunrise morning daybreak",
    "dusk": "dusk sunset twilight evening golden",
    "storm": "storm stormy thunderstorm thunder lightning ominous gloomy menacing",
    "overcast": "overcast rain rainy raining fog foggy mist misty grey gray bleak drizzle moody melancholy",
    "winter": "snow snowy winter blizzard frozen ice icy glacier",
    "noon": "noon midday scorching blazing harsh heat",
    "day": "day daylight sunny bright afternoon sunlit blue-sky summer spring",
    "warm": "warm cozy cosy candlelight candlelit fireplace amber",
}

COLOURS: Mapping[str, str] = {
    "red": "#d8322f", "crimson": "#b3123a", "scarlet": "#e0301e", "orange": "#f08a24", "amber": "#ffb52e",
    "gold": "#f2c14e", "golden": "#f2c14e", "yellow": "#f5d64a", "green": "#3faf5a", "emerald": "#17a673",
    "teal": "#1fa6a6", "turquoise": "#2fd0c4", "cyan": "#35d7f0", "blue": "#3478f0", "azure": "#3f9bff",
    "indigo": "#4a3fc0", "violet": "#8446d8", "purple": "#8a3fc8", "magenta": "#e0379e", "pink": "#f27fb2",
    "white": "#f2f4f6", "silver": "#c9d2da", "brown": "#8a5a34",
}  # fmt: skip

_FILLER = r"(?:\w+\s+){0,2}?"
MOVE_PATTERNS: tuple[tuple[str, str], ...] = (
    ("static", r"static|locked[- ]off|motionless camera|still camera|fixed (camera|shot|frame)|tripod"),
    ("pull", r"pull(s|ing)?[- ]?(back|out|away)|zoom(s|ing)? out|doll(y|ies|ying)[- ](out|back)|back(s|ing) away"),
    ("push", r"push(es|ing)?[- ]?(in|into|to|towards?|forwards?|through|closer)?"),
    ("push", r"doll(y|ies|ying)( in| forward| towards?)?|zoom(s|ing)?( in| into| towards?)?"),
    ("push", r"move[sd]? (in|closer|forwards?)|creep(s|ing)? (in|forward|closer)"),
    ("pan-left", rf"(pan(s|ning|ned)?|swing(s|ing)?|turn(s|ing)?) {_FILLER}left"),
    ("pan-right", rf"(pan(s|ning|ned)?|swing(s|ing)?|turn(s|ing)?) {_FILLER}right"),
    ("pan", r"pans|panning|(camera|slow|gentle|quick|fast) pan|pan (across|over|along)"),
    ("tilt-up", rf"(tilt(s|ing|ed)?|look(s|ing)?) {_FILLER}(up|upwards?)"),
    ("tilt-down", rf"tilt(s|ing|ed)? {_FILLER}(down|downwards?)"),
    ("descend", rf"(crane|jib|boom|camera)s? {_FILLER}(down|descends|lowers|sinks)|descend(s|ing)?"),
    ("rise", r"crane[sd]?( shot| up)?|craning|rises|rising|rise (up|above|over)|boom up|jib up"),
    ("rise", rf"camera {_FILLER}(lifts|climbs)"),
    ("aerial", r"aerial|drone|bird'?s[- ]eye|fl(y|ies|ying)[- ]?(over|through|above|by)?|overhead shot"),
    ("orbit-left", rf"(orbit(s|ing)?|arc(s|ing)?|circl(es|ing)) {_FILLER}left"),
    ("orbit-right", rf"(orbit(s|ing)?|arc(s|ing)?|circl(es|ing)) {_FILLER}right"),
    ("orbit", r"orbit(s|ing)|camera orbit|arc(s|ing) (around|round)|arc shot|circl(es|ing)|revolv(es|ing)"),
    ("track-left", rf"(track(s|ing)?|slid(e|es|ing)|truck(s|ing)|mov(es|ing)) {_FILLER}left"),
    ("track-right", rf"(track(s|ing)?|slid(e|es|ing)|truck(s|ing)|mov(es|ing)) {_FILLER}right"),
    ("track", r"tracking|tracks (along|past|with|beside)|dolly track|follow(s|ing)|slider|side[- ]?scroll\w*"),
    ("glide", r"glid(e|es|ing)|steadicam|float(s|ing)? (down|through|along|forward)"),
    ("glide", r"travel(s|ling|ing)? (down|through|along)|drift(s|ing)? (down|through|forward|along|between)"),
)
_MOVES = tuple((name, re.compile(rf"\b(?:{pattern})\b")) for name, pattern in MOVE_PATTERNS)
_SIDES = {
    "pan": ("pan-left", "pan-right"),
    "track": ("track-left", "track-right"),
    "orbit": ("orbit-left", "orbit-right"),
}


def _words(text: str) -> list[str]:
    found = re.findall(r"[a-zé]+(?:-[a-z]+)?", text.casefold())
    return [part for word in found for part in ([word, *word.split("-")] if "-" in word else [word])]


def _forms(word: str) -> set[str]:
    forms = {word}
    if len(word) > 3 and word.endswith("s"):
        forms.add(word[:-1])
    if len(word) > 4 and word.endswith("es"):
        forms.add(word[:-2])
    return forms


def _setting(forms: list[set[str]]) -> str | None:
    best, score = None, 0.0
    for name, listed in SETTINGS.items():
        weights = {word.rstrip("!"): 3.0 if word.endswith("!") else 1.0 for word in listed.split()}
        found = {word for each in forms for word in each if word in weights}
        total = sum(weights[word] for word in found)
        if total > score:
            best, score = name, total
    return best


def _moves(text: str) -> tuple[str, ...]:
    found = list(dict.fromkeys(name for name, pattern in _MOVES if pattern.search(text)))
    if "static" in found:
        return ("static",)
    for plain, sided in _SIDES.items():
        if plain in found and not set(sided).isdisjoint(found):
            found.remove(plain)
    if "pull" in found and "push" in found:
        found.remove("push")
    return tuple(found[:2])


_SUBJECTS_OF_FEATURES = {
    "person": Subject("person"),
    "people": Subject("person", 0),
    "birds": Subject("bird", 0),
    "boat": Subject("boat"),
    "sail": Subject("sailboat"),
    "car": Subject("car"),
    "cup": Subject("cup"),
    "fish": Subject("fish", 0),
}
_WEATHERS = {"rain": "rain", "snow": "snow", "fog": "fog", "lightning": "storm", "clouds": "clouds"}


def read_prompt(prompt: str) -> Reading:
    """Return everything that *prompt* names. Accepts any text."""
    text = prompt.casefold()
    words = _words(text)
    forms = [_forms(word) for word in words]
    seen = {form for each in forms for form in each}
    pace = 0.75 if seen & {"slow", "slowly", "gentle", "gently", "calm", "subtle"} else 1.0
    pace = 1.3 if seen & {"fast", "quick", "quickly", "rapid", "rapidly", "whip", "racing"} else pace
    close = re.search(r"\b(close[- ]?up|macro|detail|extreme close)\b", text) is not None
    mood = next((name for name, listed in MOODS.items() if seen & set(listed.split())), None)
    features = frozenset(name for name, listed in FEATURES.items() if seen & set(listed.split()))
    setting = _setting(forms)
    return Reading(
        size="close-up" if close else None,
        setting=setting,
        place=None if setting is None else "interior" if setting == "interior" else "exterior",
        time=mood if mood in TIMES else None,
        weather=tuple(weather for feature, weather in _WEATHERS.items() if feature in features),
        subjects=tuple(subject for name, subject in _SUBJECTS_OF_FEATURES.items() if name in features),
        mood=mood,
        features=features,
        colours=tuple(dict.fromkeys(word for word in words if word in COLOURS)),
        moves=_moves(text),
        pace=pace,
        handheld=re.search(r"\b(hand[- ]?held|shaky|documentary)\b", text) is not None,
    )
