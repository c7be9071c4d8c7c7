"""The graph of shots as a tree of text, as mermaid and as dot."""

from storyboard.core.graph import CUT, Graph, links, moment
from storyboard.core.model import Shot
from storyboard.report.text import clean_lines


def graph_text(graph: Graph) -> str:
    """Return the shots by scene, each with the frames of other shots that it starts from."""
    lines = []
    for scene in graph.storyboard.scenes:
        lines.append(clean_lines(scene.title or scene.id))
        for shot in scene.shots:
            lines.append(f"  {shot.id}{_links_text(shot)}{' (skipped)' if shot.skip else ''}")
    return "\n".join(lines)


def _links_text(shot: Shot) -> str:
    parts = [f"{link.shot}@{moment(link.at)}" for _, link in links(shot)]
    return f"  <- {', '.join(parts)}" if parts else ""


def graph_mermaid(graph: Graph) -> str:
    """Return a mermaid flowchart; ids are numbers, labels are quoted."""
    numbers = {action.id: f"n{number}" for number, action in enumerate(graph.order)}
    lines = ["flowchart LR"]
    lines += [f'  {numbers[action.id]}["{action.id}"]' for action in graph.order]
    for action in graph.order:
        lines += [f"  {numbers[name]} --> {numbers[action.id]}" for name in action.inputs]
    return "\n".join(lines)


def graph_dot(graph: Graph) -> str:
    """Return a digraph for Graphviz."""
    shapes = {"take": "box", "frame": "note", "segment": "cds", "sound": "cds", CUT: "doubleoctagon"}
    lines = ["digraph storyboard {", "  rankdir=LR;"]
    lines += [f'  "{action.id}" [shape={shapes[action.kind]}];' for action in graph.order]
    for action in graph.order:
        lines += [f'  "{name}" -> "{action.id}";' for name in action.inputs]
    return "\n".join([*lines, "}"])
