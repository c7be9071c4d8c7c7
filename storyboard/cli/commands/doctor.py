"""``storyboard doctor``: examine this machine and this project."""

import os
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from storyboard import __version__
from storyboard.cli.installation import FOLDER, NAME, faults, others, short
from storyboard.cli.options import json_option
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.process import key_in
from storyboard.cli.project_root import root_here, state_of
from storyboard.report.diagnostics import error_text
from storyboard.report.text import clean

_PACKAGES = [
    "pyyaml",
    "jsonschema",
    "httpx",
    "networkx",
    "moviepy",
    "click",
    "av",
    "rich",
    "msgspec",
    "filelock",
    "numpy",
    "pillow",
]
_KEY = "RUNWARE_API_KEY"
_ROOM_WANTED = 2_000_000_000
_PYAV = "install PyAV from its wheels: `python3 -m pip install --force-reinstall av`"
_FREE_SPACE = "free space, or move the cache with `STORYBOARD_CACHE_DIR`"
_BOTH = f"run `python3 -m pip uninstall -y storyboard {NAME}`, then install {NAME} again"
_AGAIN = f"run `python3 -m pip uninstall -y {NAME}`, delete the rest of {FOLDER}, then install {NAME} again"


@click.command("doctor", epilog="Example: storyboard doctor --json")
@json_option
def command(as_json: bool) -> None:
    """Check the installation, codecs, keys, disk and cache. Read-only, no network requests."""
    output = CommandOutput("doctor", as_json=as_json)
    root = root_here()
    cache = state_of(root).cache
    room = shutil.disk_usage(cache if cache.is_dir() else root).free
    codecs = _find_codecs()
    data = {
        "storyboard": __version__,
        "python": sys.version.split()[0],
        "packages": _package_versions(),
        "codecs": codecs,
        "keys": {_KEY: bool(key_in(_KEY)), f"{_KEY}_FILE": bool(os.environ.get(f"{_KEY}_FILE"))},
        "project": str(root),
        "free_bytes": room,
        "cache": _measure_cache(cache),
    }
    errors = [
        problem("codec", f"the H.264 {kind} is missing from PyAV", _PYAV) for kind, there in codecs.items() if not there
    ]
    errors += [
        problem("package", f"{name} is not installed", f"install {NAME} again")
        for name, version in _package_versions().items()
        if not version
    ]
    errors += _installation_errors()
    if errors:
        output.fail(Exit.FAILED, errors, data=data)
    if room < _ROOM_WANTED:
        output.warnings.append(problem("disk", f"only {room / 1e9:.1f} GB are free", _FREE_SPACE))
    output.result(_format_report(data, output.warnings), data)


def _installation_errors() -> list[dict[str, Any]]:
    """Return the errors of the installed program."""
    harm = "the one installed last has overwritten files of the other, and removing one removes files of both"
    found = [
        problem("other-distribution", f"{other} has the same package and command as {NAME}; {harm}", help=_BOTH)
        for other in others()
    ]
    damage = faults()
    if damage:
        message = f"files of the package `storyboard` differ from those that {NAME} installed: {short(damage)}"
        found.append(problem("damaged-installation", message, help=_AGAIN))
    return found


def _package_versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _find_codecs() -> dict[str, bool]:
    import av

    names = av.codecs_available
    return {"encoder": "libx264" in names, "decoder": "h264" in names}


def _measure_cache(folder: Path) -> dict[str, Any]:
    sizes = [path.lstat().st_size for path in folder.glob("blobs/*/*")]
    return {"folder": str(folder), "blobs": len(sizes), "bytes": sum(sizes)}


def _format_report(data: dict[str, Any], warnings: list[dict[str, Any]]) -> str:
    keys = ", ".join(f"{name} {'is set' if there else 'is not set'}" for name, there in data["keys"].items())
    rows = {
        "storyboard": data["storyboard"],
        "python": data["python"],
        "packages": ", ".join(f"{name} {version}" for name, version in data["packages"].items()),
        "codecs": ", ".join(f"H.264 {kind}" for kind in data["codecs"]),
        "keys": keys,
        "project": data["project"],
        "disk": f"{data['free_bytes'] / 1e9:.1f} GB free",
        "cache": f"{data['cache']['blobs']} blobs, {data['cache']['bytes'] / 1e6:.1f} MB in {data['cache']['folder']}",
    }
    lines = [f"{name:<11} {clean(str(value))}" for name, value in rows.items()]
    lines += [error_text(warning["message"], label="warning", help=warning["help"]) for warning in warnings]
    return "\n".join([*lines, "no problems found" if not warnings else ""]).rstrip()
