"""Programs that are broken on purpose, each in one way, to see that the campaign notices it."""

import os
import random
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any


def no_journal() -> None:
    """Buy without writing the job down first."""
    from storyboard.store.journal import Journal

    Journal.open = lambda self, job: job  # type: ignore[method-assign]
    Journal.advance = lambda self, task_id, state: None  # type: ignore[method-assign, assignment, return-value]


def in_place() -> None:
    """Write files where they lie, without a rename."""
    from storyboard import durable

    def write(path: Path, data: bytes, mode: int = 0o644) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        os.write(descriptor, data[: len(data) // 2])
        os.write(descriptor, data[len(data) // 2 :])
        os.close(descriptor)

    _everywhere(durable.write_atomic, write)


def other_ids() -> None:
    """Draw an id for each submission, in place of the one that follows from the request."""
    from storyboard.providers.runware.wire import Runware

    drawn = random.SystemRandom()
    Runware.task_id = lambda *_: str(uuid.UUID(int=drawn.getrandbits(128), version=4))  # type: ignore[method-assign]


def shows_key() -> None:
    """Print the key."""
    from storyboard.cli import main

    real = main.run

    def run(arguments: Any = None) -> int:
        key = os.environ.get("RUNWARE_API_KEY")
        sys.stderr.write(f"{key}\n")
        return real(arguments)

    main.run = run


def forgets_costs() -> None:
    """Leave what jobs cost out of the ledger."""
    from storyboard.store.ledger import Ledger

    real = Ledger.append

    def append(self: Ledger, entry: Any, *more: Any, **named: Any) -> None:
        if entry.event != "settled":
            real(self, entry, *more, **named)

    Ledger.append = append  # type: ignore[method-assign, assignment]


def writes_outside() -> None:
    """Leave a note in the home of the user."""
    from storyboard.cli import main

    real = main.run

    def run(arguments: Any = None) -> int:
        Path("~/.storyboard-note").expanduser().write_text("here")
        return real(arguments)

    main.run = run


def _everywhere(old: Any, new: Any) -> None:
    """Replace a function in every module that has imported it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("storyboard"):
            for attribute, value in list(vars(module).items()):
                if value is old:
                    setattr(module, attribute, new)


BROKEN: dict[str, Callable[[], None]] = {
    "no-journal": no_journal,
    "in-place": in_place,
    "other-ids": other_ids,
    "shows-key": shows_key,
    "forgets-costs": forgets_costs,
    "writes-outside": writes_outside,
}
