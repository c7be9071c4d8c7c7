"""The folder of one try: the project, a home, a folder for temporary files, and files of the user beside them."""

import hashlib
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from tests.campaign.films import Film
from tests.campaign.verbs import Fault, Ran, Running
from tests.shops import KEY

# No part of a project: whatever happens in it, these bytes stay.
CANARIES = {"outside/letter.txt": b"dear", "outside/takes/take.mp4": b"\0\0\0\x18ftypisom", "home/.netrc": b"machine\n"}


class Place:
    """A project in a folder of its own, with *clones* more that share nothing but the provider.

    If the provider is *forgetful*, the program is not to trust it with ids of its own.
    """

    def __init__(self, top: Path, film: Film, url: str = "", clones: int = 0, *, forgetful: bool = False) -> None:
        self.top = top
        self.film = film
        self.folders = [top / "film", *(top / f"clone-{number}" for number in range(clones))]
        for name in CANARIES:
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_bytes(CANARIES[name])
        (top / "tmp").mkdir()
        self.notes.mkdir()
        for folder in self.folders:
            film.write(folder)
        self.ran: list[Ran] = []
        self._url = url
        self._forgetful = forgetful

    @property
    def folder(self) -> Path:
        return self.folders[0]

    @property
    def notes(self) -> Path:
        """What the campaign itself keeps."""
        return self.top / "notes"

    @property
    def state(self) -> Path:
        return self.folder / ".storyboard"

    @property
    def video(self) -> Path:
        return self.video_in(self.folder)

    def video_in(self, folder: Path) -> Path:
        """The film of one of the folders: bought, or a draft."""
        return folder / "out" / ("film.mp4" if self.film.paid else "film.draft.mp4")

    def environment(self) -> dict[str, str]:
        found = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.top / "home"),
            "TMPDIR": str(self.top / "tmp"),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "COLUMNS": "120",
        }
        if self._url:
            found |= {"RUNWARE_BASE_URL": self._url, "RUNWARE_API_KEY": KEY}
            found |= {"STORYBOARD_YES": "1", "STORYBOARD_MAX_COST": "20", "STORYBOARD_POLL_INTERVAL": "0.05"}
        return found

    def start(self, *words: str, fault: Fault | None = None, folder: Path | None = None) -> Running:
        """Start a verb in *folder*, the first project if none is given."""
        folder = folder or self.folder
        return Running(folder, words, self.environment(), [folder, self.top / "tmp"], fault, self._forgetful)

    def run(self, *words: str, fault: Fault | None = None, folder: Path | None = None) -> Ran:
        """Run a verb to its end."""
        return self.ended(self.start(*words, fault=fault, folder=folder))

    def ended(self, running: Running) -> Ran:
        ran = running.wait()
        self.ran.append(ran)
        return ran

    def remove(self) -> None:
        shutil.rmtree(self.top)


def tree(folder: Path, skip: Sequence[str] = ()) -> dict[str, str]:
    """What every path below *folder* is: a digest, the target of a link, or its kind."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not name.startswith(tuple(skip)) or not skip:
            found[name] = looks(path)
    return found


def looks(path: Path) -> str:
    """One path as ``tree`` has it."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            return hashlib.sha256(path.read_bytes()).hexdigest()
        return f"-> {path.readlink()}" if stat.S_ISLNK(mode) else stat.filemode(mode)
    except FileNotFoundError:
        return "gone"
