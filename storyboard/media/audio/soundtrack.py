"""The film's sound made into one AAC track: mixed, brought to its loudness, limited, encoded, and heard again.

What counts is what comes out of the decoder: an encoder can raise peaks, and a limiter lowers the loudness. So the
loudness is measured once more after the limiter, and again, with the peak, on the finished track.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import av
from av.error import FFmpegError
from msgspec import Struct

from storyboard.core.audio import RATE, SoundMix
from storyboard.durable import remove
from storyboard.media.audio.dynamics import SILENT, Loudness, factor, frame_of, limited, loudness
from storyboard.media.audio.mix import MixFailed, counted, mixed
from storyboard.media.audio.source import Blocks, track_sound
from storyboard.media.render.encoder import file_url

# What full sound comes to; it decides how high the encoder reaches.
BIT_RATE = 256_000
# The quick coder needs a third more bits to be as exact as the slow one, and half its time. It is asked for a quality,
# since for a bit rate it encodes each packet of a quiet sound, which needs less, five times.
_CODER = {"aac_coder": "fast", "flags": "+qscale", "global_quality": str(round(1.6 * 118))}
# dBTP: what no film passes, and what the limiter leaves to the encoder.
HIGHEST = -1.0
_ENCODERS_SHARE = 1.0
_TRIES = 6
# LU: how near the loudness has to come before the encoder, and after it.
_NEAR, _NEAR_ENOUGH = 0.1, 0.3
# Decibels by which the limiter may hold down the highest peak; a sound that needs more stays quieter than asked.
_LIMITED = 30.0
# How many LU a decibel before the limiter is taken to bring at the very least.
_LEAST_WORTH = 0.25

Progress = Callable[[int, int], None]
Mix = Callable[[], Blocks]


class SoundFacts(Struct, frozen=True):
    """What came out. ``loudness`` in LUFS and ``peak`` in dBTP are there where a loudness was asked for.

    ``loudness`` is ``None`` for a sound that is silent throughout, which nothing can make louder.
    """

    samples: int
    loudness: float | None = None
    peak: float | None = None


def write_sound(sound: SoundMix, files: Mapping[str, Path], out: Path, progress: Progress) -> SoundFacts:
    """Write the sound of a film to *out*, an M4A of stereo AAC at 48 kHz, exactly as long as the film.

    *files* are the sources by digest. *progress* hears seconds done and in all, of one pass after the other. The same
    sound gives the same bytes. Raises ``MixFailed`` and ``OSError``; *out* is removed then.
    """
    try:
        mix = partial(counted, partial(mixed, sound, files), lambda done: progress(done // RATE, sound.samples // RATE))
        if sound.loudness is None:
            _encode(limited(mix, 1.0, factor(HIGHEST - _ENCODERS_SHARE)), sound.samples, out)
            return SoundFacts(sound.samples)
        return _levelled(mix, sound, float(sound.loudness), out)
    except FFmpegError as problem:
        remove(out)
        raise MixFailed(f"the sound can't be written: {problem.strerror}") from problem
    except BaseException:
        remove(out)
        raise


def _levelled(mix: Mix, sound: SoundMix, wanted: float, out: Path) -> SoundFacts:
    """Write *mix* at the loudness that is *wanted*, or as near as its peaks allow. Raises ``MixFailed``."""
    plain = loudness(mix())
    ceiling, more = HIGHEST - _ENCODERS_SHARE, 0.0
    for _ in range(_TRIES):
        gain = _gain(mix, plain, wanted + more, ceiling)
        _encode(limited(mix, factor(gain), factor(ceiling)), sound.samples, out)
        heard = loudness(track_sound(out))
        off = 0.0 if heard.integrated is None else wanted - heard.integrated
        if heard.peak < HIGHEST and (abs(off) <= _NEAR_ENOUGH or gain >= _most(plain, ceiling)):
            return SoundFacts(sound.samples, heard.integrated, heard.peak)
        if heard.peak >= HIGHEST:
            ceiling -= heard.peak - HIGHEST + _ENCODERS_SHARE / 2
        else:
            more += off
    raise MixFailed(f"its true peak can't be brought under {HIGHEST:g} dBTP at {wanted:g} LUFS")


def _gain(mix: Mix, plain: Loudness, wanted: float, ceiling: float) -> float:
    """The decibels that bring *mix* to *wanted*, with what the limiter takes away made good, as far as it may work."""
    if plain.integrated is None:
        return 0.0
    gain = min(wanted - plain.integrated, _most(plain, ceiling))
    if plain.peak + gain <= ceiling:
        return gain
    worth, last = 1.0, (0.0, plain.integrated)
    for _ in range(_TRIES):
        heard = loudness(limited(mix, factor(gain), factor(ceiling))).integrated or SILENT
        if gain != last[0]:
            worth = min(1.0, max(_LEAST_WORTH, (heard - last[1]) / (gain - last[0])))
        last, before = (gain, heard), gain
        gain = min(gain + (wanted - heard) / worth, _most(plain, ceiling))
        if abs(wanted - heard) <= _NEAR or gain == before:
            break
    return gain


def _most(plain: Loudness, ceiling: float) -> float:
    """The gain at which the limiter holds the highest peak down as far as it may."""
    return ceiling - plain.peak + _LIMITED


def _encode(blocks: Blocks, samples: int, out: Path) -> None:
    """One pass of FFmpeg's AAC encoder over all *blocks*, which are so many *samples* together.

    The encoder's delay stands before time 0 and the last packet is as short as what is left; the edit list of the
    container, at the rate of the samples, says both.
    """
    options = {"movflags": "+faststart", "fflags": "+bitexact", "movie_timescale": str(RATE)}
    with av.open(file_url(out), "w", format="mp4", container_options=options) as container:
        stream = container.add_stream("aac", rate=RATE, options=_CODER)
        stream.layout, stream.bit_rate = "stereo", BIT_RATE
        stream.codec_context.thread_count = 1
        done = 0
        for block in blocks:
            container.mux(stream.encode(frame_of(block, done)))
            done += block.shape[1]
        container.mux(stream.encode(None))
    if done != samples:
        raise MixFailed(f"it has {done} samples instead of {samples}")
