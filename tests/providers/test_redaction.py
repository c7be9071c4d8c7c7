"""A key that a provider sends back: in no form does it pass the client."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from storyboard.providers.api_client import ApiClient
from storyboard.providers.base import Reply
from storyboard.providers.errors import ProviderError, Redactor, Secret, plain_text
from storyboard.providers.runware.wire import Runware

KEY = "Rw+key/Canary-51c0:ffee"


def every(join: Callable[[str], str], key: str = KEY) -> str:
    return "".join(map(join, key))


ECHOES = {
    "plain": KEY,
    "in-a-sentence": f"The key {KEY} is wrong.",
    "upper-case": KEY.upper(),
    "slash-escaped": KEY.replace("/", r"\/"),
    "json-escaped-again": every(lambda c: f"\\u{ord(c):04x}"),
    "json-escaped-twice": every(lambda c: f"\\\\u{ord(c):04X}"),
    "javascript-braces": every(lambda c: f"\\u{{{ord(c):x}}}"),
    "hex-escaped": every(lambda c: f"\\x{ord(c):02x}"),
    "zero-width": "\N{ZERO WIDTH SPACE}".join(KEY),
    "word-joiners": "\N{WORD JOINER}".join(KEY),
    "soft-hyphens": "\N{SOFT HYPHEN}".join(KEY),
    "combining-marks": "\N{COMBINING GRAVE ACCENT}".join(KEY),
    "bidi-marks": "\N{RIGHT-TO-LEFT OVERRIDE}".join(KEY),
    "tags": "\U000e0041".join(KEY),
    "private-use": "\ue000".join(KEY),
    "control-characters": "\x07".join(KEY),
    "blanks": " ".join(KEY),
    "split-over-lines": "\n".join([KEY[:9], KEY[9:]]),
    "split-over-written-lines": r"\r\n".join([KEY[:9], KEY[9:]]),
    "no-break-spaces": "\N{NO-BREAK SPACE}".join(KEY),
    "line-separators": "\N{LINE SEPARATOR}".join(KEY),
    "percent": quote(KEY, safe=""),
    "percent-all": every(lambda c: f"%{ord(c):02X}"),
    "percent-twice": quote(quote(KEY, safe=""), safe=""),
    "html-decimal": every(lambda c: f"&#{ord(c)};"),
    "html-hexadecimal": every(lambda c: f"&#x{ord(c):x};"),
    "quoted-printable": every(lambda c: f"={ord(c):02X}"),
    "full-width": every(lambda c: chr(ord(c) + 0xFEE0)),
    "hexadecimal": KEY.encode().hex(),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64-of-a-header": base64.b64encode(f"Authorization: Bearer {KEY}\r\n".encode()).decode(),
    "base64-shifted-by-one": base64.b64encode(f"x{KEY}y".encode()).decode(),
    "base64-shifted-by-two": base64.b64encode(f"xx{KEY}y".encode()).decode(),
    "base64-for-addresses": base64.urlsafe_b64encode(KEY.encode()).decode(),
    "base64-over-lines": "\n".join(
        base64.b64encode(f"Bearer {KEY}".encode()).decode()[at : at + 8] for at in range(0, 48, 8)
    ),
}


def readable(text: str) -> list[str]:
    """What a reader can make of a text with little effort."""
    squeezed = "".join(plain_text(text, 10**6).split())
    return [text, squeezed, squeezed.replace("\\", ""), squeezed.lower()]


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_key_that_is_echoed_in_another_form_is_not_shown(echo: str) -> None:
    shown = Redactor(Secret(KEY)).text(f"before {echo} after")
    assert "***" in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    for text in readable(shown):
        for part in (KEY[4:14], KEY[4:14].lower(), KEY[-10:], base64.b64encode(KEY.encode()).decode()[4:16]):
            assert part not in text


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize(
    "escape", [json.dumps, lambda value: json.dumps(value, ensure_ascii=False).replace("/", r"\/")]
)
def test_key_in_any_field_of_a_reply_is_replaced_when_it_is_decoded(echo: str, escape: Callable[[Any], str]) -> None:
    body = escape({"errors": [{"code": echo, "message": echo, echo: [echo, {"deep": echo}]}]}).encode()
    client = ApiClient("http://127.0.0.1:1", Secret(KEY), Runware().error_of)
    reply = client._parse_reply(httpx.Response(400), body)
    assert isinstance(reply, Reply)
    error = Runware().error_of(reply)
    assert isinstance(error, ProviderError)
    for text in (repr(reply.data), str(error), repr(error.facts())):
        assert "***" in text
        assert not any(KEY[4:14].lower() in form.lower() for form in readable(text))


def test_key_of_digits_is_replaced_in_numbers() -> None:
    redactor = Redactor(Secret("1234567890"))
    assert redactor.data({"seed": 1234567890, "cost": Decimal("1234567890.5"), "ok": True, "n": 3}) == {
        "seed": None,
        "cost": None,
        "ok": True,
        "n": 3,
    }


@pytest.mark.parametrize(
    "text",
    [
        "A river at night, moody light.",
        "ключ — naïve café",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==",
        r"C:\nights\river.png 100% &amp; more",
        "https://im.runware.ai/video/a.mp4?sig=abc%2Fdef",
        "",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert Redactor(Secret(KEY)).text(text) == text


def test_short_key_is_not_looked_for() -> None:
    assert Redactor(Secret("river")).text("a river") == "a river"


@pytest.mark.parametrize(
    "unit",
    ["R" + " " * 50, "\\", "\\u0052", "R" * 50, "%25" * 50, "&amp;", "\N{ZERO WIDTH SPACE}R", "=52", "\\n"],
)
def test_a_long_hostile_text_ends(unit: str) -> None:
    """Growth with the square of the length would take hours."""
    redactor = Redactor(Secret("R" * 40 + "w"))
    text = unit * (200_000 // len(unit))
    assert redactor.text(text) == text
