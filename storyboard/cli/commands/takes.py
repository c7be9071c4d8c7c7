"""``storyboard takes``: list the takes of a shot."""

from pathlib import Path

import click

from storyboard.cli.open_session import open_session
from storyboard.cli.options import (
    find_generated_shot,
    json_option,
    provider_name,
    provider_option,
    shot_argument,
    storyboard_argument,
)
from storyboard.cli.output import CommandOutput, paint
from storyboard.cli.project import read_project, require_valid
from storyboard.engine.session import BuildOptions
from storyboard.engine.takes import ShotTakes
from storyboard.report.takes import takes_data, takes_text


@click.command("takes", epilog="Example: storyboard takes glide")
@shot_argument
@storyboard_argument
@provider_option
@json_option
def command(shot: str, path: Path, provider: str | None, as_json: bool) -> None:
    """List every take that was ever made for SHOT: its seed, its date, its provider, its cost.

    Marks the take in the cut, and the fields in which the request of a take differs from the current one. Read-only,
    no network requests.
    """
    output = CommandOutput("takes", as_json=as_json)
    project = read_project(path, provider_name(provider, draft=False))
    storyboard = require_valid(output, project)
    find_generated_shot(storyboard, shot)
    with open_session(output, project, storyboard, BuildOptions()) as session:
        found = ShotTakes(session, shot)
        missing = found.missing_seeds()
    next_commands = [f"storyboard pick {shot} TAKE"] if len(found.takes) > 1 else [f"storyboard take {shot}"]
    text = takes_text(shot, found.takes, missing, paint)
    output.result(text, takes_data(shot, found.takes, missing), next_commands=next_commands)
