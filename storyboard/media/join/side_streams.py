"""Captions as a stream of their own inside the film: 3GPP timed text, which MP4 and MOV players know.

Each sample is a text with its length before it (3GPP TS 26.245, 5.17); what nothing is said in has a sample without
text, so that every one ends where it should.

The sound beside the pictures of a film: packets of a finished track, copied between those of the pictures.

The times are the track's own: the encoder's delay before 0, for which the film gets an edit list, and every packet as
long as it is.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from msgspec import Struct

from storyboard.core.audio import RATE
from storyboard.core.captions import Cue, one_at_a_time
from storyboard.core.timebase import frames_in
from storyboard.media.reader import InvalidMedia, open_media, ratio, reading

if TYPE_CHECKING:
    from av.packet import Packet
    from av.subtitles.stream import SubtitleStream
if TYPE_CHECKING:
    from av.packet import Packet


_MOST_BYTES = 0xFFFF
# Finer than the clock of any sound: FFmpeg compares the times of different streams as bare numbers, and takes a text
# for ended when that of another is larger.
_FINE = 192_000
# QuickTime's own list has other codes for some languages.
_MOV_LANGUAGES = {"deu": "ger", "nld": "dut", "swe": "sve", "ell": "gre", "isl": "ice", "zho": "chi"}
_FORMAT = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, "
    "Encoding"
)
_STYLE = "Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0"
_EVENTS = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
_HEADER = (
    f"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: {_FORMAT}\nStyle: {_STYLE}\n\n"
    f"[Events]\nFormat: {_EVENTS}\n"
)


class Subtitles(Struct, frozen=True):
    """What is to be read, in frames of the film; at least one text. *language* by ISO 639-2 in three letters."""

    cues: tuple[Cue, ...]
    language: str = "und"


class SubtitleTrack:
    """The stream of *subtitles* in *film*; to be made before the first packet of the film is written."""

    def __init__(self, film: OutputContainer, subtitles: Subtitles, rate: Fraction) -> None:
        self._film = film
        self._tick = 1 / rate
        self._samples = list(_samples(subtitles))
        self._stream: SubtitleStream = film.add_stream("mov_text")
        self._stream.time_base = self._stream.codec_context.time_base = _fine_tick(rate)
        self._stream.codec_context.subtitle_header = _HEADER.encode()
        named = _MOV_LANGUAGES if film.format.name == "mov" else {}
        self._stream.metadata["language"] = named.get(subtitles.language, subtitles.language)

    def write_until(self, frame: int) -> None:
        """Write what has begun by *frame* of the film, so that picture and text lie side by side in the file."""
        while self._samples and self._samples[0].first <= frame:
            self._film.mux_one(self._packet(self._samples.pop(0)))

    def _packet(self, sample: Cue) -> "Packet[Any]":
        packet = av.Packet(_bytes(sample.text))
        packet.stream, packet.time_base, packet.is_keyframe = self._stream, self._tick, True
        packet.pts = packet.dts = sample.first
        packet.duration = sample.end - sample.first
        return packet


def check_subtitles(film: Path, subtitles: Subtitles, rate: Fraction) -> None:
    """Raise ``InvalidMedia`` unless *film* holds exactly those texts, at exactly those frames."""
    wanted = one_at_a_time(subtitles.cues)
    with open_media(film, packets_only=True) as container:
        [stream] = container.streams.subtitles or [None]
        packets = [*container.demux(stream)] if stream is not None else []
        frames = rate * ratio(stream.time_base, Fraction(0)) if stream is not None else Fraction(0)
        read = [(packet.pts, packet.duration, bytes(packet)) for packet in packets if packet.size > len(_bytes(""))]
    found = [(pts * frames, (pts + (duration or 0)) * frames, data) for pts, duration, data in read if pts is not None]
    if found != [(Fraction(cue.first), Fraction(cue.end), _bytes(cue.text)) for cue in wanted]:
        raise InvalidMedia("does not hold its captions as they were meant")


def _samples(subtitles: Subtitles) -> Iterator[Cue]:
    """Texts and pauses, one after another from the first frame of the film on."""
    at = 0
    for cue in one_at_a_time(subtitles.cues):
        if cue.first > at:
            yield Cue("", at, cue.first)
        yield cue
        at = cue.end


def _fine_tick(rate: Fraction) -> Fraction:
    """A tick of which every frame has a whole number."""
    ticks = rate.numerator
    while ticks < _FINE:
        ticks *= 2
    return Fraction(1, ticks)


def _bytes(text: str) -> bytes:
    data = text.encode()[:_MOST_BYTES].decode(errors="ignore").encode()
    return len(data).to_bytes(2, "big") + data


class AudioCopy:
    """A track that is copied into a film, as far as the film has come."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        self._template = _track(container)
        self._packets = _packets(container, self._template)
        self._next = next(self._packets, None)
        self._state = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The digest of all packets that were copied."""
        return self._state.hexdigest()

    def join(self, film: OutputContainer) -> None:
        """Give *film* a stream for it; the packets go there from now on."""
        self._film = film
        self._stream = film.add_stream_from_template(self._template)
        self._stream.time_base = Fraction(1, RATE)

    def until(self, seconds: Fraction | None) -> None:
        """Copy everything that begins up to there; all that is left if it is ``None``."""
        while self._next is not None:
            packet = self._next
            if seconds is not None and Fraction(packet.pts or 0, RATE) > seconds:
                return
            data = bytes(packet)
            self._state.update(data)
            copy = av.Packet(data)
            copy.stream, copy.time_base = self._stream, Fraction(1, RATE)
            copy.pts = copy.dts = packet.pts
            copy.duration, copy.is_keyframe = packet.duration, True
            self._film.mux_one(copy)
            self._next = next(self._packets, None)


@contextmanager
def open_track(sound: Path | None) -> Iterator[AudioCopy | None]:
    """The track in the file *sound*, if there is one. Raises ``InvalidMedia``."""
    if sound is None:
        yield None
        return
    with open_media(sound, packets_only=True) as container:
        yield AudioCopy(container)


def check_sound(film: Path, track: AudioCopy | None, length: Fraction) -> None:
    """Raise ``InvalidMedia`` unless *film* has all packets of *track*, at their times, over *length* seconds."""
    with open_media(film, packets_only=True) as container:
        if track is None:
            if container.streams.audio:
                raise InvalidMedia("has a sound that nobody made")
            return
        stream = _track(container)
        state, due = hashlib.sha256(), None
        for packet in _packets(container, stream):
            if packet.pts is None or (due is not None and packet.pts != due):
                raise InvalidMedia("has sound that does not follow on")
            due = packet.pts + (packet.duration or 0)
            state.update(bytes(packet))
        if state.hexdigest() != track.digest:
            raise InvalidMedia("does not hold the sound that was copied")
        if due is None or abs(due - frames_in(length, Fraction(RATE))) > 1:
            raise InvalidMedia(
                f"has sound until {float((due or 0) / RATE):.4f} s, pictures until {float(length):.4f} s"
            )


def _track(container: InputContainer) -> AudioStream:
    if len(container.streams.audio) != 1:
        raise InvalidMedia(f"has {len(container.streams.audio)} sounds")
    stream = container.streams.audio[0]
    if ratio(stream.time_base, Fraction(1)) != Fraction(1, RATE):
        raise InvalidMedia(f"has sound at {stream.time_base}")
    return stream


def _packets(container: InputContainer, stream: AudioStream) -> "Iterator[Packet[AudioStream]]":
    with reading():
        for packet in container.demux(stream):
            if packet.size:
                yield packet
