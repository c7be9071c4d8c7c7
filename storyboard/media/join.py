"""Pieces of film into one film by copying their packets; nothing is encoded, and only the proof decodes.

Owns the copy. Which takes can be copied at all is decided in the timeline; a piece of the wrong kind raises here all
the same.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from storyboard.core.clip import ClipInfo
from storyboard.core.model import Size
from storyboard.core.sound import RATE
from storyboard.media import avc
from storyboard.media.beside import Beside, check_sound, heard
from storyboard.media.encode import file_url
from storyboard.media.pieces import JoinFailed, Mixed, Piece, Strip, prepared
from storyboard.media.proof import proved
from storyboard.media.publish import being_synced, written_beside
from storyboard.media.reader import Refused
from storyboard.media.reels import Reels
from storyboard.media.seal import Seal
from storyboard.media.subtitles import Subtitles, SubtitleTrack, check_subtitles
from storyboard.media.tagging import tag_bt709

if TYPE_CHECKING:
    from av.container.core import Chapter  # a type without a class at run time

__all__ = ["JoinFailed", "Mixed", "Piece", "Subtitles", "join"]


def join(
    pieces: Sequence[Piece],
    out: Path,
    size: Size,
    rate: Fraction,
    metadata: Mapping[str, str],
    chapters: Sequence[tuple[str, int, int]] = (),
    subtitles: Subtitles | None = None,
    sound: Path | None = None,
    meanwhile: Callable[[Path], AbstractContextManager[object]] = nullcontext,
    reels: Reels | None = None,
) -> ClipInfo:
    """Copy the packets of *pieces* one after another into *out*, an MP4 (a MOV by its name) of constant *rate*.

    *metadata* are texts by name: ``title``, ``comment`` and any other; *chapters* are titles
    with their first frame and the one after their last; *subtitles* become a stream of text; *sound* is a file of
    ``soundtrack``, whose packets stand beside those of the pictures. *out* is replaced when the film is whole and
    proved; the same pieces give the same bytes. *meanwhile* is entered with the file that has been written, and left
    when that is proved. *reels* may hold what has been read of the pieces before.

    Raises ``JoinFailed``, and ``Mixed`` if pieces can't share a sample entry; *out* is untouched then.
    """
    try:
        strips = prepared(pieces, size, rate, reels or Reels())
        with written_beside(out) as part:
            box = "mov" if out.suffix == ".mov" else "mp4"
            with heard(sound) as track:
                _write(strips, part, box, rate, metadata, chapters, subtitles, track)
            with meanwhile(part), being_synced(part):
                info = proved(strips, part, size, rate, Seal.together(strip.seal for strip in strips))
                check_sound(part, track, sum(strip.piece.frames for strip in strips) / rate)
                if subtitles is not None:
                    check_subtitles(part, subtitles, rate)
            return info
    except Refused as problem:
        raise JoinFailed(f"the film {problem.reason}") from problem
    except (FFmpegError, OSError) as problem:
        raise JoinFailed(f"the film can't be written: {problem.strerror}") from problem


def _write(
    strips: Sequence[Strip],
    part: Path,
    box: str,
    rate: Fraction,
    metadata: Mapping[str, str],
    chapters: Sequence[tuple[str, int, int]],
    subtitles: Subtitles | None,
    track: Beside | None,
) -> None:
    """Write the film to *part*."""
    delay = max(strip.delay for strip in strips)
    options = {"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact"}
    options |= {} if track is None else {"movie_timescale": str(RATE)}
    with av.open(file_url(part), "w", format=box, container_options=options) as film:
        film.metadata.update(sorted(metadata.items()))
        film.set_chapters([_chapter(number, *chapter, rate) for number, chapter in enumerate(chapters)])
        stream = _film_stream(film, strips, rate)
        text = SubtitleTrack(film, subtitles, rate) if subtitles is not None else None
        if track is not None:
            track.join(film)
        at, tick = 0, 1 / rate
        for strip in strips:
            keys = frozenset(strip.keys)
            for position, packet in enumerate(strip.packets()):
                copy = av.Packet(bytes(avc.repacked(memoryview(packet), strip.sets.length_size)))
                copy.stream = stream
                copy.time_base = tick
                copy.pts, copy.dts, copy.duration = at + strip.ranks[position], at + position - delay, 1
                copy.is_keyframe = position in keys
                if track is not None:
                    track.until(copy.dts / rate)
                film.mux_one(copy)
                if text is not None:
                    text.write_until(at + position)
            at += strip.piece.frames
        if track is not None:
            track.until(None)


def _chapter(number: int, title: str, first: int, end: int, rate: Fraction) -> "Chapter":
    return {"id": number, "start": first, "end": end, "time_base": 1 / rate, "metadata": {"title": title}}


def _film_stream(film: OutputContainer, strips: Sequence[Strip], rate: Fraction) -> VideoStream:
    """The film's one stream: made after the first piece's, with everybody's parameter sets."""
    kinds = dict.fromkeys(strip.sets for strip in strips)
    with strips[0].opened() as (_, template):
        stream = film.add_stream_from_template(template)
    stream.codec_context.extradata = avc.pack(avc.merged(list(kinds)))
    tag_bt709(stream.codec_context)
    stream.time_base = 1 / rate
    return stream
