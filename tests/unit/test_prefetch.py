"""What is read for a join before it begins: only what was found, only while something is made."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from storyboard.core.plan import SegmentResult, TakeResult
from storyboard.core.reason import CopyBlocker
from storyboard.engine.film import JoinPrefetcher
from storyboard.media.reader import InvalidMedia
from tests.media.clips import make


def test_what_is_found_is_read_while_something_is_made_and_not_otherwise(tmp_path: Path) -> None:
    takes = [make(tmp_path / f"{number}.mp4", 5) for number in range(3)]

    def blob(digest: str) -> Path:
        return Path(digest)

    def action(shot: str, kind: str = "take", seed: int | None = None) -> SimpleNamespace:
        return SimpleNamespace(shot=shot, kind=kind, seed=seed)

    segments = SimpleNamespace(shot_copy_blocker=lambda shot: CopyBlocker("card") if shot == "drawn" else None)
    planner = SimpleNamespace(segments={"": segments})

    def ahead() -> JoinPrefetcher:
        found = JoinPrefetcher(SimpleNamespace(blob_path=blob), planner)
        found.add(action("lost"), TakeResult("/gone.mp4", None))
        found.add(action("drawn"), TakeResult(str(takes[0]), None))
        found.add(action("beside", seed=3), TakeResult(str(takes[0]), None))
        found.add(action("copied"), TakeResult(str(takes[1]), None))
        found.add(action("drawn", "segment"), SegmentResult(str(takes[2]), 26, copied=False))
        return found

    quiet = ahead()
    quiet.start_during(action("", "cut"))
    quiet.start_during(action("a", seed=3))
    assert quiet.packets is None
    quiet.close()
    busy = ahead()
    busy.start_during(action("a"))
    known = busy.packets
    assert known is not None
    for _ in range(1000):
        if len(known._read) == 2:
            break
        time.sleep(0.01)
    busy.close()
    assert sorted(known._read) == sorted(takes[1:])
    with pytest.raises(InvalidMedia):
        known.of(Path(__file__))
