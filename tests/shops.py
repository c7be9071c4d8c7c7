"""A Runware on loopback that also sells the tiny model."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from tests.runware_server import rules
from tests.runware_server.server import RunwareServer

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
