"""Packets in short, to tell whether those of a film are those that were meant."""

from array import array
from collections.abc import Iterable
from zlib import crc32


class Seal:
    """Packets one after another: how many bytes each has, and their checksum. Eight bytes of memory a packet."""

    def __init__(self, marks: Iterable[int] = ()) -> None:
        self._marks = array("Q", marks)

    def add(self, packet: bytes | memoryview) -> None:
        """The next packet."""
        self._marks.append(len(packet) << 32 | crc32(packet))

    @property
    def sizes(self) -> list[int]:
        """How many bytes each packet has."""
        return [mark >> 32 for mark in self._marks]

    def part(self, first: int, end: int) -> "Seal":
        """That of the packets from *first* up to *end*."""
        return Seal(self._marks[first:end])

    @classmethod
    def together(cls, parts: "Iterable[Seal]") -> "Seal":
        """That of all packets of *parts*."""
        whole = cls()
        for one in parts:
            whole._marks.extend(one._marks)
        return whole

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seal) and self._marks == other._marks

    __hash__ = None  # type: ignore[assignment]
