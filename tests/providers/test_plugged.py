"""A provider from a package of its own is found by its name."""

from importlib.metadata import EntryPoint

import pytest

from storyboard.providers import base
from storyboard.providers.runware.wire import Runware


class Acme(Runware):
    name = "acme"
    key_variable = "ACME_API_KEY"


def test_a_provider_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("acme", f"{__name__}:Acme", base.GROUP)]

    def found(*, group: str, name: str = "") -> list[EntryPoint]:
        return [point for point in points if group == base.GROUP and name in ("", point.name)]

    monkeypatch.setattr(base, "entry_points", found)
    assert base.find("acme").key_variable == "ACME_API_KEY"
    assert base.known_providers() == ("acme", "runware")
    with pytest.raises(base.UnknownProvider):
        base.find("nobody")
