"""What a build has looked at, so that the next one can see at a glance that nothing has changed.

Most of it is noted where it is read: blobs, records, pictures and the film by the store, the text by ``document``. Here
come the rest (journal, lockfile, links, folders) and the proof that a stat is enough: the file system's own clock is
past the last change of everything that is named, and what was changed since the build began is read once more then.
"""

import os
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path

from storyboard.core.model import Generated
from storyboard.core.plan import Step, TakeResult
from storyboard.durable import clock
from storyboard.engine.film import linked, own_link
from storyboard.engine.session import Session
from storyboard.store.file_stamps import NOWHERE, Look, PathStamps, identity_of, names_witness, stamp_of
from storyboard.store.lockfile import LockfileProblem
from storyboard.store.lockfile import read as read_lockfile

# The clocks of kernel and file system are less than this apart.
_SLACK_NS = 100_000_000
_LINK = "->"


def prove_noop(
    session: Session, steps: Iterable[Step], read: Mapping[str, Look], inputs: Iterable[Path], began: float
) -> PathStamps | None:
    """Everything that decided that a build of *session* would have nothing to do; ``None`` if that cannot be proven.

    *steps* are those of that build, *read* the files of the storyboard as they were read, *inputs* all paths that were
    followed from the words of the command line on, *began* the monotonic time before the first of them was. Only for
    the holder of the lock.
    """
    looks = {**session.workspace.index.seen.looks, **read}
    found = PathStamps()
    try:
        for folder in _without_choice(session, steps):
            looks.pop(folder, None)
        looks |= dict(_own(session))
        _note_ways(
            found, looks, [*inputs, *(film.parent for film in session.workspace.films.values())], session.workspace.root
        )
        _note_roots(found, session)
        for path, (stamp, _) in looks.items():
            if stamp == NOWHERE:
                found.absent.add(path)
            else:
                found.stamps[path] = stamp
        settled = session.workspace.index.seen.settled
        if not _is_proven(session.workspace.state, looks, settled, began) or not found.still():
            return None
    except (OSError, LockfileProblem, _Moved):
        return None
    found.absent.add(os.fspath(session.workspace.state / "builder.json"))
    return found


class _Moved(Exception):
    """Something is not as the build left it."""


def _without_choice(session: Session, steps: Iterable[Step]) -> set[str]:
    """Folders of records that may change: of all that is in them the lockfile names one, which is looked at itself."""
    locked: set[str] = set()
    chosen: set[str] = set()
    for step in steps:
        if step.key is not None:
            (locked if _is_locked(session, step) else chosen).add(step.key)
    return {session.workspace.records.folder(key) for key in locked - chosen}


def _is_locked(session: Session, step: Step) -> bool:
    if step.action.kind != "take" or step.action.seed is not None or not isinstance(step.result, TakeResult):
        return False
    source = session.graph.shot(step.action.shot).source
    entry = session.shelf.locked(step.action.shot, source.provider) if isinstance(source, Generated) else None
    return entry is not None and (entry.key, entry.take) == (step.key, step.result.digest)


def _own(session: Session) -> Iterator[tuple[str, Look]]:
    """The lockfile, the journal and the links beside the film, each found to be what the build thinks it is.

    A link cannot be written to, only be replaced, which its folder tells.
    """
    space, shelf = session.workspace, session.shelf
    yield look_at(space.lockfile)
    if read_lockfile(space.lockfile) != shelf.lockfile:
        raise _Moved
    journal = space.state / "journal"
    yield look_at(journal)
    if space.journal.jobs():
        raise _Moved
    folder = shelf.film.with_suffix("")
    yield look_at(folder)
    for name, target in linked(shelf, session.storyboard, session.results).items():
        path = folder / name
        if own_link(shelf, path) not in (None, target):
            raise _Moved


def look_at(path: Path) -> tuple[str, Look]:
    """What is at *path* now, with its witness."""
    name = os.fspath(path)
    try:
        looks = os.lstat(path)
        return name, (stamp_of(looks), _witness(path))
    except FileNotFoundError:
        return name, (NOWHERE, "")


def _witness(path: Path) -> str:
    if path.is_symlink():
        return f"{_LINK}{path.readlink()}"
    if path.is_dir():
        return names_witness(sorted(entry.name for entry in path.iterdir()))
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _note_ways(found: PathStamps, looks: dict[str, Look], inputs: Iterable[Path], root: Path) -> None:
    """The folders and links on the way to *inputs*: another folder or link there leads to another file."""
    seen: set[str] = set()
    for path in inputs:
        for step in (path, *path.parents):
            name = os.fspath(step)
            if name in seen:
                break
            seen.add(name)
            with suppress(FileNotFoundError):
                if step.is_symlink():
                    looks.update([look_at(step)])
                    _note_ways(found, looks, [step.parent / step.readlink()], root)
                elif step.is_dir() and step.is_relative_to(root):
                    found.identities[name] = identity_of(os.lstat(step))


def _note_roots(found: PathStamps, session: Session) -> None:
    """What would make another folder the project's."""
    root = session.workspace.root
    for folder in (root / session.storyboard.file).parents:
        if folder == root:
            break
        found.absent |= {os.fspath(folder / name) for name in (".storyboard", ".git")}


def _is_proven(state: Path, looks: Mapping[str, Look], settled: Container[str], began: float) -> bool:
    """Whether a later change of any of these would show in its stat, and none has happened since they were read.

    *settled* are those that need not be read for it.
    """
    now, device = clock(state)
    if max((stamp[2] for stamp, _ in looks.values()), default=0) >= now:
        return False
    fresh = now - int((time.monotonic() - began) * 1e9) - _SLACK_NS
    for path, (stamp, witness) in looks.items():
        if stamp[2] >= fresh:
            there = os.lstat(path)
            if there.st_dev != device or stamp_of(there) != stamp:
                return False
            if path not in settled and _witness(Path(path)) != witness:
                return False
    return True
