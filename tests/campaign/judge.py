"""What must hold after every try; each sentence that comes out of here is a loss."""

import fcntl
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tests.campaign.place import CANARIES, Place, tree
from tests.campaign.verbs import KILLED, Ran
from tests.runware_server.api import SIGNATURE
from tests.shops import KEY

# Every exit code that the README names; a signal of ours is none.
CODES = {*range(10), 130, 143, KILLED}
_BAD = ("Traceback (most recent call last)", "this is a bug", "Please report")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u202a-\u202e]")
_UNKNOWN = re.compile(r"--remake (\S+?)[`;,.\s]")
_TEMP = re.compile(r"\..+\.(?:[0-9a-f]{16}\.tmp|part-[0-9a-f]{8})")


def said(runs: Sequence[Ran]) -> Iterator[str]:
    """Losses in what verbs printed and how they ended."""
    for ran in runs:
        if ran.hung:
            yield f"{ran} hung"
        elif ran.code not in CODES:
            yield f"{ran} is no exit code of the program"
        elif ran.code not in (0, KILLED) and "--json" in ran.words and not (ran.errors or ran.err.strip()):
            yield f"{ran} gives no reason"
        if found := [each for each in _BAD if each in ran.text]:
            yield f"{ran} prints {found[0]!r}: {ran.text[-1500:]}"
        if found := secrets(ran.text):
            yield f"`{' '.join(ran.words)}` prints {found[0]}"
        if ran.outside:
            yield f"`{' '.join(ran.words)}` {ran.outside.splitlines()[0]}"
        if ran.left:
            yield f"`{' '.join(ran.words)}` left {len(ran.left)} processes"


def secrets(text: str) -> list[str]:
    """Secrets that *text* shows, also as escapes and with signs between that have no width."""
    plain = text
    try:
        plain += json.loads(f'"{text}"')
    except ValueError:
        plain += re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text).replace("\\/", "/")
    plain = _INVISIBLE.sub("", plain)
    return [name for name, secret in (("the key", KEY), ("a signature", SIGNATURE)) if secret in plain]


def around(place: Place) -> Iterator[str]:
    """Losses outside of the project, and secrets and locks inside."""
    for name, content in CANARIES.items():
        path = place.top / name
        if path.is_symlink() or not path.is_file() or path.read_bytes() != content:
            yield f"{name}, a file of the user, was changed"
    known = {"film", "outside", "home", "tmp", "notes", *(folder.name for folder in place.folders)}
    for path in place.top.iterdir():
        if path.name not in known:
            yield f"{path.name} appeared beside the project"
    strange = sorted(set(tree(place.top / "home")) - {".netrc"}) + sorted(
        set(tree(place.top / "outside")) - {"letter.txt", "takes", "takes/take.mp4"}
    )
    if strange:
        yield f"{strange[0]} appeared outside the project"
    for folder in place.folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and (shown := secrets(_text(path))):
                yield f"{shown[0]} is in {path.relative_to(folder)}"
        lock = folder / ".storyboard" / "builder.lock"
        if lock.is_file() and not lock.is_symlink():
            with lock.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    yield "the project is still locked"


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


def finished(place: Place, folder: Path, frames: int, digest: str = "", hurt: Sequence[str] = ()) -> Iterator[str]:
    """Losses of a project whose last build went well; *hurt* are the paths in it that the try damaged."""
    film = place.video_in(folder)
    count = frames_of(film)
    if count != frames:
        yield f"the film of {folder.name} has {count} of {frames} frames"
    elif digest and (found := tree(film.parent)[film.name]) != digest:
        yield f"the film of {folder.name} is {found[:8]} and not {digest[:8]}"
    journal = [path.name for path in (folder / ".storyboard/journal").glob("*.json")]
    if journal:
        yield f"{len(journal)} jobs stay in the journal of {folder.name}"
    temp = [path.name for path in folder.rglob(".*") if _TEMP.fullmatch(path.name) and is_regular(path)]
    if temp:
        yield f"{temp[0]} is left in {folder.name}"
    if list((place.top / "tmp").iterdir()) and not any(ran.code == KILLED for ran in place.ran):
        yield f"{next((place.top / 'tmp').iterdir()).name} is left in the folder of temporary files"
    links = [path for path in (folder / "out").rglob("*") if path.is_symlink() and not path.exists()]
    links = [path for path in links if str(path.relative_to(folder)) not in hurt]
    if links:
        yield f"{links[0].name} in out/ leads nowhere"


def is_regular(path: Path) -> bool:
    """Return whether a file lies at *path* itself, as the program leaves it and no try put it there."""
    return path.is_file() and not path.is_symlink()


def frames_of(film: Path) -> int:
    """How many frames of *film* decode; -1 if it is no film."""
    import av

    try:
        with av.open(str(film)) as container:
            return sum(1 for _ in container.decode(video=0))
    except (av.error.FFmpegError, IndexError, OSError):
        return -1


def partial(place: Place) -> Iterator[str]:
    """Losses right after a crash: a film at its place is whole, and so is each blob."""
    film = place.video
    if film.is_file() and not film.is_symlink() and frames_of(film) < 1:
        yield "half a film is at the place of the film"
    for path in place.state.glob("cache/blobs/*/*"):
        if path.is_file() and not path.is_symlink() and tree(path.parent)[path.name] != path.name:
            yield f"blob {path.name[:8]} has other bytes than its name"


def bought(bill: Sequence[dict[str, Any]], takes: int, extra: int = 0, *, again: bool = False) -> Iterator[str]:
    """Losses on the bill: *takes* were asked for, and *extra* bought again by order of the user.

    With *again* the provider said of jobs that they had failed, so that their takes may be bought under other ids.
    """
    twice = [task for task, times in Counter(line["task_id"] for line in bill).items() if times > 1]
    if twice:
        yield f"{len(twice)} jobs were bought twice"
    elif len(bill) > takes + extra and not again:
        yield f"{len(bill)} takes were bought for {takes}, {extra} of them by order"


def costs(place: Place, bill: Sequence[dict[str, Any]], folder: Path | None = None) -> Iterator[str]:
    """Losses of ``cost``: its sum is the bill."""
    ran = place.run("cost", "--json", folder=folder)
    owed = sum((Decimal(line["cost"]) for line in bill), Decimal(0))
    try:
        total = Decimal(ran.envelope["data"]["total"])
    except (KeyError, TypeError, InvalidOperation):
        yield f"{ran} has no total"
        return
    if total != owed:
        yield f"`cost` in {ran.words and (folder or place.folder).name} says {total}, and the bill {owed}"


def unknown_shots(ran: Ran) -> list[str]:
    """Shots that a build refuses to buy again by itself, and names with the way to do it."""
    found = set()
    for each in ran.errors:
        found |= set(_UNKNOWN.findall(f"{each.get('message')} {each.get('help')} "))
    return sorted(found)


def locked(place: Place) -> dict[str, Any]:
    """The takes that the lockfile names, by shot."""
    path = place.folder / "storyboard.lock"
    try:
        shots = json.loads(path.read_text(encoding="utf-8"))["shots"] if path.is_file() else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return {shot: [take["take"] for take in _entries(by)] for shot, by in shots.items()}


def _entries(value: Any) -> list[dict[str, Any]]:
    """The entries of one shot: the mappings in it that name a take."""
    if not isinstance(value, dict):
        return []
    return [value] if "take" in value else [entry for key in sorted(value) for entry in _entries(value[key])]
