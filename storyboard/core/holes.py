"""A film with slates in its holes: where each shot is in it, which its pieces tell, and not what was asked for."""

from collections.abc import Iterable
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.captions import Cue
from storyboard.core.graph import Action
from storyboard.core.segments import Chapter, Segments
from storyboard.core.timeline import Piece, TooShort


class Told(Struct, frozen=True):
    """What a film says of itself beside its pictures."""

    chapters: tuple[Chapter, ...] = ()
    cues: tuple[Cue, ...] = ()


def told(segments: Segments, pieces: Iterable[tuple[Action, int, bool]]) -> Told:
    """Chapters and captions of a film of *pieces*: what each is, its frames, and whether it is there.

    Shots in whose place a slate stands have no captions; their scenes have chapters all the same.
    """
    begins: dict[str, int] = {}
    holes: set[str] = set()
    at = 0
    for action, frames, is_there in pieces:
        begins.setdefault(action.shot, at)
        at += frames
        if not is_there and action.at not in ("into", "fade_in", "fade_out"):
            holes.add(action.shot)
    everything = [Piece(shot, begin, 0, Fraction(0), whole=True) for shot, begin in begins.items()]
    there = [found for shot, begin in begins.items() if shot not in holes for found in _placed(segments, shot, begin)]
    cues = (Cue(cue.text, cue.first, min(cue.end, at)) for cue in segments.film_cues(there) if cue.first < at)
    return Told(tuple(segments.chapters(everything, at)), tuple(cues))


def _placed(segments: Segments, shot: str, begin: int) -> Iterable[Piece]:
    try:
        yield replace(segments.piece(shot), at=begin)
    except TooShort:
        return
