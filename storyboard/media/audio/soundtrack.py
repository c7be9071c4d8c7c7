"""Soundtrack of a film: one AAC track, mixed, brought to its loudness, limited, encoded and measured again.

The decoded track decides: an encoder can raise peaks, and a limiter lowers the loudness. So the loudness is measured
after the limiter, and, with the peak, on the finished track.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import av
from av.error import FFmpegError
from msgspec import Struct

from storyboard.core.audio import RATE, SoundMix
from storyboard.durable import remove
from storyboard.media.audio.dynamics import SILENT, Loudness, audio_frame, from_decibels, limit, measure_loudness
from storyboard.media.audio.mix import MixFailed, count_samples, mix
from storyboard.media.audio.source import Blocks, read_track_sound
from storyboard.media.render.encoder import file_url
from storyboard.operating_system import shortage

# Bits a second of loud sound; it determines the encoder's bandwidth.
BIT_RATE = 256_000
# The fast coder needs a third more bits for equal accuracy, and half the time of the slow one. It gets a quality: for a
# bit rate it encodes each packet of a quiet sound, which needs fewer bits, five times.
_CODER_OPTIONS = {"aac_coder": "fast", "flags": "+qscale", "global_quality": str(round(1.6 * 118))}
# dBTP: the ceiling of the film; dB: the headroom that the limiter leaves for the encoder.
MAX_PEAK_DBTP = -1.0
_ENCODER_HEADROOM_DB = 1.0
_MAX_PASSES = 6
# LU: the accepted error of the loudness before and after the encoder.
_GAIN_TOLERANCE_LU, _MAX_ERROR_LU = 0.1, 0.3
# The most that the limiter may attenuate the highest peak; a sound that needs more stays quieter than requested.
_MAX_LIMITING_DB = 30.0
# The lowest assumed gain in LU for each decibel before the limiter.
_MIN_LU_PER_DB = 0.25

Progress = Callable[[int, int], None]
Remix = Callable[[], Blocks]


class SoundFacts(Struct, frozen=True):
    """Facts of a written track. ``loudness`` in LUFS and ``peak`` in dBTP are set where a loudness was requested.

    ``loudness`` is ``None`` for silence, which no gain can raise.
    """

    samples: int
    loudness: float | None = None
    peak: float | None = None


def write_sound(sound: SoundMix, files: Mapping[str, Path], out: Path, progress: Progress) -> SoundFacts:
    """Write the sound of a film to *out*, an M4A of stereo AAC at 48 kHz, exactly as long as the film.

    *files* are the sources by digest. *progress* receives the seconds done and the total, for each pass. Equal input
    gives equal bytes. Raises ``MixFailed`` and ``OSError`` and removes *out* then.
    """
    try:
        remix = partial(
            count_samples, partial(mix, sound, files), lambda done: progress(done // RATE, sound.samples // RATE)
        )
        if sound.loudness is None:
            _encode(limit(remix, 1.0, from_decibels(MAX_PEAK_DBTP - _ENCODER_HEADROOM_DB)), sound.samples, out)
            return SoundFacts(sound.samples)
        return _write_at_loudness(remix, sound, float(sound.loudness), out)
    except FFmpegError as problem:
        remove(out)
        raise MixFailed(f"the sound cannot be written: {shortage(problem) or problem.strerror}") from problem
    except BaseException:
        remove(out)
        raise


def _write_at_loudness(remix: Remix, sound: SoundMix, wanted: float, out: Path) -> SoundFacts:
    """Write *remix* at the loudness *wanted*, or as near as its peaks allow. Raises ``MixFailed``."""
    unlimited = measure_loudness(remix())
    ceiling, correction = MAX_PEAK_DBTP - _ENCODER_HEADROOM_DB, 0.0
    for _ in range(_MAX_PASSES):
        gain = _find_gain(remix, unlimited, wanted + correction, ceiling)
        _encode(limit(remix, from_decibels(gain), from_decibels(ceiling)), sound.samples, out)
        measured = measure_loudness(read_track_sound(out))
        error = 0.0 if measured.integrated is None else wanted - measured.integrated
        if measured.peak < MAX_PEAK_DBTP and (abs(error) <= _MAX_ERROR_LU or gain >= _max_gain(unlimited, ceiling)):
            return SoundFacts(sound.samples, measured.integrated, measured.peak)
        if measured.peak >= MAX_PEAK_DBTP:
            ceiling -= measured.peak - MAX_PEAK_DBTP + _ENCODER_HEADROOM_DB / 2
        else:
            correction += error
    raise MixFailed(f"its true peak cannot be limited to {MAX_PEAK_DBTP:g} dBTP at {wanted:g} LUFS")


def _find_gain(remix: Remix, unlimited: Loudness, wanted: float, ceiling: float) -> float:
    """Return the gain in decibels that brings *remix* to *wanted* after the limiter, within the limiter's range."""
    if unlimited.integrated is None:
        return 0.0
    gain = min(wanted - unlimited.integrated, _max_gain(unlimited, ceiling))
    if unlimited.peak + gain <= ceiling:
        return gain
    lu_per_db, last = 1.0, (0.0, unlimited.integrated)
    for _ in range(_MAX_PASSES):
        measured = measure_loudness(limit(remix, from_decibels(gain), from_decibels(ceiling))).integrated or SILENT
        if gain != last[0]:
            lu_per_db = min(1.0, max(_MIN_LU_PER_DB, (measured - last[1]) / (gain - last[0])))
        last, before = (gain, measured), gain
        gain = min(gain + (wanted - measured) / lu_per_db, _max_gain(unlimited, ceiling))
        if abs(wanted - measured) <= _GAIN_TOLERANCE_LU or gain == before:
            break
    return gain


def _max_gain(unlimited: Loudness, ceiling: float) -> float:
    """Return the gain at which the limiter attenuates the highest peak by its maximum."""
    return ceiling - unlimited.peak + _MAX_LIMITING_DB


def _encode(blocks: Blocks, samples: int, out: Path) -> None:
    """Encode *blocks*, *samples* samples in total, in one pass of FFmpeg's AAC encoder.

    The encoder's delay lies before time 0, and the last packet is as short as the rest; the edit list of the container,
    at the rate of the samples, states both.
    """
    options = {"movflags": "+faststart", "fflags": "+bitexact", "movie_timescale": str(RATE)}
    with av.open(file_url(out), "w", format="mp4", container_options=options) as container:
        stream = container.add_stream("aac", rate=RATE, options=_CODER_OPTIONS)
        stream.layout, stream.bit_rate = "stereo", BIT_RATE
        stream.codec_context.thread_count = 1
        done = 0
        for block in blocks:
            container.mux(stream.encode(audio_frame(block, done)))
            done += block.shape[1]
        container.mux(stream.encode(None))
    if done != samples:
        raise MixFailed(f"it has {done} samples instead of {samples}")
