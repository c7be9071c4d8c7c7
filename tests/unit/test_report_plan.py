"""The plan as a table: a long film is told by what happens to it."""

import pytest
from msgspec.structs import replace

from storyboard.core.model import Shot, Storyboard
from storyboard.report.plan import plan_text
from storyboard.report.text import columns, fold
from tests.unit.films import FakeMemory, build, film, generated, plan, shot


def table(edited: int, *, verbose: bool = False) -> list[str]:
    """The lines of shots in the plan of a hundred shots of which one was edited."""
    memory = FakeMemory()
    shots = [shot(f"s{number:02}") for number in range(100)]
    build(film(*shots), memory)
    shots[edited] = shot(f"s{edited:02}", prompt="another")
    changed = film(*shots)
    text = plan_text(plan(changed, memory), changed, verbose=verbose)
    return [line for line in text.splitlines() if line.startswith(("  = s", "  ~ s"))]


def test_a_long_row_of_unchanged_shots_is_one_line_and_a_short_one_is_not() -> None:
    lines = table(96)
    assert lines[0] == "  = s00 to s95: 96 shots, unchanged"
    assert lines[1] == "  ~ s96  00:12:48:00 - 00:12:56:00  8 s  $0.96  changed: prompt"
    assert [line.split()[1] for line in lines[2:]] == ["s97", "s98", "s99"]
    assert lines[2].endswith("8 s         unchanged")


def test_every_shot_is_told_when_more_is_asked_for() -> None:
    assert len(table(60, verbose=True)) == 100


def _scenes(count: int, prompt: str = "") -> Storyboard:
    shots = [
        Shot(f"{scene}{number:02}", scene, generated(f"{scene} {number} {prompt}"), title=f"Shot {number} of {scene}")
        for scene in ("river", "town")
        for number in range(count)
    ]
    return film(*shots, title="A film in two scenes")


def test_a_long_film_has_its_totals_by_scene_and_a_short_one_only_their_names() -> None:
    def text(count: int) -> str:
        before, memory = _scenes(count), FakeMemory()
        build(before, memory)
        first = replace(before.scenes[0].shots[0], source=generated("another"))
        scenes = (replace(before.scenes[0], shots=(first, *before.scenes[0].shots[1:])), before.scenes[1])
        changed = replace(before, scenes=scenes)
        return plan_text(plan(changed, memory), changed)

    assert "\nriver\n  ~ river00  Shot 0 of river  00:00:00:00 - 00:00:08:00  8 s  $0.96  changed: prompt\n" in text(2)
    assert "\nriver (12 shots: 1 to change, 11 unchanged; $0.96)\n" in text(12)
    assert "\ntown (12 shots: 12 unchanged)\n  = town00 to town11: 12 shots, unchanged\n" in text(12)
    assert text(12).endswith("\nPlan: 1 to change, 23 unchanged; $0.96")


@pytest.mark.parametrize("width", [50, 80, 100])
def test_no_line_of_a_plan_breaks_inside_a_word(width: int) -> None:
    changed = _scenes(4, "a word " * 40)
    text = plan_text(plan(changed, FakeMemory()), changed, width=width)
    whole = plan_text(plan(changed, FakeMemory()), changed)
    lines = fold(text, width).splitlines()
    assert max(map(len, lines)) <= width
    assert set(" ".join(lines).split()) - set(whole.split()) <= {""}


def test_the_last_line_is_bold_and_colours_stand_on_symbols_only() -> None:
    changed = _scenes(1)
    text = plan_text(plan(changed, FakeMemory()), changed, lambda part, style: f"<{style}>{part}</>" if style else part)
    lines = text.splitlines()
    assert lines[-1] == "<bold>Plan: 2 to make; $1.92</>"
    assert [line for line in lines if "<" in line][:-1] == [line for line in lines if line.startswith("  <green>+</> ")]


def test_lines_are_broken_between_words_and_commands_stay_whole() -> None:
    text = "  one of the shots needs `storyboard build --remake the-shot` before it is made"
    assert fold(text, 46).splitlines() == [
        "  one of the shots needs",
        "      `storyboard build --remake the-shot`",
        "      before it is made",
    ]
    assert fold("    8 | " + "x " * 40, 20) == "    8 | " + "x " * 40
    assert fold("a" * 60 + " b", 20).splitlines() == ["a" * 60, "    b"]
    assert fold(text, None) == text


def test_columns_are_aligned_by_cells_and_empty_ones_left_out() -> None:
    assert columns([["ab", "", "$1"], ["川", "", "$10"]], right=(2,)) == ["ab   $1", "川  $10"]
