"""Segments of one film: for each piece of a shot a range to copy, a specification to render, or nothing.

Uses the takes that exist to find which frames of each shot go where, and the captions and chapters of the film. The
planner finds out whether a segment is in the cache.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from msgspec import Struct

from storyboard.core.captions import Cue, film_cues, shot_cues
from storyboard.core.graph import Action, Graph
from storyboard.core.keys import wants_slate
from storyboard.core.model import Clip, Generated, Shot, Still, TitleCard
from storyboard.core.plan import Drawing, TakeResult
from storyboard.core.ranges import (
    FrameRange,
    ShotRanges,
    TransitionOverlap,
    check_fits,
    copied_span,
    first_frame,
    overlaps,
    split_shot,
)
from storyboard.core.reason import CopyBlocker
from storyboard.core.render_spec import (
    Captioned,
    FindFonts,
    Footage,
    FoundFont,
    FoundFonts,
    Layer,
    Mix,
    Photo,
    Plain,
    RenderSpec,
    Slated,
    Title,
    fits_slate,
)
from storyboard.core.timebase import frames_in
from storyboard.core.timeline import (
    PlacedShot,
    TrimOutOfRange,
    common_parameter_sets,
    place_shot,
    take_copy_blocker,
    timeline,
    total_frames,
)


class CopyRange(Struct, frozen=True):
    """*frames* packets of the clip *digest* from frame *start*, copied unchanged; empty without frames."""

    digest: str = ""
    frames: int = 0
    start: int = 0


class Chapter(Struct, frozen=True):
    """A chapter of the film: title and frames, the last one exclusive."""

    title: str
    first: int
    end: int


class Segments:
    """Segments of the film *output*. *take* returns the take of a shot if it exists; *files* are digests by path.

    *fonts* finds the fonts of this machine for a text.

    Takes vote, each with the frames that could be copied of it, for the parameter sets that all copied packets have.
    """

    def __init__(
        self,
        graph: Graph,
        take: Callable[[str], TakeResult | None],
        files: Mapping[str, str],
        output: str = "",
        fonts: FindFonts = lambda *_: None,
    ) -> None:
        self._graph = graph
        self._find_fonts: FindFonts = fonts
        self._take = take
        self._files = files
        self._film = graph.films[output]
        self._output = self._film.output
        self._overlaps = overlaps(self._film)
        self._votes_by_sets: Counter[str] = Counter()
        self._votes: dict[str, int] = {}
        self._pieces: dict[str, tuple[TakeResult | None, PlacedShot]] = {}
        self._shot_blockers: dict[str, tuple[TakeResult | None, CopyBlocker | None]] = {}

    def vote(self, shot: str) -> None:
        """Count the vote of the take of *shot*, which now exists, for its parameter sets."""
        take = self._take(shot)
        if take is None or shot in self._votes or self.shot_copy_blocker(shot) is not None:
            return
        piece = self.piece(shot)
        overlap = self._overlaps[shot]
        kept = copied_span(take.info, piece, FrameRange(overlap.before, piece.frames - overlap.after))
        self._votes[shot] = kept.frames if kept is not None else 0
        self._votes_by_sets[take.info.parameter_sets] += self._votes[shot]

    def votes(self, shot: str) -> int:
        """Return with how many frames *shot* has voted; -1 if it has no vote."""
        return self._votes.get(shot, -1)

    def restore_votes(self, takes: Iterable[tuple[str, str, int]]) -> None:
        """Count votes of an earlier plan: shots, parameter sets, frames; -1 frames are no vote."""
        for shot, parameter_sets, frames in takes:
            if frames >= 0 and shot not in self._votes:
                self._votes[shot] = frames
                self._votes_by_sets[parameter_sets] += frames

    def common_parameter_sets(self) -> str:
        """Return the parameter sets with the most votes, which copied packets must have."""
        return common_parameter_sets(self._votes_by_sets)

    def shot_copy_blocker(self, shot: str) -> CopyBlocker | None:
        """Return why no packet of the take of *shot* can be copied, whatever other takes there are."""
        take = self._take(shot)
        known = self._shot_blockers.get(shot)
        if known is None or known[0] is not take:
            known = self._shot_blockers[shot] = (take, self._find_shot_blocker(shot, take))
        return known[1]

    def _find_shot_blocker(self, shot: str, take: TakeResult | None) -> CopyBlocker | None:
        found = self._graph.shot(shot)
        if isinstance(found.source, TitleCard | Still):
            return CopyBlocker("card" if isinstance(found.source, TitleCard) else "still")
        if take is None:
            return CopyBlocker("no-take")
        if self._output.copy == "never":
            return CopyBlocker("never")
        try:
            piece = self.piece(shot)
        except TrimOutOfRange:
            return CopyBlocker("trim-overrun")
        blocker = take_copy_blocker(take.info, self._output, found.speed)
        overlap = self._overlaps.get(shot, TransitionOverlap())
        own = FrameRange(overlap.before, piece.frames - overlap.after)
        if blocker is None and self._burnt_cues(shot, own):
            return CopyBlocker("caption")
        if blocker is None and self._has_slate(found, take):
            return CopyBlocker("slate")
        if blocker is None and own.frames and copied_span(take.info, piece, own) is None:
            return CopyBlocker("no-keyframe" if overlap.before else "trimmed")
        return blocker

    def copy_blocker(self, shot: str) -> CopyBlocker | None:
        """Return why the take of *shot* is encoded for the film; ``None`` if packets of it can be copied."""
        blocker = self.shot_copy_blocker(shot)
        take = self._take(shot)
        if blocker is None and take is not None and take.info.parameter_sets != self.common_parameter_sets():
            return CopyBlocker("other-parameter-sets")
        return blocker

    def piece(self, shot: str) -> PlacedShot:
        """Return the place of *shot* in the film, by the real length of its take if that exists.

        Raises ``TrimOutOfRange``.
        """
        take = self._take(shot)
        known = self._pieces.get(shot)
        if known is None or known[0] is not take:
            piece = place_shot(self._graph.shot(shot), 0, self._output, take.info if take is not None else None)
            known = self._pieces[shot] = (take, piece)
        return known[1]

    def shot_ranges(self, shot: str) -> ShotRanges:
        """Return the ranges of *shot*. Raises ``TrimOutOfRange`` and ``TransitionTooLong``."""
        piece = self.piece(shot)
        check_fits(shot, piece.frames, self._overlaps[shot], self._output)
        take = self._take(shot)
        copied = take.info if take is not None and self.copy_blocker(shot) is None else None
        return split_shot(piece, self._overlaps[shot], copied)

    def content(self, action: Action) -> CopyRange | RenderSpec:
        """Return what the piece *action* consists of. The takes behind it must exist.

        Raises ``LookupError``, ``TrimOutOfRange`` and ``TransitionTooLong``.
        """
        shared = self.shot_ranges(action.shot)
        take = self._take(action.shot)
        if action.at in ("into", "fade_in", "fade_out"):
            return self._mix(action, shared)
        if action.at == "" and shared.copied and take is not None:
            offset = first_frame(take.info, self.piece(action.shot))
            return CopyRange(take.digest, shared.body.frames, offset + shared.body.first)
        span = {"": shared.body, "head": shared.head, "tail": shared.tail}[action.at]
        return self._layer(action.shot, span) if span.frames else CopyRange()

    def piece_copy_blocker(self, action: Action) -> CopyBlocker:
        """Return why a piece is encoded."""
        match action.at:
            case "into":
                return CopyBlocker("transition", self._graph.shot(action.shot).transition.type)
            case "fade_in" | "fade_out":
                return CopyBlocker("transition", action.at)
            case "head" | "tail":
                return CopyBlocker(action.at)
        return self.copy_blocker(action.shot) or CopyBlocker("nothing")

    def _mix(self, action: Action, shared: ShotRanges) -> RenderSpec:
        transition = self._graph.shot(action.shot).transition
        if action.at == "fade_out":
            return Mix("fade_out", shared.out.frames, self._layer(action.shot, shared.out), None)
        after = self._layer(action.shot, shared.into)
        if action.at == "fade_in":
            return Mix("fade_in", shared.into.frames, None, after)
        earlier = self._graph.before(action.shot)
        before = self._layer(earlier, self.shot_ranges(earlier).out)
        kind = transition.type
        if kind == "cut":
            raise ValueError(f"{action.id} is a cut, which has no frames")
        return Mix(kind, shared.into.frames, before, after, transition.direction, transition.color)

    def film_cues(self) -> list[Cue]:
        """Return the captions of the film in its frames, for captions in a file of their own or in a stream.

        Raises ``TrimOutOfRange``.
        """
        if self._output.captions not in ("sidecar", "stream"):
            return []
        shots = {shot.id: shot for shot in self._film.shots()}
        if not any(shot.caption for shot in shots.values()):
            return []
        return film_cues(shots, self.timeline(), self._output.fps)

    def chapters(self) -> list[Chapter]:
        """Return a chapter for each scene in the film, if its output asks for chapters. Raises ``TrimOutOfRange``."""
        if not self._output.chapters:
            return []
        pieces = self.timeline()
        titles = {scene.id: scene.title or scene.id for scene in self._film.scenes}
        starts: dict[str, int] = {}
        for piece in pieces:
            starts.setdefault(self._graph.shot(piece.shot).scene, piece.at)
        ends = [*list(starts.values())[1:], total_frames(pieces)]
        return [Chapter(titles[name], first, end) for (name, first), end in zip(starts.items(), ends, strict=True)]

    def timeline(self) -> list[PlacedShot]:
        """Return every shot in its place, by the takes that exist. Raises ``TrimOutOfRange``."""
        takes = {shot.id: take.info for shot in self._film.shots() if (take := self._take(shot.id)) is not None}
        return timeline(self._film, takes, {name: overlap.before for name, overlap in self._overlaps.items()})

    def _burnt_cues(self, shot: str, span: FrameRange) -> tuple[Cue, ...]:
        """Return the captions to burn into those frames of *shot*."""
        if self._output.captions != "burn":
            return ()
        cues = shot_cues(self._graph.shot(shot), self.piece(shot), self._output.fps)
        return tuple(cue for found in cues if (cue := found.within(span.first, span.end)) is not None)

    def _layer(self, name: str, span: FrameRange) -> Layer:
        plain: Plain | Slated = self._plain_layer(name, span)
        shot, take, cues = self._graph.shot(name), self._take(name), self._burnt_cues(name, span)
        font = self._font
        if isinstance(plain, Footage) and take is not None and take.drawing is not None and self._has_slate(shot, take):
            drawing = take.drawing
            found = self._found(_slate_text(name, drawing), None, font)
            plain = Slated(plain, name, drawing.seed, drawing.prompt, found, drawing.is_panel)
        if not cues:
            return plain
        found = self._found("\n".join(cue.text for cue in cues), font)
        return Captioned(plain, cues, self._files[font] if font is not None else None, font or "", found)

    @property
    def _font(self) -> str | None:
        return self._output.font.path if self._output.font is not None else None

    def found_fonts(self, name: str) -> tuple[FoundFont, ...]:
        """Return the fonts that draw letters of a shot, its slate and its captions which their own fonts lack."""
        shot, take = self._graph.shot(name), self._take(name)
        found: list[FoundFonts] = []
        if isinstance(shot.source, TitleCard):
            card = shot.source
            found.append(self._found(_card_text(card), card.font.path if card.font is not None else None))
        if take is not None and take.drawing is not None and self._has_slate(shot, take):
            found.append(self._found(_slate_text(name, take.drawing), None, self._font))
        if shot.caption and self._output.captions == "burn":
            found.append(self._found("\n".join(caption.text for caption in shot.caption), self._font))
        return tuple(dict.fromkeys(font for fonts in found for font in fonts or ()))

    def _found(self, text: str, font: str | None, other: str | None = None) -> FoundFonts:
        return self._find_fonts(text, font, other, self._output.language)

    def is_slated(self, shot: str) -> bool:
        """Return whether the take of *shot* exists and is shown with a slate, which has the id of the shot."""
        take = self._take(shot)
        return take is not None and self._has_slate(self._graph.shot(shot), take)

    def _has_slate(self, shot: Shot, take: TakeResult) -> bool:
        """Return whether the frames of *shot* are shown with a slate."""
        wanted = isinstance(shot.source, Generated) and wants_slate(shot.source.params)
        return wanted and take.drawing is not None and self._output.slate and fits_slate(self._output.size)

    def _plain_layer(self, name: str, span: FrameRange) -> Plain:
        shot = self._graph.shot(name)
        match shot.source:
            case Generated() | Clip():
                return self._footage_layer(shot, span)
            case Still():
                return self._photo_layer(shot, shot.source, span)
            case TitleCard():
                return self._title_layer(shot.source, span)

    def _footage_layer(self, shot: Shot, span: FrameRange) -> Footage:
        take = self._take(shot.id)
        if take is None:
            raise LookupError(f"the take of {shot.id} is not there")
        start = self.piece(shot.id).start + span.first * shot.speed / self._output.fps
        return Footage(take.digest, start, span.frames, shot.speed, shot.fit or self._output.fit)

    def _photo_layer(self, shot: Shot, still: Still, span: FrameRange) -> Photo:
        rate = self._output.fps / shot.speed
        first = frames_in(shot.trim.start or Fraction(0), rate) + span.first
        shown = max(1, frames_in(still.duration, rate))
        picture, fit = self._files[still.file.path], shot.fit or self._output.fit
        return Photo(picture, still.move, first, span.frames, shown, still.file.path, fit)

    def _title_layer(self, card: TitleCard, span: FrameRange) -> Title:
        font = card.font.path if card.font is not None else None
        digest = self._files[font] if font is not None else None
        looks = (card.text, card.subtitle, card.color, card.background, card.align, digest)
        found = self._found(_card_text(card), font)
        return Title(*looks, span.frames, font or "", found)


def _card_text(card: TitleCard) -> str:
    return "\n".join((card.text, card.subtitle or ""))


def _slate_text(shot: str, drawing: Drawing) -> str:
    return f"{shot} {drawing.prompt}"
