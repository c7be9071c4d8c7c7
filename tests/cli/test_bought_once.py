"""What tools of this kind have got wrong, each by its name: what buys again for nothing, what misses a change."""

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from unittest import mock

import pytest

from storyboard.engine import commit, takes, url_inputs
from storyboard.engine.paid.budget import Budget
from storyboard.engine.project_store import ProjectStore
from tests.inside import at_work
from tests.project import CHAIN, Project, decoded
from tests.project import takes as taken
from tests.runware_server.server import RunwareServer
from tests.shops import shop

HEAD, ONE, TWO = CHAIN.split("  - id:")
MONTH = timedelta(days=30)


@pytest.fixture
def server() -> Iterator[RunwareServer]:
    with at_work(), shop() as server:
        yield server


@pytest.fixture
def desk(server: RunwareServer, tmp_path: Path) -> Project:
    project = Project(tmp_path / "film", server=server)
    return project.in_process()


@contextmanager
def later(by: timedelta) -> Iterator[None]:
    """Every clock that the build is given is ahead by that much."""

    def clock(real: Callable[[], float] = time.time) -> float:
        return real() + by.total_seconds()

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Later":
            return cls.fromtimestamp(clock(), tz)

    with ExitStack() as stack:
        for module in (commit, url_inputs, takes):
            stack.enter_context(mock.patch.object(module, "datetime", Later))
        stack.enter_context(mock.patch.dict(ProjectStore.__init__.__kwdefaults__, clock=clock))
        stack.enter_context(mock.patch.object(Budget.__init__, "__defaults__", (None, clock)))
        yield


def another_file(desk: Project) -> None:
    lines = ("id:" + TWO).splitlines()
    (desk.folder / "two.yaml").write_text("\n".join([lines[0], *(line[4:] for line in lines[1:])]) + "\n")
    desk.write(f"{HEAD}  - id:{ONE}  - include: two.yaml\n")


ONLY_READS_OTHERWISE: dict[str, Callable[[Project], None]] = {
    "rename": lambda desk: desk.edit("id: b,", "id: forest,"),
    "reorder": lambda desk: desk.write(f"{HEAD}  - id:{TWO}  - id:{ONE}"),
    "retitle": lambda desk: desk.edit("id: two\n", "id: two\n    title: Elsewhere\n"),
    "comment": lambda desk: desk.edit("seed: 5}", "seed: 5} # the city"),
    "re-indent": lambda desk: desk.edit("      - {id: ", "          -   {id:   "),
    "another file": another_file,
}


@pytest.mark.parametrize("change", ONLY_READS_OTHERWISE)
def test_a_storyboard_that_only_reads_otherwise_buys_nothing(desk: Project, server: RunwareServer, change: str) -> None:
    desk.built()
    asked = len(server.requests)
    ONLY_READS_OTHERWISE[change](desk)
    plan = desk.data("plan")
    assert plan["cost"] == "0"
    assert set(desk.steps(plan).values()) <= {"reuse: unchanged", "reuse: in the cache"}
    assert set(desk.built()) <= {"cut"}
    assert len(server.requests) == asked
    assert len(server.bill) == 3


def test_an_upstream_rolled_again_with_the_same_text_is_what_the_linked_shot_starts_from(
    desk: Project, server: RunwareServer
) -> None:
    desk.built()
    text = desk.file.read_bytes()
    old = sent_pictures(server)
    desk.built("--remake", "a")
    assert desk.file.read_bytes() == text
    new = sent_pictures(server)
    assert len(old) == 1
    assert len(new) == 2
    assert new[0] == old[0] != new[1]


def test_a_picture_replaced_by_another_of_equal_size_path_and_mtime_is_bought_with(
    desk: Project, server: RunwareServer
) -> None:
    from PIL import Image

    picture = desk.folder / "ref.png"

    def draw(color: str) -> tuple[str, os.stat_result]:
        Image.new("RGB", (128, 72), color).save(picture)
        content = picture.read_bytes().ljust(1000, b"\0")
        picture.write_bytes(content)
        os.utime(picture, (1_700_000_000, 1_700_000_000))
        return hashlib.sha256(content).hexdigest(), picture.stat()

    red, before = draw("red")
    desk.edit("seed: 5}", "seed: 5, first_frame: ref.png}")
    with later(timedelta(minutes=1)):  # the picture is old enough for its digest to be remembered
        desk.built()
        assert desk.built() == []
        blue, after = draw("blue")
        assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
        assert desk.plan()["c"] == "make: input picture changed: first_frame"
        assert taken(desk.built()) == ["c"]
    assert len(server.bill) == 4
    assert {red, blue} <= set(sent_pictures(server))


def test_an_edit_taken_back_after_thirty_days_is_free(desk: Project, server: RunwareServer) -> None:
    desk.built()
    film = desk.film.read_bytes()
    desk.edit("at night", "at noon")
    assert taken(desk.built()) == ["a", "b"]
    assert len(server.bill) == 5
    server.shop.jobs.clear()
    with later(MONTH):
        desk.edit("at noon", "at night")
        assert desk.data("plan")["cost"] == "0"
        assert desk.built() == ["cut"]
        assert desk.film.read_bytes() == film
        assert len(server.bill) == 5
        desk.edit("in the rain", "in the snow")
        assert taken(desk.built()) == ["c"]
        assert len(server.bill) == 6
    rain, snow = (datetime.fromisoformat(take["made_at"]) for take in desk.takes("c"))
    assert snow - rain >= MONTH
    assert snow > datetime.now(UTC)


def test_a_changed_shot_reaches_a_final_cut_that_is_there_and_newer(tmp_path: Path) -> None:
    with at_work():
        desk = Project(tmp_path / "film", inside=True)
        desk.built()
        film = desk.film
        before = decoded(film)
        desk.edit("in the rain", "in the snow")
        future = time.time() + MONTH.total_seconds()
        os.utime(film, (future, future))
        assert taken(desk.built()) == ["c"]
        after = decoded(film)
    assert after[:24] == before[:24]
    assert after[24:] != before[24:]
    assert after[24:] == decoded(desk.folder / "out" / "film.draft" / "c.mp4")


def sent_pictures(server: RunwareServer) -> list[str]:
    """The digest of every first picture that was sent, in order."""
    tasks = [task for logged in server.seen("videoInference") for task in json.loads(logged.body)]
    frames = [task["inputs"]["frameImages"][0]["image"] for task in tasks if "inputs" in task]
    return [hashlib.sha256(base64.b64decode(frame.partition(",")[2])).hexdigest() for frame in frames]
