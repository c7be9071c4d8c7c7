"""Stand-ins for missing shots, as values: what is drawn from what, and what a bought shot loses."""

from fractions import Fraction

from msgspec.structs import replace

from storyboard.core.fill import Fill, fill_of, filled
from storyboard.core.model import Clip, FileInput, FrameLink, Generated, Shot, Storyboard, TitleCard, Trim, UrlInput
from tests.unit.films import film, generated, shot

URL = "https://example.org/a.png"


def bought(name: str, **changes: object) -> Shot:
    return shot(name, provider="runware", **changes)


def source(board: Storyboard, name: str) -> Generated:
    found = board.shot(name).source
    assert isinstance(found, Generated)
    return found


def test_a_drawn_shot_keeps_its_links_and_a_bought_one_needs_none() -> None:
    board = film(bought("a"), bought("b", after="a"), bought("c", after="b", takes=(1, 2)))
    made = filled(board, fill_of(board, "animatic", {"b"}, ()), ())
    assert (source(made, "b").provider, source(made, "b").first_frame) == ("local", FrameLink("a"))
    assert (source(made, "c").provider, source(made, "c").first_frame, source(made, "c").takes) == ("runware", None, ())
    assert made.output.is_draft
    assert made.made_of == ("animatic", "generated")


def test_a_picture_that_was_not_downloaded_is_not_waited_for() -> None:
    board = film(bought("a", first_frame=UrlInput(URL)))
    fill = Fill({"a": "animatic"})
    assert source(filled(board, fill, ()), "a").first_frame is None
    assert source(filled(board, fill, (URL,)), "a").first_frame == UrlInput(URL)


def test_a_shot_that_starts_from_footage_without_a_take_is_drawn_without_it() -> None:
    own = Shot("own", "one", Clip(FileInput("own.mp4")))
    board = film(own, bought("b", after="own"))
    fill = fill_of(board, "animatic", {"own", "b"}, ())
    assert fill.missing == {"own": "slate", "b": "animatic"}
    made = filled(board, fill, ())
    assert source(made, "b").first_frame is None
    assert isinstance(made.shot("own").source, TitleCard)
    assert (made.shot("own").source.text, made.shot("own").source.subtitle) == ("own", "own.mp4")


def test_a_card_is_as_long_as_the_shot_in_the_film() -> None:
    trimmed = replace(bought("a"), trim=Trim(Fraction(1), Fraction(3)), speed=Fraction(2))
    made = filled(film(trimmed), Fill({"a": "slate"}), ()).shot("a")
    assert (made.source.duration, made.trim, made.speed) == (generated().duration, trimmed.trim, trimmed.speed)


def test_a_film_without_missing_shots_stays_the_final_one() -> None:
    board = film(bought("a"))
    assert not filled(board, Fill(), ()).output.is_draft
    assert filled(board, Fill(kept=frozenset(("a",))), ()).output.is_draft
    skipped = film(bought("a"), replace(bought("b"), skip=True))
    assert not filled(skipped, Fill({"b": "animatic"}), ()).output.is_draft
