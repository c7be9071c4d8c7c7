"""Input pictures of takes: facts of each content, and downloads of pictures given by https address.

A picture is downloaded once, stored by content, and then used like a file, until ``--remake`` names a shot with it: a
later change at the address changes no film.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256

from storyboard import __version__
from storyboard.core.file_signatures import picture_type
from storyboard.core.keys import action_key
from storyboard.core.model import FileInput, FrameInput, Storyboard, UrlInput
from storyboard.core.results import Provenance, Record
from storyboard.durable import remove
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.pictures import PictureFacts, picture_facts
from storyboard.store.records import PendingRecord


def known_pictures(store: ProjectStore, urls: Iterable[str]) -> dict[str, str]:
    """Return the digests of the pictures that were downloaded before, by address."""
    found = {}
    for url in urls:
        records = store.records.find(_key(url))
        if records:
            found[url] = records[0].outputs["picture"]
    return found


def converted_pictures(store: ProjectStore, storyboard: Storyboard, files: Mapping[str, str]) -> frozenset[str]:
    """Return the digests of the input pictures that are converted before they are sent.

    *files* has the digests by path and address. Raises ``TaskFailed``, ``OSError``.
    """
    return frozenset(digest for _, digest, facts in _facts(store, storyboard, files) if facts.traits)


def check_downloaded(store: ProjectStore, storyboard: Storyboard, files: Mapping[str, str]) -> None:
    """Raise ``TaskFailed`` for a picture that was downloaded by an earlier version and does not decode."""
    for frame, _, facts in _facts(store, storyboard, files):
        if facts.problem and isinstance(frame, UrlInput):
            way_out = "put another picture there, and download it with `--remake` and the name of the shot"
            raise TaskFailed(f"{frame.url}: {facts.problem}; {way_out}")


def _facts(
    store: ProjectStore, storyboard: Storyboard, files: Mapping[str, str]
) -> Iterator[tuple[FrameInput, str, PictureFacts]]:
    """Yield the input pictures that are files or were downloaded, with the digest and the facts of each."""
    for _, frame in storyboard.pictures():
        match frame:
            case FileInput(path) if path in files:
                digest, read = files[path], (store.root / path).resolve().read_bytes
            case UrlInput(url) if url in files:
                digest, read = files[url], partial(store.read_blob, files[url])
            case _:
                continue
        yield frame, digest, picture_facts(store.digests, digest, read)


def fetch_pictures(store: ProjectStore, urls: Iterable[str]) -> dict[str, str]:
    """Download pictures into the store; return their digests by address. Raises ``TaskFailed`` at the first failure."""
    import asyncio

    return asyncio.run(_fetch_all(store, list(urls)))


async def _fetch_all(store: ProjectStore, urls: list[str]) -> dict[str, str]:
    from storyboard.providers.download import Downloader
    from storyboard.providers.errors import FetchError
    from storyboard.providers.safe_transport import pictures_policy

    downloader = Downloader(pictures_policy())
    found = {}
    for url in urls:
        out = store.blobs.temp_path(".picture")
        try:
            await downloader.fetch(url, out)
            _check_download(store, url, out.read_bytes())
            found[url] = store.commit_one(PendingRecord(_record(url), "picture", out)).digest
        except FetchError as problem:
            raise TaskFailed(f"{url}: {problem.message}") from problem
        finally:
            remove(out)
    return found


def _check_download(store: ProjectStore, url: str, data: bytes) -> None:
    """Raise ``TaskFailed`` unless *data* is a picture that decodes."""
    if picture_type(data) is None:
        raise TaskFailed(f"{url}: it is not a PNG, JPEG or WebP picture")
    facts = picture_facts(store.digests, sha256(data).hexdigest(), lambda: data)
    if facts.problem:
        raise TaskFailed(f"{url}: {facts.problem}")


def _key(url: str) -> str:
    return action_key("picture", {"url": url})


def _record(url: str) -> Record:
    made = Provenance(at=datetime.now(UTC).isoformat(timespec="seconds"), tool=__version__)
    return Record(_key(url), "frame", {"url": url}, {}, made)
