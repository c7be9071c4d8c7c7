"""Faults of downloads: the clip is good, the way it is served is not."""

import asyncio
import zlib
from functools import cache

from tests.runware_server.turn import ALWAYS, Act, Fault, Turn

HALF_A_MEGABYTE = b"\0" * 524_288
ANNOUNCED = 10 * 1024**3


def status(code: int) -> Act:
    """Nothing but a status."""

    async def act(turn: Turn) -> None:
        await turn.wire.reply(code, b"")

    return act


def content(data: bytes, content_type: str) -> Act:
    """Something else under status 200."""

    async def act(turn: Turn) -> None:
        await turn.wire.reply(200, data, {"Content-Type": content_type})

    return act


def redirect(make: str) -> Act:
    """To an address made from the second origin and the one that was asked for."""

    async def act(turn: Turn) -> None:
        location = make.format(elsewhere=turn.elsewhere, same=turn.target)
        await turn.wire.reply(302, b"", {"Location": location})

    return act


async def cut(turn: Turn) -> None:
    """Half of what was announced."""
    await turn.wire.head(200, video(turn, **{"Content-Length": str(len(turn.clip))}))
    await turn.wire.raw(turn.clip[: len(turn.clip) // 2])
    await turn.wire.finish()


async def cut_unannounced(turn: Turn) -> None:
    """Half, framed by the end of the connection: nothing tells."""
    await turn.wire.head(200, video(turn, Connection="close"))
    await turn.wire.raw(turn.clip[: len(turn.clip) // 2])
    await turn.wire.finish()


async def cut_chunk(turn: Turn) -> None:
    """A chunk that ends early."""
    await turn.wire.head(200, video(turn, **{"Transfer-Encoding": "chunked"}))
    await turn.wire.raw(b"%x\r\n" % len(turn.clip) + turn.clip[: len(turn.clip) // 2])
    await turn.wire.finish()


async def reset_then_whole(turn: Turn) -> None:
    """Half and a reset; after that the whole again, whatever part is asked for."""
    if turn.strike > 1:
        await turn.wire.reply(200, turn.clip, video(turn))
        return
    await turn.wire.head(200, video(turn, **{"Content-Length": str(len(turn.clip))}))
    await turn.wire.raw(turn.clip[: len(turn.clip) // 2])
    await asyncio.sleep(0.05)
    turn.wire.reset()


async def zero_filled(turn: Turn) -> None:
    """The right length, with a hole in it."""
    third = len(turn.clip) // 3
    await turn.wire.reply(200, turn.clip[:third] + b"\0" * third + turn.clip[2 * third :], video(turn))


async def unasked_part(turn: Turn) -> None:
    """206 without a range in the request."""
    half = len(turn.clip) // 2
    span = {"Content-Range": f"bytes {half}-{len(turn.clip) - 1}/{len(turn.clip)}"}
    await turn.wire.reply(206, turn.clip[half:], video(turn, **span))


async def cut_then_416(turn: Turn) -> None:
    """Cut; the rest is refused as not satisfiable."""
    await (cut(turn) if turn.range_start() is None else turn.wire.reply(416, b""))


async def cut_then_other_etag(turn: Turn) -> None:
    """Cut; the rest is said to be of another content."""
    start = turn.range_start()
    if start is None:
        await cut(turn)
        return
    span = {"Content-Range": f"bytes {start}-{len(turn.clip) - 1}/{len(turn.clip)}", "ETag": '"another"'}
    await turn.wire.reply(206, turn.clip[start:], video(turn, **span))


async def cut_then_other_total(turn: Turn) -> None:
    """Cut; the rest is said to be of something longer."""
    start = turn.range_start()
    if start is None:
        await cut(turn)
        return
    total = len(turn.clip) + 7
    await turn.wire.reply(
        206, turn.clip[start:], video(turn, **{"Content-Range": f"bytes {start}-{total - 1}/{total}"})
    )


async def announced_10_gib(turn: Turn) -> None:
    """Ten gibibytes, announced."""
    await turn.wire.head(200, video(turn, **{"Content-Length": str(ANNOUNCED)}))
    await endless(turn)


async def unannounced_10_gib(turn: Turn) -> None:
    """Ten gibibytes, unannounced."""
    await turn.wire.head(200, video(turn, Connection="close"))
    await endless(turn)


async def endless(turn: Turn) -> None:
    """Zeros for as long as they are taken, at 50 MB a second: what takes them ends by time or by size."""
    for _ in range(ANNOUNCED // len(HALF_A_MEGABYTE)):
        await turn.wire.raw(HALF_A_MEGABYTE)
        await asyncio.sleep(0.01)


async def gzip_bomb(turn: Turn) -> None:
    """16 MB of zeros in 16 kB."""
    await turn.wire.reply(200, _packed_zeros(), video(turn, **{"Content-Encoding": "gzip"}))


@cache
def _packed_zeros() -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(b"\0" * 16 * 1024**2) + packer.flush()


async def dribble(turn: Turn) -> None:
    """A byte at a time."""
    await turn.wire.head(200, video(turn, **{"Content-Length": str(len(turn.clip))}))
    for byte in turn.clip:
        await turn.wire.raw(bytes([byte]))
        await asyncio.sleep(turn.seconds)


async def stall(turn: Turn) -> None:
    """Half, then silence."""
    await turn.wire.head(200, video(turn, **{"Content-Length": str(len(turn.clip))}))
    await turn.wire.raw(turn.clip[: len(turn.clip) // 2])
    await asyncio.sleep(turn.seconds)
    await turn.wire.finish()


def video(turn: Turn, **headers: str) -> dict[str, str]:
    """Headers of a clip."""
    return {"Content-Type": "video/mp4", "ETag": turn.etag, "Accept-Ranges": "bytes", **headers}


CASES = (
    Fault("download-cut", "download", "half of the announced length", cut),
    Fault("download-cut-unannounced", "download", "half, and no length to tell by", cut_unannounced),
    Fault("download-cut-chunk", "download", "a chunk that ends early", cut_chunk),
    Fault(
        "download-reset-then-whole",
        "download",
        "a reset, then the whole though a part was asked for",
        reset_then_whole,
        times=2,
    ),
    Fault("download-zero-filled", "download", "zeros in the middle", zero_filled, times=ALWAYS),
    Fault(
        "download-html",
        "download",
        "a page that calls itself video/mp4",
        content(b"<!doctype html><title>Sorry</title>", "video/mp4"),
        times=ALWAYS,
    ),
    Fault("download-json", "download", "JSON", content(b'{"error":"sorry"}', "application/json"), times=ALWAYS),
    Fault("download-empty", "download", "no bytes", content(b"", "video/mp4"), times=ALWAYS),
    Fault("download-206-unasked", "download", "206 though no part was asked for", unasked_part),
    Fault("download-416", "download", "cut, then 416 for the rest", cut_then_416, times=2),
    Fault("download-other-etag", "download", "cut, then the rest of another content", cut_then_other_etag, times=2),
    Fault("download-other-total", "download", "cut, then the rest of something longer", cut_then_other_total, times=2),
    Fault("download-10-gib", "download", "ten gibibytes, announced", announced_10_gib, times=ALWAYS),
    Fault("download-10-gib-unannounced", "download", "ten gibibytes, unannounced", unannounced_10_gib, times=ALWAYS),
    Fault("download-gzip-bomb", "download", "compressed a thousandfold", gzip_bomb, times=ALWAYS),
    Fault("download-dribble", "download", "one byte per 0.4 s", dribble, times=ALWAYS, seconds=0.4),
    Fault("download-stall", "download", "half, then silence", stall, times=ALWAYS, seconds=60.0),
    Fault("download-redirect-loop", "download", "to itself", redirect("{same}"), times=ALWAYS),
    Fault(
        "download-redirect-other-host",
        "download",
        "to another origin",
        redirect("{elsewhere}/video/a.mp4"),
        times=ALWAYS,
    ),
    Fault("download-redirect-file", "download", "to a file", redirect("file:///etc/hostname"), times=ALWAYS),
    Fault(
        "download-redirect-inward",
        "download",
        "to a stand-in for a link-local service",
        redirect("{elsewhere}/latest/meta-data"),
        times=ALWAYS,
    ),
    Fault("download-403", "download", "403", status(403), times=ALWAYS),
    Fault("download-404", "download", "404", status(404), times=ALWAYS),
    Fault("download-410", "download", "410", status(410), times=ALWAYS),
    Fault("download-503", "download", "503, once", status(503)),
)
