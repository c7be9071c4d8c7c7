"""The provider of a lane: the Runware of the tests in a process of its own, with a shop for each try."""

import json
import multiprocessing
import os
import random
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any

from tests.runware_server.clips import Clips
from tests.runware_server.server import RunwareServer
from tests.runware_server.wire import Wire
from tests.shops import KEY, shop

# What a reply may hold in place of a value.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 1e308, float("nan"), float("inf"), "", "\x00", "\ud800", "\x1b[2J\u202e", [], {},
    [[]], {"": {}}, "x" * 100_000, [0] * 10_000, "success", "processing", "failed", KEY,
    "00000000-0000-4000-8000-000000000000",
)  # fmt: skip


class Supply:
    """The provider as a lane sees it."""

    def __init__(self) -> None:
        self._pipe, other = multiprocessing.Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._pipe.close()
            _serve(other)
            os._exit(0)
        other.close()

    def open(self, **settings: Any) -> str:
        """Open a shop without a past; its address."""
        return str(self._ask("open", settings))

    def bill(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("bill")
        return found

    def arm(self, name: str, nth: int | None, seconds: float | None) -> None:
        self._ask("arm", name, nth, seconds)

    def garble(self, seed: str) -> None:
        """From now on change a value in some of the replies."""
        self._ask("garble", seed)

    def disarm(self) -> None:
        self._ask("disarm")

    def elsewhere(self) -> int:
        """How many requests reached an address that is not the provider's."""
        return int(self._ask("elsewhere"))

    def close(self) -> None:
        self._pipe.close()
        os.waitpid(self._pid, 0)

    def _ask(self, *question: Any) -> Any:
        self._pipe.send(question)
        return self._pipe.recv()


def _serve(pipe: Connection) -> None:
    clips = Clips(alike=True)
    stack, server = ExitStack(), None
    with stack:
        while True:
            try:
                word, *rest = pipe.recv()
            except EOFError:
                return
            answer: Any = None
            if word == "open":
                stack.close()
                server = stack.enter_context(shop(**rest[0]))
                server.clips = clips
                answer = server.url
            assert server is not None
            if word == "bill":
                answer = server.bill
            elif word == "elsewhere":
                answer = len(server.elsewhere_requests)
            elif word == "arm":
                server.arm(rest[0], nth=rest[1], seconds=rest[2])
            elif word == "garble":
                _garble(server, random.Random(rest[0]))
            elif word == "disarm":
                server.disarm()
                server.__dict__.pop("_exchange", None)
            pipe.send(answer)


def _garble(server: RunwareServer, chance: random.Random) -> None:
    real = server._exchange

    async def exchange(phase: str, tasks: list[Any], wire: Wire) -> None:
        async def send(status: int, payload: Any, headers: dict[str, str] | None = None) -> None:
            body = json.dumps(payload).encode()
            if chance.random() < 0.5:
                body = garbled(body, chance)
            await wire.reply(status, body, {"Content-Type": "application/json", **(headers or {})})

        wire.json = send  # type: ignore[method-assign]
        await real(phase, tasks, wire)

    server._exchange = exchange  # type: ignore[method-assign]


def garbled(body: bytes, chance: random.Random) -> bytes:
    """Change a value, some bytes or the length of a reply."""
    match chance.randrange(6):
        case 0:
            return body[: chance.randrange(len(body))]
        case 1:
            changed = bytearray(body)
            changed[chance.randrange(len(body))] = chance.randrange(256)
            return bytes(changed)
        case _:
            payload = json.loads(body)
            change_a_value(payload, chance)
            return json.dumps(payload).encode()


def change_a_value(payload: Any, chance: random.Random) -> None:
    """Replace, drop or double one value somewhere in *payload*; costs stay, as the bill has to agree with them."""
    places = [place for place in _places(payload) if place[1] != "cost"]
    if not places:
        return
    holder, key = chance.choice(places)
    match chance.randrange(4):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.append(holder[key])
        case _:
            holder[key] = chance.choice(ODD)


def _places(value: Any) -> list[tuple[Any, Any]]:
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]
