"""Sessions and stores for verbs, with their errors turned into messages and exit codes."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from storyboard.cli.output import EXIT_BY_CODE, CommandOutput, Exit, print_note, problem
from storyboard.cli.project import Project
from storyboard.cli.project_root import display_path
from storyboard.cli.usage import Misuse
from storyboard.core.fill import Fill
from storyboard.core.model import Storyboard
from storyboard.core.plan import Plan
from storyboard.core.results import amount, dollars
from storyboard.core.selection import KINDS, BadSelection
from storyboard.core.suggest import suggestion
from storyboard.engine.session import BuildOptions, Session
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.report.plan import summary
from storyboard.report.text import clean
from storyboard.store.journal import JournalTooNew
from storyboard.store.lockfile import LockfileProblem
from storyboard.store.lockfile_refs import RefsUnreadable
from storyboard.store.project_lock import LockLost, LockOwner, LockUnsupported, ProjectLocked

_NEWER = "use that version or a later one"


@contextmanager
def open_session(
    output: CommandOutput,
    project: Project,
    storyboard: Storyboard,
    choices: BuildOptions,
    on_wait: Callable[[LockOwner | None], None] | None = None,
) -> Iterator[Session]:
    """Open a session; with *on_wait* one that may build and holds the project's lock. Ends the verb on errors."""
    try:
        recalled = project.known.snapshot if project.known is not None else None
        with Session(project.state(), storyboard, project.cards, choices, on_wait, recalled) as session:
            yield session
    except BadSelection as bad:
        raise unknown_selector(bad, storyboard) from bad
    except LockfileProblem as bad:
        fail_on_lockfile(output, project.root / storyboard.lockfile, bad)
    except JournalTooNew as bad:
        text = f"{bad.path} was written by a later version of storyboard and may describe a paid job"
        output.fail(Exit.FAILED, [problem("journal", text, _NEWER)])
    except LockUnsupported as bad:
        output.fail(Exit.FAILED, [_no_lock_error(bad)])
    except TaskFailed as bad:
        output.fail(EXIT_BY_CODE.get(bad.code, Exit.FAILED), [problem(bad.code, str(bad))])


def fail_on_lockfile(output: CommandOutput, lockfile: Path, bad: LockfileProblem) -> NoReturn:
    """End the verb with the error of a lockfile that cannot be read."""
    name = display_path(lockfile)
    place = f"{name}:{bad.line}" if bad.line else name
    more = [f"git diff -- {shlex.quote(name)}", f"git checkout -- {shlex.quote(name)}"]
    output.fail(Exit.FAILED, [problem("lockfile", f"{place}: {bad.reason}", bad.help(name))], next_commands=more)


def warn_of_left_jobs(output: CommandOutput, session: Session) -> None:
    """Warn of each open paid job that this installation cannot collect, and that stays as it is."""
    for left in session.left_jobs():
        job, price = left.job, amount(left.job.estimate)
        about = f"{job.provider}, {job.model}, {dollars(price) if price is not None else 'price unknown'}"
        text = f"the paid job {job.task_id} for {job.shot} ({about}) is left alone"
        hint = "install the package that submitted it and build again to collect its take"
        output.warn("job-left", f"{text}: {left.reason}", hint)


def require_shots(output: CommandOutput, fill: Fill, storyboard: Storyboard) -> None:
    """End the verb if a film that leaves its missing shots out has none left."""
    left_out = set(fill.shots("none"))
    if left_out and all(shot.skip or shot.id in left_out for shot in storyboard.shots()):
        text = "no shot has a take, so `--fill none` leaves no shot in the film"
        output.fail(Exit.FAILED, [problem("no-shots", text, "use `--fill animatic`, which draws them")])


def report_lock_owner(owner: LockOwner | None) -> None:
    """Print whose build this one waits for."""
    who = f": process {owner.pid} on {owner.host}, building {owner.storyboard}" if owner is not None else ""
    print_note(clean(f"waiting for another build in this project{who}"))


def plan_next_build(output: CommandOutput, project: Project, storyboard: Storyboard) -> tuple[Plan, str]:
    """Return the plan of the next build, and its summary in one line."""
    with open_session(output, project, storyboard, BuildOptions()) as session:
        plan = session.plan()
    return plan, f"the next build: {summary(plan, storyboard)}"


def unknown_selector(bad: BadSelection, storyboard: Storyboard) -> Misuse:
    """Return the error for a selector that names no shot in the film."""
    kind, separator, name = bad.selector.strip("+").partition(":")
    kind, name = (kind, name) if separator and kind in KINDS else ("", bad.selector.strip("+"))
    if bad.is_pattern:
        message = f"no {kind or 'shot, scene or tag'} matches {name!r}"
    elif kind in ("", "shot") and name in {shot.id for shot in storyboard.shots()}:
        return Misuse(f"shot {name!r} is skipped", "remove its `skip: true` to select it")
    else:
        words = {
            "scene": "no scene with a shot in the film is called",
            "tag": "no shot in the film has the tag",
            "shot": "no shot is called",
        }
        message = f"{words.get(kind, 'no shot, scene or tag is called')} {name!r}"
    near = next(iter(bad.near), None)
    return Misuse(message, suggestion(near) if near else "`storyboard ls` lists the shots with their scenes")


@contextmanager
def report_store_errors(output: CommandOutput) -> Iterator[None]:
    """End the verb with a message on errors of the cache as a whole."""
    try:
        yield
    except (RefsUnreadable, LockfileProblem) as bad:
        output.fail(Exit.FAILED, [problem("unsure", f"{bad}; nothing was deleted")])
    except JournalTooNew as bad:
        reason = f"{bad.path} was written by a later version of storyboard; nothing was deleted"
        output.fail(Exit.FAILED, [problem("unsure", reason, _NEWER)])
    except ProjectLocked as bad:
        who = f": process {bad.owner.pid} on {bad.owner.host}" if bad.owner is not None else ""
        text = f"a build is running in this project{who}; nothing was deleted"
        output.fail(Exit.FAILED, [problem("held", text, "wait until it has ended")])
    except LockUnsupported as bad:
        output.fail(Exit.FAILED, [_no_lock_error(bad)])
    except LockLost as bad:
        text = f"{bad.path} was removed while it was locked; another build may be running, so nothing was deleted"
        output.fail(Exit.FAILED, [problem("no-lock", text, "run the command again when no build runs")])


def _no_lock_error(unsupported: LockUnsupported) -> dict[str, Any]:
    text = f"{unsupported.path} cannot be locked: the file system has no file locks, and two builds could run at once"
    return problem("no-lock", text, "keep the project on a local disk")
