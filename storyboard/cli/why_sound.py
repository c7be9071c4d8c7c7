"""``storyboard why sound``: why the sound of the film is mixed, shot by shot and track by track."""

from typing import TYPE_CHECKING

from storyboard.cli.output import Speaker
from storyboard.core.graph import SOUND
from storyboard.core.plan import TakeMade

if TYPE_CHECKING:
    from storyboard.build.session import Session


def is_sound(session: "Session", name: str) -> bool:
    """Whether *name* means the sound of the film and no shot."""
    shots = {shot.id for shot in session.storyboard.shots()}
    return name == SOUND and name not in shots and session.graph.sound is not None


def tell_sound(speaker: Speaker, session: "Session") -> None:
    """Say why the sound would be mixed."""
    from storyboard.report.sounds import why_sound_data, why_sound_text

    plan = session.plan()
    [step] = plan.of("sound")
    takes = {found.found.digest: found.action.shot for found in plan.takes() if isinstance(found.found, TakeMade)}
    tracks = {session.files[track.file.path]: track.file.path for track in session.storyboard.audio}
    before, names = session.shelf.sound_of_film(), takes | tracks
    follow = ["storyboard plan", "storyboard build"] if step.do in ("make", "wait") else []
    speaker.result(why_sound_text(step, before, names), why_sound_data(step, before, names), follow=follow)
