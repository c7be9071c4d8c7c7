"""All benchmarks: ``python -m benchmarks [--only GROUP] [--quick] [--peers] [--json FILE]``.

Finds the modules beside this one that have ``rows(quick)``. A group is such a module; rows may name a finer one.
Exit code 1 means that a benchmark could not be run; a target that is missed is told in the table.
"""

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import benchmarks
from benchmarks.measure import Row
from benchmarks.table import as_data, heading, line

# Slow ones, or such as need what is seldom installed; they run when they are asked for.
_ASKED_FOR = ("peers", "hour")


def main() -> int:
    wanted = _arguments()
    modules = dict(_modules(wanted.only or [], wanted.peers))
    if wanted.only and not modules:
        known = ", ".join(name for name, _ in _modules([], peers=True))
        print(f"no benchmarks are called {' or '.join(wanted.only)}; there are {known}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    failures: list[str] = []
    print(heading(), flush=True)
    for name, module in modules.items():
        try:
            for row in module.rows(wanted.quick):
                rows.append(row)
                print(line(row), flush=True)
        except Exception as problem:
            failures.append(f"{name}: {_said(problem)}")
            traceback.print_exc()
    _summary(rows, failures)
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(as_data(rows, failures), indent=1) + "\n", encoding="utf-8")
    return 1 if failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", metavar="GROUP", help="run this group; may be given again")
    parser.add_argument("--quick", action="store_true", help="few samples of small things, to see that it works")
    parser.add_argument("--peers", action="store_true", help="also other build tools, where they are installed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    return parser.parse_args()


def _modules(only: list[str], peers: bool) -> Iterator[tuple[str, ModuleType]]:
    """The modules that measure, by name."""
    for found in pkgutil.iter_modules(benchmarks.__path__):
        asked = found.name in only or (peers and found.name == "peers")
        if found.name.startswith("_") or not (asked or (not only and found.name not in _ASKED_FOR)):
            continue
        module = importlib.import_module(f"benchmarks.{found.name}")
        if hasattr(module, "rows"):
            yield found.name, module


def _said(problem: Exception) -> str:
    """What went wrong, with what a command that failed said of it."""
    if isinstance(problem, subprocess.CalledProcessError) and problem.stderr:
        return f"{problem}: {problem.stderr!r}"
    return f"{type(problem).__name__}: {problem}"


def _summary(rows: list[Row], failures: list[str]) -> None:
    judged = [row for row in rows if row.met is not None]
    missed = [row for row in judged if not row.met]
    print(f"\n{len(judged) - len(missed)} of {len(judged)} targets met")
    for row in missed:
        print(f"missed: {row.group}: {row.name}: {row.ratio:.3g} instead of {row.target:g}")
    for failure in failures:
        print(f"not run: {failure}")


if __name__ == "__main__":
    sys.exit(main())
