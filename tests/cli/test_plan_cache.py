"""What a build remembers for plans to come changes nothing but the time they take."""

import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from msgspec.structs import replace

from storyboard.core.planner import Planner
from storyboard.core.results import Record
from storyboard.document import load as loading
from storyboard.fastpath import noop_proof, plan_cache
from storyboard.fonts import BUILTIN
from storyboard.store import integrity
from tests import inside
from tests.project import Project

FILM = """\
title: A river
vars: {mood: at dusk, place: harbour}
defaults: {params: {outputQuality: 90}}
scenes:
  - include: scenes/one.yaml
  - id: mid
    shots:
      - {id: card, card: Later}
      - {id: m, prompt: "a mill, ${mood}", seed: 8, first_frame: {shot: b, at: last}}
  - include: scenes/two.yaml
  - include: scenes/three.yaml
"""
SCENES = {
    "one": """\
id: one
title: First, ${mood}
shots:
  - {id: a, prompt: "a river, ${mood}", seed: 3, first_frame: ../pictures/river.png}
  - {id: b, prompt: a forest, seed: 4, first_frame: {shot: a, at: last}, caption: Hello}
  - {id: c, prompt: a bridge, seed: 5, first_frame: {shot: b, at: last}, trim: {start: 0.25}}
  - {id: d, prompt: a far bank, seed: 6, first_frame: {shot: c, at: last}}
""",
    "two": """\
id: two
defaults: {audio: mute}
shots:
  - {id: e, image: ../pictures/river.png, transition: {type: dissolve, duration: 0.25}}
  - {id: f, prompt: "a ${place}", seed: 7, transition: {type: fade, duration: 0.25}, tags: [hero]}
  - {id: g, prompt: a gull, seed: 9, first_frame: {shot: f, at: 0.5}, notes: not in the key}
""",
    "three": """\
id: three
shots:
  - {id: h, prompt: a lamp, seed: 10, speed: 2}
  - {id: i, prompt: a lamp goes out, seed: 11, takes: [11, 12], pick: 12}
  - {id: j, prompt: the end, seed: 13, first_frame: {shot: i, at: last}}
""",
}


@pytest.fixture(autouse=True, scope="module")
def _inside() -> Iterator[None]:
    with inside.hasty(), mock.patch.object(noop_proof, "_LOADING_NS", 0):
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that has been built, and remembered."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("built") / "film"
    Project(folder, FILM)
    for name in ("pictures", "scenes", ".git"):
        (folder / name).mkdir()
    for name, text in SCENES.items():
        (folder / f"scenes/{name}.yaml").write_text(text)
    Image.new("RGB", (128, 72), "navy").save(folder / "pictures/river.png")
    assert inside.run(folder, {}, "build").code == 0
    return folder


@pytest.fixture
def film(built: Path, tmp_path: Path) -> Path:
    """A copy that remembers its own paths."""
    folder = tmp_path / "film"
    shutil.copytree(built, folder, symlinks=True)
    shutil.rmtree(folder / ".storyboard/memory")
    assert inside.run(folder, {}, "build").code == 0
    assert remembered(folder).is_file()
    return folder


def remembered(film: Path) -> Path:
    (found,) = (film / ".storyboard/memory").glob("*.bin")
    return found


VERBS = (("plan", "--json"), ("plan", "-v", "--select", "b+", "--remake", "h"), ("status",))


def answers(film: Path) -> list[tuple[int, str, str]]:
    ran = [inside.run(film, {}, *words) for words in VERBS]
    return [(one.code, one.out, one.err) for one in ran]


def same_without(film: Path) -> bool:
    """Whether all verbs say the same with what is remembered and without it."""
    told, aside = answers(film), film / ".storyboard/aside"
    (film / ".storyboard/memory").rename(aside)
    without = answers(film)
    aside.rename(film / ".storyboard/memory")
    return told == without


def reads(film: Path) -> tuple[list[str], list[str]]:
    """The files that a plan parses, and the actions that it decides anew."""
    parsed: list[str] = []
    decided: list[str] = []
    parse, step = loading.parse, Planner.step

    def parsing(raw: bytes, name: str) -> object:
        parsed.append(name)
        return parse(raw, name)

    def deciding(self: Planner, action: object) -> object:
        decided.append(action.id)  # type: ignore[attr-defined]
        return step(self, action)  # type: ignore[arg-type]

    with mock.patch.object(loading, "parse", parsing), mock.patch.object(Planner, "step", deciding):
        assert inside.run(film, {}, "plan").code == 0
    return parsed, decided


def edit(film: Path, name: str, pattern: str, new: str) -> None:
    path = film / name
    text, count = re.subn(pattern, new, path.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1, pattern
    path.write_text(text)


def scene(name: str, pattern: str, new: str) -> Callable[[Path], None]:
    return lambda film: edit(film, f"scenes/{name}.yaml", pattern, new)


def root(pattern: str, new: str) -> Callable[[Path], None]:
    return lambda film: edit(film, "storyboard.yaml", pattern, new)


def stored(film: Path, kind: str) -> Path:
    paths = sorted((film / ".storyboard/cache/records").glob("*/*/*.json"))
    return next(path for path in paths if json.loads(path.read_text())["body"]["kind"] == kind)


def spoil(path: Path) -> None:
    """Other bytes of the same size with the same time of modification, in the same file."""
    seen, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def take_of(film: Path, shot: str) -> Path:
    return (film / f"out/film.draft/{shot}.mp4").resolve()


def younger_answer(film: Path) -> None:
    """Another record of a frame, with another picture; the youngest answers."""
    path = stored(film, "frame")
    record = integrity.load(path, Record)
    picture = next(one.name for one in (film / ".storyboard/cache/blobs").glob("*/*") if one.name not in path.name)
    made = replace(record.made, at="2999-01-01T00:00:00+00:00")
    other = replace(record, outputs={"picture": picture}, values={"planes": "0" * 64}, made=made)
    (path.parent / f"{other.digest}.json").write_bytes(integrity.encode_with_checksum(other))


def accept(film: Path) -> None:
    """The take of `b`, which others start from, answers another text."""
    edit(film, "scenes/one.yaml", "a forest, ", "a wood, ")
    assert inside.run(film, {}, "accept", "b").code == 0


def accept_elsewhere(film: Path) -> None:
    """The same as others see it: in the storyboard and in the lockfile, and in no record."""
    records = film / ".storyboard/cache/records"
    before = set(records.rglob("*.json"))
    accept(film)
    for path in set(records.rglob("*.json")) - before:
        path.unlink()


def remade_elsewhere(film: Path) -> None:
    """The lockfile names another take of the same request, which is not here."""
    text = (film / "storyboard.lock").read_text()
    take = take_of(film, "d").name
    (film / "storyboard.lock").write_text(text.replace(take, "d" * 64))


def other_frames(film: Path) -> None:
    """The lockfile says of a frame that it looks otherwise than it does."""
    edit(film, "storyboard.lock", r'"frames": \{"last": "[0-9a-f]{64}"', '"frames": {"last": "' + "0" * 64 + '"')


def unlock(film: Path) -> None:
    text = (film / "storyboard.lock").read_text()
    (film / "storyboard.lock").write_text(
        re.sub(r'^    "b": \{.*?^    \},\n', "", text, flags=re.DOTALL | re.MULTILINE)
    )


EDITS: dict[str, Callable[[Path], None]] = {
    "prompt": scene("one", "a forest", "a wood"),
    "seed": scene("three", "seed: 10", "seed: 99"),
    "rename": scene("three", "id: h,", "id: hh,"),
    "hold": scene("one", "a far bank, seed: 6", "a near bank, seed: 6, hold: true"),
    "skip": scene("one", "seed: 4,", "seed: 4, skip: true,"),
    "unlinked skip": scene("three", "speed: 2", "skip: true"),
    "trim": scene("one", "start: 0.25", "start: 0.5"),
    "too short": scene("one", "start: 0.25", "start: 0.5, end: 9"),
    "caption": scene("one", "Hello", "Bye"),
    "transition": scene("two", "type: dissolve", "type: wipe"),
    "no transition": scene("two", r", transition: \{type: fade, duration: 0.25\}", ""),
    "scene title": scene("one", "First", "Once"),
    "default of a scene": scene("two", "audio: mute", "audio: keep"),
    "dangling link": scene("two", "shot: f,", "shot: nobody,"),
    "link to the first": scene("three", r"takes: \[11, 12\], pick: 12", "first_frame: {shot: a, at: first}"),
    "a frame before the in point": scene("two", "shot: f, at: 0.5", "shot: c, at: 0"),
    "another frame of a trimmed shot": scene("one", "shot: c, at: last", "shot: c, at: 0.125"),
    "no link to a trimmed shot": scene("one", r", first_frame: \{shot: c, at: last\}", ""),
    "forward link": scene("one", r"first_frame: ../pictures/river.png", "first_frame: {shot: h, at: first}"),
    "circle": scene("one", r"first_frame: ../pictures/river.png", "first_frame: {shot: d, at: last}"),
    "twice": scene("three", "id: h,", "id: a,"),
    "unknown var": scene("two", "{place}", "{plaice}"),
    "unused var": scene("two", r"\$\{place\}", "harbour"),
    "syntax": scene("two", "id: two", "id: [two"),
    "comment": scene("one", r"\Aid", "# moved down\n\nid"),
    "pick": scene("three", "pick: 12", "pick: 11"),
    "order": lambda film: (
        (film / "scenes/three.yaml").write_text(
            "".join((lines := SCENES["three"].splitlines(keepends=True))[:2] + lines[:1:-1])
        )
        and None
    ),
    "title": root("A river", "Rivers"),
    "vars": root("at dusk", "at noon"),
    "defaults": root("outputQuality: 90", "outputQuality: 80"),
    "provider": root("^scenes:", "provider: runware\nscenes:"),
    "output": root("fps: 12", "fps: 24"),
    "never copied": root("fps: 12", "fps: 12, copy: never"),
    "captions drawn": root("fps: 12", "fps: 12, captions: burn"),
    "fades": root("fps: 12", "fps: 12, fade_in: 0.25, fade_out: 0.25"),
    "inline scene": root("a mill", "two mills"),
    "less": root("  - include: scenes/two.yaml\n", ""),
    "scenes change places": root(r"(  - include: \S+two.yaml\n)(  - include: \S+three.yaml\n)", r"\2\1"),
    "picture": lambda film: spoil(film / "pictures/river.png"),
    "no picture": lambda film: (film / "pictures/river.png").unlink(),
    "no scene": lambda film: (film / "scenes/three.yaml").unlink(),
    "damaged take": lambda film: spoil(take_of(film, "a")),
    "lost take": lambda film: take_of(film, "c").unlink(),
    "damaged record": lambda film: spoil(stored(film, "take")),
    "lost record": lambda film: stored(film, "frame").unlink(),
    "lost record of a take": lambda film: stored(film, "take").unlink(),
    "lost records": lambda film: shutil.rmtree(film / ".storyboard/cache/records"),
    "accepted": accept,
    "accepted elsewhere": accept_elsewhere,
    "remade elsewhere": remade_elsewhere,
    "other frames in the lockfile": other_frames,
    "lost segment": lambda film: stored(film, "segment").unlink(),
    "younger answer": younger_answer,
    "another lockfile": unlock,
    "no lockfile": lambda film: (film / "storyboard.lock").unlink(),
    "no film": lambda film: (film / "out/film.draft.mp4").unlink(),
    "no cache": lambda film: shutil.rmtree(film / ".storyboard/cache"),
    "nothing": lambda film: None,
}


@pytest.mark.parametrize("name", EDITS)
def test_a_plan_with_memory_says_what_it_would_say_without(film: Path, name: str) -> None:
    EDITS[name](film)
    assert same_without(film)


@pytest.mark.parametrize("seed", range(4))
def test_so_it_does_after_any_row_of_edits(film: Path, seed: int) -> None:
    rolled = random.Random(seed)
    for name in rolled.sample(sorted(EDITS), 5):
        try:
            EDITS[name](film)
        except (AssertionError, OSError, StopIteration, ValueError):
            continue  # what it wants to change is gone
        assert same_without(film), name


def test_only_what_was_edited_is_read_and_what_hangs_on_it_decided(film: Path) -> None:
    EDITS["seed"](film)
    parsed, decided = reads(film)
    assert parsed == ["storyboard.yaml", "scenes/three.yaml"]
    takes_and_frames = [name for name in decided if name.partition(":")[0] in ("take", "frame")]
    # those that are made beside the take in the cut are always asked for
    assert takes_and_frames == ["take:h", "take:i#11"]
    unknown = reads_without(film)
    assert len(unknown[0]) == 4
    assert len(unknown[1]) > 2 * len(decided)


def test_another_font_of_captions_is_another_picture(film: Path) -> None:
    """The font is named in `output`, for all shots; what is drawn with it has its bytes in the key."""
    font = film / "captions.ttf"
    shutil.copy(BUILTIN, font)
    EDITS["captions drawn"](film)
    edit(film, "storyboard.yaml", "captions: burn", "captions: burn, font: captions.ttf")
    assert inside.run(film, {}, "build").code == 0
    font.write_bytes(font.read_bytes() + b"\0")
    assert same_without(film)
    assert "segment:b" in reads(film)[1]


def reads_without(film: Path) -> tuple[list[str], list[str]]:
    (film / ".storyboard/memory").rename(film / ".storyboard/aside")
    try:
        return reads(film)
    finally:
        (film / ".storyboard/aside").rename(film / ".storyboard/memory")


def test_places_are_those_of_the_text_as_it_is_now(film: Path) -> None:
    before = [found["place"] for found in json.loads(inside.run(film, {}, "plan", "--json").out)["warnings"]]
    edit(film, "scenes/one.yaml", r"\Aid", "# one\n# two\nid")
    after = [found["place"] for found in json.loads(inside.run(film, {}, "plan", "--json").out)["warnings"]]
    one = [(then["line"] + 2, now["line"]) for then, now in zip(before, after, strict=True) if "one" in then["file"]]
    assert one
    assert all(then == now for then, now in one)


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"memory 1", b"memory 2"),
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
        lambda data: b"not ours at all",
    ],
)
def test_a_damaged_memory_is_none(film: Path, harm: Callable[[bytes], bytes]) -> None:
    path = remembered(film)
    path.write_bytes(harm(path.read_bytes()))
    EDITS["prompt"](film)
    assert len(reads(film)[0]) == 4
    assert same_without(film)


def test_a_whole_memory_with_another_content_is_none(film: Path) -> None:
    path = remembered(film)
    real = plan_cache.read_cache_file

    def other(path: Path, about: str) -> plan_cache.CacheFile | None:
        found = real(path, about)
        return (
            None
            if found is None
            else plan_cache.CacheFile(found.content[:-9] + b"\xc1" * 9, found.texts, found.changed_entries)
        )

    with mock.patch.object(plan_cache, "read_cache_file", other):
        assert len(reads(film)[0]) == 4
    assert path.is_file()


def test_it_is_not_for_another_program_or_another_maker(film: Path) -> None:
    with mock.patch("sys.version", "another"):
        assert len(reads(film)[0]) == 4
    assert inside.run(film, {}, "plan", "--provider", "runware").code == 0
    assert len(reads(film)[0]) == 1


def test_a_plan_writes_nothing(film: Path) -> None:
    EDITS["prompt"](film)
    folder = film / ".storyboard"
    before = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}
    answers(film)
    assert {path: path.lstat().st_mtime_ns for path in folder.rglob("*")} == before


def test_the_next_build_remembers_what_it_made(film: Path) -> None:
    EDITS["prompt"](film)
    assert inside.run(film, {}, "build").code == 0
    parsed, _ = reads(film)
    assert parsed == ["storyboard.yaml"]
    assert same_without(film)
