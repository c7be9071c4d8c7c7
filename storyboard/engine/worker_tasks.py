"""What worker processes do: one function a task, plain values in and out.

Every task writes to a path of its own that the caller chose, and what it wrote has been through the gate when it
returns. A clip or picture that is refused comes back as ``TaskFailed``, which travels between processes.
"""

import hashlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from storyboard.animatic.request import Animatic, draw_frames
from storyboard.core.clip import HDR, ClipInfo
from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas, RenderSpec

_CHUNK = 1 << 20


class TaskFailed(Exception):
    """A task that could not be done, in words; ``code`` is stable."""

    code = "failed"


class PaidFailed(TaskFailed):
    """A paid take that could not be had; ``code`` is one of the stable codes of providers, or one of ours."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


# Encodes in a third of the time of the default; all animatics have these and so equal parameter sets.
_ANIMATIC_CRF, _ANIMATIC_PRESET = 20, "ultrafast"


def write_animatic(
    request: Animatic, first_frame: bytes | None, out: Path, progress: Callable[[int, int], None]
) -> int:
    """Draw *request* into *out*, an H.264 MP4 of the exact size, rate and number of frames; return that number.

    *progress* gets the frames written and their total after each. Nothing is left at *out* if this fails. Equal
    requests give equal bytes.

    Raises ``animatic.still.UnreadablePictureError`` for a first frame that cannot be used, ``ValueError`` for a size
    with an odd side, ``OSError`` if *out* cannot be written.
    """
    from storyboard.media.render.encoder import ClipWriter, Encoding

    pictures = draw_frames(request, first_frame)
    with ClipWriter(out, request.size, request.fps, Encoding(_ANIMATIC_CRF, _ANIMATIC_PRESET)) as clip:
        for done, picture in enumerate(pictures, start=1):
            clip.write_planes(picture)
            progress(done, request.frames)
    return request.frames


def draw_take(request: Animatic, first_frame: bytes | None, out: Path) -> ClipInfo:
    """Draw an animatic and pass it through the gate."""
    from storyboard.animatic.still import UnreadablePictureError
    from storyboard.engine.worker_main import report_progress

    try:
        write_animatic(request, first_frame, out, report_progress)
    except UnreadablePictureError as problem:
        raise TaskFailed(str(problem)) from problem
    return judge_clip(out, request.size, request.duration)


def judge_clip(clip: Path, size: Size | None, duration: Fraction | None) -> ClipInfo:
    """The gate of the store: decode all of it and compare with what was asked for."""
    from storyboard.media.probe import InvalidMedia, validate_clip

    try:
        return validate_clip(clip, size=size, duration=duration)
    except InvalidMedia as problem:
        raise TaskFailed(str(problem)) from problem


def take_in(source: Path, name: str, digest: str, out: Path) -> ClipInfo:
    """Copy *source* to *out* and pass the copy through the gate. Raises ``TaskFailed`` and ``OSError``."""
    if _copied(source, out) != digest:
        raise TaskFailed(f"{name} was changed during the build; build again")
    try:
        info = judge_clip(out, None, None)
    except TaskFailed as problem:
        raise TaskFailed(f"{name} {problem}") from problem
    transfer = info.color.split("/")[2]
    if transfer in HDR:
        advice = "convert it to BT.709 first, for example with FFmpeg's filters zscale and tonemap"
        raise TaskFailed(f"{name} is HDR ({transfer}), whose tones are not mapped; {advice}")
    return info


def _copied(source: Path, out: Path) -> str:
    state = hashlib.sha256()
    with source.open("rb") as read, out.open("wb") as write:
        while chunk := read.read(_CHUNK):
            state.update(chunk)
            write.write(chunk)
    return state.hexdigest()


def render_piece(drawn: RenderSpec, files: Mapping[str, Path], canvas: Canvas, out: Path) -> ClipInfo:
    """Draw one piece of the film; *files* are what it is made of, by digest."""
    from storyboard.engine.worker_main import report_progress
    from storyboard.media.render.render import RenderFailed
    from storyboard.media.render.segment import draw_segment

    try:
        return draw_segment(drawn, files, canvas, out, report_progress)
    except RenderFailed as problem:
        raise TaskFailed(str(problem)) from problem


def draw_slate(lines: tuple[str, ...], frames: int, canvas: Canvas, out: Path) -> ClipInfo:
    """A slate that stands in for a shot that is not there."""
    from storyboard.media.render.titles import write_slate

    write_slate(lines, frames, canvas, out)
    return judge_clip(out, canvas.size, None)


def clip_facts(info: ClipInfo) -> dict[str, Any]:
    """*info* as a record keeps it."""
    facts: dict[str, Any] = msgspec.to_builtins(info)
    return facts
