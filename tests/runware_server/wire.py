"""HTTP/1.1 by hand, so that it can be done wrong on purpose: slow, cut, reset, badly framed."""

import asyncio
import json
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

MAX_HEAD = 64 * 1024
MAX_BODY = 128 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """One request as it came; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The fields of the query."""
        return parse_qs(urlsplit(self.target).query)


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection, ``None`` at its end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Request(method, target, headers, await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(min(int(headers.get("content-length", "0")), MAX_BODY))
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return bytes(body)


class Wire:
    """The answering side of one connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.open = True

    async def head(self, status: int, headers: dict[str, str]) -> None:
        """Status line and headers, as given and nothing more."""
        await self.raw(head_bytes(status, headers))

    async def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole, properly framed reply."""
        await self.head(status, {"Content-Length": str(len(body)), **(headers or {})})
        await self.raw(body)

    async def json(self, status: int, payload: Any, headers: dict[str, str] | None = None) -> None:
        """A whole reply in JSON; NaN goes out as ``NaN``."""
        await self.reply(status, json.dumps(payload).encode(), {"Content-Type": "application/json", **(headers or {})})

    async def finish(self) -> None:
        """End the connection in good order after what was written."""
        self.open = False
        self._writer.close()

    def reset(self) -> None:
        """End the connection with a reset; the other side learns that something broke."""
        self.open = False
        sock = self._writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


def head_bytes(status: int, headers: dict[str, str]) -> bytes:
    """Status line and headers with the empty line after them."""
    phrase = HTTPStatus(status).phrase
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")
