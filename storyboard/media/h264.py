"""H.264 as MP4 holds it: parameter sets in the sample entry (avcC), units with their length before them.

Owns reading, comparing and merging of parameter sets, and knows which units a copied packet keeps. ISO/IEC 14496-15,
5.3 (avcC); ITU-T H.264, 7.3 and 7.4 (units, SPS, PPS). Pure bytes; no file and no decoder.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

IDR, _SPS, _PPS = 5, 7, 8
_LENGTH_SIZE = 4
_HEAD = struct.Struct(">IB")  # the length of a unit, and its first byte
# Profiles whose avcC goes on with chroma format and bit depths.
_HIGH = {100, 110, 122, 144, 244}


class ParameterSets(Struct, frozen=True):
    """The contents of an avcC box. ``length_size`` is the number of bytes before each unit of a packet."""

    profile: int
    compatibility: int
    level: int
    length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]

    def digest(self) -> str:
        """sha256 of the sets in their order, in hex."""
        state = hashlib.sha256()
        for unit in (*self.sps, *self.pps):
            state.update(len(unit).to_bytes(4, "big") + unit)
        return state.hexdigest()

    def by_id(self) -> dict[tuple[str, int], bytes]:
        """Each set under its kind and the number by which slices refer to it."""
        named = {("SPS", sps_id(unit)): unit for unit in self.sps}
        return named | {("PPS", pps_id(unit)): unit for unit in self.pps}


class Conflict(ValueError):
    """Two sets of one number that differ. ``first`` and ``second`` are positions in the merged sequence."""

    def __init__(self, first: int, second: int, what: str) -> None:
        super().__init__(f"{what} of {first} and {second} differ")
        self.first = first
        self.second = second
        self.what = what


def parse(extradata: bytes) -> ParameterSets:
    """The sets in an avcC box. Raises ``ValueError`` if *extradata* is not one."""
    try:
        if extradata[0] != 1:
            raise ValueError("not an avcC box")
        sps, at = _listed(extradata, 6, extradata[5] & 0x1F)
        pps, _ = _listed(extradata, at + 1, extradata[at])
    except IndexError:
        raise ValueError("an avcC box that ends early") from None
    if not sps or not pps:
        raise ValueError("an avcC box without parameter sets")
    return ParameterSets(extradata[1], extradata[2], extradata[3], (extradata[4] & 3) + 1, sps, pps)


def merged(several: Sequence[ParameterSets]) -> ParameterSets:
    """One box for all: every set once, the widest profile and level. Raises ``Conflict``."""
    owner: dict[tuple[str, int], tuple[int, bytes]] = {}
    compatibility = 0xFF
    for position, sets in enumerate(several):
        compatibility &= sets.compatibility
        for name, unit in sets.by_id().items():
            first, known = owner.setdefault(name, (position, unit))
            if known != unit:
                raise Conflict(first, position, f"{name[0]} {name[1]}")
    return ParameterSets(
        max(sets.profile for sets in several),
        compatibility,
        max(sets.level for sets in several),
        _LENGTH_SIZE,
        tuple(unit for (kind, _), (_, unit) in owner.items() if kind == "SPS"),
        tuple(unit for (kind, _), (_, unit) in owner.items() if kind == "PPS"),
    )


def pack(sets: ParameterSets) -> bytes:
    """The avcC box of 8-bit 4:2:0 pictures."""
    head = bytes([1, sets.profile, sets.compatibility, sets.level, 0xFC | (sets.length_size - 1)])
    tail = bytes([0xFC | 1, 0xF8, 0xF8, 0]) if sets.profile in _HIGH else b""
    sps = b"".join(map(_prefixed, sets.sps))
    pps = b"".join(map(_prefixed, sets.pps))
    return head + bytes([0xE0 | len(sets.sps)]) + sps + bytes([len(sets.pps)]) + pps + tail


def units(packet: memoryview, length_size: int) -> Iterator[memoryview]:
    """The units of a packet. Raises ``ValueError`` if the lengths don't add up."""
    at = 0
    while at < len(packet):
        end = at + length_size + int.from_bytes(packet[at : at + length_size], "big")
        if end > len(packet):
            raise ValueError("a unit that ends after its packet")
        yield packet[at + length_size : end]
        at = end


def lone_kind(packet: memoryview, length_size: int) -> int:
    """The ``nal_unit_type`` of a packet that holds a single unit, as most do, and its length in four bytes; else 0."""
    if length_size != _LENGTH_SIZE or len(packet) <= _LENGTH_SIZE:
        return 0
    length, head = _HEAD.unpack_from(packet)
    return head & 0x1F if length + _LENGTH_SIZE == len(packet) else 0


def is_lone_picture(kind: int) -> bool:
    """Whether a packet of that ``lone_kind`` is a single unit that is no parameter set."""
    return kind not in (0, _SPS, _PPS)


def is_idr(packet_units: Iterable[memoryview]) -> bool:
    """Whether nothing from here on refers to anything before."""
    return any(_kind(unit) == IDR for unit in packet_units)


def is_parameter_set(unit: memoryview) -> bool:
    """Whether the unit belongs into the sample entry."""
    return _kind(unit) in (_SPS, _PPS)


def repacked(packet: memoryview, length_size: int) -> bytes | memoryview:
    """The packet with lengths of four bytes and without parameter sets, which the sample entry holds.

    One that is so already is given back itself.
    """
    if is_lone_picture(lone_kind(packet, length_size)):
        return packet
    every = list(units(packet, length_size))
    kept = [unit for unit in every if not is_parameter_set(unit)]
    if length_size == _LENGTH_SIZE and len(kept) == len(every):
        return packet
    return b"".join(len(unit).to_bytes(_LENGTH_SIZE, "big") + bytes(unit) for unit in kept)


def sps_id(unit: bytes) -> int:
    """``seq_parameter_set_id``; it follows the profile, the constraints and the level."""
    return next(_golombs(unit[4:]))


def pps_id(unit: bytes) -> int:
    """``pic_parameter_set_id``."""
    return next(_golombs(unit[1:]))


def is_8_bit_420(sps: bytes) -> bool:
    """Whether pictures have 8 bits and chroma halved both ways; profiles below High know nothing else."""
    if sps[1] not in _HIGH:
        return True
    numbers = _golombs(sps[4:])
    next(numbers)
    chroma_format = next(numbers)
    return chroma_format == 1 and next(numbers) == 0 and next(numbers) == 0


def _kind(unit: memoryview) -> int:
    """The ``nal_unit_type``; 0 if the unit is empty."""
    return unit[0] & 0x1F if len(unit) else 0


def _golombs(data: bytes) -> Iterator[int]:
    """The unsigned Exp-Golomb numbers at the start of *data*. Raises ``ValueError`` where it is cut off."""
    bits = "".join(f"{byte:08b}" for byte in data[:16].replace(b"\x00\x00\x03", b"\x00\x00"))
    while True:
        zeros = len(bits) - len(bits.lstrip("0"))
        digits, bits = bits[zeros : 2 * zeros + 1], bits[2 * zeros + 1 :]
        if len(digits) != zeros + 1:
            raise ValueError("a parameter set that ends early")
        yield int(digits, 2) - 1


def _listed(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found = []
    for _ in range(count):
        end = at + 2 + (data[at] << 8 | data[at + 1])
        if end > len(data):
            raise IndexError(end)
        found.append(data[at + 2 : end])
        at = end
    return tuple(found), at


def _prefixed(unit: bytes) -> bytes:
    return len(unit).to_bytes(2, "big") + unit
