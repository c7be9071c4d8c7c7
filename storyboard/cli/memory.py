"""What a build leaves for plans to come, and what a plan makes of it: scenes that need not be read, steps that hold.

It spares time and decides nothing: without it every answer is the same.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from storyboard.cli.settings import cache_dir
from storyboard.core.model import Shot
from storyboard.core.packing import Packed, as_text, from_text, pack, unpack
from storyboard.core.recall import KnownPlan, Recalled
from storyboard.document.known import KnownScene
from storyboard.store import memory

if TYPE_CHECKING:
    from storyboard.build.session import Session
    from storyboard.cli.project import Project
    from storyboard.core.plan import Plan
    from storyboard.store.standing import Looks, Stamp


class _Content(Struct, frozen=True):
    shots: Packed
    scenes: dict[str, KnownScene]
    plan: KnownPlan


class Recollection:
    """What is remembered of one storyboard; ``document`` asks it for scenes, the planner gets ``recalled``."""

    def __init__(self, root: Path, found: memory.Remembered) -> None:
        """Raises ``msgspec.DecodeError``, ``LookupError`` or ``ValueError`` if it was not written here."""
        content = msgspec.msgpack.decode(found.content, type=_Content, dec_hook=from_text)
        self._root = os.path.realpath(root)
        self._texts = found.texts
        self._scenes = content.scenes
        self._shots = unpack(content.shots)
        self.recalled = Recalled(content.plan, self._shots, found.spoiled)

    def scene(self, path: str) -> KnownScene | None:
        """The scene in the file at *path* of the project, if the file looks as it did when it was read."""
        known = self._scenes.get(path)
        return known if known is not None and os.path.realpath(f"{self._root}/{path}") in self._texts else None

    def shots(self, scene: KnownScene) -> Sequence[Shot]:
        """Its shots, the same objects as in ``recalled``."""
        return self._shots[scene.first : scene.end]


def recollect(root: Path, file: Path, provider: str | None) -> Recollection | None:
    """What is remembered of the storyboard *file*, if anything is."""
    about = _about(root, cache_dir(root), file, provider)
    found = memory.read(memory.path_of(root / ".storyboard", about), about)
    if found is None:
        return None
    with suppress(msgspec.DecodeError, LookupError, ValueError):
        return Recollection(root, found)
    return None


def keep(
    session: "Session",
    project: "Project",
    provider: str | None,
    plan: "Plan",
    looks: "Looks",
    program: "Mapping[str, Stamp]",
) -> None:
    """Remember a plan in which everything is in place. *looks* are proven; *program* is how the program looks."""
    from storyboard.build.vouching import Vouching

    board = session.storyboard
    vouched = Vouching(session.workspace, looks)
    known = session.known_plan(plan, vouched)
    scenes = {name: scene for name, scene in project.loaded.scenes() if scene is not None}
    paths = {name: os.path.realpath(project.root / name) for name in scenes}
    texts = {path: looks.stamps[path] for path in paths.values() if path in looks.stamps}
    content = _Content(pack(board.shots()), scenes, known)
    about = _about(project.root, cache_dir(project.root), project.root / board.file, provider)
    encoded = msgspec.msgpack.encode(content, enc_hook=as_text)
    path = memory.path_of(session.workspace.state, about)
    with suppress(OSError, OverflowError):
        memory.write(path, about, program, texts, vouched.stamps, encoded)


def _about(root: Path, cache: Path | None, file: Path, provider: str | None) -> str:
    told: list[Any] = [os.path.realpath(root), cache, os.path.realpath(file), provider, sys.version, *sys.path]
    return "\0".join(map(str, told)).encode(errors="backslashreplace").decode()  # names of folders may be no text
