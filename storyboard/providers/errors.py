"""Errors of providers and downloads under stable codes, and text that is safe to show.

Every provider and client raises these errors. The provider maps its own codes to ours; the caller words messages.
"""

import re
import unicodedata
from typing import Literal, NoReturn

from storyboard.core.model import Json

ErrorCode = Literal[
    "invalid-request",
    "auth",
    "no-balance",
    "rate-limited",
    "moderated",
    "timeout",
    "not-found",
    "server",
    "provider-failed",
    "unreadable-reply",
    "network",
    "conflict",
]

TEXT_LIMIT = 400
_QUERY = re.compile(r"(https?://[^\s?#]+)[?#]\S*")


def plain_text(text: object, limit: int = TEXT_LIMIT) -> str:
    """Return foreign text as one printable line of at most *limit* characters.

    Control, format (bidi, zero-width), surrogate, private and unassigned characters are left out, runs of white space
    become one space, and the query of a URL, which may be signed, is cut off.
    """
    raw = (text if isinstance(text, str) else "")[: limit * 8]
    spaced = " ".join(raw.split())
    shown = "".join(c for c in spaced if not unicodedata.category(c).startswith("C"))
    shown = _QUERY.sub(r"\1?…", shown)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


class Secret:
    """A key or a signed address that prints as ``***``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")


class ProviderError(Exception):
    """A refusal, a failed job or a transport error, under a stable code.

    ``retryable``: a repetition may succeed. ``provider_code`` and ``message`` are the provider's own, cleaned.
    ``field`` is the request field at fault; ``status`` the HTTP status. ``sent`` is ``False`` only if the request
    certainly never left this machine; ``retry_after`` is the wait in seconds that the provider asked for.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        retryable: bool = False,
        provider_code: str | None = None,
        field: str | None = None,
        task_id: str | None = None,
        status: int | None = None,
        sent: bool = True,
        retry_after: float | None = None,
    ) -> None:
        self.code: ErrorCode = code
        self.message = plain_text(message)
        self.retryable = retryable
        self.provider_code = plain_text(provider_code, 80) or None
        self.field = plain_text(field, 80) or None
        self.task_id = task_id
        self.status = status
        self.sent = sent
        self.retry_after = retry_after
        super().__init__(self.message)

    def __str__(self) -> str:
        own = f" ({self.provider_code})" if self.provider_code else ""
        return f"{self.code}: {self.message}{own}"

    def facts(self) -> dict[str, Json]:
        """Return the known attributes as JSON data, for ledgers and reports."""
        known: dict[str, Json] = {
            "code": self.code,
            "message": self.message,
            "retryable": self.retryable,
            "provider_code": self.provider_code,
            "field": self.field,
            "task_id": self.task_id,
            "status": self.status,
        }
        return {name: value for name, value in known.items() if value is not None}


FetchCode = Literal[
    "refused-address", "expired", "too-large", "wrong-type", "incomplete", "timeout", "network", "server"
]


class FetchError(Exception):
    """A failed download. *retryable*: a later try may succeed. The message never names the URL.

    ``expired``: gone or no longer allowed; ``incomplete``: cut off too often, empty, or not what was asked for.
    """

    def __init__(self, code: FetchCode, message: str, *, retryable: bool = False, status: int | None = None) -> None:
        self.code: FetchCode = code
        self.message = plain_text(message)
        self.retryable = retryable
        self.status = status
        super().__init__(f"{code}: {self.message}")
