"""The sound of a long film: how long it takes, how much memory, and where its last beep is.

``python -m benchmarks.sound [--minutes 60]`` mixes shots of 8 s, each with a beep at its second second, at a rate that
does not divide the samples, under a track that loops and gives way. The reference is FFmpeg's encoder alone, on a mix
that lies ready.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from benchmarks.measure import Row, Sample, peak_mb
from storyboard.core.audio import EDGE, RATE, Ramp, ShotAudio, SoundMix, TrackAudio, sample_at
from storyboard.media.audio.dynamics import limit
from storyboard.media.audio.mix import mix
from storyboard.media.audio.soundtrack import _encode, write_sound
from tests.media.clips import NTSC
from tests.media.sounds import beeps, heard, onsets, tone, write_clip, write_wav

_SHOT_FRAMES = 193


def rows(quick: bool) -> Iterator[Row]:
    """Mixing and encoding against encoding alone, in CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        sound, files = long_film(Path(folder), 20 if quick else 300)
        ours, theirs = [], []
        for _ in range(1 if quick else 3):
            ready = list(limit(lambda: mix(sound, files), 1.0, 0.8))
            theirs.append(_cpu(lambda ready=ready: _encode(iter(ready), sound.samples, Path(folder) / "e.m4a")))
            ours.append(_cpu(lambda: write_sound(sound, files, Path(folder) / "o.m4a", lambda done, total: None)))
        yield Row(
            "sound",
            f"mix and encode {sound.samples // RATE} s",
            Sample(tuple(ours)),
            "FFmpeg's AAC encoder alone",
            Sample(tuple(theirs)),
            target=2.5,
        )


def long_film(folder: Path, seconds: int, loudness: int | None = None) -> tuple[SoundMix, dict[str, Path]]:
    """A film of so many seconds, and its sources."""
    clip = write_clip(folder / "a.mp4", beeps(8.2, [2]) + tone(8.2, 200, 0.02), _SHOT_FRAMES + 2, fps=NTSC)
    music = write_wav(folder / "t.wav", tone(20, 300, 0.05))
    count = round(seconds * NTSC / _SHOT_FRAMES)
    edges = [sample_at(number * _SHOT_FRAMES, NTSC) for number in range(count + 1)]
    voices = [
        ShotAudio("a", at, end - at, Fraction(0), Fraction(1), Fraction(0), Ramp(EDGE), Ramp(EDGE))
        for at, end in pairwise(edges)
    ]
    bed = TrackAudio("t", 0, Fraction(0), RATE, RATE, True, Fraction(12), "t.wav")
    wanted = None if loudness is None else Fraction(loudness)
    return SoundMix(edges[-1], tuple(voices), (bed,), wanted), {"a": clip, "t": music}


def _cpu(task) -> float:
    began = time.process_time()
    task()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--loudness", type=int, default=None)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sound, files = long_film(Path(folder), wanted.minutes * 60, wanted.loudness)
        before = peak_mb()
        began = time.process_time()
        facts = write_sound(sound, files, Path(folder) / "o.m4a", lambda done, total: None)
        taken = time.process_time() - began
        peak = peak_mb()
        ends = heard(Path(folder) / "o.m4a", sound.voices[-1].at)
    last = len(sound.voices) - 1
    due = Fraction(last * _SHOT_FRAMES) / NTSC + 2
    found = sound.voices[-1].at / RATE + onsets(ends)[0]
    print(f"{sound.samples / RATE / 60:.1f} minutes, {len(sound.voices)} shots: {taken:.1f} s of CPU")
    print(f"memory {before:.0f} MiB before, {peak:.0f} MiB at most; {facts}")
    print(f"the last beep is due at {float(due):.4f} s and heard at {found:.4f} s", file=sys.stdout)


if __name__ == "__main__":
    main()
