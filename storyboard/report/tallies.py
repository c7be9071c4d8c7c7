"""How much of the film is copied, in words and as data."""

from typing import Any

from storyboard.core.tally import Tally
from storyboard.report.words import clean, several

_REASONS = 4


def tally_text(counted: Tally) -> str:
    """``1,812 of 2,304 frames copied, 492 encoded: 480 because it is trimmed, 12 because it is a dissolve``."""
    if not counted.encoded:
        return f"{'the one frame' if counted.frames == 1 else f'all {counted.frames:,} frames'} copied"
    why = [f"{frames:,} because {clean(text)}" for text, frames in list(counted.why.items())[:_REASONS] if text]
    others = counted.encoded - sum(list(counted.why.values())[:_REASONS])
    why += [f"{others:,} for other reasons"] if others else []
    told = f": {', '.join(why)}" if why else ""
    return f"{counted.copied:,} of {several(counted.frames, 'frame')} copied, {counted.encoded:,} encoded{told}"


def tally_data(counted: Tally) -> dict[str, Any]:
    """The same as data."""
    return {"frames": counted.frames, "copied": counted.copied, "encoded": counted.encoded, "why": dict(counted.why)}
