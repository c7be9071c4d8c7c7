import os
import subprocess
import sys
import tracemalloc
from fractions import Fraction
from importlib.metadata import version
from itertools import pairwise

import av
import numpy as np
import pytest

from storyboard.core.model import Size
from storyboard.media.probe import validate_clip
from storyboard.media.render.color import frame_to_rgb
from storyboard.media.render.conform import Conformer, fit_size, planes_of
from storyboard.media.render.encoder import renderer_id
from storyboard.media.render.render import RenderFailed, Segment, render
from tests.media.clips import FILM, MIDDLE, NTSC, SMALL, decoded, make, numbered, numbers
from tests.project import HERE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("render")


def shown(folder, frames, source_rate, rate, *, start=Fraction(0), speed=Fraction(1), out_frames=None, **clip):
    """The source frame behind each output frame, read from the pixels of the result."""
    source = make(folder / "source.mp4", frames, rate=source_rate, **{"b_frames": 2, **clip})
    out_frames = out_frames or round(Fraction(frames) / source_rate * rate)
    segment = Segment(source, start, out_frames, rate, SMALL, speed)
    info = render(segment, folder / "out.mp4")
    assert (info.frames, info.fps, info.constant_rate) == (out_frames, rate, True)
    return numbers(folder / "out.mp4")


def test_same_rate_keeps_every_frame(folder):
    assert shown(folder, 30, FILM, FILM) == list(range(30))


@pytest.mark.parametrize("gop", [12, 250])
def test_ntsc_to_film_keeps_every_frame(folder, gop):
    assert shown(folder, 48, NTSC, FILM, gop=gop) == list(range(48))


def test_film_to_thirty_shows_one_frame_in_four_twice(folder):
    got = shown(folder, 24, FILM, Fraction(30))
    assert (got[0], got[-1], len(got)) == (0, 23, 30)
    assert sorted(set(got)) == list(range(24))
    assert all(got.count(number) <= 2 for number in got)


@pytest.mark.parametrize(("source_rate", "frames"), [(Fraction(30), 30), (Fraction(25), 50)])
def test_faster_source_loses_single_frames_but_neither_end(folder, source_rate, frames):
    got = shown(folder, frames, source_rate, FILM)
    assert (got[0], got[-1]) == (0, frames - 1)
    assert len(set(got)) == len(got)
    assert {later - earlier for earlier, later in pairwise(got)} == {1, 2}


def test_frame_shown_is_the_one_in_the_middle_of_its_time(folder):
    assert shown(folder, 30, Fraction(30), FILM)[:6] == [0, 1, 3, 4, 5, 6]


def test_trim_starts_at_the_exact_frame(folder):
    got = shown(folder, 40, FILM, FILM, start=Fraction(17, 24), out_frames=9, gop=250)
    assert got == list(range(17, 26))


def test_speed_stretches_and_skips(folder):
    assert shown(folder, 24, FILM, FILM, speed=Fraction(2), out_frames=12) == list(range(1, 24, 2))
    assert shown(folder, 12, FILM, FILM, speed=Fraction(1, 2), out_frames=24) == [n // 2 for n in range(24)]


def test_uneven_source_is_shown_by_its_times(folder):
    times = [0, 2, 3, 7, 8]
    source = make(folder / "uneven.mp4", 5, times=times)
    render(Segment(source, Fraction(0), 9, FILM, SMALL), folder / "out.mp4")
    assert numbers(folder / "out.mp4") == [0, 0, 1, 2, 2, 2, 2, 3, 4]


def test_source_that_ends_too_early_is_an_error(folder):
    source = make(folder / "short.mp4", 24)
    with pytest.raises(RenderFailed, match=r"ends .* before"):
        render(Segment(source, Fraction(0), 30, FILM, SMALL), folder / "none.mp4")
    for start, frames in ((Fraction(-1), 3), (Fraction(0), 0)):
        with pytest.raises(RenderFailed, match="empty or begins before"):
            render(Segment(source, start, frames, FILM, SMALL), folder / "none.mp4")
    assert not (folder / "none.mp4").exists()


def test_one_missing_frame_repeats_the_last(folder):
    assert shown(folder, 23, FILM, FILM, out_frames=24) == [*range(23), 22]


def test_damaged_source_is_an_error_and_leaves_nothing(folder):
    data = make(folder / "whole.mp4", 24).read_bytes()
    source = folder / "damaged.mp4"
    source.write_bytes(data[:-700])
    with pytest.raises(RenderFailed, match=r"damaged\.mp4"):
        render(Segment(source, Fraction(0), 24, FILM, SMALL), folder / "none.mp4")
    assert not (folder / "none.mp4").exists()


def test_interruption_leaves_nothing(folder):
    source = make(folder / "source.mp4", 24)

    def interrupt(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(Segment(source, Fraction(0), 24, FILM, SMALL), folder / "none.mp4", interrupt)
    assert not (folder / "none.mp4").exists()


def test_progress_counts_to_the_end(folder):
    heard = []
    source = make(folder / "source.mp4", 5)
    segment = Segment(source, Fraction(0), 5, FILM, SMALL)
    render(segment, folder / "out.mp4", lambda done, total: heard.append((done, total)))
    assert heard == [(number, 5) for number in range(1, 6)]


def test_same_segment_gives_the_same_bytes(folder):
    source = make(folder / "odd.mp4", 12, size=Size(100, 90), rate=Fraction(30))
    segment = Segment(source, Fraction(0), 9, FILM, MIDDLE)
    first, second = folder / "first.mp4", folder / "second.mp4"
    render(segment, first)
    render(segment, second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("source", "inner"),
    [
        (Size(180, 180), Size(180, 180)),  # bars at the sides
        (Size(400, 100), Size(320, 80)),  # bars above and below
        (Size(90, 160), Size(100, 180)),
        (Size(1920, 1080), Size(320, 180)),
        (Size(321, 181), Size(320, 180)),
        (Size(64, 36), Size(320, 180)),
    ],
    ids=str,
)
def test_picture_is_as_large_as_fits_and_centred(source, inner):
    assert fit_size(source, Fraction(1), MIDDLE, "contain") == inner
    white = av.VideoFrame.from_ndarray(np.full((source.height, source.width, 3), 255, np.uint8), "rgb24")
    conformed = Conformer(MIDDLE, "contain").planes(white)
    left, top = (320 - inner.width) // 2, (180 - inner.height) // 2
    luma, *chroma = planes_of(conformed)
    shown = luma[top : top + inner.height, left : left + inner.width]
    assert luma.shape == (180, 320)
    assert shown.min() >= 234
    assert int(luma.sum(dtype=np.int64)) == int(shown.sum(dtype=np.int64)) + (luma.size - shown.size) * 16
    assert all((plane == 128).all() for plane in chroma)


@pytest.mark.parametrize("size", [Size(96, 96), Size(200, 50), Size(90, 160)], ids=str)
def test_bars_stay_black_through_the_encoder(folder, size):
    source = make(
        folder / "bars.mp4", (np.full((size.height, size.width, 3), 200, np.uint8) for _ in range(3)), size=size
    )
    render(Segment(source, Fraction(0), 3, FILM, MIDDLE), folder / "out.mp4")
    inner = fit_size(size, Fraction(1), MIDDLE, "contain")
    left, top = (320 - inner.width) // 2, (180 - inner.height) // 2
    picture = frame_to_rgb(decoded(folder / "out.mp4")[-1])
    picture[max(0, top - 8) : 180 - top + 8, max(0, left - 8) : 320 - left + 8] = 0
    assert picture.max() == 0


def test_pixels_that_are_not_square_are_stretched():
    assert fit_size(Size(90, 90), Fraction(16, 9), MIDDLE, "contain") == MIDDLE
    assert fit_size(Size(160, 90), Fraction(9, 16), MIDDLE, "contain") == Size(180, 180)


def test_rotated_source_stands_upright(folder):
    source = make(folder / "phone.mp4", (numbered(9, Size(64, 36)) for _ in range(2)), rotation=180)
    render(Segment(source, Fraction(0), 2, FILM, SMALL), folder / "out.mp4")
    upright = np.rot90(frame_to_rgb(decoded(source)[0]), 2)
    assert np.abs(frame_to_rgb(decoded(folder / "out.mp4")[0]).astype(int) - upright).mean() < 4
    side = make(
        folder / "side.mp4", (np.full((180, 320, 3), 200, np.uint8) for _ in range(2)), size=MIDDLE, rotation=90
    )
    render(Segment(side, Fraction(0), 2, FILM, MIDDLE), folder / "out.mp4")
    picture = frame_to_rgb(decoded(folder / "out.mp4")[0])
    assert picture[90, 160].min() > 190
    assert picture[90, 100].max() == 0


def bars(size: Size) -> np.ndarray:
    picture = np.zeros((size.height, size.width, 3), np.uint8)
    shades = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191)]
    width = size.width // 8
    for bar, shade in enumerate(shades):
        picture[:, bar * width : (bar + 1) * width] = shade
    return picture


@pytest.mark.parametrize(
    "clip",
    [
        {"matrix": 1},
        {"matrix": 6},
        {"matrix": 2},  # untagged and small: BT.601
        {"matrix": 1, "full_range": True, "pix_fmt": "yuvj420p"},
        {"matrix": 1, "pix_fmt": "yuv444p10le"},
    ],
    ids=str,
)
def test_colours_come_out_as_bt709(folder, clip):
    source = make(folder / "source.mp4", [bars(MIDDLE)] * 2, size=MIDDLE, params=":crf=8", **clip)
    info = render(Segment(source, Fraction(0), 2, FILM, MIDDLE), folder / "out.mp4")
    assert (info.color, info.pixel_format) == ("bt709/bt709/bt709/tv", "yuv420p")
    difference = np.abs(frame_to_rgb(decoded(folder / "out.mp4")[-1]).astype(int) - bars(MIDDLE))
    within_bars = difference.reshape(180, 8, 40, 3)[:, :, 8:-8]
    assert within_bars.mean() < 1
    assert within_bars.max() <= 6


def test_test_pattern_in_high_definition_keeps_its_colours(folder):
    size = Size(1280, 720)
    source = make(folder / "source.mp4", [bars(size)] * 2, size=size, params=":crf=8", matrix=1)
    render(Segment(source, Fraction(0), 2, FILM, size), folder / "out.mp4")
    assert np.abs(frame_to_rgb(decoded(folder / "out.mp4")[-1]).astype(int) - bars(size)).mean() < 2


def test_result_passes_the_gate_and_stands_beside_takes(folder):
    source = make(folder / "source.mp4", 24, sound=True)
    info = render(Segment(source, Fraction(0), 24, FILM, SMALL), folder / "out.mp4")
    assert validate_clip(folder / "out.mp4", size=SMALL, duration=Fraction(1)) == info
    assert info.closed_start
    assert not info.has_audio


def test_long_source_takes_no_more_memory_than_a_short_one(folder):
    def peak(frames: int) -> int:
        source = make(folder / "source.mp4", frames, size=MIDDLE)
        tracemalloc.start()
        render(Segment(source, Fraction(0), frames, FILM, MIDDLE), folder / "out.mp4")
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(4)
    assert peak(40) - peak(10) < 2 * 320 * 180 * 3


def test_renderer_names_what_renders():
    names = renderer_id()
    assert set(names) == {"renderer", "moviepy", "av", "pillow"}
    assert names["moviepy"] == version("moviepy")


def test_naming_the_renderer_loads_none_of_it():
    code = (
        "import sys; from storyboard.media.render.encoder import renderer_id; renderer_id();"
        "print(sorted({'av', 'moviepy', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_stray_dotenv_is_not_loaded(tmp_path):
    (tmp_path / ".env").write_text("STRAY=loaded\nFFMPEG_BINARY=/nowhere\n")
    code = (
        "import os; before = dict(os.environ)\n"
        "from fractions import Fraction\n"
        "import numpy as np\n"
        "from storyboard.core.model import Size\n"
        "from storyboard.media.render.compositor import Composition\n"
        "picture = np.zeros((36, 64, 3), np.uint8)\n"
        "Composition(lambda k: picture, 1, Fraction(24)).picture(0)\n"
        "import sys; assert 'moviepy' in sys.modules\n"
        "print(dict(os.environ) == before, os.environ.get('STRAY'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True None"


def test_a_program_named_by_a_stray_dotenv_is_not_run(tmp_path):
    """With a library that reads such files whatever it is told, as python-dotenv before 1.2."""
    program = tmp_path / "evil"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    library = tmp_path / "library"
    library.mkdir()
    (library / "dotenv.py").write_text(
        f"import os\ndef find_dotenv(): pass\ndef load_dotenv(_): os.environ['FFMPEG_BINARY'] = {str(program)!r}\n"
    )
    code = "from storyboard.media.render.compositor import Composition, _moviepy; print(_moviepy().VideoClip.__name__)"
    path = os.pathsep.join([str(library), str(HERE)])
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "VideoClip"
    assert not (tmp_path / "ran").exists()
