"""Everything that is made, and what it is made of: one graph of takes, frames, segments, the sound and the cut.

The order of a build is worked out here, since importing networkx takes longer than ordering ten thousand shots. What
leads where is for ``selection``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import heappop, heappush
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.model import WHOLE, FrameLink, Generated, Output, Shot, Storyboard, maker_of

CUT = "cut"
Kind = Literal["take", "frame", "segment", "sound", "cut"]


class Action(Struct, frozen=True):
    """One thing to be made. ``shot`` is empty for sounds and cuts; ``output`` names the film of a piece, sound or cut.

    ``at`` is the moment of a frame, or which piece of a shot a segment is: empty for its body, ``head`` or ``tail``
    for what cannot be copied with it, ``into`` for the transition from the shot before, ``fade_in``, ``fade_out``.
    ``seed`` is that of a take which is made beside the one in the cut, and ``None`` for everything else.
    """

    id: str
    kind: Kind
    shot: str = ""
    at: str = ""
    seed: int | None = None
    output: str = ""


def moment(at: str | Fraction) -> str:
    """A frame's place in a take as text: ``first``, ``last``, or seconds such as ``2.5`` or ``1/3``."""
    if isinstance(at, str):
        return at
    return str(float(at)) if Fraction(str(float(at))) == at else str(at)


def take_id(shot: str, seed: int | None = None) -> str:
    """The take of a shot that goes into the cut; with a *seed*, one that is made beside it to choose from."""
    return f"take:{shot}" if seed is None else f"take:{shot}#{seed}"


def frame_id(shot: str, at: str | Fraction) -> str:
    return f"frame:{shot}@{moment(at)}"


def segment_id(shot: str, output: str = "") -> str:
    return _in_film(f"segment:{shot}", output)


def piece_id(shot: str, part: str, output: str = "") -> str:
    """The id of one piece of a shot; its body is the segment itself."""
    return _in_film(f"{'transition' if part == 'into' else part or 'segment'}:{shot}", output)


def sound_id(output: str = "") -> str:
    return _in_film("sound", output)


def cut_id(output: str = "") -> str:
    """The id of a film; where there are several, its output's name goes with it."""
    return _in_film(CUT, output)


def _in_film(name: str, output: str) -> str:
    return f"{name}/{output}" if output else name


def links(shot: Shot) -> Iterator[tuple[str, FrameLink]]:
    """The frames that a shot takes from other shots, by field."""
    source = shot.source
    if isinstance(source, Generated):
        for field in ("first_frame", "last_frame"):
            frame = getattr(source, field)
            if isinstance(frame, FrameLink):
                yield field, frame


class Graph:
    """The actions of a storyboard in a stable order, with their inputs.

    Skipped shots are left out, unless a shot of the film takes a frame from them.
    """

    def __init__(self, storyboard: Storyboard) -> None:
        self.storyboard = storyboard
        self._inputs: dict[str, dict[str, None]] = {}
        self._users: dict[str, dict[str, None]] = {}
        self._actions: dict[str, Action] = {}
        self._shots = {shot.id: shot for shot in storyboard.shots()}
        self._shown = [shot for shot in self._shots.values() if not shot.skip]
        self._place = {shot.id: number for number, shot in enumerate(self._shown)}
        taken = self._add_takes()
        self.films = {film.output.name: film for film in storyboard.films()}
        self.pieces: list[Action] = []
        for film in self.films.values():
            self._add_pieces(film.output)
        self.cuts = [Action(cut_id(name), "cut", output=name) for name in self.films]
        for cut in self.cuts:
            self._add_sound(cut)
            self._add(cut)
        # takes and frames come first, whatever they are for; what is made of them stands in the order of the films
        self.order: list[Action] = taken + [*self._actions.values()][len(taken) :]

    def _add_takes(self) -> list[Action]:
        """Add the takes and the frames they need; gives them in order, as ``_in_order`` would.

        Where every shot starts from earlier ones, that is: the new frames of each shot, then its takes.
        """
        order: list[Action] = []
        is_forward = False
        for shot in self._needed():
            if maker_of(shot.source) is not None:
                takes, frames, forward = self._add_take(shot)
                is_forward |= forward
                order += frames
                order += takes
        return list(self._in_order()) if is_forward else order

    def _needed(self) -> list[Shot]:
        if len(self._shown) == len(self._shots):
            return self._shown
        wanted = [shot for shot in self._shots.values() if not shot.skip]
        seen = {shot.id for shot in wanted}
        for shot in wanted:
            for _, link in links(shot):
                if link.shot not in seen:
                    seen.add(link.shot)
                    wanted.append(self._shots[link.shot])
        return [shot for shot in self._shots.values() if shot.id in seen]

    def _add(self, action: Action, *inputs: str) -> None:
        self._actions[action.id] = action
        for name in inputs:
            self._connect(name, action.id)

    def _connect(self, source: str, user: str) -> None:
        for there, name, other in ((self._inputs, user, source), (self._users, source, user)):
            found = there.get(name)
            if found is None:
                there[name] = {other: None}
            else:
                found[other] = None

    def _in_order(self) -> Iterator[Action]:
        """The actions so far so that each comes after what it is made of, and else as they were added."""
        names, actions, users = list(self._actions), self._actions, self._users
        rank = {name: position for position, name in enumerate(names)}
        missing = {name: len(sources) for name, sources in self._inputs.items() if sources}
        ready = [position for position, name in enumerate(names) if name not in missing]  # a heap, since it is sorted
        while ready:
            name = names[heappop(ready)]
            yield actions[name]
            for user in users.get(name, ()):
                missing[user] -= 1
                if not missing[user]:
                    heappush(ready, rank[user])

    def _add_take(self, shot: Shot) -> tuple[list[Action], list[Action], bool]:
        """Add the takes of a shot and the frames they start from.

        Gives the takes, the frames that are new, and whether one is of a shot that has not been added before.
        """
        source, actions = shot.source, self._actions
        beside = source.beside if isinstance(source, Generated) and source.takes and not shot.skip else ()
        frames: list[Action] = []
        inputs: list[str] = []
        forward = False
        if isinstance(source, Generated):
            for link in (source.first_frame, source.last_frame):
                if not isinstance(link, FrameLink):
                    continue
                at, shown = moment(link.at), f"take:{link.shot}"
                name = f"frame:{link.shot}@{at}"
                forward |= shown not in actions
                inputs.append(name)
                if name not in actions:
                    frames.append(Action(name, "frame", link.shot, at))
                    actions[name] = frames[-1]
                    self._inputs[name] = {shown: None}
                    self._users.setdefault(shown, {})[name] = None
        takes = [Action(take_id(shot.id, seed), "take", shot.id, "", seed) for seed in (None, *beside)]
        for take in takes:
            actions[take.id] = take
            for name in inputs:
                self._connect(name, take.id)
        return takes, frames, forward

    def pieces_of(self, output: str) -> list[Action]:
        """The pieces of one film in its order."""
        return [piece for piece in self.pieces if piece.output == output]

    def _pieces(self, shot: Shot, output: Output) -> Iterator[Action]:
        """The pieces of *shot* in the order of the film."""
        first, last = shot is self._shown[0], shot is self._shown[-1]
        cut_in = bool(output.fade_in) if first else shot.transition.type != "cut"
        cut_out = bool(output.fade_out) if last else self._after(shot).transition.type != "cut"
        taken = maker_of(shot.source) is not None
        parts = {
            "fade_in" if first else "into": cut_in,
            "head": taken and (cut_in or bool(shot.trim.start)),
            "": True,
            "tail": taken and (cut_out or shot.trim.end is not None),
            "fade_out": last and cut_out,
        }
        there = (part for part, wanted in parts.items() if wanted)
        name = output.name
        return (Action(piece_id(shot.id, part, name), "segment", shot.id, part, output=name) for part in there)

    def _after(self, shot: Shot) -> Shot:
        return self._shown[self._place[shot.id] + 1]

    def before(self, shot_id: str) -> str:
        """The shot that *shot_id* follows in the film. Raises ``LookupError`` if it is the first."""
        if not self._place[shot_id]:
            raise LookupError(shot_id)
        return self._shown[self._place[shot_id] - 1].id

    def _add_pieces(self, output: Output) -> None:
        """The pieces of one film. Nearly all are the whole of one shot, which is what is quick here."""
        cut, actions = cut_id(output.name), self._actions
        before, after = [None, *self._shown], [*self._shown[1:], None]
        for earlier, shot, later in zip(before, self._shown, after, strict=False):
            if earlier is None or later is None or not _is_plain(shot) or later.transition.type != "cut":
                for piece in self._pieces(shot, output):
                    self._add_piece(piece)
                    self.pieces.append(piece)
                continue
            name, take = segment_id(shot.id, output.name), take_id(shot.id)
            piece = actions[name] = Action(name, "segment", shot.id, "", None, output.name)
            self.pieces.append(piece)
            if take in actions:
                self._inputs[name] = {take: None}
                self._users.setdefault(take, {})[name] = None
            self._users[name] = {cut: None}
        self._inputs.setdefault(cut, {}).update(
            (piece.id, None) for piece in self.pieces if piece.output == output.name
        )

    def _add_piece(self, piece: Action) -> None:
        shots = [self.before(piece.shot), piece.shot] if piece.at == "into" else [piece.shot]
        self._add(piece, *(take_id(shot) for shot in shots if take_id(shot) in self._actions))
        self._connect(piece.id, cut_id(piece.output))

    def _add_sound(self, cut: Action) -> None:
        """The sound of a film hangs on all takes, since it has to know how long each is."""
        takes = [shot for shot in self._shown if maker_of(shot.source) is not None]
        if self.storyboard.audio or any(shot.audio.keep for shot in takes):
            sound = Action(sound_id(cut.output), "sound", output=cut.output)
            self._add(sound, *(take_id(shot.id) for shot in takes))
            self._connect(sound.id, cut.id)

    def sound_of(self, output: str) -> Action | None:
        """The sound of a film, ``None`` if nothing in it can be heard."""
        return self._actions.get(sound_id(output))

    def action(self, name: str) -> Action:
        """The action of that id. Raises ``KeyError``."""
        return self._actions[name]

    def has(self, name: str) -> bool:
        """Whether there is an action of that id."""
        return name in self._actions

    def shot(self, shot_id: str) -> Shot:
        """The shot of that id. Raises ``KeyError``."""
        return self._shots[shot_id]

    def shot_of(self, action: Action) -> Shot:
        """The shot of *action*; for a take beside the one in the cut with the seed of that take."""
        shot = self._shots[action.shot]
        if action.seed is None or not isinstance(shot.source, Generated):
            return shot
        return replace(shot, source=replace(shot.source, seed=action.seed))

    def inputs(self, name: str) -> list[str]:
        """Ids of the actions that *name* is made of, in a stable order."""
        return list(self._inputs.get(name, ()))

    def users(self, name: str) -> list[str]:
        """Ids of the actions that are made of *name*."""
        return list(self._users.get(name, ()))

    def takes(self) -> list[Action]:
        """The takes in the cut, in their order; not those beside them."""
        return [action for action in self.order if action.kind == "take" and action.seed is None]


def _is_plain(shot: Shot) -> bool:
    """Whether nothing but a transition into the next shot could cut *shot* into several pieces."""
    return shot.transition.type == "cut" and (shot.trim is WHOLE or (shot.trim.start, shot.trim.end) == (None, None))
