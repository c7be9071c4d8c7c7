"""Words that names, docstrings, messages and pages avoid, because a reader has to guess their meaning.

``python -m tests.words`` prints every place; with ``--write`` it also rewrites ``words_left.txt``, the list of the
files that still use one. The words to use instead: ``docs/contributing/style.md``.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.house import PACKAGE, sources
from tests.house import PAGE as MODULES_PAGE
from tests.project import HERE

LEFT = Path(__file__).with_name("words_left.txt")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs", ".ci/README.md")

# Words of names of modules, classes and functions: `shelf_of`, `Shelf` and `_shelf` all hold "shelf".
IN_NAMES = frozenset(
    """
    aside beside course deposit deposits fan fans heard hole holes keeper keepers laid nobody proved reel reels remark
    remarks seal seals shelf speaker spoiled standing strip strips survey taking tally told trouble troubles turns
    walked whoever wish wishes
    """.split()  # noqa: SIM905 - a list of forty words, one a line, is harder to read
)
IN_TEXTS = re.compile(
    r"""\b(
    nobody | somebody | whoever | whatever\ lies | told | holes? | keepers? | shel(?:f|ves) | fans | reels? | tally
    | walked | wish(?:es)? | at\ a\ glance | (?:be|been)\ had | in\ words | the\ house | its\ way\ through | by\ heart
    | there\ is\ to\ say | to\ be\ said | misgivings? | (?:is|are|was|were)\ no\ more | the\ same(?=[.;:]|$)
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
# Tables of words that users write in prompts: their strings are data.
TABLES = ("animatic/vocabulary.py", "animatic/chinese.py")
FIRST_WORDS = re.compile(r"(?:What|Whether|Whoever|Who|That which|How|Where|Why|Which|Says?|Tells?|Knows?)\b")

_CODE = re.compile(r"```.*?```|````.*?````|^    .*?$|`[^`\n]*`|\[[^\]\n]*\]\(", re.DOTALL | re.MULTILINE)


def found_in_names(tree: ast.Module, stem: str) -> Iterator[str]:
    """Names of the module, its classes and functions that hold a word to leave out."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    names = [(1, stem), *((node.lineno, node.name) for node in ast.walk(tree) if isinstance(node, kinds))]
    for line, name in names:
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)}
        if words & IN_NAMES:
            yield f"{line}: name {name}"


def found_in_strings(tree: ast.Module) -> Iterator[str]:
    """Docstrings, help and messages that hold a word to leave out, and docstrings that begin with one."""
    docs = _docstrings(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) in docs and FIRST_WORDS.match(node.value):
            yield f"{node.lineno}: docstring begins with {node.value.split()[0]}"
        if " " in node.value:
            yield from (f"{node.lineno}: {word}" for word in _words(node.value))


def found_in_page(text: str) -> Iterator[str]:
    """Words to leave out in a page, outside of code."""
    blank = _CODE.sub(lambda code: "\n" * code.group().count("\n"), text)
    for found in IN_TEXTS.finditer(blank):
        yield f"{blank.count(chr(10), 0, found.start()) + 1}: {found.group().lower()}"


def _words(text: str) -> list[str]:
    return [found.group().lower() for found in IN_TEXTS.finditer(text)]


def _docstrings(tree: ast.Module) -> set[int]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = [node.body[0] for node in ast.walk(tree) if isinstance(node, owners) and node.body]
    return {id(node.value) for node in first if isinstance(node, ast.Expr)}


@cache
def found() -> dict[str, list[str]]:
    """Every place by its file; files without one are left out."""
    places: dict[str, list[str]] = {}
    for name, tree in sources().items():
        places[f"storyboard/{name}"] = [
            *found_in_names(tree, Path(name).stem),
            *(found_in_strings(tree) if name not in TABLES else ()),
        ]
    for page in pages():
        places[page.relative_to(HERE).as_posix()] = list(found_in_page(page.read_text(encoding="utf-8")))
    return {name: hits for name, hits in places.items() if hits}


def pages() -> Iterator[Path]:
    """The pages for people, in a checkout or an unpacked sdist, but the one that is written from docstrings."""
    for name in PAGES:
        path = HERE / name
        found = sorted(path.rglob("*.md")) if path.is_dir() else [path] * path.is_file()
        yield from (page for page in found if page != MODULES_PAGE)


def left() -> set[str]:
    """The files that are listed as still to be reworded."""
    return set(LEFT.read_text(encoding="utf-8").split())


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        LEFT.write_text("".join(f"{name}\n" for name in found()), encoding="utf-8")
    for name, hits in found().items():
        print(*(f"{name}:{hit}" for hit in hits), sep="\n")
    print(f"{sum(map(len, found().values()))} places in {len(found())} files; {PACKAGE.name} has {len(sources())}")
