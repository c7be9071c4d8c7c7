"""Stat results of files and folders as evidence that nothing has changed since they were taken.

The no-op check imports this module, so it loads only what an interpreter has loaded at its start.
"""

import os
from array import array
from itertools import chain
from operator import attrgetter

TYPE_CHECKING = False  # typing takes longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable

Stamp = tuple[int, int, int, int]
Identity = tuple[int, int, int]
Look = tuple[Stamp, str]
NOWHERE: Stamp = (-1, -1, -1, -1)

# Everything about a file that changes when its content, its mode or its place does. The time of change (ctime) is the
# kernel's own: no program can set it, so that a file of equal size with its old mtime is another one all the same.
stamp_of = attrgetter("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")
identity_of = attrgetter("st_dev", "st_ino", "st_mode")


class PathStamps:
    """How things looked: files and folders by all their stamps, folders on the way by identity, and what was not there.

    Paths are absolute; a link is looked at and not followed.
    """

    def __init__(self) -> None:
        self.stamps: dict[str, Stamp] = {}
        self.identities: dict[str, Identity] = {}
        self.absent: set[str] = set()

    def still(self) -> bool:
        """Whether everything looks so now."""
        return (
            packed(self.stamps, stamp_of) == flat(self.stamps.values())
            and packed(self.identities, identity_of) == flat(self.identities.values())
            and not any(map(os.path.lexists, self.absent))
        )


def packed(paths: "list[str] | dict[str, Stamp] | dict[str, Identity]", fields: "attrgetter[tuple[int, ...]]") -> bytes:
    """How *paths* look now; nothing if one of them is not there."""
    try:
        return flat(map(fields, map(os.lstat, paths)))
    except OSError:
        return b"gone"


def flat(looks: "map[tuple[int, ...]] | object") -> bytes:
    return array("q", chain.from_iterable(looks)).tobytes()  # type: ignore[arg-type]


class StatLog:
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

    def folder(self, path: str, looks: os.stat_result, names: "Iterable[str]") -> None:
        """A folder was found with those names in it, in order."""
        self.looks[path] = (stamp_of(looks), names_witness(names))

    def nothing(self, path: str) -> None:
        """Nothing was found."""
        self.looks[path] = (NOWHERE, "")


def names_witness(names: "Iterable[str]") -> str:
    """The witness of a folder that holds *names*."""
    return "/" + "/".join(names)
