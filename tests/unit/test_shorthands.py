"""Short forms mean what their long forms mean, and defaults of the cut reach the shots that they fit."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from storyboard.core.model import Storyboard, Transition, Trim
from storyboard.document.load import load
from storyboard.document.project_files import DiskFiles
from storyboard.providers.models import cards
from tests.media.sounds import tone, write_wav
from tests.unit.cases import CASES, loaded

SHOTS = """
scenes:
  - id: river
    shots:
      - {id: a, prompt: A slow glide.}
      - {id: b, prompt: A skiff drifts.%s}
      - {id: end, card: The end}
"""


def read(folder: Path, text: str) -> Storyboard:
    (folder / "storyboard.yaml").write_text("version: 1\n" + text, encoding="utf-8")
    result = load("storyboard.yaml", DiskFiles(folder), cards())
    assert result.findings == []
    assert result.storyboard is not None
    return result.storyboard


@pytest.mark.parametrize("kind", ["cut", "dissolve", "fade", "wipe", "slide"])
def test_a_transition_is_its_kind_alone(kind: str, tmp_path: Path) -> None:
    short = read(tmp_path, SHOTS % f", transition: {kind}")
    assert short == read(tmp_path, SHOTS % f", transition: {{type: {kind}}}")


@pytest.mark.parametrize(
    ("short", "long"), [("tone.wav", "[tone.wav]"), ("{file: tone.wav, gain: -6}", "[{file: tone.wav, gain: -6}]")]
)
def test_the_sound_of_a_film_is_one_track_without_a_list(short: str, long: str, tmp_path: Path) -> None:
    write_wav(tmp_path / "tone.wav", tone(2))
    film = read(tmp_path, f"audio: {short}" + SHOTS % "")
    assert film == read(tmp_path, f"audio: {long}" + SHOTS % "")
    assert len(film.audio) == 1


def test_one_track_is_checked_like_a_track_of_a_list(tmp_path: Path) -> None:
    write_wav(tmp_path / "tone.wav", tone(2))

    def findings(audio: str) -> list[Any]:
        (tmp_path / "storyboard.yaml").write_text(f"version: 1\naudio:\n  {audio}" + SHOTS % "", encoding="utf-8")
        found = load("storyboard.yaml", DiskFiles(tmp_path), cards()).findings
        return [(one.code, one.message.replace("item 1 of ", ""), one.span.line if one.span else 0) for one in found]

    for track in (
        "{file: tone.wav, start: {shot: none}}",
        "{file: tone.wav, start: 900}",
        "{file: none.wav}",
        "{file: tone.wav, start: 13, fade_out: 9, loop: true}",
        "{file: tone.wav, gain: loud}",
        "{start: 3}",
    ):
        assert findings(track) == findings(f"- {track}") != [], track


def test_defaults_of_the_cut_reach_the_shots_that_they_fit() -> None:
    film = loaded(CASES / "good" / "shorthands.yaml").storyboard
    assert film is not None
    glide, skiff, end = film.shots()
    assert [shot.trim for shot in film.shots()] == [Trim(Fraction(1)), Trim(None, Fraction(4)), Trim()]
    assert [shot.fit for shot in film.shots()] == ["cover", "cover", None]
    assert [shot.tags for shot in film.shots()] == [
        ("film", "scene", "night"),
        ("film", "scene", "night", "hero"),
        ("film", "scene", "night"),
    ]
    assert (glide.transition, skiff.transition) == (Transition(), Transition("wipe", Fraction(1)))
    assert end.transition == Transition("fade", Fraction(1, 2))


def test_a_default_trim_of_a_take_shortens_no_card(tmp_path: Path) -> None:
    plain = read(tmp_path, SHOTS % "")
    trimmed = read(tmp_path, "defaults: {trim: {start: 2}}" + SHOTS % "")
    assert trimmed.shot("end") == plain.shot("end")
    assert trimmed.shot("a").trim == Trim(Fraction(2))
