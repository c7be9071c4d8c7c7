"""A file that appears at its place whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

# Room for what is added to a name, within the 255 bytes that a name may have.
_NAME_BYTES = 200


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """An empty file in the folder of *target* to write to; it takes the place of *target* when the block ends.

    Both are on disk before this returns. If the block raises, the file is removed and *target* stays as it was.
    Raises ``OSError``.
    """
    part = _created(target)
    try:
        yield part
        _sync(part)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync(target.parent)


@contextmanager
def being_synced(part: Path) -> Iterator[None]:
    """What has been written to *part* goes to the disk while the block runs. Raises ``OSError``."""
    with ThreadPoolExecutor(1, thread_name_prefix="sync") as thread:
        syncing = thread.submit(_sync, part)
        yield
        syncing.result()


def _created(target: Path) -> Path:
    name = target.name.encode()[:_NAME_BYTES].decode(errors="ignore")
    part = target.with_name(f".{name}.part-{secrets.token_hex(4)}")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return part


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
