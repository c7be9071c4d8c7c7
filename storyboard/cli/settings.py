"""Settings of this machine: the cache folders of projects whose cache is outside the project.

They come from the environment and from a file in the user's configuration folder, never from the project: a repository
that could move the cache could have files written anywhere.

    ~/.config/storyboard/settings.toml
        [project."/home/ada/film"]
        cache = "/mnt/big/film-cache"
"""

import json
import os
import shlex
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from storyboard.cli.output import problem, readable
from storyboard.durable import NOTHING_THERE, read_regular
from storyboard.report.text import clean, several
from storyboard.store import state
from storyboard.store.state import FOLDER, StateRefused

CACHE_DIR = "STORYBOARD_CACHE_DIR"
_FORM = 'write `[project."/path/of/the/project"]` and below it `cache = "/path/of/its/cache"`'


class Settings:
    """The settings of this machine. The file is read once, when it is first needed."""

    def __init__(self) -> None:
        self.file = Path(click.get_app_dir("storyboard")) / "settings.toml"

    def cache_dir(self, root: Path) -> Path | None:
        """Return the cache folder of the project in *root*; ``None`` if it is inside the project.

        Raises ``click.UsageError``.
        """
        named = os.environ.get(CACHE_DIR)
        if named:
            return _absolute_path(named, CACHE_DIR)
        projects = self._projects
        own = next((one for name, one in projects.items() if os.path.realpath(name) == os.path.realpath(root)), None)
        return _absolute_path(own["cache"], str(self.file)) if own is not None and "cache" in own else None

    @cached_property
    def _projects(self) -> dict[str, dict[str, str]]:
        return _read_projects(self.file)


def _absolute_path(text: str, where: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise click.UsageError(f"{where}: {text!r} is not an absolute path; write the absolute path of the cache")
    return path


def _read_projects(file: Path) -> dict[str, dict[str, str]]:
    try:
        text = read_regular(file, follow=True).decode()
    except NOTHING_THERE:
        return {}
    except UnicodeDecodeError as bad:
        raise click.UsageError(f"{file}: not UTF-8 text") from bad
    import tomllib  # most people have no settings

    try:
        settings: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as bad:
        raise click.UsageError(f"{file}: not TOML: {bad}") from bad
    projects = settings.pop("project", {})
    unknown = next(iter(settings), None)
    if unknown is not None:
        raise click.UsageError(f"{file}: {unknown!r} is not a setting; {_FORM}")
    if not isinstance(projects, dict):
        raise click.UsageError(f"{file}: `project` is not a table; {_FORM}")
    for name, own in projects.items():
        if not isinstance(own, dict) or set(own) - {"cache"} or not isinstance(own.get("cache", ""), str):
            raise click.UsageError(f"{file}: the settings of project {name!r} are invalid; {_FORM}")
    return projects


def state_error(refused: StateRefused) -> dict[str, Any]:
    """Return the error, with its way out, for a project whose state is not used."""
    root, own = refused.root, refused.root / state.FOLDER
    match refused:
        case state.LinkInState(path=path, target=target):
            message = (
                f"{_text(path)} is a link to {_text(target)}; links are refused here, because a repository can bring "
                "one that leads to other files of yours; nothing was read, written or removed"
            )
            return problem("linked-state", message, _replace_link_hint(root, path, target))
        case state.TrackedState(names=names):
            message = (
                f"git tracks {several(len(names), 'file')} of {_text(own)}, such as {clean(names[0])}; this folder "
                "belongs to one machine and must not come from a repository; nothing was read, written or removed"
            )
            way = f"run `git -C {_quote(root)} rm -r -q --cached {state.FOLDER}` and commit that"
            return problem("tracked-state", message, f"{way}; if the repository is not yours, remove {_text(own)} too")
        case state.UnusableCache(cache=cache):
            message = f"{_text(cache)} cannot be the cache of {_text(root)}: it holds other files"
            return problem("cache-dir", message, "name an empty or new folder, or an existing cache")
        case state.CacheOfAnother(cache=cache, owner=owner):
            message = f"{_text(cache)} cannot be the cache of {_text(root)}: it is the cache of {_text(owner)}"
            return problem("cache-dir", message, "give each project a cache folder of its own")
        case state.CacheLeftBehind(cache=cache, left=left):
            message = f"the cache of {_text(root)}, {_text(cache)}, is empty, and its takes are in {_text(left)}"
            move = f"move them: `mkdir -p {_quote(cache)} && mv {_quote(left)}/* {_quote(cache)}/`"
            keep = "remove the setting" if left == own / "cache" else f"name it: {_setting(root, left)}"
            return problem("cache-dir", message, f"{move}; or, to keep them there, {keep}")
        case state.CacheGone(cache=cache):
            message = f"the cache of {_text(root)} is missing; it was in {_text(cache)}"
            note = own / state.CACHE_DIR_FILE
            gone = f"if it is lost, remove {_text(note)}, and its content is remade or downloaded again"
            return problem("cache-dir", message, f"mount its disk, or name its new folder if it was moved; {gone}")
    raise TypeError(type(refused).__name__)


def _replace_link_hint(root: Path, path: Path, target: Path) -> str:
    own = root / FOLDER
    if path == own / "cache" and _can_be_cache(target):
        return f"if the link is yours, run `rm {_quote(path)}` and name the cache: {_setting(root, target)}"
    if path == own and target.is_dir():
        kept = [_quote(target / name) for name in ("journal", "ledger.jsonl") if (target / name).exists()]
        copied = f" && cp -a {' '.join(kept)} {_quote(own)}/" if kept else ""
        commands = f"if the link is yours, run `rm {_quote(own)} && mkdir {_quote(own)}{copied}`"
        return f"{commands} and name the cache: {_setting(root, target / 'cache')}"
    whole = f"for a cache on another disk, move the whole of {_text(own / 'cache')} there and name it"
    return (
        f"run `rm {_quote(path)}`, which removes only the link; {whole}: {_setting(root, Path('/path/of/the/cache'))}"
    )


def _can_be_cache(folder: Path) -> bool:
    try:
        return (folder / "blobs").is_dir() or not any(folder.iterdir())
    except OSError:
        return False


def _setting(root: Path, cache: Path) -> str:
    """Return how to name *cache*: the lines for the settings file, and the environment variable."""
    name, place = (json.dumps(clean(os.path.realpath(path)), ensure_ascii=False) for path in (root, cache))
    lines = f"\n\n    [project.{name}]\n    cache = {place}\n\n"
    variable = f"set {CACHE_DIR}={_quote(cache)} in the environment of every command"
    return f"write into {_text(Settings().file)}{lines}or {variable}; nothing is remade"


def _text(path: Path) -> str:
    return clean(readable(str(path)))


def _quote(path: Path) -> str:
    return clean(shlex.quote(readable(str(path))))
