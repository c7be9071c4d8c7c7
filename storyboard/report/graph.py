"""The graph of shots as a tree of text, as mermaid and as dot."""

from storyboard.core.graph import CUT, Graph, links, moment
from storyboard.core.model import Shot
from storyboard.report.text import clean_lines


def graph_text(graph: Graph) -> str:
    """Shots by scene; a shot that starts from another's frame stands under it with the moment."""
    lines = []
    for scene in graph.storyboard.scenes:
        lines.append(clean_lines(scene.title or scene.id))
        for shot in scene.shots:
            lines.append(f"  {shot.id}{_from(shot)}{' (skipped)' if shot.skip else ''}")
    return "\n".join(lines)


def _from(shot: Shot) -> str:
    parts = [f"{link.shot}@{moment(link.at)}" for _, link in links(shot)]
    return f"  <- {', '.join(parts)}" if parts else ""


def graph_mermaid(graph: Graph) -> str:
    """A flowchart; ids are replaced by numbers, labels are quoted."""
    numbers = {action.id: f"n{number}" for number, action in enumerate(graph.order)}
    lines = ["flowchart LR"]
    lines += [f'  {numbers[action.id]}["{action.id}"]' for action in graph.order]
    for action in graph.order:
        lines += [f"  {numbers[name]} --> {numbers[action.id]}" for name in action.inputs]
    return "\n".join(lines)


def graph_dot(graph: Graph) -> str:
    """A digraph for Graphviz."""
    shapes = {"take": "box", "frame": "note", "segment": "cds", "sound": "cds", CUT: "doubleoctagon"}
    lines = ["digraph storyboard {", "  rankdir=LR;"]
    lines += [f'  "{action.id}" [shape={shapes[action.kind]}];' for action in graph.order]
    for action in graph.order:
        lines += [f'  "{name}" -> "{action.id}";' for name in action.inputs]
    return "\n".join([*lines, "}"])
