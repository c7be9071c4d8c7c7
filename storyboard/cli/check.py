"""``storyboard check``: everything that is wrong with a storyboard, offline, all at once."""

from pathlib import Path

import click

from storyboard.cli.options import json_option, provider_option, quiet_option, storyboard_argument
from storyboard.cli.output import Speaker
from storyboard.cli.project import checked, read_project


@click.command("check", epilog="Example: storyboard check examples/mangrove")
@storyboard_argument
@provider_option
@json_option
@quiet_option
def command(path: Path, provider: str | None, as_json: bool, quiet: bool) -> None:
    """Find what is wrong with a storyboard: its text, its links, its files, and what the model cannot do.

    Needs no key and no network. Ends with 3 if there is an error; warnings do not count.
    """
    from storyboard.report.findings import as_data

    speaker = Speaker("check", as_json=as_json, quiet=quiet)
    project = read_project(path, provider)
    storyboard = checked(speaker, project)
    shots = sum(1 for _ in storyboard.shots())
    data = {"shots": shots, "files": project.files, "findings": as_data(project.findings)}
    speaker.result("" if quiet else f"{project.files[0]}: {shots} shots, no errors", data, follow=["storyboard plan"])
