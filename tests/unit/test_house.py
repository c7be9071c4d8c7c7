"""The package stays easy to search: few modules, one name for one thing, a page that lists them, and plain words."""

from statistics import median

from tests import house, words


def test_modules_are_fewer_than_240() -> None:
    assert len(house.lengths()) < 240, house.report()


def test_modules_are_long_enough_to_hold_a_concept() -> None:
    assert house.too_short() == [], house.report()
    assert median(house.lengths().values()) > 120, house.report()


def test_a_class_name_is_unique() -> None:
    assert house.repeated_classes() == {}, house.report()


def test_a_module_name_means_one_thing() -> None:
    assert house.repeated_modules() == {}, house.report()


def test_the_page_of_modules_lists_each_with_its_first_line() -> None:
    assert house.PAGE.read_text(encoding="utf-8") == house.page(), "run `python -m tests.house --write`"


def test_names_texts_and_pages_use_plain_words() -> None:
    new = {name: places for name, places in words.found().items() if name not in words.left()}
    assert new == {}, "\n".join(f"{name}:{place}" for name, places in new.items() for place in places)
