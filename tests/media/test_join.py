import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from storyboard.core.captions import Cue
from storyboard.core.model import Size
from storyboard.media import h264
from storyboard.media.join import join as joining
from storyboard.media.join.copy_source import ClipPacketsCache, PacketChecksums, prepare_runs
from storyboard.media.join.join import JoinFailed, JoinPiece, ParameterSetsDiffer, Subtitles, join, verify_film
from storyboard.media.join.side_streams import check_subtitles
from storyboard.media.probe import probe
from storyboard.media.reader import InvalidMedia, read_tags
from storyboard.media.render.encoder import ClipWriter, Encoding
from tests.media.clips import FILM, NTSC, SMALL, ffmpeg, make, numbered, numbers, planes

TAKE = {"gop": 250, "b_frames": 3, "matrix": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("join")


@pytest.fixture(scope="module")
def takes(folder) -> list[Path]:
    """Clips as providers make them: one keyframe, B-frames, an edit list that hides their delay."""
    return [
        make(folder / f"take-{number}.mp4", (numbered(100 * number + n) for n in range(20 + number)), **TAKE)
        for number in range(1, 4)
    ]


def segment(path: Path, first: int, frames: int, identity: int = 1, rate: Fraction = FILM, crf: int = 18) -> Path:
    with ClipWriter(path, SMALL, rate, Encoding(parameter_set_id=identity, crf=crf)) as writer:
        for number in range(first, first + frames):
            writer.write(numbered(number))
    return path


def whole(path: Path) -> JoinPiece:
    return JoinPiece(path, probe(path).frames)


def test_film_shows_every_frame_of_its_pieces_bit_for_bit(folder, takes):
    out = folder / "film.mp4"
    info = join([whole(take) for take in takes], out, SMALL, FILM, {})
    assert (info.frames, info.fps, info.constant_rate, info.closed_start) == (66, FILM, True, True)
    assert planes(out) == [plane for take in takes for plane in planes(take)]


def test_film_begins_at_once_and_steps_evenly(folder, takes):
    join([whole(take) for take in takes], folder / "film.mp4", SMALL, FILM, {})
    with av.open(str(folder / "film.mp4")) as container:
        stream = container.streams.video[0]
        times = [frame.pts * stream.time_base for frame in container.decode(stream)]
        assert stream.average_rate == FILM
    assert times == [Fraction(number, 24) for number in range(66)]


def test_takes_and_segments_stand_side_by_side(folder, takes):
    ours = [segment(folder / "a.mp4", 500, 7), segment(folder / "b.mp4", 600, 1), segment(folder / "c.mp4", 700, 30)]
    order = [ours[0], takes[0], ours[1], ours[2], takes[1], takes[2], ours[1]]
    out = folder / "mixed.mp4"
    join([whole(path) for path in order], out, SMALL, FILM, {})
    assert planes(out) == [plane for path in order for plane in planes(path)]
    said = [*range(500, 507), *range(100, 121), 600, *range(700, 730), *range(200, 222), *range(300, 323), 600]
    assert numbers(out) == said
    with av.open(str(out)) as container:
        sets = h264.parse_avcc(bytes(container.streams.video[0].codec_context.extradata))
    assert sorted(h264.sps_id(unit) for unit in sets.sps) == [0, 1]
    assert sorted(h264.pps_id(unit) for unit in sets.pps) == [0, 1]


def test_another_ffmpeg_plays_the_film_without_a_word(folder, takes):
    out = folder / "mixed.mp4"
    order = [takes[0], segment(folder / "a.mp4", 500, 7), takes[1]]
    join([whole(path) for path in order], out, SMALL, FILM, {})
    done = ffmpeg("-i", str(out), "-f", "rawvideo", "-pix_fmt", "gray", "-")
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout) == (21 + 7 + 22) * 64 * 36


@pytest.mark.parametrize("rate", [NTSC, Fraction(25), Fraction(30), Fraction(30000, 1001)], ids=str)
def test_rate_is_exact(folder, rate):
    first = make(folder / "first.mp4", 13, rate=rate, **TAKE)
    second = segment(folder / "second.mp4", 50, 14, rate=rate)
    info = join([whole(first), whole(second)], folder / "film.mp4", SMALL, rate, {})
    assert (info.frames, info.fps, info.constant_rate) == (27, rate, True)
    assert numbers(folder / "film.mp4") == [*range(13), *range(50, 64)]


def test_same_pieces_give_the_same_bytes(folder, takes):
    made = []
    for name, texts in (("x.mp4", {"title": "T", "storyboard": "k"}), ("y.mp4", {"storyboard": "k", "title": "T"})):
        join([whole(take) for take in takes], folder / name, SMALL, FILM, texts)
        made.append((folder / name).read_bytes())
    assert made[0] == made[1]


def test_texts_are_kept(folder, takes):
    texts = {"title": "Mangrove – night", "comment": "two\nlines", "storyboard": '{"key":"1f"}'}
    join([whole(takes[0])], folder / "film.mp4", SMALL, FILM, texts)
    assert texts.items() <= read_tags(folder / "film.mp4").items()
    assert not any("time" in name or "date" in name for name in read_tags(folder / "film.mp4"))


def test_film_can_be_read_from_its_start(folder, takes):
    join([whole(takes[0])], folder / "film.mp4", SMALL, FILM, {})
    data = (folder / "film.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_film_is_tagged_bt709_even_if_a_take_is_not(folder):
    untagged = make(folder / "untagged.mp4", 12, b_frames=2)
    join([whole(untagged)], folder / "film.mp4", SMALL, FILM, {})
    assert b"colrnclx" + bytes([0, 1, 0, 1, 0, 1]) in (folder / "film.mp4").read_bytes()


def test_sound_of_a_take_stays_out(folder):
    loud = make(folder / "loud.mp4", 24, sound=True, **TAKE)
    assert not join([whole(loud)], folder / "film.mp4", SMALL, FILM, {}).has_audio


def test_part_of_a_take_can_be_copied_where_it_is_closed(folder):
    clip = segment(folder / "a.mp4", 0, 60)
    join([JoinPiece(clip, 10, 24), JoinPiece(clip, 5)], folder / "film.mp4", SMALL, FILM, {})
    assert numbers(folder / "film.mp4") == [*range(24, 34), *range(5)]


def test_part_that_would_need_coding_is_an_error(folder, takes):
    for piece in (JoinPiece(takes[0], 5, 3), JoinPiece(takes[0], 2), JoinPiece(takes[0], 22), JoinPiece(takes[0], 0)):
        with pytest.raises(JoinFailed, match="take-1"):
            join([piece], folder / "none.mp4", SMALL, FILM, {})
    assert not (folder / "none.mp4").exists()


def test_sets_that_differ_under_one_number_are_named(folder, takes):
    other = make(folder / "other.mp4", 12, params=":ref=1:cabac=0", **TAKE)
    order = [takes[0], other, takes[1], other]
    with pytest.raises(ParameterSetsDiffer) as caught:
        join([whole(path) for path in order], folder / "none.mp4", SMALL, FILM, {})
    assert caught.value.pieces == (1, 3)
    assert not (folder / "none.mp4").exists()


UNFIT = {
    "is 66x36": {"size": Size(66, 36)},
    "a constant rate of 24 fps": {"rate": NTSC},
    "is not H.264": {"codec": "mpeg4"},
    "8-bit 4:2:0": {"pix_fmt": "yuv422p"},
    "8-bit": {"pix_fmt": "yuv420p10le"},
}


@pytest.mark.parametrize("name", UNFIT)
def test_clip_of_another_kind_is_an_error(folder, takes, name):
    clip = make(folder / "unfit.mp4", 12, **UNFIT[name])
    with pytest.raises(JoinFailed, match=name):
        join([whole(takes[0]), whole(clip)], folder / "none.mp4", SMALL, FILM, {})


def test_varying_rate_is_an_error(folder):
    clip = make(folder / "uneven.mp4", 6, times=[0, 1, 3, 4, 5, 8])
    with pytest.raises(JoinFailed, match="constant rate"):
        join([whole(clip)], folder / "none.mp4", SMALL, FILM, {})


def test_take_trimmed_by_its_edit_list_is_an_error(folder, takes):
    trimmed = folder / "trimmed.mp4"
    assert ffmpeg("-ss", "0.25", "-i", str(takes[0]), "-c", "copy", "-y", str(trimmed)).returncode == 0
    with pytest.raises(JoinFailed, match="its first displayed frame"):
        join([whole(trimmed)], folder / "none.mp4", SMALL, FILM, {})


def test_parameter_sets_within_the_stream_are_taken_out(folder):
    clip = make(folder / "restated.mp4", 24, params=":repeat-headers=1", gop=6)
    join([whole(clip)], folder / "film.mp4", SMALL, FILM, {})
    with av.open(str(folder / "film.mp4")) as container:
        for packet in container.demux(video=0):
            if packet.size:
                assert not any(map(h264.is_parameter_set, h264.split_units(memoryview(packet), 4)))
    assert planes(folder / "film.mp4") == planes(clip)


def test_nothing_to_join_is_an_error(folder):
    with pytest.raises(JoinFailed, match="no segments"):
        join([], folder / "none.mp4", SMALL, FILM, {})


def test_missing_piece_is_an_error_and_the_old_film_stays(tmp_path, takes):
    out = tmp_path / "film.mp4"
    out.write_bytes(b"old")
    with pytest.raises(JoinFailed):
        join([whole(takes[0]), JoinPiece(tmp_path / "gone.mp4", 3)], out, SMALL, FILM, {})
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_failure_while_writing_leaves_the_old_film_alone(tmp_path, takes, monkeypatch):
    out = tmp_path / "film.mp4"
    out.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise InvalidMedia("is not what was meant")

    monkeypatch.setattr(joining, "verify_film", refuse)
    with pytest.raises(JoinFailed, match="is not what was meant"):
        join([whole(takes[0])], out, SMALL, FILM, {})
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_film_replaces_the_old_one_and_nothing_stays_beside_it(tmp_path, takes):
    out = tmp_path / ("f" * 240 + ".mp4")
    out.write_bytes(b"old")
    join([whole(takes[0])], out, SMALL, FILM, {})
    assert probe(out).frames == 21
    assert list(tmp_path.iterdir()) == [out]


def test_proof_finds_a_film_that_is_not_the_plan(folder, takes):
    film = folder / "film.mp4"
    join([whole(take) for take in takes], film, SMALL, FILM, {})
    runs = prepare_runs([whole(take) for take in takes], SMALL, FILM, ClipPacketsCache())
    with pytest.raises(InvalidMedia, match="66 of 43"):
        verify_film(runs[:2], film, SMALL, FILM, PacketChecksums())
    with pytest.raises(InvalidMedia, match="has 24 fps, not 25"):
        verify_film(runs, film, SMALL, Fraction(25), PacketChecksums())
    with pytest.raises(InvalidMedia, match="64x36"):
        verify_film(runs, film, Size(66, 36), FILM, PacketChecksums())
    with pytest.raises(InvalidMedia, match="packets"):
        verify_film(runs, film, SMALL, FILM, PacketChecksums())


def test_proof_finds_a_first_picture_that_does_not_decode(folder, takes):
    runs = prepare_runs([whole(takes[0])] * 2, SMALL, FILM, ClipPacketsCache())
    film = folder / "film.mp4"
    join([whole(takes[0])] * 2, film, SMALL, FILM, {})
    with av.open(str(film)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.is_keyframe][1]
        place, length = packet.pos, packet.size
    data = bytearray(film.read_bytes())
    data[place + length // 2 : place + length] = bytes(length - length // 2)
    film.write_bytes(data)
    with av.open(str(film)) as container:
        checksums = PacketChecksums()
        for packet in container.demux(video=0):
            if packet.size:
                checksums.add(bytes(packet))
    with pytest.raises(InvalidMedia):
        verify_film(runs, film, SMALL, FILM, checksums)


def test_killed_writer_leaves_nothing_under_the_final_name(tmp_path, takes):
    out = tmp_path / "film.mp4"
    code = (
        "import sys, time\n"
        "from fractions import Fraction\n"
        "from pathlib import Path\n"
        "from storyboard.core.model import Size\n"
        "from storyboard.media.join import join as joining\n"
        "joining.verify_film = lambda *_: (print('written', flush=True), time.sleep(60))\n"
        "piece = joining.JoinPiece(Path(sys.argv[1]), 21)\n"
        "joining.join([piece], Path(sys.argv[2]), Size(64, 36), Fraction(24), {})\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, takes[0], out], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    assert [path.name.startswith(".film.mp4.part-") for path in tmp_path.iterdir()] == [True]


def test_film_has_the_rights_that_any_new_file_has(tmp_path, takes):
    join([whole(takes[0])], tmp_path / "film.mp4", SMALL, FILM, {})
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "film.mp4").stat().st_mode == plain.stat().st_mode


def test_hostile_name_is_only_a_name(tmp_path, takes, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("-y.mp4", "http:x.mp4", "concat:a|b.mp4", "%03d.mp4"):
        join([whole(takes[0])], Path(name), SMALL, FILM, {})
        assert probe(Path(name)).frames == 21
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("b_frames", [0, 3])
def test_a_clip_can_be_cut_wherever_its_facts_say(folder, b_frames):
    clip = make(folder / f"cut-{b_frames}.mp4", 40, gop=12, b_frames=b_frames, matrix=1, params=":open-gop=0")
    info, every = probe(clip), planes(clip)
    ends = range(1, 41) if info.in_order else info.copy_ends
    assert (info.in_order, info.copy_starts) == (b_frames == 0, (0, 12, 24, 36))
    for start in info.copy_starts:
        end = next(end for end in ends if end > start + 1)
        last = max(end for end in ends if end < 40)
        for stop in {end, last} if last > start else {end}:
            join([JoinPiece(clip, stop - start, start)], folder / "part.mp4", SMALL, FILM, {})
            assert planes(folder / "part.mp4") == every[start:stop]


@pytest.mark.parametrize("rate", [NTSC, FILM, Fraction(25), Fraction(30000, 1001)], ids=str)
def test_captions_begin_and_end_with_their_frames_at_any_rate(folder, rate):
    clip = segment(folder / "a.mp4", 0, 50, rate=rate)
    cues = (Cue("Hällo", 3, 20), Cue("b\n<i>", 10, 30), Cue("alone", 49, 50))
    join([whole(clip)], folder / "told.mp4", SMALL, rate, {}, [("one", 0, 50)], Subtitles(cues, "deu"))
    wanted = [(3, 10, "Hällo"), (10, 20, "Hällo\nb\n<i>"), (20, 30, "b\n<i>"), (49, 50, "alone")]
    with av.open(str(folder / "told.mp4")) as film:
        [stream] = film.streams.subtitles
        frame = stream.time_base * rate
        shown = [packet for packet in film.demux(stream) if packet.size > 2]
        assert [(p.pts * frame, (p.pts + p.duration) * frame, bytes(p)[2:].decode()) for p in shown] == wanted
        assert stream.metadata["language"] == "deu"
    assert numbers(folder / "told.mp4") == list(range(50))


def test_proof_finds_captions_that_are_not_those_of_the_film(folder):
    clip = segment(folder / "a.mp4", 0, 20)
    cues = (Cue("one", 3, 10),)
    join([whole(clip)], folder / "told.mp4", SMALL, FILM, {}, (), Subtitles(cues))
    check_subtitles(folder / "told.mp4", Subtitles(cues), FILM)
    for other in (Cue("two", 3, 10), Cue("one", 4, 10), Cue("one", 3, 9)):
        with pytest.raises(InvalidMedia, match="captions"):
            check_subtitles(folder / "told.mp4", Subtitles((other,)), FILM)
    with pytest.raises(InvalidMedia, match="captions"):
        check_subtitles(clip, Subtitles(cues), FILM)
