"""``storyboard cache``: list, verify and clean the cache."""

from pathlib import Path
from typing import Any

import click

from storyboard.cli.open_session import report_store_errors
from storyboard.cli.options import json_option, quiet_option, storyboard_argument
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import read_project, require_valid
from storyboard.cli.project_root import STORYBOARD, find_root, state_of
from storyboard.engine.cache_gc import CacheHealth, ProjectCache, collect_garbage, locked_take_places, verify_cache
from storyboard.report.cache import cleaning_data, cleaning_text, items_data, size_text, takes_text
from storyboard.report.diagnostics import error_text
from storyboard.report.text import several
from storyboard.store.gc import Roots, classify
from storyboard.store.lockfile_refs import RefsUnreadable, find_lockfiles


@click.group("cache", epilog="Example: storyboard cache gc")
def command() -> None:
    """List, verify and clean what was made. The cache belongs to the project; its storyboards share it."""


def _project_root(path: Path) -> Path:
    """Return the project root of a storyboard or folder, which need not exist as a storyboard."""
    there = path / STORYBOARD if path.is_dir() else path
    if not there.parent.is_dir():
        raise click.UsageError(f"{path}: no such file")
    return find_root(there.resolve())


@command.command("dir", epilog="Example: du -sh $(storyboard cache dir)")
@storyboard_argument
@json_option
def folder(path: Path, as_json: bool) -> None:
    """Print where the project's cache is.

    STORYBOARD_CACHE_DIR names another folder, and so does settings.toml in your configuration folder.
    """
    place = state_of(_project_root(path)).cache
    CommandOutput("cache dir", as_json=as_json).result(str(place), {"folder": str(place), "exists": place.is_dir()})


@command.command("ls", epilog="Example: storyboard cache ls --json")
@storyboard_argument
@json_option
def listing(path: Path, as_json: bool) -> None:
    """List every take with what it cost, and the branches, tags and worktrees whose lockfiles name it."""
    output = CommandOutput("cache ls", as_json=as_json)
    root = _project_root(path)
    try:
        places = locked_take_places(find_lockfiles(root))
    except RefsUnreadable as bad:
        output.warnings.append(problem("lockfile", str(bad)))
        output.progress(error_text(f"{bad}; where takes are used is not known", label="warning"))
        places = {}
    with ProjectCache(state_of(root)) as cache, report_store_errors(output):
        items = classify(cache.records, cache.blobs, Roots(frozenset(places), frozenset(), frozenset()))
    listed = items_data(items, places)
    output.result(takes_text(items, places), {"items": listed}, next_commands=["storyboard cache gc"] if listed else [])


@command.command("verify", epilog="Example: storyboard cache verify")
@storyboard_argument
@json_option
@quiet_option
def verification(path: Path, as_json: bool, quiet: bool) -> None:
    """Read everything in the cache and say what is damaged or missing. Changes nothing.

    Ends with 1 if something is; the next build makes it again, or takes another take of the same request.
    """
    output = CommandOutput("cache verify", as_json=as_json, quiet=quiet)
    with ProjectCache(state_of(_project_root(path))) as cache:
        health = verify_cache(cache)
    errors = _health_errors(health)
    data = {
        "blobs": health.blobs,
        "bytes": health.size,
        "damaged": list(health.damaged),
        "missing": [{"digest": digest, "shot": record.made.label or None} for digest, record in health.missing],
        "unreadable": list(health.unreadable),
    }
    if errors:
        output.fail(Exit.FAILED, errors, data=data, next_commands=["storyboard plan", "storyboard build"])
    output.result("" if quiet else f"{several(health.blobs, 'blob')}, {size_text(health.size)}: all whole", data)


def _health_errors(health: CacheHealth) -> list[dict[str, Any]]:
    again = "the next build makes it again"
    errors = [problem("damaged", f"{digest} is not what it was", again) for digest in health.damaged]
    for digest, record in health.missing:
        errors.append(problem("missing", f"{digest} is missing: {record.kind} of {record.made.label}", again))
    return errors + [problem("record", text) for text in health.unreadable]


@command.command("gc", epilog="Example: storyboard cache gc --delete")
@storyboard_argument
@click.option("--delete", is_flag=True, help="Delete; without it, only say what could go.")
@click.option("--paid", is_flag=True, help="Let takes go that money was paid for.")
@json_option
def collection(path: Path, delete: bool, paid: bool, as_json: bool) -> None:
    """Say what nobody needs any more, and with --delete remove it.

    Stays: every take that a lockfile of any branch, tag, stash or worktree names, what a build would use today, what a
    paid job that is not finished may need, and every paid take unless --paid is said as well. Refuses if it cannot
    read one of these.
    """
    output = CommandOutput("cache gc", as_json=as_json)
    project = read_project(path)
    storyboard = require_valid(output, project)
    with (
        report_store_errors(output),
        collect_garbage(project.state(), storyboard, project.cards, paid=paid, delete=delete) as found,
    ):
        again = f"storyboard cache gc{' --paid' if paid else ''} --delete"
        text = cleaning_text(found.items, found.size, deleted=delete, command=again)
        data = cleaning_data(found.items, found.size, deleted=delete)
    more = [again] if data["going"] and not delete else []
    output.result(text, data, next_commands=more)
