"""What the verbs share that are about one shot: its name, and what a build would do once it has changed."""

import difflib

import click

from storyboard.cli.output import Speaker
from storyboard.cli.project import Project
from storyboard.cli.session import opened
from storyboard.core.model import Generated, Shot, Storyboard
from storyboard.core.plan import Plan

shot_argument = click.argument("shot")


def generated_shot(storyboard: Storyboard, name: str) -> Shot:
    """The shot called *name*. Raises ``click.UsageError`` if there is none, or none that a provider makes."""
    shots = {shot.id: shot for shot in storyboard.shots()}
    if name not in shots:
        near = difflib.get_close_matches(name, shots, n=1)
        raise click.UsageError(f"no shot is called {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}")
    if not isinstance(shots[name].source, Generated):
        raise click.UsageError(f"shot {name!r} has no takes: nobody generates it")
    if shots[name].skip:
        raise click.UsageError(f"shot {name!r} is skipped, so nothing is made of it")
    return shots[name]


def next_build(speaker: Speaker, project: Project, storyboard: Storyboard) -> tuple[Plan, str]:
    """What the next build would do, and that in one line."""
    from storyboard.build.session import Choices
    from storyboard.report.plans import summary

    with opened(speaker, project, storyboard, Choices()) as session:
        plan = session.plan()
    return plan, f"the next build: {summary(plan)}"
