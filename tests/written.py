"""Copy the films of ``tests/data`` to where they are used, and ask the program about them."""

import json
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.gits import git
from tests.project import HERE, Project
from tests.runware_server.server import RunwareServer
from tests.shops import shop

DATA = HERE / "tests" / "data"
GOLDEN = DATA / "golden"
EXAMPLES = ("mangrove", "minimal", "series", "trailer")

# What is asked of the paid film: the words by the name of the golden file.
OF_PAID: Mapping[str, tuple[str, ...]] = {
    "plan": ("plan",),
    "plan-local": ("plan", "--provider", "local"),
    "status": ("status",),
    "cost-shot": ("cost", "--by", "shot"),
    "cost-day": ("cost", "--by", "day"),
    "cost-model": ("cost", "--by", "model"),
    "takes-glide": ("takes", "glide"),
    "takes-market": ("takes", "market"),
    "takes-square": ("takes", "square"),
    "takes-pier": ("takes", "pier"),
    "why-glide": ("why", "glide"),
    "why-square": ("why", "square"),
    "why-pier": ("why", "pier"),
    "why-sound": ("why", "sound"),
    "graph": ("graph",),
    "check": ("check",),
    "locked": ("check", "--locked"),
    "cache-ls": ("cache", "ls"),
    "cache-verify": ("cache", "verify"),
    "cache-gc": ("cache", "gc"),
    "models": ("models",),
    "log-glide": ("log", "glide"),
    "log-square": ("log", "square"),
    "log-pier": ("log", "pier"),
    "diff": ("diff", "HEAD~1..HEAD"),
}
OF_UNFINISHED: Mapping[str, tuple[str, ...]] = {"plan": ("plan",), "cost": ("cost",), "status": ("status",)}
# The same of an example, before anything is made and with what was written.
OF_EXAMPLE: Mapping[str, tuple[str, ...]] = {
    "fresh": ("plan", "--provider", "local"),
    "fresh-paid": ("plan",),
    "graph": ("graph",),
}
OF_BUILT_EXAMPLE: Mapping[str, tuple[str, ...]] = {"built": ("plan", "--provider", "local")}


class Written(Project):
    """A film in *folder* that is there already; verbs see the versions of libraries that its state was written with.

    With a *server* it can buy.
    """

    def __init__(self, folder: Path, server: RunwareServer | None = None) -> None:
        super().__init__(folder, None, server=server)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tests.as_written", *words]

    def printed(self, *words: str) -> str:
        """What a verb prints as data, without the name of the folder."""
        ran = self.run(*words, "--json")
        assert ran.code == 0, ran
        return ran.out.replace(str(self.folder), "ROOT")

    def lock(self) -> dict[str, dict[str, Any]]:
        """What the lockfile says of each shot, by provider."""
        shots = json.loads((self.folder / "storyboard.lock").read_text(encoding="utf-8"))["shots"]
        return {shot: by_provider for shot, by_provider in shots.items() if shot != "~"}


def place(name: str, folder: Path, server: RunwareServer | None = None) -> Written:
    """A copy of a film of ``tests/data``, with its state, if it has one, where the program looks for it."""
    shutil.copytree(DATA / name, folder, ignore=shutil.ignore_patterns("then", "past"))
    if (folder / "state").exists():
        (folder / "state").rename(folder / ".storyboard")
        (folder / ".storyboard/gitignore").rename(folder / ".storyboard/.gitignore")
    return Written(folder, server)


def place_in_git(folder: Path) -> Written:
    """The paid film in a repository: its first cut, and how it is now."""
    film = place("paid", folder)
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text(".storyboard/\nout/\n")
    changed = [folder / name for name in ("storyboard.yaml", "storyboard.lock", "scenes/town.yaml")]
    now = {path: path.read_bytes() for path in changed}
    for path in changed:
        shutil.copy(DATA / "paid/past" / path.name, path)
    _commit(folder, "The first cut")
    for path, content in now.items():
        path.write_bytes(content)
    _commit(folder, "The second day")
    return film


def place_example(name: str, folder: Path, *, state: bool = False) -> Written:
    """An example, and its *state*: the lockfile and the records, without what was drawn."""
    ignored = shutil.ignore_patterns(".storyboard", "out", "*.lock")
    shutil.copytree(HERE / "examples" / name, folder, ignore=ignored)
    if state:
        written = json.loads((DATA / "examples" / f"{name}.json").read_text(encoding="utf-8"))
        for path, text in written.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    return Written(folder)


def golden(film: str, name: str) -> Path:
    """The file that holds what is to be printed."""
    return GOLDEN / film / f"{name}.json"


def asked(folder: Path) -> str:
    """The tasks that a first build submits, as JSON, in the order of their ids."""
    with shop(alike=True) as server:
        ran = place("asked", folder, server).run("build", "--json")
        assert ran.code == 0, ran
        tasks = [task for logged in server.seen("videoInference") for task in json.loads(logged.body)]
    return json.dumps(sorted(tasks, key=lambda task: task["taskUUID"]), indent=2, ensure_ascii=False) + "\n"


def drawn(folder: Path) -> dict[str, str]:
    """The digest of every animatic that is drawn for the small film and for the smallest example, by shot."""
    films = (place("drawn", folder / "drawn"), place_example("minimal", folder / "minimal"))
    takes = {}
    for film in films:
        film.build("--draft")
        takes |= {f"{film.folder.name}/{shot}": locked["local"]["take"] for shot, locked in film.lock().items()}
    return takes


def pillow() -> str:
    """The first number of Pillow's version: what it draws is part of an animatic."""
    return metadata.version("pillow").partition(".")[0]


def _commit(folder: Path, subject: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)
