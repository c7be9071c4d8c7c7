"""Films whose texts are in letters that the built-in font lacks, on machines with and without fonts for them."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.fonts import font_file
from tests.inside import at_work
from tests.project import Project

HEADER = """\
version: 1
provider: local
model: tiny:1
output: {file: out/film.mp4, size: 320x180, fps: 12}
"""
SHOTS = """\
scenes:
  - id: one
    shots:
      - {id: tokyo, prompt: 夜の東京の路地、雨に濡れた石畳にネオンが映る。}
      - {id: title, card: {text: 東京の夜, duration: 1}}
      - {id: plain, card: {text: "The end: fin, конец", duration: 1}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the fonts of this machine, without any."""
    (tmp_path / "fonts").mkdir()
    monkeypatch.setenv("STORYBOARD_FONTS", str(tmp_path / "fonts"))
    return tmp_path / "fonts"


@pytest.fixture
def desk(tmp_path: Path, folder: Path) -> Iterator[Project]:
    project = Project(tmp_path / "film")
    project.write(SHOTS, HEADER)
    with at_work():
        yield project.in_process()


def frame(film: Path, number: int) -> np.ndarray:
    with av.open(str(film)) as opened:
        for index, picture in enumerate(opened.decode(video=0)):
            if index == number:
                return picture.to_ndarray(format="gray")
    raise AssertionError(number)


def warnings(desk: Project, verb: str) -> list[dict[str, object]]:
    found = json.loads(desk.run(verb, "--json").out)["warnings"]
    return [one for one in found if one["code"] == "missing-letters"]


def test_letters_of_no_font_are_told_once_by_each_verb_with_the_way_out(desk: Project) -> None:
    for verb in ("check", "plan", "build"):
        (told,) = warnings(desk, verb)
        assert told["place"]["line"] == 8, verb
        assert "here and in 1 more text" in told["message"]
        assert "pip install 'storyboard-build[cjk]'" in told["help"]
    assert (desk.folder / "out/film.draft.mp4").is_file()


def test_a_font_that_was_installed_makes_the_pieces_with_its_letters_anew_and_no_take(
    desk: Project, folder: Path
) -> None:
    assert {"take:tokyo", "segment:tokyo", "segment:title", "segment:plain"} <= set(desk.built())
    film, lockfile = desk.folder / "out/film.draft.mp4", desk.lock()
    assert desk.built() == []
    first = frame(film, 2)
    shutil.copy(font_file("cjk"), folder)
    assert warnings(desk, "check") == []
    plan = {step["action"]: step for step in desk.data("plan")["steps"]}
    assert [change["field"] for change in plan["segment:title"]["changes"]] == ["fonts"]
    assert [change["field"] for change in plan["segment:tokyo"]["changes"]] == ["fonts"]
    assert f"fonts: (not set) -> {font_file('cjk').name}" in desk.said("why", "title")
    assert set(desk.built()) - {"cut"} == {"segment:tokyo", "segment:title"}
    assert desk.lock() == lockfile
    now = frame(film, 2)
    slate = np.abs(first.astype(int) - now)[9:60, 16:304]
    assert (slate > 100).sum() > 300  # the prompt in place of an ellipsis
    assert np.abs(first.astype(int) - now)[80:].max() < 30
    assert desk.built() == []


def test_another_content_of_the_font_makes_its_pieces_anew_and_the_same_reuses_them(
    desk: Project, folder: Path
) -> None:
    shutil.copy(font_file("cjk"), folder)
    desk.built()
    (folder / font_file("cjk").name).rename(folder / "renamed.ttc")
    assert desk.built() == []
    with (folder / "renamed.ttc").open("ab") as file:
        file.write(bytes(4))
    assert set(desk.built()) - {"cut"} == {"segment:tokyo", "segment:title"}
    (folder / "renamed.ttc").unlink()
    shutil.copy(font_file("cjk"), folder)
    assert set(desk.built()) - {"cut"} == set()  # drawn with it before


def test_the_request_of_a_piece_names_the_fonts_that_it_is_drawn_with(desk: Project, folder: Path) -> None:
    shutil.copy(font_file("cjk"), folder)
    desk.built()
    requests = [
        json.loads(path.read_text("utf-8"))["body"].get("request") or {}
        for path in (desk.folder / ".storyboard/cache/records").rglob("*.json")
    ]
    cards = [one["card"] for one in requests if "card" in one]
    assert sorted(len(card.get("fonts", [])) for card in cards) == [0, 1]
    (slate,) = [one["slate"] for one in requests if "slate" in one]
    assert slate["fonts"][0].startswith("file:")
    assert "fonts" not in next(card for card in cards if card["text"].startswith("The end"))
    assert not any(str(folder) in json.dumps(one) for one in requests)


def test_a_prompt_that_no_slate_shows_is_no_warning(desk: Project) -> None:
    desk.edit("東京の夜", "Tokyo")
    assert len(warnings(desk, "check")) == 1
    desk.edit("fps: 12}", "fps: 12, slate: false}")
    assert warnings(desk, "check") == []


def test_a_font_of_the_project_without_some_letters_is_helped_out(desk: Project, folder: Path) -> None:
    from storyboard.fonts import BUILTIN

    (desk.folder / "own.ttf").write_bytes(BUILTIN.read_bytes())
    desk.edit("{text: 東京の夜,", "{text: 東京の夜, font: own.ttf,")
    shutil.copy(font_file("cjk"), folder)
    assert warnings(desk, "check") == []
    assert "segment:title" in desk.built()


def test_a_no_op_is_told_only_while_the_folders_of_fonts_are_the_same(desk: Project, folder: Path) -> None:
    desk.built()
    os.utime(folder, (1_700_000_000, 1_700_000_000))
    assert "nothing to do" in desk.run("build").out
    shutil.copy(font_file("cjk"), folder)
    assert "rendered 2 pieces" in desk.run("build").out


def test_a_font_of_the_output_helps_out_on_slates(desk: Project) -> None:
    shutil.copy(font_file("cjk"), desk.folder / "own.ttc")
    desk.edit("東京の夜", "Tokyo")
    desk.edit("fps: 12}", "fps: 12, font: own.ttc}")
    told = json.loads(desk.run("check", "--json").out)["warnings"]
    assert [one["code"] for one in told if "font" in str(one["message"])] == []
    assert "segment:tokyo" in desk.built()
    desk.edit(", font: own.ttc", "")
    assert len(warnings(desk, "check")) == 1
    assert desk.built() == ["segment:tokyo", "cut"]
    desk.edit("夜の東京の路地、雨に濡れた石畳にネオンが映る。", "A lane")
    desk.edit("fps: 12}", "fps: 12, font: own.ttc}")
    assert "warning[unused-font]" in desk.run("check").err


def test_prompts_that_slates_cannot_lay_out_are_told_once(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.edit("夜の東京の路地、雨に濡れた石畳にネオンが映る。", "נהר בלילה")
    desk.edit('{id: plain, card: {text: "The end: fin, конец", duration: 1}}', "{id: plain, prompt: نهر}")
    monkeypatch.setattr("storyboard.document.file_inputs.has_layout", lambda: False)
    told = [one for one in json.loads(desk.run("check", "--json").out)["warnings"] if one["code"] == "no-layout"]
    assert [one["place"]["line"] for one in told] == [8]
    assert "libfribidi" in told[0]["help"]
