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
    unknown_shot,
)
from storyboard.cli.output import CommandOutput, paint
from storyboard.cli.project import read_project, require_valid
from storyboard.engine.session import BuildOptions, Session
from storyboard.engine.takes import ShotTakes, removed_takes
from storyboard.report.takes import takes_data, takes_text


@click.command("takes", epilog="Example: storyboard takes glide")
@shot_argument
@storyboard_argument
@provider_option
@json_option
def command(shot: str, path: Path, provider: str | None, as_json: bool) -> None:
    """List every take that was ever made for SHOT: its seed, its date, its provider, its cost.

    Marks the take in the cut, and the fields in which the request of a take differs from the current one. A shot that
    was removed from the storyboard is listed too, if the cache has takes of it. Read-only, no network requests.
    """
    output = CommandOutput("takes", as_json=as_json)
    project = read_project(path, provider_name(provider, draft=False))
    storyboard = require_valid(output, project)
    is_removed = shot not in {known.id for known in storyboard.shots()}
    if not is_removed:
        find_generated_shot(storyboard, shot)
    with open_session(output, project, storyboard, BuildOptions()) as session:
        if is_removed:
            _list_removed(output, session, shot)
            return
        found = ShotTakes(session, shot)
        missing = found.missing_seeds()
    next_commands = [f"storyboard pick {shot} TAKE"] if len(found.takes) > 1 else [f"storyboard take {shot}"]
    text = takes_text(shot, found.takes, missing, paint)
    output.result(text, takes_data(shot, found.takes, missing), next_commands=next_commands)


def _list_removed(output: CommandOutput, session: Session, shot: str) -> None:
    """List the takes of a shot that the storyboard has no more. Raises ``click.UsageError`` if there are none."""
    takes = removed_takes(session.store, shot)
    if not takes:
        raise unknown_shot(shot, [known.id for known in session.storyboard.shots()])
    hint = f"write a shot with the id `{shot}` and the earlier request to use them again, free of charge"
    output.warn("removed-shot", f"the shot `{shot}` is not in the storyboard; its takes are in the cache", hint)
    text = takes_text(shot, takes, (), paint)
    output.result(text, takes_data(shot, takes, ()), next_commands=["storyboard cache ls"])
