"""``storyboard plan``: what a build would make, why, and what it would cost."""

from pathlib import Path

import click

from storyboard.cli.options import choosing, json_option, provider_name, storyboard_argument, verbose_option
from storyboard.cli.output import Speaker, paint
from storyboard.cli.project import checked, read_project
from storyboard.cli.session import opened


@click.command("plan", epilog="Example: storyboard plan examples/mangrove --select scene:river")
@storyboard_argument
@choosing
@json_option
@verbose_option
def command(
    path: Path,
    provider: str | None,
    draft: bool,
    select: tuple[str, ...],
    remake: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> None:
    """Show what a build would make and why, field by field, and what it would cost.

    Writes nothing and calls nobody.
    """
    from storyboard.build.session import Choices
    from storyboard.report.plans import plan_data, plan_text

    speaker = Speaker("plan", as_json=as_json)
    project = read_project(path, provider_name(provider, draft=draft))
    storyboard = checked(speaker, project)
    with opened(speaker, project, storyboard, Choices(select, remake)) as session:
        plan = session.plan()
    follow = [] if plan.nothing_to_do() else ["storyboard build"]
    speaker.result(plan_text(plan, storyboard, paint, verbose=verbose), plan_data(plan), follow=follow)
