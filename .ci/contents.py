"""Look into the wheel and the sdist in a folder: what git holds has to be in them, and nothing else."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

# For the hosting of the repository and for editors; no use elsewhere.
_LEFT_OUT = {".pre-commit-config.yaml"}


def tracked(*folders: str) -> set[str]:
    """The files that git knows or would take up, by their paths."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return {name for name in names if name and Path(name).exists()}


def compare(what: Path, meant: set[str], found: set[str]) -> bool:
    """Say what is missing from *found* or too much in it."""
    for text, names in (("lacks", meant - found), ("holds", found - meant)):
        for name in sorted(names):
            print(f"{what.name} {text} {name}")
    return meant == found


def main() -> None:
    folder = Path(sys.argv[1])
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    data = {f"storyboard/{name}" for name in tracked("schemas", "docs/findings.md")}
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    good = compare(wheel, tracked("storyboard") | data, names)
    with tarfile.open(sdist) as archive:
        names = {one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()}
    meant = {name for name in tracked() - _LEFT_OUT if not name.startswith(".github/")}
    good &= compare(sdist, meant, names - {"PKG-INFO"})
    if not good or not any("fonts/" in name for name in tracked("storyboard")):
        sys.exit(1)
    print(f"{wheel.name} and {sdist.name} hold what git holds")


main()
