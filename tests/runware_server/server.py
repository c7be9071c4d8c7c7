"""The server itself: sockets, routes, armed faults, the log of requests, and its life in a thread.

Routes: ``POST /v1`` is the API; ``GET /video/ID.mp4`` the results; ``POST /control`` steers the server in tests, one
JSON object with ``do``: ``arm`` (``name``, ``nth``, ``times``, ``seconds``), ``finish`` (all jobs at once), ``state``.
A second listener, ``elsewhere``, is another origin: it records whatever reaches it and answers 404.
"""

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.runware_server.api import SIGNATURE, VIDEO, Api, told, video_url
from tests.runware_server.clips import Clips, Order
from tests.runware_server.faults import FAULTS
from tests.runware_server.rules import Refused, Task
from tests.runware_server.shop import Memory, Shop
from tests.runware_server.turn import Armed, Turn
from tests.runware_server.wire import MAX_HEAD, Request, Wire, read_request

DEFAULT_KEY = "loopback-key"
Route = Callable[[Request, Wire], Awaitable[None]]


@dataclass(frozen=True)
class Logged:
    """One request as it reached a listener."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    task_types: tuple[str, ...] = ()


class RunwareServer:
    """A Runware on 127.0.0.1, in a thread of its own between ``with`` and its end.

    *seconds_per_job* is how long a job takes, *forget_after* how many seconds after its end the memory ``running``
    still answers polls, *unknown* what a poll of an unknown id gets (``empty`` or ``not-found``), *bill* a file to
    append accepted tasks to, *faults* names of faults that are armed from the start, *alike* whether its clips show the
    same, so that rendering them costs nothing.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        key: str = DEFAULT_KEY,
        memory: Memory = "forever",
        unknown: str = "empty",
        seconds_per_job: float = 0.05,
        forget_after: float = 60.0,
        bill: Path | None = None,
        faults: Iterable[str] = (),
        alike: bool = False,
    ) -> None:
        self.key = key
        self.port = port
        self.requests: list[Logged] = []
        self.elsewhere_requests: list[Logged] = []
        self.shop = Shop(memory, seconds_per_job, forget_after, bill)
        self.clips = Clips(alike=alike)
        self._elsewhere_port = 0
        self._api = Api(self.shop, key, unknown, lambda: self.origin)
        self._armed: list[Armed] = []
        self._ready = threading.Event()
        self._problem: BaseException | None = None
        self._start_faults = list(faults)
        self._thread = threading.Thread(target=self._in_thread, name="runware-server", daemon=True)
        self._connections: dict[asyncio.Future[None], asyncio.StreamWriter] = {}

    # What tests look at.

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"{self.origin}/v1"

    @property
    def elsewhere(self) -> str:
        """The second origin."""
        return f"http://127.0.0.1:{self._elsewhere_port}"

    @property
    def submits(self) -> Counter[str]:
        """How often each task id was submitted with a task that passed the rules."""
        return self.shop.submits

    @property
    def bill(self) -> list[dict[str, Any]]:
        """One line for each accepted task, in order."""
        return list(self.shop.bill)

    def seen(self, task_type: str) -> list[Logged]:
        """The requests that held a task of that type."""
        return [logged for logged in self.requests if task_type in logged.task_types]

    def arm(self, name: str, *, nth: int | None = None, times: int | None = None, seconds: float | None = None) -> None:
        """Let the fault *name* act on its *nth* occasion from now; the defaults are the fault's own."""
        armed = Armed(FAULTS[name], nth=nth, times=times, seconds=seconds)
        if armed.fault.phase == "connect":
            asyncio.run_coroutine_threadsafe(self._refuse(armed.seconds), self._loop).result(10)
        else:
            self._armed.append(armed)

    def disarm(self) -> None:
        """No faults any more; from here on it listens."""
        self._armed.clear()
        if not self._listener.is_serving():
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def finish_all(self) -> None:
        """Let every job be ready now."""
        self.shop.finish_all()

    def offer(self, order: Order) -> str:
        """Have a clip to fetch that nobody bought; its address."""
        self.shop.videos[order.video_id] = order
        return video_url(self.origin, order.video_id)

    # Its life.

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        if self._problem is not None:
            raise self._problem
        for name in self._start_faults:
            self.arm(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _in_thread(self) -> None:
        try:
            asyncio.run(self._main())
        except OSError as problem:
            self._problem = problem
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await self._listen()
        elsewhere = await asyncio.start_server(self._serve_elsewhere, "127.0.0.1", 0, limit=MAX_HEAD)
        self._elsewhere_port = elsewhere.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        self._listener.close()
        elsewhere.close()
        await self._drop_connections()
        for _ in range(
            5
        ):  # a connection that is aborted, or was accepted a moment ago, closes its socket in a later turn
            await asyncio.sleep(0)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=MAX_HEAD)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _refuse(self, seconds: float) -> None:
        """Nothing listens for a while; open connections are closed."""
        self._listener.close()
        await self._drop_connections()
        self._loop.call_later(seconds, lambda: asyncio.ensure_future(self._listen_again()))

    async def _listen_again(self) -> None:
        if not self._listener.is_serving():
            await self._listen()

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._take(reader, writer, self._route)

    def _serve_elsewhere(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def refuse(request: Request, wire: Wire) -> None:
            self.elsewhere_requests.append(Logged(request.method, request.target, request.headers, request.body))
            await wire.reply(404, b"")

        self._take(reader, writer, refuse)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, route: Route) -> None:
        task = asyncio.ensure_future(self._connection(reader, writer, route))
        self._connections[task] = writer
        task.add_done_callback(lambda done: self._connections.pop(done, None))

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, route: Route) -> None:
        wire = Wire(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while wire.open and (request := await read_request(reader)) is not None:
                await route(request, wire)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _drop_connections(self) -> None:
        """Break off all that is going on; also what was accepted only now and has not begun."""
        await asyncio.sleep(0)
        dropped = dict(self._connections)
        for task, writer in dropped.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*dropped, return_exceptions=True)
        await asyncio.sleep(0)

    # Its routes.

    async def _route(self, request: Request, wire: Wire) -> None:
        if request.path == "/control" and request.method == "POST":
            await self._control(request, wire)
        elif request.path == "/v1":
            await self._v1(request, wire)
        elif request.path.startswith("/video/"):
            await self._video(request, wire)
        else:
            self._log(request)
            await wire.json(404, {"errors": [{"code": "notFound", "message": "No such path."}]})

    async def _v1(self, request: Request, wire: Wire) -> None:
        if request.method != "POST":
            self._log(request)
            await wire.json(405, {"errors": [{"code": "methodNotAllowed", "message": "POST only."}]}, {"Allow": "POST"})
            return
        try:
            tasks = self._api.tasks_of(request)
        except Refused as refused:
            self._log(request)
            status = 401 if refused.item["parameter"] == "apiKey" else 400
            await wire.json(status, {"data": [], "errors": [told(refused, {})]})
            return
        types = tuple(str(task.get("taskType")) for task in tasks)
        self._log(request, types)
        phase = "submit" if VIDEO in types else "poll" if "getResponse" in types else "other"
        await self._exchange(phase, tasks, wire)

    async def _exchange(self, phase: str, tasks: list[Task], wire: Wire) -> None:
        turn = Turn(wire, tasks, self.elsewhere, lambda: self._api.answer(tasks), delivered=self._acknowledged)
        for armed in self._due(phase):
            turn.seconds = armed.seconds
            assert armed.fault.act is not None
            await armed.fault.act(turn)
            return
        status, payload = turn.answer()
        if phase == "poll":
            for armed in self._armed:
                armed.edit(payload, tasks, self.elsewhere)
        await turn.deliver(status, payload)

    def _due(self, phase: str) -> list[Armed]:
        return [armed for armed in self._armed if armed.fault.act and armed.fault.phase == phase and armed.strikes()][
            :1
        ]

    def _acknowledged(self, payload: dict[str, Any]) -> None:
        for item in payload.get("data", []):
            job = self.shop.jobs.get(str(item.get("taskUUID")))
            if job is not None and item.get("taskType") == VIDEO:
                job.acknowledged = True

    async def _video(self, request: Request, wire: Wire) -> None:
        self._log(request)
        order = self.shop.videos.get(Path(request.path).stem)
        if order is None or request.query.get("sig") != [SIGNATURE]:
            await wire.reply(403 if order else 404, b"")
            return
        clip = await self._clip(order)
        turn = Turn(wire, [], self.elsewhere, lambda: (200, {"data": []}), clip=clip, headers=request.headers)
        turn.target = request.target
        for armed in self._due("download"):
            turn.seconds, turn.strike = armed.seconds, armed.struck
            assert armed.fault.act is not None
            await armed.fault.act(turn)
            return
        await turn.serve_clip()

    async def _clip(self, order: Order) -> bytes:
        clip = await asyncio.to_thread(self.clips.bytes_of, order)
        for armed in self._armed:
            if armed.fault.spoil is not None and armed.binds(order.video_id):
                clip = await asyncio.to_thread(armed.fault.spoil, clip)
        return clip

    async def _control(self, request: Request, wire: Wire) -> None:
        order = json.loads(request.body)
        match order.pop("do", None):
            case "arm" if order.get("name") in FAULTS and FAULTS[order["name"]].phase != "connect":
                self.arm(**order)
            case "finish":
                self.finish_all()
            case "state":
                state = {"submits": dict(self.submits), "bill": self.bill, "requests": len(self.requests)}
                await wire.json(200, state)
                return
            case _:
                await wire.json(400, {"error": "do what?"})
                return
        await wire.json(200, {"done": True})

    def _log(self, request: Request, types: tuple[str, ...] = ()) -> None:
        self.requests.append(Logged(request.method, request.target, request.headers, request.body, types))
