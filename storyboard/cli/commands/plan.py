"""``storyboard plan``: print the steps of a build, their reasons and their cost."""

import shlex
import sys
from pathlib import Path

import click

from storyboard.cli.open_session import open_session, require_shots, warn_of_left_jobs
from storyboard.cli.options import (
    fill_option,
    fill_style,
    json_option,
    plan_options,
    provider_name,
    selection_arguments,
    verbose_option,
)
from storyboard.cli.output import CommandOutput, paint, terminal_width
from storyboard.cli.plan_files import current_plan_file, write_plan
from storyboard.cli.process import QUICK_EXIT, GcPause
from storyboard.cli.project import read_project, require_valid
from storyboard.core.fill import FillStyle
from storyboard.engine.session import BuildOptions
from storyboard.fastpath.plan_cache import read_cached_plan
from storyboard.report.plan import filled_data, filled_text, plan_data, plan_text
from storyboard.report.text import clean


@click.command("plan", epilog="Example: storyboard plan examples/mangrove river")
@selection_arguments
@plan_options
@fill_option
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan to this file, for `build --plan`."
)
@json_option
@verbose_option
def command(
    path: Path,
    provider: str | None,
    draft: bool,
    panels: bool,
    select: tuple[str, ...],
    remake: tuple[str, ...],
    fill: str | None,
    out: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Show what a build would make and why, field by field, and what it would cost; with SHOT, of a part of the film.

    Read-only unless --out is given; no network requests.
    """
    output = CommandOutput("plan", as_json=as_json)
    maker = provider_name(provider, draft=draft, panels=panels)
    others = {"--draft": draft, "--panels": panels, "--select": select, "--remake": remake, "--out": out}
    style = fill_style(fill, others)
    with GcPause():
        _print_plan(output, path, maker, BuildOptions(select, remake, fill=style), out, verbose=verbose)


def _print_plan(
    output: CommandOutput, path: Path, maker: str | None, choices: BuildOptions, out: Path | None, *, verbose: bool
) -> None:
    project = read_project(path, maker, recall=read_cached_plan)
    written = storyboard = require_valid(output, project)
    with open_session(output, project, storyboard, choices) as session:
        if choices.fill is not None:
            require_shots(output, session.fill_before(choices.fill), storyboard)
        plan, storyboard = session.plan(), session.storyboard
        warn_of_left_jobs(output, session)
        if out is not None:
            write_plan(out, current_plan_file(session, plan, maker))
            output.progress(clean(f"wrote the plan to {out}; run `{_build_command(out)}` to carry it out"))
    QUICK_EXIT.keep(project, session, plan)
    next_commands = [] if plan.nothing_to_do() else [_build_command(out, choices.fill)]
    width = terminal_width(sys.stdout)
    text = (
        ""
        if output.as_json
        else plan_text(
            plan,
            storyboard,
            paint,
            prices=session.prices,
            selected=session.selected,
            verbose=verbose,
            width=width,
        )
    )
    data = plan_data(plan, storyboard, session.prices) if output.as_json else None
    if session.filled is not None:
        data = data | {"fill": filled_data(session.filled, written)} if data is not None else None
        text = f"{clean(storyboard.output.film)}, {filled_text(session.filled, written)}\n{text}" if text else text
    output.result(text, data, next_commands=next_commands)


def _build_command(out: Path | None, fill: FillStyle | None = None) -> str:
    more = f" --plan {shlex.quote(str(out))}" if out else f" --fill {fill}" if fill else ""
    return f"storyboard build{more}"
