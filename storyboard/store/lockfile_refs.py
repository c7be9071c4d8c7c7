"""Every reachable lockfile: in branches, tags, stashes, worktrees, indexes and on the disk.

Garbage collection needs all of them. So nothing is skipped: a lockfile, commit or worktree that cannot be read raises
``RefsUnreadable``.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from storyboard.durable import read_regular
from storyboard.store.git import FETCH_ALL, Git, GitProblem, MissingObject, in_repository
from storyboard.store.lockfile import Lockfile, LockfileProblem, loads

_VERSION_FIELD = b'"lockfile_version"'
_SCENES_FIELD = re.compile(rb"(?m)^scenes\s*:")
_SKIPPED_FOLDERS = frozenset((".git", ".storyboard", "node_modules", ".venv"))


class RefsUnreadable(Exception):
    """A place that could reference a take and cannot be read: where, and why."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class Source(Struct, frozen=True):
    """A lockfile and one place that contains it: a ref, a stash or a worktree."""

    where: str
    path: str
    lockfile: Lockfile


def find_lockfiles(root: Path) -> list[Source]:
    """Return every lockfile of the repository that contains *root*, each content once; those on the disk come first.

    Without git, return those below *root*. Raises ``RefsUnreadable``, ``OSError``.
    """
    if not in_repository(root):
        return list(_find_on_disk(root, "working tree"))
    try:
        with Git(root) as git:
            found = [source for path, name in _list_worktrees(git, root) for source in _find_on_disk(path, name)]
            return [*found, *_find_in_git(git, root)]
    except GitProblem as problem:
        raise RefsUnreadable("git", str(problem)) from problem


def _list_worktrees(git: Git, root: Path) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for block in git.run("worktree", "list", "--porcelain", "-z").split("\0\0"):
        fields = {line.partition(" ")[0]: line.partition(" ")[2] for line in block.split("\0") if line}
        if "worktree" not in fields or "bare" in fields:
            continue
        path = Path(fields["worktree"])
        if not path.is_dir():
            raise RefsUnreadable(
                f"worktree {path}", "the worktree is missing; run `git worktree prune` if it was removed"
            )
        here = root.resolve().is_relative_to(path.resolve())
        found.append((path, "working tree" if here else f"worktree {path.name}"))
    return found


def _find_on_disk(root: Path, name: str) -> Iterator[Source]:
    for folder, subfolders, files in os.walk(root, onerror=_raise_error):
        subfolders[:] = [one for one in subfolders if one not in _SKIPPED_FOLDERS]
        names = set(files)
        for file in sorted(names):
            path = Path(folder) / file
            if file.endswith(".lock") and path.is_file():
                storyboards = [Path(folder) / other for other in _storyboard_names(file) if other in names]
                texts = [read_regular(one, follow=True) for one in storyboards if one.is_file()]
                where = path.relative_to(root).as_posix()
                lockfile = _parse_own(read_regular(path, follow=True), where, name, texts)
                if lockfile is not None:
                    yield Source(name, where, lockfile)


def _raise_error(problem: OSError) -> None:
    raise problem


def _find_in_git(git: Git, root: Path) -> Iterator[Source]:
    seen: set[str] = set()
    for name, commit in _named_commits(git):
        listing = git.run("ls-tree", "-r", "-z", "--full-tree", commit)
        yield from _read_listed(git, name, _blobs_by_path(listing), seen)
    for path, name in _list_worktrees(git, root):
        with Git(path) as here:
            staged = here.run("ls-files", "-s", "-z", "--full-name")
        entries = {f"{meta} {path}": (path, meta.split()[1]) for meta, path in _split_listing(staged)}
        yield from _read_listed(git, f"index of {name}", dict(entries.values()), seen)


def _named_commits(git: Git) -> list[tuple[str, str]]:
    """Return the commits that a ref, stash or worktree names, each with one of its names."""
    found: dict[str, str] = {}
    fields = "%(refname:short)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(*objecttype)"
    for line in git.run("for-each-ref", f"--format={fields}").splitlines():
        name, own, kind, target, target_kind = line.split("\0")
        commit, kind = (target, target_kind) if kind == "tag" else (own, kind)
        if kind == "tag":
            commit, kind = git.commit(name), "commit"
        if kind == "commit":
            found.setdefault(commit, name)
        if name in ("stash", "refs/stash"):
            for stash in git.run("log", "-g", "--format=%H %P", "refs/stash", "--").split():
                found.setdefault(stash, "stash")
    for line in git.run("worktree", "list", "--porcelain", "-z").split("\0"):
        word, _, commit = line.partition(" ")
        if word == "HEAD" and set(commit) != {"0"}:
            found.setdefault(commit, "HEAD of a worktree")
    return [(name, commit) for commit, name in found.items()]


def _split_listing(listing: str) -> Iterator[tuple[str, str]]:
    for line in listing.split("\0"):
        meta, tab, path = line.partition("\t")
        if tab:
            yield meta, path


def _blobs_by_path(listing: str) -> dict[str, str]:
    """Return object ids by path, without links and submodules."""
    return {
        path: meta.split()[2]
        for meta, path in _split_listing(listing)
        if meta.split()[1] == "blob" and not meta.startswith("120000")
    }


def _read_listed(git: Git, name: str, files: Mapping[str, str], seen: set[str]) -> Iterator[Source]:
    for path, blob in files.items():
        if not path.endswith(".lock") or blob in seen:
            continue
        folder, _, file = path.rpartition("/")
        others = [f"{folder}/{other}" if folder else other for other in _storyboard_names(file)]
        storyboards = [_read_blob(git, files[other], name, other) for other in others if other in files]
        lockfile = _parse_own(_read_blob(git, blob, name, path), path, name, storyboards)
        seen.add(blob)
        if lockfile is not None:
            yield Source(name, path, lockfile)


def _read_blob(git: Git, blob: str, name: str, path: str) -> bytes:
    try:
        found = git.blob(blob)
    except MissingObject:
        found = None
    if found is None:
        raise RefsUnreadable(f"{name}:{path}", f"git lacks its content; run `{FETCH_ALL}`")
    return found.data


def _storyboard_names(lockfile: str) -> tuple[str, str]:
    stem = lockfile.removesuffix(".lock")
    return (f"{stem}.yaml", f"{stem}.yml")


def _parse_own(data: bytes, path: str, name: str, storyboards: list[bytes]) -> Lockfile | None:
    """Return a lockfile of this program, ``None`` for one of another program.

    Raises ``RefsUnreadable`` for a damaged file that may be a lockfile of this program.
    """
    ours = (
        _VERSION_FIELD in data
        or path.rpartition("/")[2] == "storyboard.lock"
        or any(map(_SCENES_FIELD.search, storyboards))
    )
    if not ours:
        return None
    try:
        return loads(data.decode())
    except (LockfileProblem, UnicodeDecodeError) as problem:
        line = f":{problem.line}" if isinstance(problem, LockfileProblem) and problem.line else ""
        reason = problem.reason
        raise RefsUnreadable(f"{name}:{path}{line}", reason) from problem
