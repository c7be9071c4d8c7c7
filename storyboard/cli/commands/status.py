"""``storyboard status``: print which takes exist and which are stale."""

import sys
from pathlib import Path

import click

from storyboard.animatic.request import read_prompts
from storyboard.cli.open_session import open_session, warn_of_left_jobs
from storyboard.cli.options import (
    draft_option,
    json_option,
    panels_option,
    provider_name,
    provider_option,
    storyboard_argument,
)
from storyboard.cli.output import CommandOutput, paint, terminal_width
from storyboard.cli.process import QUICK_EXIT, GcPause
from storyboard.cli.project import read_project, require_valid
from storyboard.cli.project_root import display_path
from storyboard.core.model import maker_of
from storyboard.engine.session import BuildOptions
from storyboard.fastpath.plan_cache import read_cached_plan
from storyboard.report.status import DisplayedFilms, status_data, status_text

_OLD_FILM = "is no output any more; delete it if you do not need it"
_EARLY_DRAFT = "holds animatics of an earlier version; the final film replaces it"


@click.command("status", epilog="Example: storyboard status --json")
@storyboard_argument
@provider_option
@draft_option
@panels_option
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    envvar="STORYBOARD_VERBOSE",
    help="Print what a drawing takes from every prompt, and not, and why frames are encoded.",
)
@json_option
def command(path: Path, provider: str | None, draft: bool, panels: bool, verbose: bool, as_json: bool) -> None:
    """Show the take of every shot, whether it matches the current request, and whether the film is up to date.

    For shots that are drawn, also shows what the drawing takes from the prompt. Read-only, no network requests.
    """
    output = CommandOutput("status", as_json=as_json)
    with GcPause():
        _print_status(output, path, provider_name(provider, draft=draft, panels=panels), verbose=verbose)


def _print_status(output: CommandOutput, path: Path, provider: str | None, *, verbose: bool) -> None:
    project = read_project(path, provider, recall=read_cached_plan)
    storyboard = require_valid(output, project)
    with open_session(output, project, storyboard, BuildOptions()) as session:
        plan = session.plan()
        warn_of_left_jobs(output, session)
        store = session.store
        drafts = {one.name: store.root / one.written.draft.film for one in storyboard.outputs if not one.is_draft}
        early = {file.path: _EARLY_DRAFT for file in store.final_films() if file.reported}
        leftovers = {file.path: _OLD_FILM for file in store.old_films()} | early
        films = DisplayedFilms(
            paths={name: display_path(path) for name, path in store.films.items()},
            missing={name for name, path in store.films.items() if not path.is_file()},
            drafts={name: display_path(path) for name, path in drafts.items() if path.is_file()},
            old={display_path(store.root / name): text for name, text in leftovers.items()},
        )
        locked = {shot.id: store.locked(shot.id, maker_of(shot.source) or "") for shot in storyboard.shots()}
    QUICK_EXIT.keep(project, session, plan)
    next_commands = [] if plan.nothing_to_do() else ["storyboard plan", "storyboard build"]
    readings = read_prompts(storyboard.shots(), every=verbose)
    if output.as_json:
        output.result("", status_data(plan, storyboard, locked, films, readings), next_commands=next_commands)
        return
    width = terminal_width(sys.stdout)
    text = status_text(plan, storyboard, locked, films, paint, width, readings, verbose=verbose)
    output.result(text, None, next_commands=next_commands)
