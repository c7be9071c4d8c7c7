"""The files that a storyboard is made of, watched for changes. The only module that imports watchfiles.

Folders are watched, not files: many editors write another file and rename it into place. A change counts by how the
files look afterwards, so that what a build writes, and a file that is saved as it was, begin no other build.
"""

import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import watchfiles

# Milliseconds without a further change after which a change is reported, and the longest wait for that.
_QUIET_MS = 50
_LONGEST_MS = 500
# Milliseconds after which the files are looked at in any case: no system reports every change, of network disks none.
_LOOK_MS = 1000
# Seconds before folders are watched anew, so that a system that refuses it is not asked all the time.
_PAUSE_S = 0.2
# Seconds that a file may be empty before it counts as saved.
_EMPTY_S = 2.0
# Folders that are watched for a file that the storyboard names and that does not exist.
_MOST_FOLDERS = 500

Look = tuple[int, int, int] | None


class WatchedFiles:
    """Files with how they looked when they were read, by absolute paths.

    In some folders every new and removed file counts as a change, in all others only the files do.
    """

    def __init__(self) -> None:
        self._looks: dict[Path, Look] = {}
        self._folders: dict[Path, tuple[str, ...]] = {}

    def refresh(self) -> None:
        """Take the files as they look now."""
        self.keep(self._looks, self._folders, anew=self._looks)

    def keep(self, files: Iterable[Path], folders: Iterable[Path] = (), *, anew: Collection[Path] = ()) -> None:
        """Watch *files* and *folders* in place of those before.

        A file that was watched keeps the look that it had, so that a change since then counts, unless it is in *anew*.
        """
        before = self._looks
        self._looks = {file: before[file] if file in before and file not in anew else _look(file) for file in files}
        self._folders = {folder: _names(folder) for folder in folders}

    def files(self) -> list[Path]:
        """Return the files that are watched."""
        return list(self._looks)

    def changed(self) -> list[Path]:
        """Return the files that look different now; without any, the folders that hold other names."""
        found = [file for file, look in self._looks.items() if _look(file) != look]
        return found or [folder for folder, names in self._folders.items() if _names(folder) != names]

    def wait(self) -> list[Path]:
        """Wait until files have changed, and return them. Raises ``KeyboardInterrupt``."""
        while True:
            with suppress(OSError):  # a folder went away just now, or the system watches no more of them
                self._wait_for_report()
            found = self.changed()
            if found:
                self._wait_for_text(found)
                return found
            time.sleep(_PAUSE_S)

    def _wait_for_text(self, files: Iterable[Path]) -> None:
        """Wait a moment for the text of a file that had some and is empty: many programs empty a file to save it."""
        end = time.monotonic() + _EMPTY_S
        while any(_is_emptied(self._looks.get(file), _look(file)) for file in files) and time.monotonic() < end:
            time.sleep(_QUIET_MS / 1000)

    def _wait_for_report(self) -> None:
        """Wait until files have changed, or other folders have to be watched. Raises ``OSError``."""
        places = self._places()
        for _ in _reports(places):
            if self.changed() or places != self._places():
                return

    def _places(self) -> dict[Path, int]:
        """Return the folders to watch, with their numbers: where one is missing, the nearest above it."""
        folders = {*self._folders, *(file.parent for file in self._looks)}
        found: dict[Path, int] = {}
        for folder in folders:
            there = next((above for above in (folder, *folder.parents) if above.is_dir()), None)
            if there is not None:
                found[there] = there.stat().st_ino
        return found


def _reports(places: Iterable[Path]) -> Iterator[object]:
    """Yield after each change in one of *places*, and after a while in any case."""
    return watchfiles.watch(
        *places,
        watch_filter=None,
        debounce=_LONGEST_MS,
        step=_QUIET_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        recursive=False,
    )


def _look(file: Path) -> Look:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _is_emptied(before: Look, now: Look) -> bool:
    return before is not None and now is not None and before[1] > 0 == now[1]


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(entry.name for entry in folder.iterdir()))
    except OSError:
        return ()


def folders_of(root: Path) -> list[Path]:
    """Return the folders of a project in which an input file may appear, none of which is hidden."""
    found: list[Path] = []
    for folder, below, _ in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found.append(Path(folder))
        if len(found) == _MOST_FOLDERS:
            break
    return found
