"""``storyboard why sound``: why the sound of a film is mixed, shot by shot and track by track."""

from typing import TYPE_CHECKING

from storyboard.cli.output import Speaker
from storyboard.core.plan import TakeMade

if TYPE_CHECKING:
    from storyboard.build.session import Session


def sound_meant(session: "Session", name: str) -> str | None:
    """The sound that *name* means, unless a shot is called so: `sound` is the first film's, `sound/NAME` another's."""
    shots = {shot.id for shot in session.storyboard.shots()}
    sounds = {film: found.id for film in session.graph.films if (found := session.graph.sound_of(film)) is not None}
    if name == "sound":
        name = next(iter(sounds.values()), "")
    return name if name in sounds.values() and name not in shots else None


def tell_sound(speaker: Speaker, session: "Session", sound: str) -> None:
    """Say why a sound would be mixed."""
    from storyboard.report.sounds import why_sound_data, why_sound_text

    plan = session.plan()
    step = next(step for step in plan.of("sound") if step.action.id == sound)
    film = session.graph.films[step.action.output].output.file
    takes = {found.found.digest: found.action.shot for found in plan.takes() if isinstance(found.found, TakeMade)}
    tracks = {session.files[track.file.path]: track.file.path for track in session.storyboard.audio}
    before, names = session.shelf.sound_of_film(film), takes | tracks
    follow = ["storyboard plan", "storyboard build"] if step.do in ("make", "wait") else []
    speaker.result(why_sound_text(step, before, names), why_sound_data(step, before, names), follow=follow)
