"""How long every shot is in the film, in whole frames, and which takes can go in as they are."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.model import NORMAL, WHOLE, Clip, Generated, Output, Shot, Still, Storyboard, TitleCard
from storyboard.core.timebase import frames_in, seconds_of

# What our own encoder writes, and what every player expects of a film in high definition.
OUTPUT_COLOR = "bt709/bt709/bt709/tv"
_BEGIN = Fraction(0)
_PLAIN = ("yuv420p", 0, "1/1", OUTPUT_COLOR)


class PlacedShot(Struct, frozen=True):
    """One shot's stretch of the film.

    ``at`` and ``frames`` count frames of the film; ``start`` is seconds into the take; ``whole`` says that the take is
    used from its first frame to its last.
    """

    shot: str
    at: int
    frames: int
    start: Fraction
    whole: bool


class TrimOutOfRange(ValueError):
    """A trim that begins or ends beyond the end of the take."""

    def __init__(self, shot: str, wanted: Fraction, length: Fraction, does: str = "ends") -> None:
        super().__init__(f"trim of `{shot}` {does} at {float(wanted):g} s, its take is {float(length):.3f} s long")
        self.shot = shot


def asked_length(shot: Shot) -> Fraction:
    """Seconds that a shot's source is asked to have, before anything is made; of footage only as far as it is used."""
    if isinstance(shot.source, Generated | Still | TitleCard):
        return shot.source.duration
    return shot.trim.end or shot.trim.start or Fraction(0)


def has_unknown_length(shot: Shot) -> bool:
    """Whether nothing but measuring the footage tells how long it is."""
    return isinstance(shot.source, Clip) and shot.trim.end is None


def timeline(
    storyboard: Storyboard, takes: Mapping[str, ClipInfo], into: Mapping[str, int] | None = None
) -> list[PlacedShot]:
    """The film in order. A take that is in *takes* counts by its real frames, another by the length asked for.

    *into* counts the frames that a shot shares with the one before it. Raises ``TrimOutOfRange``.
    """
    pieces: list[PlacedShot] = []
    at, shared = 0, into or {}
    whole: dict[tuple[int, str], int] = {}  # takes of one length have one number of frames in the film
    for shot in storyboard.shots():
        if shot.skip:
            continue
        at -= shared.get(shot.id, 0) if pieces else 0
        take = takes.get(shot.id)
        alike = (take.frames, take.rate) if take is not None and _is_whole(shot) else None
        frames = whole.get(alike) if alike is not None else None
        if frames is not None:
            piece = PlacedShot(shot.id, at, frames, _BEGIN, True)
        else:
            piece = place_shot(shot, at, storyboard.output, take)
        if alike is not None:
            whole[alike] = piece.frames
        pieces.append(piece)
        at += piece.frames
    return pieces


def place_shot(shot: Shot, at: int, output: Output, take: ClipInfo | None) -> PlacedShot:
    """One shot's piece, beginning at frame *at* of the film. Raises ``TrimOutOfRange``."""
    length = take.duration if take is not None else asked_length(shot)
    if _is_whole(shot):
        return PlacedShot(shot.id, at, max(1, frames_in(length, output.fps)), _BEGIN, whole=True)
    start = shot.trim.start or Fraction(0)
    end = length if shot.trim.end is None else shot.trim.end
    slack = 1 / take.fps if take is not None else Fraction(0)
    if end > length + slack:
        raise TrimOutOfRange(shot.id, end, length)
    if take is not None and start >= length:
        raise TrimOutOfRange(shot.id, start, length, "begins")
    end = min(end, length)
    whole = start == 0 and end == length
    frames = max(1, frames_in((end - start) / shot.speed, output.fps))
    return PlacedShot(shot.id, at, frames, start, whole)


def _is_whole(shot: Shot) -> bool:
    # most shots share the defaults of the model, and comparing fractions takes longer than all the rest
    return (shot.trim is WHOLE or shot.trim == WHOLE) and (shot.speed is NORMAL or shot.speed == NORMAL)


def total_frames(pieces: Iterable[PlacedShot]) -> int:
    """Frames of the whole film."""
    return max((piece.at + piece.frames for piece in pieces), default=0)


def running_time(pieces: Iterable[PlacedShot], output: Output) -> Fraction:
    """Seconds of the whole film."""
    return seconds_of(total_frames(pieces), output.fps)


def take_copy_blocker(take: ClipInfo, output: Output, speed: Fraction = Fraction(1)) -> str | None:
    """Why packets of a take cannot go into the film; ``None`` if they can, from one keyframe or another."""
    if speed == NORMAL and take.codec == "h264" and _goes_with(take, output):
        return None
    checks = (
        (speed != 1, f"its speed is {float(speed):g}"),
        (take.codec != "h264", f"its codec is {take.codec}"),
        (
            (take.width, take.height) != (output.size.width, output.size.height),
            f"it is {take.width}x{take.height}",
        ),
        (take.fps != output.fps, f"it has {float(take.fps):g} frames a second"),
        (not take.constant_rate, "its frame rate varies"),
        (take.pixel_format != "yuv420p", f"its pixel format is {take.pixel_format}"),
        (take.rotation != 0, f"it is rotated by {take.rotation} degrees"),
        (take.pixel_aspect != "1/1", "its pixels are not square"),
        (take.color != OUTPUT_COLOR, f"its colours are tagged {take.color}"),
        (not take.closed_start, "it does not begin with a closed keyframe"),
        (not take.parameter_sets, "its parameter sets cannot stand beside ours"),
    )
    return next((why for wrong, why in checks if wrong), None)


def _goes_with(take: ClipInfo, output: Output) -> bool:
    """The same checks but for speed and codec, without words; most takes pass them."""
    return (
        (take.width, take.height, take.fps) == (output.size.width, output.size.height, output.fps)
        and take.constant_rate
        and (take.pixel_format, take.rotation, take.pixel_aspect, take.color) == _PLAIN
        and take.closed_start
        and bool(take.parameter_sets)
    )


def common_parameter_sets(weights: Mapping[str, int]) -> str:
    """The parameter sets that most frames share; only takes that have them can stand beside each other uncoded.

    *weights* counts frames by parameter sets; the answer does not depend on its order.
    """
    return max(weights, key=lambda sets: (weights[sets], sets), default="")
