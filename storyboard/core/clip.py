"""What is known of a clip once it has been probed; kept in records and read by the timeline."""

from fractions import Fraction
from functools import lru_cache

from msgspec import Struct

# Transfer functions, by their names in ``color``, whose tones come out pale and flat where nobody maps them.
HDR = ("smpte2084", "arib-std-b67")


class ClipInfo(Struct, frozen=True):
    """Facts of one video file, as its packets and decoded frames tell them, not as its header claims.

    ``rate`` is frames a second as ``"24/1"``, so that it survives JSON; ``width`` and ``height`` are in pixels as
    displayed, before rotation; ``rotation`` in degrees clockwise (0, 90, 180, 270); ``pixel_aspect`` as ``"1/1"``;
    ``parameter_sets`` is the sha256 of the H.264 SPS and PPS with their order, empty for other codecs
    and where they cannot stand beside those of encoded pieces;
    ``color`` is ``matrix/primaries/transfer/range`` in the names of ITU-T H.273, ``unspecified`` where untagged;
    ``copy_starts`` are the frames at which a copy may begin, ``copy_ends`` the counts after which one may end;
    with ``in_order`` it may end after any frame;
    ``closed_start`` says that the clip begins with a keyframe before which nothing is shown;
    ``black`` and ``frozen`` are stretches in seconds that show nothing, or nothing new; empty also where nobody looked.
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
        return _rate(self.rate)

    @property
    def duration(self) -> Fraction:
        """Seconds of picture at the constant rate."""
        return _seconds(self.frames, self.rate)


# Many takes are alike, and reading a fraction from text takes longer than all that is done with it.
@lru_cache(256)
def _rate(text: str) -> Fraction:
    return Fraction(text)


@lru_cache(1024)
def _seconds(frames: int, rate: str) -> Fraction:
    return frames / _rate(rate)
