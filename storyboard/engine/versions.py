"""Plans of versions of a film without a build: the working files, those in git, and a lockfile alone."""

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
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.url_inputs import converted_pictures, known_pictures
from storyboard.media.render.encoder import renderer_id
from storyboard.store.lockfile import Lockfile


class StoryboardVersion(Struct, frozen=True):
    """One version of a film: the storyboard, its lockfile, and the digests of its input files by path.

    *converted* are the digests of the pictures that are converted before they are sent.
    """

    storyboard: Storyboard
    lockfile: Lockfile
    files: Mapping[str, str]
    converted: frozenset[str] = frozenset()


def plan_version(version: StoryboardVersion, cache: ActionCache, prices: Prices | None = None) -> Plan:
    """Return the plan of a version; without *prices* all costs are 0."""
    options = PlanOptions(
        files=version.files,
        engines=ENGINES,
        renderer=renderer_id(),
        price=lambda source: _price(source, prices),
        converted=version.converted,
    )
    return Planner(Graph(version.storyboard), cache, options).plan()


def plan_from_lockfile(version: StoryboardVersion) -> Plan:
    """Return the plan of a version by its lockfile alone, without the cache."""
    return plan_version(version, LockfileActionCache([version.lockfile.shots]))


def find_outdated_entries(version: StoryboardVersion) -> list[OutdatedEntry]:
    """Return the entries of the lockfile that a build would change."""
    return outdated_entries(plan_from_lockfile(version), version.storyboard, version.lockfile.shots)


def plan_between(
    store: ProjectStore, cards: Mapping[str, ModelCard], version: StoryboardVersion, lockfiles: Sequence[Lockfile]
) -> Plan:
    """Return the plan of *version* with the takes in *store*, which is open with its lockfile, and in *lockfiles*."""
    cache = LockfileActionCache([version.lockfile.shots, *(lockfile.shots for lockfile in lockfiles)], store)
    urls = {frame.url for _, frame in version.storyboard.pictures() if isinstance(frame, UrlInput)}
    downloaded = known_pictures(store, urls)
    converted = version.converted | converted_pictures(store, version.storyboard, downloaded)
    known = StoryboardVersion(version.storyboard, version.lockfile, {**version.files, **downloaded}, converted)
    return plan_version(known, cache, Prices(cards, store.ledger))


def footage_facts(store: ProjectStore, version: StoryboardVersion) -> dict[str, ClipInfo]:
    """Return the facts of the version's footage that is in the cache, by shot; a lockfile has none."""
    found: dict[str, ClipInfo] = {}
    for shot in version.storyboard.shots():
        if isinstance(shot.source, Clip):
            key = action_key("take", footage_request(version.files[shot.source.file.path]))
            for record in store.records.find(key)[:1]:
                found[shot.id] = msgspec.convert(record.info, ClipInfo)
    return found


def _price(source: Generated, prices: Prices | None) -> Decimal:
    return Decimal(0) if prices is None or source.provider == LOCAL else prices.estimate(source)
