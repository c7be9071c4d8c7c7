"""Which steps of a plan may be remembered: those whose record and bytes have been looked at, and how these looked."""

import os

from storyboard.build.workspace import Workspace
from storyboard.core.plan import FrameMade, SegmentMade, Step, TakeMade
from storyboard.store.seen import Look, names_witness
from storyboard.store.standing import Looks, Stamp


class Vouching:
    """Answers for steps of one build, by what is proven to tell every later change (``looks_of``).

    ``stamps`` are those of all paths behind the steps that have been vouched for.
    """

    def __init__(self, workspace: Workspace, looks: Looks) -> None:
        self.stamps: dict[str, Stamp] = {}
        self._proven = looks.stamps
        self._seen: dict[str, Look] = workspace.index.seen.looks
        self._records = os.fspath((workspace.cache / "records").absolute())
        self._blobs = os.fspath(workspace.blobs.folder.absolute())

    def __call__(self, step: Step) -> bool:
        """Whether the answer to the step's key is here whole; and, but for a take, whether there is no other."""
        key, digest = step.key, _digest(step)
        if key is None or digest is None:
            return False
        folder = f"{self._records}/{key[:2]}/{key}"
        name = f"{digest}.json"
        paths = [f"{folder}/{name}", f"{self._blobs}/{digest[:2]}/{digest}"]
        if not isinstance(step.found, TakeMade):  # the lockfile says which take it is, whatever else there is
            paths.append(folder)
            if self._seen.get(folder, (None, ""))[1] != names_witness([name]):
                return False
        stamps = {path: self._proven[path] for path in paths if path in self._proven}
        if len(stamps) < len(paths):
            return False
        self.stamps |= stamps
        return True


def _digest(step: Step) -> str | None:
    match step.found:
        case TakeMade(digest) | SegmentMade(digest):
            return digest
        case FrameMade(_, picture):
            return picture
    return None
