"""``storyboard hold``: keep the take that a shot has, whatever is written about the shot."""

from pathlib import Path
from typing import Any

import click

from storyboard.cli.editing import Edit, as_edited, edited, write
from storyboard.cli.open_session import next_build, opened
from storyboard.cli.options import (
    generated_shot,
    json_option,
    provider_option,
    shot_argument,
    storyboard_argument,
)
from storyboard.cli.output import CommandOutput
from storyboard.cli.project import checked, read_project
from storyboard.cli.project_root import typed
from storyboard.core.model import Generated
from storyboard.engine.session import BuildOptions


@click.command("hold", epilog="Example: storyboard hold glide")
@shot_argument
@storyboard_argument
@provider_option
@json_option
def command(shot: str, path: Path, provider: str | None, as_json: bool) -> None:
    """Keep the take of SHOT in the cut though its request changes: writes `hold: true` into the storyboard.

    A held shot is made again only by --remake; `storyboard release` ends it.
    """

    speaker = CommandOutput("hold", as_json=as_json)
    project = read_project(path, provider)
    storyboard = checked(speaker, project)
    source = generated_shot(storyboard, shot).source
    with opened(speaker, project, storyboard, BuildOptions()) as session:
        locked = session.shelf.locked(shot, source.provider if isinstance(source, Generated) else "")
    take = f"its take (seed {locked.seed}, {locked.take[:12]}) stays" if locked is not None else "its first take stays"
    data = {"take": locked.take if locked is not None else None}
    edit = edited(speaker, project, shot, {"hold": True})
    tell_hold(speaker, path, provider, shot, edit, f"{take} in the cut", data)


def tell_hold(
    speaker: CommandOutput, path: Path, provider: str | None, shot: str, edit: Edit, said: str, data: dict[str, Any]
) -> None:
    """Write the edit of ``hold``, and tell what the next build does."""
    changed, storyboard = as_edited(speaker, path, edit, provider)
    write(speaker, edit)
    plan, then = next_build(speaker, changed, storyboard)
    wrote = f"; written into {typed(edit.file)}" if edit.changes else "; it was so before"
    data |= {"shot": shot, "hold": storyboard.shot(shot).hold, "file": typed(edit.file), "changed": edit.changes}
    follow = [] if plan.nothing_to_do() else ["storyboard plan", "storyboard build"]
    speaker.result(f"{shot}: {said}{wrote}\n{then}", data, follow=follow)
