"""What has become of each action so far while a graph is walked: results, failures, and the step each was given."""

from collections.abc import Mapping

from storyboard.core.graph import take_id
from storyboard.core.plan import Reason, Result, Step, TakeMade


class Course:
    """The state of one walk; the planner writes it, and what decides on frames, pieces and the cut reads it.

    ``expected`` maps a shot whose locked take is not there to the digest of that take.
    """

    def __init__(self) -> None:
        self.settled: dict[str, Result] = {}
        self.expected: dict[str, str] = {}
        self.failed: set[str] = set()
        self.steps: dict[str, Step] = {}

    def keep(self, steps: Mapping[str, Step]) -> None:
        """These steps have found what they ask for."""
        self.steps.update(steps)
        self.settled.update((name, step.found) for name, step in steps.items() if step.found is not None)

    def take(self, shot: str) -> TakeMade | None:
        """The settled take of a shot."""
        result = self.settled.get(take_id(shot))
        return result if isinstance(result, TakeMade) else None

    def digest(self, shot: str) -> str | None:
        """The digest of a shot's take: the settled one, or the locked one that is not there yet."""
        take = self.take(shot)
        return take.digest if take is not None else self.expected.get(shot)

    def upstream(self, name: str, shot: str) -> Reason:
        """Why there is no result of the action *name*, which is made of the take of *shot*."""
        step = self.steps.get(name)
        if name in self.failed or take_id(shot) in self.failed:
            return Reason("upstream-failed", shots=(shot,))
        if step is not None and step.do in ("skip", "blocked"):
            return Reason("upstream-missing", shots=(shot,))
        return Reason("upstream-changes", shots=(shot,))
