"""The project of a storyboard: its file, its root folder and its state folders, and paths as the user would type them.

Apart from ``project``, which imports the reader of storyboards: several verbs need only the folders.
"""

import os
from pathlib import Path

import click

from storyboard.cli.settings import Settings
from storyboard.core.suggest import spelling
from storyboard.document.project_files import other_spelling
from storyboard.store.state import State

STORYBOARD = "storyboard.yaml"


def storyboard_at(path: Path) -> Path:
    """Return the path of the storyboard that *path* names: itself, or ``storyboard.yaml`` in a folder."""
    return path / STORYBOARD if path.is_dir() else path


def find_file(path: Path) -> Path:
    """Return the storyboard at *path*: a file, or a folder's ``storyboard.yaml``, without links on the way.

    A link is followed only inside the project that it lies in: a repository could lead a build to another project of
    the user. Raises ``click.UsageError``.
    """
    file = storyboard_at(path)
    if file.is_file():
        target = file.resolve()
        if file.is_symlink() and not target.is_relative_to(find_root(file.parent.resolve() / file.name)):
            raise click.UsageError(f"{file} is a link that leads out of its project, to {target}; name that file")
        return _as_named_on_disk(target)
    if os.path.lexists(file):
        raise click.UsageError(f"{file} is {_describe_other(file)}")
    if path.is_dir():
        others = sorted(other for other in path.glob("*.y*ml") if other.is_file())
        hint = f"; did you mean {others[0]}?" if others else "; run `storyboard init` to write one"
        raise click.UsageError(f"there is no {STORYBOARD} in {path}{hint}")
    raise click.UsageError(f"{path}: no such file{spelling_help(path)}")


def _as_named_on_disk(file: Path) -> Path:
    """Return *file* in the capitals that its names have on a disk that finds it in all: its film is named for it."""
    if not os.path.lexists(file.with_name(file.name.swapcase())):
        return file
    there = other_spelling("/", file.parts[1:])
    return file if there is None else Path("/", there)


def spelling_help(path: Path) -> str:
    """Return the help for the *path* of a missing file, after a semicolon, if a file has it in another spelling.

    That is a path in other capitals or another Unicode form. Else return ``""``.
    """
    wanted = os.path.normpath(Path.cwd() / path)
    there = other_spelling("/", wanted.split("/")[1:])
    if there is None:
        return ""
    shown = os.path.relpath(f"/{there}") if not path.is_absolute() else f"/{there}"
    return f"; {spelling(shown, os.fspath(path), is_shell=True)}"


def _describe_other(path: Path) -> str:
    if path.is_symlink():
        return "a broken link"
    return "a folder" if path.is_dir() else "not a regular file"


def find_root(file: Path) -> Path:
    """Return the nearest folder above *file* that has ``.storyboard`` or ``.git``, else the folder of *file*."""
    for folder in file.parents:
        state = folder / ".storyboard"
        if state.is_dir() or state.is_symlink() or (folder / ".git").exists():
            return folder
    return file.parent


def state_of(root: Path, settings: Settings | None = None) -> State:
    """Return the state folders of the project; *settings* are read unless given.

    Raises ``StateRefused``, ``click.UsageError`` and ``OSError``.
    """
    return State(root, (settings or Settings()).cache_dir(root))


def display_path(file: Path | str) -> str:
    """Return *file* as a user in the working folder would type it: relative if it is below, else absolute."""
    here = Path(os.path.relpath(file)).as_posix()
    return Path(file).as_posix() if here.startswith("../") else here
