"""``storyboard cache``: list, verify and clean the cache."""

from pathlib import Path
from typing import Any

import click

from storyboard.cli.open_session import report_store_errors
from storyboard.cli.options import json_option, quiet_option, storyboard_argument
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import read_project, require_valid
from storyboard.cli.project_root import STORYBOARD, find_root, root_here, state_of
from storyboard.engine.cache_gc import CacheHealth, ProjectCache, collect_garbage, locked_take_places, verify_cache
from storyboard.report.cache import cleaning_data, cleaning_text, items_data, size_text, takes_text
from storyboard.report.text import clean, several
from storyboard.store.gc import Roots, classify
from storyboard.store.lockfile_refs import RefsUnreadable, find_lockfiles


@click.group("cache", epilog="Example: storyboard cache gc")
def command() -> None:
    """List, verify and clean the cache of the project, which all its storyboards share."""


def _project_root(path: Path) -> Path:
    """Return the project root of a storyboard or folder, which need not exist as a storyboard."""
    if path == Path():
        return root_here()
    there = path / STORYBOARD if path.is_dir() else path
    if not there.parent.is_dir():
        raise click.UsageError(f"{path}: no such file")
    return find_root(there.resolve())


@command.command("dir", epilog='Example: du -sh "$(storyboard cache dir)"')
@storyboard_argument
@json_option
def folder(path: Path, as_json: bool) -> None:
    """Print the folder of the project's cache.

    STORYBOARD_CACHE_DIR, or settings.toml in your configuration folder, sets another folder.
    """
    place = state_of(_project_root(path)).cache
    CommandOutput("cache dir", as_json=as_json).result(
        clean(str(place)), {"folder": str(place), "exists": place.is_dir()}
    )


@command.command("ls", epilog="Example: storyboard cache ls --json")
@storyboard_argument
@json_option
def listing(path: Path, as_json: bool) -> None:
    """List every take with its cost and the lockfiles that name it.

    Reads the lockfiles of all branches, tags, stashes and worktrees.
    """
    output = CommandOutput("cache ls", as_json=as_json)
    root = _project_root(path)
    try:
        places = locked_take_places(find_lockfiles(root))
    except RefsUnreadable as bad:
        output.warn("lockfile", f"{bad}; the lockfiles that name takes are unknown")
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
    """Read the whole cache and report what is damaged or missing. Read-only.

    Exit code 1 if anything is; the next build remakes or downloads it, or uses another take of its request.
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
    output.result(
        "" if quiet else f"{several(health.blobs, 'blob')}, {size_text(health.size)}, nothing damaged or missing", data
    )


def _health_errors(health: CacheHealth) -> list[dict[str, Any]]:
    way_out = "run `storyboard build` to remake or download it"
    errors = [
        problem("damaged", f"{digest} is damaged: its bytes do not match the digest", way_out)
        for digest in health.damaged
    ]
    for digest, record in health.missing:
        errors.append(problem("missing", f"{digest} is missing: {record.kind} of {record.made.label}", way_out))
    return errors + [problem("record", text) for text in health.unreadable]


@command.command("gc", epilog="Example: storyboard cache gc --delete")
@storyboard_argument
@click.option("--delete", is_flag=True, help="Delete; without it, only list what would be deleted.")
@click.option("--paid", is_flag=True, help="Include paid takes that no lockfile names.")
@json_option
def collection(path: Path, delete: bool, paid: bool, as_json: bool) -> None:
    """List what is no longer needed, and delete it with --delete.

    Keeps takes that a lockfile of any branch, tag, stash or worktree names, files that a build would use now or that
    an unfinished paid job may need, and, without --paid, every paid take. Refuses if any of these cannot be read.
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
