"""Task runners for tests: builds without worker processes."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from storyboard.media.reader import capture_errors


class InlineRunner:
    """A ``TaskRunner`` that runs at most *count* tasks at once, in threads of this process."""

    def __init__(self, count: int, *, warm: bool = False) -> None:
        self._free = asyncio.Semaphore(count)

    async def run(
        self, label: str, function: Callable[..., Any], *arguments: Any, on_start: Callable[[], None] | None = None
    ) -> Any:
        async with self._free:
            if on_start is not None:
                on_start()
            return await asyncio.to_thread(_captured, function, *arguments)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        return {}

    def close(self) -> None:
        pass


def _captured(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run *function* while FFmpeg's log level stays set: PyAV resets it for all threads, even within a message."""
    with capture_errors():
        return function(*arguments)
