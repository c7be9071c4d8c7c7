"""Plan files of the command line: writing, reading, and refusing a build that differs from the approved plan."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import msgspec

from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project_root import spelling_help
from storyboard.core.plan import Plan
from storyboard.core.plan_file import (
    PLAN_VERSION,
    Drift,
    InvalidPlanFile,
    PlanChoice,
    PlanFile,
    decode_plan_file,
    encode_plan_file,
    find_drift,
    make_plan_file,
)
from storyboard.core.results import dollars
from storyboard.durable import read_regular, write_atomic
from storyboard.engine.session import Session
from storyboard.report.diagnostics import error_text


def current_plan_file(session: Session, plan: Plan, provider: str | None) -> PlanFile:
    """Return the plan of an open session with everything it depends on."""
    choices = session.options
    lockfile: dict[str, Any] = msgspec.to_builtins(session.store.lockfile.content.shots)
    choice = PlanChoice(provider, choices.select, choices.remake)
    return make_plan_file(plan, session.storyboard, choice, session.files, lockfile)


def write_plan(path: Path, signed: PlanFile) -> None:
    """Write a plan file. Raises ``click.UsageError`` if *path* is a file of another kind."""
    if os.path.lexists(path):
        try:
            decode_plan_file(read_regular(path, follow=True))
        except OSError as bad:
            raise click.UsageError(f"{path}: {bad.strerror or bad}; choose another path") from bad
        except InvalidPlanFile as bad:
            if not bad.is_plan:
                raise click.UsageError(f"{path} exists and is not a plan file; choose another path") from bad
    write_atomic(path, encode_plan_file(signed))


def read_plan(path: Path) -> PlanFile:
    """Return the plan file at *path*. Raises ``click.UsageError``."""
    try:
        return decode_plan_file(read_regular(path, follow=True))
    except OSError as bad:
        hint = spelling_help(path) if isinstance(bad, FileNotFoundError) else ""
        raise click.UsageError(f"{path}: {bad.strerror or bad}{hint}") from bad
    except InvalidPlanFile as bad:
        way_out = f"; write it again with `storyboard plan --out {path}`" if bad.is_plan else ""
        raise click.UsageError(f"{path}: {_problem_text(bad)}{way_out}") from bad


def _problem_text(bad: InvalidPlanFile) -> str:
    if bad.problem == "version":
        return f"a plan file of version {bad.version}, but this storyboard reads version {PLAN_VERSION}"
    if bad.problem == "edited":
        return "edited after it was written: its checksum does not match"
    return "not a plan file that `storyboard plan --out` wrote"


def fail_on_drift(output: CommandOutput, approved: PlanFile, now: PlanFile) -> None:
    """End the verb before anything is done if the build would differ from the approved plan."""
    found = find_drift(approved, now)
    if found:
        errors = [problem("plan-moved", _drift_text(one)) for one in found]
        errors[0]["help"] = "write the plan again with `storyboard plan --out`, and have it approved"
        data = {"moved": [{"kind": one.kind, "name": _name(one), "old": one.old, "new": one.new} for one in found]}
        text = error_text(
            "the build differs from the plan file; nothing was done",
            "plan-moved",
            details=[error["message"] for error in errors],
            help=errors[0]["help"],
        )
        output.fail(Exit.FAILED, errors, text=text, data=data, next_commands=["storyboard plan"])


def _drift_text(one: Drift) -> str:
    match one.kind:
        case "price":
            return f"price of {one.name}: {dollars(Decimal(one.old))} -> {dollars(Decimal(one.new))}"
        case "cache":
            return f"{one.name}: {one.old or 'not in the plan file'} -> {one.new or 'not in the build'}"
        case "choice":
            return "the options of the command line differ"
    change = "new" if not one.old else "removed" if not one.new else "changed"
    return f"{one.kind}: {_name(one)}{' is ' + change if one.name else ''}"


def _name(one: Drift) -> str:
    return one.name or ("the command line" if one.kind == "choice" else "the film")
