import hashlib
import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from storyboard.core.model import Size
from storyboard.media.frames import UnreadableMedia, decode_frames, extract_frame
from storyboard.media.reader import open_media, video_stream
from storyboard.media.render.color import frame_to_rgb
from storyboard.media.sample_table import read_sample_table
from tests.media.clips import FILM, MIDDLE, NTSC, SMALL, decoded, ffmpeg, make, number_of, numbered, planes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("frames")


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png), formats=("PNG",)))


def said(clip, at) -> int:
    return number_of(pixels(extract_frame(clip, at).png))


LAYOUTS = {
    "short groups": {"gop": 12},
    "short groups with b-frames": {"gop": 12, "b_frames": 3},
    "one group": {"gop": 250},
    "one group with b-frames": {"gop": 250, "b_frames": 3},
    "open groups": {"gop": 12, "b_frames": 3, "params": ":open-gop=1"},
    "index last": {"gop": 12, "b_frames": 2, "movflags": ""},
    "fragmented": {"gop": 12, "b_frames": 2, "movflags": "frag_keyframe+empty_moov"},
}


@pytest.mark.parametrize("rate", [FILM, NTSC], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_frame_is_the_exact_one(folder, layout, rate):
    clip = make(folder / "clip.mp4", 40, rate=rate, **LAYOUTS[layout])
    assert said(clip, "first") == 0
    assert said(clip, "last") == 39
    assert [said(clip, number / rate) for number in range(0, 40, 3)] == list(range(0, 40, 3))


def test_matroska_rounds_its_clock_and_still_gives_the_exact_frame(folder):
    clip = make(folder / "clip.mkv", 40, rate=NTSC, b_frames=2)
    assert [said(clip, number / NTSC) for number in (0, 1, 2, 17, 38, 39)] == [0, 1, 2, 17, 38, 39]


def test_time_within_a_frame_is_that_frame(folder):
    clip = make(folder / "clip.mp4", 24, b_frames=2)
    assert said(clip, Fraction(1, 2) + Fraction(1, 48)) == 12
    assert said(clip, Fraction(13, 24) - Fraction(1, 10**6)) == 12


def test_uneven_frames_are_found_by_their_times(folder):
    clip = make(folder / "uneven.mp4", 5, times=[0, 2, 3, 7, 8])
    assert [said(clip, Fraction(tick, 24)) for tick in range(9)] == [0, 0, 1, 2, 2, 2, 2, 3, 4]


def test_last_frame_of_a_trimmed_clip_is_the_last_one_shown(folder):
    whole, trimmed = make(folder / "whole.mp4", 48), folder / "trimmed.mp4"
    assert ffmpeg("-ss", "0.25", "-i", str(whole), "-c", "copy", "-y", str(trimmed)).returncode == 0
    assert (said(trimmed, "first"), said(trimmed, "last")) == (6, 47)


@pytest.mark.parametrize("at", [Fraction(1), Fraction(7), Fraction(-1, 24)], ids=str)
def test_time_outside_the_clip_is_an_error(folder, at):
    clip = make(folder / "second.mp4", 24)
    with pytest.raises(UnreadableMedia, match="has no frame at"):
        extract_frame(clip, at)


def test_damaged_clip_is_an_error(folder):
    data = make(folder / "whole.mp4", 24).read_bytes()
    clip = folder / "cut.mp4"
    clip.write_bytes(data[:-300])
    with pytest.raises(UnreadableMedia):
        extract_frame(clip, "last")


def test_picture_is_lossless_and_measured(folder):
    clip = make(folder / "middle.mp4", 10, size=MIDDLE, matrix=1)
    picture = extract_frame(clip, "last")
    assert picture.size == MIDDLE
    assert np.array_equal(pixels(picture.png), frame_to_rgb(decoded(clip)[-1]))


@pytest.mark.parametrize(("turn", "quarters"), [(90, -1), (180, 2), (270, 1)])
def test_rotation_is_applied(folder, turn, quarters):
    upright = pixels(extract_frame(make(folder / "upright.mp4", 3), "last").png)
    turned = extract_frame(make(folder / "turned.mp4", 3, rotation=turn), "last")
    assert np.array_equal(pixels(turned.png), np.rot90(upright, quarters))
    assert turned.size == (Size(36, 64) if turn != 180 else SMALL)


def test_rotation_is_the_one_that_ffmpeg_applies(folder):
    clip = make(folder / "phone.mp4", 2, rotation=90, size=MIDDLE)
    raw = ffmpeg("-i", str(clip), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-").stdout
    theirs = np.frombuffer(raw, np.uint8).reshape(320, 180, 3).astype(int)
    ours = pixels(extract_frame(clip, "first").png)
    assert np.abs(theirs - ours).mean() < 4


def test_equal_frames_have_equal_planes_whatever_is_around_them(folder):
    same = [numbered(5)] * 3
    alone = make(folder / "alone.mp4", same, params=":qp=0")
    between = make(folder / "between.mp4", [numbered(9), *same], b_frames=2, sound=True, params=":qp=0")
    assert extract_frame(alone, "first").planes == extract_frame(between, "last").planes


def test_planes_tell_apart_pixels_and_colour_tags(folder):
    clips = [
        make(folder / "plain.mp4", 2),
        make(folder / "other.mp4", (numbered(n) for n in (8, 1))),
        make(folder / "tagged.mp4", 2, matrix=6),
        make(folder / "range.mp4", 2, full_range=True, pix_fmt="yuvj420p"),
        make(folder / "fine.mp4", 2, pix_fmt="yuv444p"),
        make(folder / "deep.mp4", 2, pix_fmt="yuv420p10le"),
        make(folder / "turned.mp4", 2, rotation=180),
    ]
    assert len({extract_frame(clip, "first").planes for clip in clips}) == len(clips)


def test_padding_of_rows_is_not_part_of_a_frame(folder):
    clip = make(folder / "narrow.mp4", 2, size=Size(66, 38))
    assert decoded(clip)[0].planes[0].line_size > 66
    assert {extract_frame(clip, "first").planes for _ in range(5)} == {extract_frame(clip, Fraction(0)).planes}


@pytest.mark.parametrize(("matrix", "full_range"), [(1, False), (6, False), (1, True)])
def test_colours_follow_the_tags(folder, matrix, full_range):
    picture = np.zeros((180, 320, 3), np.uint8)
    for bar, shade in enumerate([(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 0)]):
        picture[:, bar * 64 : bar * 64 + 64] = shade
    clip = make(
        folder / "bars.mp4",
        [picture] * 2,
        size=MIDDLE,
        matrix=matrix,
        full_range=full_range,
        pix_fmt="yuvj420p" if full_range else "yuv420p",
        params=":crf=8",
    )
    out = pixels(extract_frame(clip, "last").png).astype(int)
    assert np.abs(out - picture)[:, 32::64].max() <= 4


@pytest.mark.parametrize("wanted", [[23], [0, 23], [5, 6, 7], [1, 4, 9, 16], [3, 3, 20]], ids=str)
@pytest.mark.parametrize("gop", [6, 250])
def test_frames_that_are_passed_over_leave_the_others_as_they_are(folder, gop, wanted):
    clip = make(folder / f"passed-{gop}.mp4", 24, gop=gop, b_frames=3)
    every = planes(clip)
    with open_media(clip, strict=True) as container:
        stream = video_stream(container)
        found = read_sample_table(container, stream)
        for numbers in (wanted, range(24)):
            frames = decode_frames(container, stream, found, numbers)
            shown = [hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest() for frame in frames]
            assert shown == [every[number] for number in numbers]
