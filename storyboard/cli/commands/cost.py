"""``storyboard cost``: sum the ledger."""

from pathlib import Path

import click

from storyboard.cli.options import json_option, storyboard_argument
from storyboard.cli.output import CommandOutput
from storyboard.cli.project_root import find_file, find_root, state_of
from storyboard.core.results import doubtful_text
from storyboard.report.cost import cost_data, cost_text
from storyboard.report.text import clean_lines
from storyboard.store.ledger import Ledger


@click.command("cost", epilog="Example: storyboard cost --by day")
@storyboard_argument
@click.option(
    "--by", type=click.Choice(["shot", "day", "provider", "model"]), default="shot", help="Group the sums by this."
)
@json_option
def command(path: Path, by: str, as_json: bool) -> None:
    """Sum the costs of the project from its ledger, with failed attempts on lines of their own.

    If a provider did not report a charge, the estimate counts.
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
    output.result(cost_text(totals, bound), cost_data(by, totals, bound))
