"""``storyboard release``: end the hold on a shot."""

from pathlib import Path

import click

from storyboard.cli.editing import edited, write_hold
from storyboard.cli.options import generated_shot, json_option, provider_option, shot_argument, storyboard_argument
from storyboard.cli.output import CommandOutput
from storyboard.cli.project import checked, read_project


@click.command("release", epilog="Example: storyboard release glide")
@shot_argument
@storyboard_argument
@provider_option
@json_option
def command(shot: str, path: Path, provider: str | None, as_json: bool) -> None:
    """End the hold on SHOT: takes `hold: true` out of the storyboard.

    The next build makes the shot if its request has changed meanwhile.
    """
    speaker = CommandOutput("release", as_json=as_json)
    project = read_project(path, provider)
    held = generated_shot(checked(speaker, project), shot).hold
    edit = edited(speaker, project, shot, {"hold": None} if held else {})
    write_hold(speaker, project, provider, shot, edit, "it is made again when its request changes", {})
