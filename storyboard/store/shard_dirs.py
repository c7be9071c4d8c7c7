"""Shard folders: names spread over 256 folders by their first two digits, each synced before its names count."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from storyboard.durable import errors_for_path, make_folders


class ShardDirs:
    """The shard folders in *root*, for any number of threads.

    Remembers which folders survive a power failure, so that *root* is synced once for each folder, not for every file.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._durable: set[str] = set()

    def path_of(self, name: str) -> str:
        """Return the shard folder of *name*."""
        return f"{self.root}/{name[:2]}"

    def make(self, shard: str) -> None:
        """Make a missing folder, and mark it as not yet durable. Raises ``OSError``."""
        self._durable.discard(shard)
        with errors_for_path(shard), suppress(FileExistsError):
            try:
                os.mkdir(shard)
            except FileNotFoundError:
                make_folders(Path(self.root))
                os.mkdir(shard)

    def unsynced_folders(self, shard: str) -> tuple[str, ...]:
        """Return the folders to sync before a new name in *shard* counts."""
        return (shard,) if shard in self._durable else (shard, self.root)

    def mark_synced(self, folders: Collection[str]) -> None:
        """Record that *folders* were synced after they were made; folders outside *root* are ignored."""
        if self.root in folders:
            self._durable.update(folder for folder in folders if folder.rpartition("/")[0] == self.root)
