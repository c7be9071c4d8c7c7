"""From the text to the keys: what an author may do to a file without a take being made again."""

import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard.core.file_signatures import FileKind
from storyboard.core.graph import Graph
from storyboard.core.planner import Planner
from storyboard.document.load import load
from storyboard.document.project_files import FileProblem, OtherStoryboard
from storyboard.providers.models import cards
from tests.unit.films import FakeMemory, build, wishes


class Files:
    """Project files out of a dictionary."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def read(self, path: str) -> bytes:
        if path not in self._texts:
            raise FileProblem("the file does not exist")
        return self._texts[path].encode()

    def problem(self, path: str, kind: FileKind) -> str | None:
        return None

    def missing_letters(self, path: str, text: str) -> str:
        return ""

    def unwritten(self, letters: str) -> str:
        return letters

    def picture(self, path: str) -> None:
        return None

    def length(self, path: str, kind: FileKind) -> Fraction | None:
        return None

    def outside_folder(self, path: str) -> str | None:
        return None

    def identities(self, path: str) -> frozenset[str]:
        return frozenset((path,))

    def other_spelling(self, path: str) -> str | None:
        return None

    def other_storyboards(self, files: Sequence[str], films: Sequence[str]) -> Iterator[OtherStoryboard]:
        yield from ()


def keys(files: Mapping[str, str], pictures: Mapping[str, str] | None = None) -> list[str | None]:
    """The keys of the takes, in the order of the film, of those that are known before anything is made."""
    loaded = load("storyboard.yaml", Files(files), cards())
    assert loaded.storyboard is not None, loaded.findings
    found = wishes(files=pictures or {})
    plan = Planner(Graph(loaded.storyboard), FakeMemory(), found).plan()
    return [step.key for step in plan.of("take")]


_shots = st.lists(
    st.fixed_dictionaries(
        {"prompt": st.sampled_from(["a river", "eine Küste", "雨の街 at night", "say ${word}"])},
        optional={
            "seed": st.integers(0, 9),
            "duration": st.sampled_from([5, 8, 10]),
            "size": st.sampled_from(["1280x720", "960x960"]),
            "params": st.just({"outputQuality": 90, "safety": {"mode": "fast", "checkContent": True}}),
        },
    ),
    min_size=1,
    max_size=4,
)


def board(shots: list[dict[str, Any]]) -> dict[str, Any]:
    numbered = [{"id": f"s{number}", **shot} for number, shot in enumerate(shots)]
    return {
        "version": 1,
        "vars": {"word": "hello"},
        "output": {"file": "out/film.mp4", "size": "1280x720", "fps": 24},
        "scenes": [{"id": "one", "shots": numbered}],
    }


def dumped(data: Any, **style: Any) -> str:
    return yaml.safe_dump(data, allow_unicode=True, **style)


def shuffled(data: Any, chance: random.Random) -> Any:
    """The same with the keys of every mapping in another order."""
    if isinstance(data, dict):
        names = list(data)
        chance.shuffle(names)
        return {name: shuffled(data[name], chance) for name in names}
    return [shuffled(item, chance) for item in data] if isinstance(data, list) else data


@given(_shots, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_layout_order_of_keys_and_comments_never_count(shots: list[dict[str, Any]], seed: int) -> None:
    chance = random.Random(seed)
    plain = dumped(board(shots), sort_keys=False)
    other = dumped(
        shuffled(board(shots), chance), sort_keys=False, indent=4, width=30, default_flow_style=seed % 2 == 0
    )
    commented = "".join(f"# note {n}\n{line}\n" for n, line in enumerate(plain.splitlines()))
    windows = plain.replace("\n", "\r\n")
    assert keys({"storyboard.yaml": plain}) == keys({"storyboard.yaml": other})
    assert keys({"storyboard.yaml": plain}) == keys({"storyboard.yaml": windows})
    assert keys({"storyboard.yaml": plain}) == keys({"storyboard.yaml": commented})


@given(_shots)
@settings(max_examples=40, deadline=None)
def test_a_scene_in_its_own_file_is_the_same_scene(shots: list[dict[str, Any]]) -> None:
    whole = board(shots)
    [scene] = whole["scenes"]
    split = {**whole, "scenes": [{"include": "scenes/one.yaml"}]}
    files = {"storyboard.yaml": dumped(split), "scenes/one.yaml": dumped(scene)}
    assert keys(files) == keys({"storyboard.yaml": dumped(whole)})


@given(_shots)
@settings(max_examples=40, deadline=None)
def test_a_value_from_the_defaults_is_the_same_value(shots: list[dict[str, Any]]) -> None:
    same = [{**shot, "duration": 8, "params": {"outputQuality": 95}} for shot in shots]
    less = [{name: value for name, value in shot.items() if name not in ("duration", "params")} for shot in same]
    spoken = board(same)
    defaulted = {**board(less), "defaults": {"duration": 8, "params": {"outputQuality": 95}}}
    assert keys({"storyboard.yaml": dumped(spoken)}) == keys({"storyboard.yaml": dumped(defaulted)})


@given(_shots)
@settings(max_examples=40, deadline=None)
def test_names_titles_and_notes_never_count(shots: list[dict[str, Any]]) -> None:
    plain = board(shots)
    named = board(shots)
    named["title"], named["notes"], named["x-status"] = "Another", "nothing", {"ok": True}
    for number, shot in enumerate(named["scenes"][0]["shots"]):
        shot |= {"id": f"renamed-{number}", "title": "T", "notes": "n", "tags": ["a"], "x-owner": 1}
    assert keys({"storyboard.yaml": dumped(plain)}) == keys({"storyboard.yaml": dumped(named)})


BASE = {"prompt": "a river", "seed": 3, "duration": 8, "size": "1280x720", "params": {"outputQuality": 90}}


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a sea"},
        {"seed": 4},
        {"duration": 5},
        {"size": "960x960"},
        {"params": {"outputQuality": 91}},
        {"first_frame": "a.png"},
    ],
    ids=str,
)
def test_every_field_of_the_request_counts(change: dict[str, Any]) -> None:
    pictures = {"a.png": "1" * 64}
    before = keys({"storyboard.yaml": dumped(board([BASE]))}, pictures)
    after = keys({"storyboard.yaml": dumped(board([{**BASE, **change}]))}, pictures)
    assert before != after


@pytest.mark.parametrize("spelling", ["8", "8.0", "0x8", "+8", "08"])
def test_a_number_counts_by_its_value(spelling: str) -> None:
    text = dumped(board([BASE]))
    assert keys({"storyboard.yaml": text.replace("duration: 8", f"duration: {spelling}")}) == keys(
        {"storyboard.yaml": text}
    )


def test_two_pictures_of_one_name_are_two_keys() -> None:
    text = dumped(board([{**BASE, "first_frame": "a.png"}]))
    assert keys({"storyboard.yaml": text}, {"a.png": "1" * 64}) != keys({"storyboard.yaml": text}, {"a.png": "2" * 64})


def test_a_film_from_text_is_made_once() -> None:
    loaded = load("storyboard.yaml", Files({"storyboard.yaml": dumped(board([BASE, BASE]))}), cards())
    assert loaded.storyboard is not None
    memory = FakeMemory()
    assert build(loaded.storyboard, memory).count("take:s1") == 0
    assert build(loaded.storyboard, memory) == []
