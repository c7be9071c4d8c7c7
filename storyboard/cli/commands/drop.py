"""``storyboard drop``: take seeds of a shot out of the storyboard."""

from collections.abc import Sequence
from pathlib import Path

import click

from storyboard.cli.editing import make_edit, read_edited, write_edit
from storyboard.cli.open_session import plan_next_build
from storyboard.cli.options import completes, find_generated_shot, json_option, provider_option, shot_argument
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import read_project, require_valid
from storyboard.cli.project_root import display_path
from storyboard.core.model import Generated
from storyboard.report.text import clean, listed


@click.command("drop", epilog="Example: storyboard drop glide 613570 335990")
@shot_argument
@click.argument("words", metavar="SEED... [STORYBOARD]", nargs=-1, required=True, shell_complete=completes("seeds"))
@provider_option
@json_option
def command(shot: str, words: tuple[str, ...], provider: str | None, as_json: bool) -> None:
    """Take the seeds SEED... out of the `takes` of SHOT in the storyboard.

    Their takes stay in the cache: `storyboard takes` lists them, and `storyboard pick` brings one back. The seed of the
    take in the cut is refused.
    """
    output = CommandOutput("drop", as_json=as_json)
    seeds, path = _seeds_and_storyboard(words)
    project = read_project(path, provider)
    storyboard = require_valid(output, project)
    source = find_generated_shot(storyboard, shot).source
    if not isinstance(source, Generated):
        raise TypeError(f"shot {shot} is not generated")
    dropped = list(dict.fromkeys(seeds))
    _fail_unless_listed(output, shot, source, dropped)
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


def _seeds_and_storyboard(words: Sequence[str]) -> tuple[list[int], Path]:
    """Return the seeds, and the storyboard if the last word is no number. Raises ``click.UsageError``."""
    named = not _is_seed(words[-1])
    numbers = words[:-1] if named else words
    wrong = next((word for word in numbers if not _is_seed(word)), None)
    if wrong is not None or not numbers:
        raise click.UsageError(f"{wrong or words[-1]!r} is no seed; write whole numbers, then the storyboard")
    return [int(word) for word in dict.fromkeys(numbers)], Path(words[-1]) if named else Path()


def _is_seed(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 20


def _fail_unless_listed(output: CommandOutput, shot: str, source: Generated, dropped: Sequence[int]) -> None:
    unknown = [str(seed) for seed in dropped if seed not in source.takes]
    if unknown:
        text = f"{shot} has no {'seed' if len(unknown) == 1 else 'seeds'} {listed(unknown)} in `takes`"
        hint = (
            f"name seeds of {listed(map(str, source.takes))}" if source.takes else "a shot without `takes` has one seed"
        )
        output.fail(Exit.USAGE, [problem("no-such-take", text, hint)], next_commands=[f"storyboard takes {shot}"])


def _fail_if_picked(output: CommandOutput, shot: str, source: Generated, dropped: Sequence[int]) -> None:
    if source.seed in dropped:
        others = [seed for seed in source.takes if seed not in dropped]
        command = f"storyboard pick {shot} {others[0] if others else 'TAKE'}"
        text = f"seed {source.seed} of {shot} is the one in the cut, and was not taken out"
        hint = f"put another take into the cut first: `{command}`" if others else "keep one seed of the shot"
        output.fail(Exit.FAILED, [problem("picked-seed", text, hint)], next_commands=[command] if others else [])
