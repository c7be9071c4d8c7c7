"""``storyboard ls``: list the shots of the film."""

import sys
from pathlib import Path

import click

from storyboard.animatic.request import read_prompts
from storyboard.cli.open_session import open_session
from storyboard.cli.options import json_option, provider_name, provider_option, select_option, selection_arguments
from storyboard.cli.output import CommandOutput, paint, print_file, terminal_width
from storyboard.cli.project import read_project, require_valid
from storyboard.core.model import maker_of
from storyboard.core.selection import select as select_shots
from storyboard.engine.session import BuildOptions
from storyboard.fastpath.plan_cache import read_cached_plan
from storyboard.report.ls import ls_csv, ls_data, ls_markdown, ls_text, shot_rows


@click.command("ls", epilog="Example: storyboard ls --format csv > shots.csv")
@selection_arguments
@select_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "markdown", "json"]),
    default="table",
    help="A table for the terminal, CSV for spreadsheets, or a Markdown table.",
)
@provider_option
@json_option
def command(path: Path, select: tuple[str, ...], form: str, provider: str | None, as_json: bool) -> None:
    """List the shots of the film: number, place and length in it, state, cost and prompt.

    Timecodes are hours:minutes:seconds:frames of the first film; `out` is the frame after the last one. Read-only, no
    network requests.
    """
    output = CommandOutput("ls", as_json=as_json or form == "json")
    project = read_project(path, provider_name(provider, draft=False), recall=read_cached_plan)
    storyboard = require_valid(output, project)
    with open_session(output, project, storyboard, BuildOptions()) as session:
        chosen = select_shots(session.graph, select) if select else None
        locked = {shot.id: session.store.locked(shot.id, maker_of(shot.source) or "") for shot in storyboard.shots()}
        rows = shot_rows(session.plan(), storyboard, locked, chosen)
    if form in ("csv", "markdown") and not output.as_json:
        print_file(ls_csv(rows) if form == "csv" else f"{ls_markdown(rows)}\n")
        return
    text = ls_text(rows, paint, terminal_width(sys.stdout))
    output.result(text, ls_data(rows, read_prompts(row.shot for row in rows)) if output.as_json else None)
