"""Hands what actions leave to the store: whatever has come while the disk was busy goes together, at once.

Nobody waits for others to come: with nothing under way, a single deposit begins as soon as it is there. What was handed
in is kept even if the step that made it is cancelled meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from storyboard.store.group import Deposit, Kept
from storyboard.store.records import Record

# Deposits that go together at most; each has two files open.
_MOST = 64
# Bytes. What is larger takes long to read and to sync: it goes beside the others, and none of them waits for it.
_LARGE = 1 << 20

_Waiting = tuple[Deposit, asyncio.Future[Record]]


class Keeper:
    """Keeps deposits by *keep*, and makes those that take a while in *threads*. For one event loop."""

    def __init__(
        self, keep: Callable[[Sequence[Deposit]], Sequence[Kept | OSError]], threads: ThreadPoolExecutor
    ) -> None:
        self._keep = keep
        self._threads = threads
        self._own = ThreadPoolExecutor(1, thread_name_prefix="keep")
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._under_way = 0
        self._idle: asyncio.Future[None] | None = None

    async def keep(self, deposit: Deposit) -> Record:
        """Returns the record once it survives a power cut, and its blob too. Raises ``OSError``."""
        return await asyncio.shield(self._hand_in(deposit, self._begun()))

    async def keep_made(self, make: Callable[[], Deposit]) -> Record:
        """The same for a deposit that *make* puts together in a thread. Raises what that raises too."""
        kept = self._begun()
        making = asyncio.get_running_loop().run_in_executor(self._threads, make)
        making.add_done_callback(partial(self._made, kept))
        return await asyncio.shield(kept)

    async def close(self) -> None:
        """Wait for everything that was handed in."""
        while self._under_way:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle
        self._own.shutdown(wait=True)

    def _begun(self) -> asyncio.Future[Record]:
        self._under_way += 1
        kept: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        kept.add_done_callback(self._ended)
        return kept

    def _ended(self, kept: asyncio.Future[Record]) -> None:
        kept.exception()  # nobody may be there any more to hear of it
        self._under_way -= 1
        if not self._under_way and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _made(self, kept: asyncio.Future[Record], making: asyncio.Future[Deposit]) -> None:
        problem = making.exception()
        if problem is not None:
            kept.set_exception(problem)
        else:
            self._hand_in(making.result(), kept)

    def _hand_in(self, deposit: Deposit, kept: asyncio.Future[Record]) -> asyncio.Future[Record]:
        if _is_large(deposit.content):
            self._run(self._threads, [(deposit, kept)])
        else:
            self._waiting.append((deposit, kept))
            if len(self._waiting) == 1:
                asyncio.get_running_loop().call_soon(self._next)
        return kept

    def _next(self) -> None:
        if not self._busy and self._waiting:
            self._busy = True
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            self._run(self._own, batch).add_done_callback(self._go_on)

    def _go_on(self, _: object) -> None:
        self._busy = False
        self._next()

    def _run(self, threads: ThreadPoolExecutor, batch: Sequence[_Waiting]) -> asyncio.Future[Sequence[Kept | OSError]]:
        deposits = [deposit for deposit, _ in batch]
        done = asyncio.get_running_loop().run_in_executor(threads, self._keep, deposits)
        done.add_done_callback(partial(_tell, batch))
        return done


def _tell(batch: Sequence[_Waiting], done: asyncio.Future[Sequence[Kept | OSError]]) -> None:
    problem = done.exception()
    ends = done.result() if problem is None else [problem] * len(batch)
    for (_, kept), end in zip(batch, ends, strict=True):
        if isinstance(end, Kept):
            kept.set_result(end.record)
        else:
            kept.set_exception(end)


def _is_large(content: bytes | Path | None) -> bool:
    if isinstance(content, Path):
        try:
            return content.stat().st_size > _LARGE
        except OSError:  # whoever reads it tells
            return False
    return content is not None and len(content) > _LARGE
