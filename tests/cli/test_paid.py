"""Shots that cost money: bought once, within the cap, with a key that goes nowhere else."""

import base64
import io
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from unittest import mock

import pytest

from tests.inside import SOON, Ran, errors, hasty, run
from tests.project import CHAIN, Project, decoded, takes
from tests.runware_server.server import RunwareServer
from tests.shops import KEY, shop


@pytest.fixture
def server() -> Iterator[RunwareServer]:
    with hasty(), shop() as found:
        yield found


def settings(project: Project, **extra: str) -> dict[str, str]:
    return {**project.settings(), **extra}


def build(project: Project, *words: str, **extra: str) -> Ran:
    return run(project.folder, settings(project, **extra), "build", "--json", *words)


def spent(server: RunwareServer) -> Decimal:
    return sum((Decimal(line["cost"]) for line in server.bill), Decimal(0))


def settled(project: Project) -> Decimal:
    return sum((Decimal(line["cost"]) for line in project.ledger() if line["event"] == "settled"), Decimal(0))


def test_a_film_is_bought_once_and_the_ledger_is_the_bill(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    ran = build(project)
    assert ran.code == 0, ran
    assert len(server.bill) == 3
    assert settled(project) == spent(server)
    assert project.journal() == []
    assert len(decoded(project.film)) == 72
    assert build(project).data["made"] == []
    assert len(server.bill) == 3
    cost = run(project.folder, {}, "cost", "--json")
    assert Decimal(cost.data["total"]) == spent(server)


@pytest.mark.parametrize("step_s", [1, 2])
def test_a_disk_that_is_plugged_in_again_makes_and_buys_nothing(
    server: RunwareServer, tmp_path: Path, step_s: int
) -> None:
    """Numbers of files change by that, where a disk keeps none, and times lose what it does not keep of them."""
    project = Project(tmp_path / "film", server=server)
    assert build(project).code == build(project).code == 0
    project.folder.rename(tmp_path / "before")
    shutil.copytree(tmp_path / "before", project.folder, symlinks=True)
    for path in project.folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o777)
            seconds = int(path.stat().st_mtime) // step_s * step_s
            os.utime(path, (seconds, seconds))
    plan = run(project.folder, settings(project), "plan", "--json")
    assert Decimal(plan.data["cost"]) == 0
    ran = build(project, "--max-cost", "0")
    assert (ran.code, ran.data["made"], len(server.bill)) == (0, [], 3)
    assert settled(project) == spent(server)


def test_a_linked_shot_is_sent_the_very_frame_it_is_linked_to(server: RunwareServer, tmp_path: Path) -> None:
    import av
    import numpy as np
    from PIL import Image

    project = Project(tmp_path / "film", server=server)
    assert build(project).code == 0
    bodies = [json.loads(logged.body) for logged in server.seen("videoInference")]
    [linked] = [task for body in bodies for task in body if "inputs" in task]
    sent = base64.b64decode(linked["inputs"]["frameImages"][0]["image"].partition(",")[2])
    picture = np.asarray(Image.open(io.BytesIO(sent)).convert("RGB")).astype(int)
    with av.open(str(project.folder / "out/film/a.mp4")) as container:
        last = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)][-1]
    assert np.abs(picture - last).mean() < 2


def test_names_order_and_cut_never_buy(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    build(project)
    project.edit("id: c,", "id: city,")
    project.edit("seed: 5}", "seed: 5, trim: {start: 0.25}, title: Rain}")
    assert takes(build(project).data["made"]) == []
    assert len(server.bill) == 3


def test_a_rerolled_shot_reaches_the_one_linked_to_it(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    build(project)
    assert takes(build(project, "--remake", "a").data["made"]) == ["a", "b"]
    assert len(server.bill) == 5
    assert len({line["task_id"] for line in server.bill}) == 5
    assert build(project).data["made"] == []


def test_the_cache_lost_the_same_jobs_are_found_by_their_ids(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    build(project)
    shutil.rmtree(project.folder / ".storyboard")
    assert takes(build(project).data["made"]) == ["a", "b", "c"]
    assert len(server.bill) == 3
    assert settled(project) == spent(server)


def test_a_job_that_no_shot_asks_for_any_more_is_still_kept(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    server.arm("poll-empty-for-ever", nth=2)
    with hasty(**SOON):
        assert build(project, "-s", "c").code == 8
    assert len(project.journal()) == 1
    server.disarm()
    project.edit("a city in the rain", "a city in the sun")
    ran = run(project.folder, settings(project), "build")
    assert ran.code == 0
    assert "the take of a paid job for c is now in the cache" in ran.err
    assert project.journal() == []
    project.edit("a city in the sun", "a city in the rain")
    assert build(project).data["made"] == ["cut"]
    assert len(server.bill) == 4


def test_two_clones_of_one_account_buy_once(server: RunwareServer, tmp_path: Path) -> None:
    one, other = Project(tmp_path / "one", server=server), Project(tmp_path / "other", server=server)
    first, second = build(one), build(other, "--max-cost", "0")
    assert first.code == second.code == 0
    assert len(server.bill) == 3
    assert (Decimal(first.data["cost"]), Decimal(second.data["cost"])) == (spent(server), 0)
    assert decoded(one.film) == decoded(other.film)


def test_two_clones_at_the_same_time_buy_once(tmp_path: Path) -> None:
    with shop(seconds_per_job=0.5) as server:
        projects = [Project(tmp_path / name, server=server) for name in ("one", "other")]
        running = [project.start("build", "--json") for project in projects]
        for process in running:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, out + err
        assert len(server.bill) == 3


def test_two_builds_of_one_project_take_turns(tmp_path: Path) -> None:
    with shop(seconds_per_job=1.0) as server:
        project = Project(tmp_path / "film", server=server)
        first = project.start("build")
        while not server.bill:
            time.sleep(0.02)
        second = project.run("build")
        _, err = first.communicate(timeout=60)
        assert first.returncode == second.code == 0, err
        assert "waiting for another build in this project: process" in second.err
        assert "nothing to do" in second.out
        assert len(server.bill) == 3


def test_the_project_deleted_between_submission_and_the_next_build(tmp_path: Path) -> None:
    with shop(seconds_per_job=1.5) as server:
        project = Project(tmp_path / "film", server=server)
        process = project.start("build")
        while len(server.bill) < 2:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        shutil.rmtree(project.folder)
        again = Project(tmp_path / "elsewhere", server=server)
        with hasty():
            assert run(again.folder, settings(again), "build").code == 0
        assert len(server.bill) == 3


def test_an_old_unanswered_job_is_reported_and_not_bought_again(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    server.arm("poll-empty-for-ever", nth=2)
    with hasty(**SOON):
        assert build(project, "-s", "c").code == 8
    [job] = project.journal()
    task = job.stem
    server.shop.jobs.clear()
    day_later = time.time() + 25 * 3600
    with hasty(**SOON), mock.patch("time.time", return_value=day_later):
        ran = build(project, "-s", "c")
    [error] = errors(ran)
    assert (ran.code, error["code"]) == (8, "unknown")
    for word in ("may have been paid", "c", task, "$0.12", "build again", "--remake c"):
        assert word in error["message"]
    assert len(server.bill) == 1
    server.disarm()
    with hasty(job_s=2.0):  # for the old job, which is asked about first
        assert build(project, "-s", "c", "--remake", "c").code == 0
    assert len(server.bill) == 2


def test_what_was_paid_and_is_gone_everywhere_is_not_bought_in_silence(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    build(project)
    shutil.rmtree(project.folder / ".storyboard/cache")
    server.shop.jobs.clear()
    ran = build(project)
    assert ran.code == 8
    assert (
        "was paid for ($0.12), but its take is not in this cache, and runware does not have the task"
        in errors(ran)[0]["message"]
    )
    assert len(server.bill) == 3


def test_a_damaged_take_is_fetched_again_and_not_bought(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    build(project)
    lock = json.loads((project.folder / "storyboard.lock").read_text())
    blob = project.blobs[lock["shots"]["c"]["runware"]["take"]]
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(data)
    again = build(project).data
    assert (takes(again["made"]), again["cost"]) == (["c"], "0")
    assert len(server.bill) == 3


def test_what_does_not_fit_the_cap_is_left_out_and_the_rest_is_kept(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    ran = build(project, "--max-cost", "0.25")
    assert ran.code == 4
    assert len(server.bill) == 2
    assert "would exceed the $0.25 cap" in errors(ran)[0]["message"]
    assert build(project, "--max-cost", "0.25").code == 0
    assert len(server.bill) == 3


def test_a_storyboard_can_lower_the_cap_and_not_raise_it(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", "budget: 0.13\n" + CHAIN, server=server)
    assert build(project).code == 4
    assert len(server.bill) == 1
    richer = Project(tmp_path / "richer", "budget: 100\n" + CHAIN.replace("prompt: a", "prompt: my"), server=server)
    assert build(richer, "--max-cost", "0.13").code == 4
    assert len(server.bill) == 2


def test_without_a_terminal_money_needs_yes_and_a_cap(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    for missing in ("STORYBOARD_YES", "STORYBOARD_MAX_COST"):
        known = settings(project)
        del known[missing]
        ran = run(project.folder, known, "build", "--json")
        assert (ran.code, errors(ran)[0]["code"]) == (9, "unconfirmed")
    project = Project(tmp_path / "generous", "budget: 1000\n" + CHAIN, server=server)
    known = settings(project)
    del known["STORYBOARD_MAX_COST"]
    for words in (("build",), ("take", "a")):  # who writes the storyboard is not always who pays
        assert run(project.folder, known, *words, "--json").code == 9
    assert server.bill == []


def test_without_a_key_nothing_is_asked(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    ran = build(project, RUNWARE_API_KEY="")
    assert (ran.code, errors(ran)[0]["code"]) == (5, "auth")
    assert "RUNWARE_API_KEY" in errors(ran)[0]["message"]
    assert server.requests == []


def test_a_key_may_stand_in_a_file(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    key = tmp_path / "key"
    key.write_text(KEY + "\n")
    assert build(project, RUNWARE_API_KEY="", RUNWARE_API_KEY_FILE=str(key)).code == 0
    gone = build(project, "--remake", "c", RUNWARE_API_KEY="", RUNWARE_API_KEY_FILE=str(tmp_path / "none"))
    assert gone.code == 5


@pytest.mark.parametrize("address", ["http://example.com/v1", "ftp://127.0.0.1/v1", "nonsense"])
def test_an_address_that_would_show_the_key_is_refused(server: RunwareServer, tmp_path: Path, address: str) -> None:
    project = Project(tmp_path / "film", server=server)
    ran = build(project, RUNWARE_BASE_URL=address)
    assert ran.code == 2
    assert "RUNWARE_BASE_URL" in ran.out + ran.err


def test_offline_and_the_reading_verbs_open_no_socket(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    for words in (("check",), ("plan",), ("status",), ("graph",), ("cost",), ("build", "--offline")):
        run(project.folder, settings(project), *words)
    assert server.requests == []
    build(project)
    asked = len(server.requests)
    assert build(project, "--offline").code == 0
    assert len(server.requests) == asked


def test_a_draft_costs_nothing_and_leaves_the_paid_takes_alone(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    build(project)
    assert build(project, "--draft").code == 0
    assert build(project).data["cost"] == "0"
    assert len(server.bill) == 3
    lock = json.loads((project.folder / "storyboard.lock").read_text())
    assert {"local", "runware"} <= set(lock["shots"]["a"])


def test_a_large_picture_is_uploaded_once_and_never_counts_by_its_upload(server: RunwareServer, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(1).integers(0, 256, (1600, 1600, 3), dtype=np.uint8)
    text = "scenes:\n  - id: s\n    shots:\n      - {id: a, prompt: x, first_frame: big.png}\n"
    project = Project(tmp_path / "film", text, server=server)
    Image.fromarray(noise).save(project.folder / "big.png", compress_level=1)
    assert build(project).code == 0
    assert len(server.seen("mediaStorage")) == 1
    shutil.rmtree(project.folder / ".storyboard")
    assert build(project).code == 0
    assert len(server.bill) == 1


def test_a_seed_that_differs_is_recorded_and_told(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    server.arm("poll-seed-other")
    ran = run(project.folder, settings(project), "build", "-s", "c")
    assert "seed 5 was requested, but seed 987654321 was used" in ran.err
    lock = json.loads((project.folder / "storyboard.lock").read_text())
    assert lock["shots"]["c"]["runware"]["seed"] == 987654321


def test_a_higher_price_than_expected_is_told(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    server.arm("poll-cost-tenfold", nth=1)
    ran = run(project.folder, settings(project), "build")
    assert ran.err.count("$1.20 was charged, but $0.12 was estimated") == 1, ran


def test_the_next_estimate_is_what_was_charged_before(server: RunwareServer, tmp_path: Path) -> None:
    project = Project(tmp_path / "film", server=server)
    with mock.patch("tests.runware_server.shop.price", return_value=Decimal("0.125")):
        build(project, "-s", "c")
    plan = run(project.folder, settings(project), "plan", "--json").data
    assert plan["cost"] == "0.250"


def test_money_that_cannot_be_written_down_is_printed(server: RunwareServer, tmp_path: Path) -> None:
    from storyboard.store.ledger import Ledger, LedgerEntry

    real = Ledger.append

    def full(self: Ledger, entry: LedgerEntry) -> None:
        if entry.event == "settled":
            raise OSError(28, "No space left on device", "ledger.jsonl")
        real(self, entry)

    project = Project(tmp_path / "film", server=server)
    with mock.patch.object(Ledger, "append", full):
        ran = build(project, "-s", "c")
    [error] = errors(ran)
    assert "cost $0.12, but its cost could not be written" in error["message"]
    assert server.bill[0]["task_id"] in error["message"]
    assert build(project).code == 0
    assert len(server.bill) == 3


def children_of(pid: int) -> set[int]:
    """Every process below *pid*, as one look at all processes shows it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def test_the_key_is_in_no_file_no_output_and_no_child(tmp_path: Path) -> None:
    with shop(seconds_per_job=0.3) as server:
        project = Project(tmp_path / "film", server=server)
        process = project.start("build", "-v")
        own = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        seen: dict[int, bytes] = {}
        while process.poll() is None:
            for child in children_of(process.pid):
                with suppress(OSError):
                    words = Path(f"/proc/{child}/cmdline").read_bytes()
                    if words != own:  # until it becomes another program, a fork is a copy of the build
                        seen[child] = seen.get(child, b"") + words + Path(f"/proc/{child}/environ").read_bytes()
            time.sleep(0.02)
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert seen, "the build had no children"
        assert not any(KEY.encode() in text for text in seen.values())
        assert KEY not in out + err
        assert KEY not in Path(f"/proc/{os.getpid()}/cmdline").read_text()
        server.arm("poll-401", nth=1)
        with hasty():
            failed = run(project.folder, settings(project), "build", "-v", "--remake", "c")
        assert failed.code == 5
        assert KEY not in failed.out + failed.err
        for path in project.folder.rglob("*"):
            if path.is_file():
                assert KEY.encode() not in path.read_bytes(), path
        assert all(logged.headers.get("authorization") is None for logged in server.elsewhere_requests)
