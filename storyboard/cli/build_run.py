"""A build run by a verb: provider accounts, approval of the price, progress on the terminal, and the exit code.

Keys come from ``process.key_in``, or from a file that is named in the environment.
"""

import os
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storyboard.cli.output import (
    EXIT_BY_CODE,
    CommandOutput,
    Exit,
    ExitWith,
    paint,
    print_note,
    problem,
    stderr_console,
)
from storyboard.cli.process import exit_now, key_in
from storyboard.core.build_events import BuildResult
from storyboard.core.plan import Plan
from storyboard.core.results import dollars
from storyboard.engine.build import FinishedBuild, OutputRefused, run_build
from storyboard.engine.session import Session
from storyboard.providers.base import UnknownProvider, find
from storyboard.providers.errors import Secret
from storyboard.providers.poller import FIRST_QUERY_S
from storyboard.report.build_result import is_left_out
from storyboard.report.plan import plan_text, price
from storyboard.report.progress import LiveProgress, PlainProgress

if TYPE_CHECKING:
    from storyboard.engine.paid.generator import PaidOptions, ProviderAccount

_DEFAULT_JOBS = 4


def run_approved(
    output: CommandOutput,
    session: Session,
    plan: Plan,
    *,
    yes: bool,
    capped: bool,
    at_once: int | None,
    offline: bool = False,
    on_approval: Callable[[], None] = lambda: None,
) -> FinishedBuild:
    """Ask for approval if *plan* costs money, call *on_approval*, then build.

    *capped* says that the command line limits the cost. Ends the verb if the build is not approved.
    """
    paid = None
    orphans = [] if offline else session.orphaned_jobs(plan)
    if session.remote_shots(plan) or orphans:
        providers = {*session.remote_providers(plan), *(job.provider for job in orphans)}
        paid = read_paid_options(output, providers, at_once)
        confirm(output, plan, plan_text(plan, session.storyboard, paint), session.options.cap, yes=yes, capped=capped)
    on_approval()
    return _build_with_progress(output, session, plan, paid)


def _build_with_progress(
    output: CommandOutput, session: Session, plan: Plan, paid: "PaidOptions | None"
) -> FinishedBuild:
    console = None if output.as_json or output.quiet else stderr_console()
    try:
        if console is not None and console.is_terminal:
            with LiveProgress(console, plan) as live:
                return run_build(session, live, paid, watch=live.watch, abort=exit_now)
        return run_build(session, PlainProgress(output.progress), paid, abort=exit_now)
    except OutputRefused as refused:
        output.fail(Exit.FAILED, [problem("output", f"the film cannot be written: {refused}")])


def exit_code(outcome: BuildResult) -> int:
    """Return the exit code of a build: of its signal, of the first failure in ``EXIT_BY_CODE``, or of any failure."""
    if outcome.stopped_by:
        return 128 + outcome.stopped_by
    codes = set(outcome.codes.values())
    for failure, code in EXIT_BY_CODE.items():
        if failure in codes:
            return code
    left_out = any(is_left_out(step) for step in outcome.blocked.values())
    return Exit.FAILED if outcome.failed or left_out else Exit.DONE


def read_paid_options(output: CommandOutput, providers: Iterable[str], jobs: int | None) -> "PaidOptions":
    """Return options and accounts for *providers* from the environment. Ends the verb on invalid values."""
    from storyboard.engine.paid.generator import PaidOptions, Timeouts

    text = os.environ.get("STORYBOARD_POLL_INTERVAL", "")
    try:
        interval = float(text) if text else FIRST_QUERY_S
        if not 0 < interval <= 3600:
            raise ValueError(text)
    except ValueError:
        raise click.UsageError(
            f"STORYBOARD_POLL_INTERVAL must be a number of seconds, at most 3600, not {text!r}"
        ) from None
    accounts = {name: _read_account(output, name) for name in sorted(providers)}
    return PaidOptions(accounts, jobs or _DEFAULT_JOBS, Timeouts(interval_s=interval))


def _read_account(output: CommandOutput, name: str) -> "ProviderAccount":
    from storyboard.engine.paid.generator import ProviderAccount
    from storyboard.providers.api_client import check_endpoint

    try:
        variable = find(name).key_variable
    except UnknownProvider:
        text = f"the provider `{name}` is not installed, and a shot or an open job needs it"
        output.fail(Exit.FAILED, [problem("provider", text, "install its package in the environment of storyboard")])
    stem = variable.removesuffix("_API_KEY")
    endpoint = os.environ.get(f"{stem}_BASE_URL") or None
    if endpoint is not None:
        try:
            check_endpoint(endpoint)
        except ValueError as bad:
            raise click.UsageError(f"{stem}_BASE_URL: {bad}") from None
    key = key_in(variable)
    file = os.environ.get(f"{variable}_FILE", "")
    if not key and file:
        key = _read_key(output, variable, Path(file))
    return ProviderAccount(endpoint, Secret(key) if key else None)


def _read_key(output: CommandOutput, variable: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as bad:
        reason = bad.strerror if isinstance(bad, OSError) else "not UTF-8 text"
        output.fail(Exit.KEY, [problem("auth", f"{variable}_FILE: {file}: {reason}")])


def confirm(output: CommandOutput, plan: Plan, text: str, cap: Decimal | None, *, yes: bool, capped: bool) -> None:
    """Print the plan and its price and ask once; without a terminal, require ``--yes`` and a cap.

    *capped* says that the command line has a cap: the storyboard's budget lowers a cap but is none by itself.
    """
    if not plan.cost():
        return
    terminal = sys.stdin.isatty() and sys.stderr.isatty() and not output.as_json
    if not terminal and not (yes and capped):
        hint = "add `--yes --max-cost DOLLARS`, or approve a plan file and name it with `--plan`"
        output.fail(
            Exit.USAGE,
            [
                problem(
                    "unconfirmed",
                    f"this build costs up to {dollars(plan.cost())} and needs approval, but there is no terminal",
                    hint,
                )
            ],
        )
    output.progress(text)
    if yes:
        return
    limit = f", capped at {dollars(cap)}" if cap is not None else ""
    if not click.confirm(f"Spend? {price(plan).capitalize()}{limit}", err=True):
        print_note("nothing was bought")
        raise ExitWith(Exit.DONE)
