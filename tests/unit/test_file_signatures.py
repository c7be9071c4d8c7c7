"""Pictures are told from other files by their first bytes, alike wherever a picture is read."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storyboard.core.file_signatures import is_audio, picture_type
from storyboard.core.model import Generated, Size
from storyboard.document.project_files import DiskFiles
from storyboard.engine.paid.context import take_request
from storyboard.engine.url_inputs import fetch_pictures
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.providers.download import Downloader

WAV = b"RIFF\x24\0\0\0WAVEfmt "
PICTURES = {
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR": "image/png",
    b"\xff\xd8\xff\xe0\0\x10JFIF": "image/jpeg",
    b"RIFF\x24\0\0\0WEBPVP8 ": "image/webp",
}
OTHERS = [WAV, b"RIFF\x24\0\0\0AVI LIST", b"RIFF", b"\x89PNG", b"GIF89a", b""]


def request_type(data: bytes) -> str:
    source = Generated("a river", "tiny:1", "runware", Fraction(2), Size(64, 36))
    picture = take_request(source, {"first_frame": data}).first_frame
    assert picture is not None
    return picture.media_type


def fetch(data: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Fetch a picture from an address that answers with *data*."""

    async def answer(_self: Downloader, _url: str, into: Path) -> None:
        into.write_bytes(data)

    monkeypatch.setattr(Downloader, "fetch", answer)
    blobs = SimpleNamespace(temp_path=lambda suffix: folder / f"fetched{suffix}")
    store: Any = SimpleNamespace(
        blobs=blobs, digests=None, commit_one=lambda _pending: SimpleNamespace(digest="digest")
    )
    return fetch_pictures(store, ["https://example.org/a.png"])


@pytest.mark.parametrize("data", PICTURES)
def test_a_picture_is_known_wherever_it_comes_from(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(data)
    assert picture_type(data) == request_type(data) == PICTURES[data]
    assert DiskFiles(tmp_path).problem("a.png", "picture") is None
    with pytest.raises(TaskFailed, match="it is damaged"):  # known as a picture, and decoded: there is only a header
        fetch(data, tmp_path, monkeypatch)


@pytest.mark.parametrize("data", OTHERS)
def test_another_file_is_refused_as_a_picture_wherever_it_comes_from(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(data)
    assert picture_type(data) is None
    assert request_type(data) == "application/octet-stream"
    assert DiskFiles(tmp_path).problem("a.png", "picture") == "it is not a PNG, JPEG or WebP picture"
    with pytest.raises(TaskFailed, match="not a PNG, JPEG or WebP picture"):
        fetch(data, tmp_path, monkeypatch)


def test_a_wav_is_a_sound() -> None:
    assert is_audio(WAV)
