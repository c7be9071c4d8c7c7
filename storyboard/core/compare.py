"""Comparison of two versions of a film, shot by shot: added, removed, moved, renamed, changed and retimed shots.

Compares what authors wrote; the planner decides what a version costs to make.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.graph import moment
from storyboard.core.keys import canonical, normal
from storyboard.core.model import FileInput, FrameLink, Output, Shot, Size, Storyboard, Track, UrlInput
from storyboard.core.ranges import placed_shots
from storyboard.core.reason import Change, changes
from storyboard.core.timebase import seconds_of
from storyboard.core.timeline import has_unknown_length, running_time

_NAMES = frozenset(("id", "scene", "source"))
# Values of an absent field. 0 is none of them: it is a value.
_EMPTY: tuple[object, ...] = (None, [], {}, "")


class Version(Struct, frozen=True):
    """One version of a film: the storyboard, the digests of its files by path, and the takes that are known."""

    storyboard: Storyboard
    files: Mapping[str, str]
    takes: Mapping[str, ClipInfo] = {}


class ShotChange(Struct, frozen=True):
    """Changes of a shot that is in both versions, by its new id."""

    shot: str
    changes: tuple[Change, ...]


class Retimed(Struct, frozen=True):
    """A shot that lasts longer or shorter in the film, in seconds."""

    shot: str
    old: Fraction
    new: Fraction


class Comparison(Struct, frozen=True):
    """Differences of two versions, by shot ids; ``renamed`` has old and new ids, ``film`` the changes of settings.

    ``seconds`` are the running times.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    moved: tuple[str, ...]
    changed: tuple[ShotChange, ...]
    retimed: tuple[Retimed, ...]
    film: tuple[Change, ...]
    seconds: tuple[Fraction, Fraction]

    def same(self) -> bool:
        """Return whether the versions have no differences."""
        return not any((self.added, self.removed, self.renamed, self.moved, self.changed, self.retimed, self.film))


def compare(old: Version, new: Version) -> Comparison:
    """Return the differences from *old* to *new*."""
    before = {shot.id: shot for shot in old.storyboard.shots()}
    after = {shot.id: shot for shot in new.storyboard.shots()}
    names = renames(old, new)
    pairs = {names.get(shot, shot): shot for shot in before if names.get(shot, shot) in after}
    moved = _moved(list(pairs), list(after), pairs, before, after)
    lengths = _lengths(old), _lengths(new)
    changed = [
        ShotChange(now, changes(shot_fields(before[was], old.files, names), shot_fields(after[now], new.files)))
        for now in after
        if (was := pairs.get(now)) is not None
    ]
    return Comparison(
        added=tuple(shot for shot in after if shot not in pairs),
        removed=tuple(shot for shot in before if names.get(shot, shot) not in after),
        renamed=tuple(names.items()),
        moved=moved,
        changed=tuple(one for one in changed if one.changes),
        retimed=tuple(
            Retimed(shot, lengths[0][pairs[shot]], length)
            for shot, length in lengths[1].items()
            if shot in pairs and lengths[0].get(pairs[shot], length) != length
        ),
        film=changes(_film(old), _film(new)),
        seconds=(_running_time(old), _running_time(new)),
    )


def renames(old: Version, new: Version) -> dict[str, str]:
    """Return new ids by old ids, for shots whose id changed and whose source did not."""
    kept = {shot.id for shot in old.storyboard.shots()} & {shot.id for shot in new.storyboard.shots()}
    waiting = [shot for shot in old.storyboard.shots() if shot.id not in kept]
    come: dict[bytes, list[str]] = {}
    for shot in new.storyboard.shots():
        if shot.id not in kept:
            come.setdefault(canonical(_fields_without_paths(shot, new.files)), []).append(shot.id)
    found: dict[str, str] = {}
    again = bool(waiting and come)
    while again:
        again = False
        for shot in waiting:
            twins = come.get(canonical(_fields_without_paths(shot, old.files, found)), [])
            if shot.id not in found and twins:
                # shots linked to this one can be matched only now that its new name is known
                found[shot.id] = twins.pop(0)
                again = True
    return found


def source_fields(shot: Shot, files: Mapping[str, str], names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the fields of a shot's source as its author wrote them, with the content of its pictures."""
    fields: dict[str, Any] = _plain(shot.source, files, names or {})
    return {name: value for name, value in fields.items() if value not in _EMPTY}


def _fields_without_paths(
    shot: Shot, files: Mapping[str, str], names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return those fields without the paths of pictures, whose content counts."""
    fields = source_fields(shot, files, names)
    return {name: value for name, value in fields.items() if f"{name} content" not in fields}


def shot_fields(shot: Shot, files: Mapping[str, str], names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return every field of a shot but its id and scene as JSON data, with the content of its pictures.

    *names* gives linked shots other names.
    """
    own = {name: getattr(shot, name) for name in shot.__struct_fields__ if name not in _NAMES}
    fields = {name: _plain(value, files, names or {}) for name, value in own.items()}
    kind = shot.source.__struct_config__.tag
    source = {} if kind == "prompt" else {"source": kind}
    whole = {**source, **source_fields(shot, files, names), **fields}
    return {name: value for name, value in whole.items() if value not in _EMPTY}


def _plain(value: Any, files: Mapping[str, str], names: Mapping[str, str]) -> Any:
    match value:
        case FileInput(path):
            return path
        case UrlInput(url):
            return url
        case FrameLink(shot, at):
            return f"{names.get(shot, shot)}@{moment(at)}"
        case Size():
            return str(value)
        case msgspec.Struct():
            fields: dict[str, Any] = {}
            for name in value.__struct_fields__:
                below = getattr(value, name)
                if below is not None:
                    fields[name] = _plain(below, files, names)
                if isinstance(below, FileInput) and below.path in files:
                    fields[f"{name} content"] = f"file:{files[below.path]}"
            return fields
        case tuple() | list():
            return [_plain(item, files, names) for item in value]
        case Mapping():
            return {str(key): _plain(item, files, names) for key, item in value.items()}
    return normal(value)


def _film(version: Version) -> dict[str, Any]:
    storyboard = version.storyboard
    outputs = {output.name: output_settings(output, version.files) for output in storyboard.outputs}
    fields: dict[str, Any] = {
        "title": storyboard.title,
        "output" if list(outputs) == [""] else "outputs": outputs.get("", outputs),
        "audio": {str(n): track_fields(track, version.files) for n, track in enumerate(storyboard.audio, 1)} or None,
        "budget": None if storyboard.budget is None else str(storyboard.budget),
        "scenes": {scene.id: scene.title for scene in storyboard.scenes if scene.title is not None},
    }
    return {name: value for name, value in fields.items() if value is not None}


def output_settings(output: Output, files: Mapping[str, str]) -> dict[str, Any]:
    """Return the output_settings of an output as JSON data: file, size, rate, and what differs from the defaults.

    The content of its font is included if *files* has it.
    """
    usual = _plain(Output(output.file, output.size, output.fps, name=output.name, is_draft=output.is_draft), {}, {})
    said = _plain(output, files, {})
    always = ("file", "size", "fps")
    return {name: value for name, value in said.items() if name in always or value != usual.get(name)}


def track_fields(track: Track, files: Mapping[str, str]) -> Any:
    """Return a track as JSON data, with the content of its file if *files* has it."""
    return _plain(track, files, {})


def _moved(
    pairs: Sequence[str],
    order: Sequence[str],
    old_names: Mapping[str, str],
    before: Mapping[str, Shot],
    after: Mapping[str, Shot],
) -> tuple[str, ...]:
    """Return the fewest shots whose move explains the new order, and the shots that changed their scene.

    *pairs* are the shots of both versions in the old order, by their new ids.
    """
    rank = {shot: position for position, shot in enumerate(pairs)}
    common = [shot for shot in order if shot in rank]
    steady = set(_longest_increasing_subsequence([rank[shot] for shot in common]))
    scenes = {shot for shot in common if before[old_names[shot]].scene != after[shot].scene}
    kept_scenes = {scene for shot in before.values() for scene in [shot.scene]}
    renamed_scenes = {shot for shot in scenes if after[shot].scene not in kept_scenes}
    return tuple(shot for shot in common if rank[shot] not in steady or shot in scenes - renamed_scenes)


def _longest_increasing_subsequence(numbers: Sequence[int]) -> list[int]:
    """Return a longest increasing subsequence of distinct numbers."""
    tails: list[int] = []
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(tails, number)
        before[number] = ends[at - 1] if at else None
        tails[at : at + 1] = [number]
        ends[at : at + 1] = [number]
    rise: list[int] = []
    last = ends[-1] if ends else None
    while last is not None:
        rise.append(last)
        last = before[last]
    return rise[::-1]


def _lengths(version: Version) -> dict[str, Fraction]:
    rate, unknown = version.storyboard.output.fps, _shots_of_unknown_length(version)
    return {
        piece.shot: seconds_of(piece.frames, rate)
        for piece in placed_shots(version.storyboard, version.takes)
        if piece.shot not in unknown
    }


def _running_time(version: Version) -> Fraction:
    """Return the seconds of the film; footage of unknown length counts as none."""
    pieces, unknown = placed_shots(version.storyboard, version.takes), _shots_of_unknown_length(version)
    output = version.storyboard.output
    uncounted = sum(piece.frames for piece in pieces if piece.shot in unknown)
    return max(Fraction(0), running_time(pieces, output) - seconds_of(uncounted, output.fps))


def _shots_of_unknown_length(version: Version) -> set[str]:
    return {shot.id for shot in version.storyboard.shots() if has_unknown_length(shot) and shot.id not in version.takes}
