from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from storyboard.core.model import Size
from storyboard.media.probe import validate_clip
from storyboard.media.render.encoder import ClipWriter, Encoding
from tests.media.clips import FILM, MIDDLE, SMALL, decoded, numbered, numbers


def failing(path: Path, pictures, error: type[BaseException] | None = None) -> None:
    with ClipWriter(path, Size(pictures[0].shape[1], pictures[0].shape[0]), FILM) as writer:
        for picture in pictures:
            writer.write(picture)
        if error:
            raise error


def write(path: Path, frames: int = 24, size: Size = SMALL, rate: Fraction = FILM, **encoding) -> Path:
    with ClipWriter(path, size, rate, Encoding(**encoding)) as writer:
        for number in range(frames):
            writer.write(numbered(number, size))
    assert writer.frames == frames
    return path


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001)], ids=str)
def test_written_clip_has_every_frame_at_the_exact_rate(tmp_path, rate):
    clip = write(tmp_path / "clip.mp4", 31, rate=rate)
    info = validate_clip(clip)
    assert (info.frames, info.fps, info.constant_rate) == (31, rate, True)
    assert numbers(clip) == list(range(31))


def test_written_clip_is_tagged_and_begins_at_once(tmp_path):
    info = validate_clip(write(tmp_path / "clip.mp4", size=MIDDLE), size=MIDDLE, duration=Fraction(1))
    assert (info.codec, info.pixel_format, info.color) == ("h264", "yuv420p", "bt709/bt709/bt709/tv")
    assert info.closed_start
    assert not info.has_audio


def test_same_pictures_give_the_same_bytes(tmp_path):
    # x264 itself strays now and then where a picture is narrower than its vectors
    first, second = (write(tmp_path / name, size=MIDDLE) for name in ("first.mp4", "second.mp4"))
    assert first.read_bytes() == second.read_bytes()


def test_parameter_set_id_tells_clips_apart_but_not_their_pictures(tmp_path):
    zero, one = write(tmp_path / "zero.mp4"), write(tmp_path / "one.mp4", parameter_set_id=1)
    assert validate_clip(zero).parameter_sets != validate_clip(one).parameter_sets
    assert numbers(zero) == numbers(one)


def test_parameter_sets_do_not_depend_on_the_pictures_or_their_quality(tmp_path):
    some = write(tmp_path / "some.mp4", 5)
    others = write(tmp_path / "others.mp4", 60, crf=30)
    assert validate_clip(some).parameter_sets == validate_clip(others).parameter_sets


def test_colours_survive(tmp_path):
    ramp = np.zeros((180, 320, 3), np.uint8)
    for bar, shade in enumerate([(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 0)]):
        ramp[:, bar * 64 : bar * 64 + 64] = shade
    path = tmp_path / "clip.mp4"
    with ClipWriter(path, MIDDLE, FILM, Encoding(crf=10)) as writer:
        writer.write(ramp)
    out = decoded(path)[0].reformat(
        format="rgb24", src_colorspace=1, dst_colorspace=1, src_color_range=1, dst_color_range=2
    )
    difference = np.abs(out.to_ndarray().astype(int) - ramp)
    assert difference[:, 32::64].max() <= 3
    assert difference.mean() < 2


def test_picture_need_not_be_contiguous(tmp_path):
    path = tmp_path / "clip.mp4"
    with ClipWriter(path, SMALL, FILM) as writer:
        for number in range(3):
            writer.write(numbered(number)[::-1][::-1])
            writer.write(numbered(number)[:, :, ::-1][:, :, ::-1])
    assert numbers(path) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("size", [Size(321, 180), Size(320, 181), Size(0, 2)], ids=str)
def test_size_that_cannot_be_coded_is_an_error(tmp_path, size):
    with pytest.raises(ValueError, match="not a size"):
        ClipWriter(tmp_path / "clip.mp4", size, FILM)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "picture", [np.zeros((36, 63, 3), np.uint8), np.zeros((36, 64, 3), np.float32), np.zeros((36, 64), np.uint8)]
)
def test_wrong_picture_is_an_error_and_leaves_no_file(tmp_path, picture):
    path = tmp_path / "clip.mp4"
    with pytest.raises(ValueError, match="uint8 picture"):
        failing(path, [numbered(0), picture])
    assert not path.exists()


def test_interruption_leaves_no_file(tmp_path):
    path = tmp_path / "clip.mp4"
    with pytest.raises(KeyboardInterrupt):
        failing(path, [numbered(0)], KeyboardInterrupt)
    assert not path.exists()


def test_full_disk_raises_and_leaves_no_file(tmp_path):
    resource = pytest.importorskip("resource")
    import signal

    path = tmp_path / "clip.mp4"
    noise = np.random.default_rng(1).integers(0, 255, (180, 320, 3), dtype=np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            failing(path, [noise] * 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not path.exists()


def test_name_is_never_taken_for_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("-y.mp4", "http:x.mp4", "concat:a|b.mp4", "pipe:1", "%03d.mp4"):
        write(Path(name), 2)
        assert validate_clip(Path(name)).frames == 2
