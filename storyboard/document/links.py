"""Links between shots: each must lead to a shot with takes, and no chain of links may close a cycle."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Label, Span, error, warning
from storyboard.core.model import FrameLink, Generated
from storyboard.core.suggest import closest, quoted, suggestion
from storyboard.core.timebase import plain_number
from storyboard.document.scene_cache import AnyDraft, AnyField

LONGEST_CHAIN = 2
_MAX_COMPARISONS = 20_000
_MAX_SHOWN = 12
_WITH_TAKES = frozenset(("prompt", "clip"))


class LinkedShot(Struct, gc=False):
    """A shot with its lowered source (``None`` if that failed) and the links found in it."""

    draft: AnyDraft
    source: Generated | None
    links: Sequence[tuple[AnyField, FrameLink]]


def check_links(shots: Sequence[LinkedShot], *, complete: bool) -> Iterator[Diagnostic]:
    """Yield findings about all links of a film: unknown and skipped targets, self-links, cycles, long chains.

    Unless the film is *complete*, an unknown shot may be in a file that could not be read, and is not reported.
    """
    by_id: dict[str, LinkedShot] = {}
    for shot in shots:
        by_id.setdefault(shot.draft.id, shot)
    edges: dict[str, list[_Edge]] = {}
    suggestions = max(3, _MAX_COMPARISONS // (len(by_id) + 1))
    for shot in shots:
        for field, link in shot.links:
            target = by_id.get(link.shot)
            if target is not None and _is_valid(shot, link, target):
                if by_id.get(shot.draft.id) is shot:
                    edges.setdefault(shot.draft.id, []).append(_Edge(shot.draft.id, link.shot, field))
                continue
            suggestions -= target is None
            known = by_id if suggestions >= 0 else {}
            finding = _link_problem(shot, field, link, target, known)
            if target is None and not complete:
                continue
            if finding is not None:
                yield finding
            elif by_id.get(shot.draft.id) is shot:
                edges.setdefault(shot.draft.id, []).append(_Edge(shot.draft.id, link.shot, field))
    yield from _check_shape(list(by_id), edges)


def _is_valid(shot: LinkedShot, link: FrameLink, target: LinkedShot) -> bool:
    """Return whether a link has no problem at all, as most links. The detailed checks are skipped for it."""
    there = target.draft
    return there.id != shot.draft.id and there.kind in _WITH_TAKES and isinstance(link.at, str) and not there.skipped


class _Edge(Struct, gc=False):
    """A shot that starts from another one, and the field with the link."""

    shot: str
    source: str
    field: AnyField

    @property
    def place(self) -> Span:
        return self.field.span_of("shot")


def _definition(target: LinkedShot) -> Label:
    return Label(target.draft.name_span, f"{quoted(target.draft.id)} is defined here")


def _link_problem(
    shot: LinkedShot, field: AnyField, link: FrameLink, target: LinkedShot | None, known: dict[str, LinkedShot]
) -> Diagnostic | None:
    if target is None:
        return _unknown_shot_error(link.shot, field.span_of("shot"), known)
    name, wanted = quoted(link.shot), target.draft
    if wanted.id == shot.draft.id:
        return error(
            "self-link", f"shot {name} uses a frame of itself", field.span_of("shot"), help="name another shot"
        )
    if wanted.kind not in ("prompt", "clip", ""):
        message = f"frames of a `{wanted.kind}` are not supported yet: {name} has no take"
        advice = "name a shot with `prompt` or `clip`, or a picture file"
        return error("not-supported-yet", message, field.span_of("shot"), _definition(target), help=advice)
    if wanted.skipped and not shot.draft.skipped:
        reason = Label(wanted.own.document.key_span((*wanted.own.path, "skip")), f"{name} is skipped here")
        advice = "delete `skip`, or name another shot"
        return error("skipped-link", f"{name} is skipped and has no frames", field.span_of("shot"), reason, help=advice)
    return _frame_outside_error(field, link, target)


def _unknown_shot_error(name: str, place: Span, known: dict[str, LinkedShot]) -> Diagnostic:
    meant = closest(name, known)
    message = f"shot {quoted(name)} is not defined"
    if meant is None:
        return error("unknown-shot", message, place, help="name a shot of this storyboard")
    return error("unknown-shot", message, place, _definition(known[meant]), help=suggestion(meant))


def _frame_outside_error(field: AnyField, link: FrameLink, target: LinkedShot) -> Diagnostic | None:
    if target.source is None or isinstance(link.at, str) or link.at < target.source.duration:
        return None
    length, moment = plain_number(target.source.duration), plain_number(link.at)
    message = f"{quoted(link.shot)} is {length} s long and has no frame at {moment} s"
    place = field.span_of("at")
    return error("frame-outside", message, place, _definition(target), help="write `at: last` for its last frame")


def _check_shape(order: list[str], edges: dict[str, list[_Edge]]) -> Iterator[Diagnostic]:
    """Yield findings about cycles and about chains that are too long. *order* is the order of the film."""
    depth, previous, cyclic = _depths(order, edges)
    yield from _find_cycles(order, edges, cyclic)
    for name in order:
        if depth.get(name) == LONGEST_CHAIN + 1:
            yield _long_chain_warning(name, previous)


def _depths(order: list[str], edges: dict[str, list[_Edge]]) -> tuple[dict[str, int], dict[str, _Edge], set[str]]:
    """Return the depth of each shot, the edge of its longest chain, and the shots on or behind a cycle.

    The depth is the number of links between a shot and one that starts on its own.
    """
    depth: dict[str, int] = {}
    previous: dict[str, _Edge] = {}
    for name in order:  # mostly each shot starts from earlier ones
        leading = edges.get(name)
        if leading is None:
            depth[name] = 0
            continue
        if any(edge.source not in depth for edge in leading):
            return _depths_in_any_order(order, edges)
        longest = leading[0] if len(leading) == 1 else max(leading, key=lambda edge: depth[edge.source])
        depth[name], previous[name] = depth[longest.source] + 1, longest
    return depth, previous, set()


def _depths_in_any_order(
    order: list[str], edges: dict[str, list[_Edge]]
) -> tuple[dict[str, int], dict[str, _Edge], set[str]]:
    """Return the result of ``_depths`` for shots that start from later ones, or form a cycle."""
    followers: dict[str, list[str]] = {}
    open_edges = {name: len(edges.get(name, ())) for name in order}
    for name, leading in edges.items():
        for edge in leading:
            followers.setdefault(edge.source, []).append(name)
    depth = {name: 0 for name in order if not open_edges[name]}
    previous: dict[str, _Edge] = {}
    ready = list(depth)
    for name in ready:
        for follower in followers.get(name, ()):
            open_edges[follower] -= 1
            if not open_edges[follower]:
                longest = max(edges[follower], key=lambda edge: depth[edge.source])
                depth[follower], previous[follower] = depth[longest.source] + 1, longest
                ready.append(follower)
    return depth, previous, {name for name in order if open_edges[name]}


def _find_cycles(order: list[str], edges: dict[str, list[_Edge]], cyclic: set[str]) -> Iterator[Diagnostic]:
    """Yield one finding per cycle: from every cyclic shot, follow the links until they meet themselves."""
    seen: set[str] = set()
    for name in order:
        trail: dict[str, _Edge] = {}
        here = name
        while here in cyclic and here not in seen:
            seen.add(here)
            trail[here] = next(edge for edge in edges[here] if edge.source in cyclic)
            here = trail[here].source
        if here in trail:
            names = list(trail)
            yield _cycle_error([trail[one] for one in names[names.index(here) :]], order)


def _cycle_error(cycle: list[_Edge], order: list[str]) -> Diagnostic:
    members = {edge.shot: index for index, edge in enumerate(cycle)}
    start = next(members[name] for name in order if name in members)
    rotated = cycle[start:] + cycle[:start]
    drawn = _format_chain([edge.shot for edge in rotated] + [rotated[0].shot])
    notes = [Label(edge.place, f"`{edge.shot}` uses a frame of `{edge.source}`") for edge in rotated[1:_MAX_SHOWN]]
    message = f"frame links form a cycle: {drawn}"
    return error(
        "link-cycle", message, rotated[0].place, *notes, help="replace one link with a picture file, or delete it"
    )


def _long_chain_warning(name: str, previous: dict[str, _Edge]) -> Diagnostic:
    names, place = [name], previous[name].place
    while names[-1] in previous:
        names.append(previous[names[-1]].source)
    message = f"{quoted(name)} ends a chain of {len(names) - 1} frame links: {_format_chain(names)}"
    advice = "replace a link with a picture file; the picture drifts with each link"
    return warning("long-chain", message, place, help=advice)


def _format_chain(names: list[str]) -> str:
    shown = names if len(names) <= _MAX_SHOWN else [*names[: _MAX_SHOWN - 2], "…", names[-1]]
    return " -> ".join(shown)
