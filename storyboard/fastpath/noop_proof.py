"""The proof that a build left nothing to do, and that every later change will show in a stat result.

The store and ``document`` note the stamp of each blob, record, input and text as they read it. This module adds the
rest (lockfile, journal, links, folders, settings, program) and decides whether these stamps are evidence.
"""

import os
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from msgspec import Struct

from storyboard.core.model import Generated
from storyboard.core.plan import Step, TakeResult
from storyboard.durable import clock, open_regular
from storyboard.engine.build import FinishedBuild
from storyboard.engine.session import Session
from storyboard.engine.take_links import link_targets, own_link
from storyboard.media.render.encoder import LIBRARIES
from storyboard.operating_system import change_time_ns
from storyboard.store.file_stamps import ABSENT, PathStamps, Stamp, StatEntry, folder_witness, identity_of, stamp_of
from storyboard.store.lockfile import LockfileProblem
from storyboard.store.lockfile import read as read_lockfile

# The clocks of kernel and file system differ by less.
_CLOCK_SLACK_NS = 100_000_000
# FAT stamps files in steps of 2 s and exFAT in steps of 10 ms, of which its FUSE driver keeps the seconds.
_COARSE_STEP_NS = 2_000_000_000
_COARSE_UNIT_NS = 10_000_000
# The program was loaded within this time before a clock was read.
_LOADING_NS = 10_000_000_000
_LINK = "->"


class BuildInputs(Struct, frozen=True):
    """Files that a build has read by way of the command line.

    *texts* maps the storyboard's files to how they looked and their sha256, *paths* are all paths that were followed
    from the words of the command line on, *absent* are paths that would be followed in their place if they existed,
    *settings* is the settings file and how it looked before it was read, *began*
    the monotonic time before the first of them was read.
    """

    texts: Mapping[str, tuple[os.stat_result, str]]
    paths: tuple[Path, ...]
    absent: tuple[Path, ...]
    settings: tuple[str, StatEntry]
    began: float


class _Changed(Exception):
    """Something is not as the build left it."""


def prove_noop(build: FinishedBuild, steps: Iterable[Step], inputs: BuildInputs) -> PathStamps | None:
    """Return everything that decides whether a build after *build* has nothing to do; ``None`` without a proof.

    *steps* are those of a build right now. Only for the holder of the project's lock.
    """
    session, store = build.session, build.session.store
    found = PathStamps()
    try:
        own = dict(_own_files(build))  # first: it looks again at copies of takes, which the build may have replaced
        looks = {
            **store.digests.stat_log.entries,
            **{path: (stamp_of(stat), digest) for path, (stat, digest) in inputs.texts.items()},
        }
        looks |= [inputs.settings]
        for folder in _folders_without_choice(session, steps):
            looks.pop(folder, None)
        looks |= own
        films = (film.parent for film in store.films.values())
        _add_ways(found, looks, [*inputs.paths, *films], store.root)
        _add_absent_roots(found, session)
        found.absent |= {os.fspath(path) for path in inputs.absent}
        for path, (stamp, _) in looks.items():
            if stamp == ABSENT:
                found.absent.add(path)
            else:
                found.stamps[path] = stamp
        settled = store.digests.stat_log.settled
        if not _is_proven(store.folder, looks, settled, inputs.began) or not found.is_unchanged():
            return None
    except (OSError, LockfileProblem, _Changed):
        return None
    found.absent.add(os.fspath(store.folder / "builder.json"))
    return found


def program_stamps() -> dict[str, Stamp] | None:
    """Return the stamps of the program and of the libraries in keys; ``None`` if one has just changed."""
    stamps = {}
    for path in {os.fspath(path) for path in _program_paths()}:
        stat = os.lstat(path)
        if change_time_ns(stat) > time.time_ns() - _LOADING_NS:
            return None
        stamps[path] = stamp_of(stat)
    return stamps


def _program_paths() -> Iterator[Path]:
    package = Path(__file__).resolve().parents[1]
    for folder, names, files in os.walk(package):
        names[:] = [name for name in names if name != "__pycache__"]
        yield Path(folder)
        yield from (Path(folder, name) for name in files)
    yield from (path for path in (package.parent / "schemas").glob("*.json"))
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            installed = distribution(library)
            yield Path(str(installed.locate_file("")))
            yield from (Path(str(file.locate())) for file in installed.files or () if file.name == "METADATA")


def _folders_without_choice(session: Session, steps: Iterable[Step]) -> set[str]:
    """Return the folders of records of which the lockfile chooses one, whatever else is in the folder."""
    locked: set[str] = set()
    chosen: set[str] = set()
    for step in steps:
        if step.key is not None:
            (locked if _is_locked(session, step) else chosen).add(step.key)
    return {session.store.records.folder(key) for key in locked - chosen}


def _is_locked(session: Session, step: Step) -> bool:
    if step.action.kind != "take" or step.action.seed is not None or not isinstance(step.result, TakeResult):
        return False
    source = session.graph.shot(step.action.shot).source
    entry = session.store.locked(step.action.shot, source.provider) if isinstance(source, Generated) else None
    return entry is not None and (entry.key, entry.take) == (step.key, step.result.digest)


def _own_files(build: FinishedBuild) -> Iterator[tuple[str, StatEntry]]:
    """Yield the lockfile, the journal and the folder of links to takes.

    Raises ``_Changed`` if one of them, or a link, is not what the build left there.
    """
    store = build.session.store
    yield look_at(store.lockfile.path)
    if read_lockfile(store.lockfile.path) != store.lockfile.content:
        raise _Changed
    journal = store.folder / "journal"
    yield look_at(journal)
    if store.journal.jobs():
        raise _Changed
    folder = store.film.with_suffix("")
    yield look_at(folder)
    for name, target in link_targets(store, build.session.storyboard, build.planner.results).items():
        path = folder / name
        if own_link(store, path) not in (None, target):
            raise _Changed


def look_at(path: Path) -> tuple[str, StatEntry]:
    """Return the name of *path* with its stamp and witness; the stamp is ``ABSENT`` if nothing is there."""
    name = os.fspath(path)
    try:
        stat = os.lstat(path)
        return name, (stamp_of(stat), _witness(path))
    except FileNotFoundError:
        return name, (ABSENT, "")


def _witness(path: Path) -> str:
    if path.is_symlink():
        return f"{_LINK}{path.readlink()}"
    if path.is_dir():
        return folder_witness(sorted(entry.name for entry in path.iterdir()))
    with os.fdopen(open_regular(path), "rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _add_ways(found: PathStamps, looks: dict[str, StatEntry], inputs: Iterable[Path], root: Path) -> None:
    """Add the folders and links on the way to *inputs*: another one there would lead to another file."""
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
                    _add_ways(found, looks, [step.parent / step.readlink()], root)
                elif step.is_dir() and step.is_relative_to(root):
                    found.identities[name] = identity_of(os.lstat(step))


def _add_absent_roots(found: PathStamps, session: Session) -> None:
    """Add the paths that would make a folder below the root the project."""
    root = session.store.root
    for folder in (root / session.storyboard.file).parents:
        if folder == root:
            break
        found.absent |= {os.fspath(folder / name) for name in (".storyboard", ".git")}


def _is_proven(state: Path, looks: Mapping[str, StatEntry], settled: Container[str], began: float) -> bool:
    """Return whether a later change of any path shows in its stamp, and none has happened since it was read.

    *settled* are paths that need not be read again for this.
    """
    now, device = clock(state)
    if max((stamp[2] for stamp, _ in looks.values()), default=0) >= now:
        return False
    fresh = now - int((time.monotonic() - began) * 1e9) - _CLOCK_SLACK_NS
    if now % _COARSE_UNIT_NS == 0:
        fresh -= _COARSE_STEP_NS
    for path, (stamp, witness) in looks.items():
        if stamp[2] >= fresh:
            stat = os.lstat(path)
            if stat.st_dev != device or stamp_of(stat) != stamp:
                return False
            if path not in settled and _witness(Path(path)) != witness:
                return False
    return True
