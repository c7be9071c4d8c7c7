"""The sound of the film in a build: its sources out of the store, the mix in a worker process, the finished track."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from storyboard.build.deposits import deposit
from storyboard.build.shelf import Shelf
from storyboard.build.tasks import TaskFailed
from storyboard.build.worker import report_progress
from storyboard.core.plan import Step
from storyboard.core.sound import Sound
from storyboard.store.group import Deposit

if TYPE_CHECKING:
    from storyboard.media.soundtrack import SoundFacts


def sources(shelf: Shelf, sound: Sound) -> dict[str, Path]:
    """The files behind *sound*, by digest; tracks are taken into the store first.

    Raises ``TaskFailed`` if one has been edited since the plan.
    """
    takes = {voice.take: shelf.blob(voice.take) for voice in sound.voices}
    return takes | {bed.digest: shelf.taken_in(bed.file, bed.digest) for bed in sound.beds}


def mix(sound: Sound, files: Mapping[str, Path], out: Path) -> "SoundFacts":
    """Make the sound of the film at *out*."""
    from storyboard.media.mixing import MixFailed
    from storyboard.media.soundtrack import write_sound

    try:
        return write_sound(sound, files, out, report_progress)
    except MixFailed as problem:
        raise TaskFailed(str(problem)) from problem


def track_of(step: Step, track: Path, facts: "SoundFacts", seconds: float) -> Deposit:
    """The finished track, for the store."""
    return deposit(step, "sound", track, msgspec.to_builtins(facts), seconds=seconds)
