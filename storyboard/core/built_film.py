"""A film as a build has made it, in terms of the storyboard, and the terms in which it differs now.

Pieces, sounds and films are keyed by requests of the renderer: digests, frames, samples. Their reasons are stated in
the fields that authors write, such as ``trim.end``. Terms are sparse: a field with its default value is left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.audio import MIXER_VERSION
from storyboard.core.compare import output_settings, track_fields
from storyboard.core.graph import Action
from storyboard.core.keys import DRAWN_FIELDS, wants_slate
from storyboard.core.model import (
    WHOLE,
    Audio,
    Caption,
    Clip,
    FileInput,
    Generated,
    Json,
    Shot,
    Still,
    Storyboard,
    TitleCard,
    Track,
    Transition,
)
from storyboard.core.plan import SegmentResult, Step
from storyboard.core.reason import Change, Earlier, Reason
from storyboard.core.render_spec import SLATE_VERSION, FoundFont
from storyboard.core.segments import Segments
from storyboard.core.timebase import plain_number

Terms = dict[str, Json]

_AUDIO = Audio()
# Settings of an output that decide pictures.
_PICTURE_SETTINGS = ("size", "fps", "crf", "preset", "copy", "fit", "captions", "font", "slate")
_OVERLAP = ("transition.type", "transition.duration")
_TRANSITION = (*_OVERLAP, "transition.direction", "transition.color")
# Groups of terms of a shot that decide none of its own pictures.
_NO_PICTURE = ("transition", "audio", "scene")
# Terms of the film, and of a shot, that decide samples: its sound, and the place of all sounds after it.
_SOUND_TERMS = (
    *("output.fps", "output.loudness", "output.fade_in", "output.fade_out"),
    *("renderer.av", "renderer.mixer"),
)
_HEARD = ("take", "seed", "clip", "trim.", "speed", "audio.", *_OVERLAP, "card.duration", "image.duration")
# The last resort: the parameter sets of most takes, which decide whether a take is copied.
_SETS = "parameter sets of most takes"
# Digits of a key or digest in a mark, which is only compared.
_MARK_DIGITS = 16
_COPY = "copy:"


class BuiltFilm(Struct, frozen=True):
    """The terms of a film, of its tracks and of its shown shots in order; and a mark for the result of each action.

    The terms of a shot include the digest of its take. ``form`` is raised if terms get other names.
    """

    terms: Terms
    tracks: dict[str, Terms]
    shots: dict[str, Terms]
    marks: dict[str, str]
    form: Literal[1] = 1


def result_mark(step: Step) -> str:
    """Return a mark of what a piece or a sound consists of; empty for a piece without frames."""
    result = step.result
    if isinstance(result, SegmentResult) and (result.copied or not result.frames):
        return f"{_COPY}{result.digest[:_MARK_DIGITS]}:{result.start}:{result.frames}" if result.frames else ""
    return (step.key or "")[:_MARK_DIGITS]


class FilmTerms:
    """The terms of a film of one output as it is now, worked out when they are asked for.

    *files* are digests by path, *take* returns the digest of the take of a shot if it exists, *segments* are those of
    the film.
    """

    def __init__(
        self,
        film: Storyboard,
        files: Mapping[str, str],
        renderer: Mapping[str, Json],
        take: Callable[[str], str | None],
        segments: Segments,
    ) -> None:
        self._film = film
        self._files = files
        self._renderer = renderer
        self.take = take
        self._segments = segments
        self._shown = {shot.id: shot for shot in film.shots() if not shot.skip}

    @cached_property
    def order(self) -> list[str]:
        """The shown shots in order."""
        return list(self._shown)

    @cached_property
    def film(self) -> Terms:
        """Terms of the whole film: title, output, scenes and renderer."""
        film, output = self._film, output_settings(self._film.output, self._files)
        terms: Terms = {f"output.{name}": value for name, value in output.items() if name not in _PATHS}
        terms |= {"title": film.title} if film.title is not None else {}
        if "font content" in output:
            terms["output.font"] = output["font content"]
        if film.output.chapters:
            scenes = {self._shown[shot].scene for shot in self.order}
            terms |= {f"title of scene {one.id}": one.title or one.id for one in film.scenes if one.id in scenes}
        versions = {**self._renderer, "mixer": MIXER_VERSION, "slate": SLATE_VERSION}
        return terms | {f"renderer.{name}": version for name, version in versions.items()}

    @property
    def parameter_sets(self) -> str:
        """A short form of the parameter sets of most takes."""
        return self._segments.common_parameter_sets()[:_MARK_DIGITS]

    @cached_property
    def tracks(self) -> dict[str, Terms]:
        """Terms of each track by the path of its file, numbered where a path repeats."""
        found: dict[str, Terms] = {}
        for track in self._film.audio:
            path, number = track.file.path, 1
            name = path
            while name in found:
                number += 1
                name = f"{path} ({number})"
            found[name] = _track_terms(track, self._files)
        return found

    def has(self, shot: str) -> bool:
        """Return whether *shot* is in the film."""
        return shot in self._shown

    def shot(self, shot: str) -> Terms:
        """Return the terms of a shown shot; without those of its take while the take is missing."""
        found = self._shown[shot]
        terms = _use_terms(found) | self._source_terms(found)
        fonts = self._segments.found_fonts(shot)
        terms |= {"fonts": ", ".join(map(_font_name, fonts))} if fonts else {}
        return terms | ({"scene": found.scene} if self._film.output.chapters else {})

    def _source_terms(self, shot: Shot) -> Terms:
        """Return the terms of the source of a shot; of a generated one, its take and the seed of that."""
        match shot.source:
            case Generated() as source:
                take = self.take(shot.id)
                terms: Terms = {} if take is None else {"take": take, "seed": source.seed}
                terms |= {} if wants_slate(source.params) else {"params.slate": False}
                return terms | ({"id": shot.id} if self._segments.is_slated(shot.id) else {})
            case Clip(file):
                return {"clip": self._content(file)}
            case Still(file, duration, move):
                terms = {"image": self._content(file), "image.duration": plain_number(duration)}
                return terms | ({"image.move": move} if move != "none" else {})
            case TitleCard() as card:
                looks: Terms = {name: getattr(card, name) for name in _LOOKS}
                looks |= {"duration": plain_number(card.duration)}
                looks |= {"font": self._content(card.font)} if card.font is not None else {}
                return {f"card.{name}": value for name, value in looks.items() if value is not None}

    def _content(self, file: FileInput) -> str:
        return f"file:{self._files.get(file.path, '')}"

    def lacks_take(self, shot: str) -> bool:
        """Return whether *shot* is generated and its take does not exist yet."""
        return isinstance(self._shown[shot].source, Generated) and self.take(shot) is None

    def built(self, steps: Mapping[str, Step]) -> BuiltFilm:
        """Return the film as a value; *steps* are those of its pieces and its sound, with their results, by action."""
        shots = {shot: self.shot(shot) for shot in self.order}
        marks = {name: result_mark(step) for name, step in steps.items()}
        return BuiltFilm({**self.film, _SETS: self.parameter_sets}, self.tracks, shots, marks)


_LOOKS = ("text", "subtitle", "color", "background", "align")
_PATHS = frozenset(("file", "name", "font", "font content", "is_draft"))


def _font_name(font: FoundFont) -> str:
    name = font.file.replace("\\", "/").rpartition("/")[2]
    return f"{name} {font.digest[:12]}"


def _track_terms(track: Track, files: Mapping[str, str]) -> Terms:
    said, usual = track_fields(track, files), track_fields(Track(track.file), {})
    terms = {name: value for name, value in said.items() if value != usual.get(name)}
    if "file content" in terms:
        terms["file"] = terms.pop("file content")
    return terms


def _use_terms(shot: Shot) -> Terms:
    """Return the terms of the use of a shot in the cut."""
    terms: Terms = {}
    if shot.trim is not WHOLE and shot.trim != WHOLE:
        sides = {"trim.start": shot.trim.start, "trim.end": shot.trim.end}
        terms |= {name: plain_number(second) for name, second in sides.items() if second is not None}
    if shot.speed != 1:
        terms["speed"] = plain_number(shot.speed)
    if shot.fit is not None:
        terms["fit"] = shot.fit
    if shot.transition.type != "cut":
        terms |= _transition_terms(shot.transition)
    for number, caption in enumerate(shot.caption, 1):
        terms |= _caption_terms(caption, "caption" if number == 1 else f"caption {number}")
    if shot.audio != _AUDIO:
        terms |= {"audio.mode": "mute"} if not shot.audio.keep else {}
        terms |= {"audio.gain": plain_number(shot.audio.gain)} if shot.audio.gain else {}
    return terms


def _transition_terms(transition: Transition) -> Terms:
    terms: Terms = {"transition.type": transition.type, "transition.duration": plain_number(transition.duration)}
    if transition.type in ("wipe", "slide"):
        terms["transition.direction"] = transition.direction
    return terms | ({"transition.color": transition.color} if transition.type == "fade" else {})


def _caption_terms(caption: Caption, name: str) -> Terms:
    times = {f"{name}.start": caption.start, f"{name}.end": caption.end}
    return {name: caption.text} | {name: plain_number(second) for name, second in times.items() if second is not None}


class FilmChanges:
    """Reasons of the steps of one film by its differences from *before*, the film that was built last."""

    def __init__(self, before: BuiltFilm, now: FilmTerms) -> None:
        self._before = _with_new_names(before, now)
        self._now = now
        self._shots: dict[str, tuple[str | None, list[Change]]] = {}
        self._changed: set[str] = set()  # shots with a piece that differs

    def explain(self, step: Step) -> Step:
        """Return *step* with the changes since the last build in its reason; as it is if nothing has changed.

        Of the steps of takes only imports of footage are explained, and drawings of which more is seen:
        ``take_planner`` has the reasons of the others.
        """
        if step.action.kind == "cut":
            # a film that waits for its pieces is explained by those that differ; to compare every shot takes longer
            is_whole, order = step.do == "make", self._now.order
            return _with(step, self._film(order if is_whole else [shot for shot in order if shot in self._changed]))
        if step.action.kind == "take":
            return self._explain_take(step)
        was = self._before.marks.get(step.action.id)
        if was == result_mark(step):
            return self._missing(step) if step.do == "make" else step
        if step.action.kind == "sound":
            return _with(step, self._sound())
        self._changed.add(step.action.shot)
        if not result_mark(step):  # no frames
            return step
        return self._explain_piece(step, was)

    def _explain_take(self, step: Step) -> Step:
        shot = step.action.shot
        kept = tuple(change for change in step.reason.changes if change.field not in DRAWN_FIELDS)
        seen = (*self._of_shot(shot, ("clip", "trim.start", "trim.end")), *self._of_film(("output.size",)))
        return _with(step, (*kept, *seen)) if seen else step

    def _missing(self, step: Step) -> Step:
        if step.reason.why == "damaged":
            return step
        return replace(step, reason=Reason("missing", copy_blocker=step.reason.copy_blocker))

    def _explain_piece(self, step: Step, was: str | None) -> Step:
        shot = step.action.shot
        if shot not in self._before.shots:
            return new_piece(step)
        changes: Sequence[Change] = self.piece(step.action)
        if not changes and was is not None:
            changes = _differing(self._before.terms, {_SETS: self._now.parameter_sets}, (_SETS,))
        return _with(step, changes, _earlier(was, step))

    # changes by action

    def piece(self, action: Action) -> tuple[Change, ...]:
        """Return the changes that matter to one piece of a shot that was in the film before."""
        shot = action.shot
        then, now = self._neighbours_before.get(shot, _ALONE), self._neighbours[shot]
        changes = [*self._picture(shot), *self._settings(shot)]
        if action.at == "into":
            changes += self._of_shot(shot, _TRANSITION)
            changes += [Change("shot before", then.before, now.before)] if then.before != now.before else []
            changes += self._picture(now.before or "", of=now.before or "")
            return tuple(changes)
        if then.before is not None or now.before is not None:
            changes += self._of_shot(shot, _OVERLAP)
        changes += self._of_next(then.after, now.after)
        fade_in = ["output.fade_in"] if None in (then.before, now.before) else []
        fade_out = ["output.fade_out"] if None in (then.after, now.after) else []
        return (*changes, *self._of_film([*fade_in, *fade_out]))

    def _picture(self, shot: str, of: str = "") -> Iterator[Change]:
        """Yield the changes of a shot that decide its pictures, without those of its transition."""
        burnt = "burn" in (self._before.terms.get("output.captions"), self._now.film.get("output.captions"))
        for change in self._of_shot(shot, of=of):
            group = change.field.partition(".")[0]
            if group not in _NO_PICTURE and (burnt or not group.startswith("caption")):
                yield change

    def _settings(self, shot: str) -> Iterator[Change]:
        """Yield the changes of the output and the renderer that decide the pictures of a shot."""
        sides = self._before.shots[shot], self._now.shot(shot)
        hidden = set() if any("caption" in terms for terms in sides) else {"output.captions", "output.font"}
        hidden |= {"output.fit"} if all("fit" in terms for terms in sides) else set()
        names = [f"output.{name}" for name in _PICTURE_SETTINGS]
        return self._of_film([*(name for name in names if name not in hidden), *self._renderer])

    @cached_property
    def _renderer(self) -> list[str]:
        """The terms of the renderer, without that of the mixer."""
        names = {**self._before.terms, **self._now.film}
        return [name for name in names if name.startswith("renderer.") and name != "renderer.mixer"]

    def _of_film(self, names: Sequence[str]) -> Iterator[Change]:
        return (change for change in self._film_changes if change.field in names)

    @cached_property
    def _film_changes(self) -> list[Change]:
        before = {name: value for name, value in self._before.terms.items() if name != _SETS}
        return _differing(before, self._now.film)

    def _of_next(self, old: str | None, new: str | None) -> Iterator[Change]:
        """Yield the changes of the transition into the shot that follows, which shares frames with this one."""
        if old == new:
            yield from self._of_shot(new or "", _OVERLAP, of=new or "")
            return
        then = self._before.shots[old] if old is not None else {}
        now = self._now.shot(new) if new is not None else {}
        if "transition.type" in then or "transition.type" in now:
            yield Change("shot after", old, new)

    def _of_shot(self, shot: str, names: Sequence[str] = (), of: str = "") -> Iterator[Change]:
        """Yield the changes of a shot, of *names* or all; none of a shot that was not in the film before."""
        take = self._now.take(shot)
        found = self._shots.get(shot)
        if found is None or found[0] != take:
            found = self._shots[shot] = (take, self._find_shot_changes(shot))
        return (replace(change, of=of) if of else change for change in found[1] if not names or change.field in names)

    def _find_shot_changes(self, shot: str) -> list[Change]:
        before = self._before.shots.get(shot)
        if before is None or not self._now.has(shot):
            return []
        now = self._now.shot(shot)
        if before == now:
            return []
        # a take that is not made yet has a step of its own with its reason; an equal take has the seed that it had
        is_same_take = before.get("take") == now.get("take") or self._now.lacks_take(shot)
        hidden = {"take", "seed"} if is_same_take else set()
        hidden |= {"id"} if "id" not in before or "id" not in now else set()  # one of them has no slate
        return [change for change in _differing(before, now) if change.field not in hidden]

    def _sound(self) -> tuple[Change, ...]:
        shots = [change for change in self._of_shots(self._now.order) if change.field.startswith(_HEARD)]
        return (*self._of_film(_SOUND_TERMS), *self._order(), *shots, *self._tracks())

    def _film(self, shots: Iterable[str]) -> tuple[Change, ...]:
        return (*self._film_changes, *self._order(), *self._of_shots(shots), *self._tracks())

    def _tracks(self) -> Iterator[Change]:
        for track in dict.fromkeys([*self._before.tracks, *self._now.tracks]):
            then, now = self._before.tracks.get(track), self._now.tracks.get(track)
            if then is None or now is None:
                yield Change("audio", None if then is None else track, None if now is None else track)
            else:
                yield from (replace(change, of=track) for change in _differing(then, now))

    def _order(self) -> Iterator[Change]:
        then, now = list(self._before.shots), self._now.order
        if then != now:
            yield Change("shots", " ".join(then), " ".join(now))

    def _of_shots(self, shots: Iterable[str]) -> Iterator[Change]:
        for shot in shots:
            yield from self._of_shot(shot, of=shot)

    @cached_property
    def _neighbours(self) -> dict[str, "_Neighbours"]:
        return _neighbours(self._now.order)

    @cached_property
    def _neighbours_before(self) -> dict[str, "_Neighbours"]:
        return _neighbours(list(self._before.shots))


def _with_new_names(before: BuiltFilm, now: FilmTerms) -> BuiltFilm:
    """Return *before* with the new ids of shots of which nothing but the id has changed."""
    come = [shot for shot in now.order if shot not in before.shots]
    gone = [shot for shot in before.shots if not now.has(shot)] if come else []
    names: dict[str, str] = {}
    for old in gone:
        terms = _without_id(before.shots[old])
        new = next((shot for shot in come if _without_id(now.shot(shot)) == terms), None)
        if new is not None:
            come.remove(new)
            names[old] = new
    if not names:
        return before
    shots = {names.get(shot, shot): terms for shot, terms in before.shots.items()}
    return replace(before, shots=shots, marks={_renamed(name, names): mark for name, mark in before.marks.items()})


def _without_id(terms: Terms) -> Terms:
    return {name: value for name, value in terms.items() if name != "id"}


def _renamed(action: str, names: Mapping[str, str]) -> str:
    """Return the id of an action of a film after its shot was renamed."""
    kind, colon, rest = action.partition(":")
    shot, slash, output = rest.partition("/")
    return f"{kind}{colon}{names.get(shot, shot)}{slash}{output}"


class _Neighbours(Struct, frozen=True):
    """The shots before and after a shot in the film."""

    before: str | None = None
    after: str | None = None


_ALONE = _Neighbours()


def _neighbours(order: Sequence[str]) -> dict[str, _Neighbours]:
    sides = zip([None, *order[:-1]], [*order[1:], None], strict=True)
    return {shot: _Neighbours(*both) for shot, both in zip(order, sides, strict=True)}


def _differing(before: Mapping[str, Json], now: Mapping[str, Json], names: Sequence[str] = ()) -> list[Change]:
    """Return the terms that differ, of *names* or of all."""
    asked = names or [*now, *(name for name in before if name not in now)]
    return [Change(name, before.get(name), now.get(name)) for name in asked if before.get(name) != now.get(name)]


def _earlier(was: str | None, step: Step) -> Earlier:
    """Return how a piece with the mark *was* has changed between copied and encoded; a piece without frames is none."""
    if not was:
        return ""
    before, now = was.startswith(_COPY), result_mark(step).startswith(_COPY)
    return "" if before == now else "copied" if before else "encoded"


def new_piece(step: Step) -> Step:
    """Return *step*, of a piece of a shot that was not in the film before."""
    return _with(step, (), "none") if step.do == "make" else step


_CHANGED_WHY: Mapping[str, Any] = {"new": "request-changed", "output-changed": "request-changed"}


def _with(step: Step, changes: Sequence[Change], earlier: Earlier = "") -> Step:
    """Return *step* with *changes* in its reason. A sound or film that was *new* is one whose request has changed."""
    if not changes and not earlier:
        return step
    why = _CHANGED_WHY.get(step.reason.why, step.reason.why) if changes else step.reason.why
    return replace(step, reason=replace(step.reason, why=why, changes=tuple(changes), earlier=earlier))
