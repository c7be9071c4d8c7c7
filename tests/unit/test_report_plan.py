"""The plan as a table: a long film is told by what happens to it."""

from storyboard.report.plan import plan_text
from tests.unit.films import FakeMemory, build, film, plan, shot


def table(edited: int, *, verbose: bool = False) -> list[str]:
    """The lines of shots in the plan of a hundred shots of which one was edited."""
    memory = FakeMemory()
    shots = [shot(f"s{number:02}") for number in range(100)]
    build(film(*shots), memory)
    shots[edited] = shot(f"s{edited:02}", prompt="another")
    changed = film(*shots)
    text = plan_text(plan(changed, memory), changed, verbose=verbose)
    return [line for line in text.splitlines() if line.startswith(("  reuse   s", "  make    s"))]


def test_a_long_row_of_unchanged_shots_is_one_line_and_a_short_one_is_not() -> None:
    lines = table(60)
    assert lines[0] == "  reuse   s00 to s59: 60 shots, unchanged"
    assert lines[1].startswith("  make    s60  changed: prompt")
    assert lines[2:] == [f"  reuse   s{number}  unchanged" for number in range(61, 100)]


def test_every_shot_is_told_when_more_is_asked_for() -> None:
    assert len(table(60, verbose=True)) == 100
