"""Reading of a prompt: from plain words to a setting, a mood, features, colours and camera moves.

Understands English; other text yields nothing, and the seed decides. No picture is made here.
"""

import re
from collections.abc import Mapping

from msgspec import Struct


class Reading(Struct, frozen=True):
    """The result. ``features`` are names from ``FEATURES``; ``colours`` are names from ``COLOURS`` in order.

    ``moves`` are names from ``camera.MOVES``, where ``pan``, ``track`` and ``orbit`` may come without a side; ``pace``
    is 1 for an ordinary speed; ``close`` requests a close-up.
    """

    setting: str | None = None
    mood: str | None = None
    features: frozenset[str] = frozenset()
    colours: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    pace: float = 1.0
    close: bool = False
    handheld: bool = False

    def has(self, *names: str) -> bool:
        """Return whether any of *names* was found."""
        return not self.features.isdisjoint(names)


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


def read_prompt(prompt: str) -> Reading:
    """Return everything that *prompt* names. Accepts any text."""
    text = prompt.casefold()
    words = _words(text)
    forms = [_forms(word) for word in words]
    seen = {form for each in forms for form in each}
    pace = 0.75 if seen & {"slow", "slowly", "gentle", "gently", "calm", "subtle"} else 1.0
    pace = 1.3 if seen & {"fast", "quick", "quickly", "rapid", "rapidly", "whip", "racing"} else pace
    return Reading(
        setting=_setting(forms),
        mood=next((name for name, listed in MOODS.items() if seen & set(listed.split())), None),
        features=frozenset(name for name, listed in FEATURES.items() if seen & set(listed.split())),
        colours=tuple(dict.fromkeys(word for word in words if word in COLOURS)),
        moves=_moves(text),
        pace=pace,
        close=re.search(r"\b(close[- ]?up|macro|detail|extreme close)\b", text) is not None,
        handheld=re.search(r"\b(hand[- ]?held|shaky|documentary)\b", text) is not None,
    )
