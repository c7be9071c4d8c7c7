"""The command ``storyboard``: imports a verb when it is called, and turns every exception into an exit code."""

import importlib
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from storyboard import __version__
from storyboard.cli.output import CommandOutput, Exit, ExitWith, envelope, is_colored, print_note, print_result
from storyboard.cli.process import CleanStreams, take_keys

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Verbs in the order of the help text, each the ``command`` of a module of ``cli.commands``.
VERBS = {
    "init": "write a small storyboard that builds",
    "check": "report errors and warnings, offline",
    "plan": "show what a build would make, why, and its cost",
    "build": "make changed shots, then the film",
    "watch": "rebuild what is free on every save",
    "status": "show which takes exist and which are stale",
    "ls": "list the shots of the film as a table",
    "view": "open the film or a take in a player",
    "takes": "list every take of a shot",
    "take": "make alternate takes of a shot, with new seeds",
    "pick": "choose the take that goes into the cut",
    "drop": "take seeds of a shot out of the storyboard",
    "hold": "keep the take of a shot when its request changes",
    "release": "end the hold on a shot",
    "accept": "accept the take of a shot for its changed request",
    "why": "explain why a shot is made, or what its take was made from",
    "diff": "compare two versions of the film, shot by shot",
    "log": "show the versions of a shot in git, each with its take",
    "cache": "list, verify and clean the cache",
    "cost": "sum the costs of the project",
    "graph": "show the dependency graph",
    "schema": "print the JSON Schema of the language",
    "models": "show the limits and prices of models",
    "doctor": "check the installation, keys, disk and cache",
    "completion": "print a completion script for a shell",
}

# Verbs in the module of another verb, where they have their own name.
_SHARED_MODULES = {"release": "hold"}

# The page that explains the codes of findings and errors. It ships with the package; only --explain reads it.
PAGE = "docs/findings.md"
_ENTRY = re.compile(r"^### `([^`]+)`\n\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"```text\n(.*?)\n```", re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


class _Verbs(click.Group):
    """Group of the verbs; imports a verb's module when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        shared = _SHARED_MODULES.get(cmd_name)
        module = importlib.import_module(f"storyboard.cli.commands.{shared or cmd_name}")
        command: click.Command = getattr(module, cmd_name if shared else "command")
        for option in command.params:
            if isinstance(option, click.Option):
                option.show_envvar = bool(option.envvar)  # its help names the variable
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*options, *(CompletionItem(verb, help=about) for verb, about in VERBS.items())]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def _explain(ctx: click.Context, _option: click.Parameter, code: str | None) -> None:
    if code is None or ctx.resilient_parsing:
        return
    print_result(explain(code))
    ctx.exit()


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: storyboard build examples/mangrove --draft",
)
@click.version_option(__version__, message="storyboard %(version)s")
@click.option(
    "--explain",
    metavar="CODE",
    is_eager=True,
    expose_value=False,
    callback=_explain,
    shell_complete=lambda _ctx, _option, _typed: list(entries()),
    help="Explain the code of a finding or an error, and exit.",
)
def cli() -> None:
    """A build tool for films made of generated shots."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; nothing is raised."""
    with CleanStreams():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    if "_STORYBOARD_COMPLETE" in os.environ:
        from storyboard.cli.commands.completion import answer

        return answer()
    words = list(sys.argv[1:] if arguments is None else arguments)
    CommandOutput.has_envelope = False
    take_keys()
    # Nothing here multiplies large matrices, and each thread of NumPy's library takes 30 MB that a limit counts.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        result = cli.main(words, prog_name="storyboard", standalone_mode=False, obj=tuple(words))
    except ExitWith as leave:
        return leave.code
    except click.UsageError as problem:
        return _usage(problem, words)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _fail(words, Exit.INTERRUPTED, "interrupted", "interrupted")
    except BrokenPipeError:
        _close_stdout()
        return Exit.FAILED
    except OSError as problem:
        from storyboard.operating_system import shortage

        where = f"{problem.filename}: " if problem.filename else ""
        return _fail(words, Exit.FAILED, "system", f"{where}{shortage(problem) or problem.strerror or problem}")
    except Exception as problem:  # noqa: BLE001 - the last handler
        from storyboard.operating_system import shortage

        refused = _state_refused(words, problem)
        if refused is not None:
            return refused
        lacking = shortage(problem)
        if lacking is not None:
            return _fail(words, Exit.FAILED, "system", lacking)
        code = _fail(words, Exit.FAILED, "bug", f"this is a bug: {type(problem).__name__}: {problem}")
        import traceback

        traceback.print_exc(limit=-8)
        return code
    return result if isinstance(result, int) else Exit.DONE


def _state_refused(words: Sequence[str], problem: Exception) -> int | None:
    """Report why the state of the project is not used and return the exit code; ``None`` for other problems."""
    from storyboard.cli.settings import state_error
    from storyboard.store.state import StateRefused

    if not isinstance(problem, StateRefused):
        return None
    try:
        CommandOutput(_verb(words), as_json=_wants_json(words)).fail(Exit.FAILED, [state_error(problem)])
    except ExitWith as leave:
        return leave.code


def _fail(words: Sequence[str], ending: Exit, code: str, message: str) -> int:
    """Write an error to stderr, and as an envelope where JSON is asked for; return *ending*."""
    from storyboard.report.diagnostics import error_text

    if _wants_json(words) and not CommandOutput.has_envelope:
        with suppress(OSError):  # the disk that stdout goes to may be what is full
            print(envelope(_verb(words), ok=False, data=None, errors=[_error(code, message)]), flush=True)  # noqa: T201
    print(error_text(message, label="storyboard"), file=sys.stderr)  # noqa: T201
    return ending


def _usage(problem: click.UsageError, words: Sequence[str]) -> int:
    from storyboard.cli.usage import explained
    from storyboard.report.diagnostics import error_text

    found = explained(problem, words)
    if _wants_json(words):
        verb = _verb(words)
        error = {**_error("usage", found.message), "help": found.hint or None}
        next_commands = [found.command or (f"storyboard {verb} --help" if verb else "storyboard --help")]
        print_result(envelope(verb, ok=False, data=None, errors=[error], next_commands=next_commands))
    if isinstance(problem, click.exceptions.NoArgsIsHelpError):
        problem.show()
    else:
        text = error_text(found.message, help=found.hint or None, color=is_colored(sys.stderr))
        print_note(text)
    return Exit.USAGE


def _error(code: str, message: str) -> dict[str, object]:
    return {"code": code, "message": message, "place": None, "help": None}


def _wants_json(words: Sequence[str]) -> bool:
    return "--json" in words or os.environ.get("STORYBOARD_JSON", "0").lower() not in ("", "0", "false", "no", "off")


def _verb(words: Sequence[str]) -> str:
    """Return the name of the verb in envelopes, with the second word of a group."""
    verb = words[0] if words and words[0] in VERBS else ""
    command = cli.get_command(click.Context(cli), verb) if verb else None
    if isinstance(command, click.Group) and len(words) > 1 and words[1] in command.commands:
        return f"{verb} {words[1]}"
    return verb


def _close_stdout() -> None:
    """Point stdout at the null device after a broken pipe, or the interpreter would complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(code: str) -> str:
    """Return the entry of *code*, which may also be written ``error[code]``. Raises ``click.UsageError``."""
    from storyboard.core.suggest import closest, with_suggestion

    name = code.strip().removesuffix("]").rpartition("[")[2]
    found = entries()
    if name not in found:
        near, message = closest(name, found), f"no finding or error has the code {name!r}."
        raise click.UsageError(with_suggestion(message, near) if near else f"{message} See {PAGE}.")
    return f"{name}\n\n{_plain(found[name].strip())}\n\n{PAGE}#{name}"


def entries() -> dict[str, str]:
    """Return the entry of every code on the page."""
    return dict(_ENTRY.findall(_page()))


def _page() -> str:
    """Return the text of the page: from the package if it is installed, else from the checkout around it."""
    from pathlib import Path  # takes as long to load as the rest of this module

    places = [Path(__file__).parents[level] / PAGE for level in (1, 2)]
    return next((place for place in places if place.is_file()), places[0]).read_text(encoding="utf-8")


def _plain(text: str) -> str:
    """Return an entry without marks of Markdown: examples indented, links written out."""
    indented = _EXAMPLE.sub(lambda block: "    " + block.group(1).replace("\n", "\n    "), text)
    return _LINK.sub(r"\1 (docs/\2)", indented)
