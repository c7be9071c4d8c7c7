"""A paid provider within reach: its translation and the client put together, one method a question.

Owns which calls may be repeated. In what order they are made, what is written down before them and what they may cost
is for ``build``; waiting for many jobs is for ``wait``.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from storyboard.providers.base import (
    Archived,
    Call,
    Outcome,
    Position,
    Provider,
    Repeat,
    Reply,
    TakeRequest,
)
from storyboard.providers.together import Together


class Caller(Protocol):
    """What is needed of ``http.ApiClient``."""

    async def call(self, call: Call, repeat: Repeat = "unsent") -> Reply:
        """The reply to *call*."""


class Remote:
    """One provider behind one client. Every method raises ``ProviderError``."""

    def __init__(self, provider: Provider, client: Caller) -> None:
        self.provider = provider
        self._client = client
        self._statuses = Together(self.ask, provider.batch)
        self._archive = Together(self._archived, provider.batch)

    async def upload(self, request: TakeRequest) -> dict[Position, str]:
        """Upload the pictures that are too large for the submission; their references. Costs nothing."""
        found: dict[Position, str] = {}
        for position, call in self.provider.uploads(request).items():
            found[position] = self.provider.read_upload(await self._client.call(call, "always"))
        return found

    async def submit(self, request: TakeRequest, task_id: str, references: Mapping[Position, str] | None = None) -> str:
        """The paid call: the id under which the job was taken.

        Sent again only if it never left or was turned away with HTTP 429. After any other error whose ``sent`` is true
        the job may have been taken all the same; ``conflict`` says that it was.
        """
        call = self.provider.submission(request, task_id, references)
        return self.provider.read_acknowledgement(await self._client.call(call, "refused"), task_id)

    async def ask(self, task_ids: Sequence[str]) -> dict[str, Outcome]:
        """How the jobs are doing, by id."""
        reply = await self._client.call(self.provider.status_query(task_ids), "always")
        return self.provider.read_status(reply, task_ids)

    async def status(self, task_id: str) -> Outcome:
        """How one job is doing; questions of one moment share a call."""
        return await self._statuses.ask(task_id)

    async def archive(self, task_id: str) -> Archived:
        """What the archive knows of a task; questions of one moment share a call."""
        return await self._archive.ask(task_id)

    async def aclose(self) -> None:
        """Ask nothing more."""
        await self._statuses.aclose()
        await self._archive.aclose()

    async def _archived(self, task_ids: Sequence[str]) -> dict[str, Archived]:
        reply = await self._client.call(self.provider.archive_query(task_ids), "always")
        return self.provider.read_archive(reply, task_ids)
