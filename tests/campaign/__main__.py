"""Run the campaign: ``python -m tests.campaign [--minutes N] [--seed S] [--only KIND]``; exit 1 on any loss."""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.campaign import kinds
from tests.campaign.broken import BROKEN
from tests.campaign.films import FILMS
from tests.campaign.judge import frames_of
from tests.campaign.place import Place, tree
from tests.campaign.seams import Seams
from tests.campaign.supply import Supply
from tests.campaign.verbs import KILLED, Fault, load_everything


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="stop before the first try after this (2)")
    parser.add_argument("--seed", type=int, default=14, help="decides what every try is (14)")
    parser.add_argument("--only", choices=kinds.KINDS, help="tries of this kind only")
    parser.add_argument("--number", type=int, help="this try only, as a loss names it")
    parser.add_argument("--tries", type=int, default=10**9, help="at most so many tries")
    parser.add_argument("--lanes", type=int, default=2, help="tries at once (2)")
    parser.add_argument("--every", type=int, help="kill at every N-th seam in turn, until a build survives")
    parser.add_argument("--start", type=int, default=1, help="the first seam of --every (1)")
    parser.add_argument("--moments", type=int, help="kill so many builds of --film by the clock")
    parser.add_argument("--calls", default="", help="for --every: calls of these names only, such as send,receive")
    parser.add_argument("--film", choices=FILMS, default="paid", help="for --every and --moments")
    parser.add_argument("--memory", choices=kinds.MEMORIES, default="forever", help="of the provider, too")
    parser.add_argument("--broken", choices=BROKEN, help="break the program first, to see whether that is noticed")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for each try")
    options = parser.parse_args()
    if options.moments:
        options.tries = options.moments
    load_everything()
    if options.broken:
        BROKEN[options.broken]()
    top = Path(tempfile.mkdtemp(prefix="campaign-")).resolve()
    found = list(_lanes(options, top))
    lost = [each for each in found if each["losses"]]
    for kind in kinds.KINDS:
        of = [each for each in found if each["kind"] == kind]
        if of:
            print(f"{kind:<9} {len(of):>5} tries  {sum(1 for each in of if each['losses']):>3} losses")
    print(f"{'in all':<9} {len(found):>5} tries  {len(lost):>3} losses, seed {options.seed}")
    if lost:
        print(f"what is left of them lies in {top}")
    else:
        shutil.rmtree(top)
    return 1 if lost or not found else 0


def _lanes(options: argparse.Namespace, top: Path) -> Iterator[dict[str, Any]]:
    """Run the lanes beside each other; yield what each try came to, as it comes."""
    reading, writing = os.pipe()
    known = _undisturbed(top)
    until = time.monotonic() + options.minutes * 60
    for lane in range(1 if options.number is not None else options.lanes):
        if os.fork() == 0:
            os.close(reading)
            _lane(options, top, lane, until, known, writing)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as lines:
        for line in lines:
            found = json.loads(line)
            _print(found, options)
            yield found
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _undisturbed(top: Path) -> tuple[dict[str, int], dict[str, str], dict[str, float]]:
    """Frames, digests and seconds of the films that nothing disturbs."""
    frames, digests, lengths = {}, {}, {}
    supply = Supply()
    for film in FILMS.values():
        place = Place(top / film.name, film, supply.open(memory="forever") if film.paid else "")
        began = time.monotonic()
        ran = place.run("build", "--json")
        lengths[film.name] = time.monotonic() - began
        if ran.code:
            raise SystemExit(f"{film.name} does not build at all: {ran}")
        frames[film.name] = frames_of(place.video)
        digests[film.name] = tree(place.video.parent)[place.video.name]
        place.remove()
    supply.close()
    return frames, digests, lengths


def _lane(
    options: argparse.Namespace, top: Path, lane: int, until: float, known: tuple[Any, Any, Any], writing: int
) -> None:
    supply = Supply()
    numbers = [options.number] if options.number is not None else range(lane, options.tries, options.lanes)
    for number in numbers:
        if time.monotonic() > until and not (options.every or options.moments):
            break
        found = one_try(options, number, top, supply, known)
        os.write(writing, json.dumps(found).encode() + b"\n")
        if options.every and not found["killed"]:
            break
    supply.close()


def kind_of(seed: int, number: int) -> str:
    """Return the kind of a try: all kinds in turn, in another order each time."""
    count = len(kinds.KINDS)
    order = random.Random(f"{seed}/order/{number // count}").sample(list(kinds.KINDS), count)
    return order[number % count]


def one_try(
    options: argparse.Namespace, number: int, top: Path, supply: Supply, known: tuple[Any, Any, Any]
) -> dict[str, Any]:
    """Make one try; what it did, and what was lost."""
    began = time.monotonic()
    by_hand = options.every or options.moments
    kind = "kill" if by_hand else options.only or kind_of(options.seed, number)
    chance = random.Random(f"{options.seed}/{kind}/{number}")
    folder = top / f"{kind}-{number}"
    if by_hand:
        seams = Seams(
            options.start + number * (options.every or 1), calls=tuple(filter(None, options.calls.split(",")))
        )
        length = known[2][options.film]
        fault = Fault(seams=seams) if options.every else Fault(after_s=chance.uniform(0, length))
        a, act = kinds.make_kill(folder, FILMS[options.film], options.memory, fault, chance, supply, known[:2])
    else:
        a, act = kinds.make(kind, folder, chance, supply, known[:2])
    losses = []
    try:
        losses += list(act(a))
    except Exception:
        losses.append(f"the try itself broke: {traceback.format_exc()}")
    if not losses:
        a.place.remove()
    return {
        "number": number,
        "kind": kind,
        "did": a.did,
        "losses": losses,
        "killed": any(ran.code == KILLED for ran in a.place.ran),
        "runs": [str(ran)[:300] for ran in a.place.ran] if losses else [],
        "seconds": round(time.monotonic() - began, 2),
    }


def _print(found: dict[str, Any], options: argparse.Namespace) -> None:
    if options.verbose or found["losses"]:
        print(f"{found['number']:>5} {found['kind']:<9} {found['seconds']:>5} s  {'; '.join(found['did'])}", flush=True)
    for loss in found["losses"]:
        print(f"      LOST: {loss}")
    for ran in found["runs"]:
        print(f"      ran {ran}")
    if found["losses"]:
        print(f"      again: python -m tests.campaign {_again(options, found)}", flush=True)


def _again(options: argparse.Namespace, found: dict[str, Any]) -> str:
    words = [f"--seed {options.seed}"]
    if options.every or options.moments:
        how = f"--every {options.every} --start {options.start}" if options.every else f"--moments {options.moments}"
        words += [f"{how} --film {options.film} --memory {options.memory}"]
        words += [f"--calls {options.calls}"] if options.calls else []
    else:
        words += [f"--only {found['kind']}"]
    return " ".join(
        [*words, f"--number {found['number']}", *([f"--broken {options.broken}"] if options.broken else [])]
    )


if __name__ == "__main__":
    sys.exit(main())
