"""``storyboard why sound``: why the sound of a film is mixed, shot by shot and track by track."""

from typing import TYPE_CHECKING

from storyboard.cli.output import Speaker
from storyboard.core.plan import Plan, TakeMade

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
    before, names = session.shelf.sound_of_film(film), _names(session, plan)
    follow = ["storyboard plan", "storyboard build"] if step.do in ("make", "wait") else []
    speaker.result(why_sound_text(step, before, names), why_sound_data(step, before, names), follow=follow)


def _names(session: "Session", plan: Plan) -> dict[str, list[str]]:
    """What is called how that can be heard, by digest: a take by all shots that it is heard in, in their order."""
    made = {step.action.shot: step.found.digest for step in plan.takes() if isinstance(step.found, TakeMade)}
    names: dict[str, list[str]] = {}
    for shot in session.storyboard.shots():
        if shot.id in made and shot.audio.keep:
            names.setdefault(made[shot.id], []).append(shot.id)
    for track in session.storyboard.audio:
        names[session.files[track.file.path]] = [track.file.path]
    return names
