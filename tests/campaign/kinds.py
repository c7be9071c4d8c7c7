"""The six kinds of tries. Each draws what it does from the chance that it is given, and yields the losses that it sees.

Every try ends alike (``_settle``): a build without a fault finishes the film, or gives a reason with a code. After a
reason, what the try damaged is put back, and a build has to finish.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.campaign import judge
from tests.campaign.films import FREE, FREE_WIDE, PAID, PAID_WIDE, Film
from tests.campaign.place import Place, tree
from tests.campaign.seams import ERRORS, Clock, Seams
from tests.campaign.supply import Supply
from tests.campaign.verbs import KILLED, Fault, Ran
from tests.runware_server.faults import FAULTS

MEMORIES = ("forever", "running", "none")
DAY = 86400.0
# Seconds by which a clock is off: moments around the 24 hours after which a provider forgets, and absurd ones.
OFFSETS = (0.0, 1.0, -1.0, 3600.0, -3600.0, DAY - 60, DAY + 60, -DAY, 8 * DAY, -8 * DAY, 3650 * DAY, -3650 * DAY)
# Verbs that only read; they have to read whatever is on disk, and to leave it as it is.
READERS = (("status",), ("plan",), ("check",), ("cost",), ("takes", "a"), ("why", "b"), ("cache", "ls"), ("doctor",))
# What a film has at most: seams of one build of it.
SEAMS = {"free": 330, "paid": 420, "free-wide": 560, "paid-wide": 760}


@dataclass
class Try:
    """One try: where it happens, what it did, what is known of a film that nothing disturbs."""

    place: Place
    chance: random.Random
    supply: Supply
    frames: dict[str, int]
    digests: dict[str, str]
    memory: str = "forever"
    did: list[str] = field(default_factory=list)
    edited: bool = False
    # Jobs may have failed, or may look lost, through no fault of the program.
    fails: bool = False
    unknown: bool = False
    odd_costs: bool = False

    @property
    def film(self) -> Film:
        return self.place.film

    def say(self, text: str) -> None:
        self.did.append(text)


Kind = Callable[[Try], Iterator[str]]


def kill(a: Try) -> Iterator[str]:
    """Kill a build at one seam, often the next build too, and now and then by the clock."""
    if a.chance.random() < 0.3:
        yield from _well(a, a.place.run("build", "--json"))
        _edit(a)
    for _ in range(a.chance.choice((1, 1, 2, 3))):
        if a.chance.random() < 0.1:
            fault = Fault(after_s=a.chance.uniform(0.0, 0.5))
            a.say(f"killed after {fault.after_s:.3f} s")
        else:
            fault = Fault(seams=_seams(a))
            a.say(f"killed at seam {fault.seams.number if fault.seams else 0}")
        ran = a.place.run(*_build(a), fault=fault)
        yield from judge.partial(a.place)
        if ran.code != KILLED:
            break
    yield from _settle(a)


def clock(a: Try) -> Iterator[str]:
    """Kill a build while the clock is off, and build again while it is off otherwise, or jumps."""
    a.unknown = True
    for number in range(2):
        offsets = tuple(a.chance.choice(OFFSETS) for _ in range(a.chance.choice((1, 1, 2, 4))))
        wrong = Clock(offsets, a.chance.choice((1, 3, 20)))
        a.say(f"off by {'/'.join(f'{each:g}' for each in offsets)} s")
        fault = Fault(seams=_seams(a) if number == 0 or a.chance.random() < 0.3 else None, clock=wrong)
        yield from judge.said([a.place.run(*_build(a), fault=fault)])
    yield from _settle(a)


def disk(a: Try) -> Iterator[str]:
    """Let calls fail from one seam on, or build on a disk that is too small."""
    if a.chance.random() < 0.3:
        yield from _full(a)
        return
    error = a.chance.choice(ERRORS)
    times = a.chance.choice((1, 1, 3, 10**9))
    seams = _seams(a)
    seams.error, seams.times = error, times
    seams.short, seams.reads = a.chance.random() < 0.1, a.chance.random() < 0.2
    a.say(f"{'short writes' if seams.short else error} from seam {seams.number}, {times} times, reads {seams.reads}")
    a.place.run(*_build(a), fault=Fault(seams=seams))
    yield from judge.partial(a.place)
    yield from _settle(a)


def _full(a: Try) -> Iterator[str]:
    size = int(2 ** a.chance.uniform(5, 10.5))
    if os.geteuid() != 0 or not _mount(a.place.folder, size):
        a.say(f"a disk of {size} KiB: not possible here")
        yield from _settle(a)
        return
    a.say(f"a disk of {size} KiB")
    try:
        with suppress(OSError):
            a.film.fill(a.place.folder)
            a.place.run(*_build(a))
            yield from judge.partial(a.place)
        subprocess.run(["mount", "-o", "remount,size=64m", str(a.place.folder)], check=True)
        a.film.fill(a.place.folder)
        yield from _settle(a)
    finally:
        subprocess.run(["umount", "-l", str(a.place.folder)], check=True)


def _mount(folder: Path, size: int) -> bool:
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "campaign", str(folder)]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


def damage(a: Try) -> Iterator[str]:
    """Damage what is on disk after a build, or after one that was killed; read it with verbs that only read; build."""
    whole = a.chance.random() < 0.6
    ran = a.place.run(*_build(a), fault=None if whole else Fault(seams=_seams(a)))
    if ran.code == 0 and a.chance.random() < 0.3:
        _edit(a)
    shutil.copytree(a.place.folder, a.place.notes / "kept", symlinks=True)
    hurt = _damage(a)
    before = tree(a.place.folder)
    for words in a.chance.sample(READERS, 2):
        a.place.run(*words, "--json")
    after = tree(a.place.folder)
    for name in sorted(set(before) | set(after)):
        if before.get(name) != after.get(name) and not name.startswith(".storyboard/index.sqlite"):
            yield f"a verb that only reads changed {name}: {before.get(name)} {after.get(name)}"
            break
    yield from _settle(a, hurt)


def builders(a: Try) -> Iterator[str]:
    """Build two or three times at once: in one project, or in clones that share the provider."""
    clones = a.place.folders[1:]
    if clones and a.chance.random() < 0.5:
        yield from _well(a, a.place.run("build", "--json"))
        for folder in clones:
            shutil.copy2(a.place.folder / "storyboard.lock", folder)
        a.say("with the lockfile of the first")
    folders = [a.place.folder, *clones] if clones else [a.place.folder] * a.chance.choice((2, 3))
    faults = [Fault(seams=_seams(a)) if a.chance.random() < 0.3 else Fault() for _ in folders]
    a.say(f"{len(folders)} builds {'in clones' if clones else 'in one project'}")
    running = [
        a.place.start(*_build(a), fault=fault, folder=folder) for folder, fault in zip(folders, faults, strict=True)
    ]
    for each in running:
        a.place.ended(each)
    yield from judge.partial(a.place)
    yield from _settle(a)


def replies(a: Try) -> Iterator[str]:
    """Let the provider, the network or a clip be wrong in one or two ways of the table, or garble its replies."""
    limits = {"exchange_s": 0.6, "job_s": 0.8, "stall_s": 0.3, "download_s": 0.8, "call_s": 1.5}
    names = a.chance.sample(_MONEY if a.chance.random() < 0.3 else _FAULTS, a.chance.choice((1, 1, 2)))
    if a.chance.random() < 0.3:
        names = names[:-1]
        a.supply.garble(f"{a.chance.random()}")
        a.say("garbled replies")
        a.fails = True
    for name in names:
        nth = a.chance.choice((None, None, 1, 2, 3))
        a.supply.arm(name, nth, 0.3 if FAULTS[name].phase == "connect" else 3.0)
        a.say(f"{name} at {nth}")
        a.fails |= name.startswith(_FAILS)
        a.odd_costs |= "cost" in name
    fault = Fault(seams=_seams(a) if a.chance.random() < 0.2 else None, limits=limits)
    a.place.run(*_build(a), fault=fault)
    a.supply.disarm()
    yield from judge.partial(a.place)
    yield from _settle(a)


# Ten gibibytes and a gigabyte take the time of many tries, and clips of uneven times make a longer film; the tests of
# faults have them.
_FAULTS = [name for name in FAULTS if "10-gib" not in name and name not in ("submit-huge-json", "media-variable-rate")]
_MONEY = [name for name in _FAULTS if FAULTS[name].money]
# Here the provider says of a job that it has failed, or refuses it: another try may be bought, under another id.
_FAILS = ("poll-error", "poll-timeout", "poll-moderated", "submit-moderated", "poll-task-not-found", "submit-conflict")
KINDS: dict[str, tuple[Kind, Sequence[Film]]] = {
    "kill": (kill, (FREE, PAID, PAID, PAID_WIDE, FREE_WIDE)),
    "clock": (clock, (PAID, PAID, FREE, PAID_WIDE)),
    "disk": (disk, (FREE, PAID, FREE_WIDE, PAID)),
    "damage": (damage, (FREE, PAID, PAID, FREE_WIDE, PAID_WIDE)),
    "builders": (builders, (PAID, FREE, PAID)),
    "replies": (replies, (PAID,)),
}


def make(kind: str, top: Path, chance: random.Random, supply: Supply, known: tuple[Any, Any]) -> tuple[Try, Kind]:
    """Return the try that *chance* draws, in a place of its own at *top*, and what to do with it."""
    act, films = KINDS[kind]
    film = chance.choice(films)
    memory = chance.choice(MEMORIES) if film.paid and kind in ("kill", "clock", "replies") else "forever"
    clones = 2 if kind == "builders" and film.paid and chance.random() < 0.6 else 0
    return _try(top, film, memory, clones, chance, supply, known), act


def make_kill(
    top: Path, film: Film, memory: str, fault: Fault, chance: random.Random, supply: Supply, known: tuple[Any, Any]
) -> tuple[Try, Kind]:
    """Return the try that kills one build of *film* by that fault."""

    def act(a: Try) -> Iterator[str]:
        a.say(f"killed at seam {fault.seams.number}" if fault.seams else f"killed after {fault.after_s:.3f} s")
        a.place.run(*_build(a), fault=fault)
        yield from judge.partial(a.place)
        yield from _settle(a)

    return _try(top, film, memory, 0, chance, supply, known), act


def _try(
    top: Path, film: Film, memory: str, clones: int, chance: random.Random, supply: Supply, known: tuple[Any, Any]
) -> Try:
    unknown, pace = chance.choice(("empty", "not-found")), chance.choice((0.0, 0.02, 0.05))
    url = supply.open(memory=memory, unknown=unknown, seconds_per_job=pace) if film.paid else ""
    place = Place(top, film, url, clones, forgetful=memory == "none")
    found = Try(place, chance, supply, *known, memory)
    found.say(f"{film.name}{f', memory {memory}' if film.paid else ''}")
    return found


# parts of tries


def _build(a: Try) -> tuple[str, ...]:
    return ("build", "--json", "-j", str(a.chance.choice((1, 2, 4))))


def _seams(a: Try) -> Seams:
    return Seams(a.chance.randint(1, SEAMS[a.film.name]))


def _edit(a: Try) -> None:
    """Change what is generated without changing how many takes there are: one more is asked for."""
    file = a.place.folder / "storyboard.yaml"
    file.write_text(file.read_text().replace("a dog", "a hat"))
    a.edited = True
    a.say("edited")


def _well(a: Try, ran: Ran) -> Iterator[str]:
    if ran.code != 0:
        yield f"a build without a fault: {ran}"


@dataclass
class Hurt:
    """Paths that a try damaged, and their copies from before."""

    names: list[str]
    kept: Path

    def heal(self, folder: Path) -> None:
        """Put back what was there, and nothing else."""
        # a folder before what is in it: the path of the latter may lead through a link until then
        for name in sorted(self.names):
            path, kept = folder / name, self.kept / name
            _clear(path)
            if kept.is_symlink() or kept.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(kept, path, follow_symlinks=False)
            elif kept.is_dir():
                shutil.copytree(kept, path, symlinks=True)


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _damage(a: Try) -> Hurt:
    names = [name for name in tree(a.place.folder) if name.startswith((".storyboard", "storyboard.lock", "out/"))]
    files = [name for name in names if (a.place.folder / name).is_file()]
    folders = [name for name in names if (a.place.folder / name).is_dir()]
    hurt = []
    for _ in range(a.chance.choice((1, 1, 1, 2, 4))):
        of = folders if folders and a.chance.random() < 0.2 else files
        name = a.chance.choice(_groups(a, of))
        way = a.chance.choice(_WAYS)
        path = a.place.folder / name
        if path.exists() or path.is_symlink():
            way(path, a)
            hurt.append(name)
            a.say(f"{way.__name__.strip('_')} {name}")
    return Hurt(hurt, a.place.notes / "kept")


def _groups(a: Try, names: Sequence[str]) -> list[str]:
    """Return the names of one folder: there are many blobs and one ledger, and both are to be hit."""
    by: dict[str, list[str]] = {}
    for name in names:
        parts = Path(name).parts
        by.setdefault("/".join(parts[: 3 if parts[0] == ".storyboard" else 1]), []).append(name)
    return by[a.chance.choice(sorted(by))]


def _flip(path: Path, a: Try) -> None:
    if path.is_file() and (data := bytearray(path.read_bytes())):
        for _ in range(a.chance.choice((1, 1, 8))):
            data[a.chance.randrange(len(data))] ^= 1 << a.chance.randrange(8)
        _over(path, bytes(data))


def _cut(path: Path, a: Try) -> None:
    if path.is_file() and (data := path.read_bytes()):
        _over(path, data[: a.chance.randrange(len(data))])


def _empty(path: Path, a: Try) -> None:
    if path.is_file():
        _over(path, b"")


def _grow(path: Path, a: Try) -> None:
    if path.is_file():
        data = path.read_bytes()
        _over(path, data + a.chance.choice((b"\n", b"\0" * 100, data, b"{}\n", b"\xff\xfe")))


def _rubbish(path: Path, a: Try) -> None:
    rubbish = (b"[" * 100_000, b"{}", b"null", b'{"version": 99}', b"\0" * 4096, b"9" * 5000, b'{"a":' * 5000)
    if path.is_file():
        _over(path, a.chance.choice(rubbish))


def _swap(path: Path, a: Try) -> None:
    others = [each for each in path.parent.rglob("*") if each.is_file() and each != path and not each.is_symlink()]
    if path.is_file() and others:
        _over(path, a.chance.choice(others).read_bytes())


def _remove(path: Path, a: Try) -> None:
    _clear(path)


def _folder(path: Path, a: Try) -> None:
    _clear(path)
    path.mkdir()
    if a.chance.random() < 0.5:
        (path / "mine.txt").write_text("mine")


def _fifo(path: Path, a: Try) -> None:
    _clear(path)
    os.mkfifo(path)


def _link(path: Path, a: Try) -> None:
    _clear(path)
    targets = (a.place.top / "outside/letter.txt", a.place.top / "outside/takes", Path("loop"), Path("/dev/zero"))
    target = a.chance.choice(targets)
    path.symlink_to(path.name if target == Path("loop") else target)


def _file(path: Path, a: Try) -> None:
    _clear(path)
    path.write_bytes(b"a file\n")


def _over(path: Path, data: bytes) -> None:
    """Write other bytes to a path as a broken disk would: the file stays the file that it is, and its times too."""
    if path.is_symlink():
        path.unlink()
        path.write_bytes(data)
        return
    mode = path.stat()
    path.chmod(0o600)
    path.write_bytes(data)
    path.chmod(mode.st_mode)
    os.utime(path, ns=(mode.st_atime_ns, mode.st_mtime_ns))


_WAYS = (_flip, _flip, _cut, _empty, _grow, _rubbish, _swap, _remove, _folder, _fifo, _link, _file)


def _settle(a: Try, hurt: Hurt | None = None) -> Iterator[str]:
    """Build without a fault until the film is there; then judge everything."""
    takes_before = judge.locked(a.place)
    ordered = 0
    last: dict[Path, Ran] = {}
    for folder in a.place.folders:
        healed = hurt is None
        for _ in range(6):
            remakes = judge.unknown_shots(last[folder]) if folder in last else []
            ordered += len(remakes)
            ran = a.place.run(*_build(a), *(word for shot in remakes for word in ("--remake", shot)), folder=folder)
            last[folder] = ran
            if ran.code == 0:
                break
            if judge.unknown_shots(ran) and (a.unknown or a.fails or a.memory != "forever"):
                continue
            if hurt is not None and not healed:
                a.say(f"refused: {'; '.join(sorted({str(each['code']) for each in ran.errors}))}")
                hurt.heal(folder)
                healed = True
                del last[folder]
            elif not a.fails:
                break
    yield from _judged(a, last, ordered, hurt, takes_before)


def _judged(
    a: Try, last: Mapping[Path, Ran], ordered: int, hurt: Hurt | None, takes_before: dict[str, Any]
) -> Iterator[str]:
    for folder, ran in last.items():
        if ran.code:
            yield f"the film is not finished: {ran}"
        else:
            digest = "" if a.film.paid or a.edited else a.digests[a.film.name]
            names = hurt.names if hurt is not None else ()
            yield from judge.finished(a.place, folder, a.frames[a.film.name], digest, names)
    if a.film.paid:
        yield from _money(a, ordered, hurt)
    free_to_change = ordered or a.edited or (hurt and "storyboard.lock" in hurt.names)
    if a.film.paid and not free_to_change:
        after = judge.locked(a.place)
        lost = [shot for shot, by in takes_before.items() if after.get(shot) != by]
        if lost:
            yield f"the take of {lost[0]} in the lockfile was replaced"
    yield from judge.around(a.place)
    yield from judge.said(a.place.ran)


def _money(a: Try, ordered: int, hurt: Hurt | None) -> Iterator[str]:
    bill = a.supply.bill()
    takes = a.film.takes + (a.film.edited_takes if a.edited else 0)
    yield from judge.bought(bill, takes, ordered, again=a.fails)
    ledger = hurt is None or not any("ledger" in name or name == ".storyboard" for name in hurt.names)
    if ledger and not ordered and not a.fails and not a.odd_costs:
        for folder in a.place.folders:
            yield from judge.costs(a.place, bill, folder)
    if a.supply.elsewhere():
        yield "a request reached an address that is not the provider's"
