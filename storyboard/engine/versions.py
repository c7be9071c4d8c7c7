"""Versions of a film planned without building them: the working one, those in git, and what a lockfile alone says."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Graph
from storyboard.core.keys import action_key, footage_request
from storyboard.core.lockfile_plan import LockfileActionCache, OutdatedEntry, outdated_entries
from storyboard.core.model import Clip, Generated, Storyboard, UrlInput
from storyboard.core.model_cards import ModelCard
from storyboard.core.plan import ActionCache, Plan
from storyboard.core.planner import Planner
from storyboard.core.take_planner import PlanOptions
from storyboard.engine.generators import ENGINES, LOCAL
from storyboard.engine.paid.budget import Prices
from storyboard.engine.project_store import Shelf, Workspace
from storyboard.engine.url_inputs import known_pictures
from storyboard.media.renderer_version import renderer_id
from storyboard.store.lockfile import Lockfile


class StoryboardVersion(Struct, frozen=True):
    """One version as it stands in files: the storyboard, its lockfile, and the digests of its pictures by path."""

    storyboard: Storyboard
    lockfile: Lockfile
    files: Mapping[str, str]


def plan_of(written: StoryboardVersion, memory: ActionCache, prices: Prices | None = None) -> Plan:
    """What a build of that version would do, asked of *memory*; without *prices* all costs are 0."""
    wishes = PlanOptions(
        files=written.files,
        engines=ENGINES,
        renderer=renderer_id(),
        price=lambda source: _price(source, prices),
    )
    return Planner(Graph(written.storyboard), memory, wishes).plan()


def locked_plan(written: StoryboardVersion) -> Plan:
    """The plan with the lockfile for the only memory: no cache is asked."""
    return plan_of(written, LockfileActionCache([written.lockfile.shots]))


def lock_state(written: StoryboardVersion) -> list[OutdatedEntry]:
    """Every shot whose entry in the lockfile a build would change."""
    return outdated_entries(locked_plan(written), written.storyboard, written.lockfile.shots)


def plan_between(
    workspace: Workspace, cards: Mapping[str, ModelCard], written: StoryboardVersion, lockfiles: Sequence[Lockfile]
) -> Plan:
    """What it takes to come to *written* with what is in the cache and what *lockfiles* name, its own first."""
    shelf = Shelf(workspace, written.lockfile, renderer_id())
    memory = LockfileActionCache([written.lockfile.shots, *(lockfile.shots for lockfile in lockfiles)], shelf)
    urls = {frame.url for _, frame in written.storyboard.pictures() if isinstance(frame, UrlInput)}
    files = {**written.files, **known_pictures(workspace, urls)}
    known = StoryboardVersion(written.storyboard, written.lockfile, files)
    return plan_of(known, memory, Prices(cards, workspace.ledger))


def footage_facts(workspace: Workspace, written: StoryboardVersion) -> dict[str, ClipInfo]:
    """What is known of the version's own footage that is in the cache, by shot: a lockfile says nothing of it."""
    found: dict[str, ClipInfo] = {}
    for shot in written.storyboard.shots():
        if isinstance(shot.source, Clip):
            key = action_key("take", footage_request(written.files[shot.source.file.path]))
            for record in workspace.records.find(key)[:1]:
                found[shot.id] = msgspec.convert(record.info, ClipInfo)
    return found


def _price(source: Generated, prices: Prices | None) -> Decimal:
    return Decimal(0) if prices is None or source.provider == LOCAL else prices.estimate(source)
