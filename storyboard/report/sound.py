"""The sound of the film as text and data: its parts, why it is mixed, and its loudness."""

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

# LU. A loudness within this distance of the target counts as reached.
_TOLERANCE_LU = 0.5


def sound_lines(plan: Plan, storyboard: Storyboard) -> list[str]:
    """Return ``sound: 5 shots and 1 track to mix``; with names of films unless the line is equal for all."""
    lines = {step.action.id: line for step in plan.of("sound") if (line := _sound_line(step, storyboard))}
    if len(lines) == len(storyboard.outputs) and len(set(lines.values())) == 1:
        return [f"sound: {line}" for line in list(lines.values())[:1]]
    return [f"{name}: {line}" for name, line in lines.items()]


def _sound_line(step: Step, storyboard: Storyboard) -> str | None:
    """Return the line of one film, ``None`` if it is silent or its parts are not known."""
    if step.request is None and step.do == "reuse":
        return None
    if step.do == "blocked":
        return f"not mixed: {reason_text(step)}"
    if step.request is None:
        return "to mix after the takes are made" if storyboard.audio else None
    return f"{_parts(step)}{', up to date' if step.do == 'reuse' else ' to mix'}"


def _parts(step: Step) -> str:
    request = step.request or {}
    counts = {"shot": len(request["voices"]), "track": len(request["tracks"])}
    return " and ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items() if count)


def loudness_line(sound: SoundResult | None, wanted: Fraction | None) -> str | None:
    """Return ``sound: -14.0 LUFS, true peak -1.6 dBTP``, with the reason if *wanted* (LUFS) was missed.

    Returns ``None`` without a target or a sound.
    """
    if wanted is None or sound is None or not sound.digest:
        return None
    if sound.loudness is None or sound.peak is None:
        return "sound: silent, without a loudness"
    short = abs(sound.loudness - float(wanted)) > _TOLERANCE_LU
    why = f" (target {float(wanted):g}; limited by its peaks)" if short else ""
    return f"sound: {sound.loudness:.1f} LUFS{why}, true peak {sound.peak:.1f} dBTP"


def sound_data(sound: SoundResult | None) -> dict[str, Any] | None:
    """Return the sound of a finished film as JSON data; ``None`` if it is silent."""
    if sound is None or not sound.digest:
        return None
    return {"digest": sound.digest, "loudness": sound.loudness, "peak": sound.peak}


def sound_parts(step: Step, names: Names) -> list[str]:
    """Return a line for each field of the shots and tracks that are heard.

    *names* are the shots and tracks by the digest of their sound, in order.
    """
    parts = changes({}, _by_name(step.request, names)) if step.request is not None else ()
    return [clean(line.replace("(not set) -> ", "")) for change in parts for line in change_lines(change)]


def sound_changes(step: Step, before: Request | None, names: Names) -> tuple[Change, ...]:
    """Return the fields in which the sound differs from that of the film, by shots and tracks.

    For a film of an earlier version of the program, of which no build has kept the terms.
    """
    if step.request is None or before is None:
        return ()
    return changes(_by_name(before, names), _by_name(step.request, names))


def _by_name(request: Request, names: Names) -> dict[str, Any]:
    """Return a request with its voices and tracks under their names, numbered where a name repeats."""
    parts = {name: value for name, value in request.items() if name not in ("voices", "tracks")}
    met: Counter[str] = Counter()
    for kind, field in (("voices", "take"), ("tracks", "file")):
        for part in request[kind]:
            digest = str(part[field]).removeprefix("file:")
            called = names.get(digest) or [f"{field} {digest[:12]}"]
            number = met[digest]
            met[digest] += 1
            more = number - len(called) + 2
            parts[called[number] if number < len(called) else f"{called[-1]} ({more})"] = {
                key: value if not isinstance(value, list) else " ".join(map(str, value)) for key, value in part.items()
            }
    return parts
