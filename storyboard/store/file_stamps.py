"""Stat results of files and folders, as evidence that nothing changed since they were taken.

The no-op check imports this module, so it imports only modules that every interpreter loads at its start.
"""

import os
from array import array
from itertools import chain
from operator import attrgetter

TYPE_CHECKING = False  # the import of typing takes longer than that of this module
if TYPE_CHECKING:
    from collections.abc import Iterable

Stamp = tuple[int, int, int, int]
Identity = tuple[int, int, int]
StatEntry = tuple[Stamp, str]
ABSENT: Stamp = (-1, -1, -1, -1)

# The fields that change with the content, mode or place of a file. No program can set the change time (ctime), so a
# file replaced by one of equal size and modification time is detected. Windows and exFAT by FUSE have no change time:
# there, an edit of equal size whose modification time was set back afterwards is not.
stamp_of = attrgetter("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")
identity_of = attrgetter("st_dev", "st_ino", "st_mode")


class PathStamps:
    """Expected stat results: all stamps of files and folders, identities of parent folders, and absent paths.

    Paths are absolute. Links are not followed.
    """

    def __init__(self) -> None:
        self.stamps: dict[str, Stamp] = {}
        self.identities: dict[str, Identity] = {}
        self.absent: set[str] = set()

    def is_unchanged(self) -> bool:
        """Return whether every path still has its expected stat result."""
        return (
            pack_stats(self.stamps, stamp_of) == flatten(self.stamps.values())
            and pack_stats(self.identities, identity_of) == flatten(self.identities.values())
            and not any(map(os.path.lexists, self.absent))
        )


def pack_stats(
    paths: "list[str] | dict[str, Stamp] | dict[str, Identity]", fields: "attrgetter[tuple[int, ...]]"
) -> bytes:
    """Return *fields* of the present stat results of *paths* as bytes; a fixed other value if a path is missing."""
    try:
        return flatten(map(fields, map(os.lstat, paths)))
    except OSError:
        return b"gone"


def flatten(looks: "map[tuple[int, ...]] | object") -> bytes:
    """Return tuples of integers as the bytes of one array of 64-bit integers."""
    return array("q", chain.from_iterable(looks)).tobytes()  # type: ignore[arg-type]


class StatLog:
    """Log of stat results and content digests read by this process.

    ``entries`` maps an absolute path to its latest stamp and a witness: the sha256 of a file, the names in a folder,
    each after a slash, and nothing for an absent path, which has the stamp ``ABSENT``. ``settled`` holds files that
    were read after the clock of the file system had advanced beyond their last change, so that a later change shows in
    their stamps.
    """

    def __init__(self) -> None:
        self.entries: dict[str, StatEntry] = {}
        self.settled: set[str] = set()

    def add_file(self, path: str, looks: os.stat_result, digest: str) -> None:
        """Record a file with its content digest."""
        self.entries[path] = (stamp_of(looks), digest)

    def add_folder(self, path: str, looks: os.stat_result, names: "Iterable[str]") -> None:
        """Record a folder with the names in it, in order."""
        self.entries[path] = (stamp_of(looks), folder_witness(names))

    def add_absent(self, path: str) -> None:
        """Record a path that does not exist."""
        self.entries[path] = (ABSENT, "")


def folder_witness(names: "Iterable[str]") -> str:
    """Return the witness of a folder that contains *names*."""
    return "/" + "/".join(names)
