"""The sound beside the pictures of a film: packets of a finished track, copied between those of the pictures.

The times are the track's own: the encoder's delay before 0, for which the film gets an edit list, and every packet as
long as it is.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from storyboard.core.sound import RATE
from storyboard.core.timebase import frames_in
from storyboard.media.reader import Refused, opened, ratio, reading

if TYPE_CHECKING:
    from av.packet import Packet


class Beside:
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
def heard(sound: Path | None) -> Iterator[Beside | None]:
    """The track in the file *sound*, if there is one. Raises ``Refused``."""
    if sound is None:
        yield None
        return
    with opened(sound, packets_only=True) as container:
        yield Beside(container)


def check_sound(film: Path, track: Beside | None, length: Fraction) -> None:
    """Raise ``Refused`` unless *film* has all packets of *track*, at their times, over *length* seconds."""
    with opened(film, packets_only=True) as container:
        if track is None:
            if container.streams.audio:
                raise Refused("has a sound that nobody made")
            return
        stream = _track(container)
        state, due = hashlib.sha256(), None
        for packet in _packets(container, stream):
            if packet.pts is None or (due is not None and packet.pts != due):
                raise Refused("has sound that does not follow on")
            due = packet.pts + (packet.duration or 0)
            state.update(bytes(packet))
        if state.hexdigest() != track.digest:
            raise Refused("does not hold the sound that was copied")
        if due is None or abs(due - frames_in(length, Fraction(RATE))) > 1:
            raise Refused(f"has sound until {float((due or 0) / RATE):.4f} s, pictures until {float(length):.4f} s")


def _track(container: InputContainer) -> AudioStream:
    if len(container.streams.audio) != 1:
        raise Refused(f"has {len(container.streams.audio)} sounds")
    stream = container.streams.audio[0]
    if ratio(stream.time_base, Fraction(1)) != Fraction(1, RATE):
        raise Refused(f"has sound at {stream.time_base}")
    return stream


def _packets(container: InputContainer, stream: AudioStream) -> "Iterator[Packet[AudioStream]]":
    with reading():
        for packet in container.demux(stream):
            if packet.size:
                yield packet
