"""Places and lengths of shots in the film, in whole frames, and what keeps packets of a take from being copied."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.model import NORMAL, WHOLE, Clip, Generated, Output, Shot, Still, Storyboard, TitleCard
from storyboard.core.reason import BlockerKind, CopyBlocker, TrimOverrun
from storyboard.core.timebase import frames_in, seconds_of

# The colour tags of our encoder, which every player expects of a film in high definition.
OUTPUT_COLOR = "bt709/bt709/bt709/tv"
_BEGIN = Fraction(0)
_PLAIN = ("yuv420p", 0, "1/1", OUTPUT_COLOR)


class PlacedShot(Struct, frozen=True):
    """A shot in its place in the film.

    ``at`` and ``frames`` count frames of the film; ``start`` is in seconds of the take; ``whole`` says that the take is
    used from its first frame to its last.
    """

    shot: str
    at: int
    frames: int
    start: Fraction
    whole: bool


class TrimOutOfRange(ValueError):
    """A trim that begins or ends after the end of the take; ``detail`` has the lengths."""

    def __init__(self, detail: TrimOverrun) -> None:
        super().__init__(detail)
        self.detail = detail


def asked_length(shot: Shot) -> Fraction:
    """Return the seconds that a shot's source is asked to have; of footage, only as far as it is used."""
    if isinstance(shot.source, Generated | Still | TitleCard):
        return shot.source.duration
    return shot.trim.end or shot.trim.start or Fraction(0)


def has_unknown_length(shot: Shot) -> bool:
    """Return whether the length of a shot is unknown until its footage is measured."""
    return isinstance(shot.source, Clip) and shot.trim.end is None


def timeline(
    storyboard: Storyboard, takes: Mapping[str, ClipInfo], into: Mapping[str, int] | None = None
) -> list[PlacedShot]:
    """Return the placed shots of the film in order.

    A take in *takes* counts by its real frames, another by the length asked for. *into* counts the frames that a shot
    shares with the one before it. Raises ``TrimOutOfRange``.
    """
    pieces: list[PlacedShot] = []
    at, shared = 0, into or {}
    whole: dict[tuple[int, str], int] = {}  # frames in the film by frames and rate of the take
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
    """Return *shot* placed at frame *at* of the film. Raises ``TrimOutOfRange``."""
    length = take.duration if take is not None else asked_length(shot)
    if _is_whole(shot):
        return PlacedShot(shot.id, at, max(1, frames_in(length, output.fps)), _BEGIN, whole=True)
    start = shot.trim.start or Fraction(0)
    end = length if shot.trim.end is None else shot.trim.end
    slack = 1 / take.fps if take is not None else Fraction(0)
    if end > length + slack:
        raise TrimOutOfRange(TrimOverrun(shot.id, "ends", end, length))
    if take is not None and start >= length:
        raise TrimOutOfRange(TrimOverrun(shot.id, "begins", start, length))
    end = min(end, length)
    whole = start == 0 and end == length
    frames = max(1, frames_in((end - start) / shot.speed, output.fps))
    return PlacedShot(shot.id, at, frames, start, whole)


def _is_whole(shot: Shot) -> bool:
    # identity first: most shots have the default values, and comparing fractions costs more than all the rest
    return (shot.trim is WHOLE or shot.trim == WHOLE) and (shot.speed is NORMAL or shot.speed == NORMAL)


def total_frames(pieces: Iterable[PlacedShot]) -> int:
    """Return the frames of the whole film."""
    return max((piece.at + piece.frames for piece in pieces), default=0)


def running_time(pieces: Iterable[PlacedShot], output: Output) -> Fraction:
    """Return the seconds of the whole film."""
    return seconds_of(total_frames(pieces), output.fps)


def take_copy_blocker(take: ClipInfo, output: Output, speed: Fraction = Fraction(1)) -> CopyBlocker | None:
    """Return why no packet of *take* can be copied into the film; ``None`` if some can."""
    if speed == NORMAL and take.codec == "h264" and _matches(take, output):
        return None
    checks: tuple[tuple[bool, BlockerKind, object], ...] = (
        (speed != 1, "speed", speed),
        (take.codec != "h264", "codec", take.codec),
        ((take.width, take.height) != (output.size.width, output.size.height), "size", f"{take.width}x{take.height}"),
        (take.fps != output.fps, "frame-rate", take.fps),
        (not take.constant_rate, "variable-rate", ""),
        (take.pixel_format != "yuv420p", "pixel-format", take.pixel_format),
        (take.rotation != 0, "rotation", take.rotation),
        (take.pixel_aspect != "1/1", "pixel-aspect", ""),
        (take.color != OUTPUT_COLOR, "color", take.color),
        (not take.closed_start, "open-start", ""),
        (not take.parameter_sets, "parameter-sets", ""),
    )
    return next((CopyBlocker(kind, str(value)) for is_blocked, kind, value in checks if is_blocked), None)


def _matches(take: ClipInfo, output: Output) -> bool:
    """Return whether *take* passes all checks but speed and codec. Most takes do, so this is tried first."""
    return (
        (take.width, take.height, take.fps) == (output.size.width, output.size.height, output.fps)
        and take.constant_rate
        and (take.pixel_format, take.rotation, take.pixel_aspect, take.color) == _PLAIN
        and take.closed_start
        and bool(take.parameter_sets)
    )


def common_parameter_sets(votes: Mapping[str, int]) -> str:
    """Return the parameter sets with the most frames; takes with other ones cannot be copied into one film with them.

    *votes* counts frames by parameter sets; the answer does not depend on its order.
    """
    return max(votes, key=lambda sets: (votes[sets], sets), default="")
