"""Pieces of film into one film by copying their packets; nothing is encoded, and only the proof decodes.

Owns the copy. Which takes can be copied at all is decided in the timeline; a piece of the wrong kind raises here all
the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from msgspec import Struct

from storyboard.core.audio import RATE
from storyboard.core.clip import ClipInfo
from storyboard.core.model import Size
from storyboard.durable import staged_path, sync_file
from storyboard.media import h264
from storyboard.media.join.copy_source import (
    ClipPacketsCache,
    CopyRun,
    JoinFailed,
    JoinPiece,
    PacketChecksums,
    ParameterSetsDiffer,
    prepared,
)
from storyboard.media.join.faststart import Layout, Unfit, check_rest, laid_out, lay
from storyboard.media.join.side_streams import (
    AudioCopy,
    Subtitles,
    SubtitleTrack,
    check_sound,
    check_subtitles,
    open_track,
)
from storyboard.media.join.verify import verify_film
from storyboard.media.reader import InvalidMedia
from storyboard.media.render.color import tag_bt709
from storyboard.media.render.encoder import file_url

if TYPE_CHECKING:
    from av.container.core import Chapter  # a type without a class at run time

# Bytes. What stands between the pictures of a film is in memory while it is laid out.
_MOST_BESIDE = 1 << 25

__all__ = ["JoinFailed", "JoinPiece", "ParameterSetsDiffer", "Subtitles", "join"]


def join(
    pieces: Sequence[JoinPiece],
    out: Path,
    size: Size,
    rate: Fraction,
    metadata: Mapping[str, str],
    chapters: Sequence[tuple[str, int, int]] = (),
    subtitles: Subtitles | None = None,
    sound: Path | None = None,
    meanwhile: Callable[[Path, bool], AbstractContextManager[Callable[[], object]]] = lambda *_: nullcontext(bool),
    reels: ClipPacketsCache | None = None,
) -> ClipInfo:
    """Copy the packets of *pieces* one after another into *out*, an MP4 (a MOV by its name) of constant *rate*.

    *metadata* are texts by name: ``title``, ``comment`` and any other; *chapters* are titles
    with their first frame and the one after their last; *subtitles* become a stream of text; *sound* is a file of
    ``soundtrack``, whose packets stand beside those of the pictures. *out* is replaced when the film is whole and
    proved; the same pieces give the same bytes. *meanwhile* is entered with the file and whether bytes are still
    added to it; what it gives is called when there are no more to come, and it is left when the film is proved.
    *reels* may hold what has been read of the pieces before.

    Raises ``JoinFailed``, and ``ParameterSetsDiffer`` if pieces can't share a sample entry; *out* is untouched then.
    """
    try:
        strips = prepared(pieces, size, rate, reels or ClipPacketsCache())
        meant = _Meant(strips, "mov" if out.suffix == ".mov" else "mp4", rate, metadata, chapters, subtitles, sound)
        with staged_path(out) as part:
            layout, track = _laid_out(meant) or (None, _write(meant, part))
            with meanwhile(part, layout is not None) as whole:
                if layout is not None:
                    lay(layout, _places(strips), part)
                    whole()
                with _being_synced(part):
                    info = verify_film(
                        strips, part, size, rate, PacketChecksums.together(strip.seal for strip in strips)
                    )
                    check_sound(part, track, sum(strip.piece.frames for strip in strips) / rate)
                    if subtitles is not None:
                        check_subtitles(part, subtitles, rate)
                    if layout is not None:
                        check_rest(layout, part)
            return info
    except InvalidMedia as problem:
        raise JoinFailed(f"the film {problem.reason}") from problem
    except (FFmpegError, OSError) as problem:
        raise JoinFailed(f"the film can't be written: {problem.strerror}") from problem


@contextmanager
def _being_synced(part: Path) -> Iterator[None]:
    """Sync *part* to the disk in a thread while the block runs. Raises ``OSError``."""
    with ThreadPoolExecutor(1, thread_name_prefix="sync") as thread:
        syncing = thread.submit(sync_file, part)
        yield
        syncing.result()


class _Meant(Struct, frozen=True):
    """The film that is asked for; *box* is FFmpeg's name of the container."""

    strips: Sequence[CopyRun]
    box: str
    rate: Fraction
    metadata: Mapping[str, str]
    chapters: Sequence[tuple[str, int, int]]
    subtitles: Subtitles | None
    sound: Path | None

    @property
    def options(self) -> dict[str, str]:
        clock = {} if self.sound is None else {"movie_timescale": str(RATE)}
        return {"movflags": "+use_metadata_tags", "fflags": "+bitexact", **clock}


def _laid_out(meant: _Meant) -> tuple[Layout, AudioCopy | None] | None:
    """Where everything will be, and its sound; ``None`` if it has to be left to FFmpeg."""
    if not all(strip.places for strip in meant.strips) or _is_long(meant.sound):
        return None
    sizes = [size for strip in meant.strips for size in strip.seal.sizes]
    try:
        with open_track(meant.sound) as track:
            return laid_out(meant.box, meant.options, sizes, partial(_mux, meant, track)), track
    except Unfit:
        return None


def _is_long(sound: Path | None) -> bool:
    return sound is not None and sound.stat().st_size > _MOST_BESIDE


def _places(strips: Sequence[CopyRun]) -> Iterator[tuple[Path, int, int]]:
    for strip in strips:
        for place, size in zip(strip.places, strip.seal.sizes, strict=True):
            yield strip.piece.path, place, size


def _write(meant: _Meant, part: Path) -> AudioCopy | None:
    """Have FFmpeg write the film to *part*; returns its sound."""
    options = {**meant.options, "movflags": "+faststart+use_metadata_tags"}
    packets = (
        bytes(h264.repacked(memoryview(packet), strip.sets.length_size))
        for strip in meant.strips
        for packet in strip.packets()
    )
    with (
        open_track(meant.sound) as track,
        av.open(file_url(part), "w", format=meant.box, container_options=options) as film,
    ):
        _mux(meant, track, film, packets)
        return track


def _mux(meant: _Meant, track: AudioCopy | None, film: OutputContainer, packets: Iterator[bytes]) -> None:
    """Hand the film to FFmpeg, with *packets* for pictures."""
    rate, strips = meant.rate, meant.strips
    delay = max(strip.delay for strip in strips)
    film.metadata.update(sorted(meant.metadata.items()))
    film.set_chapters([_chapter(number, *chapter, rate) for number, chapter in enumerate(meant.chapters)])
    stream = _film_stream(film, strips, rate)
    text = SubtitleTrack(film, meant.subtitles, rate) if meant.subtitles is not None else None
    if track is not None:
        track.join(film)
    at, tick = 0, 1 / rate
    for strip in strips:
        keys = frozenset(strip.keys)
        for position, rank in enumerate(strip.ranks):
            packet = av.Packet(next(packets))
            packet.stream = stream
            packet.time_base = tick
            packet.pts, packet.dts, packet.duration = at + rank, at + position - delay, 1
            packet.is_keyframe = position in keys
            if track is not None:
                track.until(packet.dts / rate)
            film.mux_one(packet)
            if text is not None:
                text.write_until(at + position)
        at += strip.piece.frames
    if track is not None:
        track.until(None)


def _chapter(number: int, title: str, first: int, end: int, rate: Fraction) -> "Chapter":
    tick: Any = 1 / rate  # PyAV takes a fraction, whatever type its stubs name
    return {"id": number, "start": first, "end": end, "time_base": tick, "metadata": {"title": title}}


def _film_stream(film: OutputContainer, strips: Sequence[CopyRun], rate: Fraction) -> VideoStream:
    """The film's one stream: made after the first piece's, with everybody's parameter sets."""
    kinds = dict.fromkeys(strip.sets for strip in strips)
    with strips[0].open() as (_, template):
        stream = film.add_stream_from_template(template)
    stream.codec_context.extradata = h264.pack(h264.merged(list(kinds)))
    tag_bt709(stream.codec_context)
    stream.time_base = 1 / rate
    return stream
