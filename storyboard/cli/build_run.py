"""A build run by a verb: approval of its price, progress on the terminal, and its exit code."""

from collections.abc import Callable

from storyboard.cli.output import EXIT_BY_CODE, CommandOutput, Exit, paint, stderr_console
from storyboard.cli.payment import confirm, read_paid_options
from storyboard.core.build_events import BuildResult
from storyboard.core.plan import Plan
from storyboard.engine.paid.generator import PaidOptions
from storyboard.engine.session import Session
from storyboard.report.build_result import is_left_out
from storyboard.report.plan import plan_text
from storyboard.report.progress import LiveProgress, PlainProgress


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
) -> BuildResult:
    """Ask for approval if *plan* costs money, call *on_approval*, then build.

    *capped* says that the command line limits the cost. Ends the verb if the build is not approved.
    """
    paid = None
    orphans = [] if offline else session.orphans(plan)
    if session.needs_network(plan) or orphans:
        providers = {*session.paid_providers(plan), *(job.provider for job in orphans)}
        paid = read_paid_options(output, providers, at_once)
        confirm(output, plan, plan_text(plan, session.storyboard, paint), session.choices.cap, yes=yes, capped=capped)
    on_approval()
    return _build_with_progress(output, session, plan, paid)


def _build_with_progress(output: CommandOutput, session: Session, plan: Plan, paid: PaidOptions | None) -> BuildResult:
    console = None if output.as_json or output.quiet else stderr_console()
    if console is not None and console.is_terminal:
        with LiveProgress(console, plan) as live:
            return session.build(live, paid, lambda workers: live.watch(workers.progress))
    return session.build(PlainProgress(output.progress), paid)


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
