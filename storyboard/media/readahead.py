"""Reads ahead in a thread of its own: a decoder works while what it gave is conformed and encoded."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


@contextmanager
def read_ahead(items: Iterable[T], most: int) -> Iterator[Iterator[T]]:
    """*items*, of which up to *most* are taken before they are asked for.

    They are taken in another thread, which has ended when the block has. What they raise is raised where it would
    have been.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="read ahead")
    try:
        yield _taken(iter(items), most, thread)
    finally:
        thread.shutdown(cancel_futures=True)


def _taken(items: Iterator[T], most: int, thread: ThreadPoolExecutor) -> Iterator[T]:
    coming = deque(thread.submit(next, items, _END) for _ in range(most))
    while coming:
        item = coming.popleft().result()
        if item is _END:
            return
        coming.append(thread.submit(next, items, _END))
        yield item
