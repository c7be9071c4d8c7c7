"""The tasks of worker processes: one function each, with plain values in and out.

A task writes to a path that the caller chose, and checks what it wrote before it returns. A refused clip or picture
raises ``TaskFailed``, which can be pickled.
"""

import hashlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from storyboard.animatic.request import Animatic, draw_frames
from storyboard.core.audio import SoundMix
from storyboard.core.clip import HDR, ClipInfo
from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas, RenderSpec
from storyboard.operating_system import ProcessEnd, memory_limit

if TYPE_CHECKING:
    from storyboard.media.audio.soundtrack import SoundFacts

_CHUNK = 1 << 20
R = TypeVar("R")


class TaskFailed(Exception):
    """A failed task; the text is the message, ``code`` is stable."""

    code = "failed"


class PaidFailed(TaskFailed):
    """A failed paid take; ``code`` is one of the stable codes of providers, or one of the engine's own."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


class WorkerDied(Exception):
    """A worker process ended during its task, twice; the text says how. ``crashed``: by a fault of its own."""

    def __init__(self, code: int, *, started: bool) -> None:
        end = ProcessEnd(code)
        super().__init__(_death_text(end, started=started))
        self.crashed = end.crashed
        self.cause = end.text


def _death_text(end: ProcessEnd, *, started: bool) -> str:
    """Return the message for a task whose process has ended, with a way out."""
    when = "" if started else ", before it began"
    if end.killed:
        way_out = "; if memory ran out, build with fewer processes, such as `-j 1`"
    elif not started:
        way_out = f"{memory_limit()}; read its output on stderr, and run `storyboard doctor`"
    elif end.crashed:
        way_out = f": a library crashed on what this step reads{memory_limit()}"
    else:
        way_out = ""
    return f"its worker process ended twice {end.text}{when}{way_out}"


def timed(function: Callable[..., R], *arguments: Any) -> tuple[R, float]:
    """Run a task and return its result with the seconds that it took."""
    began = monotonic()
    return function(*arguments), monotonic() - began


def write_animatic(
    request: Animatic, first_frame: bytes | None, out: Path, progress: Callable[[int, int], None]
) -> int:
    """Draw *request* into *out*, an H.264 MP4 of the exact size, rate and number of frames; return that number.

    *progress* gets the frames written and their total after each frame. Nothing is left at *out* on failure. Equal
    requests give equal bytes.

    Raises ``pictures.UnreadablePicture`` for an unusable first frame, ``ValueError`` for a size with an odd
    side, ``OSError`` if *out* cannot be written.
    """
    from storyboard.media.render.encoder import ANIMATIC_CRF, ANIMATIC_PRESET, ClipWriter, Encoding

    pictures = draw_frames(request, first_frame)
    with ClipWriter(out, request.size, request.fps, Encoding(ANIMATIC_CRF, ANIMATIC_PRESET)) as clip:
        if request.is_panel:
            clip.hold(next(pictures), request.frames)
            progress(request.frames, request.frames)
            return request.frames
        drawn: int | None = None
        for done, (number, picture) in enumerate(zip(request.drawn_frames(), pictures, strict=True), start=1):
            if number == drawn:
                clip.repeat()
            else:
                clip.write_planes(picture)
            drawn = number
            progress(done, request.frames)
    return request.frames


def draw_take(request: Animatic, first_frame: bytes | None, out: Path) -> ClipInfo:
    """Draw an animatic and check it."""
    from storyboard.engine.worker_main import report_progress
    from storyboard.pictures import UnreadablePicture

    try:
        write_animatic(request, first_frame, out, report_progress)
    except UnreadablePicture as problem:
        raise TaskFailed(str(problem)) from problem
    # a drawing that is black or stands still was asked for so, and is nothing to report
    return check_clip(out, request.size, request.duration, watch=False)


def check_clip(clip: Path, size: Size | None, duration: Fraction | None, *, watch: bool = True) -> ClipInfo:
    """Decode a whole clip and compare it with the request, as for every clip of the store. Raises ``TaskFailed``.

    Without *watch* no black and frozen stretches are looked for.
    """
    from storyboard.media.probe import InvalidMedia, validate_clip

    try:
        return validate_clip(clip, size=size, duration=duration, watch=watch)
    except InvalidMedia as problem:
        raise TaskFailed(str(problem)) from problem


def import_clip(source: Path, name: str, digest: str, out: Path) -> ClipInfo:
    """Copy *source* to *out* and check the copy. Raises ``TaskFailed`` and ``OSError``."""
    if _copy(source, out) != digest:
        raise TaskFailed(f"{name} was changed during the build; build again")
    try:
        info = check_clip(out, None, None)
    except TaskFailed as problem:
        raise TaskFailed(f"{name} {problem}") from problem
    transfer = info.color.split("/")[2]
    if transfer in HDR:
        advice = "convert it to BT.709, for example with FFmpeg's filters zscale and tonemap"
        raise TaskFailed(f"{name} is HDR ({transfer}), which is not tone-mapped; {advice}")
    return info


def _copy(source: Path, out: Path) -> str:
    """Copy a file and return the sha256 of its bytes."""
    state = hashlib.sha256()
    with source.open("rb") as read, out.open("wb") as write:
        while chunk := read.read(_CHUNK):
            state.update(chunk)
            write.write(chunk)
    return state.hexdigest()


def render_segment(spec: RenderSpec, files: Mapping[str, Path], canvas: Canvas, out: Path) -> ClipInfo:
    """Render one segment of the film from *files*, by digest."""
    from storyboard.engine.worker_main import report_progress
    from storyboard.media.render.render import RenderFailed
    from storyboard.media.render.segment import draw_segment

    try:
        return draw_segment(spec, files, canvas, out, report_progress)
    except RenderFailed as problem:
        raise TaskFailed(str(problem)) from problem


def mix_sound(mix: SoundMix, files: Mapping[str, Path], out: Path) -> "SoundFacts":
    """Mix the sound of a film from *files*, by digest."""
    from storyboard.engine.worker_main import report_progress
    from storyboard.media.audio.mix import MixFailed
    from storyboard.media.audio.soundtrack import write_sound

    try:
        return write_sound(mix, files, out, report_progress)
    except MixFailed as problem:
        raise TaskFailed(str(problem)) from problem


def clip_facts(info: ClipInfo) -> dict[str, Any]:
    """Return *info* as stored in a record."""
    facts: dict[str, Any] = msgspec.to_builtins(info)
    return facts
