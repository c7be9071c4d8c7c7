"""Facts of a probed clip, kept in records and read by the timeline."""

from fractions import Fraction
from functools import lru_cache

from msgspec import Struct

# HDR transfer functions, by their names in ``color``: without tone mapping their pictures look pale and flat.
HDR = ("smpte2084", "arib-std-b67")


class ClipInfo(Struct, frozen=True):
    """Facts of one video file, measured on its packets and decoded frames rather than read from its header.

    ``rate`` is frames a second as ``"24/1"``, which survives JSON; ``width`` and ``height`` are displayed pixels before
    rotation; ``rotation`` is in degrees clockwise (0, 90, 180, 270); ``pixel_aspect`` is written ``"1/1"``;
    ``parameter_sets`` is the sha256 of the H.264 SPS and PPS in their order, empty for other codecs and where they
    collide with those of encoded segments; ``color`` is ``matrix/primaries/transfer/range`` in the names of ITU-T
    H.273, ``unspecified`` where untagged; ``copy_starts`` are the frames at which a copy may begin, ``copy_ends`` the
    frame counts after which one may end; with ``in_order`` it may end after any frame; ``closed_start`` says that no
    frame before the first keyframe is shown; ``black`` and ``frozen`` are ranges in seconds, empty also if they were
    not measured.
    """

    frames: int
    rate: str
    width: int
    height: int
    codec: str
    pixel_format: str
    color: str = "unspecified/unspecified/unspecified/unspecified"
    rotation: int = 0
    pixel_aspect: str = "1/1"
    constant_rate: bool = True
    parameter_sets: str = ""
    closed_start: bool = False
    has_audio: bool = False
    copy_starts: tuple[int, ...] = (0,)
    copy_ends: tuple[int, ...] = ()
    in_order: bool = False
    black: tuple[tuple[float, float], ...] = ()
    frozen: tuple[tuple[float, float], ...] = ()

    @property
    def fps(self) -> Fraction:
        """Frames a second."""
        return _parse_rate(self.rate)

    @property
    def duration(self) -> Fraction:
        """Seconds of picture at the constant rate."""
        return _duration(self.frames, self.rate)


# Cached: many takes have equal rates, and parsing a fraction costs more than the arithmetic with it.
@lru_cache(256)
def _parse_rate(text: str) -> Fraction:
    return Fraction(text)


@lru_cache(1024)
def _duration(frames: int, rate: str) -> Fraction:
    return frames / _parse_rate(rate)
