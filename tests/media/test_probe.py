import json
import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from storyboard.core.model import Size
from storyboard.media.probe import InvalidMedia, probe, validate_clip
from storyboard.media.reader import open_media, read_tags, video_decoder
from storyboard.media.render.encoder import ClipWriter
from tests.media.clips import FILM, MIDDLE, NTSC, SMALL, ffmpeg, make, numbered


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def good(folder):
    noise = np.random.default_rng(3)
    pictures = (
        numbered(number, MIDDLE) // 2 + noise.integers(0, 60, (180, 320, 3), dtype=np.uint8) for number in range(96)
    )
    return make(folder / "good.mp4", pictures, size=MIDDLE, gop=24, b_frames=2)


def broken(good: Path, name: str, change) -> Path:
    path = good.with_name(name)
    data = bytearray(good.read_bytes())
    path.write_bytes(change(data))
    return path


def flipped(data: bytearray) -> bytearray:
    places = random.Random(5)
    begin = data.index(b"mdat") + 64
    for _ in range(40):
        data[places.randrange(begin, len(data))] ^= 0xFF
    return data


def zeroed(data: bytearray) -> bytearray:
    third = len(data) // 3
    data[third : 2 * third] = bytes(third)
    return data


DAMAGE = {
    "cut in half": lambda data: data[: len(data) // 2],
    "last two kilobytes missing": lambda data: data[:-2048],
    "last byte missing": lambda data: data[:-1],
    "forty flipped bytes": flipped,
    "zeroed middle": zeroed,
    "nothing after the header": lambda data: data[: data.index(b"mdat") + 4],
    "cut in its header": lambda data: data[:400],
    "empty": lambda data: b"",
    "html": lambda data: b"<!doctype html><title>504</title>" + b" " * 2000,
    "json": lambda data: json.dumps({"errors": [{"code": "timeout"}]}).encode(),
    "short text": lambda data: b"no",
    "noise": lambda data: random.Random(1).randbytes(4000),
}


def test_good_clip_passes(good):
    info = validate_clip(good, size=MIDDLE, duration=Fraction(4))
    assert (info.frames, info.fps, info.constant_rate, info.closed_start) == (96, FILM, True, True)
    assert info == probe(good)


def test_a_title_in_another_encoding_is_no_damage(good, tmp_path):
    titled = tmp_path / "titled.mp4"
    done = ffmpeg("-i", str(good), "-c", "copy", "-metadata", "title=Sch?ne", str(titled))
    assert done.returncode == 0, done.stderr
    odd = tmp_path / "odd.mp4"
    odd.write_bytes(titled.read_bytes().replace(b"Sch?ne", "Sch\xf6ne".encode("latin-1")))
    assert b"Sch\xf6ne" in odd.read_bytes()
    assert validate_clip(odd).frames == 96
    assert read_tags(odd)["title"].encode("utf-8", "surrogateescape") == b"Sch\xf6ne"


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_clip_is_refused(good, name):
    path = broken(good, f"{name}.mp4", DAMAGE[name])
    with pytest.raises(InvalidMedia):
        validate_clip(path)


def test_damage_is_found_every_time(good):
    path = broken(good, "again.mp4", flipped)
    for _ in range(3):
        with pytest.raises(InvalidMedia):
            validate_clip(path)


@pytest.fixture(scope="module")
def held(folder):
    with ClipWriter(folder / "held.mp4", MIDDLE, Fraction(24)) as writer:
        picture = np.random.default_rng(4).integers(16, 235, (270, 320), dtype=np.uint8)
        writer.hold(picture, 100)
    return folder / "held.mp4"


def test_a_held_picture_is_decoded_once_and_counts_as_often_as_it_is_shown(held, monkeypatch):
    decoded: list[int] = []

    class CountingDecoder:
        def __init__(self, stream):
            self._decoder = video_decoder(stream)

        def decode(self, packet):
            decoded.extend([packet.size] if packet.size else [])
            return self._decoder.decode(packet)

    monkeypatch.setattr("storyboard.media.probe.video_decoder", CountingDecoder)
    assert validate_clip(held, size=MIDDLE, watch=False).frames == 100
    assert len(decoded) == 24
    decoded.clear()
    assert validate_clip(held, size=MIDDLE).frozen
    assert len(decoded) == 100


@pytest.mark.parametrize("group", range(5))
def test_damage_in_any_repeat_of_a_held_picture_is_found(held, group):
    with open_media(held) as container:
        keys = [packet for packet in container.demux(video=0) if packet.size and packet.is_keyframe]
        place, size = keys[group].pos, keys[group].size
    assert len(keys) == 5

    def change(data: bytearray) -> bytearray:
        data[place + size // 3 : place + 2 * size // 3] = bytes(2 * size // 3 - size // 3)
        return data

    with pytest.raises(InvalidMedia):
        validate_clip(broken(held, f"held-{group}.mp4", change), watch=False)


def test_cut_clip_says_how_much_is_there(good):
    path = broken(good, "half.mp4", DAMAGE["cut in half"])
    with pytest.raises(InvalidMedia, match=r"has \d+ of 96 frames"):
        validate_clip(path)


def test_index_at_the_end_and_cut_off_is_refused(folder):
    whole = make(folder / "late.mp4", movflags="").read_bytes()
    path = folder / "late-cut.mp4"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(InvalidMedia, match="cannot be read"):
        validate_clip(path)


def test_sound_alone_is_refused(folder):
    path = folder / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InvalidMedia, match="no video stream"):
        validate_clip(path)


@pytest.mark.parametrize("text", ["ffconcat version 1.0\nfile good.mp4\n", "#EXTM3U\n#EXTINF:4,\ngood.mp4\n"])
def test_playlist_is_refused_and_not_followed(folder, good, text):
    path = folder / "playlist.mp4"
    path.write_text(text)
    with pytest.raises(InvalidMedia, match="text"):
        validate_clip(path)


def test_names_that_look_like_addresses_are_files(good, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("-i.mp4", "http:x.mp4", "concat:a|b", "file:ok.mp4", "%03d.mp4", "a\nb.mp4"):
        Path(name).write_bytes(good.read_bytes())
        assert validate_clip(Path(name)).frames == 96
    with pytest.raises(FileNotFoundError):
        validate_clip(Path("http:nowhere.mp4"))


def test_huge_pictures_are_refused_before_they_are_decoded(folder):
    path = folder / "huge.mp4"
    make(path, 3, codec="png", pix_fmt="rgb24", size=SMALL)
    data = path.read_bytes()
    # The sample entry and every picture promise 20000 x 20000.
    sides = (64).to_bytes(2, "big") + (36).to_bytes(2, "big")
    data = data.replace(sides, (20000).to_bytes(2, "big") * 2)
    data = data.replace((64).to_bytes(4, "big") + (36).to_bytes(4, "big"), (20000).to_bytes(4, "big") * 2)
    path.write_bytes(data)
    with pytest.raises(InvalidMedia, match="has frames of 20000x20000, which are too large"):
        validate_clip(path)


def test_huge_h264_is_refused_by_its_size(folder):
    path = make(folder / "wide.mp4", (np.zeros((2, 16000, 3), np.uint8) for _ in range(2)), size=Size(16000, 2))
    assert validate_clip(path).width == 16000
    tall = make(folder / "tall.mp4", (np.zeros((6000, 6000, 3), np.uint8) for _ in range(1)), size=Size(6000, 6000))
    with pytest.raises(InvalidMedia, match="6000x6000"):
        validate_clip(tall)


def test_single_frame_is_refused(folder):
    with pytest.raises(InvalidMedia, match="single frame"):
        validate_clip(make(folder / "still.mp4", 1))


def test_two_video_streams_are_refused(folder):
    path = folder / "two.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=24) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for number in range(4):
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 24)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    with pytest.raises(InvalidMedia, match="2 video streams"):
        validate_clip(path)


@pytest.mark.parametrize("times", [[0, 1, 2, 3, 2400], [0, 500_000], [0, 100, 200]], ids=str)
def test_absurd_times_are_refused(folder, times):
    with pytest.raises(InvalidMedia):
        validate_clip(make(folder / "absurd.mp4", len(times), times=times))


def test_varying_rate_is_reported(folder):
    times = [0, 1, 2, 4, 5, 7, 8, 9, 12, 13]
    info = validate_clip(make(folder / "varying.mp4", len(times), times=times))
    assert not info.constant_rate
    assert info.frames == 10


def test_wrong_size_is_refused(good):
    with pytest.raises(InvalidMedia, match="is 320x180, not 1280x720"):
        validate_clip(good, size=Size(1280, 720))


@pytest.mark.parametrize(("seconds", "passes"), [("4", True), ("95/24", True), ("97/24", True), ("98/24", False)])
def test_length_may_be_off_by_one_frame(good, seconds, passes):
    if passes:
        assert validate_clip(good, duration=Fraction(seconds)).frames == 96
    else:
        with pytest.raises(InvalidMedia, match=r"lasts 4\.000 s, not"):
            validate_clip(good, duration=Fraction(seconds))


GOOD = {
    "one keyframe": {"gop": 250, "b_frames": 3},
    "with sound": {"sound": True, "b_frames": 2},
    "sound and one keyframe": {"sound": True, "gop": 250},
    "ntsc": {"rate": NTSC},
    "thirty": {"rate": Fraction(30)},
    "mpeg4": {"codec": "mpeg4"},
    "mpeg2": {"codec": "mpeg2video", "b_frames": 2},
    "vp9": {"codec": "libvpx-vp9"},
    "hevc": {"codec": "libx265", "params": ""},
    "full range": {"full_range": True, "pix_fmt": "yuvj420p"},
    "ten bits": {"pix_fmt": "yuv420p10le"},
    "not fragmented, index last": {"movflags": ""},
    "fragmented": {"movflags": "frag_keyframe+empty_moov"},
    "open groups": {"params": ":open-gop=1", "b_frames": 3},
    "middle size": {"size": MIDDLE, "sound": True, "b_frames": 3},
}


@pytest.mark.parametrize("name", GOOD)
def test_good_clip_of_any_encoder_passes(folder, name):
    path = make(folder / f"{name}.mp4", 48, **GOOD[name])
    info = validate_clip(path, duration=48 / GOOD[name].get("rate", FILM))
    assert (info.frames, info.fps) == (48, GOOD[name].get("rate", FILM))
    assert info.constant_rate
    assert info.has_audio == GOOD[name].get("sound", False)


@pytest.mark.parametrize(("suffix", "codec", "rate"), [("webm", "libvpx-vp9", FILM), ("mkv", "libx264", NTSC)])
def test_matroska_passes_with_its_coarse_clock(folder, suffix, codec, rate):
    info = validate_clip(make(folder / f"clip.{suffix}", 60, codec=codec, rate=rate))
    assert (info.frames, info.fps, info.constant_rate) == (60, rate, True)


def test_cut_matroska_is_refused(folder):
    path = make(folder / "cut.mkv", 60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(InvalidMedia):
        validate_clip(path, duration=Fraction(60, 24))


def test_trimmed_by_its_edit_list_counts_what_is_shown(folder):
    whole, trimmed = make(folder / "whole.mp4", 48), folder / "trimmed.mp4"
    done = ffmpeg("-ss", "0.25", "-i", str(whole), "-c", "copy", "-y", str(trimmed))
    assert done.returncode == 0
    info = validate_clip(trimmed)
    assert info.frames == 42
    assert not info.closed_start


def test_rotation_and_pixel_format_are_told(folder):
    info = validate_clip(make(folder / "phone.mp4", rotation=90))
    assert (info.rotation, info.width, info.height) == (90, 64, 36)
    assert validate_clip(make(folder / "plain.mp4")).rotation == 0


def test_untagged_colour_is_unspecified(folder):
    assert probe(make(folder / "untagged.mp4", matrix=2)).color == "/".join(["unspecified"] * 4)
    assert probe(make(folder / "tagged.mp4", matrix=1)).color == "bt709/bt709/bt709/tv"


def test_tags_are_read(folder):
    path = folder / "tagged.mp4"
    with av.open(str(path), "w", container_options={"movflags": "use_metadata_tags"}) as container:
        container.metadata.update({"title": "Night", "storyboard": "key"})
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(0), format="rgb24")))
        container.mux(stream.encode(None))
    assert read_tags(path)["storyboard"] == "key"
    with pytest.raises(InvalidMedia):
        read_tags(Path(__file__))
