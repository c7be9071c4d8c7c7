"""Selection of shots by selectors, and the links between shots. The only module that uses networkx."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from storyboard.core.graph import Graph, segment_id, take_id
from storyboard.core.suggest import closest

if TYPE_CHECKING:
    import networkx


class BadSelection(ValueError):
    """A selector that names nothing; ``near`` holds the selector that it most likely stands for, if any."""

    def __init__(self, selector: str, near: str | None) -> None:
        super().__init__(selector)
        self.selector = selector
        self.near = [] if near is None else [near]


def select(graph: Graph, selectors: Iterable[str]) -> set[str]:
    """Return the ids of the shots that *selectors* name.

    ``glide``; ``glide+`` with the shots that start from it; ``+glide`` with the shots it starts from; ``scene:ID``;
    ``tag:NAME``. Raises ``BadSelection``.
    """
    chosen: set[str] = set()
    for selector in selectors:
        chosen |= _select(graph, selector.strip())
    return chosen


def upstream(graph: Graph, shot_id: str) -> set[str]:
    """Return the shots whose frames reach *shot_id*, directly or through others."""
    import networkx

    if not graph.has(take_id(shot_id)):
        return set()
    return {graph.action(name).shot for name in networkx.ancestors(_network(graph), take_id(shot_id))} - {shot_id}


def downstream(graph: Graph, shot_id: str) -> set[str]:
    """Return the shots that frames of *shot_id* reach, directly or through others."""
    import networkx

    if not graph.has(take_id(shot_id)):
        return set()
    reached = map(graph.action, networkx.descendants(_network(graph), take_id(shot_id)))
    return {action.shot for action in reached if action.kind == "take"}


def _network(graph: Graph) -> "networkx.DiGraph[str]":
    import networkx

    whole: networkx.DiGraph[str] = networkx.DiGraph()
    whole.add_nodes_from(action.id for action in graph.order)
    whole.add_edges_from((source, action.id) for action in graph.order for source in action.inputs)
    return whole


def _select(graph: Graph, selector: str) -> set[str]:
    shots = {shot.id: shot for shot in graph.storyboard.shots()}
    kind, separator, name = selector.partition(":")
    if separator and kind in ("scene", "tag"):
        called = {shot.id: {shot.scene} if kind == "scene" else {*shot.tags} for shot in shots.values()}
        found = {shot for shot, names in called.items() if name in names and _is_in_graph(graph, shot)}
        if not found:
            near = closest(name, sorted({one for names in called.values() for one in names}))
            raise BadSelection(selector, near and f"{kind}:{near}")
        return found
    match = re.fullmatch(r"(\+?)([^+]+)(\+?)", selector)
    if match is None or not _is_in_graph(graph, match[2]):
        raise BadSelection(selector, closest(selector.strip("+"), shots))
    shot = match[2]
    return {shot} | (upstream(graph, shot) if match[1] else set()) | (downstream(graph, shot) if match[3] else set())


def _is_in_graph(graph: Graph, shot_id: str) -> bool:
    return any(map(graph.has, (take_id(shot_id), *(segment_id(shot_id, film) for film in graph.films))))
