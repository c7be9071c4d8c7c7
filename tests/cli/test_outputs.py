"""Several films of one storyboard: takes made once, pieces kept for each, no film lost with another."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest

from tests.inside import hasty
from tests.media.clips import decoded, ffmpeg
from tests.project import HERE, Project, copied, digest, write_broken_clip

HEADER = """\
version: 1
model: tiny:1
provider: local
title: Night
output: {file: out/film.mp4, size: 128x72, fps: 12}
outputs:
  wide: {}
  tall: {size: 72x128, fps: 25, fit: cover}
  web: {file: web/small.mov, size: 64x36, captions: stream, profile: draft}
"""
SHOTS = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river at night, seed: 3, caption: At night}
      - {id: b, prompt: a forest at dawn, seed: 4, transition: {type: dissolve, duration: 0.25}}
      - {id: end, card: {text: The end, duration: 1}}
"""
ENVELOPE = json.loads((HERE / "schemas/envelope-1.schema.json").read_text())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "film")
    project.write(SHOTS, HEADER)
    with hasty():
        yield project.in_process()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built project; tests work on copies of it."""
    project = Project(tmp_path_factory.mktemp("template") / "film")
    project.write(SHOTS, HEADER)
    with hasty():
        project.in_process().built()
    return project.folder


@pytest.fixture
def built(template: Path, tmp_path: Path) -> Iterator[Project]:
    project = copied(template, tmp_path / "film")
    with hasty():
        yield project


def films(desk: Project, *words: str) -> dict[str, dict[str, object]]:
    ran = desk.run(*words, "--json")
    jsonschema.validate(json.loads(ran.out), ENVELOPE)
    return {film["name"]: film for film in ran.data["films"]}


def test_one_build_makes_every_film_and_each_take_once(desk: Project) -> None:
    made = desk.built()
    assert sorted(name for name in made if name.startswith("take:")) == ["take:a", "take:b"]
    assert sorted(name for name in made if name.startswith("cut")) == ["cut/tall", "cut/web", "cut/wide"]
    shapes = {
        "out/film-wide.draft.mp4": (128, 72, 12),
        "out/film-tall.draft.mp4": (72, 128, 25),
        "web/small.draft.mov": (64, 36, 12),
    }
    for name, (width, height, rate) in shapes.items():
        shown = decoded(desk.folder / name)
        assert {(frame.width, frame.height) for frame in shown} == {(width, height)}
        # two takes of a second each, a card of a second, less a quarter for the dissolve
        dissolve = int(Fraction(rate, 4) + Fraction(1, 2))
        assert len(shown) == 3 * rate - dissolve
    assert (
        (desk.folder / "out/film-tall.draft.srt").read_text().startswith("1\n00:00:00,000 --> 00:00:01,000\nAt night")
    )
    assert not (desk.folder / "web/small.draft.srt").exists()
    told = ffmpeg("-i", str(desk.folder / "web/small.draft.mov"), "-map", "0:s", "-f", "srt", "-").stdout
    assert b"At night" in told
    assert desk.built() == []
    assert desk.data("plan")["nothing_to_do"]
    desk.said("build", "--locked")


def test_each_film_is_told_with_its_own_figures(built: Project) -> None:
    there = films(built, "build")
    assert [there[name]["frames"] for name in ("wide", "tall", "web")] == [33, 69, 33]
    assert there["web"]["film"] == "web/small.draft.mov"
    assert there["wide"]["copied"]["copied"] == 12 - 3
    assert there["tall"]["copied"]["why"]["it is 128x72"] == 25 + 25 - 12
    planned = films(built, "plan")
    assert {name: film["do"] for name, film in planned.items()} == dict.fromkeys(("wide", "tall", "web"), "reuse")
    assert films(built, "status")["tall"]["state"] == "up to date"
    text = built.said("status")
    assert "Night: 3 shots, 2.75 s, 3 films, provider: local" in text
    assert "  tall: out/film-tall.draft.mp4, 69 frames at 25 fps, 72x128" in text
    assert "film: web/small.draft.mov is up to date" in text
    assert "cut/tall: up to date; " in built.said("plan")
    ended = built.said("build")
    assert "out/film-wide.draft.mp4: 2.75 s, 33 frames, unchanged" in ended
    assert "web/small.draft.mov: 2.75 s, 33 frames, unchanged" in ended
    graph = {action["action"]: action for action in built.data("graph")["actions"]}
    assert graph["cut/tall"]["output"] == "tall"
    assert {graph[name]["output"] for name in graph["cut/tall"]["inputs"]} == {"tall"}


def test_a_change_of_one_output_touches_that_film_alone(built: Project) -> None:
    before = {name: digest(built.folder / name) for name in ("out/film-wide.draft.mp4", "web/small.draft.mov")}
    built.edit("fit: cover", "fit: stretch")
    assert {name.rpartition("/")[2] for name in built.built()} == {"tall"}
    assert {name: digest(built.folder / name) for name in before} == before
    (built.folder / "web/small.draft.mov").unlink()
    assert films(built, "status")["web"]["state"] == "not there"
    assert built.built() == ["cut/web"]
    assert digest(built.folder / "web/small.draft.mov") == before["web/small.draft.mov"]


def test_an_output_more_or_another_name_makes_nothing_again(built: Project) -> None:
    built.edit("  wide: {}\n", "  broad: {file: out/film-wide.mp4}\n  again: {captions: none}\n")
    assert built.built() == ["cut/again"]
    assert len(decoded(built.folder / "out/film-again.draft.mp4")) == 33
    built.write(SHOTS, HEADER.split("outputs:")[0])
    assert built.built() == ["cut"]


def test_two_films_that_show_the_same_render_it_once(built: Project) -> None:
    built.edit("  web: ", "  one: {size: 64x36}\n  two: {size: 64x36, captions: none}\n  web: ")
    made = built.built()
    for piece in ("segment:a", "segment:end", "transition:b"):
        assert len([name for name in made if name in (f"{piece}/one", f"{piece}/two")]) == 1
    assert len(decoded(built.folder / "out/film-two.draft.mp4")) == 33


def test_an_output_that_cannot_be_written_does_not_lose_the_others(desk: Project) -> None:
    foreign = desk.folder / "out/film-tall.draft.mp4"
    foreign.parent.mkdir()
    foreign.write_bytes(b"somebody else's")
    ran = desk.run("build", "--json")
    assert ran.code == 1
    [error] = json.loads(ran.out)["errors"]
    assert "film-tall.draft.mp4: it was not made by storyboard" in error["message"]
    assert [film["name"] for film in ran.data["films"]] == ["wide", "web"]
    assert not any(name.endswith("/tall") for name in (*ran.data["made"], *ran.data["reused"]))
    assert foreign.read_bytes() == b"somebody else's"
    assert len(decoded(desk.folder / "web/small.draft.mov")) == 33
    ran = desk.run("build")
    assert ran.code == 1
    assert "web/small.draft.mov: 2.75 s, 33 frames" in ran.out
    foreign.unlink()
    assert {name.rpartition("/")[2] for name in desk.built()} == {"tall"}


def test_nothing_is_made_if_no_film_can_be_written(desk: Project) -> None:
    for name in ("out/film-tall.draft.mp4", "out/film-wide.draft.mp4", "web/small.draft.mov"):
        (desk.folder / name).mkdir(parents=True)
    assert desk.refused(1, "build")["code"] == "output"
    assert not list((desk.folder / ".storyboard/cache/blobs").glob("*/*"))


@pytest.mark.parametrize("header", [HEADER, HEADER.split("outputs:")[0]], ids=["several", "one"])
def test_a_partial_film_is_told_by_the_path_that_was_written(desk: Project, header: str) -> None:
    desk.write(SHOTS.replace("id: b, prompt: a forest at dawn, seed: 4", "id: b, clip: broken.mp4"), header)
    write_broken_clip(desk.folder)
    ran = desk.run("build", "--partial", "--json")
    assert ran.code == 1
    for film in ran.data["films"]:
        path = desk.folder / str(film["film"])
        assert path.stem.endswith(".draft")
        assert film["partial"]
        assert len(decoded(path)) == film["frames"]
        assert not path.with_name(path.name.replace(".draft", "")).exists()
        assert not path.with_name(path.name.replace(".draft", "")).with_suffix(".srt").exists()
    assert len(ran.data["films"]) == (3 if "outputs:" in header else 1)
    assert ran.data["film"] == ran.data["films"][0]["film"]
    assert "draft.mp4: 5.75 s, 69 frames, with b as a card" in desk.run("build", "--partial").out


def test_a_partial_film_replaces_nothing_of_somebody_else(desk: Project) -> None:
    desk.write(SHOTS.replace("id: b, prompt: a forest at dawn, seed: 4", "id: b, clip: broken.mp4"), HEADER)
    write_broken_clip(desk.folder)
    foreign = desk.folder / "out/film-wide.draft.mp4"
    foreign.parent.mkdir()
    foreign.write_bytes(b"somebody else's")
    ran = desk.run("build", "--partial", "--json")
    assert foreign.read_bytes() == b"somebody else's"
    assert [film["name"] for film in ran.data["films"]] == ["tall", "web"]
    assert "film-wide.draft.mp4: it was not made by storyboard" in ran.data["failed"]["cut/wide"]


def test_a_diff_tells_outputs_by_their_names(desk: Project) -> None:
    desk.git("init", "-q")
    (desk.folder / ".gitignore").write_text(".storyboard/\nout/\n")
    desk.commit("first")
    desk.edit("fit: cover", "fit: stretch")
    told = desk.data("diff")["film"]
    assert told == [{"field": "outputs.tall.fit", "old": "cover", "new": "stretch"}]


def test_a_shot_fills_every_film_its_own_way(tmp_path: Path) -> None:
    from PIL import Image

    project = Project(tmp_path / "film")
    shots = "".join(
        f"      - {{id: {name}, image: {{file: square.png, duration: 1}}{own}}}\n"
        for name, own in (("plain", ""), ("boxed", ", fit: contain"), ("filled", ", fit: cover"))
    )
    project.write(f"scenes:\n  - id: one\n    shots:\n{shots}", HEADER.replace("wide: {}", "wide: {fit: stretch}"))
    picture = Image.new("RGB", (96, 96), "#0000ff")
    picture.paste("#ff0000", (0, 20, 96, 76))
    picture.save(project.folder / "square.png")
    desk = project.in_process()

    def column(film: str) -> list[list[str]]:
        """The colours at the left edge, from the top, in the middle of each shot."""
        names = {(255, 0, 0): "red", (0, 0, 255): "blue", (0, 0, 0): "black"}
        shown = decoded(desk.folder / film)
        found = []
        for second in range(3):
            frame = shown[(2 * second + 1) * len(shown) // 6].to_ndarray(format="rgb24")
            edge = [frame[row * (len(frame) - 1) // 4, 4] for row in range(5)]
            found.append([names[tuple(255 * int(part > 127) for part in pixel)] for pixel in edge])
        return found

    with hasty():
        desk.built()
        assert column("out/film-wide.mp4") == [["blue", "red", "red", "red", "blue"], ["black"] * 5, ["red"] * 5]
        assert column("out/film-tall.mp4")[1] == ["black", "blue", "red", "blue", "black"]
        project.edit("fit: contain", "fit: stretch")
        assert sorted(desk.built()) == [
            "cut/tall",
            "cut/web",
            "cut/wide",
            *(f"segment:boxed/{n}" for n in ("tall", "web")),
        ]
