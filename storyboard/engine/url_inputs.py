"""First frames that an author gave by https address: fetched once, kept by content, and then a file like any other.

A picture that has been fetched is used until a shot that starts from it is named in ``--remake``; what lies at the
address later changes no film by itself.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from storyboard import __version__
from storyboard.core.file_signatures import SIGNATURE_BYTES, picture_type
from storyboard.core.keys import action_key
from storyboard.core.results import Provenance, Record
from storyboard.durable import remove
from storyboard.engine.project_store import Workspace
from storyboard.engine.worker_tasks import TaskFailed


def known_pictures(workspace: Workspace, urls: Iterable[str]) -> dict[str, str]:
    """Digests of the pictures that have been fetched before, by address."""
    found = {}
    for url in urls:
        records = workspace.records.find(_key(url))
        if records:
            found[url] = records[0].outputs["picture"]
    return found


def fetch_pictures(workspace: Workspace, urls: Iterable[str]) -> dict[str, str]:
    """Fetch pictures into the store; digests by address. Raises ``TaskFailed`` naming the first that cannot be had."""
    import asyncio

    return asyncio.run(_fetch_all(workspace, list(urls)))


async def _fetch_all(workspace: Workspace, urls: list[str]) -> dict[str, str]:
    from storyboard.providers.download import Downloader
    from storyboard.providers.errors import FetchError
    from storyboard.providers.safe_transport import pictures_policy

    downloader = Downloader(pictures_policy())
    found = {}
    for url in urls:
        out = workspace.blobs.temp_path(".picture")
        try:
            await downloader.fetch(url, out)
            with out.open("rb") as file:
                if picture_type(file.read(SIGNATURE_BYTES)) is None:
                    raise TaskFailed(f"{url}: not a PNG, JPEG or WEBP picture")
            found[url] = workspace.blobs.put_file(out)
        except FetchError as problem:
            raise TaskFailed(f"{url}: {problem.message}") from problem
        finally:
            remove(out)
        workspace.records.add(_record(url, found[url]))
    return found


def _key(url: str) -> str:
    return action_key("picture", {"url": url})


def _record(url: str, digest: str) -> Record:
    made = Provenance(at=datetime.now(UTC).isoformat(timespec="seconds"), tool=__version__)
    return Record(_key(url), "frame", {"url": url}, {"picture": digest}, made)
