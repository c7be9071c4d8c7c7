"""``storyboard take``: make more takes of a shot, with unused seeds."""

import secrets
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from storyboard.cli.build_run import exit_code, run_approved
from storyboard.cli.editing import Edit, make_edit, read_edited, write_edit
from storyboard.cli.open_session import open_session, report_lock_owner
from storyboard.cli.options import (
    draft_option,
    find_generated_shot,
    jobs_option,
    json_option,
    max_cost_option,
    provider_name,
    provider_option,
    quiet_option,
    shot_argument,
    storyboard_argument,
    worker_count,
    yes_option,
)
from storyboard.cli.output import CommandOutput, Exit, ExitWith, paint, problem
from storyboard.cli.project import Project, read_project, require_valid
from storyboard.cli.project_root import display_path
from storyboard.core.build_events import BuildResult
from storyboard.core.model import Storyboard
from storyboard.core.plan import Plan
from storyboard.engine.session import BuildOptions, Session
from storyboard.engine.takes import ShotTakes, fresh_seeds
from storyboard.report.build_result import GONE, failure_lines, outcome_data, spent_text
from storyboard.report.reason import reason_text
from storyboard.report.takes import takes_data, takes_text
from storyboard.report.text import listed

MAX_TAKES = 100


@click.command("take", epilog="Example: storyboard take glide -n 4 --max-cost 4")
@shot_argument
@storyboard_argument
@click.option("-n", "--count", type=click.IntRange(1, MAX_TAKES), default=1, show_default=True, help="Number of takes.")
@provider_option
@draft_option
@jobs_option
@max_cost_option
@yes_option
@json_option
@quiet_option
def command(
    shot: str,
    path: Path,
    count: int,
    provider: str | None,
    draft: bool,
    jobs_count: int | None,
    max_cost: Decimal | None,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Add new seeds to the `takes` of SHOT in the storyboard, and make only these alternate takes.

    The take in the cut stays; `storyboard pick` chooses another.
    """
    output = CommandOutput("take", as_json=as_json, quiet=quiet)
    name = provider_name(provider, draft=draft)
    project = read_project(path, name, remember=True)
    storyboard = require_valid(output, project)
    edit, seeds = _add_seeds(output, project, storyboard, shot, count)
    changed, storyboard = read_edited(output, project, edit, name)
    cap = min((sum_ for sum_ in (max_cost, storyboard.budget) if sum_ is not None), default=None)
    choices = BuildOptions((shot,), (), worker_count(jobs_count), False, cap, tuple(seeds))
    with open_session(output, changed, storyboard, choices, report_lock_owner) as session:
        session.fetch_pictures()
        plan = session.plan()
        _fail_if_blocked(output, plan, shot)
        capped = max_cost is not None
        finished = run_approved(
            output,
            session,
            plan,
            yes=yes,
            capped=capped,
            at_once=jobs_count,
            on_approval=lambda: write_edit(output, edit),
        )
        _print_result(output, session, finished.result, shot, seeds, edit)


def draw(below: int) -> int:
    """Return a random number from 0 to *below* - 1."""
    return secrets.randbelow(below)


def _add_seeds(
    output: CommandOutput, project: Project, storyboard: Storyboard, shot: str, count: int
) -> tuple[Edit, list[int]]:
    find_generated_shot(storyboard, shot)
    with open_session(output, project, storyboard, BuildOptions()) as session:
        found = ShotTakes(session, shot)
    if len(found.seeds) + count > MAX_TAKES:
        raise click.UsageError(f"{shot} already has {len(found.seeds)} seeds; a shot has at most {MAX_TAKES}")
    seeds = fresh_seeds(count, found.used_seeds(), project.cards[found.source.model].seed_range, draw)
    return make_edit(output, project, shot, {"takes": [*found.seeds, *seeds]}), seeds


def _fail_if_blocked(output: CommandOutput, plan: Plan, shot: str) -> None:
    for step in plan.of("take"):
        if step.action.shot == shot and step.do == "blocked" and step.reason.why not in GONE:
            command = f"storyboard build --select +{shot}"
            error = problem(
                "upstream",
                f"{shot}: {reason_text(step)}; nothing was changed",
                f"run `{command}` to make what is missing",
            )
            output.fail(Exit.FAILED, [error], next_commands=[command])


def _print_result(
    output: CommandOutput, session: Session, outcome: BuildResult, shot: str, seeds: Sequence[int], edit: Edit
) -> None:
    takes = ShotTakes(session, shot)
    data = takes_data(shot, takes.takes, takes.missing_seeds())
    data |= {
        "seeds": list(seeds),
        "file": display_path(edit.file),
        "build": outcome_data(outcome, session.storyboard, 0.0, display_path),
    }
    lines = failure_lines(outcome)
    lines.append(f"wrote seeds {listed(map(str, seeds))} into {display_path(edit.file)}{spent_text(outcome)}")
    lines.append(takes_text(shot, takes.takes, takes.missing_seeds(), paint))
    code = exit_code(outcome, takes.actions(seeds))
    if code != Exit.DONE and output.as_json:
        errors: list[dict[str, Any]] = [
            problem(outcome.codes.get(name, "failed"), f"{name}: {why}") for name, why in outcome.failed.items()
        ]
        output.fail(code, errors, data=data, next_commands=["storyboard build"])
    output.result("\n".join(lines), data, next_commands=[f"storyboard pick {shot} TAKE"])
    if code != Exit.DONE:
        raise ExitWith(code)
