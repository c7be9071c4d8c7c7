"""What a build finds at hand in the store, and what it has to read first."""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from storyboard.core.render_spec import Captioned, Footage, Mix, Photo, RenderSpec
from storyboard.core.results import Provenance, Record
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.store.lockfile import Lockfile
from storyboard.store.records import Committed, PendingRecord
from storyboard.store.state import State
from tests.unit.films import film, shot

PICTURE = "5" * 64


def footage(take: str) -> Footage:
    return Footage(take, Fraction(0), 24)


def kept(store: ProjectStore, number: int) -> str:
    """A take that was written a while ago and is kept now; its digest."""
    clip = store.blobs.temp_path(".mp4")
    clip.write_bytes(b"clip %d" % number)
    os.utime(clip, (1e9, 1e9))
    [end] = store.commit([PendingRecord(Record(f"{number:064x}", "take", {}, {}, Provenance(at="x")), "clip", clip)])
    assert isinstance(end, Committed)
    return end.record.digest


def test_takes_are_at_hand_if_none_has_to_be_read(tmp_path: Path) -> None:
    with ProjectStore(State(tmp_path), film(shot("glide")), Lockfile(), writable=True) as store:
        one, other = kept(store, 1), kept(store, 2)
        both: RenderSpec = Mix("dissolve", 24, footage(one), Captioned(footage(other), (), None, ""))
        assert store.verified_sources(both) == store.sources(both)
        assert store.verified_sources(footage(one)) == {one: store.blobs.path(one)}
        drawn = Mix("dissolve", 24, footage(one), Photo(PICTURE, "none", 0, 24, 24, "refs/temple.jpg", "contain"))
        assert store.verified_sources(drawn) is None  # the picture is a file of the project
        blob = store.blobs.path(other)
        blob.chmod(0o644)
        blob.write_bytes(b"CLIP 2")
        assert store.verified_sources(both) is None
        with pytest.raises(TaskFailed, match="is damaged and was quarantined"):
            store.sources(both)
