"""Side streams of a film: sound and captions, muxed between the packets of the pictures.

Captions are 3GPP timed text, which MP4 and MOV players support. Each sample is a text after its length (3GPP TS 26.245,
5.17); a pause is a sample without text, so that every text ends on time. Sound is copied from a finished track at its
own times: the encoder's delay lies before 0, for which the film gets an edit list, and every packet keeps its length.
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
from storyboard.media.reader import InvalidMedia, open_media, ratio, translate_errors

if TYPE_CHECKING:
    from av.packet import Packet
    from av.subtitles.stream import SubtitleStream

_MAX_TEXT_BYTES = 0xFFFF
# Finer than the clock of any sound: FFmpeg compares the times of different streams without their units, and ends a text
# early when another stream's number is larger.
_MIN_TICKS_PER_S = 192_000
# Languages with another code in QuickTime's list.
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
    """Captions in frames of the film, at least one. *language* by ISO 639-2 in three letters."""

    cues: tuple[Cue, ...]
    language: str = "und"


class SubtitleTrack:
    """The stream of *subtitles* in *film*; create it before the first packet of the film is written."""

    def __init__(self, film: OutputContainer, subtitles: Subtitles, rate: Fraction) -> None:
        self._film = film
        self._tick = 1 / rate
        self._timed_samples = list(_timed_samples(subtitles))
        self._stream: SubtitleStream = film.add_stream("mov_text")
        self._stream.time_base = self._stream.codec_context.time_base = _subtitle_tick(rate)
        self._stream.codec_context.subtitle_header = _HEADER.encode()
        named = _MOV_LANGUAGES if film.format.name == "mov" else {}
        self._stream.metadata["language"] = named.get(subtitles.language, subtitles.language)

    def write_until(self, frame: int) -> None:
        """Write the texts that begin by *frame* of the film, so that pictures and text are interleaved."""
        while self._timed_samples and self._timed_samples[0].first <= frame:
            self._film.mux_one(self._packet(self._timed_samples.pop(0)))

    def _packet(self, sample: Cue) -> "Packet[Any]":
        packet = av.Packet(_encode_text(sample.text))
        packet.stream, packet.time_base, packet.is_keyframe = self._stream, self._tick, True
        packet.pts = packet.dts = sample.first
        packet.duration = sample.end - sample.first
        return packet


def check_subtitles(film: Path, subtitles: Subtitles, rate: Fraction) -> None:
    """Raise ``InvalidMedia`` unless *film* holds exactly those texts at exactly those frames."""
    wanted = one_at_a_time(subtitles.cues)
    with open_media(film, packets_only=True) as container:
        [stream] = container.streams.subtitles or [None]
        packets = [*container.demux(stream)] if stream is not None else []
        frames = rate * ratio(stream.time_base, Fraction(0)) if stream is not None else Fraction(0)
        read = [
            (packet.pts, packet.duration, bytes(packet)) for packet in packets if packet.size > len(_encode_text(""))
        ]
    found = [(pts * frames, (pts + (duration or 0)) * frames, data) for pts, duration, data in read if pts is not None]
    if found != [(Fraction(cue.first), Fraction(cue.end), _encode_text(cue.text)) for cue in wanted]:
        raise InvalidMedia("does not have the captions that were written")


def _timed_samples(subtitles: Subtitles) -> Iterator[Cue]:
    """Yield texts and pauses in sequence from the first frame of the film on."""
    at = 0
    for cue in one_at_a_time(subtitles.cues):
        if cue.first > at:
            yield Cue("", at, cue.first)
        yield cue
        at = cue.end


def _subtitle_tick(rate: Fraction) -> Fraction:
    """Return a tick of which every frame is a whole multiple."""
    ticks = rate.numerator
    while ticks < _MIN_TICKS_PER_S:
        ticks *= 2
    return Fraction(1, ticks)


def _encode_text(text: str) -> bytes:
    data = text.encode()[:_MAX_TEXT_BYTES].decode(errors="ignore").encode()
    return len(data).to_bytes(2, "big") + data


class AudioCopy:
    """A track that is copied into a film step by step."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        self._template = _audio_stream(container)
        self._audio_packets = _audio_packets(container, self._template)
        self._next = next(self._audio_packets, None)
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The digest of all copied packets."""
        return self._hash.hexdigest()

    def add_to(self, film: OutputContainer) -> None:
        """Add a stream for the track to *film*; later packets are copied there."""
        self._film = film
        self._stream = film.add_stream_from_template(self._template)
        self._stream.time_base = Fraction(1, RATE)

    def copy_until(self, seconds: Fraction | None) -> None:
        """Copy all packets that begin up to *seconds*; all that remain if it is ``None``."""
        while self._next is not None:
            packet = self._next
            if seconds is not None and Fraction(packet.pts or 0, RATE) > seconds:
                return
            data = bytes(packet)
            self._hash.update(data)
            copy = av.Packet(data)
            copy.stream, copy.time_base = self._stream, Fraction(1, RATE)
            copy.pts = copy.dts = packet.pts
            copy.duration, copy.is_keyframe = packet.duration, True
            self._film.mux_one(copy)
            self._next = next(self._audio_packets, None)


@contextmanager
def open_track(sound: Path | None) -> Iterator[AudioCopy | None]:
    """Open the track in the file *sound*, if there is one. Raises ``InvalidMedia``."""
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
                raise InvalidMedia("has sound that was not mixed")
            return
        stream = _audio_stream(container)
        state, due = hashlib.sha256(), None
        for packet in _audio_packets(container, stream):
            if packet.pts is None or (due is not None and packet.pts != due):
                raise InvalidMedia("has a gap or an overlap in its sound")
            due = packet.pts + (packet.duration or 0)
            state.update(bytes(packet))
        if state.hexdigest() != track.digest:
            raise InvalidMedia("does not have the sound that was copied")
        if due is None or abs(due - frames_in(length, Fraction(RATE))) > 1:
            raise InvalidMedia(f"has {float((due or 0) / RATE):.4f} s of sound, but {float(length):.4f} s of pictures")


def _audio_stream(container: InputContainer) -> AudioStream:
    if len(container.streams.audio) != 1:
        raise InvalidMedia(f"has {len(container.streams.audio)} audio streams")
    stream = container.streams.audio[0]
    if ratio(stream.time_base, Fraction(1)) != Fraction(1, RATE):
        raise InvalidMedia(f"has sound with the time base {stream.time_base}")
    return stream


def _audio_packets(container: InputContainer, stream: AudioStream) -> "Iterator[Packet[AudioStream]]":
    with translate_errors():
        for packet in container.demux(stream):
            if packet.size:
                yield packet
