"""Checks of the installed program: changed files, and other distributions that install to the same paths.

The name ``storyboard`` on the package index belongs to another project, whose distribution has a package and a command
of that name too. If both are installed, each has overwritten files of the other.
"""

import base64
import csv
import hashlib
import os
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution, distributions
from pathlib import Path

NAME = "storyboard-build"
_PACKAGE = "storyboard"
FOLDER = Path(__file__).resolve().parents[1]
_MAX_NAMED = 3

# Printed in place of a traceback if ``storyboard/__init__.py`` is of another distribution.
BROKEN = f"""\
error[damaged-installation]: {FOLDER / "__init__.py"} is not from {NAME}
  another package called `{_PACKAGE}` was installed over it, or removed together with it
  help: run `python3 -m pip uninstall -y {_PACKAGE} {NAME}`, then install {NAME} again"""


def others() -> list[str]:
    """Return other distributions with the name of the package or files in it, each with version and folder."""
    found = {
        f"{one.name} {one.version} in {one.locate_file('')}": one.name
        for one in distributions()
        if one.name and one.name != NAME and (one.name == _PACKAGE or any(_package_files(one)))
    }
    return sorted(found)


def faults() -> list[str]:
    """Return the files of the package that are missing, changed or foreign, each with what is wrong.

    Empty for an editable installation and for a checkout, whose files may change.
    """
    try:
        own = _recorded_digests(distribution(NAME))
    except PackageNotFoundError:
        return []
    if Path(__file__).resolve() not in own:
        return []
    missing = [f"{_relative(path)} is missing" for path in own if not path.exists()]
    changed = [
        f"{_relative(path)} is changed"
        for path, digest in own.items()
        if path.exists() and not _has_digest(path, digest)
    ]
    strange = [f"{_relative(path)} is not part of it" for path in _present_files() if path not in own]
    return [*sorted(missing), *sorted(changed), *sorted(strange)]


def short(texts: list[str]) -> str:
    """Return the first few of *texts*, and the number of the others."""
    more = len(texts) - _MAX_NAMED
    return ", ".join(texts[:_MAX_NAMED]) + (f", and {more} more" if more > 0 else "")


def _package_files(one: Distribution) -> Iterator[PackagePath]:
    return (file for file in one.files or () if file.parts[0] == _PACKAGE)


def _recorded_digests(one: Distribution) -> dict[Path, str]:
    """Return the digests of the package's files from its RECORD; ``Distribution.files`` omits missing files."""
    record = csv.reader((one.read_text("RECORD") or "").splitlines())
    listed = ((name, digest) for name, digest, _ in record if digest and name.startswith(f"{_PACKAGE}/"))
    return {Path(str(one.locate_file(name))).resolve(): digest for name, digest in listed}


def _present_files() -> Iterator[Path]:
    """Yield the files in the package's folder but compiled ones."""
    for folder, _, names in os.walk(FOLDER):
        yield from (Path(folder, name) for name in names if not name.endswith(".pyc"))


def _has_digest(path: Path, digest: str) -> bool:
    algorithm, _, value = digest.partition("=")
    found = hashlib.new(algorithm, path.read_bytes()).digest()
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode() == value


def _relative(path: Path) -> str:
    return Path(os.path.relpath(path, FOLDER.parent)).as_posix()
