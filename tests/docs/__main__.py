"""``python -m tests.docs --write`` writes into the pages what the program prints now; with names, into these alone."""

import sys
import tempfile
from pathlib import Path

from tests.docs.pages import PAGES, rewrite

if sys.argv[1:2] == ["--write"]:
    for name in sys.argv[2:] or PAGES:
        with tempfile.TemporaryDirectory() as place:
            print(*rewrite(name, Path(place)), sep="\n")
