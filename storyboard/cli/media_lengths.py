"""Lengths of the sounds and clips of a project, measured once for each content and remembered by its digest."""

import os
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from storyboard.cli.settings import Settings
from storyboard.core.file_signatures import FileKind
from storyboard.store.state import FOLDER, State, StateRefused

if TYPE_CHECKING:
    from storyboard.store.digest_cache import DigestCache

# Raise this number when `media.length` answers otherwise; PyAV, which takes longest to load here, is not asked for it.
_MEASURE_VERSION = 1


class MediaLengths:
    """Measures files for ``DiskFiles``. PyAV is loaded only for a content whose length is not remembered.

    Lengths and digests are remembered in ``.storyboard/index.sqlite`` of the project in *root*, if it has a state that
    can be used; they are only written there if *writable*. Use it in a ``with`` block.
    """

    def __init__(self, root: Path, settings: Settings, *, writable: bool) -> None:
        self._root = root
        self._settings = settings
        self._writable = writable
        self._opened = False
        self._cache: DigestCache | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._cache is not None:
            self._cache.close()

    def __call__(self, descriptor: int, path: str, kind: FileKind) -> Fraction | None:
        """Return the seconds of an open sound or clip, ``None`` if not known. Raises ``OSError``."""
        cache = self._open_cache()
        if cache is None:
            return _measure(descriptor, kind)
        digest, subject = cache.digest_of_open(path, descriptor), f"{kind} {_MEASURE_VERSION}"
        known = cache.find_length(digest, subject)
        if known is not None:
            with suppress(ValueError, ZeroDivisionError):
                return Fraction(known) if known else None
        length = _measure(descriptor, kind)
        cache.add_length(digest, subject, "" if length is None else str(length))
        return length

    def _open_cache(self) -> "DigestCache | None":
        """Return the digest cache, ``None`` if the project has no state, or one that is refused."""
        if not self._opened:
            self._opened = True
            if os.path.lexists(self._root / FOLDER):
                self._cache = self._find_cache()
        return self._cache

    def _find_cache(self) -> "DigestCache | None":
        from storyboard.store.digest_cache import DigestCache

        try:
            state = State(self._root, self._settings.cache_dir(self._root))
        except (StateRefused, click.UsageError, OSError):  # a verb that needs the state reports this
            return None
        return DigestCache(state.folder / "index.sqlite", time.time, writable=self._writable)


def _measure(descriptor: int, kind: FileKind) -> Fraction | None:
    from storyboard.media.length import media_length

    return media_length(descriptor, kind)
