"""``storyboard drop``: take seeds of a shot out of the storyboard."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from storyboard.cli.editing import make_edit, read_edited, write_edit
from storyboard.cli.open_session import open_session, plan_next_build
from storyboard.cli.options import completes, find_generated_shot, json_option, provider_option, shot_argument
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import read_project, require_valid
from storyboard.cli.project_root import display_path
from storyboard.core.model import Generated
from storyboard.engine.session import BuildOptions
from storyboard.engine.takes import ShotTakes
from storyboard.report.takes import ways_to_name
from storyboard.report.text import clean, listed


@click.command("drop", epilog="Example: storyboard drop glide 613570 335990")
@shot_argument
@click.argument("words", metavar="SEED... [STORYBOARD]", nargs=-1, required=True, shell_complete=completes("seeds"))
@provider_option
@json_option
def command(shot: str, words: tuple[str, ...], provider: str | None, as_json: bool) -> None:
    """Take the seeds SEED... out of the `takes` of SHOT in the storyboard.

    `seed:48281` is a seed, '#2' the seed of the take with that number in `storyboard takes`; a number alone is the one
    that it can be.
    Their takes stay in the cache: `storyboard takes` lists them, and `storyboard pick` brings one back. The seed of the
    take in the cut is refused.
    """
    output = CommandOutput("drop", as_json=as_json)
    named, path = _seeds_and_storyboard(words)
    project = read_project(path, provider)
    storyboard = require_valid(output, project)
    find_generated_shot(storyboard, shot)
    with open_session(output, project, storyboard, BuildOptions()) as session:
        takes = ShotTakes(session, shot)
        source = takes.source
        dropped = list(dict.fromkeys(_seed_of(output, takes, word) for word in named))
    _fail_if_picked(output, shot, source, dropped)
    left = [seed for seed in source.takes if seed not in dropped]
    edit = make_edit(output, project, shot, {"takes": left})
    changed, storyboard = read_edited(output, project, edit, provider)
    write_edit(output, edit)
    plan, then = plan_next_build(output, changed, storyboard)
    what = f"{'seed' if len(dropped) == 1 else 'seeds'} {listed(map(str, dropped))}"
    kept = "its take stays in the cache" if len(dropped) == 1 else "their takes stay in the cache"
    data = {"shot": shot, "dropped": dropped, "seeds": left, "file": display_path(edit.file), "changed": edit.changes}
    next_commands = [] if plan.nothing_to_do() else ["storyboard plan", "storyboard build"]
    output.result(
        f"{shot}: took {what} out of {clean(display_path(edit.file))}; {kept}\n{then}",
        data,
        next_commands=next_commands,
    )


_SEED = re.compile(r"(?:#|seed:)?[0-9]{1,20}")


def _seeds_and_storyboard(words: Sequence[str]) -> tuple[list[str], Path]:
    """Return the words for seeds, and the storyboard if the last word is none. Raises ``click.UsageError``."""
    named = not _SEED.fullmatch(words[-1])
    seeds = words[:-1] if named else words
    wrong = next((word for word in seeds if not _SEED.fullmatch(word)), None)
    if wrong is not None or not seeds:
        raise click.UsageError(
            f"{wrong or words[-1]!r} is no seed; write `seed:1`, or `'#1'` for a take, then the storyboard"
        )
    return list(dict.fromkeys(seeds)), Path(words[-1]) if named else Path()


def _seed_of(output: CommandOutput, takes: ShotTakes, word: str) -> int:
    """Return the seed of the shot that *word* means: the seed itself, or that of a take. Ends the verb otherwise."""
    number, seeds = word.removeprefix("seed:").removeprefix("#"), set[int]()
    if not word.startswith("#") and int(number) in takes.source.takes:
        seeds.add(int(number))
    if not word.startswith("seed:"):
        numbered = (take.seed for take in takes.takes if str(take.number) == number)
        seeds |= {seed for seed in numbered if seed in takes.source.takes}
    if not seeds:
        _fail_unlisted(output, takes, word)
    if len(seeds) > 1:
        found = takes.named(word)
        hint = f"write {ways_to_name(word, found.takes, found.seed)}"
        error = problem("ambiguous-take", f"{word!r} is the number of one take and the seed of another", hint)
        output.fail(Exit.USAGE, [error], next_commands=[f"storyboard takes {takes.shot}"])
    return seeds.pop()


def _fail_unlisted(output: CommandOutput, takes: ShotTakes, word: str) -> NoReturn:
    source = takes.source
    text = f"{takes.shot} has no seed {word.removeprefix('seed:')} in `takes`"
    if word.startswith("#"):
        text = f"{takes.shot} has no take {word} with a seed in `takes`"
    hint = f"name seeds of {listed(map(str, source.takes))}" if source.takes else "a shot without `takes` has one seed"
    output.fail(Exit.USAGE, [problem("no-such-take", text, hint)], next_commands=[f"storyboard takes {takes.shot}"])


def _fail_if_picked(output: CommandOutput, shot: str, source: Generated, dropped: Sequence[int]) -> None:
    if source.seed in dropped:
        others = [seed for seed in source.takes if seed not in dropped]
        command = f"storyboard pick {shot} {f'seed:{others[0]}' if others else 'TAKE'}"
        text = f"seed {source.seed} of {shot} is the one in the cut, and was not taken out"
        hint = f"put another take into the cut first: `{command}`" if others else "keep one seed of the shot"
        output.fail(Exit.FAILED, [problem("picked-seed", text, hint)], next_commands=[command] if others else [])
