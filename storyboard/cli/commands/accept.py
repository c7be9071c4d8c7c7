"""``storyboard accept``: record the current take as valid for the edited request."""

from pathlib import Path

import click

from storyboard.cli.open_session import open_session, plan_next_build, report_lock_owner
from storyboard.cli.options import (
    find_generated_shot,
    json_option,
    provider_option,
    shot_argument,
    storyboard_argument,
)
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import read_project, require_valid
from storyboard.engine.session import BuildOptions
from storyboard.engine.takes import NotAccepted, ShotTakes
from storyboard.report.reason import change_lines
from storyboard.report.takes import take_data, take_line
from storyboard.report.text import listed


@click.command("accept", epilog="Example: storyboard accept glide")
@shot_argument
@storyboard_argument
@provider_option
@json_option
def command(shot: str, path: Path, provider: str | None, as_json: bool) -> None:
    """Accept the take of SHOT for its current request, after an edit that does not change the picture.

    Writes the acceptance to the cache and the lockfile. Makes nothing, no network requests.
    """
    output = CommandOutput("accept", as_json=as_json)
    project = read_project(path, provider)
    storyboard = require_valid(output, project)
    find_generated_shot(storyboard, shot)
    with open_session(output, project, storyboard, BuildOptions(), report_lock_owner) as session:
        try:
            take = ShotTakes(session, shot).accept()
        except NotAccepted as why:
            errors = [problem("not-accepted", f"{shot}: {why}")]
            output.fail(Exit.FAILED, errors, next_commands=[f"storyboard why {shot}"])
    plan, then = plan_next_build(output, project, storyboard)
    about = listed(take.fields) or "seed"
    lines = [f"  {line}" for change in take.changes for line in change_lines(change)]
    text = "\n".join([f"{shot}: {take_line(take)} is accepted for the current request: {about}", *lines, then])
    next_commands = [] if plan.nothing_to_do() else ["storyboard plan", "storyboard build"]
    output.result(text, {"shot": shot, "take": take_data(take)}, next_commands=next_commands)
