"""Input pictures given by https address: downloaded once, stored by content, and then used like files.

A downloaded picture is used until ``--remake`` names a shot with it: a later change at the address changes no film.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from storyboard import __version__
from storyboard.core.file_signatures import SIGNATURE_BYTES, picture_type
from storyboard.core.keys import action_key
from storyboard.core.results import Provenance, Record
from storyboard.durable import remove
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.store.records import PendingRecord


def known_pictures(store: ProjectStore, urls: Iterable[str]) -> dict[str, str]:
    """Return the digests of the pictures that were downloaded before, by address."""
    found = {}
    for url in urls:
        records = store.records.find(_key(url))
        if records:
            found[url] = records[0].outputs["picture"]
    return found


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
            with out.open("rb") as file:
                if picture_type(file.read(SIGNATURE_BYTES)) is None:
                    raise TaskFailed(f"{url}: not a PNG, JPEG or WEBP picture")
            found[url] = store.commit_one(PendingRecord(_record(url), "picture", out)).digest
        except FetchError as problem:
            raise TaskFailed(f"{url}: {problem.message}") from problem
        finally:
            remove(out)
    return found


def _key(url: str) -> str:
    return action_key("picture", {"url": url})


def _record(url: str) -> Record:
    made = Provenance(at=datetime.now(UTC).isoformat(timespec="seconds"), tool=__version__)
    return Record(_key(url), "frame", {"url": url}, {}, made)
