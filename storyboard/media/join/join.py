"""Join of pieces into one film by copying packets; nothing is encoded, and only the verification decodes.

The timeline decides which takes can be copied. A piece that cannot be copied raises here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fractions import Fraction
from functools import partial
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from msgspec import Struct

from storyboard.core.audio import RATE
from storyboard.core.clip import ClipInfo
from storyboard.core.model import Size
from storyboard.durable import staged_path, sync_file
from storyboard.media import h264
from storyboard.media.frames import decode_frames
from storyboard.media.join.copy_source import (
    ClipPacketsCache,
    CopyRun,
    JoinFailed,
    JoinPiece,
    PacketChecksums,
    ParameterSetsDiffer,
    prepare_runs,
)
from storyboard.media.join.faststart import (
    Layout,
    UnsupportedLayout,
    check_side_data,
    plan_layout,
    write_layout,
    xmp_box,
)
from storyboard.media.join.side_streams import (
    AudioCopy,
    Subtitles,
    SubtitleTrack,
    check_sound,
    check_subtitles,
    open_track,
)
from storyboard.media.probe import describe
from storyboard.media.reader import InvalidMedia, open_media, translate_errors, video_stream
from storyboard.media.render.color import tag_bt709
from storyboard.media.render.encoder import file_url
from storyboard.media.sample_table import SampleTable, packets, read_sample_table
from storyboard.operating_system import shortage

if TYPE_CHECKING:
    from av.container.core import Chapter  # a type without a class at run time

__all__ = ["JoinFailed", "JoinPiece", "ParameterSetsDiffer", "Subtitles", "join"]

VerificationHook = Callable[[Path, bool], AbstractContextManager[Callable[[], object]]]

# Sound that is interleaved with the pictures is held in memory while the layout is planned; limit in bytes.
_MAX_SIDE_BYTES = 1 << 25


def join(
    pieces: Sequence[JoinPiece],
    out: Path,
    size: Size,
    rate: Fraction,
    metadata: Mapping[str, str],
    chapters: Sequence[tuple[str, int, int]] = (),
    subtitles: Subtitles | None = None,
    sound: Path | None = None,
    during_verification: VerificationHook = lambda *_: nullcontext(bool),
    clips: ClipPacketsCache | None = None,
    xmp: bytes | None = None,
) -> ClipInfo:
    """Copy the packets of *pieces* in sequence into *out*, an MP4 (a MOV by its suffix) of constant *rate*.

    *metadata* are texts by name: ``title``, ``comment`` and any other; *chapters* are titles with their first frame and
    the frame after their last; *subtitles* become a text stream; *sound* is a file of ``soundtrack``, whose packets are
    interleaved with those of the pictures. *out* is replaced once the film is complete and verified; equal pieces give
    equal bytes. *during_verification* is entered with the staged file and whether bytes are still added to it; its
    value is called when the last byte is written, and it is left after the verification. *clips* may hold clips read
    before. *xmp* is an XMP packet.

    Raises ``JoinFailed``, and ``ParameterSetsDiffer`` if pieces cannot share a sample entry; *out* is unchanged then.
    """
    try:
        runs = prepare_runs(pieces, size, rate, clips or ClipPacketsCache())
        spec = _FilmSpec(
            runs, "mov" if out.suffix == ".mov" else "mp4", rate, metadata, chapters, subtitles, sound, xmp
        )
        with staged_path(out) as staged:
            layout, track = _try_layout(spec) or (None, _write(spec, staged))
            with during_verification(staged, layout is not None) as finish:
                if layout is not None:
                    write_layout(layout, _packet_ranges(runs), staged)
                    finish()
                with _sync_in_background(staged):
                    info = verify_film(
                        runs, staged, size, rate, PacketChecksums.concatenate(run.checksums for run in runs)
                    )
                    check_sound(staged, track, sum(run.piece.frames for run in runs) / rate)
                    if subtitles is not None:
                        check_subtitles(staged, subtitles, rate)
                    if layout is not None:
                        check_side_data(layout, staged)
            return info
    except InvalidMedia as problem:
        raise JoinFailed(f"the film {problem.reason}") from problem
    except (FFmpegError, OSError) as problem:
        raise JoinFailed(f"the film cannot be written: {shortage(problem) or problem.strerror}") from problem


@contextmanager
def _sync_in_background(staged: Path) -> Iterator[None]:
    """Sync *staged* to the disk in a thread while the block runs. Raises ``OSError``."""
    with ThreadPoolExecutor(1, thread_name_prefix="sync") as thread:
        syncing = thread.submit(sync_file, staged)
        yield
        syncing.result()


class _FilmSpec(Struct, frozen=True):
    """The film to write; *container_format* is FFmpeg's name of the container."""

    runs: Sequence[CopyRun]
    container_format: str
    rate: Fraction
    metadata: Mapping[str, str]
    chapters: Sequence[tuple[str, int, int]]
    subtitles: Subtitles | None
    sound: Path | None
    xmp: bytes | None = None

    @property
    def options(self) -> dict[str, str]:
        clock = {} if self.sound is None else {"movie_timescale": str(RATE)}
        return {"movflags": "+use_metadata_tags", "fflags": "+bitexact", **clock}


def _try_layout(spec: _FilmSpec) -> tuple[Layout, AudioCopy | None] | None:
    """Return the layout of the film and its sound, ``None`` if FFmpeg has to write the film."""
    if not all(run.offsets for run in spec.runs) or _exceeds_memory(spec.sound):
        return None
    sizes = [size for run in spec.runs for size in run.checksums.sizes]
    try:
        with open_track(spec.sound) as track:
            layout = plan_layout(spec.container_format, spec.options, sizes, partial(_mux, spec, track), spec.xmp)
            return layout, track
    except UnsupportedLayout:
        return None


def _exceeds_memory(sound: Path | None) -> bool:
    return sound is not None and sound.stat().st_size > _MAX_SIDE_BYTES


def _packet_ranges(runs: Sequence[CopyRun]) -> Iterator[tuple[Path, int, int]]:
    for run in runs:
        for offset, size in zip(run.offsets, run.checksums.sizes, strict=True):
            yield run.piece.path, offset, size


def _write(spec: _FilmSpec, staged: Path) -> AudioCopy | None:
    """Let FFmpeg write the film to *staged*; return its sound."""
    options = {**spec.options, "movflags": "+faststart+use_metadata_tags"}
    packets = (
        bytes(h264.repack(memoryview(packet), run.sets.length_size)) for run in spec.runs for packet in run.packets()
    )
    with (
        open_track(spec.sound) as track,
        av.open(file_url(staged), "w", format=spec.container_format, container_options=options) as film,
    ):
        _mux(spec, track, film, packets)
    if spec.xmp is not None:
        with staged.open("ab") as end:
            end.write(xmp_box(spec.xmp))
    return track


def _mux(spec: _FilmSpec, track: AudioCopy | None, film: OutputContainer, packets: Iterator[bytes]) -> None:
    """Mux the film with *packets* for pictures."""
    rate, runs = spec.rate, spec.runs
    delay = max(run.delay for run in runs)
    film.metadata.update(sorted(spec.metadata.items()))
    film.set_chapters([_chapter(number, *chapter, rate) for number, chapter in enumerate(spec.chapters)])
    stream = _film_stream(film, runs, rate)
    text = SubtitleTrack(film, spec.subtitles, rate) if spec.subtitles is not None else None
    if track is not None:
        track.add_to(film)
    at, tick = 0, 1 / rate
    for run in runs:
        keys = frozenset(run.keyframes)
        for position, frame_number in enumerate(run.frame_numbers):
            packet = av.Packet(next(packets))
            packet.stream = stream
            packet.time_base = tick
            packet.pts, packet.dts, packet.duration = at + frame_number, at + position - delay, 1
            packet.is_keyframe = position in keys
            if track is not None:
                track.copy_until(packet.dts / rate)
            film.mux_one(packet)
            if text is not None:
                text.write_until(at + position)
        at += run.piece.frames
    if track is not None:
        track.copy_until(None)


def _chapter(number: int, title: str, first: int, end: int, rate: Fraction) -> "Chapter":
    tick: Any = 1 / rate  # PyAV takes a fraction, whatever type its stubs name
    return {"id": number, "start": first, "end": end, "time_base": tick, "metadata": {"title": title}}


def _film_stream(film: OutputContainer, runs: Sequence[CopyRun], rate: Fraction) -> VideoStream:
    """Add the film's video stream, like that of the first piece, with the parameter sets of all pieces."""
    kinds = dict.fromkeys(run.sets for run in runs)
    with runs[0].open() as (_, template):
        stream = film.add_stream_from_template(template)
    stream.codec_context.extradata = h264.build_avcc(h264.merge(list(kinds)))
    tag_bt709(stream.codec_context)
    stream.time_base = 1 / rate
    return stream


# The number of pieces, spread over the film, whose first picture is decoded.
_MAX_PROBED_PIECES = 16


# After this many packets of a piece a decoder holds its full set of reference pictures.
_WARM_UP_PACKETS = 8


def verify_film(
    runs: Sequence[CopyRun], film: Path, size: Size, rate: Fraction, checksums: PacketChecksums
) -> ClipInfo:
    """Return the facts of *film* after verifying that it is *runs* in sequence.

    *checksums* covers the packets that it has to hold. Raises ``InvalidMedia``.
    """
    found_checksums = PacketChecksums()
    with open_media(film, strict=True) as container:
        stream = video_stream(container)
        table = read_sample_table(container, stream, found_checksums.add)
        info = describe(container, stream, table, next(decode_frames(container, stream, table, [0])))
        _check_info(info, sum(run.piece.frames for run in runs), size, rate)
        if found_checksums != checksums:
            raise InvalidMedia("does not have the packets that were copied")
        if table.times[0] != 0:
            raise InvalidMedia("does not start at time 0")
        starts = [0, *accumulate(run.piece.frames for run in runs[:-1])]
        for start in starts[:: -(-len(starts) // _MAX_PROBED_PIECES)]:
            _check_first_frame(container, stream, table, start)
        for key, start in _join_points(runs, starts):
            _check_join(container, stream, table, key, start)
    return info


def _check_info(info: ClipInfo, frames: int, size: Size, rate: Fraction) -> None:
    if info.frames != frames:
        raise InvalidMedia(f"has {info.frames} of {frames} frames")
    if (info.width, info.height) != (size.width, size.height):
        raise InvalidMedia(f"is {info.width}x{info.height}, not {size}")
    if frames > 1 and (info.fps, info.constant_rate) != (rate, True):
        raise InvalidMedia(f"has {info.fps} fps, not {rate}")
    if not info.closed_start:
        raise InvalidMedia("does not begin with its first displayed frame")


def _join_points(runs: Sequence[CopyRun], starts: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Return the shortest join for each pair of parameter sets: the keyframe before it, and its first frame."""
    names: Mapping[object, str] = {sets: sets.digest() for sets in dict.fromkeys(run.sets for run in runs)}
    nearest: dict[tuple[str, str], tuple[int, int]] = {}
    for (before, after), (begin, start) in zip(pairwise(runs), pairwise(starts), strict=True):
        key = begin + before.frame_numbers[before.keyframes[-1]]
        kind = (names[before.sets], names[after.sets])
        best = nearest.setdefault(kind, (key, start))
        if start - key < best[1] - best[0]:
            nearest[kind] = (key, start)
    return nearest.values()


def _check_first_frame(container: InputContainer, stream: VideoStream, table: SampleTable, start: int) -> None:
    """Decode the first picture of the piece that begins at *start*. Raises ``InvalidMedia``."""
    if not _decodes(container, stream, table, ((start, 1),)):
        raise InvalidMedia(f"has no frame {start} that decodes")


def _check_join(container: InputContainer, stream: VideoStream, table: SampleTable, key: int, start: int) -> None:
    """Decode from keyframe *key* into the piece that begins at *start* in one pass. Raises ``InvalidMedia``."""
    if not _decodes(container, stream, table, ((key, min(_WARM_UP_PACKETS, start - key)), (start, 1))):
        raise InvalidMedia(f"does not decode from frame {start - 1} to frame {start}")


def _decodes(
    container: InputContainer, stream: VideoStream, table: SampleTable, parts: Iterable[tuple[int, int]]
) -> bool:
    """Return whether a decoder gives every frame of *parts* (first frame, number of packets), fed in one pass."""
    fed = []
    for number, most in parts:
        with translate_errors():
            container.seek(table.times[number], stream=stream)
        fed += list(islice(packets(container, stream), most))
    with translate_errors():
        frames = [frame for packet in fed for frame in packet.decode()]
        frames += stream.codec_context.decode(None)
    stream.codec_context.flush_buffers()
    shown = sorted(table.numbers.get(frame.pts or 0, -1) for frame in frames if not frame.is_corrupt)
    return shown == sorted(table.numbers[packet.pts or 0] for packet in fed)
