"""The package as a list of modules: figures, repeated names, and the page ``docs/contributing/modules.md``.

``python -m tests.house`` prints the figures; ``python -m tests.house --write`` writes the page anew.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from statistics import median

from tests.project import HERE

PACKAGE = HERE / "storyboard"
PAGE = HERE / "docs" / "contributing" / "modules.md"

# One noun for three views of one thing: the verb, the text it prints, and the values or the work behind both.
VIEWS = (("cli/commands/",), ("report/",), ("core/", "document/", "engine/"))

_ORDER = ("cli", "fastpath", "engine", "report", "document", "store", "media", "animatic", "providers", "core", "fonts")
_HEAD = """# Modules

Every module of `storyboard/`, one line each: the first line of its docstring. `python -m tests.house --write`
rewrites this page; a test compares it with the sources. How the packages fit together:
[architecture](../architecture.md).
"""


@cache
def sources() -> Mapping[str, ast.Module]:
    """The syntax tree of every module, by its path below ``storyboard/``."""
    files = sorted(PACKAGE.rglob("*.py"))
    return {file.relative_to(PACKAGE).as_posix(): ast.parse(file.read_bytes(), str(file)) for file in files}


@cache
def lengths() -> Mapping[str, int]:
    """The number of lines of every module but the ``__init__`` files."""
    return {
        name: len((PACKAGE / name).read_bytes().splitlines()) for name in sources() if not name.endswith("__init__.py")
    }


def too_short(limit: int = 30) -> list[str]:
    """Modules under *limit* lines that are neither a verb nor ``__main__``."""
    return [
        name
        for name, lines in lengths().items()
        if lines < limit and name != "__main__.py" and not name.startswith("cli/commands/")
    ]


def repeated_modules() -> dict[str, list[str]]:
    """Module names that stand for several things: verb, words and values of one thing count once."""
    found = defaultdict(list)
    for name in lengths():
        found[Path(name).stem].append(name)
    return {stem: names for stem, names in found.items() if len(names) > 1 and not _views_of_one_thing(names)}


def _views_of_one_thing(names: list[str]) -> bool:
    views = [next((view for view in VIEWS if name.startswith(view)), None) for name in names]
    return None not in views and len(set(views)) == len(names)


def repeated_classes() -> dict[str, list[str]]:
    """Class names that are defined in several modules."""
    found = defaultdict(set)
    for name, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name].add(name)
    return {name: sorted(places) for name, places in found.items() if len(places) > 1}


def page() -> str:
    """The text of the page of modules."""
    groups = defaultdict(list)
    for name in sources():
        groups[name.rpartition("/")[0]].append(name)
    folders = sorted(groups, key=lambda folder: (_rank(folder), folder))
    return "\n".join([_HEAD, *(_section(folder, groups[folder]) for folder in folders)])


def _rank(folder: str) -> int:
    top = folder.partition("/")[0]
    return _ORDER.index(top) if top in _ORDER else len(_ORDER)


def _section(folder: str, names: list[str]) -> str:
    inits = [name for name in names if name.endswith("__init__.py")]
    lines = [f"- `{name}`: {_first_line(name)}" for name in names if name not in inits]
    about = [f"{_first_line(inits[0])}\n"] if inits else []
    return "\n".join([f"## `storyboard/{folder}`" if folder else "## `storyboard`", "", *about, *lines, ""])


def _first_line(name: str) -> str:
    return (ast.get_docstring(sources()[name]) or "").partition("\n")[0].replace("``", "`")


def report() -> str:
    """The figures and every repeated name, for people."""
    sizes = sorted(lengths().values())
    shortest = sorted(lengths(), key=lambda name: lengths()[name])[:5]
    lines = [f"{len(sizes)} modules beside {len(sources()) - len(sizes)} __init__, median {median(sizes):g} lines"]
    lines.append(f"shortest: {', '.join(f'{name} ({lengths()[name]})' for name in shortest)}")
    longest = max(lengths(), key=lambda name: lengths()[name])
    lines.append(f"longest: {longest} ({lengths()[longest]})")
    lines.append(f"under 30 lines: {', '.join(too_short()) or 'none'}")
    for what, found in (("module", repeated_modules()), ("class", repeated_classes())):
        lines += [f"{what} {name}: {', '.join(places)}" for name, places in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    print(report())
