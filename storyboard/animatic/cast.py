"""Cast of a storyboard panel: the people and things that a prompt names, framed by the size and angle of the shot.

The shot size decides how many heads of a person are seen from top to bottom, the angle where the horizon lies and how
uprights converge.
"""

from collections.abc import Callable, Mapping

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from PIL import Image, ImageChops

from storyboard.animatic import mannequins
from storyboard.animatic.camera import CAST_DEPTH
from storyboard.animatic.ink import (
    BOLD,
    DARK,
    DEEP,
    INK,
    LIGHT,
    MIDDLE,
    PLAIN,
    Array,
    Ink,
    Lens,
    Point,
    Tone,
    limb_outline,
)
from storyboard.animatic.layers import Layer
from storyboard.animatic.mannequins import Person
from storyboard.animatic.objects import draw_prop, prop_for
from storyboard.animatic.palette import mix, parse_colour, to_bytes
from storyboard.animatic.prompt import COLOURS, Reading, Subject
from storyboard.animatic.world import Element, Plane, World

# By shot size: the heads of a person from the top of the picture to its bottom, and the place of the crown.
_HEADS: Mapping[str, tuple[float, float]] = {
    "extreme-close-up": (0.62, -0.28), "close-up": (1.55, 0.15), "medium-close-up": (2.8, 0.14), "medium": (4.3, 0.14),
    "medium-long": (6.6, 0.13), "full": (9.3, 0.13), "wide": (17.0, 0.36), "extreme-wide": (58.0, 0.6),
}  # fmt: skip
# By shot size: the share of the picture's height that a thing fills.
_FILLED: Mapping[str, float] = {
    "extreme-close-up": 1.2, "close-up": 0.78, "medium-close-up": 0.66, "medium": 0.56, "medium-long": 0.5,
    "full": 0.44, "wide": 0.26, "extreme-wide": 0.09,
}  # fmt: skip
NEAR = ("extreme-close-up", "close-up", "medium-close-up", "insert")
FAR = ("wide", "extreme-wide")
_DUTCH = 0.22  # radians
# Things that a person holds although the prompt says only that both are there.
_HANDHELD = frozenset((
    "umbrella", "balloon", "microphone", "gun", "knife", "sword", "phone", "book", "letter", "bag", "bottle", "cup",
    "glass", "can", "camera", "flower", "guitar", "cigarette", "key", "money",
))  # fmt: skip
_RAISED: Mapping[str, float] = {"umbrella": 3.7, "balloon": 4.4}  # held above the head: the height in heads
_GROUP = 5  # people that are drawn one by one
NIGHTS = ("night", "blue-hour")


class PanelStage(Struct, frozen=True):
    """Content and camera of a panel. ``head`` is the height of a head in stage units, ``crown`` where it begins.

    ``foot`` is where people and things stand, ``horizon`` the height of the eye of the camera.
    """

    reading: Reading
    aspect: float
    size: str
    head: float
    crown: float
    horizon: float
    lens: Lens | None
    rng_for: Callable[[str], np.random.Generator]

    @property
    def foot(self) -> float:
        return self.crown + mannequins.TALL * self.head

    @property
    def held(self) -> tuple[Subject, ...]:
        """The thing in the hands of the first person: as the prompt says, else one that is made to be held."""
        reading = self.reading
        return reading.held or tuple(subject for subject in reading.subjects if subject.kind in _HANDHELD)[:1]

    @property
    def spread(self) -> float:
        """Half the width over which the cast stands."""
        return min(self.aspect, 2.0) / 2


def plan_panel(reading: Reading, aspect: float, rng_for: Callable[[str], np.random.Generator]) -> PanelStage:
    """Return the stage of a prompt, in a picture of that *aspect*, its width for its height."""
    size = reading.framing or _default_size(reading)
    heads, crown = _HEADS[size]
    room = min(1.0, aspect / 1.2)  # a narrow picture shows less across, so the figure is smaller
    head = room / heads
    if room < 1 and size not in FAR:
        crown += (1 - room) * 0.3
    horizon = crown + 0.5 * head
    if size in NEAR:
        horizon = 0.52
    horizon = min(0.66, max(0.3, horizon))
    horizon = {"low": 0.9, "high": -0.12, "aerial": 0.12, "overhead": -2.0}.get(reading.angle or "", horizon)
    if reading.angle in ("high", "aerial") and size not in NEAR:
        crown, head = crown + 0.06, head * (0.85 if reading.angle == "high" else 0.55)
    people = [subject for subject in reading.subjects if subject.family == "person"]
    if people and all(_is_child(subject) for subject in people) and size not in NEAR:
        head *= 1.3
        crown -= 0.4 * (mannequins.TALL * head * 0.23) if size in FAR else mannequins.TALL * head * 0.2
    if size in FAR:
        crown += max(0.0, horizon + 0.03 - crown - mannequins.TALL * head)
    return PanelStage(reading, aspect, size, head, crown, horizon, _lens(reading, size), rng_for)


def _is_child(subject: Subject) -> bool:
    return subject.age == "child" or subject.kind in ("child", "girl", "boy", "baby")


def _default_size(reading: Reading) -> str:
    """Return the shot size of a prompt that names none, by what it shows."""
    families = [subject.family for subject in reading.subjects]
    people = sum(max(1, s.count) if s.kind != "crowd" else 9 for s in reading.subjects if s.family == "person")
    if not families or "building" in families:
        return "wide"
    if people:
        others = {"vehicle", "animal"} & set(families)
        return (
            "full"
            if others or people > 3 or reading.angle in ("aerial", "overhead")
            else "medium-long"
            if people > 1
            else "medium"
        )
    return "medium" if families[0] in ("object", "plant") else "full"


def _lens(reading: Reading, size: str) -> Lens | None:
    """Return what bends the stage: uprights that converge for a low or high camera, and a tilted horizon."""
    lean = {"low": 0.62, "high": -0.5, "aerial": -0.35}.get(reading.angle or "", 0.0) * (0.6 if size in FAR else 1.0)
    if not lean and not reading.dutch:
        return None
    cos, sin = (np.cos(_DUTCH), np.sin(_DUTCH)) if reading.dutch else (1.0, 0.0)
    grown = 1.12 if reading.dutch else 1.0

    def bend(points: Array) -> Array:
        x, y = points[:, 0], points[:, 1] - 0.5
        x = x * np.clip(1 + lean * y, 0.25, 3.0)
        return np.stack([grown * (cos * x - sin * y), 0.5 + grown * (sin * x + cos * y)], axis=1)

    return bend


def draw_cast(ink: Ink, stage: PanelStage) -> None:
    """Draw the people and things that the prompt names, framed by the shot size."""
    reading = stage.reading
    part = next((subject for subject in reading.subjects if subject.part is not None), None)
    people = [subject for subject in reading.subjects if subject.family == "person"]
    things = [subject for subject in reading.subjects if subject.family != "person"]
    if reading.angle == "overhead":
        _draw_from_above(ink, stage, people, things)
    elif part is not None and part.family == "person" and _draw_part(ink, stage, part):
        return
    elif not people or (reading.view == "insert" and (things or reading.held)):
        _draw_things(ink, stage, [*things, *reading.held])
    else:
        _draw_people(ink, stage, people, things)


def _person(
    stage: PanelStage, subject: Subject, number: int, turn: float, pose: str = "stand", back: bool = False
) -> Person:
    """Return how one person of *subject* looks. Colours that the prompt names are those of the first one's clothes."""
    rng = stage.rng_for(f"person {subject.kind} {number}")
    kinds = {"girl": "child", "boy": "child", "baby": "child", "crowd": "person", "robot": "man"}
    mixed = "woman" if subject.kind == "person" and subject.count != 1 and number % 2 else subject.kind
    kind = "elder" if subject.age == "old" else "child" if subject.age == "child" else kinds.get(mixed, mixed)
    hair = ((36, 37, 42), DEEP, DARK, (150, 146, 138))[int(rng.integers(4))]
    top, legs = ((MIDDLE, DEEP), (DARK, DEEP), (LIGHT, DARK), (DEEP, MIDDLE))[int(rng.integers(4))]
    named = _named_tone(stage.reading)
    top = named if named is not None and number == 0 and not stage.held else top
    return Person(kind, pose, turn, back, LIGHT if kind == "elder" else hair, top, legs)


def _named_tone(reading: Reading) -> Tone | None:
    """Return the first colour of the prompt as a marking pen draws it on paper."""
    if not reading.colours:
        return None
    return to_bytes(mix(parse_colour(COLOURS[reading.colours[0]]), (0.96, 0.95, 0.92), 0.18))


def _draw_people(ink: Ink, stage: PanelStage, people: list[Subject], things: list[Subject]) -> None:
    cast = [subject for subject in people for _ in range(_counted(subject))]
    crowd = any(subject.kind == "crowd" or subject.count > _GROUP for subject in people)
    behind = [thing for thing in things if thing.family in ("vehicle", "building", "plant")]
    beside = [thing for thing in things if thing not in behind and thing not in stage.held]
    foot = min(stage.foot, 6.0)
    for number, thing in enumerate(behind):
        way = -1 if number % 2 else 1
        prop = prop_for(thing)
        x = way * (0.3 if len(cast) < 2 else 0.0) * stage.spread
        high = min(prop.tall * stage.head * 0.9, 0.8 if thing.family == "building" else 3.0)
        low = stage.horizon + 0.02 if thing.family == "building" else foot - stage.head * 0.4
        draw_prop(ink, thing, (x, low), high, way, _named_tone(stage.reading) if number == 0 else None)
    if crowd:
        _draw_crowd(ink, stage)
    elif stage.reading.view == "over-the-shoulder":
        _draw_over_shoulder(ink, stage, cast)
    else:
        _draw_group(ink, stage, cast)
    for number, thing in enumerate(beside[:3]):
        _draw_companion(ink, stage, thing, number, len(cast))


def _counted(subject: Subject) -> int:
    return 3 if subject.count == 0 else min(subject.count, _GROUP)


def _draw_crowd(ink: Ink, stage: PanelStage) -> None:
    line = min(0.62, max(0.12, stage.horizon))
    side = stage.aspect * 0.75
    low = {"extreme-wide": 0.86, "wide": 0.95}.get(stage.size, 1.25)
    mannequins.draw_crowd(ink, -side, side, line, low, stage.rng_for("crowd"))


def _draw_group(ink: Ink, stage: PanelStage, cast: list[Subject]) -> None:
    """Draw people side by side; two face each other."""
    rng = stage.rng_for("group")
    count = len(cast)
    gap = min(2.5 * stage.head, 2 * stage.spread * 0.9 / max(1, count))
    offset = 0.0 if count > 1 else float(rng.uniform(-0.12, 0.12)) * stage.spread * 2
    turn = float(rng.choice([-0.75, -0.4, 0.4, 0.75]))
    back = any(subject.part == "back" for subject in cast)
    for number, subject in enumerate(cast):
        x = (number - (count - 1) / 2) * gap + offset
        facing = turn if count == 1 else 0.7 if number < count / 2 else -0.7
        pose = _pose(stage, number)
        person = _person(stage, subject, number, facing, pose, back)
        shorter = (mannequins.TALL - person.tall) * stage.head
        head = stage.head * (0.9 if person.kind == "child" else 1.0)
        crown = stage.crown + (shorter if stage.size not in NEAR else stage.head * 0.16 * number)
        if number == 0 and stage.held and stage.held[0].kind in _RAISED:
            high = _RAISED[stage.held[0].kind] * head
            draw_prop(ink, stage.held[0], (x + 0.42 * head, crown + 2.6 * head), high, 1, _named_tone(stage.reading))
        mannequins.draw_person(ink, (x, crown), head, person)
        if number == 0 and stage.held:
            _draw_held(ink, stage, (x, crown), head)


def _pose(stage: PanelStage, number: int) -> str:
    if number == 0 and stage.held:
        return "hold"
    if stage.size in NEAR:
        return "stand"
    if stage.reading.action is not None:
        return stage.reading.action
    return ("stand", "talk", "walk", "stand")[int(stage.rng_for(f"pose {number}").integers(4))]


def _draw_held(ink: Ink, stage: PanelStage, crown: Point, head: float) -> None:
    """Draw the thing in the hands of a person, before their chest."""
    thing = stage.held[0]
    if thing.kind in _RAISED:
        return
    high = min(2.2, max(0.75, prop_for(thing).tall)) * head
    draw_prop(ink, thing, (crown[0], crown[1] + 2.62 * head), high, 1, _named_tone(stage.reading))


def _draw_over_shoulder(ink: Ink, stage: PanelStage, cast: list[Subject]) -> None:
    """Draw the second person facing the camera, over the shoulder of the first."""
    other = cast[1] if len(cast) > 1 else cast[0]
    way = 1 if stage.rng_for("shoulder").random() < 0.5 else -1
    facing = _person(stage, other, 1, -0.6 * way)
    mannequins.draw_person(ink, (0.24 * way * stage.spread, 0.14), stage.head * 0.86, facing)
    near = _person(stage, cast[0], 0, 0.0, back=True)
    dark = Person(near.kind, "stand", 0.0, True, INK, DEEP, DEEP)
    mannequins.draw_person(ink, (-0.58 * way * stage.spread, 0.1), stage.head * 1.75, dark)


def _draw_companion(ink: Ink, stage: PanelStage, thing: Subject, number: int, people: int) -> None:
    """Draw an animal or an object beside the people; where the picture ends above the ground, in front of them."""
    prop = prop_for(thing)
    way = 1 if number % 2 == 0 else -1
    foot = min(stage.foot, 0.98 if thing.family == "object" else 1.25)
    high = prop.tall * stage.head
    if thing.family == "object":
        high = min(0.5, max(high, 0.14 if stage.size not in FAR else 0.07))
    if thing.kind == "bird":
        foot = min(0.4, stage.crown + 0.1)
    x = way * min(stage.spread * 0.72, (people / 2 + 0.9) * stage.head * 1.6 + high * prop.wide * 0.35)
    ways = -way if thing.family == "animal" else 1
    for each in range(_counted(thing)):
        draw_prop(ink, thing, (x + way * each * high * prop.wide * 0.7, foot - 0.05 * each), high, ways, None)


def _draw_things(ink: Ink, stage: PanelStage, things: list[Subject]) -> None:
    """Draw a shot without people: the first thing fills as much of the picture as the shot size asks for."""
    if not things:
        return
    stands_on = [thing for thing in things if thing.kind != "table"]
    main, *others = stands_on or things
    prop = prop_for(main)
    filled = _FILLED[stage.size] * (1.7 if main.family == "building" else 1.0)
    count = _counted(main)
    high = min(filled, stage.aspect * 0.92 * max(filled, 0.5) / (prop.wide * (1 + 0.8 * (count - 1))))
    table = main.family == "object" and stage.size not in FAR
    foot = min(0.93, 0.5 + high * 0.5 + 0.08) if stage.size != "extreme-close-up" else 1.2
    foot = foot if stage.size not in FAR else 0.72
    foot = max(foot, min(1.0, stage.horizon + 0.04))
    if main.kind in ("bird", "eagle", "airplane", "helicopter", "butterfly", "spaceship", "balloon"):
        foot -= 0.18
    elif table:
        _draw_table_top(ink, stage, foot)
    else:
        _draw_shadow(ink, (0.0, foot), high * prop.wide * 0.52, stage)
    rng = stage.rng_for("things")
    way = 1 if rng.random() < 0.5 else -1
    for number in reversed(range(count)):
        x = (number - (count - 1) / 2) * high * prop.wide * 0.8
        y = foot - (0.06 * (number % 2) if count > 1 else 0.0)
        draw_prop(ink, main, (x, y), high, way, _named_tone(stage.reading))
    for number, thing in enumerate(others[:3]):
        other = prop_for(thing)
        side = 1 if number % 2 == 0 else -1
        tall = high * min(1.6, max(0.35, other.tall / prop.tall))
        x = side * min(stage.spread * 0.75, high * prop.wide * 0.5 + tall * other.wide * 0.55)
        draw_prop(ink, thing, (x, foot - 0.03), tall, -side, None)


def _draw_table_top(ink: Ink, stage: PanelStage, foot: float) -> None:
    """Draw the table on which an object stands."""
    edge = min(0.96, foot + 0.05)
    ink.fill(
        [(-4, foot - 0.13), (4, foot - 0.13), (4, 3), (-4, 3)], LIGHT if stage.reading.time not in NIGHTS else DARK
    )
    ink.stroke([(-4, foot - 0.13), (4, foot - 0.13)], PLAIN)
    ink.oval((0.0, foot - 0.005), 0.3, 0.035, MIDDLE, 0)
    ink.stroke([(-4, edge + 0.04), (4, edge + 0.04)], BOLD)


def _draw_shadow(ink: Ink, foot: Point, wide: float, stage: PanelStage) -> None:
    tone = MIDDLE if stage.reading.time not in NIGHTS else DEEP
    ink.oval(foot, wide, max(0.006, wide * 0.1), tone, 0)


def _draw_part(ink: Ink, stage: PanelStage, subject: Subject) -> bool:
    """Draw a part of a body alone; return whether *subject*'s part has a drawing of its own at this size."""
    person = _person(stage, subject, 0, 0.0)
    wide = min(1.0, stage.aspect / 1.6)
    if subject.part == "eyes" and stage.size in NEAR:
        mannequins.draw_eyes(
            ink, (0.0, 0.48), 0.66 * wide * (1.0 if stage.size == "extreme-close-up" else 0.75), person
        )
    elif subject.part == "hand" and stage.size in (*NEAR, "medium"):
        _draw_hands(ink, stage, subject, person)
    elif subject.part == "mouth" and stage.size in NEAR:
        mannequins.draw_mouth(ink, (0.0, 0.5), 0.5 * wide)
    elif subject.part in ("foot", "leg"):
        head = 0.3 * wide
        top = 0.86 - mannequins.TALL * head if subject.part == "foot" else 0.96 - 0.62 * mannequins.TALL * head
        walking = _person(stage, subject, 0, 0.7, "walk")
        mannequins.draw_person(ink, (0.0, top), head if subject.part == "foot" else 0.6 * head, walking)
    else:
        return False
    return True


def _draw_hands(ink: Ink, stage: PanelStage, subject: Subject, person: Person) -> None:
    """Draw a hand, or two, with what it holds."""
    held = [*stage.reading.held, *(s for s in stage.reading.subjects if s.family in ("object", "plant"))]
    big = 0.24 * min(1.0, stage.aspect / 1.4)
    if held:
        high = min(0.8, max(0.5, 0.16 * prop_for(held[0]).tall + 0.4)) * min(1.0, stage.aspect / 1.2)
        draw_prop(ink, held[0], (-0.02, 0.5 + high * 0.52), high, 1, _named_tone(stage.reading))
        mannequins.draw_hand(ink, (0.1, 0.56), big * 0.9, 1, person.top)
        if subject.count != 1:
            mannequins.draw_hand(ink, (-0.14, 0.66), big * 0.9, -1, person.top)
        return
    mannequins.draw_open_hand(ink, (0.0 if subject.count == 1 else 0.32, 0.62), big * 1.3, 1, person.top)
    if subject.count != 1:
        mannequins.draw_open_hand(ink, (-0.32, 0.62), big * 1.3, -1, person.top)


def _draw_from_above(ink: Ink, stage: PanelStage, people: list[Subject], things: list[Subject]) -> None:
    """Draw the cast as a camera that looks straight down sees it; things lie flat."""
    rng = stage.rng_for("above")
    head = min(0.3, max(0.02, stage.head * 0.9))
    cast = [subject for subject in people for _ in range(_counted(subject) if subject.kind != "crowd" else 24)]
    for number, thing in enumerate([*things, *stage.reading.held][:3]):
        prop = prop_for(thing)
        high = min(0.75, max(_FILLED[stage.size] * 0.9, prop.tall * head)) if not people else min(0.6, prop.tall * head)
        x = (0.0 if not people else 0.42 * stage.spread) - 0.5 * number * stage.spread
        draw_prop(ink, thing, (x, 0.5 + high / 2), high, 1, _named_tone(stage.reading))
    for number, subject in enumerate(cast):
        few = len(cast) <= _GROUP
        x = (number - (len(cast) - 1) / 2) * head * 3.2 if few else float(rng.uniform(-1, 1)) * stage.spread
        y = 0.52 + (0.04 if number % 2 else -0.03) if few else float(rng.uniform(0.05, 0.95))
        shadow = [(x, y), (x + head * 2.4, y + head * 1.4)]
        ink.fill(limb_outline(shadow, [1.5 * head, 0.9 * head]), MIDDLE)
        mannequins.draw_person_from_above(
            ink, (x, y), head, _person(stage, subject, number, 0.0), float(rng.uniform(-0.6, 0.6))
        )


# The settings whose scenes have actors of a kind, and the features by which they draw them.
_LAND = "forest mountain desert field road temple interior street"
_DRAWN_BY_SCENES: Mapping[str, str] = {
    "person": _LAND, "woman": _LAND, "man": _LAND, "car": "road street", "boat": "river sea", "sailboat": "river sea",
    "ship": "river sea", "bird": "forest mountain desert field road temple street skyline sea", "fish": "underwater",
    "cup": "interior", "spaceship": "space",
}  # fmt: skip
# Kinds that belong to a place more than to the cast, and flocks that only a scene has.
_SCENERY = frozenset((
    "door", "table", "chair", "lamp", "candle", "painting", "mirror", "piano", "clock", "statue", "screen", "insect",
))  # fmt: skip
_FAR_ACTORS = frozenset(("bird", "fish", "ship", "sailboat", "spaceship"))


def is_panel(reading: Reading) -> bool:
    """Return whether a prompt is drawn on neutral ground: its setting is not known, or not seen in such a shot."""
    return reading.setting is None or reading.angle == "overhead" or reading.framing == "extreme-close-up"


def cast_elements(world: World) -> list[Element]:
    """Return the cast in front of a setting, in its light, where the scene alone would not tell the shot from others.

    So it is with a named shot size, and with people and things that scenes have no actors for.
    """
    reading = _staged(world.reading)
    if not reading.subjects and not reading.held:
        return []
    stage = plan_panel(reading, world.aspect, world.rng_for)
    ink = Ink(world.canvas(CAST_DEPTH), None, stage.lens)
    draw_cast(ink, stage)
    image = ink.soft()
    shade = mix(mix((1.0, 1.0, 1.0), world.palette.light, 0.5), world.palette.haze, 0.25)
    lit = mix(shade, world.palette.dark, 0.45 if world.palette.night else 0.0)
    tinted = ImageChops.multiply(image, Image.new("RGBA", image.size, (*to_bytes(lit), 255)))
    return [Plane(Layer(ink.canvas, CAST_DEPTH, tinted))]


def _has_actor(setting: str, subject: Subject) -> bool:
    """Return whether the scene of *setting* draws *subject* as well as the cast would."""
    is_plain = subject.age is None and subject.part is None
    return is_plain and setting in _DRAWN_BY_SCENES.get(subject.kind, "").split()


def _staged(reading: Reading) -> Reading:
    """Return the part of a reading that the cast shows in front of a setting, which is all of it but the scenery.

    Without a named shot size it leaves out what the scene has actors for.
    """
    setting = reading.setting or ""

    def is_shown(subject: Subject) -> bool:
        if subject.kind in _SCENERY or subject.family not in ("person", "animal", "vehicle", "object"):
            return False
        return not _has_actor(setting, subject) or (reading.framing is not None and subject.kind not in _FAR_ACTORS)

    subjects, held = (tuple(filter(is_shown, group)) for group in (reading.subjects, reading.held))
    return replace(reading, subjects=subjects, held=held)


def without_cast(world: World) -> World:
    """Return the stage without the actors that its scene would draw beside the same ones of the cast."""
    staged = _staged(world.reading)
    names = {name for subject in (*staged.subjects, *staged.held) for name in _actor_features(subject)}
    return replace(world, reading=replace(world.reading, features=world.reading.features - names))


def _actor_features(subject: Subject) -> tuple[str, ...]:
    if subject.family == "person":
        return ("person", "people")
    return {"car": ("car",), "cup": ("cup",), "bird": ("birds",), "boat": ("boat",), "sailboat": ("sail",)}.get(
        subject.kind, ()
    )
