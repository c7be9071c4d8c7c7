"""Animatics that tests share: the same request gives the same bytes, so each is drawn once a run.

What is drawn is judged where ``write_animatic`` is called itself, outside of ``drawn_once``.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from storyboard.animatic.request import Animatic
from storyboard.engine import worker_tasks

_kept: dict[tuple[Animatic, str], bytes] = {}


@contextlib.contextmanager
def drawn_once() -> Iterator[None]:
    """In it a request that was drawn before is answered with a copy of what came of it."""
    real = worker_tasks.write_animatic

    def make(request: Animatic, first_frame: bytes | None, out: Path, progress: Callable[[int, int], None]) -> int:
        key = (request, hashlib.sha256(first_frame or b"").hexdigest())
        if key in _kept:
            out.write_bytes(_kept[key])
            progress(request.frames, request.frames)
        else:
            real(request, first_frame, out, progress)
            _kept[key] = out.read_bytes()
        return request.frames

    with mock.patch.object(worker_tasks, "write_animatic", make):
        yield
