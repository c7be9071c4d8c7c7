"""Usage errors: each as one line and one hint, and the words of other tools with what is called so here."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from msgspec import Struct

from storyboard.cli.main import VERBS
from storyboard.core.suggest import closest, suggestion
from storyboard.report.text import clean

# The commands of this program, each with the verbs of other programs that mean it, ``cache/`` for those of the group. A
# verb of this program comes before its row.
MEANINGS: Mapping[str, str] = {
    "build": "make render run generate gen produce compile encode export assemble execute exec go resume continue "
    "deliver up apply all film movie",
    "build --draft": "draft animatic preview sketch previs rough",
    "build --panels": "panels boards thumbnails paper",
    "build --fill animatic": "fill hybrid",
    "build --remake SHOT": "remake redo rerender re-render regenerate reroll rebuild force retry",
    "view": "open play show display see player",
    "ls": "list shots scenes shotlist shot-list table",
    "init": "new create start begin scaffold setup",
    "check": "validate lint test proofread parse vet",
    "plan": "dry-run dryrun estimate quote budget price simulate what-if",
    "status": "info state stat st outdated",
    "takes": "versions variants alternates clips",
    "take": "another alternate variation more",
    "pick": "choose select use prefer",
    "drop": "discard reject forget",
    "hold": "lock freeze pin keep",
    "release": "unlock unfreeze unpin unhold",
    "accept": "approve bless",
    "why": "reason because blame",
    "diff": "compare changes changed delta",
    "log": "history revisions",
    "cost": "spent bill bills invoice spending money usage balance",
    "graph": "tree deps dependencies dag dot",
    "models": "model providers provider cards limits pricing prices",
    "doctor": "diagnose health env environment key keys auth login config configure settings",
    "completion": "completions autocomplete",
    "watch": "live serve dev follow autobuild",
    "cache gc": "clean clear prune gc purge tidy cleanup rm remove delete cache/clean cache/clear cache/prune cache/rm "
    "cache/delete cache/purge cache/remove",
    "cache ls": "cache/list cache/show cache/status cache/info",
    "cache dir": "cache/path cache/folder cache/where",
    "cache verify": "cache/check cache/test",
    "--version": "version -V -v",
    "--help": "help man commands -? -help /?",
    "--explain CODE": "explain code",
}
_ABOUT = {
    "--version": "print the version",
    "--help": "list the verbs",
    "--explain CODE": "read what a code means",
    "build --draft": "make a free animatic, then `storyboard view`",
    "build --panels": "draw one panel for each shot",
    "build --fill animatic": "make a film of the takes that are there, with the rest drawn",
    "build --remake SHOT": "make a shot again whose request is unchanged",
    "cache gc": "list what is not needed, and delete it with `--delete`",
    "cache ls": "list every take",
    "cache dir": "print the folder of the cache",
    "cache verify": "read the whole cache",
}


class ForeignOption(Struct, frozen=True):
    """Options of other programs, the verbs that the answer holds for (all if empty), and the answer."""

    names: Sequence[str]
    verbs: Sequence[str]
    answer: str


OPTIONS: Sequence[ForeignOption] = (
    ForeignOption(
        ("--dry-run", "--dryrun", "-n", "--what-if", "--simulate", "--just-print", "--estimate"),
        ("build", "watch"),
        "run `storyboard plan`, which shows what a build would make and its cost",
    ),
    ForeignOption(("--dry-run", "--dryrun", "-n"), ("plan",), "leave it out; `plan` makes nothing"),
    ForeignOption(
        ("--dry-run", "--dryrun", "-n"), ("cache gc",), "leave it out; without `--delete` nothing is deleted"
    ),
    ForeignOption(("--force", "-f", "--yes", "-y", "--apply"), ("cache gc",), "write `--delete`"),
    ForeignOption(
        ("--force", "-f", "-B", "--always-make", "--rebuild", "--regenerate", "--refresh", "--no-cache", "--overwrite"),
        ("build", "plan", "watch"),
        "write `--remake SHOT` to make a shot again whose request is unchanged",
    ),
    ForeignOption(
        ("--force", "-f", "--overwrite"), ("init",), "move the existing storyboard away first; no file is replaced"
    ),
    ForeignOption(("--force", "-f"), (), "leave it out; no verb overwrites what it has not made"),
    ForeignOption(("--preview", "--animatic", "--local", "--free"), (), "write `--draft`"),
    ForeignOption(("--boards", "--stills", "--thumbnails"), (), "write `--panels`"),
    ForeignOption(("--placeholder", "--placeholders", "--hybrid"), (), "write `--fill animatic`"),
    ForeignOption(("--budget", "--limit", "--max-price", "--cap", "--max-spend"), (), "write `--max-cost DOLLARS`"),
    ForeignOption(
        (
            "--only",
            "--shot",
            "--shots",
            "--scene",
            "--scenes",
            "--filter",
            "--include",
            "--target",
            "--tag",
            "--tags",
            "-t",
        ),
        ("build", "plan", "ls", "watch"),
        "write `--select`: a shot, a scene, a tag or a pattern such as `river*`",
    ),
    ForeignOption(
        ("--exclude", "--skip", "--ignore", "--except"), (), "write `skip: true` at the shot in the storyboard"
    ),
    ForeignOption(
        ("--output", "-o", "--out"), ("build", "watch"), "write `output: {file: out/film.mp4}` in the storyboard"
    ),
    ForeignOption(("--output", "-o"), ("plan",), "write `--out FILE` to keep the plan"),
    ForeignOption(
        ("--size", "--resolution", "--fps", "--width", "--height", "--codec", "--crf", "--preset"),
        (),
        "write it below `output:` in the storyboard",
    ),
    ForeignOption(("--prompt", "--seed", "--duration"), (), "write it at the shot in the storyboard"),
    ForeignOption(("--model", "-m"), (), "write `model:` in the storyboard; `storyboard models` lists them"),
    ForeignOption(("--resume", "--continue"), (), "leave it out; a build goes on where the last one ended"),
    ForeignOption(("--threads", "--workers", "--parallel", "--concurrency", "-p"), (), "write `--jobs NUMBER`"),
    ForeignOption(("--frozen", "--frozen-lockfile", "--immutable", "--ci"), (), "write `--locked`"),
    ForeignOption(("--no-network", "--no-net", "--disconnected"), (), "write `--offline`"),
    ForeignOption(("--keep-going", "-k", "--continue-on-error", "--allow-missing"), (), "write `--partial`"),
    ForeignOption(("--open", "--play", "--show"), ("build", "take"), "run `storyboard view` afterwards"),
    ForeignOption(("--watch", "-w"), (), "run `storyboard watch`"),
    ForeignOption(("--silent",), (), "write `--quiet`"),
    ForeignOption(("--debug", "--trace", "-vv", "--long", "-l", "-a", "--all"), (), "write `--verbose`"),
    ForeignOption(
        ("--assume-yes", "--no-input", "--non-interactive", "--auto-approve"), (), "write `--yes --max-cost DOLLARS`"
    ),
    ForeignOption(("--file", "--config", "-C", "-c", "--project"), (), "write the storyboard as the last argument"),
    ForeignOption(("--output-format", "--as-json", "-j"), (), "write `--json`"),
    ForeignOption(("--no-color", "--no-colour", "--color", "--colour"), (), "set `NO_COLOR=1` or `FORCE_COLOR=1`"),
    ForeignOption(("--version", "-V"), (), "run `storyboard --version`"),
)
_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)")
_NO_VALUE = re.compile(r"Option '(.+)' requires an argument")
_DID_YOU_MEAN = " Did you mean "


class Misuse(click.UsageError):
    """A usage error with the *hint* that its line is followed by."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class UsageProblem(Struct, frozen=True):
    """A usage error as it is shown: one line, a hint, and the command that the hint proposes, if it does."""

    message: str
    hint: str
    command: str | None = None


def meaning_of(word: str, rest: Sequence[str] = ()) -> str | None:
    """Return the hint for a verb of another program, with the arguments in *rest*; ``None`` if it has no meaning."""
    sought = word if word.startswith("-") else word.casefold().replace(" ", "/")
    answer = next((answer for answer, words in MEANINGS.items() if sought in words.split()), None)
    if answer is None:
        return None
    arguments = [one for one in rest[:3] if not one.startswith("-")]
    command, about = answer, _ABOUT.get(answer) or VERBS[answer]
    if answer == "--help" and arguments:
        verb = arguments[0] if arguments[0] in VERBS else None
        command, about = (f"{verb} --help", f"read about `{verb}`") if verb else (answer, about)
    elif arguments and (answer == "--explain CODE" or answer.endswith(" SHOT")):
        command = f"{answer.rpartition(' ')[0]} {_shell(arguments[0])}"
    elif arguments and " " not in answer and not answer.startswith("-"):
        command = " ".join([answer, *map(_shell, arguments)])
    return f"run `storyboard {command}` to {about}"


def explained(problem: click.UsageError, words: Sequence[str]) -> UsageProblem:
    """Return the *problem* with a command line of *words* in this program's words."""
    message, hint = _worded(problem)
    head, asks, near = message.partition(_DID_YOU_MEAN)
    if asks:
        name = near.strip("?' ")
        message, hint = head, suggestion(name)
    if isinstance(problem, Misuse):
        hint = problem.hint
    context = problem.ctx
    if not hint and not re.search(r"[;?]", message):
        verb = words[0] if words and words[0] in VERBS else None
        path = context.command_path if context is not None else " ".join(filter(None, ("storyboard", verb)))
        hint = f"see `{path} --help`"
    command = re.match(r"run `(storyboard [^`]+)`", hint)
    return UsageProblem(message.removesuffix("."), hint, command[1] if command else None)


def _worded(problem: click.UsageError) -> tuple[str, str]:
    """Return the message and the hint of an error of click's; of our own the message as it is."""
    context = problem.ctx
    path = context.command_path if context is not None else "storyboard"
    match problem:
        case click.exceptions.NoArgsIsHelpError():
            return f"`{path}` needs a verb", f"`{path} --help` lists the verbs"
        case click.NoSuchCommand():
            return _unknown_verb(problem, problem.command_name)
        case click.NoSuchOption():
            name = problem.option_name
            return f"`{path}` has no option {_quoted(name)}", _option_hint(problem, name)
        case click.MissingParameter():
            name = (
                problem.param.make_metavar(context) if problem.param is not None and context is not None else "a value"
            )
            example = (context.command.epilog or "").partition("Example: ")[2] if context is not None else ""
            return f"`{path}` needs {clean(name)}", f"write for example `{example}`" if example else ""
        case click.BadParameter() if problem.param is not None:
            names = (
                [*problem.param.opts]
                if isinstance(problem.param, click.Option)
                else [problem.param.human_readable_name]
            )
            return f"`{max(names, key=len)}`: {problem.message}", ""
    message = problem.format_message()
    if context is not None and (extra := _EXTRA.fullmatch(message)):
        usage = " ".join([path, *context.command.collect_usage_pieces(context)])
        return f"one argument too many: {_quoted(extra[1])}", f"the form is `{usage}`"
    if lacking := _NO_VALUE.fullmatch(message.removesuffix(".")):
        return f"the option `{lacking[1]}` needs a value", ""
    return message, ""


def _unknown_verb(problem: click.UsageError, word: str) -> tuple[str, str]:
    """Return the message and the hint for *word* in the place of a verb: by its meaning, then by its spelling."""
    context = problem.ctx
    group = " ".join(context.command_path.split()[1:]) if context is not None else ""
    words = (context.find_object(tuple) if context is not None else None) or ()
    rest = words[words.index(word) + 1 :] if word in words else ()
    name = f"{group} {word}".strip()
    message = f"there is no verb {_quoted(name)}"
    answer = meaning_of(name, rest)
    if answer is not None:
        return message, answer
    command = context.command if context is not None else None
    near = closest(word, command.list_commands(context) if isinstance(command, click.Group) and context else VERBS)
    if near is not None:
        return message, suggestion(f"{group} {near}".strip())
    if not group and (Path(word).exists() or word.endswith((".yaml", ".yml"))):
        return message, f"a verb stands first: `storyboard build {_shell(word)}`"
    return message, f"`storyboard {group} --help` lists the verbs" if group else "`storyboard --help` lists the verbs"


def _option_hint(problem: click.NoSuchOption, name: str) -> str:
    context = problem.ctx
    if context is None:
        return ""
    verb = " ".join(context.command_path.split()[1:])
    if not verb:
        words = context.find_object(tuple) or ()
        after = next((word for word in words if word in VERBS), None)
        meant = meaning_of(name)
        return meant or (f"options stand after the verb: `storyboard {after} {name}`" if after else "")
    known = [one for parameter in context.command.params for one in (*parameter.opts, *parameter.secondary_opts)]
    for row in OPTIONS:
        if name in row.names and (not row.verbs or verb in row.verbs) and _is_possible(row.answer, known):
            return row.answer
    near = closest(name, [one for one in known if one.startswith("--")])
    return suggestion(near) if near is not None else f"`{context.command_path} --help` lists its options"


def _is_possible(answer: str, known: Sequence[str]) -> bool:
    """Return whether the verb with the *known* options has those that *answer* tells to write."""
    named = re.findall(r"`(--[a-z-]+)", answer) if answer.startswith("write `--") else []
    verb = re.match(r"run `storyboard ([a-z]+)", answer)
    return all(option in known for option in named) and (verb is None or verb[1] in VERBS)


def _quoted(word: str) -> str:
    shown = clean(word)
    return f"`{shown if len(shown) <= 60 else shown[:59] + '…'}`"


def _shell(word: str) -> str:
    return clean(shlex.quote(word))
