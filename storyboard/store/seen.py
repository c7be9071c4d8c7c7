"""What one process has looked at in files and folders: how it looked, and a witness of what was in it then."""

import os
from collections.abc import Iterable

from storyboard.store.standing import Stamp, stamp_of

Look = tuple[Stamp, str]
NOWHERE: Stamp = (-1, -1, -1, -1)


class Seen:
    """The last look at each path. ``looks`` maps an absolute path to its stamp and a witness.

    The witness of a file is its sha256, that of a folder the names in it, each behind a slash; what was not there has
    the stamp ``NOWHERE``. ``settled`` are files that were read after the clock of the file system had gone on since
    they were changed, so that a later change shows in their stamps.
    """

    def __init__(self) -> None:
        self.looks: dict[str, Look] = {}
        self.settled: set[str] = set()

    def file(self, path: str, looks: os.stat_result, digest: str) -> None:
        """A file was found with that content."""
        self.looks[path] = (stamp_of(looks), digest)

    def folder(self, path: str, looks: os.stat_result, names: Iterable[str]) -> None:
        """A folder was found with those names in it, in order."""
        self.looks[path] = (stamp_of(looks), names_witness(names))

    def nothing(self, path: str) -> None:
        """Nothing was found."""
        self.looks[path] = (NOWHERE, "")


def names_witness(names: Iterable[str]) -> str:
    """The witness of a folder that holds *names*."""
    return "/" + "/".join(names)
