"""Paid jobs are on disk before their request is sent, and until their result is committed."""

import contextlib
import os
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from storyboard.store.journal import Job, Journal, JournalConflict, JournalTooNew, NoSuchJob

JOB = Job(
    task_id="8f14e45f-ceea-467f-a9c1-0123456789ab",
    key="ab" * 32,
    attempt=1,
    shot="glide",
    provider="runware",
    model="runway:1@2",
    request_digest="cd" * 32,
    request={"positivePrompt": "a river", "duration": 8, "inputs": {"frameImages": ["sha256:ef"]}},
    estimate="0.964",
    opened_at=1_790_000_000.5,
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def test_job_is_there_for_the_next_process(journal: Journal, tmp_path: Path) -> None:
    assert journal.open(JOB) == JOB
    assert Journal(tmp_path / "journal").jobs() == [JOB]
    assert Journal(tmp_path / "journal").job(JOB.task_id) == JOB


def test_file_and_folders_are_synced_before_open_returns(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def spy(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    journal.open(JOB)
    file = tmp_path / "journal" / f"{JOB.task_id}.json"
    assert synced == [path.stat().st_ino for path in (tmp_path, file, tmp_path / "journal")]


def test_same_request_again_is_the_same_job_with_the_state_it_reached(journal: Journal) -> None:
    journal.open(JOB)
    journal.advance(JOB.task_id, "submitted")
    again = journal.open(replace(JOB, opened_at=JOB.opened_at + 60, attempt=1))
    assert again == replace(JOB, state="submitted")


def test_other_request_under_the_same_id_is_refused(journal: Journal) -> None:
    journal.open(JOB)
    with pytest.raises(JournalConflict) as caught:
        journal.open(replace(JOB, request_digest="00" * 32))
    assert caught.value.existing == JOB
    assert journal.jobs() == [JOB]


def test_two_threads_with_different_requests_never_both_win(journal: Journal) -> None:
    won: list[str] = []
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        with contextlib.suppress(JournalConflict):
            won.append(journal.open(replace(JOB, request_digest=f"{number:064x}")).request_digest)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [journal.jobs()[0].request_digest]


def test_states_are_written_down(journal: Journal, tmp_path: Path) -> None:
    journal.open(JOB)
    for state in ("submitted", "succeeded", "downloaded"):
        assert journal.advance(JOB.task_id, state).state == state
        [job] = Journal(tmp_path / "journal").jobs()
        assert job == replace(JOB, state=state)


def test_job_that_is_not_open_cannot_advance(journal: Journal) -> None:
    with pytest.raises(NoSuchJob):
        journal.advance(JOB.task_id, "submitted")
    assert journal.jobs() == []


def test_closed_job_is_gone_and_may_be_closed_again(journal: Journal) -> None:
    journal.open(JOB)
    journal.close(JOB.task_id)
    journal.close(JOB.task_id)
    assert journal.jobs() == []
    assert journal.job(JOB.task_id) is None


def test_jobs_come_oldest_first(journal: Journal) -> None:
    late = replace(JOB, task_id="0-late", opened_at=JOB.opened_at + 1)
    journal.open(late)
    journal.open(JOB)
    assert journal.jobs() == [JOB, late]


@pytest.mark.parametrize("task_id", ["", "../x", "a/b", ".hidden", "a" * 65, "x\n", "-x"])
def test_id_that_is_no_file_name_is_refused(journal: Journal, task_id: str) -> None:
    with pytest.raises(ValueError, match="not a task id"):
        journal.open(replace(JOB, task_id=task_id))


def test_every_flipped_bit_is_found_and_the_file_kept(journal: Journal, tmp_path: Path) -> None:
    journal.open(JOB)
    path = tmp_path / "journal" / f"{JOB.task_id}.json"
    good = path.read_bytes()
    later = 0
    for position in range(len(good) - 1):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        journal.troubles.clear()
        try:
            assert journal.jobs() == [], position
            [trouble] = journal.troubles
            assert trouble.path == path
            assert trouble.kept_at.exists()
        except JournalTooNew:
            later += 1
    assert later <= 1


def test_damaged_job_is_opened_anew_under_its_id(journal: Journal, tmp_path: Path) -> None:
    journal.open(JOB)
    (tmp_path / "journal" / f"{JOB.task_id}.json").write_bytes(b"{")
    assert journal.open(JOB) == JOB
    assert journal.jobs() == [JOB]
    assert len(journal.troubles) == 1


def test_a_verb_that_only_reads_leaves_a_damaged_job_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    Journal(folder).open(JOB)
    path = folder / f"{JOB.task_id}.json"
    path.write_bytes(b"{")
    reader = Journal(folder, writable=False)
    assert reader.jobs() == []
    assert [(trouble.path, trouble.kept_at) for trouble in reader.troubles] == [(path, path)]
    assert list(folder.iterdir()) == [path]


def test_job_under_another_name_is_set_aside(journal: Journal, tmp_path: Path) -> None:
    journal.open(JOB)
    (tmp_path / "journal" / f"{JOB.task_id}.json").rename(tmp_path / "journal" / "other.json")
    assert journal.jobs() == []
    assert [trouble.path.name for trouble in journal.troubles] == ["other.json"]


def test_job_of_a_later_version_stops_instead_of_being_bought_again(journal: Journal, tmp_path: Path) -> None:
    journal.open(JOB)
    path = tmp_path / "journal" / f"{JOB.task_id}.json"
    path.write_text(path.read_text().replace('"version":1', '"version":2', 1))
    for attempt in (journal.jobs, lambda: journal.open(JOB), lambda: journal.advance(JOB.task_id, "submitted")):
        with pytest.raises(JournalTooNew) as caught:
            attempt()
        assert caught.value.path == path
    assert path.exists()


def test_project_without_a_journal_has_no_jobs(journal: Journal, tmp_path: Path) -> None:
    assert journal.jobs() == []
    assert not (tmp_path / "journal").exists()
