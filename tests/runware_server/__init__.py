"""Runware on the loopback: a server that speaks its protocol strictly, renders small clips and keeps a bill.

It exists so that money rules can be tested without money: every accepted task is one line of the bill, three kinds of
memory for task ids can be chosen, and every fault of ``faults`` can be armed by name. Start it by hand with
``python -m tests.runware_server``, in tests with ``RunwareServer`` as a context manager.
"""

from tests.runware_server.server import RunwareServer

__all__ = ["RunwareServer"]
