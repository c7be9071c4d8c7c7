"""One shot through the versions of a film: where what it asks for changed, and by which names it went.

Versions are named by their commits and handed in newest first, each with its parents, as git tells them. A version is
compared with its own parents, not with its neighbour in the list, so that branches do not seem to change
back and forth.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from storyboard.core.compare import Version, asked, renames
from storyboard.core.reason import Change, changes


class Node(Struct, frozen=True):
    """One version and those it was made from."""

    id: str
    parents: tuple[str, ...]


class ShotVersion(Struct, frozen=True):
    """A version in which a shot asks for something new; ``was`` is its name before, empty if it came with it."""

    id: str
    shot: str
    was: str
    changes: tuple[Change, ...]


See = Callable[[str], Version | None]
"""The version of that name; ``None`` if it cannot be read."""

Extra = Callable[[str, str], Mapping[str, Any]]
"""More fields of a shot in a version, by the version's name and the shot's; only fields that both have are compared."""


def lineage(
    nodes: Sequence[Node], see: See, shot: str, extra: Extra = lambda _version, _shot: {}
) -> Iterator[ShotVersion]:
    """The moments of *shot*, newest first. The first of *nodes* is the version that it is called so in."""
    parents = {node.id: node.parents for node in nodes}
    names: dict[str, str] = {nodes[0].id: shot} if nodes else {}
    for node in nodes:
        name = names.get(node.id)
        if name is None:
            continue
        version = see(node.id)
        earlier = list(_readable(node.parents, parents, see))
        if version is None:
            names.update((parent, name) for parent in node.parents if parent not in names)
            continue
        before = [(parent, seen, _name_in(seen, version, name)) for parent, seen in earlier]
        names.update((parent, was) for parent, _, was in before if was and parent not in names)
        moment = _moment(node.id, version, name, before, extra)
        if moment is not None:
            yield moment


def _readable(wanted: Sequence[str], parents: Mapping[str, tuple[str, ...]], see: See) -> Iterator[tuple[str, Version]]:
    """The nearest versions upwards that can be read."""
    waiting, done = list(wanted), set()
    while waiting:
        here = waiting.pop(0)
        if here in done or here not in parents:
            continue
        done.add(here)
        version = see(here)
        if version is not None:
            yield here, version
        else:
            waiting.extend(parents[here])


def _name_in(old: Version, new: Version, name: str) -> str:
    """What a shot was called before; empty if it was not there."""
    if any(shot.id == name for shot in old.storyboard.shots()):
        return name
    return next((was for was, now in renames(old, new).items() if now == name), "")


def _moment(
    here: str, version: Version, name: str, before: Sequence[tuple[str, Version, str]], extra: Extra
) -> ShotVersion | None:
    shot = next((shot for shot in version.storyboard.shots() if shot.id == name), None)
    if shot is None:
        return None
    fields = asked(shot, version.files)
    more = extra(here, name)
    found: ShotVersion | None = None
    for parent, old, was in before:
        if not was:
            continue
        names = renames(old, version)
        known = extra(parent, was)
        both = {field: value for field, value in known.items() if field in more}
        now = fields | {field: value for field, value in more.items() if field in known}
        told = changes(asked(old.storyboard.shot(was), old.files, names) | both, now)
        if not told and was == name:
            return None
        found = found or ShotVersion(here, name, was, told)
    return found or ShotVersion(here, name, "", changes({}, fields))
