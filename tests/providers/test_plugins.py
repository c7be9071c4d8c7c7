"""A provider from a package of its own is found by its name."""

from importlib.metadata import EntryPoint

import pytest

from storyboard.providers import base
from storyboard.providers.base import Provider, Reply
from storyboard.providers.errors import ProviderError
from storyboard.providers.runware.wire import Runware


class Acme(Runware):
    name = "acme"
    key_variable = "ACME_API_KEY"


class OldNames:
    """Written before 0.1.0, with nothing to inherit from."""

    __slots__ = ("own_ids",)
    memory_s = 60

    def __init__(self) -> None:
        self.own_ids = False

    def refusal(self, reply: Reply) -> ProviderError | None:
        return ProviderError("server", "busy") if reply.status == 503 else None


class OldProtocol(Provider):
    """Inherits methods without a body, which must not hide its own."""

    def __init__(self) -> None:
        self.memory_s, self.own_ids = 60, False

    def refusal(self, reply: Reply) -> ProviderError | None:
        return ProviderError("server", "busy") if reply.status == 503 else None


class OldRunware(Runware):
    """Overrides what the built-in provider defines under the current names."""

    memory_s = 60
    own_ids = False

    def refusal(self, reply: Reply) -> ProviderError | None:
        return ProviderError("server", "busy") if reply.status == 503 else super().refusal(reply)


class NewOnOld(OldRunware):
    task_id_retention_s = 61


def plug_in(monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
    points = [EntryPoint("acme", f"{__name__}:{kind.__name__}", base.GROUP)]

    def found(*, group: str, name: str = "") -> list[EntryPoint]:
        return [point for point in points if group == base.GROUP and name in ("", point.name)]

    monkeypatch.setattr(base, "entry_points", found)


def test_a_provider_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, Acme)
    assert base.find("acme").key_variable == "ACME_API_KEY"
    assert base.known_providers() == ("acme", "runware")
    with pytest.raises(base.UnknownProvider):
        base.find("nobody")


@pytest.mark.parametrize("kind", [OldNames, OldProtocol, OldRunware, NewOnOld])
def test_a_provider_that_has_only_old_names_is_used_by_the_current_ones(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(monkeypatch, kind)
    for _ in range(2):
        found = base.find("acme")
        error = found.error_of(Reply(503))
        assert found.task_id_retention_s == (61 if kind is NewOnOld else 60)
        assert found.client_task_ids is False
        assert error is not None
        assert error.message == "busy"
        assert found.error_of(Reply(200)) is None
