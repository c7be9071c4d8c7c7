"""Output of the command line: results to stdout, progress and findings to stderr, or one JSON envelope on stdout.

Decides colour (``NO_COLOR``, ``FORCE_COLOR``, ``TERM=dumb``, pipes), the exit codes, and the commands proposed after an
error.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TextIO

import click

from storyboard.cli.process import CleanStream, FirstSign, has_unicode

if TYPE_CHECKING:
    from rich.console import Console


# Commands proposed after an error of which the verb proposes none.
_COMMANDS_BY_CODE = {
    "auth": ["storyboard build --draft", "storyboard doctor"],
    "blocked": ["storyboard status"],
    "codec": ["storyboard doctor"],
    "doubtful-cost": ["storyboard cost", "storyboard plan"],
    "git": ["git init"],
    "held": ["storyboard status"],
    "no-balance": ["storyboard build --draft"],
    "not-made": ["storyboard plan", "storyboard build"],
    "offline": ["storyboard plan", "storyboard build --draft"],
    "over-budget": ["storyboard plan"],
    "revision": ["git log --oneline"],
    "unpriced": ["storyboard plan"],
    "unconfirmed": ["storyboard plan", "storyboard build --yes --max-cost DOLLARS", "storyboard build --draft"],
    "unsure": ["storyboard build"],
    "usage": ["storyboard --help"],
}
# Options that do not change what is done.
_FLAGS = frozenset({"--json", "-q", "--quiet", "-v", "--verbose", "-y", "--yes"})
_NUMBERS = frozenset({"--max-cost", "-j", "--jobs"})
# Verbs whose last argument is a storyboard.
_ABOUT_ONE = frozenset(
    (
        "accept",
        "build",
        "cache",
        "check",
        "cost",
        "diff",
        "drop",
        "graph",
        "hold",
        "log",
        "ls",
        "pick",
        "plan",
        "release",
        "status",
        "take",
        "takes",
        "view",
        "why",
    )
)


def commands_for(codes: Iterable[str]) -> list[str]:
    """Return commands that help after errors of these codes."""
    return list(dict.fromkeys(command for code in codes for command in _COMMANDS_BY_CODE.get(code, ())))


def is_same_command(command: str, words: Sequence[str]) -> bool:
    """Return whether *command* adds nothing to the command line of *words* and does what it did.

    The storyboard that *words* name makes no difference.
    """
    proposed = set(command.split()[1:])
    decisive = {word for word in words if word.startswith("-")} - _FLAGS - _NUMBERS
    decisive = {word for word in decisive if word.partition("=")[0] not in _NUMBERS}
    return command.startswith("storyboard ") and decisive <= proposed <= set(words)


def with_storyboard(commands: Sequence[str], storyboard: str) -> list[str]:
    """Return *commands* for that storyboard; empty is the one in this folder."""
    if not storyboard:
        return list(commands)
    import shlex

    return [f"{command} {shlex.quote(storyboard)}" if _takes_one(command) else command for command in commands]


def _takes_one(command: str) -> bool:
    words = command.split()
    return words[0] == "storyboard" and len(words) > 1 and words[1] in _ABOUT_ONE


class Exit(IntEnum):
    """Exit codes."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    STORYBOARD = 3
    BUDGET = 4
    KEY = 5
    POLICY = 6
    LOCKED = 7
    DECISION = 8
    DECLINED = 9
    INTERRUPTED = 130


# Exit codes of a build by the code of a failed shot; the first that occurs decides.
EXIT_BY_CODE = {
    "auth": Exit.KEY,
    "no-balance": Exit.BUDGET,
    "over-budget": Exit.BUDGET,
    "moderated": Exit.POLICY,
}


class ExitWith(Exception):
    """End with this exit code; output has already been written."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


SCHEMA_VERSION = 1


def envelope(
    command: str,
    *,
    ok: bool,
    data: Any,
    warnings: Sequence[Any] = (),
    errors: Sequence[Any] = (),
    next_commands: Sequence[str] = (),
) -> str:
    """Return the JSON of ``--json``, of one shape for every verb. *next_commands* are the commands proposed next."""
    import msgspec

    from storyboard.report.text import escape_json

    content = {
        "schema_version": SCHEMA_VERSION,
        "ok": ok,
        "command": command,
        "data": data,
        "warnings": list(warnings),
        "errors": list(errors),
        "next": list(next_commands),
    }
    try:
        text = msgspec.json.encode(content)
    except UnicodeEncodeError:  # a file or folder whose name is not UTF-8
        text = msgspec.json.encode(_readable_data(msgspec.to_builtins(content)))
    shown = msgspec.json.format(text, indent=2).decode()
    return escape_json(shown, plain=not has_unicode(sys.stdout))


def _readable_data(value: Any) -> Any:
    """Return *value* with U+FFFD for every byte of a file name that is not UTF-8."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, dict):
        return {readable(name): _readable_data(item) for name, item in value.items()}
    return [_readable_data(item) for item in value] if isinstance(value, list) else value


def readable(name: str) -> str:
    """Return the name of a file as text, with U+FFFD for every byte that is not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def problem(code: str, message: str, help: str | None = None) -> dict[str, Any]:  # noqa: A002
    """Return an error or a warning without a place, as the envelope holds it."""
    return {"code": code, "message": message, "place": None, "help": help}


def is_colored(stream: TextIO) -> bool:
    """Return whether *stream* gets colour."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str) -> str:
    """Return *text* in *style*, such as ``green``, ``bold`` or ``bold green``, if stdout gets colour."""
    return _styled(text, style) if is_colored(sys.stdout) else text


def paint_note(text: str, style: str) -> str:
    """Return *text* in *style* if stderr gets colour."""
    return _styled(text, style) if is_colored(sys.stderr) else text


def _styled(text: str, style: str) -> str:
    words = style.split()
    colors = [word for word in words if word != "bold"]
    return click.style(text, fg=colors[0] if colors else None, bold="bold" in words or None) if words else text


def terminal_width(stream: TextIO) -> int | None:
    """Return the width of the terminal behind *stream* in cells; ``None`` without a terminal: lines are not broken."""
    if not stream.isatty():
        return None
    columns = os.environ.get("COLUMNS", "")
    try:
        return int(columns) if columns.isdecimal() and int(columns) else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return None


def print_result(text: str) -> None:
    """Write a result to stdout."""
    print(text, flush=True)  # noqa: T201


def print_file(text: str) -> None:
    """Write the text of a file to stdout in UTF-8, line ends as they are. It has to be clean."""
    stream = sys.stdout.inner if isinstance(sys.stdout, CleanStream) else sys.stdout
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        stream.write(text)
        return
    stream.flush()
    buffer.write(text.encode())
    buffer.flush()


def print_note(text: str) -> None:
    """Write a message to stderr, with lines broken between words to fit into a terminal."""
    print(_folded(text, sys.stderr), file=sys.stderr, flush=True)  # noqa: T201


def _folded(text: str, stream: TextIO) -> str:
    width = terminal_width(stream)
    if width is None:
        return text
    from storyboard.report.text import fold

    return fold(text, width)


def stderr_console() -> "Console":
    """Return a rich console on stderr with the colour rules of this module.

    It writes to the terminal itself, since it moves the cursor: what is printed on it has to be clean.
    """
    from rich.console import Console

    plain = not is_colored(sys.stderr)
    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    FirstSign.clear()
    terminal = sys.stderr.inner if isinstance(sys.stderr, CleanStream) else sys.stderr
    return Console(file=terminal, no_color=plain, force_terminal=live, highlight=False)


class CommandOutput:
    """Output of one verb: text, or one envelope.

    ``has_envelope`` says for the process that an envelope was printed: an error after it goes to stderr only.

    ``storyboard`` is the argument for the commands of ``next``, as typed; empty for the storyboard in this folder.
    """

    has_envelope: ClassVar[bool] = False

    def __init__(self, command: str, *, as_json: bool, quiet: bool = False) -> None:
        self.command = command
        self.as_json = as_json
        self.quiet = quiet
        self.storyboard = ""
        self.warnings: list[dict[str, Any]] = []

    def result(self, text: str, data: Any, *, next_commands: Sequence[str] = ()) -> None:
        """Write the result of the verb."""
        if self.as_json:
            more = with_storyboard(next_commands, self.storyboard)
            self._print_envelope(envelope(self.command, ok=True, data=data, warnings=self.warnings, next_commands=more))
        elif text:
            print_result(_folded(text, sys.stdout))

    @property
    def has_progress(self) -> bool:
        """True if progress is shown on stderr."""
        return not self.as_json and not self.quiet

    def warn(self, code: str, message: str, hint: str | None = None) -> None:
        """Add a warning to the envelope; as text print it at once, also when quiet."""
        from storyboard.report.diagnostics import error_text

        self.warnings.append(problem(code, message, hint))
        if not self.as_json:
            print_note(error_text(message, code, label="warning", help=hint, color=is_colored(sys.stderr)))

    @staticmethod
    def _print_envelope(text: str) -> None:
        CommandOutput.has_envelope = True
        print_result(text)

    def progress(self, text: str) -> None:
        """Write progress, unless quiet or JSON."""
        if self.has_progress:
            print_note(text)

    def fail(
        self,
        code: int,
        errors: Sequence[dict[str, Any]],
        *,
        text: str | None = None,
        data: Any = None,
        next_commands: Sequence[str] = (),
    ) -> NoReturn:
        """End the verb with an error. No proposed command is the one that has failed."""
        if self.as_json:
            context = click.get_current_context(silent=True)
            words = (context.find_object(tuple) if context is not None else None) or ()
            found = next_commands or commands_for(error["code"] for error in errors)
            more = with_storyboard([one for one in found if not is_same_command(one, words)], self.storyboard)
            lines = envelope(
                self.command, ok=False, data=data, warnings=self.warnings, errors=errors, next_commands=more
            )
            self._print_envelope(lines)
        else:
            print_note(text if text is not None else "\n".join(map(_error_text, errors)))
        raise ExitWith(code)


def _error_text(error: dict[str, Any]) -> str:
    from storyboard.report.diagnostics import error_text

    return error_text(error["message"], error["code"], help=error["help"], color=is_colored(sys.stderr))
