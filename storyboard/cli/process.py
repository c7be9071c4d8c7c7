"""The process of a command: its garbage collector, its quick exit, and the provider keys from its environment.

Imports only what an interpreter has loaded at its start, since the no-op check uses it.
"""

import gc
import os
import sys

TYPE_CHECKING = False  # importing typing takes longer than everything here
if TYPE_CHECKING:
    from typing import NoReturn


def exit_now(code: int) -> "NoReturn":
    """End the process with *code* at once, without flushing."""
    os._exit(code)


class QuickExit:
    """An exit without taking values apart, which takes time for a large film and has no effect otherwise."""

    def __init__(self) -> None:
        self.is_planned = False
        self._kept: list[object] = []

    def keep(self, *values: object) -> None:
        """Keep *values* until the exit, if one is planned."""
        if self.is_planned:
            self._kept.extend(values)

    def exit(self, code: int) -> "NoReturn":
        """Flush the standard streams and end the process with *code*."""
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except BrokenPipeError:
            code = code or 1
        os._exit(code)


QUICK_EXIT = QuickExit()


class GcPause:
    """Disable the garbage collector while a block builds large, long-lived structures.

    The collector would search them again and again and find nothing. It stays off if a quick exit is planned.
    """

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_enabled and not QUICK_EXIT.is_planned:
            gc.enable()


_SUFFIX = "_API_KEY"
_keys: dict[str, str] = {}


def take_keys() -> None:
    """Move every provider key out of the environment, so that no process started later inherits one."""
    _keys.clear()
    for name in [name for name in os.environ if name.endswith(_SUFFIX)]:
        _keys[name] = os.environ.pop(name).strip()


def key_in(variable: str) -> str:
    """Return the key that the environment had in *variable*; empty if it had none."""
    if variable not in _keys:  # a plug-in may use any variable name
        _keys[variable] = os.environ.pop(variable, "").strip()
    return _keys[variable]
