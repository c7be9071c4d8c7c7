"""Fonts that the tests draw with, from packages of the extra ``test-all``."""

from importlib.util import find_spec
from pathlib import Path

from tests.conftest import library


def font_file(name: str) -> Path:
    """The font of ``cjk``, ``thai`` or ``devanagari``; skips the test without it."""
    module = {"cjk": "noto_cjk_sans_otc"}.get(name, f"fontpkg_noto_sans_{name}")
    library(module, module.replace("_", "-"))
    found = find_spec(module)
    assert found is not None
    assert found.origin is not None
    return next(path for path in Path(found.origin).resolve().parent.rglob("*") if path.suffix in (".ttc", ".ttf"))
