"""The files of a project as they were in a commit: the same language over another source.

A file kept by git LFS is known by its pointer, which names the very digest that counts in a key; its bytes are not
needed.
"""

import re
from fractions import Fraction
from hashlib import sha256
from typing import Protocol

from storyboard.document.files import FileProblem
from storyboard.document.signatures import Kind, unusable

_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")


class Tree(Protocol):
    """What is asked of a commit. Paths are relative to the project."""

    def __call__(self, path: str) -> bytes | None:
        """The bytes of a file, ``None`` if there is none."""


class GitFiles:
    """``ProjectFiles`` over one commit."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises ``FileProblem``."""
        data = self._tree(path)
        if data is None:
            raise FileProblem("there is no such file")
        return data

    def problem(self, path: str, kind: Kind) -> str | None:
        """Why *path* is no file of that kind that can be used, or ``None`` if it may be one."""
        data = self._tree(path)
        if data is None:
            return "there is no such file"
        return None if _POINTER.match(data) else unusable(kind, lambda size, at: data[at : at + size], len(data))

    def missing_letters(self, path: str, text: str) -> str:
        """Nothing: what was committed is compared, not drawn."""
        return ""

    def length(self, path: str, kind: Kind) -> Fraction | None:
        """Nothing: what was committed is compared, not heard."""
        return None

    def leads_outside(self, path: str) -> str | None:
        """Nothing: no film is written into what was committed."""
        return None

    def digest(self, path: str) -> str:
        """sha256 of a file's content, in hex. Raises ``FileProblem``."""
        data = self.read(path)
        pointer = _POINTER.match(data)
        return pointer[1].decode() if pointer else sha256(data).hexdigest()
