"""What builds have last written to which path."""

import threading
from pathlib import Path

import pytest

from storyboard.store import written_files
from storyboard.store.written_files import WrittenFiles


def test_films_that_end_at_one_moment_are_all_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    real, first, both = written_files.write_atomic, threading.Event(), threading.Event()

    def write(path: Path, data: bytes) -> None:
        if not first.is_set():  # the first one is held up until the second one has written, if that is let in
            first.set()
            both.wait(0.3)
            real(path, data)
        else:
            real(path, data)
            both.set()

    files = WrittenFiles(tmp_path, tmp_path / "cache", list, writable=True)
    monkeypatch.setattr(written_files, "write_atomic", write)
    threads = [
        threading.Thread(target=files.settle, args=({name: digit * 64}, "storyboard.yaml"))
        for name, digit in (("out/wide.mp4", "a"), ("out/tall.mp4", "b"))
    ]
    threads[0].start()
    first.wait(5)
    threads[1].start()
    for thread in threads:
        thread.join()
    again = WrittenFiles(tmp_path, tmp_path / "cache", list, writable=False)
    assert {file.path for file in again} == {"out/wide.mp4", "out/tall.mp4"}
