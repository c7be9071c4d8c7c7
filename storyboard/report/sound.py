"""The sound of the film in words and as data: what it is mixed from and why, and how loud it came out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from storyboard.core.keys import Request
from storyboard.core.model import Storyboard
from storyboard.core.plan import Plan, SoundResult, Step
from storyboard.core.reason import Change, changes
from storyboard.report.reason import change_lines, reason_text
from storyboard.report.text import clean

Names = Mapping[str, Sequence[str]]

# LU: nearer than this is as asked.
_AS_ASKED = 0.5


def sound_lines(plan: Plan, storyboard: Storyboard) -> list[str]:
    """``the sound of 5 shots and 1 track is mixed``; films are named only if it is not the same of all."""
    told = {step.action.output: line for step in plan.of("sound") if (line := _sound_line(step, storyboard))}
    if len(told) == len(storyboard.outputs) and len(set(told.values())) == 1:
        return list(told.values())[:1]
    return [f"{name}: {line}" for name, line in told.items()]


def _sound_line(step: Step, storyboard: Storyboard) -> str | None:
    """The same of one film, ``None`` where nothing is known to be heard."""
    if step.request is None and step.do == "reuse":
        return None
    if step.do == "blocked":
        return f"the sound is not made: {reason_text(step)}"
    if step.request is None:
        return "the sound is mixed when they are there" if storyboard.audio else None
    return f"the sound of {_parts(step)} {'is in place' if step.do == 'reuse' else 'is mixed'}"


def _parts(step: Step) -> str:
    request = step.request or {}
    counts = {"shot": len(request["voices"]), "track": len(request["tracks"])}
    return " and ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items() if count)


def loudness_line(sound: SoundResult | None, wanted: Fraction | None) -> str | None:
    """``sound: -14.0 LUFS, true peak -1.6 dBTP``, and why not, if it is not as asked; ``None`` where nothing was.

    *wanted* is in LUFS.
    """
    if wanted is None or sound is None or not sound.digest:
        return None
    if sound.loudness is None or sound.peak is None:
        return "sound: silent throughout, so that it has no loudness"
    short = abs(sound.loudness - float(wanted)) > _AS_ASKED
    why = f" instead of {float(wanted):g}: its peaks leave no more" if short else ""
    return f"sound: {sound.loudness:.1f} LUFS{why}, true peak {sound.peak:.1f} dBTP"


def sound_data(sound: SoundResult | None) -> dict[str, Any] | None:
    """The sound of a finished film as data; ``None`` if it has none."""
    if sound is None or not sound.digest:
        return None
    return {"digest": sound.digest, "loudness": sound.loudness, "peak": sound.peak}


def why_sound_text(step: Step, before: Request | None, names: Names) -> str:
    """Why the sound is mixed: in what it differs from that of the film that is there, or what that is mixed from.

    *names* gives shots and tracks by the digest of what is heard, all that are heard with it in their order.
    """
    lines = [f"sound: {step.do}: {_why(step, before)}"]
    told = sound_changes(step, before if step.do == "make" else {}, names)
    lines += [f"  {line.replace('(not set) -> ', '') if step.do != 'make' else line}" for line in _lines(told)]
    return "\n".join(lines)


def _lines(told: tuple[Change, ...]) -> list[str]:
    return [clean(line) for change in told for line in change_lines(change)]


def _why(step: Step, before: Request | None) -> str:
    if step.do == "make" and step.reason.why == "new":
        return "nothing like it was mixed before" if before is None else "something else is heard than in the film"
    return "nothing is heard" if step.do == "reuse" and step.request is None else reason_text(step)


def sound_changes(step: Step, before: Request | None, names: Names) -> tuple[Change, ...]:
    """The fields in which the sound differs from *before*, by shots and tracks."""
    if step.request is None:
        return ()
    return changes(_by_name(before, names) if before else {}, _by_name(step.request, names))


def _by_name(request: Request, names: Names) -> dict[str, Any]:
    """A request with its voices and tracks under their names, numbered where one is heard more than once."""
    told = {name: value for name, value in request.items() if name not in ("voices", "tracks")}
    met: Counter[str] = Counter()
    for kind, field in (("voices", "take"), ("tracks", "file")):
        for part in request[kind]:
            digest = str(part[field]).removeprefix("file:")
            called = names.get(digest) or [f"{field} {digest[:12]}"]
            number = met[digest]
            met[digest] += 1
            more = number - len(called) + 2
            told[called[number] if number < len(called) else f"{called[-1]} ({more})"] = {
                key: value if not isinstance(value, list) else " ".join(map(str, value)) for key, value in part.items()
            }
    return told


def why_sound_data(step: Step, before: Request | None, names: Names) -> dict[str, Any]:
    """The same as data."""
    told = sound_changes(step, before, names)
    return {
        "action": step.action.id,
        "do": step.do,
        "why": step.reason.why,
        "reason": _why(step, before),
        "key": step.key,
        "changes": [{"field": change.field, "old": change.old, "new": change.new} for change in told],
        "request": step.request,
    }
