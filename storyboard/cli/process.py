"""The process of a command: its text encoding and output streams, its garbage collector, its quick exit, and its keys.

Imports only what an interpreter has loaded at its start, since the no-op check uses it.
"""

import gc
import os
import sys

TYPE_CHECKING = False  # importing typing takes longer than everything here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn, TextIO


def exit_now(code: int) -> "NoReturn":
    """End the process with *code* at once, without flushing."""
    os._exit(code)


def restart_in_utf8() -> None:
    """Replace the process by one in UTF-8 mode (PEP 540), if the locale has another encoding for file names and text.

    Storyboards are UTF-8 and name files, so names mean the same in every locale. A terminal of another encoding keeps
    it for what is printed. To be called before anything else, with the command line of the interpreter unchanged.
    """
    if sys.flags.utf8_mode or sys.getfilesystemencoding() == "utf-8" or not sys.executable:
        return
    encoding = getattr(sys.stdout, "encoding", "ascii")
    if encoding not in ("ascii", "utf-8"):
        os.environ.setdefault("PYTHONIOENCODING", encoding)
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - the same program again


def has_unicode(stream: "Any") -> bool:
    """Return whether *stream* can write every character."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8")


# Verbs that load large modules or read a whole film before they print.
_SLOW_VERBS = frozenset(("build", "plan", "status", "take", "watch"))
_SILENT_WORDS = frozenset(("--help", "-h", "--json", "-q", "--quiet"))


class FirstSign:
    """A line on the terminal while modules load. It goes away before anything else is printed."""

    text = "reading the storyboard ..."
    _terminal: "TextIO | None" = None

    @classmethod
    def show(cls, words: "Sequence[str]") -> None:
        """Show the line if stderr is a terminal on which a line can be replaced, and the verb may take a while."""
        is_slow = bool(words) and words[0] in _SLOW_VERBS and not _SILENT_WORDS.intersection(words)
        is_silent = any(os.environ.get(f"STORYBOARD_{name}") for name in ("JSON", "QUIET"))
        if is_slow and not is_silent and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            cls._terminal = sys.stderr.inner if isinstance(sys.stderr, CleanStream) else sys.stderr
            cls._terminal.write(cls.text)
            cls._terminal.flush()

    @classmethod
    def clear(cls) -> None:
        """Remove the line if it is shown. Blanks do it: they need no escape sequence."""
        if cls._terminal is not None:
            terminal, cls._terminal = cls._terminal, None
            terminal.write(f"\r{' ' * len(cls.text)}\r")
            terminal.flush()


class CleanStream:
    """A standard stream to which no character is written that controls a terminal, but for line breaks and own colours.

    It is the last defence: ``report.text.clean`` puts foreign text on one line before. What the encoding of the stream
    lacks is written as ``?``. Everything else is passed on to ``inner``.
    """

    def __init__(self, inner: "TextIO") -> None:
        self.inner = inner
        if not has_unicode(inner) and hasattr(inner, "reconfigure"):
            inner.reconfigure(errors="replace")

    def write(self, text: str) -> int:
        """Write *text* and return its length."""
        FirstSign.clear()
        if not text.replace("\n", "").isprintable():
            from storyboard.report.text import without_controls

            text = without_controls(text)
        return self.inner.write(text)

    def __getattr__(self, name: str) -> "Any":
        return getattr(self.inner, name)


class CleanStreams:
    """Makes stdout and stderr of the process ``CleanStream``s in a ``with`` block, unless they are."""

    def __enter__(self) -> None:
        self._before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = map(_clean_stream, self._before)

    def __exit__(self, *_: object) -> None:
        FirstSign.clear()
        sys.stdout, sys.stderr = self._before


def _clean_stream(stream: "Any") -> "Any":
    return stream if stream is None or isinstance(stream, CleanStream) else CleanStream(stream)


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
