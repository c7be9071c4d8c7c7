"""Frame ranges of shots: overlaps of transitions, the frames between them, and which of those can be copied.

Frames are counted at the output's rate from the first one after the trim. A transition takes its frames of both shots;
the frames between are the shot's own, and may be split into a head, a body that is copied packet by packet, and a tail.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.model import WHOLE, Fit, FrameLink, Generated, Output, Shot, Size, Storyboard
from storyboard.core.reason import OverlapTooLong
from storyboard.core.timebase import frames_in, seconds_of, timecode
from storyboard.core.timeline import PlacedShot, TrimOutOfRange, has_unknown_length, place_shot, timeline

_LEAST_SIDE = 32  # pixels; a smaller picture holds no drawing


class SeenPart(Struct, frozen=True):
    """The part of a drawn take that is seen: its size, and its moments as ranges of seconds; none is the whole clip.

    A range of no length is a frame that another shot starts from or ends with.
    """

    size: Size
    moments: tuple[tuple[Fraction, Fraction], ...] = ()


def seen_parts(shots: Collection[Shot], outputs: Collection[Output], drawn_by: Collection[str]) -> dict[str, SeenPart]:
    """Return what is seen of each shot that a provider in *drawn_by* draws, by shot; not of one that is seen whole.

    The film shows it between its in point and its out point, at the size of the largest output, and other shots start
    from frames of it. A shot whose frame reaches a model that is paid, if by way of drawn shots, is seen in full size.
    """
    drawn = {
        shot.id: (shot, shot.source)
        for shot in shots
        if isinstance(shot.source, Generated) and shot.source.provider in drawn_by
    }
    if not drawn:
        return {}
    linked: dict[str, list[FrameLink]] = {}
    sent: list[str] = []
    for shot in shots:
        for link in _links(shot):
            if link.shot in drawn:
                linked.setdefault(link.shot, []).append(link)
                sent += [link.shot] if shot.id not in drawn else []
    whole = _sources_of(sent, drawn)
    sizes: dict[tuple[Size, Fit | None], Size] = {}  # few, and thousands of shots
    found = {}
    for name, (shot, source) in drawn.items():
        size = seen = source.size
        if not shot.skip and name not in whole:
            asked = size, shot.fit
            seen = sizes.get(asked) or sizes.setdefault(asked, _seen_size(size, shot.fit, outputs))
        moments = _seen_moments(shot, source.duration, linked.get(name, ()))
        if seen != size or (moments and not source.is_panel):
            found[name] = SeenPart(seen, () if source.is_panel else moments)
    return found


def links_to_seen(shot: Shot, drawn_by: Collection[str]) -> tuple[str, bool, Sequence[FrameLink]] | None:
    """Return all that *shot* decides of the part that is seen of other shots; ``None`` if it decides nothing."""
    links = _links(shot)
    is_drawn = isinstance(shot.source, Generated) and shot.source.provider in drawn_by
    return (shot.id, is_drawn, links) if links else None


def _links(shot: Shot) -> Sequence[FrameLink]:
    source = shot.source
    if not isinstance(source, Generated) or (source.first_frame is None and source.last_frame is None):
        return ()
    return tuple(link for link in (source.first_frame, source.last_frame) if isinstance(link, FrameLink))


def _moment(link: FrameLink, length: Fraction) -> Fraction:
    return link.at if isinstance(link.at, Fraction) else Fraction(0) if link.at == "first" else length


def _sources_of(sent: list[str], drawn: Mapping[str, tuple[Shot, Generated]]) -> set[str]:
    """Return the drawn shots in *sent*, and those whose frames they show."""
    found: set[str] = set()
    waiting = list(sent)
    while waiting:
        name = waiting.pop()
        if name in drawn and name not in found:
            found.add(name)
            waiting += [link.shot for link in _links(drawn[name][0])]
    return found


def _seen_size(size: Size, fit: Fit | None, outputs: Collection[Output]) -> Size:
    """Return the size at which the largest film shows a picture of *size*, which is never enlarged; sides are even."""
    scale = Fraction(0)
    for output in outputs:
        wide, high = Fraction(output.size.width, size.width), Fraction(output.size.height, size.height)
        scale = max(scale, min(wide, high) if (fit or output.fit) == "contain" else max(wide, high))
    if scale >= 1:
        return size
    width, height = (max(_LEAST_SIDE, 2 * round(side * scale / 2)) for side in (size.width, size.height))
    return Size(width, height) if width <= size.width and height <= size.height else size


def _seen_moments(shot: Shot, length: Fraction, links: Iterable[FrameLink]) -> tuple[tuple[Fraction, Fraction], ...]:
    """Return the moments of a take of *length* that the film shows or *links* name; none if the film shows it all."""
    if not shot.skip and shot.trim == WHOLE:
        return ()
    start, end = shot.trim.start or Fraction(0), length if shot.trim.end is None else shot.trim.end
    shown = [] if shot.skip else [(start, end)]
    if (Fraction(0), length) in shown:
        return ()
    linked = {_moment(link, length) for link in links}
    return (*shown, *sorted((at, at) for at in linked if not (shown and start <= at < end)))


class FrameRange(Struct, frozen=True):
    """Frames *first* to *end* of a shot, exclusive."""

    first: int
    end: int

    @property
    def frames(self) -> int:
        return max(0, self.end - self.first)


class ShotRanges(Struct, frozen=True):
    """The ranges of a shot: ``into`` and ``out`` are in transitions, the others are the shot's own."""

    into: FrameRange
    head: FrameRange
    body: FrameRange
    tail: FrameRange
    out: FrameRange
    copied: bool = False


class TransitionOverlap(Struct, frozen=True):
    """Frames that a shot shares with the shots before and after it."""

    before: int = 0
    after: int = 0


_NO_OVERLAP = TransitionOverlap()


class TransitionTooLong(ValueError):
    """A transition or fade longer than the shot it overlaps; ``detail`` has the lengths."""

    def __init__(self, detail: OverlapTooLong) -> None:
        super().__init__(detail)
        self.detail = detail


def overlaps(storyboard: Storyboard) -> dict[str, TransitionOverlap]:
    """Return the overlaps of every shown shot. A transition of the first shot is ignored."""
    shots = [shot for shot in storyboard.shots() if not shot.skip]
    if not shots:
        return {}
    output = storyboard.output
    into = [0 if shot.transition.type == "cut" else overlap_frames(shot, output) for shot in shots]
    into[0] = _fade_frames(output.fade_in, output)
    after = [*into[1:], _fade_frames(output.fade_out, output)]
    if not any(into) and not any(after):
        return dict.fromkeys([shot.id for shot in shots], _NO_OVERLAP)
    shared = zip(shots, into, after, strict=True)
    return {
        shot.id: TransitionOverlap(before, behind) if before or behind else _NO_OVERLAP
        for shot, before, behind in shared
    }


def overlap_frames(shot: Shot, output: Output) -> int:
    """Return the frames of the transition into *shot*: 0 for a cut, at least one otherwise."""
    if shot.transition.type == "cut":
        return 0
    return max(1, frames_in(shot.transition.duration, output.fps))


def _fade_frames(seconds: Fraction, output: Output) -> int:
    return max(1, frames_in(seconds, output.fps)) if seconds else 0


class FilmSpan(Struct, frozen=True):
    """The frames of the film in which a shot is seen, with those it shares with its neighbours in transitions.

    *first* is ``None`` after footage whose length is unknown, *frames* for that footage itself. *rate* is that of the
    film in frames a second.
    """

    shot: str
    first: int | None
    frames: int | None
    rate: Fraction

    @property
    def seconds(self) -> Fraction | None:
        return None if self.frames is None else seconds_of(self.frames, self.rate)

    @property
    def timecode_in(self) -> str | None:
        """The timecode of the first frame."""
        return None if self.first is None else timecode(self.first, self.rate)

    @property
    def timecode_out(self) -> str | None:
        """The timecode of the frame after the last one, as in an edit decision list."""
        known = self.first is not None and self.frames is not None
        return timecode((self.first or 0) + (self.frames or 0), self.rate) if known else None


def film_spans(film: Storyboard, takes: Mapping[str, ClipInfo]) -> list[FilmSpan]:
    """Return the span of every shown shot of a film of one output, in order.

    A take in *takes* counts by its real frames, another by the length asked for, and so does a take that its trim does
    not fit.
    """
    output = film.output
    unmeasured = {shot.id for shot in film.shots() if has_unknown_length(shot) and shot.id not in takes}
    spans: list[FilmSpan] = []
    is_known = True
    for piece in placed_shots(film, takes):
        frames = None if piece.shot in unmeasured else piece.frames
        spans.append(FilmSpan(piece.shot, piece.at if is_known else None, frames, output.fps))
        is_known = is_known and frames is not None
    return spans


def placed_shots(film: Storyboard, takes: Mapping[str, ClipInfo]) -> list[PlacedShot]:
    """Return every shown shot in its place, by the length asked for where a trim does not fit the take."""
    into = {name: overlap.before for name, overlap in overlaps(film).items()}
    try:
        return timeline(film, takes, into)
    except TrimOutOfRange:
        shots = {shot.id: shot for shot in film.shots()}
        fitting = {name: take for name, take in takes.items() if _fits(shots[name], film.output, take)}
        return timeline(film, fitting, into)


def _fits(shot: Shot, output: Output, take: ClipInfo) -> bool:
    try:
        place_shot(shot, 0, output, take)
    except TrimOutOfRange:
        return False
    return True


def long_transitions(storyboard: Storyboard, lengths: Mapping[str, int]) -> Iterator[OverlapTooLong]:
    """Yield every transition that is longer than the shots it overlaps.

    *lengths* counts the frames of the shots whose length is known; a transition counts against the shot before it
    first, so that each is reported once.
    """
    output = storyboard.output
    shots = [shot for shot in storyboard.shots() if not shot.skip]
    given = overlaps(storyboard)
    taken: dict[str, int] = {}
    for before, shot in zip([None, *shots], shots, strict=False):
        asked = given[shot.id].before
        kind = shot.transition.type if before is not None else "fade in"
        left = {shot.id: lengths.get(shot.id)}
        if before is not None and before.id in lengths:
            left[before.id] = lengths[before.id] - taken.get(before.id, 0)
        known = {name: frames for name, frames in left.items() if frames is not None}
        short = min(known, key=known.__getitem__, default=shot.id)
        if asked and known and asked > known[short]:
            yield _overlap_problem(kind, shot.id if before is not None else "", short, asked, known[short], output)
        taken[shot.id] = min(asked, known[short]) if known else asked
    if shots and shots[-1].id in lengths:
        last, asked = shots[-1].id, given[shots[-1].id].after
        if asked > lengths[last] - taken[last]:
            yield _overlap_problem("fade out", "", last, asked, lengths[last] - taken[last], output)


def check_fits(shot: str, frames: int, overlap: TransitionOverlap, output: Output) -> None:
    """Raise ``TransitionTooLong`` if the transitions of *shot* need more than its *frames*."""
    asked = overlap.before + overlap.after
    if asked > frames:
        raise TransitionTooLong(_overlap_problem("both ends", shot, shot, asked, frames, output))


def _overlap_problem(kind: str, shot: str, short: str, asked: int, longest: int, output: Output) -> OverlapTooLong:
    return OverlapTooLong(kind, shot, short, seconds_of(asked, output.fps), seconds_of(longest, output.fps))


def split_shot(piece: PlacedShot, overlap: TransitionOverlap, take: ClipInfo | None) -> ShotRanges:
    """Return the ranges of *piece*. *take* is its clip if packets may be copied, else ``None``."""
    first, end = overlap.before, max(overlap.before, piece.frames - overlap.after)
    into, out = FrameRange(0, first), FrameRange(end, piece.frames)
    kept = None if take is None else copied_span(take, piece, FrameRange(first, end))
    if kept is None:
        return ShotRanges(into, FrameRange(first, first), FrameRange(first, end), FrameRange(end, end), out)
    return ShotRanges(into, FrameRange(first, kept.first), kept, FrameRange(kept.end, end), out, copied=True)


def copied_span(take: ClipInfo, piece: PlacedShot, wanted: FrameRange) -> FrameRange | None:
    """Return the longest part of *wanted* whose packets can be copied; ``None`` if there is none.

    It begins at a frame that no earlier frame is needed to decode, and ends where all decoded frames have been shown.
    """
    offset = first_frame(take, piece)
    first, last = offset + wanted.first, min(offset + wanted.end, take.frames)
    begin = next((frame for frame in take.copy_starts if frame >= first), None)
    if begin is None:
        return None
    end = last if take.in_order or last == take.frames else _last_copy_end(take, last)
    return FrameRange(begin - offset, end - offset) if end > begin else None


def first_frame(take: ClipInfo, piece: PlacedShot) -> int:
    """Return the frame of *take* that *piece* begins with; both have one rate."""
    return frames_in(piece.start, take.fps)


def _last_copy_end(take: ClipInfo, last: int) -> int:
    return next((end for end in reversed(take.copy_ends) if end <= last), 0)
