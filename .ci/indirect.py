"""Print the lines of a list of versions that belong to no package named in ``pyproject.toml``."""

import re
import sys
import tomllib
from pathlib import Path


def name(requirement: str) -> str:
    """The normalized name at the start of a requirement."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()  # type: ignore[index]


def main() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    direct = {name(text) for text in [*project["dependencies"], *(text for extra in extras for text in extra)]}
    for line in Path(sys.argv[1]).read_text().splitlines():
        if name(line) not in direct:
            print(line)


main()
