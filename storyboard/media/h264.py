"""H.264 as stored in MP4: parameter sets in the sample entry (avcC), and length-prefixed NAL units.

Owns reading, comparing and merging of parameter sets, and the units that a copied packet keeps. ISO/IEC 14496-15, 5.3
(avcC); ITU-T H.264, 7.3 and 7.4 (units, SPS, PPS). Works on bytes; opens no file and no decoder.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

IDR, _SPS, _PPS = 5, 7, 8
_LENGTH_SIZE = 4
_HEAD = struct.Struct(">IB")  # the length of a unit, and its first byte
# Profiles whose avcC continues with chroma format and bit depths.
_HIGH_PROFILES = {100, 110, 122, 144, 244}


class ParameterSets(Struct, frozen=True):
    """Content of an avcC box. ``length_size`` is the number of bytes before each unit of a packet."""

    profile: int
    compatibility: int
    level: int
    length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]

    def digest(self) -> str:
        """Return the sha256 of the sets in their order, in hex."""
        state = hashlib.sha256()
        for unit in (*self.sps, *self.pps):
            state.update(len(unit).to_bytes(4, "big") + unit)
        return state.hexdigest()

    def by_id(self) -> dict[tuple[str, int], bytes]:
        """Return each set by its kind and the number by which slices refer to it."""
        named = {("SPS", sps_id(unit)): unit for unit in self.sps}
        return named | {("PPS", pps_id(unit)): unit for unit in self.pps}


class ParameterSetConflict(ValueError):
    """Two different sets with one number. ``first`` and ``second`` are positions in the merged sequence."""

    def __init__(self, first: int, second: int, what: str) -> None:
        super().__init__(f"{what} of {first} and {second} differ")
        self.first = first
        self.second = second
        self.what = what


def parse_avcc(extradata: bytes) -> ParameterSets:
    """Parse an avcC box. Raises ``ValueError`` if *extradata* is not one."""
    try:
        if extradata[0] != 1:
            raise ValueError("not an avcC box")
        sps, at = _read_sets(extradata, 6, extradata[5] & 0x1F)
        pps, _ = _read_sets(extradata, at + 1, extradata[at])
    except IndexError:
        raise ValueError("an avcC box that ends early") from None
    if not sps or not pps:
        raise ValueError("an avcC box without parameter sets")
    return ParameterSets(extradata[1], extradata[2], extradata[3], (extradata[4] & 3) + 1, sps, pps)


def merge(clips: Sequence[ParameterSets]) -> ParameterSets:
    """Merge the boxes of several clips: every set once, the highest profile and level.

    Raises ``ParameterSetConflict``.
    """
    owner: dict[tuple[str, int], tuple[int, bytes]] = {}
    compatibility = 0xFF
    for position, sets in enumerate(clips):
        compatibility &= sets.compatibility
        for name, unit in sets.by_id().items():
            first, known = owner.setdefault(name, (position, unit))
            if known != unit:
                raise ParameterSetConflict(first, position, f"{name[0]} {name[1]}")
    return ParameterSets(
        max(sets.profile for sets in clips),
        compatibility,
        max(sets.level for sets in clips),
        _LENGTH_SIZE,
        tuple(unit for (kind, _), (_, unit) in owner.items() if kind == "SPS"),
        tuple(unit for (kind, _), (_, unit) in owner.items() if kind == "PPS"),
    )


def build_avcc(sets: ParameterSets) -> bytes:
    """Return the avcC box of 8-bit 4:2:0 video."""
    head = bytes([1, sets.profile, sets.compatibility, sets.level, 0xFC | (sets.length_size - 1)])
    tail = bytes([0xFC | 1, 0xF8, 0xF8, 0]) if sets.profile in _HIGH_PROFILES else b""
    sps = b"".join(map(_with_length, sets.sps))
    pps = b"".join(map(_with_length, sets.pps))
    return head + bytes([0xE0 | len(sets.sps)]) + sps + bytes([len(sets.pps)]) + pps + tail


def split_units(packet: memoryview, length_size: int) -> Iterator[memoryview]:
    """Yield the units of a packet. Raises ``ValueError`` if the lengths do not add up."""
    at = 0
    while at < len(packet):
        end = at + length_size + int.from_bytes(packet[at : at + length_size], "big")
        if end > len(packet):
            raise ValueError("a unit that ends after its packet")
        yield packet[at + length_size : end]
        at = end


def single_unit_kind(packet: memoryview, length_size: int) -> int:
    """Return the ``nal_unit_type`` of a packet with one unit and a four-byte length, as most have; else 0."""
    if length_size != _LENGTH_SIZE or len(packet) <= _LENGTH_SIZE:
        return 0
    length, head = _HEAD.unpack_from(packet)
    return head & 0x1F if length + _LENGTH_SIZE == len(packet) else 0


def is_single_picture(kind: int) -> bool:
    """Return whether a packet of that ``single_unit_kind`` is one unit and no parameter set."""
    return kind not in (0, _SPS, _PPS)


def is_idr(packet_units: Iterable[memoryview]) -> bool:
    """Return whether decoding can start here: no later picture refers to an earlier one."""
    return any(_unit_kind(unit) == IDR for unit in packet_units)


def is_parameter_set(unit: memoryview) -> bool:
    """Return whether the unit belongs into the sample entry."""
    return _unit_kind(unit) in (_SPS, _PPS)


def repack(packet: memoryview, length_size: int) -> bytes | memoryview:
    """Return the packet with four-byte lengths and without parameter sets, which the sample entry holds.

    Return *packet* itself if it already has that form.
    """
    if is_single_picture(single_unit_kind(packet, length_size)):
        return packet
    every = list(split_units(packet, length_size))
    kept = [unit for unit in every if not is_parameter_set(unit)]
    if length_size == _LENGTH_SIZE and len(kept) == len(every):
        return packet
    return b"".join(len(unit).to_bytes(_LENGTH_SIZE, "big") + bytes(unit) for unit in kept)


def sps_id(unit: bytes) -> int:
    """Return ``seq_parameter_set_id``, which follows profile, constraints and level."""
    return next(_read_golombs(unit[4:]))


def pps_id(unit: bytes) -> int:
    """Return ``pic_parameter_set_id``."""
    return next(_read_golombs(unit[1:]))


def is_8_bit_420(sps: bytes) -> bool:
    """Return whether pictures have 8 bits and 4:2:0 chroma, as all profiles below High do."""
    if sps[1] not in _HIGH_PROFILES:
        return True
    numbers = _read_golombs(sps[4:])
    next(numbers)
    chroma_format = next(numbers)
    return chroma_format == 1 and next(numbers) == 0 and next(numbers) == 0


def _unit_kind(unit: memoryview) -> int:
    """Return the ``nal_unit_type``, 0 if the unit is empty."""
    return unit[0] & 0x1F if len(unit) else 0


def _read_golombs(data: bytes) -> Iterator[int]:
    """Yield the unsigned Exp-Golomb numbers at the start of *data*. Raises ``ValueError`` where it ends early."""
    bits = "".join(f"{byte:08b}" for byte in data[:16].replace(b"\x00\x00\x03", b"\x00\x00"))
    while True:
        zeros = len(bits) - len(bits.lstrip("0"))
        digits, bits = bits[zeros : 2 * zeros + 1], bits[2 * zeros + 1 :]
        if len(digits) != zeros + 1:
            raise ValueError("a parameter set that ends early")
        yield int(digits, 2) - 1


def _read_sets(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found = []
    for _ in range(count):
        end = at + 2 + (data[at] << 8 | data[at + 1])
        if end > len(data):
            raise IndexError(end)
        found.append(data[at + 2 : end])
        at = end
    return tuple(found), at


def _with_length(unit: bytes) -> bytes:
    return len(unit).to_bytes(2, "big") + unit
