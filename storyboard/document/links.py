"""Links between shots: each must lead to a shot that is made, and none may lead back to where it came from."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Label, Span, error, warning
from storyboard.core.model import FrameLink, Generated
from storyboard.core.suggest import closest, suggestion
from storyboard.core.timebase import plain_number
from storyboard.document.names import quoted
from storyboard.document.scene_cache import AnyDraft, AnyField

LONGEST_CHAIN = 2
_LOOKED_AT = 20_000
_DRAWN = 12
_WITH_TAKES = frozenset(("prompt", "clip"))


class LinkedShot(Struct, gc=False):
    """A shot with what its source was read as (``None`` if that failed) and the links found in it."""

    draft: AnyDraft
    source: Generated | None
    links: Sequence[tuple[AnyField, FrameLink]]


def check_links(shots: Sequence[LinkedShot], *, complete: bool) -> Iterator[Diagnostic]:
    """Findings about all links of a film: dangling, to itself, to what is not made, circles, long chains.

    Unless the film is *complete*, a shot that is not there may stand in a file that could not be read: it is not told.
    """
    by_id: dict[str, LinkedShot] = {}
    for shot in shots:
        by_id.setdefault(shot.draft.id, shot)
    ways: dict[str, list[_Way]] = {}
    suggestions = max(3, _LOOKED_AT // (len(by_id) + 1))
    for shot in shots:
        for field, link in shot.links:
            target = by_id.get(link.shot)
            if target is not None and _goes(shot, link, target):
                if by_id.get(shot.draft.id) is shot:
                    ways.setdefault(shot.draft.id, []).append(_Way(shot.draft.id, link.shot, field))
                continue
            suggestions -= target is None
            known = by_id if suggestions >= 0 else {}
            finding = _unusable(shot, field, link, target, known)
            if target is None and not complete:
                continue
            if finding is not None:
                yield finding
            elif by_id.get(shot.draft.id) is shot:
                ways.setdefault(shot.draft.id, []).append(_Way(shot.draft.id, link.shot, field))
    yield from _shape(list(by_id), ways)


def _goes(shot: LinkedShot, link: FrameLink, target: LinkedShot) -> bool:
    """Whether nothing at all can be said against a link, which is so for most."""
    there = target.draft
    return there.id != shot.draft.id and there.kind in _WITH_TAKES and isinstance(link.at, str) and not there.skipped


class _Way(Struct, gc=False):
    """A shot that starts from another one, and the field that says so."""

    shot: str
    source: str
    field: AnyField

    @property
    def place(self) -> Span:
        return self.field.part("shot")


def _definition(target: LinkedShot) -> Label:
    return Label(target.draft.name_span, f"{quoted(target.draft.id)} is defined here")


def _unusable(
    shot: LinkedShot, field: AnyField, link: FrameLink, target: LinkedShot | None, known: dict[str, LinkedShot]
) -> Diagnostic | None:
    if target is None:
        return _dangling(link.shot, field.part("shot"), known)
    name, wanted = quoted(link.shot), target.draft
    if wanted.id == shot.draft.id:
        return error("self-link", f"shot {name} starts from itself", field.part("shot"))
    if wanted.kind not in ("prompt", "clip", ""):
        message = f"{name} has no take; frames of a `{wanted.kind}` are not supported yet"
        return error("not-supported-yet", message, field.part("shot"), _definition(target))
    if wanted.skipped and not shot.draft.skipped:
        reason = Label(wanted.own.document.key_span((*wanted.own.path, "skip")), "it is skipped here")
        return error("skipped-link", f"{name} is skipped, so it has no frames", field.part("shot"), reason)
    return _outside(field, link, target)


def _dangling(name: str, place: Span, known: dict[str, LinkedShot]) -> Diagnostic:
    meant = closest(name, known)
    message = f"shot {quoted(name)} is not defined"
    if meant is None:
        return error("unknown-shot", message, place)
    return error("unknown-shot", message, place, _definition(known[meant]), help=suggestion(meant))


def _outside(field: AnyField, link: FrameLink, target: LinkedShot) -> Diagnostic | None:
    if target.source is None or isinstance(link.at, str) or link.at < target.source.duration:
        return None
    length, moment = plain_number(target.source.duration), plain_number(link.at)
    message = f"{quoted(link.shot)} is {length} s long, so nothing is shown at {moment} s"
    place = field.part("at")
    return error("frame-outside", message, place, _definition(target), help="write `at: last` for its last frame")


def _shape(order: list[str], ways: dict[str, list[_Way]]) -> Iterator[Diagnostic]:
    """Circles, and chains that are too long. *order* is the order of the film."""
    depth, behind, circling = _depths(order, ways)
    yield from _circles(order, ways, circling)
    for name in order:
        if depth.get(name) == LONGEST_CHAIN + 1:
            yield _long_chain(name, behind)


def _depths(order: list[str], ways: dict[str, list[_Way]]) -> tuple[dict[str, int], dict[str, _Way], set[str]]:
    """How many links each shot is away from one of its own, the longest way there, and the shots that never end."""
    depth: dict[str, int] = {}
    behind: dict[str, _Way] = {}
    for name in order:  # mostly each shot starts from earlier ones
        leading = ways.get(name)
        if leading is None:
            depth[name] = 0
            continue
        if any(way.source not in depth for way in leading):
            return _depths_anyhow(order, ways)
        longest = leading[0] if len(leading) == 1 else max(leading, key=lambda way: depth[way.source])
        depth[name], behind[name] = depth[longest.source] + 1, longest
    return depth, behind, set()


def _depths_anyhow(order: list[str], ways: dict[str, list[_Way]]) -> tuple[dict[str, int], dict[str, _Way], set[str]]:
    """The same where shots start from later ones, or from each other in a circle."""
    followers: dict[str, list[str]] = {}
    open_ways = {name: len(ways.get(name, ())) for name in order}
    for name, leading in ways.items():
        for way in leading:
            followers.setdefault(way.source, []).append(name)
    depth = {name: 0 for name in order if not open_ways[name]}
    behind: dict[str, _Way] = {}
    ready = list(depth)
    for name in ready:
        for follower in followers.get(name, ()):
            open_ways[follower] -= 1
            if not open_ways[follower]:
                longest = max(ways[follower], key=lambda way: depth[way.source])
                depth[follower], behind[follower] = depth[longest.source] + 1, longest
                ready.append(follower)
    return depth, behind, {name for name in order if open_ways[name]}


def _circles(order: list[str], ways: dict[str, list[_Way]], circling: set[str]) -> Iterator[Diagnostic]:
    """One finding a circle: from every shot that never ends, go back until the way meets itself."""
    seen: set[str] = set()
    for name in order:
        trail: dict[str, _Way] = {}
        here = name
        while here in circling and here not in seen:
            seen.add(here)
            trail[here] = next(way for way in ways[here] if way.source in circling)
            here = trail[here].source
        if here in trail:
            names = list(trail)
            yield _circle([trail[one] for one in names[names.index(here) :]], order)


def _circle(circle: list[_Way], order: list[str]) -> Diagnostic:
    members = {way.shot: index for index, way in enumerate(circle)}
    start = next(members[name] for name in order if name in members)
    turned = circle[start:] + circle[:start]
    drawn = _drawn([way.shot for way in turned] + [turned[0].shot])
    notes = [Label(way.place, f"`{way.shot}` starts from `{way.source}`") for way in turned[1:_DRAWN]]
    message = f"shots start from each other in a circle: {drawn}"
    return error("link-cycle", message, turned[0].place, *notes, help="let one of them start from a file or on its own")


def _long_chain(name: str, behind: dict[str, _Way]) -> Diagnostic:
    names, place = [name], behind[name].place
    while names[-1] in behind:
        names.append(behind[names[-1]].source)
    message = f"shot {quoted(name)} is {len(names) - 1} links away from a shot of its own: {_drawn(names)}"
    return warning("long-chain", message, place, help="the picture drifts with every link; start anew from a file")


def _drawn(names: list[str]) -> str:
    shown = names if len(names) <= _DRAWN else [*names[: _DRAWN - 2], "…", names[-1]]
    return " -> ".join(shown)
