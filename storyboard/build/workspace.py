"""Where the things of one storyboard are kept: the project's store, its lockfile, its film."""

import time
from collections.abc import Callable
from pathlib import Path

from storyboard.core.model import Storyboard
from storyboard.durable import STAGED, staged_for, sweep
from storyboard.store.cas import Blobs
from storyboard.store.group import Group
from storyboard.store.index import Index
from storyboard.store.journal import Journal
from storyboard.store.ledger import Ledger
from storyboard.store.records import Records
from storyboard.store.state import FOLDER, State


def partial_of(film: Path) -> Path:
    """Where a film with slates in its holes goes: beside the whole one."""
    return film.with_name(f"{film.stem}.partial{film.suffix}")


def folder_in_project(root: Path, target: Path) -> tuple[str, ...] | None:
    """The folder in which *target* is written, as parts below the resolved *root*, links on the way followed.

    ``None`` if it leads out of the project, or to what git or storyboard keep there.
    """
    real, top = target.parent.resolve(), root.resolve()
    parts = real.relative_to(top).parts if real.is_relative_to(top) else (FOLDER,)
    return None if {part.casefold() for part in parts} & {FOLDER, ".git"} else parts


class Workspace:
    """The paths and the open store of one storyboard in one project. Close it, or use it in a ``with`` block."""

    def __init__(
        self, state: State, storyboard: Storyboard, *, writable: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self.root = root = state.root
        self.state = state.folder
        self.cache = state.cache
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
        """Remove what killed builds left half made. Only for the holder of the builder's lock.

        Single files go whose names are ours, from folders that no link leads to. Raises ``OSError``.
        """
        self.blobs.sweep()
        sweep(STAGED, self.root, FOLDER)
        if after_crash:
            sweep(STAGED, self.root, FOLDER, "journal")
            sweep(STAGED, self.root, FOLDER, "standing")
            sweep(STAGED, self.root, FOLDER, "memory")
            sweep(STAGED, self.cache, "records", depth=2)
        films = list(self.films.values())
        for path in (self.lockfile, *films, *map(partial_of, films)):
            folder = folder_in_project(self.root, path)
            if folder is not None:
                sweep(staged_for(path), self.root.resolve(), *folder)
