"""The sound of the film in words and as data: what it is mixed from, and how loud it came out."""

from typing import Any

from storyboard.core.model import Storyboard
from storyboard.core.plan import Plan, SoundMade, Step
from storyboard.report.words import reason

# LU: nearer than this is as asked.
_AS_ASKED = 0.5


def sound_line(plan: Plan, storyboard: Storyboard) -> str | None:
    """``the sound of 5 shots and 1 track is mixed``; ``None`` where nothing is known to be heard."""
    step = next(iter(plan.of("sound")), None)
    if step is None or (step.request is None and step.do == "reuse"):
        return None
    if step.do == "blocked":
        return f"the sound is not made: {reason(step)}"
    if step.request is None:
        return "the sound is mixed when they are there" if storyboard.audio else None
    return f"the sound of {_parts(step)} {'is in place' if step.do == 'reuse' else 'is mixed'}"


def _parts(step: Step) -> str:
    request = step.request or {}
    counts = {"shot": len(request["voices"]), "track": len(request["tracks"])}
    return " and ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items() if count)


def loudness_line(sound: SoundMade | None, storyboard: Storyboard) -> str | None:
    """``sound: -14.0 LUFS, true peak -1.6 dBTP``, and why not, if it is not as asked; ``None`` where nothing was."""
    wanted = storyboard.output.loudness
    if wanted is None or sound is None or not sound.digest:
        return None
    if sound.loudness is None or sound.peak is None:
        return "sound: silent throughout, so that it has no loudness"
    short = abs(sound.loudness - float(wanted)) > _AS_ASKED
    why = f" instead of {float(wanted):g}: its peaks leave no more" if short else ""
    return f"sound: {sound.loudness:.1f} LUFS{why}, true peak {sound.peak:.1f} dBTP"


def sound_data(sound: SoundMade | None) -> dict[str, Any] | None:
    """The sound of a finished film as data; ``None`` if it has none."""
    if sound is None or not sound.digest:
        return None
    return {"digest": sound.digest, "loudness": sound.loudness, "peak": sound.peak}
