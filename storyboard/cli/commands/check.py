"""``storyboard check``: report everything wrong with a storyboard, without network, all at once."""

from pathlib import Path
from typing import Any

import click

from storyboard.cli.options import json_option, provider_option, quiet_option, storyboard_argument
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import Project, read_project, require_valid
from storyboard.core.model import Storyboard
from storyboard.report.diagnostics import as_data, error_text, place_data


@click.command("check", epilog="Example: storyboard check examples/mangrove")
@storyboard_argument
@provider_option
@click.option("--locked", is_flag=True, help="Refuse if the lockfile is not current and complete; needs no cache.")
@json_option
@quiet_option
def command(path: Path, provider: str | None, locked: bool, as_json: bool, quiet: bool) -> None:
    """Report what is wrong with a storyboard: its text, links and files, and requests beyond the model's limits.

    Needs no key and makes no network requests. Exit code 3 if there is an error; warnings do not count. With --locked,
    exit code 7 if a build would change the lockfile.
    """
    output = CommandOutput("check", as_json=as_json, quiet=quiet)
    project = read_project(path, provider, remember=True)
    storyboard = require_valid(output, project)
    shots = sum(1 for _ in storyboard.shots())
    data = {"shots": shots, "files": project.files, "findings": as_data(project.findings)}
    if locked:
        _refuse_unless_current(output, project, storyboard, data)
    state = ", the lockfile is current" if locked else ""
    text = "" if quiet else f"{project.files[0]}: {shots} {'shot' if shots == 1 else 'shots'}, no errors{state}"
    output.result(text, data, next_commands=["storyboard plan"])


def _refuse_unless_current(
    output: CommandOutput, project: Project, storyboard: Storyboard, data: dict[str, Any]
) -> None:
    """End the verb if a build would change the lockfile; states that a lockfile cannot decide are warnings."""
    from storyboard.cli.history import working_version
    from storyboard.engine.versions import find_outdated_entries
    from storyboard.report.status import locked_line

    state = find_outdated_entries(working_version(output, project, storyboard))
    data["out_of_date"] = [{"shot": one.shot, "state": one.state, "shots": list(one.shots)} for one in state]
    stale = [
        {**problem("locked", locked_line(one)), "place": place_data(project.place(one.shot))}
        for one in state
        if one.state != "unknown"
    ]
    for one in state:
        if one.state == "unknown":
            output.warn("locked", locked_line(one))
    if stale:
        text = error_text(
            f"the lockfile is out of date: {storyboard.lockfile}",
            "locked",
            details=[one["message"] for one in stale],
            help="run `storyboard build`, then commit the storyboard and the lockfile together",
        )
        output.fail(Exit.LOCKED, stale, text=text, data=data, next_commands=["storyboard plan", "storyboard build"])
