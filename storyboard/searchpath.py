"""Search paths of modules and programs without the working folder, whose files belong to a project.

Python searches the working folder first if it is started by ``python -m`` or if ``PYTHONPATH`` has an empty entry;
programs are searched there if ``PATH`` has one. Installed distributions, and so plug-ins, are found by ``sys.path``
too. This module is used before any other import, and imports only what an interpreter has loaded at its start.
"""

import os
import sys

TYPE_CHECKING = False  # importing typing takes longer than everything here
if TYPE_CHECKING:
    from collections.abc import Callable

_STANDARD_LIBRARY = os.path.dirname(os.__file__)
_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def module_path() -> list[str]:
    """Return ``sys.path`` without the working folder in front of the standard library.

    If the program itself is in the working folder, as in a checkout, that folder is searched last.
    """
    own = sys.path.index(_STANDARD_LIBRARY) if _STANDARD_LIBRARY in sys.path else len(sys.path)
    in_front = [entry for entry in sys.path[:own] if not _is_working_folder(entry)]
    found = in_front + sys.path[own:]
    return [*found, _HOME] if _is_working_folder(_HOME) and _HOME not in found else found


def leave_out_working_folder() -> None:
    """Remove the working folder from the search paths of this process and of those that it starts."""
    sys.path[:] = module_path()
    _filter_variable("PYTHONPATH", lambda entry: not _is_working_folder(entry), "")
    _filter_variable("PATH", os.path.isabs, os.defpath)


def _filter_variable(name: str, is_good: "Callable[[str], bool]", default: str) -> None:
    """Keep the good entries of a list of folders in the environment, or set *default* if there is none."""
    entries = os.environ.get(name, "").split(os.pathsep)
    kept = [entry for entry in entries if is_good(entry)]
    if name in os.environ and kept != entries:
        os.environ[name] = os.pathsep.join(kept) or default


def _is_working_folder(entry: str) -> bool:
    """Return whether *entry* names the working folder; an empty one does."""
    try:
        return os.path.samefile(entry or ".", ".")
    except (OSError, ValueError):
        return False
