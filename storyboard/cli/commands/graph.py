"""``storyboard graph``: print the dependency graph."""

from pathlib import Path

import click

from storyboard.cli.options import json_option, storyboard_argument
from storyboard.cli.output import CommandOutput
from storyboard.cli.project import read_project, require_valid
from storyboard.core.graph import Graph
from storyboard.report.graph import graph_dot, graph_mermaid, graph_text


@click.command("graph", epilog="Example: storyboard graph --format mermaid > graph.mmd")
@storyboard_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "dot"]),
    default="text",
    help="Output format; text lists scenes and shots.",
)
@json_option
def command(path: Path, form: str, as_json: bool) -> None:
    """Show the dependency graph: links between shots, and everything that is made of them."""
    output = CommandOutput("graph", as_json=as_json)
    graph = Graph(require_valid(output, read_project(path)))
    draw = {"text": graph_text, "mermaid": graph_mermaid, "dot": graph_dot}[form]
    data = [
        {"action": action.id, "kind": action.kind, "shot": action.shot or None, "output": action.output or None}
        | {"inputs": list(action.inputs)}
        for action in graph.order
    ]
    output.result(draw(graph), {"actions": data})
