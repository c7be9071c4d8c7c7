"""What is worth a look in takes, in words and as data."""

from collections.abc import Sequence
from typing import Any

from storyboard.core.remarks import Remark

_MOMENTS = {"first": "the first frame", "last": "the last frame"}


def remark_line(remark: Remark) -> str:
    """``glide: black from 2.0 to 3.5 s``."""
    name = remark.shot if remark.seed is None else f"{remark.shot}#{remark.seed}"
    if remark.kind == "jump":
        frame = _MOMENTS.get(remark.at, f"the frame at {remark.at} s")
        return f"{name}: begins {remark.difference:.1f} of 255 away from {frame} of {remark.frame}"
    what = "black" if remark.kind == "black" else "stands still"
    return f"{name}: {what} from {_seconds(remark.start)} to {_seconds(remark.end)} s"


def _seconds(value: float) -> str:
    short = f"{value:.2f}"
    return short.removesuffix("0")


def remarks_data(remarks: Sequence[Remark]) -> list[dict[str, Any]]:
    """The same as data."""
    return [
        {
            "shot": remark.shot,
            "seed": remark.seed,
            "kind": remark.kind,
            "start": remark.start,
            "end": remark.end,
            "difference": remark.difference,
            "frame": remark.frame or None,
            "at": remark.at or None,
            "text": remark_line(remark),
        }
        for remark in remarks
    ]
