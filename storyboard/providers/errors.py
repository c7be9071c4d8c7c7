"""Errors of providers and downloads under stable codes, and text that is safe to show.

Every provider and client raises these errors. The provider maps its own codes to ours; the caller words messages.
"""

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, NoReturn

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


# Shorter keys are not looked for: they would be found in ordinary words.
_SHORTEST_KEY = 8
# White space, written or escaped, and control characters between the characters of a key.
_GAP = r"(?:[\x00-\x20\x7f]|\\++[nrtbf])*+"
# A run of backslashes is tried from its first one only, or a long run would take time with the square of its length.
_BACKSLASHES = r"(?<!\\)\\++"
_MASK = "***"


class Redactor:
    """Replaces a key in text from elsewhere by ``***``, as it stands or in a form that is easily read back.

    Found are: the key in any case; a character as a JSON, percent, HTML or quoted-printable escape, also escaped again;
    white space, line breaks and characters that ``plain_text`` leaves out between its characters; compatibility forms
    such as full-width letters; and the key in hexadecimal or base64, alone or within other text. The halves of a key in
    two texts are not found.
    """

    def __init__(self, key: Secret) -> None:
        text = key.reveal()
        forms = {text, *_encoded_forms(text)} if len(text) >= _SHORTEST_KEY else set()
        self._plain = [form.lower() for form in forms]
        pattern = "|".join(_GAP.join(map(_character_pattern, form)) for form in sorted(forms, key=len, reverse=True))
        self._pattern = re.compile(pattern, re.IGNORECASE) if forms else None

    def data(self, value: Any) -> Any:
        """Return JSON data with the key replaced in all names and texts, and in numbers by their digits."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(name): self.data(item) for name, item in value.items()}
            case list():
                return [self.data(item) for item in value]
            case int() | Decimal() if not isinstance(value, bool) and self.text(str(value)) != str(value):
                return None
        return value

    def text(self, text: str) -> str:
        """Return *text* with the key replaced."""
        if self._pattern is None or len(text) < _SHORTEST_KEY or self._is_harmless(text):
            return text
        letters, places = _fold(text)
        shown: list[str] = []
        end = 0
        for found in self._pattern.finditer(letters):
            shown += [text[end : places[found.start()]], _MASK]
            end = places[found.end() - 1] + 1
        return "".join([*shown, text[end:]]) if shown else text

    def _is_harmless(self, text: str) -> bool:
        """Return whether *text* has no escapes, gaps or key: a quick answer, for pictures of megabytes in base64."""
        body = text.rstrip("=")
        plain = text.isascii() and text.isprintable() and not any(sign in body for sign in " %\\&=")
        return plain and not any(form in text.lower() for form in self._plain)


def _encoded_forms(key: str) -> Iterator[str]:
    data = key.encode()
    yield data.hex()
    # Within other text, base64 shifts by 0, 2 or 4 bits; a character at either end also depends on its neighbours.
    for before, cut in ((0, 0), (1, 2), (2, 3)):
        code = b64encode(bytes(before) + data).decode().rstrip("=")
        yield code[cut : len(code) - ((before + len(data)) % 3 != 0)]


def _character_pattern(character: str) -> str:
    number = ord(character)
    hexadecimal = f"{number:02x}"
    others = {"+": "-", "/": "_"}.get(character, "")  # the alphabet of base64 in addresses
    forms = [
        re.escape(character),
        *filter(None, [others]),
        rf"{_BACKSLASHES}{re.escape(character)}",
        rf"{_BACKSLASHES}(?:u00|x){hexadecimal}",
        rf"{_BACKSLASHES}u\{{0*{hexadecimal}\}}",
        rf"%(?:25)*{hexadecimal}",
        rf"={hexadecimal}",
        rf"&(?:amp;)*\#(?:0*{number}|x0*{hexadecimal});?",
    ]
    return f"(?:{'|'.join(forms)})"


def _fold(text: str) -> tuple[str, "list[int] | range"]:
    """Return *text* without what is not seen, in compatibility form, and the place of each of its characters."""
    if text.isascii():
        return text, range(len(text))
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if not character.isascii() and unicodedata.category(character)[0] in "CMZ":
            continue
        for letter in character if character.isascii() else unicodedata.normalize("NFKC", character):
            letters.append(letter)
            places.append(place)
    return "".join(letters), places


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
