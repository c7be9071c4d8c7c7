"""Fill of a film: a storyboard in which every shot without a take is drawn, shown as a card, or left out.

It costs nothing, so a film can be judged at any moment. Shots with a take keep it, whatever they are linked to: they
lose their links here, since no request of theirs is sent, and the planner pins their takes.
"""

from collections.abc import Collection
from fractions import Fraction
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.model import (
    DEFAULT_PROVIDER,
    NORMAL,
    PICTURE_FIELDS,
    Clip,
    FrameInput,
    FrameLink,
    Generated,
    Shot,
    Storyboard,
    TitleCard,
    UrlInput,
)
from storyboard.core.timeline import asked_length, has_unknown_length

FillStyle = Literal["animatic", "panels", "slate", "none"]
FILL_STYLES: tuple[FillStyle, ...] = get_args(FillStyle)
_DRAWN: tuple[FillStyle, ...] = ("animatic", "panels")
# Length of the card for footage of unknown length.
_UNKNOWN_S = Fraction(4)
_BACKGROUND, _COLOR = "#181a1e", "#eceef0"


class Fill(Struct, frozen=True):
    """Stand-ins of a film: its *missing* shots with the style of each, and the *kept* shots, with an earlier take.

    The request of the *kept* shots has changed since their take was made.
    """

    missing: dict[str, FillStyle] = {}
    kept: frozenset[str] = frozenset()

    def shots(self, style: FillStyle) -> list[str]:
        """Return the missing shots that are filled in *style*."""
        return [shot for shot, own in self.missing.items() if own == style]

    def and_then(self, later: "Fill") -> "Fill":
        """Return both fills together; where both have a shot, the later one counts."""
        return Fill(self.missing | later.missing, self.kept | later.kept)


def fill_of(storyboard: Storyboard, style: FillStyle, gone: Collection[str], kept: Collection[str]) -> Fill:
    """Return the stand-ins for the shots *gone*: of footage, which cannot be drawn, a card."""
    missing: dict[str, FillStyle] = {}
    for shot in storyboard.shots():
        if shot.id in gone:
            is_possible = style not in _DRAWN or isinstance(shot.source, Generated)
            missing[shot.id] = style if is_possible else "slate"
    return Fill(missing, frozenset(kept))


def filled(
    storyboard: Storyboard, fill: Fill, known: Collection[str], outputs: Collection[str] | None = None
) -> Storyboard:
    """Return *storyboard* with its missing shots filled; *known* are the input files and addresses that are there.

    With *outputs* only the films of these names are kept. A film in which a shot is missing or kept is a draft.
    """
    shots = {shot.id: shot for shot in storyboard.shots()}
    without_take = {name for name, style in fill.missing.items() if style not in _DRAWN}
    is_draft = bool(fill.kept) or any(not shots[name].skip for name in fill.missing)
    made = [
        replace(output, is_draft=output.is_draft or is_draft)
        for output in storyboard.outputs
        if outputs is None or output.name in outputs
    ]
    # a caption in the pictures would lie on the text of a card
    with_captions = all(output.captions != "burn" for output in made)

    def fill_shot(shot: Shot) -> Shot:
        return _filled_shot(shot, fill, known, without_take, with_captions=with_captions)

    scenes = tuple(replace(scene, shots=tuple(map(fill_shot, scene.shots))) for scene in storyboard.scenes)
    first, more = made[0], tuple(made[1:])
    return replace(storyboard, scenes=scenes, output=first, more=more)


def _filled_shot(
    shot: Shot, fill: Fill, known: Collection[str], without_take: Collection[str], *, with_captions: bool
) -> Shot:
    style, source = fill.missing.get(shot.id), shot.source
    if style == "none":
        return replace(_without_links(shot), skip=True)
    if style == "slate":
        return _card(shot, with_captions=with_captions)
    if style is None or not isinstance(source, Generated):
        return _without_links(shot)
    if style == "panels":
        source = source.as_panel()
    frames = {field: _usable(getattr(source, field), known, without_take) for field in PICTURE_FIELDS}
    return replace(shot, source=replace(source, provider=DEFAULT_PROVIDER, takes=(), **frames))


def _usable(frame: FrameInput | None, known: Collection[str], without_take: Collection[str]) -> FrameInput | None:
    """Return *frame* unless it is not there: a picture that was not downloaded, a frame of a shot without a take."""
    match frame:
        case UrlInput(url) if url not in known:
            return None
        case FrameLink(name) if name in without_take:
            return None
    return frame


def _without_links(shot: Shot) -> Shot:
    """Return a shot that needs no input: its take is there, and no alternate take is made."""
    source = shot.source
    if not isinstance(source, Generated):
        return shot
    return replace(shot, source=replace(source, first_frame=None, last_frame=None, takes=()))


def _card(shot: Shot, *, with_captions: bool) -> Shot:
    """Return the shot as a card of its length with its prompt, of footage with its name."""
    source, name = shot.source, shot.title or shot.id
    if isinstance(source, TitleCard):
        return shot
    text, subtitle = (source.prompt, name) if isinstance(source, Generated) else (name, None)
    if isinstance(source, Clip):
        subtitle = source.file.path
    length = _UNKNOWN_S if has_unknown_length(shot) else asked_length(shot)
    card = TitleCard(text, length, subtitle, _COLOR, _BACKGROUND, "left")
    speed = NORMAL if has_unknown_length(shot) else shot.speed
    return replace(shot, source=card, speed=speed, caption=shot.caption if with_captions else ())
