"""Whose certificates are believed: the list that comes with httpx, read once a process, for it takes 70 ms.

The environment has no say in it. Where no TLS is spoken, on the loopback, nothing is read and nobody is believed.
"""

import ssl
from functools import cache

import httpx


def trust_for(scheme: str) -> ssl.SSLContext:
    """The context for connections of that scheme, ``https`` or ``http``."""
    return _everybody_listed() if scheme == "https" else _nobody()


@cache
def _everybody_listed() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


@cache
def _nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
