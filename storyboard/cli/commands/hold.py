"""``storyboard hold`` and ``release``: keep the take of a shot although its request changes, and end that."""

from pathlib import Path

import click

from storyboard.cli.editing import make_edit, write_hold
from storyboard.cli.open_session import open_session
from storyboard.cli.options import (
    find_generated_shot,
    json_option,
    provider_option,
    shot_argument,
    storyboard_argument,
)
from storyboard.cli.output import CommandOutput
from storyboard.cli.project import read_project, require_valid
from storyboard.core.model import Generated
from storyboard.engine.session import BuildOptions


@click.command("hold", epilog="Example: storyboard hold glide")
@shot_argument
@storyboard_argument
@provider_option
@json_option
def command(shot: str, path: Path, provider: str | None, as_json: bool) -> None:
    """Keep the take of SHOT in the cut when its request changes; writes `hold: true` into the storyboard.

    Only --remake makes a held shot again; `storyboard release` ends the hold.
    """
    output = CommandOutput("hold", as_json=as_json)
    project = read_project(path, provider)
    storyboard = require_valid(output, project)
    source = find_generated_shot(storyboard, shot).source
    with open_session(output, project, storyboard, BuildOptions()) as session:
        locked = session.store.locked(shot, source.provider if isinstance(source, Generated) else "")
    take = f"its take (seed {locked.seed}, {locked.take[:12]}) stays" if locked is not None else "its first take stays"
    data = {"take": locked.take if locked is not None else None}
    edit = make_edit(output, project, shot, {"hold": True})
    write_hold(output, project, provider, shot, edit, f"{take} in the cut", data)


@click.command("release", epilog="Example: storyboard release glide")
@shot_argument
@storyboard_argument
@provider_option
@json_option
def release(shot: str, path: Path, provider: str | None, as_json: bool) -> None:
    """End the hold on SHOT; removes `hold: true` from the storyboard.

    The next build makes the shot if its request has changed.
    """
    output = CommandOutput("release", as_json=as_json)
    project = read_project(path, provider)
    held = find_generated_shot(require_valid(output, project), shot).hold
    edit = make_edit(output, project, shot, {"hold": None} if held else {})
    write_hold(output, project, provider, shot, edit, "it is remade when its request changes", {})
