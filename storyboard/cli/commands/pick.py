"""``storyboard pick``: choose the take for the cut."""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import click

from storyboard.cli.editing import Edit, make_edit, read_edited, write_edit
from storyboard.cli.open_session import open_session, plan_next_build, report_lock_owner
from storyboard.cli.options import (
    completes,
    find_generated_shot,
    json_option,
    provider_option,
    shot_argument,
    storyboard_argument,
)
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import read_project, require_valid
from storyboard.cli.project_root import display_path
from storyboard.core.model import Json
from storyboard.core.results import Take
from storyboard.engine.session import BuildOptions
from storyboard.engine.takes import ShotTakes
from storyboard.report.reason import change_lines
from storyboard.report.takes import take_data, take_line, ways_to_name
from storyboard.report.text import clean, listed


@click.command("pick", epilog="Example: storyboard pick glide seed:97986")
@shot_argument
@click.argument("take", shell_complete=completes("takes"))
@storyboard_argument
@click.option("--hold", is_flag=True, help="Allow a take of another request; writes `hold: true`.")
@provider_option
@json_option
def command(shot: str, take: str, path: Path, hold: bool, provider: str | None, as_json: bool) -> None:
    """Put TAKE of SHOT into the cut: `#2` is its number in `storyboard takes`, `seed:48281` its seed.

    A number alone is the one that it can be, and four letters or more are the beginning of a digest. Shells begin a
    comment at `#`: write '#2' in quotes.

    Writes the take into the lockfile, and `pick` into the storyboard if its seed is another one. In the next build,
    linked shots start from this take.
    """
    output = CommandOutput("pick", as_json=as_json)
    project = read_project(path, provider)
    storyboard = require_valid(output, project)
    find_generated_shot(storyboard, shot)
    with open_session(output, project, storyboard, BuildOptions(), report_lock_owner) as session:
        takes = ShotTakes(session, shot)
        chosen, seed = _find_take(output, takes, take)
        edit = make_edit(output, project, shot, _fields_to_write(output, takes, chosen, seed, hold=hold))
        changed, storyboard = read_edited(output, project, edit, provider)
        write_edit(output, edit)
        if chosen is not None:
            takes.choose(chosen)
    said = (
        f"{take_line(chosen)} goes into the cut"
        if chosen is not None
        else f"seed {seed} is picked, its take is not made yet"
    )
    plan, then = plan_next_build(output, changed, storyboard)
    data = {"shot": shot, "take": take_data(chosen) if chosen is not None else None, **_edit_data(edit)}
    next_commands = [] if plan.nothing_to_do() else ["storyboard plan", "storyboard build"]
    wrote = f"; written into {clean(display_path(edit.file))}" if edit.changes else ""
    output.result(f"{shot}: {said}{wrote}\n{then}", data, next_commands=next_commands)


def _edit_data(edit: Edit) -> dict[str, Json]:
    return {"file": display_path(edit.file), "changed": edit.changes}


def _find_take(output: CommandOutput, takes: ShotTakes, text: str) -> tuple[Take | None, int | None]:
    """Return the take that *text* names, or a seed of the shot without a take. Ends the verb unless it is one."""
    found = takes.named(text)
    listing = [f"storyboard takes {takes.shot}"]
    if found.is_ambiguous:
        names = [*map(take_line, found.takes), *([f"seed {found.seed}"] if found.seed is not None else [])]
        hint = f"write {ways_to_name(text, found.takes, found.seed)}"
        error = problem("ambiguous-take", f"{text!r} matches {listed(names)}", hint)
        output.fail(Exit.USAGE, [error], next_commands=listing)
    if not found.takes and found.seed is None:
        hint = f"run `storyboard takes {takes.shot}` to list them"
        error = problem("no-such-take", f"{takes.shot} has no take {text!r}", hint)
        output.fail(Exit.USAGE, [error], next_commands=listing)
    take = next(iter(found.takes), None)
    if take is not None and not take.whole:
        text = f"take {take.number} of {takes.shot}, {take.digest[:12]}, is not in this cache"
        output.fail(
            Exit.FAILED,
            [problem("take-missing", text, "copy the cache of a machine that has it")],
            next_commands=listing,
        )
    return take, found.seed


def _fields_to_write(
    output: CommandOutput, takes: ShotTakes, chosen: Take | None, unmade: int | None, *, hold: bool
) -> Mapping[str, Json]:
    """Return the fields to write into the shot, for a take or for a seed without one."""
    if chosen is None:
        return {} if unmade == takes.source.seed else {"pick": unmade}
    if not set(chosen.fields) <= {"seed"}:
        if not (hold or takes.held):
            _fail_other_request(output, takes, chosen)
        return {"hold": True}
    seed = chosen.request.get("seed")
    if seed == takes.source.seed:
        return {}
    if seed in takes.source.takes:
        return {"pick": seed}
    others = takes.source.takes or (() if takes.missing_seeds() else (takes.source.seed,))
    return {"takes": [*others, seed], "pick": seed}


def _fail_other_request(output: CommandOutput, takes: ShotTakes, chosen: Take) -> NoReturn:
    lines = [f"  {line}" for change in chosen.changes for line in change_lines(change)]
    text = f"{take_line(chosen)} of {takes.shot} was made from another request: {listed(chosen.fields)}"
    hint = f"restore its request, or add `--hold` to keep it in the cut\n{chr(10).join(lines)}"
    next_commands = [f"storyboard pick {takes.shot} {chosen.digest[:12]} --hold"]
    output.fail(
        Exit.FAILED,
        [problem("other-request", text, hint)],
        data={"take": take_data(chosen)},
        next_commands=next_commands,
    )
