"""Editors: the language server that they use completes, explains and checks storyboards and scenes by our schema."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storyboard.document.load import load
from storyboard.document.project_files import DiskFiles
from storyboard.document.schema import schema_text
from storyboard.providers.models import cards
from tests.editors.language_server import LanguageServer
from tests.inside import run
from tests.project import HERE

EXAMPLES = [file for file in (HERE / "examples").rglob("*.yaml") if file.parent.name != "ci"]
MODELINE = "# yaml-language-server: $schema=./storyboard.schema.json"
# Every kind of place: behind keys and items, and in fields of each kind.
FILM = """\
version: 1
title: Night on the river
model: runway:1@2
output:
  file: out/film.mp4
  captions: burn
outputs:
  tall:
    size: 720x1280
vars:
  mood: calm
defaults:
  duration: 5
  transition:
    type: dissolve
audio:
  - file: music/score.flac
    gain: -6
    start:
      shot: glide
scenes:
  - id: river
    tags:
      - night
    defaults:
      seed: 2
    shots:
      - id: glide
        prompt: A slow glide, ${mood}.
        takes:
          - 1
          - 2
      - id: skiff
        prompt: A skiff drifts.
        first_frame:
          shot: glide
        trim:
          start: 1
        caption:
          - start: 0
            end: 2
            text: Night falls.
      - id: map
        image:
          file: refs/map.png
        audio: mute
      - id: own
        clip: footage/own.mp4
        transition: cut
      - id: end
        card:
          text: The end
  - include: scenes/morning.yaml
"""
SCENE = """\
id: morning
shots:
  - id: fog
    prompt: Fog lies over a lake.
    first_frame: refs/fog.png
"""
# What a snippet cannot hold: names of shots and files of the project. Models without a field refuse it.
NAMES = {
    "unknown-shot",
    "bad-picture",
    "bad-clip",
    "bad-sound",
    "bad-font",
    "unreadable-file",
    "model-negative-prompt",
    "model-last-frame",
}
# Places that are still to be filled in.
OPEN = re.compile(r"has no value|needs the field|has no source|is empty|is not a shot id|is not a scene id")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("editor")
    (found / "storyboard.schema.json").write_text(schema_text(), encoding="utf-8")
    (found / "scenes").mkdir()
    (found / "scenes" / "morning.yaml").write_text(SCENE, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LanguageServer]:
    with LanguageServer(folder) as running:
        yield running


def places(text: str) -> Iterator[tuple[str, int, int]]:
    """The text with a cursor: at the end of each line, and on a new line or item behind it."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        if line.rstrip().endswith(":"):
            continue  # its value follows
        key, colon, _ = line.partition(": ")
        if colon:  # the value is written anew
            yield "\n".join([*lines[:number], f"{key}: ", *lines[number + 1 :]]), number, len(key) + 2
        for start in (
            {indent + 2 * line.lstrip().startswith("- "), indent} if line.lstrip().startswith("- ") else {indent}
        ):
            begin = " " * start
            for new in (begin, f"{begin}- " if start == indent and line.lstrip().startswith("- ") else begin):
                whole = [*lines[: number + 1], new, *lines[number + 1 :]]
                yield "\n".join(whole), number + 1, len(new)


def inserted(text: str, line: int, item: dict[str, Any]) -> str:
    """The text after a completion, with the texts of its placeholders."""
    edit = item["textEdit"]
    lines = text.split("\n")
    first, last = edit["range"]["start"], edit["range"]["end"]
    new = edit["newText"]
    indent = re.match(r" *", lines[line])[0]  # type: ignore[index]
    if item.get("insertTextMode") != 1:  # an editor indents further lines like the first
        new = new.replace("\n", "\n" + indent)
    while re.search(r"\$\{\d+:", new):
        new = re.sub(r"\$\{\d+:((?:[^${}\\]|\\.)*)\}", r"\1", new)
    new = re.sub(r"\$\{\d+\}|\$\d+", "", new)
    new = re.sub(r"\\([$}\\])", r"\1", new)
    head = "\n".join([*lines[: first["line"]], lines[first["line"]][: first["character"]]])
    tail = "\n".join([lines[last["line"]][last["character"] :], *lines[last["line"] + 1 :]])
    return head + new + tail


def problems(folder: Path, text: str, name: str) -> set[tuple[str, str]]:
    """What we find in a text, but for names and for places that are still empty."""
    if name == "storyboard.yaml":
        (folder / name).write_text(text, encoding="utf-8")
        found = load("storyboard.yaml", DiskFiles(folder), cards()).findings
    else:
        (folder / "film.yaml").write_text(f"version: 1\nscenes: [{{include: {name}}}]\n", encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
        found = load("film.yaml", DiskFiles(folder), cards()).findings
    errors = [one for one in found if one.severity == "error" and one.code not in NAMES]
    return {(one.code, one.message) for one in errors if not OPEN.search(one.message)}


def wrong_completions(server: LanguageServer, folder: Path, text: str, name: str) -> tuple[int, list[str]]:
    """The number of completions at all places, and those after which we find something wrong."""
    count, wrong = 0, []
    file = folder / name
    for whole, line, column in places(text):
        server.open(file, whole)
        before = problems(folder, whole, name)
        for item in server.complete(file, line, column):
            if item["label"].startswith("- (array item)"):
                continue  # the server's own; it offers this at each place in a list, whatever the schema says
            count += 1
            after = problems(folder, inserted(whole, line, item), name)
            if after - before:
                wrong.append(
                    f"{line + 1}:{column + 1} {item['label']}: {item['textEdit']['newText']!r}: {after - before}"
                )
        server.close(file)
    return count, wrong


def test_no_completion_of_a_storyboard_writes_something_invalid(server: LanguageServer, folder: Path) -> None:
    count, wrong = wrong_completions(server, folder, f"{MODELINE}\n{FILM}", "storyboard.yaml")
    assert wrong == []
    assert count > 500


def test_no_completion_of_a_scene_writes_something_invalid(server: LanguageServer, folder: Path) -> None:
    text = f"{MODELINE.replace('./', '../')}#/definitions/scene\n{SCENE}"
    count, wrong = wrong_completions(server, folder, text, "scenes/other.yaml")
    assert wrong == []
    assert count > 50


def labels(server: LanguageServer, folder: Path, text: str) -> list[str]:
    """What is offered at the cursor, which is a bar."""
    file = folder / "storyboard.yaml"
    whole = f"{MODELINE}\n{text}"
    before = whole[: whole.index("|")]
    server.open(file, whole.replace("|", "", 1))
    found = server.complete(file, before.count("\n"), len(before) - before.rfind("\n") - 1)
    server.close(file)
    return [str(item["label"]) for item in found]


SHOTS = "version: 1\nscenes:\n  - id: river\n    shots:\n      - id: glide\n        "


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("|", ["new storyboard", "version", "scenes"]),
        ("version: 1\nscenes:\n  - |", ["scene", "scene in a file"]),
        (SHOTS + "prompt: A.\n      - |", ["shot", "linked shot", "title card", "still", "footage"]),
        (SHOTS + "|", ["prompt", "clip", "image", "card", "duration"]),
        (SHOTS + "transition: |", ["dissolve", "fade", "wipe", "slide", "cut", "dissolve with a duration"]),
        (SHOTS + "fit: |", ["contain", "cover", "stretch"]),
        (SHOTS + "first_frame: |", ["last frame of a shot"]),
        (SHOTS + "caption:\n          - |", ["caption"]),
        ("version: 1\naudio:\n  - |", ["track"]),
        (SHOTS + "prompt: A.\n        takes: [1]\n        |", ["pick"]),
    ],
)
def test_snippets_and_words_are_offered_at_their_places(
    text: str, offered: list[str], server: LanguageServer, folder: Path
) -> None:
    found = labels(server, folder, text)
    assert [word for word in offered if word not in found] == [], found


def test_only_fields_of_the_source_are_offered(server: LanguageServer, folder: Path) -> None:
    found = labels(server, folder, SHOTS + "card: The end\n        |")
    assert {"prompt", "clip", "image", "seed", "fit", "duration"} & set(found) == set()
    found = labels(server, folder, SHOTS + "prompt: A.\n        |")
    assert {"clip", "image", "card", "pick"} & set(found) == set()
    assert found.index("duration") < found.index("transition") < found.index("title")


def test_hovers_are_markdown_without_backslashes(server: LanguageServer, folder: Path) -> None:
    file = folder / "storyboard.yaml"
    text = f"{MODELINE}\n{FILM}"
    server.open(file, text)
    line = text.splitlines().index("        transition: cut")
    said = server.hover(file, line, 10)
    assert "`dissolve`, `fade`, `wipe` or `slide`" in said
    for number, one in enumerate(text.splitlines()):
        key = re.match(r"[ -]*([a-z_]+):", one)
        if key is not None and not one.startswith("#") and key[1] not in ("mood", "tall"):
            said = server.hover(file, number, key.start(1) + 1)
            assert said, one
            assert re.search(r"\\[`_]", said) is None, said
    server.close(file)


def test_a_scene_file_has_no_errors_in_an_editor_and_a_typo_has_one(server: LanguageServer, folder: Path) -> None:
    file = folder / "scenes" / "morning.yaml"
    modeline = f"{MODELINE.replace('./', '../')}#/definitions/scene"
    assert server.open(file, f"{modeline}\n{SCENE}") == []
    server.close(file)
    found = server.open(file, f"{modeline}\n{SCENE.replace('prompt', 'promt')}")
    assert any("promt" in one["message"] for one in found)
    server.close(file)


@pytest.mark.parametrize("file", sorted(EXAMPLES), ids=lambda file: "/".join(file.parts[-2:]))
def test_an_example_has_no_errors_in_an_editor(file: Path, server: LanguageServer) -> None:
    assert server.open(file) == []
    server.close(file)


def test_what_init_writes_has_no_errors_in_an_editor(server: LanguageServer, tmp_path: Path) -> None:
    assert run(tmp_path, {}, "init", "plain").code == 0
    assert run(tmp_path, {}, "init", "split", "--scene-file").code == 0
    written = sorted(tmp_path.rglob("*.yaml"))
    assert len(written) == 3
    for file in written:
        assert server.open(file) == []
        server.close(file)


def test_a_scene_in_a_file_of_its_own_makes_the_same_film(tmp_path: Path) -> None:
    for words in (("plain/film",), ("split/film", "--scene-file")):
        assert run(tmp_path, {}, "init", *words).code == 0
    films = [
        load("storyboard.yaml", DiskFiles(tmp_path / name / "film"), cards()).storyboard for name in ("plain", "split")
    ]
    assert films[0] is not None
    assert films[0] == films[1]
    again = run(tmp_path, {}, "init", "split/film", "--scene-file")
    assert again.code == 2


def test_a_broken_storyboard_is_marked_at_the_lines_that_we_mark(server: LanguageServer, folder: Path) -> None:
    text = f"{MODELINE}\n" + FILM.replace("captions: burn", "captions: burnt").replace("title:", "titel:").replace(
        "        card:\n", "        prompt: A.\n        card:\n"
    )
    file = folder / "storyboard.yaml"
    lines = {one["range"]["start"]["line"] for one in server.open(file, text)}
    server.close(file)
    file.write_text(text, encoding="utf-8")
    ours = load("storyboard.yaml", DiskFiles(folder), cards()).findings
    found = {
        one.span.line - 1
        for one in ours
        if one.span is not None and one.code in ("unknown-key", "unknown-value", "two-sources")
    }
    assert len(found) == 3
    assert found <= lines
