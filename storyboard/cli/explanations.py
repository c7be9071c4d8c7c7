"""Explanations of the codes of findings and errors, from the page that ships with the package.

Only ``storyboard --explain CODE`` reads the page, ``docs/findings.md``.
"""

import re
from pathlib import Path

import click

from storyboard.core.suggest import closest, with_suggestion

PAGE = "docs/findings.md"

_ENTRY = re.compile(r"^### `([^`]+)`\n\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"```text\n(.*?)\n```", re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def explain(code: str) -> str:
    """Return the entry of *code*, which may also be written ``error[code]``. Raises ``click.UsageError``."""
    name = code.strip().removesuffix("]").rpartition("[")[2]
    entries = dict(_ENTRY.findall(_page()))
    if name not in entries:
        near, message = closest(name, entries), f"no finding or error has the code {name!r}."
        raise click.UsageError(with_suggestion(message, near) if near else f"{message} See {PAGE}.")
    return f"{name}\n\n{_plain(entries[name].strip())}\n\n{PAGE}#{name}"


def _page() -> str:
    """Return the text of the page: from the package if it is installed, else from the checkout around it."""
    places = [Path(__file__).parents[level] / PAGE for level in (1, 2)]
    return next((place for place in places if place.is_file()), places[0]).read_text(encoding="utf-8")


def _plain(text: str) -> str:
    """Return an entry without marks of Markdown: examples indented, links written out."""
    indented = _EXAMPLE.sub(lambda block: "    " + block.group(1).replace("\n", "\n    "), text)
    return _LINK.sub(r"\1 (docs/\2)", indented)
