"""State folders of a project: ``.storyboard``, and the cache inside it or on another disk.

A repository can contain links to any place. So every folder is opened by descriptor from its parent, and a link among
them rejects the whole state before anything is read, written or removed. Also rejected: a ``.storyboard`` that git
tracks, whose content comes from another author, and a cache of another project. Leaves the setting of the cache folder,
and the wording of rejections, to the command line.
"""

import os
from contextlib import suppress
from pathlib import Path

from storyboard.durable import LinkOnTheWay, make_folders, read_regular, real_folder, remove, write_atomic
from storyboard.store.git import tracked_below

FOLDER = ".storyboard"
# Text files: in an external cache the path of its project, and in the state the last path of that cache.
_OWNER_FILE = "project"
CACHE_DIR_FILE = "cache-dir"
# Folders that may not be links themselves, and folders that may not contain links either.
_STATE_FOLDERS = ("journal", "standing", "memory", "films")
_CACHE_FOLDERS = ("tmp", "damaged")
_SHARDED_FOLDERS = ("blobs", "records")


class StateRefused(Exception):
    """State of the project in *root* that cannot be used; nothing was read, written or removed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root = root


class LinkInState(StateRefused):
    """A link in the state: *path*, which leads to *target*."""

    def __init__(self, root: Path, path: Path) -> None:
        super().__init__(root)
        self.path = path
        self.target = Path(os.path.realpath(path))


class TrackedState(StateRefused):
    """Files of ``.storyboard`` that git tracks: *names*, relative to the root."""

    def __init__(self, root: Path, names: tuple[str, ...]) -> None:
        super().__init__(root)
        self.names = names


class UnusableCache(StateRefused):
    """A configured *cache* folder that is neither empty nor a cache."""

    def __init__(self, root: Path, cache: Path) -> None:
        super().__init__(root)
        self.cache = cache


class CacheOfAnother(StateRefused):
    """A *cache* that belongs to another existing project, in *owner*."""

    def __init__(self, root: Path, cache: Path, owner: Path) -> None:
        super().__init__(root)
        self.cache = cache
        self.owner = owner


class CacheLeftBehind(StateRefused):
    """Takes in *left*, while the settings name *cache*, which is empty."""

    def __init__(self, root: Path, cache: Path, left: Path) -> None:
        super().__init__(root)
        self.cache = cache
        self.left = left


class CacheGone(StateRefused):
    """A cache that was in *cache* and is missing: a disk may not be mounted."""

    def __init__(self, root: Path, cache: Path) -> None:
        super().__init__(root)
        self.cache = cache


class State:
    """The checked state folders of the project in *root*; *cache* is a folder elsewhere, by default none.

    Creates nothing. Raises ``StateRefused`` and ``OSError``.
    """

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        self.root = root
        self.folder = root / FOLDER
        self.own_cache = self.folder / "cache"
        self.cache = Path(os.path.realpath(cache)) if cache is not None else self.own_cache
        self._check_links_inside(root, FOLDER)
        for name in _STATE_FOLDERS:
            self._check_links(root, FOLDER, name)
        names = tracked_below(root, FOLDER)
        if names:
            raise TrackedState(root, names)
        self._check_links_inside(self.cache)
        for name in _SHARDED_FOLDERS:
            self._check_links_inside(self.cache, name)
        for name in _CACHE_FOLDERS:
            self._check_links(self.cache, name)
        self._check_cache()

    @property
    def is_elsewhere(self) -> bool:
        """Return whether the cache is outside of ``.storyboard``."""
        return self.cache != self.own_cache

    def prepare(self) -> None:
        """Create ``.storyboard`` with a ``.gitignore`` for all of it, and note the place of the cache.

        Raises ``OSError``.
        """
        make_folders(self.folder)
        ignore = self.folder / ".gitignore"
        if not os.path.lexists(ignore):
            write_atomic(ignore, b"*\n")
        if self.is_elsewhere:
            make_folders(self.cache)
            _write_note(self.cache / _OWNER_FILE, self.root.resolve())
            _write_note(self.folder / CACHE_DIR_FILE, self.cache)
        else:
            remove(self.folder / CACHE_DIR_FILE)

    def _check_links(self, top: Path, *parts: str, inside: bool = False) -> None:
        """Reject a link on the path to this folder, and any link in it if *inside*."""
        link = None
        with suppress(FileNotFoundError):
            try:
                with real_folder(top, *parts) as folder:
                    if inside:
                        link = next((entry.name for entry in folder.entries() if entry.is_symlink()), None)
            except LinkOnTheWay as problem:
                raise LinkInState(self.root, Path(problem.filename)) from None
        if link is not None:
            raise LinkInState(self.root, top.joinpath(*parts, link))

    def _check_links_inside(self, top: Path, *parts: str) -> None:
        self._check_links(top, *parts, inside=True)

    def _check_cache(self) -> None:
        if self.is_elsewhere:
            self._check_owner()
        if _has_blobs(self.cache):
            return
        before = _read_note(self.folder / CACHE_DIR_FILE)
        for left in (self.own_cache, before):
            if left is not None and left != self.cache and _has_blobs(left):
                raise CacheLeftBehind(self.root, self.cache, left)
        if before is not None and not (before / _OWNER_FILE).is_file():
            raise CacheGone(self.root, before)

    def _check_owner(self) -> None:
        if self.cache.is_dir() and not _is_cache(self.cache) and any(self.cache.iterdir()):
            raise UnusableCache(self.root, self.cache)
        owner = _read_note(self.cache / _OWNER_FILE)
        if owner is not None and (owner / FOLDER).is_dir() and not owner.samefile(self.root):
            raise CacheOfAnother(self.root, self.cache, owner)


def _is_cache(folder: Path) -> bool:
    return (folder / _OWNER_FILE).is_file() or (folder / "blobs").is_dir()


def _has_blobs(cache: Path) -> bool:
    """Return whether a blob was ever stored there."""
    try:
        return any((cache / "blobs").iterdir())
    except OSError:
        return False


def _read_note(path: Path) -> Path | None:
    """Return the absolute path noted in a file, ``None`` if there is none."""
    try:
        noted = Path(os.fsdecode(read_regular(path).removesuffix(b"\n")))
    except (OSError, ValueError):
        return None
    return noted if noted.is_absolute() else None


def _write_note(path: Path, place: Path) -> None:
    if _read_note(path) != place:
        write_atomic(path, os.fsencode(place) + b"\n")
