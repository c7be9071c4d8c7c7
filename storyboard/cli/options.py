"""Options that several verbs share, each with its environment variable, and lookups of a shot by its name."""

import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from storyboard.cli.project_root import NAMES, find_file, is_scene, missing_file, scene_id
from storyboard.cli.usage import Misuse
from storyboard.core.fill import FILL_STYLES, FillStyle
from storyboard.core.model import DEFAULT_PROVIDER, PANELS, Clip, Generated, Shot, Still, Storyboard, TitleCard
from storyboard.core.suggest import closest, suggestion

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def completes(kind: str) -> Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]:
    """Return the function by which a parameter offers words to a shell; *kind* is a key of the verb ``completion``."""

    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        from storyboard.cli.commands.completion import candidates

        return candidates(kind, ctx, incomplete)

    return complete


# The things that a word on the command line may stand for besides a path.
_FORCE = "for a shot, scene or tag of that name write `--select {}`"


def selection_arguments(function: F) -> F:
    """Add the words of a verb about a part of the film: a storyboard, and shots, scenes, tags and patterns.

    A word is the path of a storyboard or scene file if it exists; every other word is added to ``--select``. The verb
    gets ``path`` and ``select``.
    """

    @wraps(function)
    def command(words: tuple[str, ...], select: tuple[str, ...], **options: Any) -> Any:
        path, more = split_words(words)
        return function(path=path, select=(*select, *more), **options)

    return click.argument("words", metavar="[STORYBOARD] [SHOT...]", nargs=-1, shell_complete=completes("words"))(
        command
    )  # type: ignore[return-value]


def split_words(words: Iterable[str]) -> tuple[Path, tuple[str, ...]]:
    """Return the storyboard that *words* name, and selectors of its shots. Raises ``click.UsageError``."""
    paths = [word for word in words if os.path.lexists(word)]
    selectors = [word for word in words if word not in paths]
    for word in selectors:
        if _PATH_LIKE.search(word):
            raise missing_file(Path(word))
    if len(paths) > 1:
        raise Misuse(f"{paths[0]!r} and {paths[1]!r} are two paths", _FORCE.format(shlex.quote(paths[1])))
    if not paths:
        _require_storyboard(selectors)
        return Path(), tuple(selectors)
    path = Path(paths[0])
    if path.is_dir() and not any(os.path.lexists(path / name) for name in NAMES) and path != Path():
        raise Misuse(f"there is no {NAMES[0]} in {path}", _FORCE.format(shlex.quote(paths[0])))
    scene = scene_id(path) if path.is_file() and is_scene(path) else None
    return path, (*selectors, *([f"scene:{scene}"] if scene is not None else []))


def _require_storyboard(selectors: Iterable[str]) -> None:
    """Raise ``click.UsageError`` if there are *selectors* and no storyboard whose shots they could name."""
    for word in selectors:
        try:
            find_file(Path())
        except click.UsageError as problem:
            raise click.UsageError(f"{word}: no such file, and {problem.message}") from problem
        return


storyboard_argument = click.argument(
    "path",
    metavar="[STORYBOARD]",
    type=click.Path(path_type=Path),
    default=Path(),
    shell_complete=completes("storyboards"),
)

json_option = click.option(
    "--json", "as_json", is_flag=True, envvar="STORYBOARD_JSON", help="Print one JSON document instead of text."
)
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, envvar="STORYBOARD_QUIET", help="Print results and warnings only, no progress."
)
verbose_option = click.option(
    "-v", "--verbose", is_flag=True, envvar="STORYBOARD_VERBOSE", help="Print every step, unchanged ones too."
)
provider_option = click.option(
    "--provider",
    envvar="STORYBOARD_PROVIDER",
    metavar="NAME",
    shell_complete=completes("providers"),
    help="Provider to use, overriding the storyboard.",
)
draft_option = click.option(
    "--draft", is_flag=True, envvar="STORYBOARD_DRAFT", help="Use --provider local, which draws free animatics."
)
panels_option = click.option(
    "--panels",
    is_flag=True,
    envvar="STORYBOARD_PANELS",
    help="As --draft, with one still panel for each shot: the storyboard on paper, in a fraction of the time.",
)
select_option = click.option(
    "-s",
    "--select",
    multiple=True,
    envvar="STORYBOARD_SELECT",
    metavar="SHOT",
    shell_complete=completes("selectors"),
    help="Only these: shots, scenes, tags or patterns such as 'river*'; ID+ with all that start from it, +ID with all "
    "it starts from; scene:ID, tag:NAME.",
)
_remake = click.option(
    "--remake",
    multiple=True,
    envvar="STORYBOARD_REMAKE",
    metavar="SHOT",
    shell_complete=completes("selectors"),
    help="Remake this shot even if its request is unchanged.",
)


fill_option = click.option(
    "--fill",
    type=click.Choice(FILL_STYLES),
    envvar="STORYBOARD_FILL",
    help="Buy nothing: draw shots without a take (animatic, panels), show prompts (slate), or leave them out (none).",
)


yes_option = click.option(
    "-y", "--yes", is_flag=True, envvar="STORYBOARD_YES", help="Approve the cost without a prompt."
)


# No exponent, sign, `nan` or digit of another script, which ``Decimal`` and ``float`` read.
_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}")
_WHOLE = re.compile(r"-?[0-9]{1,20}")
# A word that can only be a path: no id, tag or pattern is written so.
_PATH_LIKE = re.compile(r"[/\\]|\.ya?ml$|^[.~]")


class Dollars(click.ParamType[Decimal]):
    """A sum of money in US dollars."""

    name = "dollars"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        text = str(value).strip().removeprefix("$")
        if not _AMOUNT.fullmatch(text):
            self.fail(f"{value!r} is not an amount in US dollars such as 6 or 0.60, below 1,000,000,000", param, ctx)
        return Decimal(text)


class WholeNumber(click.IntRange):
    """A whole number within limits, in the digits 0 to 9; ``int`` also reads those of other scripts and ``1_0``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, str) and not _WHOLE.fullmatch(value.strip()):
            self.fail(f"{value!r} is not a whole number", param, ctx)
        return int(super().convert(value, param, ctx))


def read_number(text: str) -> float:
    """Return a number in the digits 0 to 9. Raises ``ValueError`` for everything else that ``float`` reads."""
    if not _AMOUNT.fullmatch(text.strip()):
        raise ValueError(text)
    return float(text)


def lowest_cap(*caps: Decimal | None) -> Decimal | None:
    """Return the lowest of the spending caps that are set, in US dollars; ``None`` if none is."""
    return min((cap for cap in caps if cap is not None), default=None)


max_cost_option = click.option(
    "--max-cost", type=Dollars(), envvar="STORYBOARD_MAX_COST", help="Spending cap for this build, in USD."
)


def worker_count(jobs: int | None) -> int:
    """Return the number of worker processes: *jobs*, but at most the cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(jobs or cores, cores)


jobs_option = click.option(
    "-j",
    "--jobs",
    "jobs_count",
    type=WholeNumber(1, 256),
    envvar="STORYBOARD_JOBS",
    help="Paid jobs at once (default 4), and worker processes (at most one per core).",
)


def plan_options(function: F) -> F:
    """Add the options that choose what is made, and by which provider."""
    for option in (_remake, select_option, panels_option, draft_option, provider_option):
        function = option(function)
    return function


def provider_name(provider: str | None, *, draft: bool, panels: bool = False) -> str | None:
    """Return the provider of the command line, ``PANELS`` for panels. Raises ``click.UsageError`` if there are two."""
    if (draft or panels) and provider not in (None, DEFAULT_PROVIDER):
        option = "--panels" if panels else "--draft"
        raise click.UsageError(f"{option} selects --provider local; remove it, or remove --provider {provider}")
    return PANELS if panels else DEFAULT_PROVIDER if draft else provider


def fill_style(fill: str | None, others: Mapping[str, object]) -> FillStyle | None:
    """Return the style of ``--fill``. Raises ``click.UsageError`` if one of *others*, by their names, is given too."""
    style = next((one for one in FILL_STYLES if one == fill), None)
    clash = next((name for name, value in others.items() if value), None)
    if style is not None and clash is not None:
        raise click.UsageError(f"--fill makes a film of the takes that are there; remove --fill, or remove {clash}")
    return style


shot_argument = click.argument("shot", shell_complete=completes("shots"))
_SOURCES: Mapping[type, str] = {Clip: "own footage", Still: "a still", TitleCard: "a title card"}


def find_generated_shot(storyboard: Storyboard, name: str) -> Shot:
    """Return the shot called *name*. Raises ``click.UsageError`` without such a shot that a provider generates."""
    shots = {shot.id: shot for shot in storyboard.shots()}
    if name not in shots:
        raise unknown_shot(name, shots)
    if not isinstance(shots[name].source, Generated):
        raise click.UsageError(f"shot {name!r} has no takes: its source is {_SOURCES[type(shots[name].source)]}")
    if shots[name].skip:
        raise click.UsageError(f"shot {name!r} has no takes: it is skipped")
    return shots[name]


def unknown_shot(name: str, shots: Iterable[str]) -> click.UsageError:
    """Return the error for a *name* that none of *shots* has."""
    near = closest(name, shots)
    return Misuse(
        f"no shot is called {name!r}", "`storyboard ls` lists the shots" if near is None else suggestion(near)
    )
