"""Selection of shots by selectors, and the links between shots. The only module that uses networkx."""

import re
from collections.abc import Iterable
from fnmatch import translate
from typing import TYPE_CHECKING

from storyboard.core.graph import Graph, segment_id, take_id
from storyboard.core.suggest import closest

if TYPE_CHECKING:
    import networkx


KINDS = ("shot", "scene", "tag")
# The characters of a pattern, as a shell has them; no id of a shot or a scene has one.
_PATTERN = re.compile(r"[*?\[]")


class BadSelection(ValueError):
    """A selector that names nothing; ``near`` holds the selector that it most likely stands for, if any."""

    def __init__(self, selector: str, near: str | None) -> None:
        super().__init__(selector)
        self.selector = selector
        self.near = [] if near is None else [near]

    @property
    def is_pattern(self) -> bool:
        """True for a pattern."""
        return bool(_PATTERN.search(self.selector))


def select(graph: Graph, selectors: Iterable[str]) -> set[str]:
    """Return the ids of the shots that *selectors* name, each one or several with commas.

    A selector is the id of a shot, else that of a scene, else a tag, or a pattern such as ``river*`` of any of these;
    ``shot:``, ``scene:`` and ``tag:`` limit it to one kind. ``glide+`` adds the shots that start from it, ``+glide``
    the shots that it starts from. Raises ``BadSelection``.
    """
    chosen: set[str] = set()
    for selector in selectors:
        names = [name.strip() for name in selector.split(",")]
        for name in filter(None, names):
            chosen |= _select(graph, name)
        if not any(names):
            raise BadSelection(selector, None)
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
    names = _names(graph)
    found = _named(names, selector)
    if found:
        return found
    match = re.fullmatch(r"(\+?)([^+]+)(\+?)", selector)
    found = _named(names, match[2]) if match is not None else set()
    if match is None or not found:
        raise BadSelection(selector, _nearest(names, selector))
    reached = set(found)
    for shot in found:
        reached |= (upstream(graph, shot) if match[1] else set()) | (downstream(graph, shot) if match[3] else set())
    return reached


def _names(graph: Graph) -> dict[str, dict[str, set[str]]]:
    """Return the shots in the film by what they are called, for each of ``KINDS``."""
    names: dict[str, dict[str, set[str]]] = {kind: {} for kind in KINDS}
    for shot in graph.storyboard.shots():
        if _is_in_graph(graph, shot.id):
            names["shot"][shot.id] = {shot.id}
            names["scene"].setdefault(shot.scene, set()).add(shot.id)
            for tag in shot.tags:
                names["tag"].setdefault(tag, set()).add(shot.id)
    return names


def _named(names: dict[str, dict[str, set[str]]], selector: str) -> set[str]:
    """Return the shots that *selector*, without ``+``, names; none if it names nothing."""
    kind, separator, name = selector.partition(":")
    kinds = (kind,) if separator and kind in KINDS else KINDS
    name = name if separator and kind in KINDS else selector
    for one in kinds:
        if name in names[one]:
            return names[one][name]
    if not _PATTERN.search(name):
        return set()
    matches = re.compile(translate(name)).match
    return {shot for one in kinds for called, shots in names[one].items() if matches(called) for shot in shots}


def _nearest(names: dict[str, dict[str, set[str]]], selector: str) -> str | None:
    kind, separator, name = selector.strip("+").partition(":")
    if separator and kind in KINDS:
        near = closest(name, sorted(names[kind]))
        return near and f"{kind}:{near}"
    return closest(selector.strip("+"), [name for kind in KINDS for name in names[kind]])


def _is_in_graph(graph: Graph, shot_id: str) -> bool:
    return any(map(graph.has, (take_id(shot_id), *(segment_id(shot_id, film) for film in graph.films))))
