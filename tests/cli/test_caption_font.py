"""Captions drawn into the film with a font of the project."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from storyboard.fonts import BUILTIN
from tests.inside import at_work
from tests.project import Project

HEADER = """\
version: 1
model: tiny:1
provider: local
output: {file: out/film.mp4, size: 128x72, fps: 12, captions: burn, font: fonts/own.ttf}
outputs: {plain: {captions: none}, drawn: {}}
"""
SHOTS = """\
scenes:
  - id: one
    shots:
      - {id: a, card: {text: One, duration: 1}, caption: At night}
      - {id: b, card: {text: Two, duration: 1}}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "film")
    project.write(SHOTS, HEADER)
    (project.folder / "fonts").mkdir()
    (project.folder / "fonts/own.ttf").write_bytes(BUILTIN.read_bytes())
    with at_work():
        yield project.in_process()


def test_only_what_is_drawn_with_the_font_is_made_again_and_only_for_another_content(desk: Project) -> None:
    assert {"segment:a/plain", "segment:a/drawn", "segment:b/plain"} <= set(desk.built())
    (desk.folder / "fonts/own.ttf").rename(desk.folder / "fonts/renamed.ttf")
    desk.edit("fonts/own.ttf", "fonts/renamed.ttf")
    assert desk.built() == []
    (desk.folder / "fonts/renamed.ttf").write_bytes(BUILTIN.read_bytes() + bytes(4))
    assert desk.built() == ["segment:a/drawn"]  # of the same pixels, so that the film is what it was
    desk.edit(", font: fonts/renamed.ttf", "")
    assert desk.built() == ["segment:a/drawn"]


def test_a_font_that_changed_is_told_by_diff(desk: Project) -> None:
    desk.git("init", "-q")
    desk.commit("one")
    (desk.folder / "fonts/own.ttf").write_bytes(BUILTIN.read_bytes() + bytes(4))
    assert "font content" in desk.said("diff")


def test_letters_that_the_font_lacks_are_told_at_the_caption(desk: Project) -> None:
    desk.edit("caption: At night", "caption: [{start: 0, end: 1, text: 夜}]")
    told = json.loads(desk.run("check", "--json").out)["warnings"]
    assert [(one["code"], one["place"]["line"]) for one in told] == [("missing-letters", 9)]
    assert told[0]["message"] == "no font has 夜; other signs are drawn in their place"
    assert "pip install 'storyboard-build[cjk]'" in told[0]["help"]


def test_a_font_that_nothing_is_drawn_with_is_a_warning(desk: Project) -> None:
    desk.edit("drawn: {}", "drawn: {captions: stream}")
    assert "warning[unused-font]" in desk.run("check").err


def test_letters_that_cannot_be_laid_out_here_are_told_instead_of_drawn_backwards(
    desk: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.edit("caption: At night", "caption: [{start: 0, end: 1, text: נהר}]")
    monkeypatch.setattr("storyboard.document.lower_text.has_layout", lambda: False)
    error = desk.refused(3, "check")
    assert (error["code"], error["place"]["line"]) == ("no-layout", 9)
    assert "libfribidi" in error["help"]
