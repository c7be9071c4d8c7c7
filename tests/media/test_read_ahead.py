"""Reading ahead: all items in order, and no thread left behind."""

import threading
from collections.abc import Iterator

import pytest

from storyboard.media.render.render import read_ahead


def test_everything_comes_in_order() -> None:
    with read_ahead(range(100), 3) as items:
        assert list(items) == list(range(100))


def test_so_many_are_taken_before_they_are_asked_for() -> None:
    taken: list[int] = []
    third = threading.Event()

    def counted() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            if number == 2:
                third.set()
            yield number

    with read_ahead(counted(), 2) as items:
        assert next(items) == 0
        assert third.wait(10)
    assert taken == [0, 1, 2]  # the one that is here, and two more


def test_what_is_raised_comes_in_its_place() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise LookupError("the second")

    with read_ahead(broken(), 5) as items:
        assert next(items) == 1
        with pytest.raises(LookupError, match="the second"):
            next(items)


def test_the_thread_ends_with_the_block() -> None:
    before = threading.active_count()
    with read_ahead(iter(int, 1), 2) as items:
        next(items)
    with pytest.raises(ValueError, match="enough"), read_ahead(iter(int, 1), 2):
        raise ValueError("enough")
    assert threading.active_count() == before
