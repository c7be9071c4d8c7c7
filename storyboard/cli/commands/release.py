"""``storyboard release``: end the hold on a shot."""

from pathlib import Path

import click

from storyboard.cli.editing import make_edit, write_hold
from storyboard.cli.options import find_generated_shot, json_option, provider_option, shot_argument, storyboard_argument
from storyboard.cli.output import CommandOutput
from storyboard.cli.project import read_project, require_valid


@click.command("release", epilog="Example: storyboard release glide")
@shot_argument
@storyboard_argument
@provider_option
@json_option
def command(shot: str, path: Path, provider: str | None, as_json: bool) -> None:
    """End the hold on SHOT; removes `hold: true` from the storyboard.

    The next build makes the shot if its request has changed.
    """
    output = CommandOutput("release", as_json=as_json)
    project = read_project(path, provider)
    held = find_generated_shot(require_valid(output, project), shot).hold
    edit = make_edit(output, project, shot, {"hold": None} if held else {})
    write_hold(output, project, provider, shot, edit, "it is remade when its request changes", {})
