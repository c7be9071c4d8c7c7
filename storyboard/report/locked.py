"""What a lockfile is out of date about, in words."""

from storyboard.core.locked import OutOfDate
from storyboard.report.words import clean, listed


def locked_line(found: OutOfDate) -> str:
    """One shot and what is wrong with its entry."""
    shots = listed(found.shots)
    words = {
        "stale": "the locked take answers another request",
        "not-locked": "no take is locked",
        "upstream": f"it starts from a frame of {shots}, which is out of date or not in the lockfile",
        "unknown": "it comes from a picture behind an address or from footage; "
        "whether it is current shows only where that is cached",
        "extra": "it is locked, but not in the storyboard",
    }
    return f"{clean(found.shot)}: {words[found.state]}"
