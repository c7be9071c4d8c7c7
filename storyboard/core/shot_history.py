"""History of one shot: the versions of a film in which its request or its name changed.

Versions are named by their commits and come newest first, each with its parents, as git lists them. A version is
compared with its parents, not with its neighbour in the list: otherwise branches would seem to change back and forth.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from storyboard.core.compare import Version, renames, source_fields
from storyboard.core.reason import Change, changes


class Node(Struct, frozen=True):
    """A version and its parents."""

    id: str
    parents: tuple[str, ...]


class ShotVersion(Struct, frozen=True):
    """A version in which the request of a shot changed; ``was`` is its earlier name, empty if the shot is new."""

    id: str
    shot: str
    was: str
    changes: tuple[Change, ...]


See = Callable[[str], Version | None]
"""Returns the version of that name; ``None`` if it cannot be read."""

Extra = Callable[[str, str], Mapping[str, Any]]
"""Returns more fields of a shot, by the names of version and shot; fields of both versions are compared."""


def shot_versions(
    nodes: Sequence[Node], see: See, shot: str, extra: Extra = lambda _version, _shot: {}
) -> Iterator[ShotVersion]:
    """Yield the versions of *shot*, newest first. The first of *nodes* is the version in which it has that name."""
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
        before = [(parent, seen, _earlier_name(seen, version, name)) for parent, seen in earlier]
        names.update((parent, was) for parent, _, was in before if was and parent not in names)
        moment = _shot_version(node.id, version, name, before, extra)
        if moment is not None:
            yield moment


def _readable(wanted: Sequence[str], parents: Mapping[str, tuple[str, ...]], see: See) -> Iterator[tuple[str, Version]]:
    """Yield the nearest readable versions among *wanted* and their ancestors."""
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


def _earlier_name(old: Version, new: Version, name: str) -> str:
    """Return the name of a shot in *old*; empty if *old* lacks the shot."""
    if any(shot.id == name for shot in old.storyboard.shots()):
        return name
    return next((was for was, now in renames(old, new).items() if now == name), "")


def _shot_version(
    here: str, version: Version, name: str, before: Sequence[tuple[str, Version, str]], extra: Extra
) -> ShotVersion | None:
    shot = next((shot for shot in version.storyboard.shots() if shot.id == name), None)
    if shot is None:
        return None
    fields = source_fields(shot, version.files)
    more = extra(here, name)
    found: ShotVersion | None = None
    for parent, old, was in before:
        if not was:
            continue
        names = renames(old, version)
        known = extra(parent, was)
        both = {field: value for field, value in known.items() if field in more}
        now = fields | {field: value for field, value in more.items() if field in known}
        changed = changes(source_fields(old.storyboard.shot(was), old.files, names) | both, now)
        if not changed and was == name:
            return None
        found = found or ShotVersion(here, name, was, changed)
    return found or ShotVersion(here, name, "", changes({}, fields))
