"""Keeps requests of ours out of the logs of the HTTP libraries.

httpx logs whole addresses, signatures included, at level INFO, and httpcore the headers of replies at DEBUG. Inside
``unlogged`` nothing of that is recorded; what other code of the same process does with httpx is logged as before.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")
_quiet: ContextVar[bool] = ContextVar("storyboard_http_quiet", default=False)


def _audible(_record: logging.LogRecord) -> bool:
    return not _quiet.get()


@contextmanager
def unlogged() -> Iterator[None]:
    """Nothing that httpx and httpcore do inside is logged, in this task and those it starts."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_audible)
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
