"""The project of a storyboard: its file, its root folder and its state folders, and paths as the user would type them.

Apart from ``project``, which imports the reader of storyboards: several verbs need only the folders.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import click

from storyboard.cli.settings import Settings
from storyboard.core.suggest import closest, spelling, with_suggestion
from storyboard.document.project_files import other_spelling
from storyboard.durable import read_regular
from storyboard.operating_system import is_own
from storyboard.store.state import State

STORYBOARD = "storyboard.yaml"
NAMES = (STORYBOARD, "storyboard.yml")
# Scene files and storyboards are told apart by their keys at the left margin; comments and text are indented or marked.
_SCENE_KEY = re.compile(r"^shots[ \t]*:", re.MULTILINE)
_STORYBOARD_KEY = re.compile(r"^(?:version|scenes|output|outputs)[ \t]*:", re.MULTILINE)
_INCLUDE = re.compile(r"""\binclude[ \t]*:[ \t]*(?:"([^"\n]+)"|'([^'\n]+)'|([^\s,}#]+))""")
_SCENE_ID = re.compile(r"""^id[ \t]*:[ \t]*["']?([a-z0-9_-]+)""", re.MULTILINE)
_MOST_TEXT = 8 << 20
_MOST_FILES = 100
_MOST_ENTRIES = 1000


def storyboard_at(path: Path) -> Path:
    """Return the path of the storyboard that *path* names: itself, or the one in a folder."""
    if not path.is_dir():
        return path
    return path / next((name for name in NAMES if os.path.lexists(path / name)), STORYBOARD)


def find_file(path: Path) -> Path:
    """Return the storyboard at *path*: a file, or the one in a folder, without links on the way.

    From the working folder it is searched upwards, as git searches its folder; of a scene file it is the storyboard
    that includes the scene. A link is followed only inside the project that it lies in: a repository could lead a build
    to another project of the user. Raises ``click.UsageError``.
    """
    file = storyboard_at(path)
    _refuse_both(path)
    if path == Path() and not os.path.lexists(file):
        file = _find_above(Path.cwd()) or file
    if file.is_file():
        target = file.resolve()
        if file.is_symlink() and not target.is_relative_to(find_root(file.parent.resolve() / file.name)):
            raise click.UsageError(f"{file} is a link that leads out of its project, to {target}; name that file")
        return _storyboard_of_scene(file, target) if is_scene(target) else _as_named_on_disk(target)
    if os.path.lexists(file):
        raise click.UsageError(f"{file} is {_describe_other(file)}")
    if path.is_dir():
        others = sorted(other for other in path.glob("*.y*ml") if other.is_file() and not is_scene(other))
        hint = f"; did you mean {others[0]}?" if others else "; run `storyboard init` to write one"
        where = f"in {path}" if path != Path() else "in this folder or above"
        raise click.UsageError(f"there is no {STORYBOARD} {where}{hint}")
    raise missing_file(path)


def missing_file(path: Path) -> click.UsageError:
    """Return the error for a *path* of which there is no file, with the file that it most likely stands for."""
    message = f"{path}: no such file{spelling_help(path)}"
    near = None
    with suppress(OSError):
        near = closest(path.name, [entry.name for entry in islice(path.parent.iterdir(), _MOST_ENTRIES)])
    return click.UsageError(message if near is None else with_suggestion(message, str(path.with_name(near))))


def _refuse_both(folder: Path) -> None:
    """Raise ``click.UsageError`` if *folder* has a storyboard under both names."""
    if all(os.path.lexists(folder / name) for name in NAMES):
        raise click.UsageError(f"both {folder / NAMES[0]} and {folder / NAMES[1]} exist; delete one, or name one")


def names_before(path: Path) -> Iterator[Path]:
    """Yield the paths that do not exist, and of which a file would be taken, or be an error, in place of *path*'s."""
    folder = Path.cwd() / path
    if not folder.is_dir():
        return
    for above in (folder, *folder.parents) if path == Path() else (folder,):
        there = [os.path.lexists(above / name) for name in NAMES]
        yield from (above / name for name, exists in zip(NAMES, there, strict=True) if not exists)
        if any(there):
            return


def _find_above(folder: Path) -> Path | None:
    """Return the storyboard in the nearest folder above *folder* that has one, on the same file system.

    A storyboard of another user is refused: in a folder that all can write to, such as ``/tmp``, anyone could lay one
    in the way of every command below. Raises ``click.UsageError``.
    """
    for above in _folders_above(folder):
        file = storyboard_at(above)
        if os.path.lexists(file):
            if not (is_own(above.stat()) and is_own(file.lstat())):
                text = f"{file} or its folder belongs to another user, and is not used from a folder below"
                raise click.UsageError(f"{text}; name the file to use it")
            _refuse_both(above)
            return file
    return None


def _folders_above(folder: Path) -> Iterator[Path]:
    """Yield the folders above *folder* up to the border of its file system, the nearest first."""
    device = folder.stat().st_dev
    for above in folder.parents:
        with suppress(OSError):
            if above.stat().st_dev == device:
                yield above
                continue
        return


def is_scene(file: Path) -> bool:
    """Return whether *file* is a YAML file with the keys of a scene and none of a storyboard."""
    if file.suffix not in (".yaml", ".yml") or file.name in NAMES:
        return False
    text = _text(file)
    # a storyboard has its keys in the first lines, so that little of a large one is searched
    return not _STORYBOARD_KEY.search(text) and bool(_SCENE_KEY.search(text))


def scene_id(file: Path) -> str | None:
    """Return the id of the scene in *file*, ``None`` if it is not written in the usual form."""
    found = _SCENE_ID.search(_text(file))
    return found[1] if found else None


def _text(file: Path) -> str:
    with suppress(OSError):
        if file.stat().st_size <= _MOST_TEXT:
            return read_regular(file, follow=True).decode("utf-8", "replace")
    return ""


def _storyboard_of_scene(named: Path, scene: Path) -> Path:
    """Return the storyboard that includes *scene*, in its folder or the nearest above. Raises ``click.UsageError``."""
    for folder in (scene.parent, *_folders_above(scene.parent)):
        if not is_own(folder.stat()):
            break
        found = [file for file in folder.glob("*.y*ml") if file.is_file() and file != scene][:_MOST_FILES]
        for file in sorted(found, key=lambda file: (file.name not in NAMES, file.name)):
            if not file.is_symlink() and scene in _included(file):
                return _as_named_on_disk(file)
    raise click.UsageError(
        f"{named} is a scene, and no storyboard in its folder or above includes it; name the storyboard"
    )


def _included(file: Path) -> set[Path]:
    """Return the paths of the scenes that the storyboard *file* includes."""
    names = ["".join(groups) for groups in _INCLUDE.findall(_text(file))]
    return {Path(os.path.normpath(file.parent / name)) for name in names}


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


def root_here() -> Path:
    """Return the root of the project of the working folder, which need not have a storyboard."""
    try:
        return find_root(find_file(Path()))
    except click.UsageError:
        return find_root(Path.cwd() / STORYBOARD)


def state_of(root: Path, settings: Settings | None = None) -> State:
    """Return the state folders of the project; *settings* are read unless given.

    Raises ``StateRefused``, ``click.UsageError`` and ``OSError``.
    """
    return State(root, (settings or Settings()).cache_dir(root))


def display_path(file: Path | str) -> str:
    """Return *file* as a user in the working folder would type it: relative if it is below, else absolute."""
    here = Path(os.path.relpath(file)).as_posix()
    return Path(file).as_posix() if here.startswith("../") else here
