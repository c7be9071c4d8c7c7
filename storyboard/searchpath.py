"""Where modules and programs are looked for: never in the working folder, whose files belong to a project.

Python looks for modules in the working folder first if it is started by ``python -m``, or if ``PYTHONPATH`` has an
empty entry; programs are looked for there if ``PATH`` has one. Installed distributions, and with them plug-ins, are
found by ``sys.path`` too. This module imports nothing that an interpreter has not loaded already: it is used before
anything else is imported.
"""

import os
import sys

TYPE_CHECKING = False  # typing takes longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Callable

_STANDARD_LIBRARY = os.path.dirname(os.__file__)
_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def module_path() -> list[str]:
    """``sys.path`` without the working folder in front of the standard library.

    If the program itself is run from the working folder, as from a checkout, that folder is searched last.
    """
    own = sys.path.index(_STANDARD_LIBRARY) if _STANDARD_LIBRARY in sys.path else len(sys.path)
    in_front = [entry for entry in sys.path[:own] if not _is_working_folder(entry)]
    found = in_front + sys.path[own:]
    return [*found, _HOME] if _is_working_folder(_HOME) and _HOME not in found else found


def leave_out_working_folder() -> None:
    """Let this process, and those it starts, find no module and no program in the working folder."""
    sys.path[:] = module_path()
    _keep("PYTHONPATH", lambda entry: not _is_working_folder(entry), "")
    _keep("PATH", os.path.isabs, os.defpath)


def _keep(name: str, is_good: "Callable[[str], bool]", default: str) -> None:
    """Leave only good entries in a list of folders in the environment, or *default* if none is."""
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
