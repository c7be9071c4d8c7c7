"""The codes of findings and errors in the sources, and the page ``docs/findings.md`` that explains them.

``python -m tests.codes`` prints the codes that the page lacks and those that it should not have. With ``--write`` it
also copies the examples of findings from the expected outputs in ``tests/cases/bad``.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import get_args

from storyboard.cli.output import Exit
from storyboard.core.file_signatures import FileKind
from storyboard.providers.errors import ErrorCode
from tests.house import sources
from tests.project import HERE

PAGE = HERE / "docs" / "findings.md"
BAD = HERE / "tests" / "cases" / "bad"

# Codes of these stay inside the program: their text goes into an error with a code of its own.
_INTERNAL = frozenset({"LockfileProblem", "FetchError", "DownloadInterrupted"})
# What stands for the part of a code that is not written out, by the part that is.
_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "bad-": get_args(FileKind),
    "model-": ("duration", "size", "prompt", "seed", "negative-prompt", "first-frame", "last-frame"),
}
_CODE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_FINDING = re.compile(r"^\S+?:\d+:\d+: ((?:error|warning)\[([a-z0-9-]+)\]: .*)$((?:\n .*)*)", re.MULTILINE)
_SECTION = re.compile(r"^### `([^`]+)`\n\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"```text\n(.*?)\n```\n\n", re.DOTALL)


@cache
def codes() -> frozenset[str]:
    """Every code that the program can print, exit codes included.

    Found are texts that are given for a parameter ``code``, texts that an attribute ``code`` has, module constants
    that stand for them, and the codes of providers.
    """
    places = _parameters()
    found = {*get_args(ErrorCode), *(str(int(code)) for code in Exit), "143"}
    for tree in sources().values():
        found.update(code for code in _in_module(tree, places) if _CODE.fullmatch(code))
    return frozenset(found)


def _parameters() -> Mapping[str, set[int]]:
    """Where functions and classes of the package take a code: the positions by name."""
    places: dict[str, set[int]] = defaultdict(set)
    for tree in sources().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef):
                for name, position in _taking_codes(node):
                    places[name].add(position)
    return {name: positions for name, positions in places.items() if name not in _INTERNAL}


def _taking_codes(owner: ast.Module | ast.ClassDef) -> Iterator[tuple[str, int]]:
    fields = [node.target.id for node in owner.body if isinstance(node, ast.AnnAssign) and _named(node.target)]
    if isinstance(owner, ast.ClassDef) and "code" in fields:
        yield owner.name, fields.index("code")
    for node in owner.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args) if one.arg != "self"]
            if "code" in names:
                yield (owner.name if node.name == "__init__" and _is_class(owner) else node.name), names.index("code")


def _is_class(owner: ast.AST) -> bool:
    return isinstance(owner, ast.ClassDef)


def _named(target: ast.expr) -> bool:
    return isinstance(target, ast.Name)


def _in_module(tree: ast.Module, places: Mapping[str, set[int]]) -> Iterator[str]:
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for position in places.get(name, ()):
                given = [word.value for word in node.keywords if word.arg == "code"] or node.args[position:][:1]
                for value in given:
                    yield from _texts(value, constants)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(getattr(target, "id", "") == "code" for target in targets):
                yield from _texts(node.value, constants)


def _texts(value: ast.expr, constants: Mapping[str, ast.expr]) -> Iterator[str]:
    """The texts that an expression can be. Raises ``KeyError`` for a prefix that is not in ``_FAMILIES``."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) if name in constants and not isinstance(constants[name], ast.Name):
            yield from _texts(constants[name], {})
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, constants)
            yield from _texts(other, constants)
        case ast.Call(func=ast.Attribute(attr="get"), args=[_, otherwise]):
            yield from _texts(otherwise, constants)
        case ast.JoinedStr(values=[ast.Constant(value=str(head)), *_]) if _CODE.fullmatch(head.removesuffix("-")):
            yield from (head + rest for rest in _FAMILIES[head])


@cache
def sections() -> Mapping[str, str]:
    """What the page says of each code."""
    return dict(_SECTION.findall(PAGE.read_text(encoding="utf-8")))


@cache
def examples() -> Mapping[str, str]:
    """A finding of each code in the expected outputs, without its place: the shortest, with its help."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(BAD.glob("*.txt")):
        for head, code, rest in _FINDING.findall(path.read_text(encoding="utf-8")):
            helps = [line for line in rest.splitlines() if line.startswith("  help: ")]
            found[code].add("\n".join([head, *helps]))
    return {code: min(texts, key=lambda text: (len(text), text)) for code, texts in found.items()}


def with_examples(page: str) -> str:
    """The page, each example of a finding replaced by what the program prints."""

    def replaced(section: re.Match[str]) -> str:
        code, text = section.groups()
        if code not in examples():
            return section.group()
        block = f"```text\n{examples()[code]}\n```\n\n"
        if _EXAMPLE.search(text):
            return section.group().replace(text, _EXAMPLE.sub(lambda _: block, text, count=1))
        meaning, _, rest = text.partition("\n\n")
        return section.group().replace(text, f"{meaning}\n\n{block}{rest}")

    return _SECTION.sub(replaced, page)


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(with_examples(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print("not explained:", *sorted(codes() - sections().keys()))
    print("not in the sources:", *sorted(sections().keys() - codes()))
