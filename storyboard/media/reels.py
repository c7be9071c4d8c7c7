"""Clips as a join needs them, each read once: what every packet shows, and the seal of what is copied of it."""

import threading
from array import array
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from msgspec import Struct

from storyboard.core.model import Size
from storyboard.media import avc
from storyboard.media.index import Index, header_sets, index
from storyboard.media.reader import opened, picture_stream
from storyboard.media.seal import Seal


class Reel(Struct, frozen=True):
    """A clip that has been read. ``sets`` is ``None`` unless it is H.264 with all its parameter sets in its header.

    ``shown`` is the number of the frame that each packet shows, empty unless every packet is shown and the first one
    first; ``keys`` are the packets with which decoding may begin. ``seal`` is that of the packets as a film holds
    them, ``places`` where in the file they stand so, empty if they do not. ``rate`` is in frames a second, ``steady``
    says that it is constant.
    """

    size: Size
    sets: avc.ParameterSets | None
    rate: Fraction
    steady: bool
    frames: int
    shown: Sequence[int]
    keys: frozenset[int]
    seal: Seal
    places: Sequence[int]


def read(path: Path) -> Reel:
    """Raises ``Refused`` and ``OSError``."""
    with opened(path, packets_only=True) as container:
        stream = picture_stream(container)
        sets, seal = header_sets(stream), Seal()
        length_size = sets.length_size if sets is not None else 0
        changed = False

        def passing(packet: memoryview) -> None:
            nonlocal changed
            copied = avc.repacked(packet, length_size)
            changed = changed or copied is not packet
            seal.add(copied)

        found = index(container, stream, passing if sets is not None else None)
        rate, steady = found.pace()
        shown = array("q", [0]) * (found.frames if found.closed else 0)
        if shown:
            for number, position in enumerate(found.order):
                shown[position] = number
        return Reel(
            Size(stream.width, stream.height),
            None if found.restated else found.sets,
            rate,
            steady,
            found.frames,
            shown,
            frozenset(number for number, sample in enumerate(found.samples) if sample.key),
            seal,
            array("q") if changed else _places(path, found, seal),
        )


def _places(path: Path, found: Index, seal: Seal) -> Sequence[int]:
    """Where the packets stand in the file; nothing if what is there is not what was read, as in Matroska."""
    places = array("q", (sample.place for sample in found.samples))
    sizes = seal.sizes
    with path.open("rb") as file:
        for number in (0, len(sizes) // 2, len(sizes) - 1) if sizes else ():
            there = Seal()
            file.seek(max(0, places[number]))
            there.add(file.read(sizes[number]))
            if there != seal.part(number, number + 1):
                return array("q")
    return places if sizes else array("q")


class Reels:
    """What has been read, by path. Used from any thread; a clip that is being read is waited for."""

    def __init__(self) -> None:
        self._read: dict[Path, Reel] = {}
        self._lock = threading.Lock()

    def of(self, path: Path) -> Reel:
        """Raises as ``read``."""
        with self._lock:
            known = self._read.get(path)
            if known is None:
                known = self._read[path] = read(path)
            return known
