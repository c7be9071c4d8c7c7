"""Length of a sound or clip by its container, compared with its decoded length."""

import math
import resource
import struct
import subprocess
import sys
import tempfile
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from storyboard.core.audio import RATE
from storyboard.core.file_signatures import FileKind, is_measurable
from storyboard.media.audio.source import measure_length, read_track_sound
from storyboard.media.length import MAX_READ, media_length
from tests.media.clips import ffmpeg
from tests.project import HERE

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


def told(data: bytes, kind: FileKind = "sound") -> Fraction | None:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return media_length(file.fileno(), kind)


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
    whole, stated = written(tmp_path, "a.mka", "-c:a", "flac"), struct.pack(">d", 3210)
    assert whole.count(stated) == 1
    assert told(whole.replace(stated, struct.pack(">d", 2500))) == 2.5
    for odd in (math.inf, math.nan, -5.0, 0.0, 1e300):
        assert told(whole.replace(stated, struct.pack(">d", odd))) is None


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
        found = told(data, "clip")
        if name == "a.mkv":
            assert found is None, "it tells only how long the sound is"
        else:
            assert found is not None
            assert abs(found - 31 / Fraction(rate)) < Fraction(1, 500)
        for end in range(0, len(data), 97):
            told(data[:end], "clip")


def box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + name + data


def clip_bytes(folder: Path, *how: str) -> bytes:
    made = ffmpeg("-f", "lavfi", "-i", "color=size=64x36:rate=24", "-frames:v", "31", *how, str(folder / "a.mp4"))
    assert made.returncode == 0, made.stderr
    return (folder / "a.mp4").read_bytes()


def test_a_file_that_needs_more_reading_than_allowed_has_no_length(tmp_path: Path) -> None:
    whole = clip_bytes(tmp_path)
    assert told(whole, "clip") == Fraction(31, 24)
    assert told(whole + box(b"free", bytes(1000)), "clip") == Fraction(31, 24)
    udta = box(b"moov", box(b"udta", box(b"meta", bytes(MAX_READ))))
    assert told(box(b"ftyp", b"isom" + bytes(4)) + udta, "clip") is None
    assert told(whole.replace(b"moov", b"moof", 1), "clip") is None


def test_boxes_that_declare_more_than_they_hold_are_not_read(tmp_path: Path) -> None:
    whole = clip_bytes(tmp_path)
    inflated = box(b"cmov", box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", 2**31 - 1) + bytes(64)))
    assert told(whole[:32] + inflated + whole[32:], "clip") is None
    assert told(clip_bytes(tmp_path, "-y", "-movflags", "+frag_every_frame+empty_moov"), "clip") is None


@pytest.mark.parametrize(("size", "count", "fits"), [(1, 100, True), (1, 2**31, False), (2**16, 2**16, False)])
def test_samples_that_do_not_fit_into_the_file_are_not_tabulated(size: int, count: int, fits: bool) -> None:
    data = box(b"ftyp", b"isom") + box(b"moov", box(b"stsz", struct.pack(">III", 0, size, count)) + bytes(100))
    assert is_measurable(lambda length, at: data[at : at + length], len(data)) is fits


def test_a_file_without_the_index_of_an_mp4_is_not_measured() -> None:
    data = box(b"ftyp", b"isom") + box(b"mdat", bytes(100))
    assert not is_measurable(lambda length, at: data[at : at + length], len(data))
    assert is_measurable(lambda length, at: b"fLaC"[at : at + length], 4)


def test_an_open_file_keeps_its_position(tmp_path: Path) -> None:
    written(tmp_path, "a.wav")
    with (tmp_path / "a.wav").open("rb", buffering=0) as file:
        file.seek(7)
        assert media_length(file.fileno(), "sound") == Fraction(321, 100)
        assert file.tell() == 7


VARIANTS = """
import random, struct, sys, tempfile
from functools import partial
from pathlib import Path
from storyboard.core.file_signatures import is_measurable
from storyboard.media.length import media_length
from storyboard.operating_system import read_at

NUMBERS = [0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
for path in sorted(Path(sys.argv[1]).iterdir()):
    whole = path.read_bytes()
    heads = [(0, min(4096, len(whole))), (max(0, len(whole) - 4096), len(whole))]
    if b"moov" in whole:
        heads += [(whole.index(b"moov") - 4, len(whole))] * 3
    for number in range(int(sys.argv[2])):
        chance = random.Random(f"{path.name} {number}")
        data = bytearray(whole)
        for _ in range(chance.choice([0, 1, 1, 2, 4, 8])):
            at = chance.randrange(*chance.choice(heads))
            if chance.randrange(2):
                data[at] ^= 1 << chance.randrange(8)
            else:
                data[at : at + 4] = struct.pack(chance.choice("<>") + "I", chance.choice(NUMBERS))
        if chance.randrange(4) == 0:
            del data[chance.randrange(1, len(data)) :]
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            print(path.name, number, flush=True)
            if is_measurable(partial(read_at, file.fileno()), len(data)):
                for kind in ("sound", "clip"):
                    length = media_length(file.fileno(), kind)
                    assert length is None or length > 0
"""


def test_no_damaged_sound_or_clip_ends_the_process_of_a_check(tmp_path: Path) -> None:
    for name, how in TOLD.items():
        written(tmp_path, name, "-t", "0.5", *how)
    wide = "pan=7.1|" + "|".join(f"c{number}=c0" for number in range(8))
    written(tmp_path, "wide.mov", "-t", "0.1", "-af", wide, "-c:a", "pcm_s24le", "-ac", "8")
    clip_bytes(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", VARIANTS, str(tmp_path), "150"], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stdout[-60:], done.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell how large a process is")
def test_a_file_that_takes_too_much_memory_has_no_length(tmp_path: Path) -> None:
    # FFmpeg makes room for a text as long as it claims to be, in a list that claims to hold it
    whole = written(tmp_path, "a.wav")
    at = whole.index(b"LIST")
    huge = whole[:at] + b"LIST\xff\xff\xff\x7fINFOISFT\xff\xff\xff\x6f" + whole[at:]
    before = resource.getrlimit(resource.RLIMIT_AS)
    program = (
        "from benchmarks.measure import peak_mb; from storyboard.media.length import media_length; "
        "print(media_length(0, 'sound'), peak_mb() < 400)"
    )
    (tmp_path / "huge.wav").write_bytes(huge)
    with (tmp_path / "huge.wav").open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=HERE, stdin=file, capture_output=True, text=True, check=True
        )
    assert done.stdout == "None True\n"
    assert told(huge) is None
    assert resource.getrlimit(resource.RLIMIT_AS) == before
