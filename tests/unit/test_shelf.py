"""What a build finds at hand in the store, and what it has to read first."""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from storyboard.core.render_spec import Captioned, Footage, Mix, Photo, RenderSpec
from storyboard.core.results import Provenance, Record
from storyboard.engine.project_store import Shelf, Workspace
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.store.lockfile import Lockfile
from storyboard.store.records import Committed, PendingRecord
from storyboard.store.state import State
from tests.unit.films import film, shot

PICTURE = "5" * 64


def footage(take: str) -> Footage:
    return Footage(take, Fraction(0), 24)


def kept(shelf: Shelf, number: int) -> str:
    """A take that was written a while ago and is kept now; its digest."""
    clip = shelf.beside(".mp4")
    clip.write_bytes(b"clip %d" % number)
    os.utime(clip, (1e9, 1e9))
    [end] = shelf.keep_all([PendingRecord(Record(f"{number:064x}", "take", {}, {}, Provenance(at="x")), "clip", clip)])
    assert isinstance(end, Committed)
    return end.record.digest


def test_takes_are_at_hand_if_none_has_to_be_read(tmp_path: Path) -> None:
    with Workspace(State(tmp_path), film(shot("glide")), writable=True) as workspace:
        shelf = Shelf(workspace, Lockfile(), {})
        one, other = kept(shelf, 1), kept(shelf, 2)
        both: RenderSpec = Mix("dissolve", 24, footage(one), Captioned(footage(other), (), None, ""))
        assert shelf.sources_at_hand(both) == shelf.sources(both)
        assert shelf.sources_at_hand(footage(one)) == {one: workspace.blobs.path(one)}
        drawn = Mix("dissolve", 24, footage(one), Photo(PICTURE, "none", 0, 24, 24, "refs/temple.jpg", "contain"))
        assert shelf.sources_at_hand(drawn) is None  # the picture is a file of the project
        blob = workspace.blobs.path(other)
        blob.chmod(0o644)
        blob.write_bytes(b"CLIP 2")
        assert shelf.sources_at_hand(both) is None
        with pytest.raises(TaskFailed, match="was damaged"):
            shelf.sources(both)
