"""What a lockfile alone says of a film whose shots are not all generated."""

from fractions import Fraction

from storyboard.core.graph import Graph
from storyboard.core.lockfile_plan import LockfileActionCache, outdated_entries
from storyboard.core.model import Clip, FileInput, Shot, TitleCard
from storyboard.core.planner import Planner
from tests.unit.films import film, shot, wishes

CARD = Shot("title", "one", TitleCard("The river", Fraction(2)))
OWN = Shot("own", "one", Clip(FileInput("own.mp4")))


def states(*shots: Shot) -> dict[str, str]:
    board = film(*shots)
    plan = Planner(Graph(board), LockfileActionCache([{}]), wishes(files={"own.mp4": "1" * 64})).plan()
    return {one.shot: one.state for one in outdated_entries(plan, board, {})}


def test_cards_and_footage_need_no_entry() -> None:
    assert states(CARD, OWN) == {}


def test_a_generated_shot_beside_them_does() -> None:
    assert states(CARD, OWN, shot("a")) == {"a": "not-locked"}
