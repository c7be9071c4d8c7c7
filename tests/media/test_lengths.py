"""How long a sound is by its header, beside what is heard when it is decoded."""

from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from storyboard.core.sound import RATE
from storyboard.document.lengths import sound_length
from storyboard.media.hearing import length_of, track_sound
from tests.media.clips import ffmpeg

TOLD = {
    "a.wav": [],
    "a.aiff": [],
    "a.flac": [],
    "constant.mp3": ["-b:a", "128k"],
    "low.mp3": ["-ar", "22050", "-q:a", "4"],
    "vorbis.ogg": ["-c:a", "libvorbis"],
    "opus.ogg": ["-c:a", "libopus"],
    "a.m4a": [],
}
NOT_TOLD = {"bare.mp3": ["-write_xing", "0", "-id3v2_version", "0"], "a.aac": [], "a.mka": []}


def written(folder: Path, name: str, *how: str) -> bytes:
    """A tone of 3.21 s."""
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=3.21:sample_rate=44100", "-ac", "2"]
    made = ffmpeg("-y", *tone, *how, str(folder / name))
    assert made.returncode == 0, made.stderr
    return (folder / name).read_bytes()


def told(data: bytes) -> Fraction | None:
    return sound_length(lambda size, at: data[at : at + size], len(data))


@pytest.mark.parametrize("name", TOLD)
def test_a_header_says_what_is_heard(name: str, tmp_path: Path) -> None:
    length = told(written(tmp_path, name, *TOLD[name]))
    heard = Fraction(length_of(partial(track_sound, tmp_path / name), 10 * RATE), RATE)
    assert length is not None
    # FFmpeg leaves the end of the last packet of an MP4 to be heard, which its edit list cuts off
    assert abs(length - heard) < (Fraction(1024, 44_100) if name.endswith(".m4a") else Fraction(1, 1000))


@pytest.mark.parametrize("name", NOT_TOLD)
def test_a_header_that_does_not_say_is_not_believed(name: str, tmp_path: Path) -> None:
    assert told(written(tmp_path, name, *NOT_TOLD[name])) is None


@pytest.mark.parametrize("name", TOLD)
def test_files_that_end_early_or_hold_anything_say_a_length_or_nothing(name: str, tmp_path: Path) -> None:
    whole = written(tmp_path, name, *TOLD[name])
    for end in range(250):
        told(whole[:end])
        told(whole[:end] + bytes(200))
        told(whole[:end] + b"\xff" * 200)
