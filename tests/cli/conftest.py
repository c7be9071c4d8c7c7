"""Fixtures that tests of the command line share."""

from collections.abc import Iterator

import pytest

from tests.runware_server.server import RunwareServer
from tests.shops import shop


@pytest.fixture
def server() -> Iterator[RunwareServer]:
    """Runware on the loopback; a module with other wishes has a fixture of this name of its own."""
    with shop() as found:
        yield found
