"""Where the things of one storyboard are kept: the project's store, its lockfile, its film."""

import time
from collections.abc import Callable
from pathlib import Path

from storyboard.core.model import Storyboard
from storyboard.store.cas import Blobs
from storyboard.store.group import Group
from storyboard.store.index import Index
from storyboard.store.journal import Journal
from storyboard.store.ledger import Ledger
from storyboard.store.records import Records


def partial_of(film: Path) -> Path:
    """Where a film with slates in its holes goes: beside the whole one."""
    return film.with_name(f"{film.stem}.partial{film.suffix}")


class Workspace:
    """The paths and the open store of one storyboard in one project. Close it, or use it in a ``with`` block."""

    def __init__(
        self, root: Path, storyboard: Storyboard, *, writable: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self.root = root
        self.state = root / ".storyboard"
        self.cache = self.state / "cache"
        self.lockfile = root / storyboard.lockfile
        self.film = root / storyboard.output.file
        self.films = {output.name: root / output.file for output in storyboard.outputs}
        self.index = Index(self.state / "index.sqlite", clock, writable=writable)
        self.blobs = Blobs(self.cache, writable=writable)
        self.records = Records(self.cache, self.blobs, self.index)
        self.group = Group(self.blobs, self.records, self.index)
        self.journal = Journal(self.state / "journal")
        self.ledger = Ledger(self.state / "ledger.jsonl")
        self.open_keys = {job.key for job in self.journal.jobs()}

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_: object) -> None:
        self.group.close()
        self.index.close()

    def digests(self, storyboard: Storyboard) -> dict[str, str]:
        """Digest of every file that goes into the film, by its path in the project.

        Raises ``OSError`` if one cannot be read.
        """
        paths = dict.fromkeys(file.path for file in storyboard.files())
        return {path: self.index.digest_of((self.root / path).resolve()) for path in paths}

    def sweep(self, *, after_crash: bool) -> None:
        """Remove what killed builds left half made. Only for the holder of the builder's lock."""
        self.blobs.sweep()
        for left in self.state.glob(".*.tmp"):
            left.unlink(missing_ok=True)
        if after_crash:
            for folder in (self.state / "journal", self.cache / "records"):
                for left in folder.rglob(".*.tmp"):
                    left.unlink(missing_ok=True)
        films = list(self.films.values())
        for path in (self.lockfile, *films, *map(partial_of, films)):
            for pattern in (f".{path.name}.*.tmp", f".{path.name}.part-*"):
                for left in path.parent.glob(pattern):
                    left.unlink(missing_ok=True)
