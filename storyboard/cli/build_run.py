"""A build run by a verb: provider accounts, approval of the price, progress on the terminal, and the exit code.

Keys come from ``process.key_in``, or from a file that is named in the environment.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storyboard.cli.open_session import warn_of_left_jobs
from storyboard.cli.options import read_number
from storyboard.cli.output import (
    EXIT_BY_CODE,
    CommandOutput,
    Exit,
    ExitWith,
    paint_note,
    print_note,
    problem,
    stderr_console,
    terminal_width,
)
from storyboard.cli.process import exit_now, key_in
from storyboard.core.build_events import DECISION_CODES, BuildResult, Event, Listener, Notice
from storyboard.core.plan import Plan
from storyboard.core.results import dollars
from storyboard.durable import read_regular
from storyboard.engine.build import FinishedBuild, OutputRefused, run_build
from storyboard.engine.session import Session
from storyboard.providers.base import UnknownProvider, find
from storyboard.providers.errors import Secret
from storyboard.providers.poller import FIRST_QUERY_S
from storyboard.report.build_result import decision_code, is_left_out
from storyboard.report.plan import plan_text, price
from storyboard.report.progress import LiveProgress, PlainProgress
from storyboard.report.text import clean_lines
from storyboard.store.journal import Job

if TYPE_CHECKING:
    from rich.console import Console

    from storyboard.engine.paid.generator import PaidOptions, ProviderAccount

_DEFAULT_JOBS = 4
_NO_KEY = "add `--draft` for a free animatic, or set the key"


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
    verbose: bool = False,
) -> FinishedBuild:
    """Ask for approval if *plan* costs money, call *on_approval*, then build.

    *capped* says that the command line limits the cost. Ends the verb if the build is not approved.
    """
    paid = None
    warn_of_left_jobs(output, session)
    needed = session.remote_providers(plan)
    orphans = [] if offline else session.orphaned_jobs(plan)
    if needed or orphans:
        paid = read_paid_options(output, {*needed, *(job.provider for job in orphans)}, at_once)
        _leave_out_without_key(output, paid, orphans, needed)
        _require_keys(output, paid)
        confirm(
            output,
            plan,
            plan_text(
                plan,
                session.storyboard,
                paint_note,
                prices=session.prices,
                selected=session.selected,
                width=terminal_width(sys.stderr),
            ),
            session.options.cap,
            yes=yes,
            capped=capped,
        )
    on_approval()
    return _build_with_progress(output, session, plan, paid, verbose=verbose)


def build_free(output: CommandOutput, session: Session, plan: Plan, *, verbose: bool = False) -> FinishedBuild:
    """Build *plan*, which costs nothing. No provider is opened: nothing is submitted, resumed or downloaded."""
    return _build_with_progress(output, session, plan, None, verbose=verbose)


def _leave_out_without_key(
    output: CommandOutput, paid: "PaidOptions", orphans: Sequence[Job], needed: Sequence[str]
) -> None:
    """Leave out the providers without a key that only orphaned jobs need: no shot waits for these."""
    for job in orphans:
        account = paid.accounts.get(job.provider)
        if job.provider not in needed and account is not None and account.key is None:
            del paid.accounts[job.provider]
            variable = find(job.provider).key_variable
            text = f"the take of the paid job {job.task_id} for {job.shot} is not collected: {variable} is not set"
            output.warn("job-left", text, f"set {variable}, or {variable}_FILE, and build again to collect it")


def _require_keys(output: CommandOutput, paid: "PaidOptions") -> None:
    """End the verb if a provider has no key, before a price is shown that cannot be paid."""
    from storyboard.engine.paid.generator import no_key_text

    texts = [no_key_text(find(name)) for name, account in paid.accounts.items() if account.key is None]
    if texts:
        output.fail(Exit.KEY, [problem("auth", text, _NO_KEY) for text in texts])


def _build_with_progress(
    output: CommandOutput, session: Session, plan: Plan, paid: "PaidOptions | None", *, verbose: bool
) -> FinishedBuild:
    console = stderr_console() if output.has_progress else None
    try:
        if console is not None and console.is_terminal:
            with LiveProgress(console, plan, verbose=verbose) as live:
                return run_build(
                    session, _warning(output, live), paid, watch=live.watch, abort=partial(_abort, console)
                )
        progress = PlainProgress(output.progress, verbose=verbose)
        return run_build(session, _warning(output, progress), paid, abort=exit_now)
    except OutputRefused as refused:
        output.fail(Exit.FAILED, [problem("output", f"the film cannot be written: {refused}")])


def _abort(console: "Console", code: int) -> None:
    """End the process at once, with the cursor that the progress has hidden."""
    console.show_cursor(True)
    exit_now(code)


def _warning(output: CommandOutput, show: Listener) -> Listener:
    """Return a listener that passes warnings to *output*, which prints them also if it is quiet or JSON."""

    def hear(event: Event) -> None:
        if isinstance(event, Notice) and event.code:
            output.warn(event.code, clean_lines(event.text))
        else:
            show(event)

    return hear


def exit_code(outcome: BuildResult, asked: Collection[str] | None = None) -> int:
    """Return the exit code of a build; with *asked* only the actions with these ids count.

    It is that of its signal, of the first failure in ``EXIT_BY_CODE``, of any other failure, of a take that needs a
    decision, or of a shot that was left out, in this order.
    """
    if outcome.stopped_by:
        return 128 + outcome.stopped_by
    failed = [name for name in outcome.failed if asked is None or name in asked]
    blocked = [step for name, step in outcome.blocked.items() if asked is None or name in asked]
    codes = {outcome.codes.get(name, "failed") for name in failed}
    codes |= {decided for step in blocked if (decided := decision_code(step)) is not None}
    for failure, code in EXIT_BY_CODE.items():
        if failure in codes:
            return code
    if codes - DECISION_CODES:
        return Exit.FAILED
    if codes:
        return Exit.DECISION
    return Exit.FAILED if any(is_left_out(step) for step in blocked) else Exit.DONE


def read_paid_options(output: CommandOutput, providers: Iterable[str], jobs: int | None) -> "PaidOptions":
    """Return options and accounts for *providers* from the environment. Ends the verb on invalid values."""
    from storyboard.engine.paid.generator import PaidOptions, Timeouts

    text = os.environ.get("STORYBOARD_POLL_INTERVAL", "")
    try:
        interval = read_number(text) if text else FIRST_QUERY_S
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
    except UnknownProvider as unknown:
        text = f"the provider `{name}` {unknown.reason}, and a shot needs it"
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
        return read_regular(file, follow=True).decode().strip()
    except (OSError, UnicodeDecodeError) as bad:
        reason = bad.strerror if isinstance(bad, OSError) else "not UTF-8 text"
        # The variable may hold the key itself in place of a path: a text that leads to no file is not printed.
        shown = f"{file}: " if os.path.lexists(file) or (file.is_absolute() and file.parent.is_dir()) else ""
        hint = f"write the path of a file that holds the key; a key itself stands in `{variable}`"
        output.fail(Exit.KEY, [problem("auth", f"{variable}_FILE: {shown}{reason}", hint)])


def confirm(output: CommandOutput, plan: Plan, text: str, cap: Decimal | None, *, yes: bool, capped: bool) -> None:
    """Print the plan and its price and ask once; without a terminal, require ``--yes`` and a cap.

    *capped* says that the command line has a cap: the storyboard's budget lowers a cap but is none by itself.
    """
    if not plan.cost_at_most():
        return
    terminal = sys.stdin.isatty() and sys.stderr.isatty() and not output.as_json
    if not terminal and not (yes and capped):
        hint = "add `--yes --max-cost DOLLARS`, or approve a plan file and name it with `--plan`"
        output.fail(
            Exit.DECLINED,
            [
                problem(
                    "unconfirmed",
                    f"this build needs approval, but there is no terminal: {price(plan)}",
                    hint,
                )
            ],
            # the commands for this code build the film, which `take` was not asked to do
            next_commands=[] if output.command == "build" else ["storyboard plan"],
        )
    output.progress(text)
    if yes:
        return
    limit = f", capped at {dollars(cap)}" if cap is not None else ""
    if not _is_confirmed(f"Spend? {price(plan).capitalize()}{limit}"):
        print_note("nothing was bought")
        raise ExitWith(Exit.DECLINED)


def _is_confirmed(question: str) -> bool:
    """Ask, and return whether the answer is yes. The end of the input is a no; Ctrl-C raises ``click.Abort``."""
    try:
        return click.confirm(question, err=True)
    except click.Abort as ended:
        if not isinstance(ended.__context__, EOFError):
            raise
        print_note("")
        return False
