"""Plans, states and reasons of pieces, sounds and films, as a film-maker reads them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from storyboard.engine import project_store
from tests.inside import hasty
from tests.project import HERE, Project
from tests.written import DATA


@pytest.fixture(autouse=True)
def in_haste() -> Iterator[None]:
    with hasty():
        yield


TWO_FILMS = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river}
      - {id: b, prompt: a forest, duration: 2, speed: 2, transition: {type: dissolve, duration: 0.5}}
      - {id: skipped, prompt: a lake, skip: true}
      - {id: c, card: {text: The end, duration: 1.5}}
"""


RATES = {"wide": 12, "tv": 29.97}


def test_plan_and_status_say_where_each_shot_is_in_each_film(tmp_path: Path) -> None:
    films = (f"  {name}: {{file: out/{name}.mp4, size: 128x72, fps: {rate}}}" for name, rate in RATES.items())
    project = Project(tmp_path, inside=True)
    project.write(TWO_FILMS, f"version: 1\nmodel: tiny:1\nprovider: local\noutputs:\n{chr(10).join(films)}\n")
    wide = [
        {"shot": "a", "seconds": 1, "timecode_in": "00:00:00:00", "timecode_out": "00:00:01:00"},
        {"shot": "b", "seconds": 1, "timecode_in": "00:00:00:06", "timecode_out": "00:00:01:06"},
        {"shot": "c", "seconds": 1.5, "timecode_in": "00:00:01:06", "timecode_out": "00:00:03:00"},
    ]
    films = project.data("plan")["films"]
    assert films[0]["timeline"] == wide
    assert [place["timecode_out"] for place in films[1]["timeline"]] == ["00:00:01;00", "00:00:01;15", "00:00:03;00"]
    state = project.data("status")
    assert [film["timeline"] for film in state["films"]] == [film["timeline"] for film in films]
    places = {shot.pop("shot"): {name: shot[name] for name in wide[0] if name != "shot"} for shot in state["shots"]}
    assert places == {place["shot"]: {name: place[name] for name in place if name != "shot"} for place in wide}


FILM = """\
title: A film
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river, duration: 3}
      - {id: b, prompt: a forest, duration: 3, transition: {type: dissolve, duration: 0.5}}
      - {id: end, card: The end}
      - {id: d, prompt: a lake, duration: 2, trim: {end: 1.5}}
"""
HEAD = "version: 1\nmodel: tiny:1\nprovider: local\noutput: {file: out/film.mp4, size: 128x72, fps: 12}\n"


@pytest.fixture
def film(tmp_path: Path) -> Project:
    """A film that has been built."""
    project = Project(tmp_path / "film", inside=True)
    project.write(FILM, HEAD)
    project.build()
    return project


def reasons(project: Project, *words: str) -> dict[str, str]:
    """The reason of each step of a plan, by its action."""
    return {step["action"]: step["reason"] for step in project.data("plan", *words)["steps"]}


def test_a_changed_trim_is_a_line_of_the_plan_in_words_of_the_storyboard(film: Project) -> None:
    film.edit("end: 1.5", "end: 1")
    line = "trim.end: 1.5 s -> 1 s"
    plan = film.said("plan").splitlines()
    [row] = [number for number, said in enumerate(plan) if said.startswith("  = d ")]
    assert plan[row].endswith("unchanged; in the film changed: trim.end")
    assert plan[row + 1].strip() == line
    assert line in film.said("plan", "-v")
    assert reasons(film)["segment:d"] == "changed: trim.end; copied"
    built = film.run("build", "-v")
    assert line in built.out
    assert "reused   segment:d: changed: trim.end; copied" in built.out


def test_a_changed_transition_is_the_reason_of_both_shots_that_it_joins(film: Project) -> None:
    film.edit("duration: 0.5", "duration: 1")
    found = reasons(film)
    assert found["transition:b"] == "changed: transition.duration; rendered: dissolve"
    assert found["segment:a"] == "neighbour b changed: transition.duration; copied"
    assert "b: transition.duration: 0.5 s -> 1 s" in film.said("plan", "-v")


def test_a_take_that_was_copied_and_is_encoded_now_has_the_reason_since_when(film: Project) -> None:
    film.edit("trim: {end: 1.5}", "trim: {end: 1.5}, speed: 2")
    assert reasons(film)["segment:d"] == "changed: speed; copied before, now re-encoded: speed 2"
    film.build()
    film.edit(", speed: 2", "")
    assert reasons(film)["segment:d"] == "changed: speed; rendered before, now copied"


def test_another_take_is_the_reason_of_its_pieces_with_its_seed(film: Project) -> None:
    film.edit("a river,", "a river, takes: [1, 4],")
    film.build()
    film.edit("takes: [1, 4],", "takes: [1, 4], pick: 4,")
    found = reasons(film)
    assert found["segment:a"] == "the take changed (seed 1 -> 4); copied"
    assert found["transition:b"] == "neighbour a has another take (seed 1 -> 4); rendered: dissolve"


def test_a_card_that_is_gone_from_the_cache_is_made_because_it_is_missing(film: Project) -> None:
    for record in (film.folder / ".storyboard/cache/records").glob("*/*/*.json"):
        if '"card"' in record.read_text():
            record.unlink()
    film.edit("title: A film", "title: Another film")
    step = next(step for step in film.data("plan")["steps"] if step["action"] == "segment:end")
    assert (step["do"], step["why"], step["reason"]) == ("make", "missing", "missing from this cache")
    film.build()
    assert film.data("plan")["nothing_to_do"] is True


def test_what_is_changed_back_is_the_reason_for_another_film_and_not_the_file(film: Project) -> None:
    film.edit("The end", "Fin")
    film.build()
    film.edit("Fin", "The end")
    [cut] = [step for step in film.data("plan")["steps"] if step["action"] == "cut"]
    assert (cut["do"], cut["why"], cut["reason"]) == ("make", "request-changed", "end changed: card.text")
    assert cut["changes"] == [{"field": "card.text", "old": "Fin", "new": "The end", "of": "end"}]
    assert reasons(film)["segment:end"] == "changed: card.text; in the cache"


def test_a_film_made_by_another_renderer_has_that_reason(film: Project) -> None:
    [terms] = (film.folder / ".storyboard/films").glob("*.json")
    built = json.loads(terms.read_text())
    built["terms"]["renderer.pillow"] = "1.0"
    built["marks"]["segment:end"] = "0" * 16
    terms.write_text(json.dumps(built))
    for record in (film.folder / ".storyboard/cache/records").glob("*/*/*.json"):
        if '"card"' in record.read_text():
            record.unlink()
    assert "renderer.pillow" in reasons(film)["segment:end"]
    assert "renderer.pillow: 1.0 ->" in film.said("plan")


def test_added_removed_and_moved_shots_are_the_reason_of_the_film(film: Project) -> None:
    card = "      - {id: end, card: The end}\n"
    film.edit(card, "")
    film.edit("scenes:\n  - id: one\n    shots:\n", f"scenes:\n  - id: one\n    shots:\n{card}")
    plan = film.said("plan")
    assert "shots: {+end+} a b [-end-] d" in plan
    [cut] = [step for step in film.data("plan")["steps"] if step["action"] == "cut"]
    assert cut["changes"] == [{"field": "shots", "old": "a b end d", "new": "end a b d"}]


def test_a_renamed_shot_is_no_reason(film: Project) -> None:
    film.edit("id: d,", "id: lake,")
    film.edit("The end", "Fin")
    steps = film.data("plan")["steps"]
    changes = [(step["action"], change["field"]) for step in steps for change in step["changes"]]
    assert changes == [("segment:end", "card.text"), ("cut", "card.text")]


def test_a_renamed_shot_is_a_reason_only_where_its_slate_shows_the_name(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", inside=True)
    project.write(FILM, HEAD.replace("128x72", "320x180"))
    project.build()
    project.edit("id: d,", "id: lake,")
    found = reasons(project)
    assert found["segment:lake"] == "changed: id; re-encoded: 128x72 scaled to 320x180"
    assert found["segment:b"] == "in the cache"
    assert found["cut"] == "waits for lake"


def test_a_new_shot_is_new_and_each_film_has_reasons_of_its_own(tmp_path: Path) -> None:
    project = Project(tmp_path, inside=True)
    outputs = "outputs:\n  wide: {file: out/w.mp4, size: 128x72}\n  tall: {file: out/t.mp4, size: 64x64}\n"
    head = f"version: 1\nmodel: tiny:1\nprovider: local\noutput: {{fps: 12}}\n{outputs}"
    project.write("scenes:\n  - id: one\n    shots:\n      - {id: end, card: Fin}\n", head)
    assert reasons(project)["segment:end/wide"] == "new; rendered: title card"
    project.build()
    project.edit("out/t.mp4, size: 64x64", "out/t.mp4, size: 72x128")
    project.edit("card: Fin}\n", "card: Fin}\n      - {id: more, card: More}\n")
    found = reasons(project)
    assert found["segment:end/tall"] == "changed: output.size; rendered: title card"
    assert found["segment:end/wide"] == "in the cache"
    assert found["segment:more/wide"] == "new; rendered: title card"


def test_reasons_of_the_last_build_are_read_only_where_a_film_changes(
    film: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the terms of the film were read")

    monkeypatch.setattr(project_store, "read_built_film", refuse)
    assert "nothing to do" in film.said("plan")
    assert "nothing to do" in film.said("build")
    film.edit("A film", "Another film")
    with pytest.raises(AssertionError):
        film.said("plan")


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"terms": 3}', b"\xff"])
def test_without_the_terms_of_the_last_build_only_reasons_are_missing(film: Project, content: bytes | None) -> None:
    [terms] = (film.folder / ".storyboard/films").glob("*.json")
    terms.unlink() if content is None else terms.write_bytes(content)
    film.edit("The end", "Fin")
    assert reasons(film)["segment:end"] == "rendered: title card"
    film.build()
    film.edit("Fin", "The End")
    assert reasons(film)["segment:end"] == "changed: card.text; rendered: title card"


EVERY_KIND = """\
title: Every kind
outputs:
  wide: {file: out/w.mp4, size: 128x72, fps: 12, fade_in: 0.25, fade_out: 0.25}
  tall: {file: out/t.mp4, size: 72x128, fps: 12}
audio: [tone.wav]
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river, duration: 3, takes: [1, 7], trim: {start: 0.5}}
      - {id: b, prompt: a forest, first_frame: {shot: a}, transition: {type: dissolve, duration: 0.5}}
      - {id: still, image: {file: still.png, duration: 1}}
      - {id: own, clip: own.mp4}
      - {id: left, prompt: a lake, skip: true}
      - {id: kept, prompt: a hill, hold: true}
      - {id: end, card: Fin}
"""


@pytest.fixture
def every_kind(tmp_path: Path) -> Project:
    project = Project(tmp_path / "film", inside=True)
    for name in ("own.mp4", "tone.wav"):
        shutil.copy(DATA / "paid/material" / name, project.folder)
    Image.new("RGB", (128, 72), "red").save(project.folder / "still.png")
    project.write(EVERY_KIND, "version: 1\nmodel: tiny:1\nprovider: local\n")
    return project


@pytest.mark.parametrize("state", ["new", "built", "changed"])
def test_why_takes_every_id_that_the_plan_prints_and_every_shot(every_kind: Project, state: str) -> None:
    project = every_kind
    if state != "new":
        project.build()
    if state == "changed":
        project.edit("title: Every kind", "title: Every other kind")
        project.edit("a river", "a wide river")
        project.edit("fps: 12, fade_in", "fps: 24, fade_in")
        project.edit("card: Fin", "card: The end")
    plan = project.data("plan")
    schema = json.loads((HERE / "schemas/envelope-1.schema.json").read_text(encoding="utf-8"))
    check = jsonschema.Draft7Validator(schema)
    shots = ["a", "b", "still", "own", "left", "kept", "end"]
    kinds = {step["kind"] for step in plan["steps"]}
    assert kinds == {"take", "frame", "segment", "sound", "cut"}
    for name in [*(step["action"] for step in plan["steps"]), *shots, "a#7", "out/w.mp4", "out/t.mp4", "cut", "sound"]:
        ran = project.run("why", name, "--json")
        assert ran.code == 0, (name, ran)
        check.validate(json.loads(ran.out))
        step = next((step for step in plan["steps"] if step["action"] == name), None)
        if step is not None:
            answer = ran.data
            said = answer if "action" in answer else {**answer, "action": name}
            assert [said[field] for field in ("action", "do", "why", "key")] == [
                step[field] for field in ("action", "do", "why", "key")
            ]
            assert project.said("why", name).splitlines()[0].split(": ")[0] in (name, name.removeprefix("take:"))


def test_why_of_a_card_an_image_a_clip_and_a_skipped_shot(every_kind: Project) -> None:
    project = every_kind
    assert project.said("why", "end").splitlines()[0] == "end: make: new; rendered: title card"
    assert project.said("why", "left").splitlines()[0] == "left: skip: the shot is left out of the film by `skip: true`"
    project.build()
    project.edit("card: Fin", "card: {text: Fin, align: left}")
    place = project.file.read_text().splitlines().index("      - {id: end, card: {text: Fin, align: left}}") + 1
    assert project.said("why", "end").splitlines()[:3] == [
        "end: make: changed: card.align; rendered: title card",
        "  card.align: center -> left",
        f"    storyboard.yaml:{place}",
    ]
    project.edit("trim: {start: 0.5}", "trim: {start: 1}")
    said = project.said("why", "a").splitlines()
    assert said[0] == "a: reuse: unchanged"
    assert "    trim.start: 0.5 s -> 1 s" in said
    pieces = {piece["action"]: piece for piece in project.data("why", "a")["pieces"]}
    assert {change["field"] for change in pieces["segment:a/wide"]["changes"]} == {"trim.start"}
    assert project.data("why", "own")["request"]["clip"].startswith("file:")


def test_why_of_an_unknown_name_is_an_error_with_the_nearest_one(every_kind: Project) -> None:
    error = every_kind.refused(2, "why", "segment:stil/wide")
    assert error["message"] == "no shot, step or film is called 'segment:stil/wide'"
    assert error["help"] == "did you mean `segment:still/wide`?"
    assert "did you mean `kept`" in every_kind.refused(2, "why", "kepd")["help"]
