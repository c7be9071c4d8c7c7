"""Lower sound: a shot's own sound, and the tracks of the film.

Tracks are checked against the timeline if it is known before the build; footage is measured when it is imported.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from storyboard.core.audio import TrackOutsideFilm, track_start
from storyboard.core.diagnostics import Diagnostic, Label, error, warning
from storyboard.core.model import Audio, Clip, Storyboard, Track
from storyboard.core.ranges import overlaps
from storyboard.core.suggest import closest, quoted, suggestion
from storyboard.core.timebase import exact, in_words, plain_number
from storyboard.core.timeline import PlacedShot, TrimOutOfRange, running_time, timeline
from storyboard.document.fields import Field, FieldLayer, ShotDraft
from storyboard.document.file_inputs import FileInputs
from storyboard.document.scene_cache import AnyDraft

# Decibels by which `duck: true` lowers a track.
DUCK_DB = Fraction(12)


def lower_shot_audio(draft: ShotDraft, findings: list[Diagnostic]) -> Audio:
    """Return the settings of the shot's own sound. A setting for a source without sound is reported."""
    field = draft.find("audio")
    if field is None:
        return Audio()
    if draft.kind in ("image", "card") and "audio" in draft.own.data:
        article = "an image" if draft.kind == "image" else "a card"
        message = f"`audio` has no effect: {quoted(draft.id)} is {article} and has no sound"
        advice = "delete `audio` here, or add a track under `audio` of the storyboard"
        findings.append(warning("no-sound", message, field.key_span, help=advice))
    said: dict[str, Any] = field.value if isinstance(field.value, dict) else {"mode": field.value}
    return Audio(said.get("mode") != "mute", exact(said.get("gain", 0)))


def read_tracks(root: FieldLayer, inputs: FileInputs, findings: list[Diagnostic]) -> tuple[Track, ...]:
    """Return the tracks of the film, without those whose file cannot be used, which are reported.

    Fades longer than their file are added to the findings if the file states its length.
    """
    found = [(field, _read_track(field, inputs)) for field in _track_fields(root)]
    tracks = [(field, track) for field, track in found if track is not None]
    for field, track in tracks:
        fades = track.fade_in + track.fade_out
        length = inputs.length(track.file, "sound") if fades and not track.loop else None
        if length is not None and fades > length:
            findings.append(_long_fades_error(field, track, length))
    return tuple(track for _, track in tracks)


def _track_fields(root: FieldLayer) -> list[Field]:
    """Return the tracks of the film as written: one, or a list of them."""
    written = root.find("audio")
    if written is None:
        return []
    if not isinstance(written.value, list):
        return [written]
    return [Field(item, written.document, (*written.path, number)) for number, item in enumerate(written.value)]


def _long_fades_error(field: Field, track: Track, length: Fraction) -> Diagnostic:
    """Return the finding for fades of *track* that take longer than its file."""
    name = "fade_out" if track.fade_out else "fade_in"
    whole = track.fade_in + track.fade_out
    fades = "the fades take" if track.fade_in and track.fade_out else "the fade takes"
    message = f"{fades} {plain_number(whole)} s; {quoted(track.file.path, 80)} is {in_words(length)} long"
    return error(
        "fades-too-long", message, field.document.span((*field.path, name)), help=_longest_fade_help(track, length)
    )


def _longest_fade_help(track: Track, room: Fraction) -> str:
    """Return the way out: the longest fade that fits into *room* seconds beside the other one."""
    name, other = ("fade_out", track.fade_in) if track.fade_out else ("fade_in", track.fade_out)
    left = Fraction(int((room - other) * 1000), 1000)
    if left > 0:
        return f"write `{name}: {plain_number(left)}` or less"
    return f"shorten both to {in_words(room)} in total"


def _read_track(field: Field, inputs: FileInputs) -> Track | None:
    if not isinstance(field.value, dict | str):
        return None
    said: dict[str, Any] = field.value if isinstance(field.value, dict) else {"file": field.value}
    place = field if isinstance(field.value, str) else Field(said.get("file"), field.document, (*field.path, "file"))
    file = inputs.read_file(place, "sound")
    if file is None or not field.usable:
        return None
    begins = said.get("start", 0)
    shot, start = (begins["shot"], begins.get("offset", 0)) if isinstance(begins, dict) else (None, begins)
    duck = said.get("duck", False)
    return Track(
        file=file,
        start=exact(start),
        shot=shot,
        gain=exact(said.get("gain", 0)),
        fade_in=exact(said.get("fade_in", 0)),
        fade_out=exact(said.get("fade_out", 0)),
        loop=said.get("loop", False),
        duck=(DUCK_DB if duck else Fraction(0)) if isinstance(duck, bool) else exact(duck),
    )


def check_track_shots(root: FieldLayer, drafts: Sequence[AnyDraft], *, complete: bool) -> Iterator[Diagnostic]:
    """Yield findings about tracks that begin with a shot which is unknown or skipped.

    Unless the film is *complete*, an unknown shot may be in a file that could not be read.
    """
    by_id: dict[str, AnyDraft] = {}
    for draft in drafts:
        by_id.setdefault(draft.id, draft)
    for field in _track_fields(root):
        begins = field.value.get("start") if isinstance(field.value, dict) else None
        place = (*field.path, "start", "shot")
        if (
            isinstance(begins, dict)
            and place not in root.document.invalid_paths
            and isinstance(begins.get("shot"), str)
        ):
            finding = _track_shot_problem(root, begins["shot"], place, by_id, complete=complete)
            yield from () if finding is None else (finding,)


def _track_shot_problem(
    root: FieldLayer, name: str, path: tuple[str | int, ...], by_id: Mapping[str, AnyDraft], *, complete: bool
) -> Diagnostic | None:
    place, draft = root.document.span(path), by_id.get(name)
    if draft is not None and draft.skipped:
        reason = Label(draft.own.document.key_span((*draft.own.path, "skip")), f"{quoted(name)} is skipped here")
        advice = "delete `skip`, or name another shot"
        return error(
            "skipped-link", f"{quoted(name)} is skipped, so no track can start with it", place, reason, help=advice
        )
    if draft is not None or not complete:
        return None
    meant = closest(name, by_id)
    message = f"shot {quoted(name)} is not defined"
    if meant is None:
        return error("unknown-shot", message, place, help="name a shot of this storyboard")
    note = Label(by_id[meant].name_span, f"{quoted(meant)} is defined here")
    return error("unknown-shot", message, place, note, help=suggestion(meant))


def check_track_times(storyboard: Storyboard, root: FieldLayer) -> Iterator[Diagnostic]:
    """Yield findings about tracks that begin outside the film, or whose fades exceed the rest of the film."""
    pieces = _known_timeline(storyboard) if storyboard.audio else None
    if pieces is None:
        return
    length = running_time(pieces, storyboard.output)
    for field, track in zip(_track_fields(root), storyboard.audio, strict=True):
        try:
            start = track_start(track, pieces, storyboard.output)
        except TrackOutsideFilm:
            continue
        path = field.path
        if not 0 <= start < length:
            yield _outside_error(root, path, track, start, length)
        elif track.fade_in + track.fade_out > length - start:
            name = "fade_out" if track.fade_out else "fade_in"
            message = f"the fades take {plain_number(track.fade_in + track.fade_out)} s"
            message += f"; the film ends {in_words(length - start)} after the track starts"
            advice = _longest_fade_help(track, length - start)
            yield error("fades-too-long", message, root.document.span((*path, name)), help=advice)


def _outside_error(
    root: FieldLayer, path: tuple[str | int, ...], track: Track, start: Fraction, length: Fraction
) -> Diagnostic:
    place = (*path, "start") if track.shot is None else (*path, "start", "offset")
    if start < 0:
        message = f"the track starts {in_words(-start)} before the film"
        latest = plain_number(track.start - start)
        return error("track-outside", message, root.document.span(place), help=f"write `offset: {latest}` or more")
    message = f"the track starts at {in_words(start)}; the film is {in_words(length)} long"
    return error("track-outside", message, root.document.span(place), help=f"write a smaller `{place[-1]}`")


def _known_timeline(storyboard: Storyboard) -> list[PlacedShot] | None:
    """Return the timeline if all of it is known before the build, else ``None``."""
    if any(isinstance(shot.source, Clip) for shot in storyboard.shots() if not shot.skip):
        return None
    try:
        return timeline(storyboard, {}, {name: share.before for name, share in overlaps(storyboard).items()})
    except TrimOutOfRange:
        return None
