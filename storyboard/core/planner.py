"""Decides what has to be done for one action after the other.

``plan`` walks the whole graph at once with what is there; the engine asks again for each action when its inputs have
been made. Both get their answers here, so that a build does what the plan said: those for takes from ``taking``, the
others from ``free``.
"""

from collections.abc import Iterable

from storyboard.core.derived_planner import DerivedPlanner
from storyboard.core.graph import Action, Graph, take_id
from storyboard.core.plan import ActionCache, Plan, PlanState, Result, Step, TakeResult
from storyboard.core.plan_reuse import PlanSnapshot, ReusableSteps, reusable_steps
from storyboard.core.segments import Segments
from storyboard.core.take_planner import PlanOptions, TakePlanner


class Planner:
    """Answers for one storyboard: which step an action needs, given what has been settled so far."""

    def __init__(
        self, graph: Graph, memory: ActionCache, wishes: PlanOptions, recalled: PlanSnapshot | None = None
    ) -> None:
        self.graph = graph
        self._recalled = recalled
        self._memory = memory
        self._wishes = wishes
        self._course = PlanState()
        self._plan: Plan | None = None
        self._final: dict[str, Step] | None = None
        self.segments = {name: Segments(graph, self._course.take, wishes.files, name) for name in graph.films}
        self._takes = TakePlanner(graph, memory, self._course, wishes)
        self._free = DerivedPlanner(graph, memory, self._course, self.segments, wishes, self._takes.is_selected)
        self.owner = self._takes.owner
        self.asked = self._takes.asked
        self.differs = self._takes.differs
        self.cut_step = self._free.cut_step
        self.sound_step = self._free.sound_step
        self.film_sound = self._free.film_sound
        self.partial_sound = self._free.partial_sound
        self.slate_step = self._free.slate_step

    @property
    def results(self) -> dict[str, Result]:
        """What has been made or found, by action id."""
        return self._course.results

    def plan(self) -> Plan:
        """The whole graph, with nothing made."""
        held = self._recall()
        self._decide(action for action in self.graph.taken if action.id not in held.takes)
        known: set[str] = set()
        for output, pieces in held.pieces.items():
            if self._is_common(output):
                self._course.keep(pieces)
                known |= pieces.keys()
        self._decide(action for action in self.graph.joined if action.id not in known)
        steps = self._course.steps
        self._plan = Plan(tuple([steps[action.id] for action in self.graph.order]))
        return self._plan

    def _decide(self, actions: Iterable[Action]) -> None:
        for action in actions:
            step = self.step(action)
            if step.result is not None:
                self.record(action, step.result)

    def _is_common(self, output: str) -> bool:
        """Whether the same parameter sets can be copied as in the plan that is remembered; all takes are weighed."""
        return (
            self._recalled is not None
            and self.segments[output].common_parameter_sets() == self._recalled.plan.common[output]
        )

    def _recall(self) -> ReusableSteps:
        """What is known to be in place from an earlier plan; its takes are weighed at once."""
        if self._recalled is None:
            return ReusableSteps()
        held = reusable_steps(self._recalled, self.graph, self._memory, self._wishes)
        self._course.keep(held.takes)
        known = self._recalled.plan
        voters = [take for take in known.takes if take.shot in held.voters and take_id(take.shot) in held.takes]
        sets = [info.parameter_sets for info in known.infos]
        for number, film in enumerate(self.segments.values()):
            film.restore_votes((take.shot, sets[take.info], take.votes[number]) for take in voters)
        for take in known.takes:
            if take.shot not in held.voters and take_id(take.shot) in held.takes:
                self._vote(take.shot)
        return held

    def plan_after(self) -> Plan:
        """The plan of a build that follows one in which all that is made here has been settled."""
        final = self._in_place().items()
        self._final = {name: step for name, step in final if step.reason.why in ("unchanged", "held")}
        return Plan(tuple(self.step(action) for action in self.graph.order))

    def _in_place(self) -> dict[str, Step]:
        """What ``plan`` has found, and what stays so."""
        if self._final is None and self._plan is not None:
            # which takes are copied depends on all of them, so pieces are final only together
            pieces = ("segment",) if all(step.result for step in self._plan.of("take")) else ()
            kinds = ("take", "frame", *pieces)
            steps = self._plan.steps
            self._final = {s.action.id: s for s in steps if s.result is not None and s.action.kind in kinds}
        return self._final or {}

    def step(self, action: Action) -> Step:
        """What *action* needs now; what it is made of should be settled, or has failed.

        What ``plan`` has found in place stays so.
        """
        final = self._in_place().get(action.id)
        if final is not None:
            return final
        decide = {
            "take": self._takes.step,
            "frame": self._free.frame,
            "segment": self._free.segment,
            "sound": self._free.sound,
            "cut": self._free.cut,
        }
        step = decide[action.kind](action)
        self._course.steps[action.id] = step
        return step

    def record(self, action: Action, result: Result) -> None:
        """*action* has been made or found."""
        self.results[action.id] = result
        if isinstance(result, TakeResult) and action.seed is None:
            self._vote(action.shot)

    def _vote(self, shot: str) -> None:
        if not self.graph.shot(shot).skip:
            for film in self.segments.values():
                film.vote(shot)

    def fail(self, action: Action) -> None:
        """*action* could not be made."""
        self._course.failed.add(action.id)

    def take(self, shot: str) -> TakeResult | None:
        """The settled take of a shot."""
        return self._course.take(shot)
