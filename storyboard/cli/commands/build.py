"""``storyboard build``: make changed shots, then the film."""

import time
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from storyboard.cli.build_run import exit_code, run_approved
from storyboard.cli.noop_answers import NoopQuestion, write_noop_note
from storyboard.cli.open_session import open_session, report_lock_owner, require_shots
from storyboard.cli.options import (
    fill_option,
    fill_style,
    jobs_option,
    json_option,
    lowest_cap,
    max_cost_option,
    plan_options,
    provider_name,
    quiet_option,
    selection_arguments,
    verbose_option,
    worker_count,
    yes_option,
)
from storyboard.cli.output import CommandOutput, Exit, ExitWith, commands_for, paint, problem
from storyboard.cli.plan_files import current_plan_file, fail_on_drift, read_plan
from storyboard.cli.process import GcPause
from storyboard.cli.project import read_project, require_valid
from storyboard.cli.project_root import display_path
from storyboard.core.build_events import BuildResult
from storyboard.core.model import Storyboard
from storyboard.core.plan import Plan
from storyboard.engine.session import BuildOptions, Session
from storyboard.report.build_result import decision_code, outcome_data, outcome_text
from storyboard.report.plan import plan_data, summary
from storyboard.report.reason import reason_text
from storyboard.report.text import listed


@click.command("build", epilog="Example: storyboard build examples/mangrove --draft -j 4")
@selection_arguments
@plan_options
@jobs_option
@fill_option
@max_cost_option
@yes_option
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="STORYBOARD_PLAN",
    help="Build as in this file of `plan --out`; refuse if anything differs from it.",
)
@click.option(
    "--partial",
    is_flag=True,
    envvar="STORYBOARD_PARTIAL",
    help="Make a draft in which shots that are missing after the build are drawn.",
)
@click.option("--locked", is_flag=True, envvar="STORYBOARD_LOCKED", help="Refuse if the lockfile would change.")
@click.option(
    "--offline", is_flag=True, envvar="STORYBOARD_OFFLINE", help="Make no network requests; use only local files."
)
@json_option
@quiet_option
@verbose_option
def command(
    path: Path,
    provider: str | None,
    draft: bool,
    panels: bool,
    select: tuple[str, ...],
    remake: tuple[str, ...],
    jobs_count: int | None,
    fill: str | None,
    max_cost: Decimal | None,
    yes: bool,
    plan_file: Path | None,
    partial: bool,
    locked: bool,
    offline: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Make the shots that have changed, then join the film. With SHOT only those: shots, scenes, tags or patterns.

    Earlier results are reused. A failed shot does not stop the others. After Ctrl-C, the next build continues. Exit
    code 1: a shot or the film failed; 8: nothing failed, but a take waits for your decision; 9: the price was not
    approved; `storyboard --explain CODE` for each.
    """
    output = CommandOutput("build", as_json=as_json, quiet=quiet)
    maker = provider_name(provider, draft=draft, panels=panels)
    question = NoopQuestion.now(maker)
    approved = read_plan(plan_file) if plan_file is not None else None
    if approved is not None:
        if maker or select or remake:
            raise click.UsageError(
                "--plan sets what is made; remove --provider, --draft, --panels, --select and --remake"
            )
        maker, select, remake = approved.choice.provider, approved.choice.select, approved.choice.remake
    drawn = {"--draft": draft, "--panels": panels}
    others = {**drawn, "--select": select, "--remake": remake, "--plan": plan_file, "--partial": partial}
    style = fill_style(fill, others)
    project = read_project(path, maker, remember=True)
    storyboard = require_valid(output, project)
    cap = lowest_cap(max_cost, storyboard.budget, Decimal(approved.cost) if approved is not None else None)
    choices = BuildOptions(
        select,
        remake,
        worker_count(jobs_count),
        partial,
        cap,
        locked=locked,
        offline=offline and partial,
        fill=style,
    )
    began, lasting = time.monotonic(), list(output.warnings)
    with open_session(output, project, storyboard, choices, report_lock_owner) as session:
        if approved is not None:
            fail_on_drift(output, approved, current_plan_file(session, session.plan(), maker))
        if not offline:
            session.fetch_pictures()
        if style is not None:
            require_shots(output, session.fill_before(style), storyboard)
        with GcPause():
            plan = session.plan()
        if locked and style is None:
            _fail_unless_current(output, session, plan)
        if offline and not partial and style is None:
            _fail_if_remote(output, session, plan)
        capped = max_cost is not None or approved is not None
        finished = run_approved(
            output,
            session,
            plan,
            yes=yes,
            capped=capped,
            at_once=jobs_count,
            offline=offline or style is not None,
            verbose=verbose,
        )
        print_build(output, session, storyboard, finished.result, time.monotonic() - began, verbose=verbose)
        if approved is None:
            write_noop_note(question, output, project, finished, lasting)


# Codes of takes that `--remake` buys again.
_REMADE_CODES = frozenset({"another-take", "conflict", "gone", "moderated", "unknown"})


def _fail_unless_current(output: CommandOutput, session: Session, plan: Plan) -> None:
    if not session.lockfile_is_current(plan):
        text = f"the lockfile is out of date: {summary(plan, session.storyboard)}"
        hint = "build without `--locked`, and commit the lockfile"
        if _only_missing(plan):
            text = f"takes that the lockfile names are not in this cache: {summary(plan, session.storyboard)}"
            hint = "copy the cache of a machine that has them (`storyboard cache dir`), or build without `--locked`"
        next_commands = ["storyboard plan", "storyboard build"]
        output.fail(
            Exit.LOCKED,
            [problem("locked", text, hint)],
            data=plan_data(plan, session.storyboard),
            next_commands=next_commands,
        )


def _only_missing(plan: Plan) -> bool:
    """Return whether every take that a build would make is in the lockfile and missing from this cache only."""
    left = [step for step in plan.of("take") if step.result is None and not step.locked and step.action.seed is None]
    missing = ("missing", "upstream-changes", "held-missing", "locked-missing")
    return bool(left) and all(step.reason.why in missing for step in left)


def _fail_if_remote(output: CommandOutput, session: Session, plan: Plan) -> None:
    shots, pictures = session.remote_shots(plan), session.missing_pictures()
    if shots or pictures:
        needs = [f"{_named(shots)} {'needs' if len(shots) == 1 else 'need'} a remote provider"] if shots else []
        needs += [f"{_named(pictures)} must be downloaded"] if pictures else []
        text = f"cannot build offline: {', and '.join(needs)}"
        output.fail(
            Exit.FAILED,
            [problem("offline", text, "build without `--offline`, with `--draft`, or with `--fill animatic`")],
        )


def _named(names: Iterable[str]) -> str:
    return listed(f"`{name}`" for name in names)


def print_build(
    output: CommandOutput,
    session: Session,
    storyboard: Storyboard,
    outcome: BuildResult,
    seconds: float,
    *,
    verbose: bool,
) -> None:
    """Print the end of a build. Raises ``ExitWith`` unless all of its work is done."""
    data = outcome_data(outcome, storyboard, seconds, display_path)
    text = outcome_text(
        outcome,
        storyboard,
        seconds,
        display_path,
        paint,
        verbose=verbose,
        has_progress=output.has_progress,
        jobs_left=len(session.collectable_jobs()) if outcome.stopped_by else 0,
    )
    code = exit_code(outcome)
    if session.options.locked and code == Exit.DECISION:
        code = Exit.LOCKED
    if code == Exit.DONE:
        output.result(text, data)
        return
    if output.as_json:
        errors = _build_errors(outcome)
        output.fail(code, errors, data=data, next_commands=_next_commands(outcome, errors))
    output.result(text, data)
    raise ExitWith(code)


def _next_commands(outcome: BuildResult, errors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the commands that help after a build that did not do all of its work."""
    if outcome.stopped_by:
        return ["storyboard build"]
    undecided = [name for name in outcome.failed if outcome.codes.get(name) in _REMADE_CODES]
    undecided += [name for name, step in outcome.blocked.items() if decision_code(step) in _REMADE_CODES]
    remakes = [f"storyboard build --remake {name.removeprefix('take:').partition('#')[0]}" for name in undecided]
    more = commands_for(str(error["code"]) for error in errors)
    return list(dict.fromkeys([*remakes, *(more or ["storyboard status"])]))


def _build_errors(outcome: BuildResult) -> list[dict[str, Any]]:
    """Return the errors of a build: its signal, failed shots, and shots left out because of these."""
    errors = [problem("interrupted", f"stopped by signal {outcome.stopped_by}")] if outcome.stopped_by else []
    errors += [problem(outcome.codes.get(name, "failed"), f"{name}: {why}") for name, why in outcome.failed.items()]
    blocked = {name: step for name, step in outcome.blocked.items() if step.action.kind == "take"}
    return errors + [
        problem("blocked" if (code := decision_code(step)) is None else code, f"{name}: {reason_text(step)}")
        for name, step in blocked.items()
        if step.do == "blocked"
    ]
