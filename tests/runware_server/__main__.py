"""``python -m tests.runware_server``: a Runware on the loopback until it is interrupted.

What it prints first is one line of JSON with its address and key.
"""

import argparse
import contextlib
import json
import threading
from pathlib import Path
from typing import Any

from tests.runware_server.faults import FAULTS
from tests.runware_server.server import DEFAULT_KEY, RunwareServer


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.runware_server", description="Runware on the loopback")
    parser.add_argument("--port", type=int, default=0, help="0 for any free one")
    parser.add_argument("--key", default=DEFAULT_KEY, help="the one key that is good")
    parser.add_argument("--bill", type=Path, help="a file to append one line of JSON to for each accepted task")
    parser.add_argument("--memory", choices=["forever", "running", "none"], default="forever")
    parser.add_argument("--unknown", choices=["empty", "not-found"], default="empty", help="polls of unknown ids")
    parser.add_argument("--faults", action="append", default=[], metavar="NAME|FILE", help="see --list-faults")
    parser.add_argument("--seconds-per-job", type=float, default=2.0)
    parser.add_argument("--forget-after", type=float, default=60.0, help="for --memory running")
    parser.add_argument("--list-faults", action="store_true")
    return parser.parse_args()


def schedule(given: list[str]) -> list[dict[str, Any]]:
    """Faults by name, or from JSON files: lists of ``{"name": …, "nth": …, "times": …, "seconds": …}``."""
    found: list[dict[str, Any]] = []
    for entry in given:
        found += [{"name": entry}] if entry in FAULTS else json.loads(Path(entry).read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Serve until Ctrl-C."""
    options = arguments()
    if options.list_faults:
        for fault in FAULTS.values():
            print(f"{fault.name:32}{'* ' if fault.money else '  '}{fault.about}")
        return
    server = RunwareServer(
        port=options.port,
        key=options.key,
        memory=options.memory,
        unknown=options.unknown,
        seconds_per_job=options.seconds_per_job,
        forget_after=options.forget_after,
        bill=options.bill,
    )
    with server:
        for order in schedule(options.faults):
            server.arm(**order)
        print(json.dumps({"url": server.url, "key": server.key}), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
