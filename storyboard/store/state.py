"""The folders in which a project keeps what it made: ``.storyboard``, and the cache in it or on another disk.

A repository can bring links that lead anywhere. So every folder is opened by descriptor from the one above it, and a
link among them refuses the whole state before anything in it is read, written or removed. Refused as well: a
``.storyboard`` that is in git, whose content is somebody else's, and a cache that is not this project's. Leaves to the
command line where the setting of another cache comes from, and how a refusal is worded.
"""

import os
from contextlib import suppress
from pathlib import Path

from storyboard.durable import LinkOnTheWay, make_folders, real_folder, remove, write_atomic
from storyboard.store.git import tracked_below

FOLDER = ".storyboard"
# Text files: in a cache elsewhere the project that it belongs to, and in the state where that cache was last.
_OWNER = "project"
ELSEWHERE = "cache-dir"
# Folders in which no link may stand, and folders that may be no link themselves.
_STATE_FOLDERS = ("journal", "standing", "memory")
_CACHE_FOLDERS = ("tmp", "damaged")
_SPREAD = ("blobs", "records")


class StateRefused(Exception):
    """The state of the project in *root* cannot be used as it is; nothing has been read, written or removed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root = root


class LinkInState(StateRefused):
    """A link stands among the state: *path*, which leads to *target*."""

    def __init__(self, root: Path, path: Path) -> None:
        super().__init__(root)
        self.path = path
        self.target = Path(os.path.realpath(path))


class TrackedState(StateRefused):
    """Git has files of ``.storyboard``: *names*, relative to the root."""

    def __init__(self, root: Path, names: tuple[str, ...]) -> None:
        super().__init__(root)
        self.names = names


class UnusableCache(StateRefused):
    """The setting names *cache*, which is neither empty nor a cache."""

    def __init__(self, root: Path, cache: Path) -> None:
        super().__init__(root)
        self.cache = cache


class CacheOfAnother(StateRefused):
    """*cache* belongs to the project in *owner*, which is another one and is there."""

    def __init__(self, root: Path, cache: Path, owner: Path) -> None:
        super().__init__(root)
        self.cache = cache
        self.owner = owner


class CacheLeftBehind(StateRefused):
    """Takes are in *left*, but the settings name *cache*, which is empty."""

    def __init__(self, root: Path, cache: Path, left: Path) -> None:
        super().__init__(root)
        self.cache = cache
        self.left = left


class CacheGone(StateRefused):
    """The cache was in *cache* and is not there now: a disk may not be mounted."""

    def __init__(self, root: Path, cache: Path) -> None:
        super().__init__(root)
        self.cache = cache


class State:
    """The state folders of the project in *root*, looked through; *cache* is a folder elsewhere, by default none.

    Nothing is created. Raises ``StateRefused`` and ``OSError``.
    """

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        self.root = root
        self.folder = root / FOLDER
        self.own_cache = self.folder / "cache"
        self.cache = Path(os.path.realpath(cache)) if cache is not None else self.own_cache
        self._look_through(root, FOLDER)
        for name in _STATE_FOLDERS:
            self._look_at(root, FOLDER, name)
        names = tracked_below(root, FOLDER)
        if names:
            raise TrackedState(root, names)
        self._look_through(self.cache)
        for name in _SPREAD:
            self._look_through(self.cache, name)
        for name in _CACHE_FOLDERS:
            self._look_at(self.cache, name)
        self._check_place()

    @property
    def is_elsewhere(self) -> bool:
        """Return whether the cache is outside of ``.storyboard``."""
        return self.cache != self.own_cache

    def prepare(self) -> None:
        """Make ``.storyboard``, ignored by git as a whole, and note where the cache is. Raises ``OSError``."""
        make_folders(self.folder)
        ignore = self.folder / ".gitignore"
        if not os.path.lexists(ignore):
            write_atomic(ignore, b"*\n")
        if self.is_elsewhere:
            make_folders(self.cache)
            _note(self.cache / _OWNER, self.root.resolve())
            _note(self.folder / ELSEWHERE, self.cache)
        else:
            remove(self.folder / ELSEWHERE)

    def _look_at(self, top: Path, *parts: str, inside: bool = False) -> None:
        """Refuse a link on the way to this folder, and any in it if *inside*."""
        link = None
        with suppress(FileNotFoundError):
            try:
                with real_folder(top, *parts) as folder:
                    if inside:
                        with os.scandir(folder) as entries:
                            link = next((entry.name for entry in entries if entry.is_symlink()), None)
            except LinkOnTheWay as problem:
                raise LinkInState(self.root, Path(problem.filename)) from None
        if link is not None:
            raise LinkInState(self.root, top.joinpath(*parts, link))

    def _look_through(self, top: Path, *parts: str) -> None:
        self._look_at(top, *parts, inside=True)

    def _check_place(self) -> None:
        if self.is_elsewhere:
            self._check_owner()
        if _has_blobs(self.cache):
            return
        before = _noted(self.folder / ELSEWHERE)
        for left in (self.own_cache, before):
            if left is not None and left != self.cache and _has_blobs(left):
                raise CacheLeftBehind(self.root, self.cache, left)
        if before is not None and not (before / _OWNER).is_file():
            raise CacheGone(self.root, before)

    def _check_owner(self) -> None:
        if self.cache.is_dir() and not _is_cache(self.cache) and any(self.cache.iterdir()):
            raise UnusableCache(self.root, self.cache)
        owner = _noted(self.cache / _OWNER)
        if owner is not None and (owner / FOLDER).is_dir() and not owner.samefile(self.root):
            raise CacheOfAnother(self.root, self.cache, owner)


def _is_cache(folder: Path) -> bool:
    return (folder / _OWNER).is_file() or (folder / "blobs").is_dir()


def _has_blobs(cache: Path) -> bool:
    """Return whether a blob has ever been kept there."""
    try:
        return any((cache / "blobs").iterdir())
    except OSError:
        return False


def _noted(path: Path) -> Path | None:
    """The absolute path that was noted in a file; ``None`` if there is none."""
    try:
        noted = Path(os.fsdecode(path.read_bytes().removesuffix(b"\n")))
    except (OSError, ValueError):
        return None
    return noted if noted.is_absolute() else None


def _note(path: Path, place: Path) -> None:
    if _noted(path) != place:
        write_atomic(path, os.fsencode(place) + b"\n")
