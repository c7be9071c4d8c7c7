"""How this program was installed: the files of its distribution, and other distributions that use the same places.

On the package index the name ``storyboard`` belongs to another project. Its distribution brings a package and a command
of that name too, so where both are installed, each has overwritten files of the other.
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
_NAMED = 3

# Printed instead of a traceback where ``storyboard/__init__.py`` is not ours.
BROKEN = f"""\
error[damaged-installation]: {FOLDER / "__init__.py"} is not the file of {NAME}
  Another package called `{_PACKAGE}` has been installed over it, or was removed together with it.
  help: `python3 -m pip uninstall -y {_PACKAGE} {NAME}`, then install {NAME} anew"""


def others() -> list[str]:
    """Other installed distributions that are called like the package or have files in it, with version and place."""
    found = {
        f"{one.name} {one.version} in {one.locate_file('')}": one.name
        for one in distributions()
        if one.name and one.name != NAME and (one.name == _PACKAGE or any(_files(one)))
    }
    return sorted(found)


def faults() -> list[str]:
    """Files of the package that are not as they were installed, and files that do not belong to it.

    Empty for an editable installation, whose files are meant to change, and for a checkout.
    """
    try:
        own = _recorded(distribution(NAME))
    except PackageNotFoundError:
        return []
    if Path(__file__).resolve() not in own:
        return []
    missing = [f"{_shown(path)} is missing" for path in own if not path.exists()]
    changed = [f"{_shown(path)} is changed" for path, digest in own.items() if path.exists() and not _is(path, digest)]
    strange = [f"{_shown(path)} is not part of it" for path in _lying() if path not in own]
    return [*sorted(missing), *sorted(changed), *sorted(strange)]


def short(texts: list[str]) -> str:
    """The first few of *texts*, and how many more there are."""
    more = len(texts) - _NAMED
    return ", ".join(texts[:_NAMED]) + (f", and {more} more" if more > 0 else "")


def _files(one: Distribution) -> Iterator[PackagePath]:
    return (file for file in one.files or () if file.parts[0] == _PACKAGE)


def _recorded(one: Distribution) -> dict[Path, str]:
    """The files of the package and their digests by its record. ``Distribution.files`` leaves out what is missing."""
    record = csv.reader((one.read_text("RECORD") or "").splitlines())
    listed = ((name, digest) for name, digest, _ in record if digest and name.startswith(f"{_PACKAGE}/"))
    return {Path(str(one.locate_file(name))).resolve(): digest for name, digest in listed}


def _lying() -> Iterator[Path]:
    """The files that lie in the package's folder, without what Python has compiled."""
    for folder, _, names in os.walk(FOLDER):
        yield from (Path(folder, name) for name in names if not name.endswith(".pyc"))


def _is(path: Path, digest: str) -> bool:
    algorithm, _, value = digest.partition("=")
    found = hashlib.new(algorithm, path.read_bytes()).digest()
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode() == value


def _shown(path: Path) -> str:
    return Path(os.path.relpath(path, FOLDER.parent)).as_posix()
