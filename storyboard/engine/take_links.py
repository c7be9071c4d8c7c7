"""Links beside the film to its takes, and the takes that replaced those of the last build without being made.

Where the system or the file system makes no links (Windows without developer mode, FAT), takes are copied. A hard link
would not do: a program that writes into it would write into the cache.

A take is replaced that way after a merge, a checkout, an undone edit, a pick. The lockfile and the links hold the takes
of the last build; the reason of a replacement is that of the step. Foreign files and links are left alone.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from storyboard.core.build_events import ReplacedTake
from storyboard.core.graph import take_id
from storyboard.core.model import Generated, Shot, Storyboard
from storyboard.core.plan import Result, Step, TakeResult
from storyboard.durable import put_link, remove
from storyboard.engine.project_store import ProjectStore, folder_in_project
from storyboard.operating_system import cannot_link, read_link
from storyboard.store.blobs import is_digest


def link_takes(store: ProjectStore, storyboard: Storyboard, results: Mapping[str, Result]) -> tuple[Path, int]:
    """Link the takes into a folder beside the film, by the names of their shots.

    Return the folder, and how many takes had to be copied.

    An alternate take has its seed in its name: ``glide.97986.mp4``. Only links to blobs of this project and
    copies that a build has written are replaced or removed; any other file or link stays. Does nothing if the folder is
    a link or a file.
    """
    folder = store.film.with_suffix("")
    if folder.is_symlink() or folder.is_file() or folder_in_project(store.root, folder / "take") is None:
        return folder, 0
    folder.mkdir(parents=True, exist_ok=True)
    names = {name for shot in storyboard.shots() for name, _ in _link_names(shot)}
    targets = link_targets(store, storyboard, results)
    copied = sum(_link(store, folder / name, target) for name, target in targets.items())
    for entry in folder.iterdir():
        if entry.name not in names and own_link(store, entry) is not None:
            remove(entry)
    return folder, copied


def own_link(store: ProjectStore, path: Path) -> str | None:
    """Return the target of the link at *path*, if it is a blob of this project: ``link_takes`` has written it then.

    For a copy that ``link_takes`` has written, return the target of the link that it stands for.
    """
    try:
        target = read_link(path)
    except OSError:
        copied = store.copied_take(path)
        return None if copied is None else f"{store.blob_link_prefixes[0]}/{copied[:2]}/{copied}"
    folder, _, digest = target.rpartition("/")
    return target if folder.rpartition("/")[0] in store.blob_link_prefixes and is_digest(digest) else None


def link_targets(store: ProjectStore, storyboard: Storyboard, results: Mapping[str, Result]) -> dict[str, str]:
    """Return the links beside the film by name, with their targets. Raises ``TaskFailed`` for a damaged take."""
    blobs = store.blob_link_prefixes[0]
    found = {}
    for shot in storyboard.shots():
        for name, action in _link_names(shot):
            take = results.get(action)
            if isinstance(take, TakeResult):
                blob = store.blob_path(take.digest)
                found[name] = f"{blobs}/{blob.parent.name}/{blob.name}"
    return found


def _link_names(shot: Shot) -> Iterator[tuple[str, str]]:
    """Yield the names of the links to the takes of a shot, with the takes' action ids."""
    yield f"{shot.id}.mp4", take_id(shot.id)
    if isinstance(shot.source, Generated):
        for seed in shot.source.alternate_seeds:
            yield f"{shot.id}.{seed}.mp4", take_id(shot.id, seed)


def _link(store: ProjectStore, path: Path, target: str) -> bool:
    """Put the link, or a copy of its target where it cannot be made; return whether it was copied."""
    there = own_link(store, path)
    if there == target or (there is None and os.path.lexists(path)):
        return False
    try:
        put_link(path, target)
    except OSError as problem:
        if not cannot_link(problem):
            raise
        store.copy_take(target.rpartition("/")[2], path)
        return True
    return False


class TakeInUse(Struct, frozen=True):
    """The takes of one shot in the cut: the locked one of its provider, those of all providers, and the linked one."""

    locked: str | None
    all_locked: frozenset[str]
    linked: str | None


def takes_in_use(store: ProjectStore, storyboard: Storyboard) -> dict[str, TakeInUse]:
    """Return what every shot has in the cut now."""
    found = {}
    for shot in storyboard.shots():
        provider = shot.source.provider if isinstance(shot.source, Generated) else ""
        entry = store.locked(shot.id, provider)
        entries = store.lockfile.content.shots.get(shot.id, {}).values()
        locked = entry.take if entry is not None else None
        found[shot.id] = TakeInUse(locked, frozenset(one.take for one in entries), _linked_take(store, shot.id))
    return found


def _linked_take(store: ProjectStore, shot: str) -> str | None:
    """Return the take that the last build linked under the name of *shot*."""
    link = store.film.with_suffix("") / f"{shot}.mp4"
    target = own_link(store, link)
    return target.rpartition("/")[2] if target is not None else None


def replaced_takes(steps: Iterable[Step], before: Mapping[str, TakeInUse]) -> Iterator[ReplacedTake]:
    """Yield the takes among *steps* that replace others.

    After a change of provider all takes are other ones; these are not reported.
    """
    for step in steps:
        if step.action.kind != "take" or step.action.seed is not None or not isinstance(step.result, TakeResult):
            continue
        had = before[step.action.shot]
        new = step.result.digest
        if had.locked is not None and had.locked != new:
            yield ReplacedTake(step, had.locked)
        elif had.linked is not None and had.linked != new and had.linked not in had.all_locked:
            yield ReplacedTake(step, had.linked)
