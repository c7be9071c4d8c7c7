"""Sound of a film as values: which part of which take is heard where, and the tracks mixed with it.

Positions count samples of the film at 48 kHz from its first picture, so rounding does not add up over an hour of shots.
Sources are named by digest. ``sound_request`` alone decides what is part of the key of the sound.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from fractions import Fraction
from typing import Literal

from msgspec import Struct

from storyboard.core.keys import Request, normal_request
from storyboard.core.model import Json, Output, Shot, Storyboard, Track
from storyboard.core.plan import TakeResult
from storyboard.core.ranges import overlaps
from storyboard.core.reason import TrackOutside
from storyboard.core.timebase import frames_in, plain_number, seconds_of
from storyboard.core.timeline import PlacedShot, total_frames

RATE = 48_000
# Increase whenever an unchanged mix would give other samples: it is part of the key.
MIXER_VERSION = 3
# 3 ms at each side of a hard cut, which would click otherwise.
EDGE = RATE * 3 // 1000
Curve = Literal["edge", "cross", "through"]


class Ramp(Struct, frozen=True):
    """The rise or fall of a sound, in samples.

    ``edge`` is a straight line that keeps a cut from clicking; ``cross`` is a quarter of a sine, two of which keep the
    power constant; ``through`` is silent in its outer half, as a picture that fades through a colour.
    """

    samples: int = 0
    curve: Curve = "edge"


class ShotAudio(Struct, frozen=True):
    """Sound of a take: *samples* of the film from sample *at*, starting *start* seconds after its first picture."""

    take: str
    at: int
    samples: int
    start: Fraction
    speed: Fraction
    gain: Fraction
    rise: Ramp
    fall: Ramp


class TrackAudio(Struct, frozen=True):
    """A track from sample *at*, at most to the end of the film. *file* is its path and not part of the key."""

    digest: str
    at: int
    gain: Fraction
    fade_in: int
    fade_out: int
    loop: bool
    duck: Fraction
    file: str = ""


class SoundMix(Struct, frozen=True):
    """Sound of a film, *samples* long; silent without voices and beds. *loudness* is in LUFS."""

    samples: int
    voices: tuple[ShotAudio, ...]
    beds: tuple[TrackAudio, ...]
    loudness: Fraction | None = None


class TrackOutsideFilm(ValueError):
    """A track that begins before the film or after its end; ``detail`` says when."""

    def __init__(self, detail: TrackOutside) -> None:
        super().__init__(detail)
        self.detail = detail


Takes = Callable[[str], TakeResult | None]


def film_sound(
    storyboard: Storyboard,
    pieces: Sequence[PlacedShot],
    take: Takes,
    files: Mapping[str, str],
    *,
    is_filled: bool = False,
) -> SoundMix:
    """Return the sound of a film: the takes of the shots at *pieces*, and the tracks.

    *take* returns the take of a shot; *files* are digests by path. Raises ``TrackOutsideFilm``; of a film that
    *is_filled*, whose length is another one, tracks outside are left out.
    """
    output = storyboard.output
    samples = sample_at(total_frames(pieces), output.fps)
    beds = []
    for track in storyboard.audio:
        with suppress(TrackOutsideFilm) if is_filled else nullcontext():
            beds.append(_track_audio(track, pieces, output, samples, files[track.file.path]))
    return SoundMix(samples, tuple(_shot_audios(storyboard, pieces, take)), tuple(beds), output.loudness)


def sample_at(frame: int, rate: Fraction) -> int:
    """Return the sample of the film nearest to the beginning of *frame*."""
    return frames_in(frame / rate, Fraction(RATE))


class _PlacedSound(Struct, frozen=True):
    """A shot in its place; *take* is ``None`` if the shot is silent."""

    shot: Shot
    piece: PlacedShot
    take: TakeResult | None

    def start(self, output: Output) -> Fraction:
        """Return where the sound starts, in seconds of the take.

        Where packets are copied the picture begins at a whole frame, and the sound has to begin with it.
        """
        info = self.take.info if self.take is not None else None
        if info is None or self.shot.speed != 1 or info.fps != output.fps or not info.constant_rate:
            return self.piece.start
        return frames_in(self.piece.start, info.fps) / info.fps


def _shot_audios(storyboard: Storyboard, pieces: Sequence[PlacedShot], take: Takes) -> Iterator[ShotAudio]:
    output, shares = storyboard.output, overlaps(storyboard)
    shots = {shot.id: shot for shot in storyboard.shots()}
    heard = [_PlacedSound(shots[piece.shot], piece, _audible_take(shots[piece.shot], take)) for piece in pieces]
    for before, here, after in zip([None, *heard[:-1]], heard, [*heard[1:], None], strict=True):
        if here.take is None:
            continue
        piece, share = here.piece, shares[here.shot.id]
        first, end = piece.at, piece.at + piece.frames
        coming = here.shot.transition.type if before is not None else "cut"
        going = after.shot.transition.type if after is not None else "cut"
        rise = _ramp_over(first, first + share.before, coming, output)
        fall = _ramp_over(end - share.after, end, going, output)
        begin = sample_at(first, output.fps)
        yield ShotAudio(
            take=here.take.digest,
            at=begin,
            samples=sample_at(end, output.fps) - begin,
            start=here.start(output),
            speed=here.shot.speed,
            gain=here.shot.audio.gain,
            rise=Ramp() if before is not None and _continues(before, here, output) else rise,
            fall=Ramp() if after is not None and _continues(here, after, output) else fall,
        )


def _audible_take(shot: Shot, take: Takes) -> TakeResult | None:
    made = take(shot.id) if shot.audio.keep else None
    return made if made is not None and made.info.has_audio else None


def _ramp_over(first: int, end: int, kind: str, output: Output) -> Ramp:
    """Return the ramp over the frames *first* to *end*; without frames, the edge that keeps a cut from clicking."""
    if first == end:
        return Ramp(EDGE)
    return Ramp(sample_at(end, output.fps) - sample_at(first, output.fps), "through" if kind == "fade" else "cross")


def _continues(before: _PlacedSound, after: _PlacedSound, output: Output) -> bool:
    """Return whether the take continues across the cut without a gap, so that the cut needs no ramp."""
    if before.take is None or after.take is None or before.take.digest != after.take.digest:
        return False
    if before.shot.speed != 1 or after.shot.speed != 1 or before.shot.audio != after.shot.audio:
        return False
    end = before.piece.at + before.piece.frames
    return after.piece.at == end and after.start(output) == before.start(output) + before.piece.frames / output.fps


def _track_audio(track: Track, pieces: Sequence[PlacedShot], output: Output, samples: int, digest: str) -> TrackAudio:
    at = frames_in(track_start(track, pieces, output), Fraction(RATE))
    if not 0 <= at < samples:
        raise TrackOutsideFilm(TrackOutside(track.file.path, Fraction(at, RATE), Fraction(samples, RATE)))
    rise, fall = (frames_in(seconds, Fraction(RATE)) for seconds in (track.fade_in, track.fade_out))
    return TrackAudio(digest, at, track.gain, rise, fall, track.loop, track.duck, track.file.path)


def track_start(track: Track, pieces: Sequence[PlacedShot], output: Output) -> Fraction:
    """Return the second of the film at which *track* begins.

    Raises ``TrackOutsideFilm`` if the shot it is tied to is not in the film.
    """
    if track.shot is None:
        return track.start
    at = next((piece.at for piece in pieces if piece.shot == track.shot), None)
    if at is None:
        length = seconds_of(total_frames(pieces), output.fps)
        raise TrackOutsideFilm(TrackOutside(track.file.path, Fraction(0), length, track.shot))
    return track.start + at / output.fps


def sound_request(sound: SoundMix, renderer: Mapping[str, Json]) -> Request:
    """Return what decides the samples of *sound*: digests, positions, gains; no path and no id."""
    request: Request = {
        "samples": sound.samples,
        "voices": [_voice_request(voice) for voice in sound.voices],
        "tracks": [_track_request(bed) for bed in sound.beds],
        "mixer": MIXER_VERSION,
        "av": renderer.get("av"),
    }
    if sound.loudness is not None:
        request["loudness"] = sound.loudness
    return normal_request(request)


def _voice_request(voice: ShotAudio) -> dict[str, Json]:
    said: dict[str, Json] = {
        "take": voice.take,
        "at": voice.at,
        "samples": voice.samples,
        "start": str(voice.start),
        "rise": [voice.rise.samples, voice.rise.curve],
        "fall": [voice.fall.samples, voice.fall.curve],
    }
    said |= {"speed": str(voice.speed)} if voice.speed != 1 else {}
    return said | ({"gain": plain_number(voice.gain)} if voice.gain else {})


def _track_request(bed: TrackAudio) -> dict[str, Json]:
    said: dict[str, Json] = {"file": f"file:{bed.digest}", "at": bed.at}
    more = {
        "gain": plain_number(bed.gain),
        "fade_in": bed.fade_in,
        "fade_out": bed.fade_out,
        "loop": bed.loop,
        "duck": plain_number(bed.duck),
    }
    return said | {name: value for name, value in more.items() if value}
