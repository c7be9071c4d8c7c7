"""Length of a sound by its header, compared with its decoded length."""

import math
import struct
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from storyboard.core.audio import RATE
from storyboard.document.media_headers import picture_length, sound_length
from storyboard.media.audio.source import measure_length, read_track_sound
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
    "bare.mp3": ["-write_xing", "0", "-id3v2_version", "0"],
    "tagged.mp3": ["-write_xing", "0", "-ar", "22050", "-q:a", "5", "-write_id3v1", "1", "-metadata", "title=Tone"],
    "a.aac": [],
    "a.mka": ["-c:a", "flac"],
    "aac.mkv": ["-c:a", "aac"],
    "a.webm": ["-c:a", "libopus"],
}
# FFmpeg leaves the end of the last packet of an MP4 to be heard, which its edit list cuts off; Matroska counts the
# delay of its encoder or leaves it out.
ROUGHLY = {".m4a": Fraction(1024, 44_100), ".mkv": Fraction(1024, 44_100), ".webm": Fraction(1, 100)}


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
    heard = Fraction(measure_length(partial(read_track_sound, tmp_path / name), 10 * RATE), RATE)
    assert length is not None
    assert abs(length - heard) < ROUGHLY.get(Path(name).suffix, Fraction(1, 1000))


def test_a_header_that_does_not_say_is_not_believed(tmp_path: Path) -> None:
    assert told(written(tmp_path, "streamed.webm", "-c:a", "libopus", "-live", "1")) is None
    frames = written(tmp_path, "a.aac")
    assert told(frames + b"anything" + frames) is None
    assert told(frames * 100) is None, "so many frames are more than is looked at"
    one = written(tmp_path, "one.ogg", "-c:a", "libvorbis", "-serial_offset", "1")
    two = written(tmp_path, "two.ogg", "-c:a", "libopus", "-serial_offset", "2")
    assert told(one) is not None
    assert told(one + two) is None, "the last page tells only of what was put behind"
    endless = matroska(element(0x4489, struct.pack(">d", math.inf)))
    for said in (b"", element(0x2AD7B1, b"\0") + element(0x4489, struct.pack(">d", 10)), endless):
        assert told(matroska(said)) is None
    assert told(matroska(element(0x2AD7B1, b"\x0f\x42\x40") + element(0x4489, struct.pack(">f", 2500)))) == 2.5


def element(name: int, data: bytes) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + bytes([0x80 | len(data)]) + data


def matroska(info: bytes) -> bytes:
    """A file of nothing but what it says about itself, of a length that is not known."""
    return element(0x1A45DFA3, b"") + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + element(0x1549A966, info)


@pytest.mark.parametrize("name", TOLD)
def test_files_that_end_early_or_hold_anything_say_a_length_or_nothing(name: str, tmp_path: Path) -> None:
    whole = written(tmp_path, name, *TOLD[name])
    for end in range(250):
        told(whole[:end])
        told(whole[:end] + bytes(200))
        told(whole[:end] + b"\xff" * 200)
        told(whole[:end] + b"\xff" + whole[end + 1 :])


@pytest.mark.parametrize("rate", ["24", "24000/1001", "60"])
def test_a_header_says_how_long_the_pictures_are_whatever_the_sound(rate: str, tmp_path: Path) -> None:
    shown = ["-f", "lavfi", "-i", f"color=size=64x36:rate={rate}", "-frames:v", "31", "-bf", "2"]
    tone = ["-f", "lavfi", "-i", "sine=duration=3", "-y"]
    for name in ("a.mov", "a.mp4", "a.mkv"):
        made = ffmpeg(*tone, *shown, str(tmp_path / name))
        assert made.returncode == 0, made.stderr
        data = (tmp_path / name).read_bytes()
        found = picture_length(lambda size, at, data=data: data[at : at + size], len(data))
        if name == "a.mkv":
            assert found is None, "it tells only how long the sound is"
        else:
            assert found is not None
            assert abs(found - 31 / Fraction(rate)) < Fraction(1, 500)
        for end in range(0, len(data), 97):
            picture_length(lambda size, at, data=data[:end]: data[at : at + size], end)
