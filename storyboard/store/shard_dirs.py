"""The folders ``ab`` that names are spread over, two digits each: made when needed, and durable before they count."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from storyboard.durable import errors_for_path, make_folders


class ShardDirs:
    """The folders of two digits in *place*.

    It is remembered which of them are known to survive a power cut, so that *place* is synced once for each and not
    for every file. For any number of threads.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._durable: set[str] = set()

    def of(self, name: str) -> str:
        """The folder in which something of that name lies."""
        return f"{self.place}/{name[:2]}"

    def make(self, fan: str) -> None:
        """Make a folder that is missing, and not yet durable. Raises ``OSError``."""
        self._durable.discard(fan)
        with errors_for_path(fan), suppress(FileExistsError):
            try:
                os.mkdir(fan)
            except FileNotFoundError:
                make_folders(Path(self.place))
                os.mkdir(fan)

    def unsynced(self, fan: str) -> tuple[str, ...]:
        """The folders to be synced before a new name in *fan* counts."""
        return (fan,) if fan in self._durable else (fan, self.place)

    def were_synced(self, folders: Collection[str]) -> None:
        """All of *folders* have been synced, if any of them are ours, after they were made."""
        if self.place in folders:
            self._durable.update(folder for folder in folders if folder.rpartition("/")[0] == self.place)
