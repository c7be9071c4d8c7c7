"""``storyboard cost``: sum the ledger."""

from pathlib import Path

import click
from msgspec.structs import replace

from storyboard.cli.options import json_option, storyboard_argument
from storyboard.cli.output import CommandOutput
from storyboard.cli.project import read_project
from storyboard.cli.project_root import find_file, find_root, state_of
from storyboard.core.model import Generated
from storyboard.core.results import billed, doubtful_text
from storyboard.core.timebase import exact
from storyboard.engine.paid.budget import Prices
from storyboard.report.cost import PaidTake, SeenShare, cost_data, cost_text, seen_share
from storyboard.report.text import clean_lines
from storyboard.store.ledger import SUCCEEDED, Ledger


@click.command("cost", epilog="Example: storyboard cost --by day")
@storyboard_argument
@click.option(
    "--by", type=click.Choice(["shot", "day", "provider", "model"]), default="shot", help="Group the sums by this."
)
@json_option
def command(path: Path, by: str, as_json: bool) -> None:
    """Sum the costs of the project from its ledger, with failed attempts on lines of their own.

    If a provider did not report a charge, the estimate counts. Takes that another clone had bought are in the sum, and
    their part of it is printed.
    """
    output = CommandOutput("cost", as_json=as_json)
    ledger = Ledger(state_of(find_root(find_file(path))).folder / "ledger.jsonl")
    totals = ledger.totals(by)  # type: ignore[arg-type]  # click has checked the choice
    bound = ledger.spend().reserved
    for trouble in ledger.troubles:
        output.warn("ledger", trouble.reason)
    for one in ledger.doubtful():
        text = f"{one.provider} reports {doubtful_text(one.cost, one.estimate)} for task {one.task_id} of {one.shot}"
        output.warn("doubtful-cost", clean_lines(text), f"compare it with the bill of {clean_lines(one.provider)}")
    seen = _seen_share(path, ledger)
    output.result(cost_text(totals, bound, seen), cost_data(by, totals, bound, seen))


def _seen_share(path: Path, ledger: Ledger) -> SeenShare | None:
    """Return how much of the bought takes is in the film; ``None`` without a film that can be read."""
    entries = [entry for entry in ledger.entries() if entry.outcome == SUCCEEDED]
    project = read_project(path) if entries else None
    if project is None or project.storyboard is None:
        return None
    sources = {shot.id: shot.source for shot in project.storyboard.shots() if not shot.skip}
    bought = []
    for entry in {entry.task_id: entry for entry in entries}.values():
        source, seconds = sources.get(entry.shot), exact(entry.seconds)
        made = replace(source, provider=entry.provider, duration=seconds) if isinstance(source, Generated) else None
        bought.append(PaidTake(seconds, billed(entry.cost, entry.estimate), entry.shot, made))
    return seen_share(bought, project.storyboard, Prices(project.cards, ledger))
