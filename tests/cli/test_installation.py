"""What lies where this program was installed: other distributions in its place, and files that are not as they were."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import storyboard

NAME = "storyboard-build"
SOURCE = Path(storyboard.__file__).parent


class Site:
    """A folder that packages are installed into, as pip does it: files, and a RECORD of them with their digests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.add(NAME, storyboard.__version__, {})
        shutil.copytree(SOURCE, folder / "storyboard", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(SOURCE.parent / "schemas", folder / "storyboard" / "schemas", dirs_exist_ok=True)
        files = (path for path in folder.glob("storyboard/**/*") if path.is_file())
        self.add(NAME, storyboard.__version__, {str(path.relative_to(folder)): path.read_bytes() for path in files})

    def add(self, name: str, version: str, files: dict[str, bytes]) -> None:
        """Install a distribution; its files replace what lies there."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        for path, data in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(data)
        lines = [f"{path},sha256={digest(data)},{len(data)}" for path, data in files.items()]
        (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/METADATA,,", f"{info.name}/RECORD,,", ""]))

    def run(self, *words: str, alone: bool = False) -> "subprocess.CompletedProcess[str]":
        """Run the installed program in a folder of its own; *alone*, without the packages of this interpreter."""
        work = self.folder.parent / "work"
        work.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, *(["-S"] if alone else []), "-m", "storyboard", *words],
            cwd=work,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def errors(self) -> list[tuple[str, str, str]]:
        """What ``doctor`` finds wrong with the installation: code, message, help."""
        found = json.loads(self.run("doctor", "--json").stdout)["errors"]
        return [(one["code"], one["message"], one["help"]) for one in found]


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


# As the other project's distribution lies on the package index: a package of the same name with other modules.
OTHER = {"storyboard/__init__.py": b'"""Another package."""\n', "storyboard/frame.py": b"", "storyboard/util.py": b""}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def test_an_installation_that_is_whole_is_well(site: Site) -> None:
    assert site.errors() == []
    assert site.run("--version").stdout == f"storyboard {storyboard.__version__}\n"


def test_doctor_names_another_distribution_in_the_same_place(site: Site) -> None:
    later = (site.folder / "storyboard" / "__init__.py").read_bytes()
    site.add("storyboard", "0.1.9", {**OTHER, "storyboard/__init__.py": later})  # ours was installed last
    (code, message, help_), damage = site.errors()
    assert code == "other-distribution"
    assert message.startswith(f"storyboard 0.1.9 in {site.folder} has the same package and command as {NAME}; ")
    assert help_ == f"run `python3 -m pip uninstall -y storyboard {NAME}`, then install {NAME} again"
    assert damage[0] == "damaged-installation"
    assert "storyboard/frame.py is not part of it, storyboard/util.py is not part of it" in damage[1]


def test_doctor_names_a_distribution_of_any_name_that_has_files_in_the_package(site: Site) -> None:
    site.add("storyboards", "3", {"storyboard/more.py": b""})
    assert site.errors()[0][1].startswith("storyboards 3 in ")


def test_doctor_names_an_older_installation_under_the_old_name(site: Site) -> None:
    site.add("storyboard", "0.1.0", {"_storyboard.pth": b""})
    assert [(code, message.split(" in ")[0]) for code, message, _ in site.errors()] == [
        ("other-distribution", "storyboard 0.1.0")
    ]


def test_doctor_names_files_that_are_missing_changed_or_foreign(site: Site) -> None:
    package = site.folder / "storyboard"
    (package / "py.typed").unlink()
    with (package / "core" / "keys.py").open("a") as file:
        file.write("\n")
    (package / "fflocate.py").write_text("")
    ((_, message, help_),) = site.errors()
    for text in ("py.typed is missing", "core/keys.py is changed", "fflocate.py is not part of it"):
        assert f"storyboard/{text}" in message
    assert str(package) in help_


@pytest.mark.parametrize("left", [OTHER["storyboard/__init__.py"], None], ids=["overwritten", "removed"])
def test_a_package_that_is_not_ours_any_more_is_told_instead_of_a_traceback(site: Site, left: bytes | None) -> None:
    begin = site.folder / "storyboard" / "__init__.py"
    begin.unlink() if left is None else begin.write_bytes(left)
    for words in (("--version",), ("doctor",), ("build",)):
        ran = site.run(*words, alone=True)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith(f"error[damaged-installation]: {begin} is not from {NAME}\n")
        assert "`python3 -m pip uninstall -y storyboard storyboard-build`" in ran.stderr


def test_a_checkout_is_not_judged_by_what_is_installed_elsewhere(site: Site) -> None:
    (site.folder / "storyboard" / "core" / "keys.py").unlink()
    ran = subprocess.run(
        [sys.executable, "-c", "from storyboard.cli.installation import faults; print(faults())"],
        cwd=SOURCE.parent,
        env={**os.environ, "PYTHONPATH": f"{SOURCE.parent}{os.pathsep}{site.folder}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"
