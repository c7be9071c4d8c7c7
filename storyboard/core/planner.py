"""The step of each action, for the plan of a whole graph and for one action during a build.

A build does what the plan said, since both come from here: the steps of takes from ``take_planner``, all others from
``derived_planner``.
"""

from collections.abc import Collection, Iterable

from storyboard.core.derived_planner import DerivedPlanner
from storyboard.core.graph import Action, Graph, frame_id, links, moment, take_id
from storyboard.core.keys import DRAWN_FIELDS, input_digest
from storyboard.core.model import Clip, Shot
from storyboard.core.plan import ActionCache, FrameResult, Plan, PlanState, Result, Step, TakeResult
from storyboard.core.plan_reuse import PlanSnapshot, ReusableSteps, reusable_steps
from storyboard.core.reason import OverlapTooLong, Reason, TrimOverrun
from storyboard.core.segments import Segments
from storyboard.core.take_planner import PlanOptions, TakePlanner


class Planner:
    """The steps of one storyboard, by the results recorded so far.

    ``takes`` plans takes, ``derived`` what is made of them; ``segments`` are those of each film by its output's name.
    """

    def __init__(
        self, graph: Graph, cache: ActionCache, options: PlanOptions, snapshot: PlanSnapshot | None = None
    ) -> None:
        self.graph = graph
        self.options = options
        self._snapshot = snapshot
        self._cache = cache
        self._state = state = PlanState()
        self._plan: Plan | None = None
        self._final_steps: dict[str, Step] | None = None
        self.segments = {name: Segments(graph, state.take, options.files, name, options.fonts) for name in graph.films}
        self.takes = TakePlanner(graph, cache, state, options)
        self.derived = DerivedPlanner(graph, cache, state, self.segments, options, self.takes.is_selected)

    @property
    def results(self) -> dict[str, Result]:
        """Results made or found so far, by action id."""
        return self._state.results

    def plan(self) -> Plan:
        """Return the plan of the whole graph, before anything is made."""
        held = self._restore_snapshot()
        self._record_known(action for action in self.graph.taken if action.id not in held.takes)
        known: set[str] = set()
        for output, pieces in held.pieces.items():
            if self._copies_alike(output):
                self._state.keep(pieces)
                known |= pieces.keys()
        self._record_known(action for action in self.graph.joined if action.id not in known)
        self._explain_films(known)
        steps = self._state.steps
        self._plan = Plan(tuple([steps[action.id] for action in self.graph.order]))
        return self._plan

    def _explain_films(self, known: Collection[str]) -> None:
        """Explain the steps of the films that change; those of the others read nothing of the last build.

        *known* are the pieces of the snapshot, which was made when the film was in place: they have not changed.
        """
        steps = self._state.steps
        changed = {cut.output for cut in self.graph.cuts if steps[cut.id].do != "reuse"}
        for action in self.graph.joined if changed else ():
            step = steps[action.id]
            if action.output in changed and action.id not in known and not self._is_explained(step):
                steps[action.id] = self.derived.explain(step)

    def _record_known(self, actions: Iterable[Action]) -> None:
        for action in actions:
            step = self.step(action)
            if step.result is not None:
                self.record(action, step.result)

    def _copies_alike(self, output: str) -> bool:
        """Return whether a film copies the parameter sets that it did in the snapshot. All takes must have voted."""
        return (
            self._snapshot is not None
            and self.segments[output].common_parameter_sets() == self._snapshot.plan.common[output]
        )

    def _restore_snapshot(self) -> ReusableSteps:
        """Return the steps of the snapshot that are still valid, and count the votes of its takes."""
        if self._snapshot is None:
            return ReusableSteps()
        held = reusable_steps(self._snapshot, self.graph, self._cache, self.options)
        self._state.keep(held.takes)
        known = self._snapshot.plan
        voters = [take for take in known.takes if take.shot in held.voters and take_id(take.shot) in held.takes]
        sets = [info.parameter_sets for info in known.infos]
        for number, film in enumerate(self.segments.values()):
            film.restore_votes((take.shot, sets[take.info], take.votes[number]) for take in voters)
        for take in known.takes:
            if take.shot not in held.voters and take_id(take.shot) in held.takes:
                self._vote(take.shot)
        return held

    def plan_after(self) -> Plan:
        """Return the plan of the next build, once the results of this one are recorded."""
        final = self._settled_steps().items()
        stay = ("unchanged", "held", "unprepared")
        # a piece that differed from the last build does not differ from this one
        self._final_steps = {
            name: step
            for name, step in final
            if step.reason.why in stay and not (step.action.kind == "segment" and step.reason.changes)
        }
        return Plan(tuple(self.step(action) for action in self.graph.order))

    def _settled_steps(self) -> dict[str, Step]:
        """Return the steps that ``plan`` found in place and that a build cannot change, by action id."""
        if self._final_steps is None and self._plan is not None:
            # which takes are copied depends on all of them: segments are final only once every take is there
            pieces = ("segment",) if all(step.result for step in self._plan.of("take")) else ()
            kinds = ("take", "frame", *pieces)
            steps = self._plan.steps
            self._final_steps = {s.action.id: s for s in steps if s.result is not None and s.action.kind in kinds}
        return self._final_steps or {}

    def step(self, action: Action) -> Step:
        """Return the step of *action*, whose inputs have results by now or have failed.

        A step that ``plan`` found in place stays as it is.
        """
        final = self._settled_steps().get(action.id)
        if final is not None:
            return final
        decide = {
            "take": self.takes.step,
            "frame": self.derived.frame,
            "segment": self.derived.segment,
            "sound": self.derived.sound,
            "cut": self.derived.cut,
        }
        step = decide[action.kind](action)
        if self._is_explained(step):
            step = self.derived.explain(step)
        self._state.steps[action.id] = step
        return step

    def linked_frames(self, step: Step, shot: Shot) -> dict[str, FrameResult]:
        """Return the frames that a take is made from, by field, as its request names them.

        A frame that was drawn anew since is left out if the cache has no picture of the earlier one.
        """
        found: dict[str, FrameResult] = {}
        for field, link in links(shot):
            planes = input_digest(str((step.request or {})[field]))
            frame: Result | None = self.results.get(frame_id(link.shot, link.at))
            if not isinstance(frame, FrameResult) or frame.planes != planes:
                frame = self.takes.earlier.find(link.shot, moment(link.at))
            if isinstance(frame, FrameResult) and frame.planes == planes and frame.picture:
                found[field] = frame
        return found

    def _is_explained(self, step: Step) -> bool:
        """Return whether *step* has its changes in its reason at once.

        It makes a part of a film, imports footage, or draws more of a take.
        """
        if step.do != "make" or step.action.kind == "frame":
            return False
        if step.action.kind != "take":
            return True
        is_drawn_anew = any(change.field in DRAWN_FIELDS for change in step.reason.changes)
        return is_drawn_anew or self._is_footage(step.action)

    def record(self, action: Action, result: Result) -> None:
        """Record the result that *action* has made or found."""
        self.results[action.id] = result
        if isinstance(result, TakeResult) and action.seed is None:
            self._vote(action.shot)

    def _vote(self, shot: str) -> None:
        if not self.graph.shot(shot).skip:
            for film in self.segments.values():
                film.vote(shot)

    def fail(self, action: Action) -> None:
        """Record that *action* could not be made."""
        self._state.failed.add(action.id)

    def missing_shots(self) -> set[str]:
        """Return the shots whose takes the film needs and has not: of own footage only such as cannot be read."""
        missing = (take for take in self.graph.takes() if take.id not in self.results)
        failed = self._state.failed
        return {take.shot for take in missing if take.id in failed or not self._is_footage(take)}

    def _is_footage(self, take: Action) -> bool:
        return isinstance(self.graph.shot(take.shot).source, Clip)

    def failed_shots(self) -> set[str]:
        """Return the shots that keep a film from being joined after a build: without a take, or with a bad piece."""
        missing = self.missing_shots()
        for piece in self.graph.pieces:
            step = self._state.steps.get(piece.id)
            is_left_out = step is not None and step.do == "skip"
            if piece.id not in self.results and not is_left_out and all(name in self.results for name in piece.inputs):
                missing.add(self._too_short(step) or piece.shot)
        return missing

    @staticmethod
    def _too_short(step: Step | None) -> str:
        """Return the shot that is too short for the piece of *step*; empty if length is not what it lacks."""
        match step.reason.detail if step is not None else None:
            case OverlapTooLong(short=shot) | TrimOverrun(shot=shot):
                return shot
        return ""

    def kept_takes(self, shots: Iterable[str]) -> dict[str, Step]:
        """Return the steps that keep stored takes of *shots* whose requests have changed, by action id."""
        takes = (self.graph.find(take_id(shot)) for shot in shots)
        steps = (self.takes.kept(take) for take in takes if take is not None)
        return {step.action.id: step for step in steps if step is not None}

    def pinned_takes(self) -> dict[str, Step]:
        """Return the steps that keep every take that is there, by action id."""
        pinned = {}
        for take in self.graph.takes():
            step, result = self._state.steps.get(take.id), self.results.get(take.id)
            if step is not None and result is not None:
                reason = step.reason if step.result is not None else Reason("cached")
                do = step.do if step.result is not None else "reuse"
                pinned[take.id] = Step(take, do, reason, step.key, step.request, result=result)
        return pinned

    def take(self, shot: str) -> TakeResult | None:
        """Return the take of a shot, if it has a result."""
        return self._state.take(shot)
