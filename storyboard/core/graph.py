"""Graph of actions: every take, frame, segment, sound and cut of a storyboard, and what each is made of.

Orders a build without networkx, which takes longer to import than ten thousand shots take to order. ``selection``
follows links with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import heappop, heappush
from itertools import islice
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.model import PICTURE_FIELDS, WHOLE, Clip, FrameLink, Generated, Output, Shot, Storyboard, maker_of

CUT = "cut"
Kind = Literal["take", "frame", "segment", "sound", "cut"]


class Action(Struct, frozen=True):
    """One thing to make. ``shot`` is empty for sounds and cuts; ``output`` names the film of a segment, sound or cut.

    ``at`` is the moment of a frame, or which piece of a shot a segment is: empty for its body, ``head`` or ``tail`` for
    frames that cannot be copied with it, ``into`` for the transition from the shot before, ``fade_in``, ``fade_out``.
    ``seed`` is set for an alternate take. ``inputs`` are the ids of the actions it is made of, in a stable order.
    """

    id: str
    kind: Kind
    shot: str = ""
    at: str = ""
    seed: int | None = None
    output: str = ""
    inputs: tuple[str, ...] = ()


def moment(at: str | Fraction) -> str:
    """Return the moment of a frame as text: ``first``, ``last``, or seconds such as ``2.5`` or ``1/3``."""
    if isinstance(at, str):
        return at
    return str(float(at)) if Fraction(str(float(at))) == at else str(at)


def take_id(shot: str, seed: int | None = None) -> str:
    """Return the id of the take of a shot that goes into the cut; with a *seed*, that of an alternate take."""
    return f"take:{shot}" if seed is None else f"take:{shot}#{seed}"


def frame_id(shot: str, at: str | Fraction) -> str:
    """Return the id of a frame of the take of a shot."""
    return f"frame:{shot}@{moment(at)}"


def segment_id(shot: str, output: str = "") -> str:
    """Return the id of the segment that is the body of a shot."""
    return _in_film(f"segment:{shot}", output)


def piece_id(shot: str, part: str, output: str = "") -> str:
    """Return the id of one piece of a shot; the body is its segment."""
    return _in_film(f"{'transition' if part == 'into' else part or 'segment'}:{shot}", output)


def sound_id(output: str = "") -> str:
    """Return the id of the sound of a film."""
    return _in_film("sound", output)


def cut_id(output: str = "") -> str:
    """Return the id of a film; its output is part of the id where there are several."""
    return _in_film(CUT, output)


def _in_film(name: str, output: str) -> str:
    return f"{name}/{output}" if output else name


def links(shot: Shot) -> Iterator[tuple[str, FrameLink]]:
    """Yield the frames that a shot takes from other shots, by field."""
    source = shot.source
    if isinstance(source, Generated):
        for field in PICTURE_FIELDS:
            frame = getattr(source, field)
            if isinstance(frame, FrameLink):
                yield field, frame


class Graph:
    """Actions of a storyboard in a stable order: ``taken`` are takes and frames, ``joined`` those made of them.

    Skipped shots are left out, unless a shot of the film takes a frame of theirs.
    """

    def __init__(self, storyboard: Storyboard) -> None:
        self.storyboard = storyboard
        self._actions: dict[str, Action] = {}
        self._shots = {shot.id: shot for shot in storyboard.shots()}
        self._shown = [shot for shot in self._shots.values() if not shot.skip]
        self._place = {shot.id: number for number, shot in enumerate(self._shown)}
        # takes and frames of all films come first; what is made of them follows in the order of the films
        self.taken = self._add_takes()
        before = len(self._actions)
        self.films = {film.output.name: film for film in storyboard.films()}
        self.pieces: list[Action] = []
        joined = {name: self._add_pieces(film.output) for name, film in self.films.items()}
        self.cuts: list[Action] = []
        for name, pieces in joined.items():
            inputs = (*pieces, *self._add_sound(name))
            self.cuts.append(self._add(Action(cut_id(name), "cut", output=name, inputs=inputs)))
        self.joined = [*islice(self._actions.values(), before, None)]
        self.order = self.taken + self.joined

    def _add_takes(self) -> list[Action]:
        """Add the takes and the frames they need, and return them in the order of ``_in_order``.

        If every shot starts from earlier ones, that order is: the new frames of each shot, then its takes.
        """
        order: list[Action] = []
        is_forward = False
        for shot in self._needed():
            source = shot.source
            if isinstance(source, Generated):
                inputs, frames, forward = self._add_frames(source)
                is_forward |= forward
                order += frames
                order.append(self._add_take(shot, None, inputs))
                if source.takes and not shot.skip:
                    order += [self._add_take(shot, seed, inputs) for seed in source.alternate_seeds]
            elif isinstance(source, Clip):
                order.append(self._add_take(shot, None, ()))
        return list(self._in_order()) if is_forward else order

    def _needed(self) -> list[Shot]:
        """Return the shots of the film and those whose frames they take."""
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

    def _add(self, action: Action) -> Action:
        self._actions[action.id] = action
        return action

    def _in_order(self) -> Iterator[Action]:
        """Yield the actions added so far, inputs first and otherwise in the order of their addition."""
        names, actions = list(self._actions), self._actions
        users: dict[str, list[str]] = {}
        for action in actions.values():
            for source in action.inputs:
                users.setdefault(source, []).append(action.id)
        rank = {name: position for position, name in enumerate(names)}
        missing = {name: len(action.inputs) for name, action in actions.items() if action.inputs}
        ready = [position for position, name in enumerate(names) if name not in missing]  # sorted, and so a heap
        while ready:
            name = names[heappop(ready)]
            yield actions[name]
            for user in users.get(name, ()):
                missing[user] -= 1
                if not missing[user]:
                    heappush(ready, rank[user])

    def _add_take(self, shot: Shot, seed: int | None, inputs: tuple[str, ...]) -> Action:
        name = f"take:{shot.id}" if seed is None else take_id(shot.id, seed)
        take = self._actions[name] = Action(name, "take", shot.id, "", seed, "", inputs)
        return take

    def _add_frames(self, source: Generated) -> tuple[tuple[str, ...], list[Action], bool]:
        """Add the frames that *source* starts from.

        Returns all their ids, the new ones, and whether one is of a shot that has not been added.
        """
        names: tuple[str, ...] = ()
        new: list[Action] = []
        forward = False
        for link in (source.first_frame, source.last_frame):
            if not isinstance(link, FrameLink):
                continue
            at, shown = moment(link.at), f"take:{link.shot}"
            name = f"frame:{link.shot}@{at}"
            forward |= shown not in self._actions
            if name not in names:
                names += (name,)
            if name not in self._actions:
                new.append(self._add(Action(name, "frame", link.shot, at, inputs=(shown,))))
        return names, new, forward

    def pieces_of(self, output: str) -> list[Action]:
        """Return the pieces of one film in its order."""
        return [piece for piece in self.pieces if piece.output == output]

    def _pieces(self, shot: Shot, output: Output) -> Iterator[Action]:
        """Yield the pieces of *shot* in the order of the film."""
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
        for part in there:
            shots = [self.before(shot.id), shot.id] if part == "into" else [shot.id]
            takes = tuple(take for take in map(take_id, shots) if take in self._actions)
            yield Action(piece_id(shot.id, part, name), "segment", shot.id, part, None, name, takes)

    def _after(self, shot: Shot) -> Shot:
        return self._shown[self._place[shot.id] + 1]

    def before(self, shot_id: str) -> str:
        """Return the shot before *shot_id* in the film. Raises ``LookupError`` if it is the first."""
        if not self._place[shot_id]:
            raise LookupError(shot_id)
        return self._shown[self._place[shot_id] - 1].id

    def _add_pieces(self, output: Output) -> tuple[str, ...]:
        """Add the pieces of one film and return their ids.

        Nearly all shots are one whole piece, which has its own, faster branch.
        """
        actions = self._actions
        suffix = f"/{output.name}" if output.name else ""
        cuts_out = [shot.transition.type == "cut" for shot in self._shown[1:]] + [False]
        pieces: list[Action] = []
        for shot, cut_in, cut_out in zip(self._shown, [False, *cuts_out], cuts_out, strict=False):
            if not (cut_in and cut_out) or _is_trimmed(shot):
                pieces += map(self._add, self._pieces(shot, output))
                continue
            name, take = f"segment:{shot.id}{suffix}", f"take:{shot.id}"
            inputs = (take,) if take in actions else ()
            piece = actions[name] = Action(name, "segment", shot.id, "", None, output.name, inputs)
            pieces.append(piece)
        self.pieces += pieces
        return tuple(piece.id for piece in pieces)

    def _add_sound(self, output: str) -> tuple[str, ...]:
        """Add the sound of a film, if it has one, and return its id.

        The sound depends on all takes, since their lengths place every sound after them.
        """
        takes = [shot for shot in self._shown if isinstance(shot.source, Generated | Clip)]
        if not self.storyboard.audio and not any(shot.audio.keep for shot in takes):
            return ()
        inputs = tuple(f"take:{shot.id}" for shot in takes)
        return (self._add(Action(sound_id(output), "sound", output=output, inputs=inputs)).id,)

    def sound_of(self, output: str) -> Action | None:
        """Return the sound of a film, ``None`` if the film is silent."""
        return self._actions.get(sound_id(output))

    def action(self, name: str) -> Action:
        """Return the action of that id. Raises ``KeyError``."""
        return self._actions[name]

    def find(self, name: str) -> Action | None:
        """Return the action of that id, if there is one."""
        return self._actions.get(name)

    def has(self, name: str) -> bool:
        """Return whether there is an action of that id."""
        return name in self._actions

    def shot(self, shot_id: str) -> Shot:
        """Return the shot of that id. Raises ``KeyError``."""
        return self._shots[shot_id]

    def shot_of(self, action: Action) -> Shot:
        """Return the shot of *action*; of an alternate take, with its seed."""
        shot = self._shots[action.shot]
        if action.seed is None or not isinstance(shot.source, Generated):
            return shot
        return replace(shot, source=replace(shot.source, seed=action.seed))

    def takes(self) -> list[Action]:
        """Return the takes in the cut, in their order, without alternate takes."""
        return [action for action in self.order if action.kind == "take" and action.seed is None]


def _is_trimmed(shot: Shot) -> bool:
    return shot.trim is not WHOLE and (shot.trim.start, shot.trim.end) != (None, None)
