"""Reading of prompts as film people write them."""

import random
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from storyboard.animatic import chinese
from storyboard.animatic.prompt import ANGLES, FAMILIES, PARTS, SIZES, TIMES, VIEWS, Reading, read_prompt
from storyboard.animatic.vocabulary import (
    ANGLE_WORDS,
    PART_WORDS,
    PROPER,
    SETTING_WORDS,
    SIZE_WORDS,
    SUBJECT_WORDS,
    TIME_WORDS,
    VIEW_WORDS,
)

PROMPTS = tomllib.loads(Path(__file__).with_name("prompts.toml").read_text(encoding="utf-8"))


def shown(reading: Reading) -> dict[str, Any]:
    """What a reading holds, in the form of the file of prompts."""
    moves = [*reading.moves, *(["handheld"] if reading.handheld else [])]
    subjects = [
        f"{one.count} {one.kind}{f' {one.part}' if one.part else ''}" for one in (*reading.subjects, *reading.held)
    ]
    angle = "dutch" if reading.dutch else reading.angle
    found = {"size": reading.size, "angle": angle, "moves": moves, "subjects": subjects}
    return found | {"setting": reading.setting, "time": reading.time}


def differences(case: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields of a case that are read otherwise: what must be read, and what is."""
    found = shown(read_prompt(case["prompt"]))
    wanted = {"size": None, "angle": None, "moves": [], "subjects": [], "setting": None, "time": None} | {
        name: value for name, value in case.items() if name not in ("like", "prompt")
    }
    living = {"person", "animal", "vehicle"}
    reading = read_prompt(case["prompt"])
    extra = {
        f"{one.count} {one.kind}{f' {one.part}' if one.part else ''}"
        for one in reading.subjects
        if one.family in living
    }
    wrong = {
        name: (wanted[name], found[name])
        for name in ("size", "angle", "setting", "time")
        if wanted[name] != found[name]
    }
    if sorted(wanted["moves"]) != sorted(found["moves"]):
        wrong["moves"] = (wanted["moves"], found["moves"])
    if not set(wanted["subjects"]) <= set(found["subjects"]) or not extra <= set(wanted["subjects"]):
        wrong["subjects"] = (wanted["subjects"], found["subjects"])
    return wrong


@pytest.mark.parametrize("part", ["work", "aside"])
def test_at_least_seventeen_of_twenty_prompts_are_read_wholly_right(part: str) -> None:
    wrong = {case["prompt"]: found for case in PROMPTS[part] if (found := differences(case))}
    assert len(PROMPTS[part]) == 20
    assert len(wrong) <= 3, wrong


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("ECU of a key turning", "extreme-close-up"),
        ("XCU - the fuse burns", "extreme-close-up"),
        ("extreme close-up", "extreme-close-up"),
        ("macro shot of a drop", "extreme-close-up"),
        ("CU: her face", "close-up"),
        ("closeup of a watch", "close-up"),
        ("MCU, an old man listens", "medium-close-up"),
        ("Medium shot of a nurse", "medium"),
        ("waist-up, a boxer", "medium"),
        ("cowboy shot of a sheriff", "medium-long"),
        ("Full shot, a dancer turns", "full"),
        ("a full-body view of a robot", "full"),
        ("WS of a valley", "wide"),
        ("long shot of a lone rider", "wide"),
        ("extreme wide shot of the dunes", "extreme-wide"),
        ("ELS. A caravan.", "extreme-wide"),
        ("特写，一只手", "close-up"),
        ("大特写：瞳孔", "extreme-close-up"),
        ("中景，一个医生", "medium"),
        ("全景", "wide"),
        ("大遠景，一座山", "extreme-wide"),
        ("the cu group met", None),
        ("full of water", None),
        ("a wide smile", None),
        ("intricate detail everywhere", None),
    ],
)
def test_shot_sizes_are_read_as_film_people_write_them(words: str, size: str | None) -> None:
    assert read_prompt(words).size == size


@pytest.mark.parametrize(
    ("words", "view", "framing"),
    [
        ("two-shot of the sisters", "two-shot", "medium"),
        ("OTS, the chef tastes the soup", "over-the-shoulder", "medium-close-up"),
        ("POV: hands on a wheel", "point-of-view", None),
        ("INSERT: a letter", "insert", "close-up"),
        ("Establishing shot of a farm", "establishing", "extreme-wide"),
        ("过肩镜头，两个人交谈", "over-the-shoulder", "medium-close-up"),
        ("主观视角，穿过走廊", "point-of-view", None),
        ("she glances back over her shoulder", None, None),
    ],
)
def test_views_are_read_and_imply_a_size(words: str, view: str | None, framing: str | None) -> None:
    reading = read_prompt(words)
    assert reading.view == view
    if framing is not None:
        assert reading.framing == framing


@pytest.mark.parametrize(
    ("words", "angle"),
    [
        ("Low-angle shot of a judge", "low"),
        ("worm's-eye view of the towers", "low"),
        ("high angle, a child in a maze", "high"),
        ("bird's-eye view of a car park", "overhead"),
        ("birds eye view", "overhead"),
        ("a top-down shot of a desk", "overhead"),
        ("overhead shot, noodles", "overhead"),
        ("aerial of the bay", "aerial"),
        ("drone shot, vineyards", "aerial"),
        ("eye level, two boys", "eye-level"),
        ("俯拍", "high"),
        ("仰拍，一座塔", "low"),
        ("航拍", "aerial"),
        ("鸟瞰城市", "overhead"),
        ("overhead lights flicker", None),
        ("light falls from above on a monk", None),
        ("a drone delivers a parcel", None),
    ],
)
def test_camera_angles_are_read_as_film_people_write_them(words: str, angle: str | None) -> None:
    assert read_prompt(words).angle == angle


def test_a_dutch_angle_tilts_the_horizon_and_a_dutch_woman_does_not() -> None:
    assert read_prompt("Dutch angle, low angle, a clown").dutch
    assert read_prompt("Dutch angle, low angle, a clown").angle == "low"
    assert read_prompt("荷兰角，一个小丑").dutch
    assert not read_prompt("a Dutch woman on a bicycle").dutch


@pytest.mark.parametrize(
    ("words", "moves"),
    [
        ("dolly in on her face", ("push",)),
        ("slow push-in", ("push",)),
        ("dolly out", ("pull",)),
        ("pull back to reveal the crowd", ("pull",)),
        ("truck left", ("track-left",)),
        ("pedestal up past the shelves", ("rise",)),
        ("crane up", ("rise",)),
        ("crane down to the door", ("descend",)),
        ("slow zoom in", ("zoom-in",)),
        ("zoom out", ("zoom-out",)),
        ("arc shot around the singer", ("orbit",)),
        ("the camera orbits the statue clockwise", ("orbit-right",)),
        ("whip pan to the door", ("pan",)),
        ("pan from the dog to the right", ("pan-right",)),
        ("tilt down to his shoes, then dolly out", ("tilt-down", "pull")),
        ("tracking shot, a runner", ("track",)),
        ("locked-off", ("static",)),
        ("no camera movement", ("static",)),
        ("the camera doesn't move", ("static",)),
        ("镜头缓缓推近", ("push",)),
        ("推镜头", ("push",)),
        ("拉镜头，人群", ("pull",)),
        ("向左摇", ("pan-left",)),
        ("镜头向右移动", ("track-right",)),
        ("跟拍一个跑步的男人", ("track",)),
        ("环绕镜头", ("orbit",)),
        ("固定镜头", ("static",)),
        ("鏡頭拉遠", ("pull",)),
        ("a bird flies over the lake", ()),
        ("smoke rises behind a monk", ()),
        ("a truck on a ramp", ()),
        ("a crane flies over a lake", ()),
        ("without panning", ()),
        ("a man pushes a cart", ()),
        ("推开门，一个女人走进来", ()),
        ("a dog follows a boy", ()),
    ],
)
def test_camera_moves_are_told_from_moves_of_subjects(words: str, moves: tuple[str, ...]) -> None:
    assert read_prompt(words).moves == moves


def test_handheld_is_read_in_chinese_and_not_taken_for_something_in_a_hand() -> None:
    assert read_prompt("hand-held, a boxer").handheld
    assert read_prompt("手持镜头，一个拳击手").handheld
    reading = read_prompt("一个男人手持雨伞")
    assert not reading.handheld
    assert [one.kind for one in reading.held] == ["umbrella"]


@pytest.mark.parametrize(
    ("words", "subjects"),
    [
        ("a couple dances", ["2 person"]),
        ("three kids and two dogs", ["3 child", "2 dog"]),
        ("a crowd of fans", ["0 crowd"]),
        ("a flock of gulls", ["0 bird"]),
        ("a pair of horses", ["2 horse"]),
        ("women in white", ["0 woman"]),
        ("a woman's eyes", ["1 woman eyes"]),
        ("her hands", ["1 woman hand"]),
        ("the hands of an old man", ["1 man hand"]),
        ("she waits", ["1 woman"]),
        ("a dog wags its tail at her", ["1 dog"]),
        ("a nurse. The woman smiles.", ["1 woman"]),
        ("two boxers shake hands", ["2 person"]),
        ("a red sports car and a school bus", ["1 car", "1 bus"]),
        ("a coffee table", ["1 table"]),
        ("mother and daughter", ["2 person"]),
        ("一群人", ["0 crowd"]),
        ("两个孩子和一只猫", ["2 child", "1 cat"]),
        ("三匹马", ["3 horse"]),
        ("女人的眼睛", ["1 woman eyes"]),
        ("孩子们", ["0 child"]),
        ("一位老奶奶", ["1 woman"]),
        ("热狗", ["1 food"]),
        ("机器人", ["1 robot"]),
        ("吹风机", []),
        ("女孩骑马", ["1 girl", "1 horse"]),
        ("both tables set out cups", ["2 table", "0 cup"]),
        ("a family of four", ["4 person"]),
        ("a 20-something barista", ["1 person"]),
        ("无人机", []),
        ("罗马", []),
        ("no people", []),
        ("without a car", []),
        ("nobody is there", []),
        ("roses are red", ["0 flower"]),
        ("they watch the ball", ["0 person", "1 ball"]),
        ("a boy like a lion", ["1 boy"]),
        ('he says "my horse!"', ["1 man"]),
        ("silhouette of a tree", ["1 tree"]),
    ],
)
def test_people_animals_and_things_are_counted(words: str, subjects: list[str]) -> None:
    assert shown(read_prompt(words))["subjects"] == subjects


def test_age_and_things_in_hands_are_read() -> None:
    reading = read_prompt("an old fisherman holding a lantern, a young nurse with an umbrella in her hand")
    assert [(one.kind, one.age) for one in reading.subjects] == [("man", "old"), ("person", "young")]
    assert [one.kind for one in reading.held] == ["lamp", "umbrella"]
    assert [one.kind for one in read_prompt("女孩抱着一只猫，拿着一本书").held] == ["book"]


@pytest.mark.parametrize(
    ("words", "setting", "place"),
    [
        ("INT. KITCHEN - NIGHT", "interior", "interior"),
        ("EXT. BEACH - DAY", "sea", "exterior"),
        ("INT. CAR - NIGHT. A driver.", None, "interior"),
        ("EXT. CAFE - MORNING", None, "exterior"),
        ("a lane in Tokyo", "street", "exterior"),
        ("Tokyo at night", "skyline", "exterior"),
        ("东京的小巷", "street", "exterior"),
        ("室内，一个女人", "interior", "interior"),
        ("室外，阳光", None, "exterior"),
        ("the Hudson River", "river", "exterior"),
        ("a mountain road", "road", "exterior"),
        ("a jungle temple", "temple", "exterior"),
        ("skyline of Chicago", "skyline", "exterior"),
        ("a forest of bamboo", "forest", "exterior"),
        ("上海的马路", "street", "exterior"),
    ],
)
def test_settings_are_read(words: str, setting: str | None, place: str | None) -> None:
    reading = read_prompt(words)
    assert (reading.setting, reading.place) == (setting, place)


@pytest.mark.parametrize(
    "words",
    [
        "a woman's eyes",
        "a bottle of Mangrove gin",
        "mangrove gin bottle",
        "River Phoenix looks up",
        "an ad for Forest Bank",
        "a sea of people",
        "a sea of umbrellas",
        "a mountain of books",
        "the skyline of a bar chart",
        "rising green bars",
        "a forest green dress",
        "a kitchen knife",
        "she dances like a river",
        'a sign that reads "Beach Bar"',
        "he holds a photo of a mountain",
        "a painting of a lake hangs on the wall",
        "no forest, no river",
        "shallow depth of field, negative space",
        "Audio: waves, sea birds.",
        "studio background, product on a pedestal",
        "a table and a cup",
        "movie star",
        "heat waves",
        "人海",
        "海报上的字",
        "上海话",
        "山姆",
        "河南人",
        "像大海一样的眼睛",
        "没有森林",
    ],
)
def test_words_that_mislead_are_no_setting(words: str) -> None:
    assert read_prompt(words).setting is None


def test_an_empty_place_has_no_people() -> None:
    for words in (
        "an empty street",
        "a street without people",
        "no people, a beach",
        "deserted road",
        "空无一人的街道",
    ):
        reading = read_prompt(words)
        assert reading.empty, words
        assert reading.setting is not None, words
        assert not reading.subjects, words
    assert not read_prompt("a man in an empty street").empty


@pytest.mark.parametrize(
    ("words", "time"),
    [
        ("EXT. FARM - DAY", "day"),
        ("golden hour", "golden-hour"),
        ("blue hour", "blue-hour"),
        ("at dawn", "dawn"),
        ("early morning", "dawn"),
        ("late afternoon sun", "afternoon"),
        ("at sunset", "dusk"),
        ("midnight", "night"),
        ("moonlit", "night"),
        ("high noon", "noon"),
        ("夜晚", "night"),
        ("黄昏", "dusk"),
        ("清晨", "dawn"),
        ("midnight blue velvet", None),
        ("an evening gown", None),
        ("Dawn Marsh sings", None),
    ],
)
def test_times_of_day_are_read(words: str, time: str | None) -> None:
    assert read_prompt(words).time == time


def test_weather_is_read() -> None:
    assert read_prompt("rain and fog, then snow").weather == ("rain", "fog", "snow")
    assert read_prompt("雨中").weather == ("rain",)
    assert read_prompt("no rain").weather == ()


OTHER_LANGUAGES = [
    "Une femme marche dans la rue au bord de la mer, gros plan",
    "Eine Frau geht im Park mit einem Hund, Nacht",
    "Una mujer camina por la playa con un perro",
    "Una donna cammina sulla spiaggia, il mare al tramonto",
    "Uma mulher caminha na praia com um gato",
    "En kvinne går i skogen med en hund og et barn på",
    "mesa roja, cielo azul",
    "bar kosong, malam hujan deras",
    "女性が川のほとりを歩く、夜",
    "手紙を読む娘、汽車の窓",
    "東京の駅、夜の街、海",
    "渋谷駅",
    "강가를 걷는 여자, 밤",
    "숲 속의 집 雨",
    "Женщина идёт по улице, ночь, дождь",
    "امرأة تمشي في الشارع",
    "महिला नदी के किनारे चलती है",
    "ผู้หญิงเดินบนชายหาด",
]


@pytest.mark.parametrize("words", OTHER_LANGUAGES)
def test_other_languages_are_not_guessed(words: str) -> None:
    assert replace(read_prompt(words), unknown=()) == Reading()


SYLLABLES = ["ka", "lo", "mir", "ven", "tas", "ul", "dri", "pha", "ne", "sa", "quor", "bel"]


def test_what_is_not_recognised_is_never_a_setting() -> None:
    chance = random.Random(15)
    for _ in range(2000):
        words = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(chance.randint(1, 12))]
        words = [word.title() if chance.random() < 0.3 else word for word in words]
        reading = read_prompt(" ".join(words))
        assert (reading.setting, reading.subjects, reading.moves) == (None, (), ()), words


def test_a_word_of_a_place_inside_a_name_is_no_setting() -> None:
    words = [word.strip("!? ") for listed in SETTING_WORDS.values() for word in listed.split(",")]
    single = [word.title() for word in words if " " not in word and word not in PROPER]
    found = [word for word in single if read_prompt(f"Zaphkiel {word} Quorbel signs a contract").setting]
    assert found == []


def test_any_text_can_be_read() -> None:
    chance = random.Random(3)
    letters = "aB 'é-“”\"，。的人海一3\n\u202e\u0000İß😀ｶ가" + "".join(map(chr, range(33, 127)))
    for _ in range(2000):
        text = "".join(chance.choices(letters, k=chance.randint(0, 60)))
        reading = read_prompt(text)
        for start, end in (*reading.understood, *reading.unknown):
            assert 0 <= start < end <= len(text)


def test_every_word_of_a_reading_has_its_place_in_the_prompt() -> None:
    text = "Close-up of a woman’s hands, kneading dough at night; slow push-in"
    reading = read_prompt(text)
    assert [text[start:end] for start, end in reading.unknown] == ["kneading"]
    assert "Close-up of" not in [text[start:end] for start, end in reading.understood]
    assert {"Close-up", "woman", "hands", "night"} <= {
        word for start, end in reading.understood for word in re.findall(r"[\w-]+", text[start:end])
    }


def test_values_of_readings_are_the_documented_ones() -> None:
    assert set(SIZE_WORDS) == set(SIZES)
    assert set(VIEW_WORDS) == set(VIEWS)
    assert set(ANGLE_WORDS) == {*ANGLES, "dutch"}
    assert set(TIME_WORDS) == set(TIMES)
    assert set(PART_WORDS) == set(PARTS)
    assert set(SUBJECT_WORDS) <= {kind for kinds in FAMILIES.values() for kind in kinds.split()}


def test_every_chinese_word_stands_for_an_english_phrase_with_a_meaning() -> None:
    from storyboard.animatic import phrases

    lexicon = phrases._lexicon()
    plain = ("very", "in", "and")
    unknown = [
        phrase for phrase in chinese.WORDS if phrase not in plain and not lexicon.find(phrases.tokens_of(phrase))
    ]
    assert unknown == []
