"""What becomes of damaged files: kept under another name, told to the caller, never used and never deleted."""

import os
from pathlib import Path

from msgspec import Struct

from storyboard.durable import fsync_folder, make_folders, move


class Trouble(Struct, frozen=True):
    """A file that could not be believed, the fact in words, and where it was put (or left)."""

    path: Path
    reason: str
    kept_at: Path


def set_aside(path: Path, folder: Path) -> Path:
    """Move *path*, whatever it is, into *folder* under its name with a random ending; returns its new place.

    Where it cannot be moved (a folder that may not be written) it stays, and its own path is returned.
    """
    target = folder / f"{path.name}.{os.urandom(4).hex()}"
    try:
        make_folders(folder)
        move(path, target)
        fsync_folder(path.parent)
        fsync_folder(folder)
    except OSError:
        return target if os.path.lexists(target) else path
    return target


def kept_aside(name: str, folder: Path) -> Path | None:
    """Where something of that name was put earlier, if it was."""
    try:
        found = sorted(entry for entry in folder.iterdir() if entry.name.startswith(f"{name}."))
    except FileNotFoundError:
        return None
    return next(iter(found), None)
