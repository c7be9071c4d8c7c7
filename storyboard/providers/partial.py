"""A file on its way in: as far as it has come, its running hash, and whether the next try may go on from there.

Owns the rules for going on after a cut and for refusing what comes; the connection is the business of ``download``.
"""

import hashlib
from typing import BinaryIO, Literal

import httpx
from msgspec import Struct

from storyboard.providers.errors import plain_text

_NOT_MEDIA = ("text/", "application/json", "application/xml", "application/xhtml", "application/problem")

FetchCode = Literal[
    "refused-address", "expired", "too-large", "wrong-type", "incomplete", "timeout", "network", "server"
]


class FetchError(Exception):
    """Something could not be fetched. *retryable* says whether later or elsewhere it might be; it never names the URL.

    ``expired``: gone or no longer allowed; ``incomplete``: cut off too often, empty, or not what was asked for.
    """

    def __init__(self, code: FetchCode, message: str, *, retryable: bool = False, status: int | None = None) -> None:
        self.code: FetchCode = code
        self.message = plain_text(message)
        self.retryable = retryable
        self.status = status
        super().__init__(f"{code}: {self.message}")


class Fetched(Struct, frozen=True):
    """What lies in the file now: size in bytes, sha256 of the content, media type as the server calls it."""

    size: int
    sha256: str
    media_type: str


class Cut(Exception):
    """The body ended early or the connection broke; another try may go on from here."""

    def __init__(self, code: FetchCode = "network", message: str = "the connection broke") -> None:
        super().__init__(message)
        self.code: FetchCode = code


class Part:
    """The file as far as it has come, its running hash, and what is needed to go on."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file, self._max_bytes = file, max_bytes
        self._restart()
        self._etag: str | None = None
        self._total: int | None = None
        self._media_type = ""

    def resume_headers(self) -> dict[str, str]:
        """For a try that goes on, if there is something to go on from and a way to know that it is the same."""
        if not self._size or self._etag is None or self._total is None:
            return {}
        return {"Range": f"bytes={self._size}-", "If-Range": self._etag}

    def begin(self, response: httpx.Response) -> None:
        """Take the headers of a reply: go on, or start again from nothing."""
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise FetchError("wrong-type", "compressed, although it was asked not to be")
        self._media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self._media_type.startswith(_NOT_MEDIA):
            raise FetchError("wrong-type", f"the server sends {self._media_type}, which is neither video nor picture")
        if response.status_code == 206:
            self._go_on(response)
            return
        self._restart()
        self._etag = _strong(response.headers.get("etag"))
        self._total = _length(response)
        if self._total is not None and self._total > self._max_bytes:
            raise self._too_large()

    def write(self, chunk: bytes) -> None:
        """Append to file and hash."""
        self._size += len(chunk)
        if self._size > self._max_bytes:
            raise self._too_large()
        self._file.write(chunk)
        self._hash.update(chunk)

    def end(self) -> None:
        """Check that all of it has come, as far as the server said how much there is."""
        if self._total is not None and self._size != self._total:
            self.forget()
            raise Cut("incomplete", "not as long as it was announced")
        if not self._size:
            raise Cut("incomplete", "nothing came")

    def forget(self) -> None:
        """Give up what has come; the next try starts from nothing."""
        self._restart()
        self._etag = None

    def finished(self) -> Fetched:
        """What lies in the file."""
        self._file.flush()
        return Fetched(self._size, self._hash.hexdigest(), self._media_type)

    def _go_on(self, response: httpx.Response) -> None:
        expected = f"bytes {self._size}-{(self._total or 0) - 1}/{self._total}"
        same = _strong(response.headers.get("etag")) == self._etag is not None
        if not self._size or not same or response.headers.get("content-range", "") != expected:
            self.forget()
            raise Cut("incomplete", "a part that was not asked for")

    def _restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self._size = 0

    def _too_large(self) -> FetchError:
        return FetchError("too-large", f"more than {self._max_bytes} bytes")


def _strong(etag: str | None) -> str | None:
    return etag if etag and etag.startswith('"') and etag.endswith('"') and len(etag) > 2 else None


def _length(response: httpx.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
