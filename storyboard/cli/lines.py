"""A shot's line through git for ``why`` and ``log``: the files as they are, then the commits that changed them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from storyboard.cli.versions import Past
from storyboard.core.lineage import Moment, Node, lineage

if TYPE_CHECKING:
    from storyboard.build.versions import Written
    from storyboard.core.compare import Version
    from storyboard.core.plan import Step
    from storyboard.store.git import Commit

HERE = ""
_MOST_COMMITS = 1000


class Line:
    """What is known of a storyboard's versions. ``commits`` are those that changed one of its files, by id."""

    def __init__(self, past: Past, here: "Written", files: list[str]) -> None:
        self._past = past
        self._here = here
        self._steps: dict[str, Mapping[str, Step]] = {}
        paths = {*files, here.storyboard.lockfile, *here.files}
        found: list[Commit] = []
        if past.git.has_commits():
            for commit in past.git.commits([past.file], limit=_MOST_COMMITS):
                paths |= past.includes(commit.id)
            found = past.git.commits(sorted(paths), limit=_MOST_COMMITS)
        self.commits: dict[str, Commit] = {commit.id: commit for commit in found}

    def moments(self, shot: str, *, pictures: bool = False) -> Iterator[Moment]:
        """Where what *shot* asks for changed, newest first; with *pictures*, linked frames count by their content."""
        top = tuple(list(self.commits)[:1])
        nodes = [Node(HERE, top), *(Node(commit.id, commit.parents) for commit in self.commits.values())]
        return lineage(nodes, self._see, shot, self._pictures if pictures else lambda _version, _shot: {})

    def written(self, version: str) -> "Written | None":
        """A version by its commit, or ``HERE``."""
        return self._here if version == HERE else self._past.at(version).written

    def step(self, version: str, shot: str) -> "Step | None":
        """What the planner says of a shot in a version, with that version's lockfile alone."""
        if version not in self._steps:
            from storyboard.build.versions import locked_plan

            written = self.written(version)
            takes = locked_plan(written).takes() if written is not None else []
            self._steps[version] = {step.action.shot: step for step in takes}
        return self._steps[version].get(shot)

    def _see(self, version: str) -> "Version | None":
        from storyboard.core.compare import Version

        written = self.written(version)
        return Version(written.storyboard, written.files) if written is not None else None

    def _pictures(self, version: str, shot: str) -> Mapping[str, Any]:
        step = self.step(version, shot)
        request = step.request if step is not None and step.request is not None else {}
        return {
            f"{field} picture": request[field]
            for field in ("first_frame", "last_frame")
            if str(request.get(field, "")).startswith("picture:")
        }
