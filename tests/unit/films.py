"""Storyboards and memories for tests of the core: values, no files."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from storyboard.core.built_film import BuiltFilm
from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Graph
from storyboard.core.model import FrameLink, Generated, Output, Scene, Shot, Size, Storyboard
from storyboard.core.plan import FrameResult, Plan, Result, SegmentResult, TakeResult
from storyboard.core.planner import Planner
from storyboard.core.take_planner import PlanOptions

HD = Size(1280, 720)
CLIP = ClipInfo(
    frames=192,
    rate="24/1",
    width=1280,
    height=720,
    codec="h264",
    pixel_format="yuv420p",
    color="bt709/bt709/bt709/tv",
    parameter_sets="ours",
    closed_start=True,
)


def generated(prompt: str = "a river", **changes: Any) -> Generated:
    values: dict[str, Any] = {
        "prompt": prompt,
        "model": "runway:1@2",
        "provider": "local",
        "duration": Fraction(8),
        "size": HD,
        **changes,
    }
    return Generated(**values)


def film(*shots: Shot, fps: int = 24, title: str | None = None) -> Storyboard:
    scenes: dict[str, list[Shot]] = {}
    for shot in shots:
        scenes.setdefault(shot.scene, []).append(shot)
    return Storyboard(
        file="storyboard.yaml",
        output=Output("out/film.mp4", HD, Fraction(fps)),
        scenes=tuple(Scene(name, tuple(found)) for name, found in scenes.items()),
        title=title,
    )


def shot(name: str, *, after: str | None = None, at: Any = "last", scene: str = "one", **source: Any) -> Shot:
    if after is not None:
        source["first_frame"] = FrameLink(after, at)
    source.setdefault("prompt", f"prompt of {name}")
    return Shot(name, scene, generated(**source))


class Kept(msgspec.Struct, frozen=True):
    """A record as the planner reads it."""

    outputs: Mapping[str, str]
    values: Mapping[str, str] = {}
    info: Mapping[str, Any] = {}
    accepted: bool = False


class Entry(msgspec.Struct, frozen=True):
    """A lockfile entry as the planner reads it."""

    key: str
    take: str
    frames: Mapping[str, str] = {}
    task_id: str | None = None


class FakeMemory:
    """A store without files: every making gives fresh bytes, as real providers do."""

    def __init__(self) -> None:
        self.records: dict[str, list[Kept]] = {}
        self.requests: dict[str, dict[str, Any]] = {}
        self.lock: dict[tuple[str, str], Entry] = {}
        self.damaged: set[str] = set()
        self.jobs: set[str] = set()
        self.unsure: set[str] = set()
        self.output: str | None = None
        self.films: dict[str, str] = {}
        self.built: dict[str, BuiltFilm] = {}
        self.bought: list[str] = []
        self.clip = CLIP
        self._count = 0

    def find(self, key: str) -> Sequence[Kept]:
        return self.records.get(key, [])

    def request_of(self, key: str) -> dict[str, Any] | None:
        return self.requests.get(key)

    def is_damaged(self, key: str) -> bool:
        return key in self.damaged

    def was_bought(self, key: str) -> bool:
        return False

    def is_paid_for(self, key: str) -> bool:
        return key in self.jobs

    def may_be_unpaid(self, key: str) -> bool:
        return key in self.unsure

    def was_accepted(self, key: str) -> bool:
        return False

    def is_refused(self, key: str) -> bool:
        return False

    def locked(self, shot: str, provider: str) -> Entry | None:
        return self.lock.get((shot, provider))

    def named(self, key: str) -> Sequence[Entry]:
        return [entry for entry in self.lock.values() if entry.key == key]

    def planes(self, take: str, at: str) -> str | None:
        return next(
            (entry.frames[at] for entry in self.lock.values() if entry.take == take and at in entry.frames), None
        )

    def film_digest(self, file: str) -> str | None:
        return self.films.get(file, self.output)

    def built_film(self, file: str) -> BuiltFilm | None:
        return self.built.get(file)

    def fresh(self) -> str:
        self._count += 1
        return f"{self._count:064x}"


def wishes(**changes: Any) -> PlanOptions:
    values: dict[str, Any] = {
        "files": {},
        "engines": {"local": "animatic 1"},
        "renderer": {"renderer": 1},
        "price": lambda source: Decimal("0.96"),
        **changes,
    }
    return PlanOptions(**values)


def plan(storyboard: Storyboard, memory: FakeMemory, **changes: Any) -> Plan:
    return Planner(Graph(storyboard), memory, wishes(**changes)).plan()


def build(storyboard: Storyboard, memory: FakeMemory, **changes: Any) -> list[str]:
    """Make everything that the planner asks for, in its order; returns the actions that were made."""
    graph = Graph(storyboard)
    planner = Planner(graph, memory, wishes(**changes))
    made: list[str] = []
    for action in graph.order:
        step = planner.step(action)
        result = step.result
        if step.do == "wait" and step.reason.why == "same-request":
            step = planner.step(action)
            result = step.result
        if result is None and step.do == "make":
            assert step.key is not None
            result = _made(memory, action.kind, step.key, planner)
            memory.requests[step.key] = step.request or {}
            made.append(action.id)
        if result is not None:
            planner.record(action, result)
        if isinstance(result, TakeResult) and step.key is not None and action.seed is None:
            memory.lock[(action.shot, "local")] = Entry(step.key, result.digest)
    return made


def _made(memory: FakeMemory, kind: str, key: str, planner: Planner) -> Result:
    digest = memory.fresh()
    match kind:
        case "take":
            memory.records.setdefault(key, []).insert(0, Kept({"clip": digest}, {}, msgspec.to_builtins(memory.clip)))
            memory.bought.append(key)
            return TakeResult(digest, memory.clip)
        case "frame":
            memory.records[key] = [Kept({"picture": digest}, {"planes": f"planes of {digest}"})]
            return FrameResult(f"planes of {digest}", digest)
        case "segment":
            memory.records[key] = [Kept({"clip": digest})]
            return SegmentResult(digest, 192, copied=False)
        case _:
            memory.records[key] = [Kept({}, {"film": digest})]
            memory.output = digest
            from storyboard.core.plan import CutResult

            return CutResult(digest)
