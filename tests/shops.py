"""A Runware on loopback that also sells the tiny model, and projects that buy from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tests.project import CHAIN, Project
from tests.runware_server import rules
from tests.runware_server.server import RunwareServer

HEADER = "version: 1\nmodel: tiny:1\nprovider: runware\noutput: {file: out/film.mp4, size: 128x72, fps: 24}\n"
KEY = "canary-7f3a9c51"


@contextmanager
def shop(**settings: Any) -> Iterator[RunwareServer]:
    """The server, with the tiny model among what it makes."""
    fields = {
        "model": rules._one_of(rules.MODEL, "tiny:1", code="invalidModel"),
        "duration": rules._one_of(1, 2, 3, *rules.DURATIONS),
        "width": rules._integer(16, 2048),
        "height": rules._integer(16, 2048),
    }
    sizes = (*rules.SIZES, (128, 72), (72, 128), (64, 64))
    with (
        mock.patch.dict(rules.FIELDS, fields),
        mock.patch.object(rules, "SIZES", sizes),
        RunwareServer(key=KEY, **settings) as server,
    ):
        yield server


class PaidProject(Project):
    """A project whose shots are bought from *server*."""

    def __init__(self, folder: Path, server: RunwareServer, text: str = CHAIN) -> None:
        self.server = server
        super().__init__(folder, text)

    def write(self, text: str, header: str = HEADER, name: str = "storyboard.yaml") -> None:
        super().write(text, header, name)

    def environment(self, extra: Any = None) -> dict[str, str]:
        return super().environment(
            {
                "RUNWARE_BASE_URL": self.server.url,
                "RUNWARE_API_KEY": KEY,
                "STORYBOARD_POLL_INTERVAL": "0.05",
                "STORYBOARD_YES": "1",
                "STORYBOARD_MAX_COST": "20",
                **(extra or {}),
            }
        )

    def settings(self) -> dict[str, str]:
        """What the program reads of its environment, for verbs that run in this process."""
        known = self.environment().items()
        return {name: text for name, text in known if name.startswith(("RUNWARE_", "STORYBOARD_"))}

    def ledger(self) -> list[dict[str, Any]]:
        import json

        path = self.folder / ".storyboard" / "ledger.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def journal(self) -> list[Path]:
        return list((self.folder / ".storyboard" / "journal").glob("*.json"))
