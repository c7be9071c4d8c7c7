"""Every field of the language that changes the film gives the reason of the steps that are made, by its name."""

import json
import shutil
from collections.abc import Mapping
from typing import Any

import pytest
from PIL import Image

from storyboard.fonts import BUILTIN
from tests.inside import hasty
from tests.project import HERE, Project
from tests.written import DATA

MATERIAL = DATA / "paid/material"
FILM = """\
version: 1
title: A film
model: tiny:1
provider: local
output:
  file: out/film.mp4
  size: 128x72
  fps: 12
  crf: 20
  preset: ultrafast
  captions: burn
  font: own.ttf
  chapters: true
  fade_in: 0.25
  fade_out: 0.25
audio:
  - {file: tone.wav, start: 1, gain: -6, fade_in: 0.5, fade_out: 0.5, loop: true, duck: 3}
scenes:
  - id: one
    title: Begin
    shots:
      - {id: a, prompt: a river, duration: 3, trim: {start: 0.5, end: 2.5}, caption: Hello}
      - {id: b, prompt: a forest, duration: 3, caption: [{start: 0, end: 1, text: Trees}]}
      - {id: c, prompt: a lake, duration: 3, transition: {type: wipe, duration: 0.5, direction: left}}
      - {id: d, prompt: a hill, duration: 3, transition: {type: fade, duration: 0.5, color: "#000000"}, speed: 1.5}
  - id: two
    shots:
      - {id: card, card: {text: The end, subtitle: of it, duration: 2, color: "#ffffff", background: "#000000", align: left, font: own.ttf}}
      - {id: still, image: {file: still.png, duration: 2, move: push}, fit: cover}
      - {id: own, clip: own.mp4, audio: {mode: keep, gain: -3}}
"""  # noqa: E501 - one shot a line
STREAM = FILM.replace("captions: burn\n  font: own.ttf", "captions: stream\n  language: eng")

# Of a size at which animatics have a slate.
SLATED = FILM.replace("size: 128x72", "size: 320x180")

# By field of the schema: the film as it was built, what is written in its place, and the names of the reason.
Edit = tuple[str, str, str, tuple[str, ...]]
EDITS: Mapping[str, Edit] = {
    "title": (FILM, "title: A film", "title: Another film", ("title",)),
    "output.size": (FILM, "size: 128x72", "size: 64x64", ("output.size", "width", "height")),
    "output.fps": (FILM, "fps: 12", "fps: 24", ("output.fps",)),
    "output.fit": (FILM, "fps: 12", "fps: 12\n  fit: stretch", ("output.fit",)),
    "output.copy": (FILM, "fps: 12", "fps: 12\n  copy: never", ("output.copy",)),
    "output.profile": (
        FILM,
        "crf: 20\n  preset: ultrafast",
        "profile: final",
        ("output.crf", "output.preset"),
    ),
    "output.crf": (FILM, "crf: 20", "crf: 30", ("output.crf",)),
    "output.preset": (FILM, "preset: ultrafast", "preset: superfast", ("output.preset",)),
    "output.comment": (FILM, "fps: 12", "fps: 12\n  comment: a draft", ("output.comment",)),
    "output.chapters": (FILM, "chapters: true", "chapters: false", ("output.chapters",)),
    "output.captions": (FILM, "captions: burn\n  font: own.ttf", "captions: sidecar", ("output.captions",)),
    "output.font": (FILM, "  font: own.ttf\n", "", ("output.font",)),
    "output.language": (STREAM, "language: eng", "language: fra", ("output.language",)),
    "output.slate": (SLATED, "fps: 12", "fps: 12\n  slate: false", ("output.slate",)),
    "output.fade_in": (FILM, "fade_in: 0.25", "fade_in: 0.5", ("output.fade_in",)),
    "output.fade_out": (FILM, "fade_out: 0.25", "fade_out: 0.5", ("output.fade_out",)),
    "output.loudness": (FILM, "fps: 12", "fps: 12\n  loudness: -20", ("output.loudness",)),
    "audio.file": (FILM, "file: tone.wav", "file: other.wav", ("audio",)),
    "audio.start": (FILM, "start: 1,", "start: 2,", ("start",)),
    "audio.start.shot": (FILM, "start: 1,", "start: {shot: c},", ("shot",)),
    "audio.start.offset": (FILM, "start: 1,", "start: {shot: c, offset: 1},", ("shot",)),
    "audio.gain": (FILM, "gain: -6", "gain: -9", ("gain",)),
    "audio.fade_in": (FILM, "fade_in: 0.5,", "fade_in: 0.75,", ("fade_in",)),
    "audio.fade_out": (FILM, "fade_out: 0.5,", "fade_out: 0.75,", ("fade_out",)),
    "audio.loop": (FILM, "loop: true", "loop: false", ("loop",)),
    "audio.duck": (FILM, "duck: 3", "duck: 6", ("duck",)),
    "scene.title": (FILM, "title: Begin", "title: Start", ("title of scene one",)),
    "scene.id": (FILM, "id: two", "id: second", ("scene", "title of scene second", "title of scene two")),
    "shot.skip": (FILM, "{id: b,", "{id: b, skip: true,", ("shots", "shot after", "shot before")),
    "shot.trim.start": (FILM, "start: 0.5, end: 2.5", "start: 0.25, end: 2.5", ("trim.start",)),
    "shot.trim.end": (FILM, "end: 2.5", "end: 2", ("trim.end",)),
    "shot.speed": (FILM, "speed: 1.5", "speed: 2", ("speed",)),
    "shot.fit": (FILM, "fit: cover", "fit: stretch", ("fit",)),
    "shot.transition.type": (FILM, "{type: wipe", "{type: slide", ("transition.type",)),
    "shot.transition.duration": (FILM, "duration: 0.5, direction", "duration: 1, direction", ("transition.duration",)),
    "shot.transition.direction": (FILM, "direction: left", "direction: up", ("transition.direction",)),
    "shot.transition.color": (FILM, '0.5, color: "#000000"', '0.5, color: "#ff0000"', ("transition.color",)),
    "shot.caption": (FILM, "caption: Hello", "caption: Hello there", ("caption",)),
    "shot.caption.start": (FILM, "{start: 0, end: 1, text", "{start: 0.5, end: 1, text", ("caption.start",)),
    "shot.caption.end": (FILM, "{start: 0, end: 1, text", "{start: 0, end: 2, text", ("caption.end",)),
    "shot.caption.text": (FILM, "text: Trees", "text: A tree", ("caption",)),
    "shot.audio": (FILM, "audio: {mode: keep, gain: -3}", "audio: mute", ("audio.mode", "audio.gain")),
    "shot.audio.mode": (FILM, "mode: keep", "mode: mute", ("audio.mode",)),
    "shot.audio.gain": (FILM, "gain: -3", "gain: -4", ("audio.gain",)),
    "shot.clip": (FILM, "clip: own.mp4", "clip: other.mp4", ("clip",)),
    "shot.card": (FILM, "text: The end", "text: Fin", ("card.text",)),
    "shot.card.text": (FILM, "text: The end", "text: Fin", ("card.text",)),
    "shot.card.subtitle": (FILM, "subtitle: of it", "subtitle: of all", ("card.subtitle",)),
    "shot.card.duration": (FILM, "of it, duration: 2", "of it, duration: 3", ("card.duration",)),
    "shot.card.color": (FILM, 'color: "#ffffff"', 'color: "#ff0000"', ("card.color",)),
    "shot.card.background": (FILM, 'background: "#000000"', 'background: "#ff0000"', ("card.background",)),
    "shot.card.align": (FILM, "align: left", "align: right", ("card.align",)),
    "shot.card.font": (FILM, ", font: own.ttf}", "}", ("card.font",)),
    "shot.image": (FILM, "file: still.png", "file: other.png", ("image",)),
    "shot.image.file": (FILM, "file: still.png", "file: other.png", ("image",)),
    "shot.image.duration": (FILM, "still.png, duration: 2", "still.png, duration: 1", ("image.duration",)),
    "shot.image.move": (FILM, "move: push", "move: pull", ("image.move",)),
    "shot.prompt": (FILM, "prompt: a forest", "prompt: a wood", ("prompt",)),
    "shot.seed": (FILM, "prompt: a forest", "prompt: a forest, seed: 4", ("seed",)),
    "shot.duration": (FILM, "a forest, duration: 3", "a forest, duration: 2", ("duration",)),
    "shot.size": (FILM, "prompt: a forest", "prompt: a forest, size: 64x64", ("width", "height")),
    "shot.params.slate": (SLATED, "prompt: a forest", "prompt: a forest, params: {slate: false}", ("params.slate",)),
    "shot.params": (
        FILM,
        "prompt: a forest",
        "prompt: a forest, params: {outputQuality: 90}",
        ("params.outputQuality",),
    ),
    "shot.first_frame": (FILM, "prompt: a forest", "prompt: a forest, first_frame: still.png", ("first_frame",)),
}
# Fields for people, names of files whose content counts, and fields that stand for others of this list.
UNSEEN = {
    *("version", "notes", "vars", "budget", "outputs", "output", "audio", "scenes", "defaults"),
    *("scene.notes", "scene.tags", "scene.defaults", "scene.shots", "output.file"),
    *("shot.id", "shot.title", "shot.notes", "shot.tags", "shot.trim", "shot.transition"),
}
# Fields that decide which take is made or kept: the reasons of takes name them.
OF_TAKES = {
    *("model", "provider", "shot.model", "shot.provider", "shot.takes", "shot.pick", "shot.hold"),
    *("shot.negative_prompt", "shot.last_frame", "shot.first_frame.shot", "shot.first_frame.at"),
    *("shot.last_frame.shot", "shot.last_frame.at"),
}


# Fields that hold the same fields again, or whatever a provider takes.
_CLOSED = ("outputs", "defaults", "scenes", "vars", "scene.defaults", "scene.shots", "shot.params")


def fields(schema: Mapping[str, Any]) -> set[str]:
    """Every field of the language, by the names that lead to it."""
    found: set[str] = set()

    def walk(part: Any, path: str) -> None:
        if not isinstance(part, dict):
            return
        if "$ref" in part:
            walk(schema["definitions"][part["$ref"].rpartition("/")[2]], path)
        for name, below in part.get("properties", {}).items():
            here = f"{path}.{name}".lstrip(".")
            if isinstance(below, dict):
                found.add(here)
                walk(below if here not in _CLOSED else {}, here)
        for below in (part.get("items"), part.get("then"), part.get("else")):
            walk(below, path)

    walk({"properties": schema["properties"]}, "")
    for name in ("scene", "shot"):
        walk(schema["definitions"][name], name)
    return found


def test_every_field_of_the_language_is_tried_or_changes_nothing_that_is_seen() -> None:
    schema = json.loads((HERE / "schemas/storyboard-1.schema.json").read_text(encoding="utf-8"))
    assert sorted(fields(schema) ^ ((EDITS.keys() - {"shot.params.slate"}) | UNSEEN | OF_TAKES)) == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Project]:
    """The films as they are before an edit, built."""
    projects = {}
    for number, text in enumerate((FILM, STREAM, SLATED)):
        project = Project(tmp_path_factory.mktemp("film") / str(number), inside=True)
        for name in ("own.mp4", "tone.wav"):
            shutil.copy(MATERIAL / name, project.folder)
        shutil.copy(MATERIAL / "own.mp4", project.folder / "other.mp4")
        with (project.folder / "other.mp4").open("ab") as clip:
            clip.write(b"\0\0\0\x08free")
        (project.folder / "other.wav").write_bytes((MATERIAL / "tone.wav").read_bytes()[:-4000])
        (project.folder / "own.ttf").write_bytes(BUILTIN.read_bytes())
        for name, color in (("still.png", "red"), ("other.png", "blue")):
            Image.new("RGB", (128, 72), color).save(project.folder / name)
        project.write(text, "")
        with hasty():
            project.build()
        projects[text] = project
    return projects


@pytest.mark.parametrize("field", EDITS)
def test_a_changed_field_is_named_in_the_reason_of_every_step_that_is_made(
    built: Mapping[str, Project], field: str
) -> None:
    film, old, new, names = EDITS[field]
    assert film.count(old) == 1, field
    project = built[film]
    project.write(film.replace(old, new), "")
    with hasty():
        steps = [step for step in project.data("plan")["steps"] if step["do"] in ("make", "wait")]
    assert steps, field
    for step in steps:
        if step["do"] == "make":
            named = {change["field"] for change in step["changes"]}
            assert named & set(names) or step["reason"].startswith("new; "), step
    assert {change["field"] for step in steps for change in step["changes"]} >= set(names[:1]), field
