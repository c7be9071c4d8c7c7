"""``storyboard take``: make more takes of a shot, with unused seeds."""

import secrets
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from storyboard.cli.build_run import exit_code, run_approved
from storyboard.cli.editing import Edit, make_edit, read_edited, write_edit
from storyboard.cli.open_session import open_session, plan_next_build, report_lock_owner
from storyboard.cli.options import (
    WholeNumber,
    draft_option,
    find_generated_shot,
    jobs_option,
    json_option,
    lowest_cap,
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
from storyboard.core.diagnostics import Severity
from storyboard.core.model import Generated, Storyboard
from storyboard.core.plan import Plan
from storyboard.core.results import money_data
from storyboard.engine.generators import LOCAL
from storyboard.engine.session import BuildOptions, Session
from storyboard.engine.takes import ShotTakes, fresh_seeds
from storyboard.report.build_result import decision_code, failure_lines, outcome_data, spent_text
from storyboard.report.reason import reason_text
from storyboard.report.takes import takes_data, takes_text
from storyboard.report.text import listed

MAX_TAKES = 100


@click.command("take", epilog="Example: storyboard take glide -n 4 --max-cost 4")
@shot_argument
@storyboard_argument
@click.option("-n", "--count", type=WholeNumber(1, MAX_TAKES), default=1, show_default=True, help="Number of takes.")
@provider_option
@draft_option
@jobs_option
@max_cost_option
@yes_option
@click.option("--write", is_flag=True, envvar="STORYBOARD_WRITE", help="Write seeds of free animatics too.")
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
    write: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make alternate takes of SHOT with new seeds, and nothing else.

    Seeds that a provider sells are added to the `takes` of SHOT in the storyboard. Seeds of free animatics are not,
    because the next paid build would buy a take of each; --write adds them. The take in the cut stays; `storyboard
    pick` chooses another.
    """
    output = CommandOutput("take", as_json=as_json, quiet=quiet)
    name = provider_name(provider, draft=draft)
    project = read_project(path, name, remember=True)
    storyboard = require_valid(output, project)
    edit, seeds = _add_seeds(output, project, storyboard, shot, count)
    changed, storyboard = read_edited(output, project, edit, name)
    wanted = edit if write or not _is_free(storyboard, shot) else None
    cap = lowest_cap(max_cost, storyboard.budget)
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
            on_approval=lambda: write_edit(output, wanted) if wanted is not None else None,
        )
        _print_result(output, session, finished.result, shot, seeds, wanted, path)


def draw(below: int) -> int:
    """Return a random number from 0 to *below* - 1."""
    return secrets.randbelow(below)


def _is_free(storyboard: Storyboard, shot: str) -> bool:
    """Return whether this program draws the takes of a shot."""
    source = storyboard.shot(shot).source
    return isinstance(source, Generated) and source.provider == LOCAL


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
        if step.action.shot == shot and step.do == "blocked" and decision_code(step) is None:
            command = f"storyboard build --select +{shot}"
            error = problem(
                "upstream",
                f"{shot}: {reason_text(step)}; nothing was changed",
                f"run `{command}` to make what is missing",
            )
            output.fail(Exit.FAILED, [error], next_commands=[command])


def _print_result(
    output: CommandOutput,
    session: Session,
    outcome: BuildResult,
    shot: str,
    seeds: Sequence[int],
    edit: Edit | None,
    path: Path,
) -> None:
    takes = ShotTakes(session, shot)
    data = takes_data(shot, takes.takes, takes.missing_seeds())
    data |= {
        "seeds": list(seeds),
        "file": display_path(edit.file) if edit is not None else None,
        "build": outcome_data(outcome, session.storyboard, 0.0, display_path),
    }
    named = f"seed{'s' if len(seeds) > 1 else ''} {listed(map(str, seeds))}"
    lines = [] if output.has_progress else failure_lines(outcome)
    if edit is not None:
        lines.append(f"wrote {named} into {display_path(edit.file)}{spent_text(outcome) if outcome.cost else ''}")
    else:
        lines.append(f"made animatics with {named}; they are not in the storyboard, and no paid build buys them")
    lines.append(takes_text(shot, takes.takes, takes.missing_seeds(), paint))
    paid = _next_paid_build(output, path, shot) if edit is not None and _is_free(session.storyboard, shot) else None
    if paid is not None:
        lines.append(f"with {paid[0]}, {paid[2]}")
        data["next_paid"] = {"provider": paid[0], "cost": money_data(paid[1].cost())}
    code = exit_code(outcome, takes.actions(seeds))
    if code != Exit.DONE and output.as_json:
        errors: list[dict[str, Any]] = [
            problem(outcome.codes.get(name, "failed"), f"{name}: {why}") for name, why in outcome.failed.items()
        ]
        output.fail(code, errors, data=data, next_commands=["storyboard build"])
    output.result("\n".join(lines), data, next_commands=[f"storyboard pick {shot} TAKE"])
    if code != Exit.DONE:
        raise ExitWith(code)


def _next_paid_build(output: CommandOutput, path: Path, shot: str) -> tuple[str, Plan, str] | None:
    """Return a paid provider of the shot, and the plan and summary of the next build with it; ``None`` without one."""
    project = read_project(path)
    source = project.storyboard.shot(shot).source if project.storyboard is not None else None
    if not isinstance(source, Generated):
        return None
    sold_by = (name for name in project.cards[source.model].providers if name != LOCAL)
    provider = source.provider if source.provider != LOCAL else next(sold_by, None)
    if source.provider != provider:
        project = read_project(path, provider)
    if (
        provider is None
        or project.storyboard is None
        or any(one.severity is Severity.ERROR for one in project.findings)
    ):
        return None
    return (provider, *plan_next_build(output, project, project.storyboard))
