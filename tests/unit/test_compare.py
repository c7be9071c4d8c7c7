"""Two versions of a film compared, and a shot through many versions."""

from fractions import Fraction

import pytest
from msgspec.structs import replace

from storyboard.core.compare import Comparison, Version, compare
from storyboard.core.model import Clip, FileInput, Shot, TitleCard, Track, Transition, Trim
from storyboard.core.shot_history import Node, shot_versions
from tests.unit.films import film, generated, shot


def compared(old: list[Shot], new: list[Shot], **titles: str) -> Comparison:
    return compare(Version(film(*old), {}), Version(film(*new, title=titles.get("title")), {}))


def test_equal_films_are_the_same() -> None:
    assert compared([shot("a"), shot("b", after="a")], [shot("a"), shot("b", after="a")]).same()


@pytest.mark.parametrize(
    ("order", "moved"), [("abcd", ""), ("bcda", "a"), ("dabc", "d"), ("acbd", "b"), ("dcba", "dcb")]
)
def test_the_fewest_shots_that_explain_a_new_order_have_moved(order: str, moved: str) -> None:
    found = compared([shot(name) for name in "abcd"], [shot(name) for name in order])
    assert len(found.moved) == len(moved)
    if len(moved) == 1 and order != "acbd":
        assert found.moved == (moved,)


def test_a_shot_in_another_scene_has_moved_but_not_if_the_scene_was_renamed() -> None:
    before = [shot("a"), shot("b", scene="two"), shot("c", scene="two")]
    assert compared(before, [shot("a"), shot("b"), shot("c", scene="two")]).moved == ("b",)
    assert compared(before, [shot("a"), shot("b", scene="three"), shot("c", scene="three")]).moved == ()


def test_a_rename_needs_the_very_same_request() -> None:
    assert compared([shot("a")], [shot("x", prompt="prompt of a")]).renamed == (("a", "x"),)
    found = compared([shot("a")], [shot("x")])
    assert (found.renamed, found.added, found.removed) == ((), ("x",), ("a",))


def test_a_rename_and_a_cut_change_at_once_are_both_told() -> None:
    new = Shot("x", "one", generated("prompt of a"), trim=Trim(end=Fraction(2)))
    found = compared([shot("a")], [new])
    assert found.renamed == (("a", "x"),)
    assert [change.field for change in found.changed[0].changes] == ["trim.end"]
    assert (found.retimed[0].old, found.retimed[0].new) == (8, 2)


def test_the_title_of_the_film_is_told_beside_the_shots() -> None:
    assert [change.field for change in compared([shot("a")], [shot("a")], title="River").film] == ["title"]


def test_a_picture_that_moved_is_told_and_one_with_another_content_too() -> None:
    def version(path: str, digest: str) -> Version:
        return Version(film(shot("a", first_frame=FileInput(path))), {path: digest})

    same, moved, other = version("x.png", "1" * 64), version("y.png", "1" * 64), version("x.png", "2" * 64)
    assert [change.field for change in compare(same, moved).changed[0].changes] == ["first_frame"]
    assert [change.field for change in compare(same, other).changed[0].changes] == ["first_frame content"]


def test_a_dissolve_shortens_the_film_by_the_frames_that_two_shots_share() -> None:
    dissolved = Shot("b", "one", generated(), transition=Transition("dissolve", Fraction(2)))
    found = compared([shot("a"), Shot("b", "one", generated())], [shot("a"), dissolved])
    assert found.seconds == (16, 14)
    assert [change.field for change in found.changed[0].changes] == ["transition.type", "transition.duration"]


def test_the_words_of_a_card_and_settings_of_the_film_are_told() -> None:
    old, new = (film(Shot("a", "one", TitleCard(text, Fraction(2)))) for text in ("Then", "Now"))
    new = replace(new, output=replace(new.output, crf=20))
    found = compare(Version(old, {}), Version(new, {}))
    assert [change.field for change in found.changed[0].changes] == ["text"]
    assert [(change.field, change.old, change.new) for change in found.film] == [("output.crf", None, 20)]


def test_a_track_and_a_font_with_other_content_are_told_and_one_that_moved_only_by_its_name() -> None:
    def version(sound: str, digest: str, font: str = "f") -> Version:
        board = film(shot("a"))
        output = replace(board.output, font=FileInput("own.ttf"))
        heard = (Track(FileInput("river.wav")), Track(FileInput(sound), gain=Fraction(-6)))
        files = {"river.wav": "1" * 64, sound: digest * 64, "own.ttf": font * 64}
        return Version(replace(board, output=output, audio=heard), files)

    def fields(old: Version, new: Version) -> list[str]:
        return [change.field for change in compare(old, new).film]

    old = version("music.wav", "2")
    assert compare(old, old).same()
    assert fields(old, version("music.wav", "3")) == ["audio.2.file content"]
    assert fields(old, version("score.wav", "2")) == ["audio.2.file"]
    assert fields(old, version("music.wav", "2", "e")) == ["output.font content"]


def test_a_clip_with_other_content_is_told_and_one_whose_length_is_unknown_counts_as_far_as_it_is_used() -> None:
    own = film(Shot("a", "one", Clip(FileInput("own.mp4")), trim=Trim(end=Fraction(2))))
    found = compare(Version(own, {"own.mp4": "1" * 64}), Version(own, {"own.mp4": "2" * 64}))
    assert [change.field for change in found.changed[0].changes] == ["file content"]
    assert found.seconds == (2, 2)


def version(prompt: str, name: str = "a") -> Version:
    return Version(film(shot(name, prompt=prompt)), {})


def test_a_change_on_one_of_two_merged_branches_is_told_where_it_was_made() -> None:
    versions = {"merge": version("noon"), "left": version("noon"), "right": version("night"), "base": version("night")}
    nodes = [
        Node("merge", ("left", "right")),
        Node("left", ("base",)),
        Node("right", ("base",)),
        Node("base", ()),
    ]
    assert [moment.id for moment in shot_versions(nodes, versions.get, "a")] == ["left", "base"]


def test_both_sides_of_a_merge_changed_the_shot_and_the_merge_chose_a_third() -> None:
    versions = {"merge": version("dusk"), "left": version("noon"), "right": version("dawn"), "base": version("night")}
    nodes = [
        Node("merge", ("left", "right")),
        Node("left", ("base",)),
        Node("right", ("base",)),
        Node("base", ()),
    ]
    assert [moment.id for moment in shot_versions(nodes, versions.get, "a")] == ["merge", "left", "right", "base"]


def test_a_shot_that_was_taken_out_and_put_back_came_anew() -> None:
    versions = {"3": version("night"), "2": version("other", "z"), "1": version("night")}
    nodes = [Node("3", ("2",)), Node("2", ("1",)), Node("1", ())]
    assert [(moment.id, moment.was) for moment in shot_versions(nodes, versions.get, "a")] == [("3", "")]


def test_versions_that_cannot_be_read_are_stepped_over() -> None:
    versions = {"3": version("noon"), "1": version("night")}
    nodes = [Node("3", ("2",)), Node("2", ("1",)), Node("1", ())]
    found = list(shot_versions(nodes, versions.get, "a"))
    assert [(moment.id, moment.was) for moment in found] == [("3", "a"), ("1", "")]
    assert [(change.old, change.new) for change in found[0].changes] == [("night", "noon")]
