"""Sound of a film, by its samples: inputs at their times, ramps, fades, ducking, loudness, the finished track."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from storyboard.core.audio import EDGE, RATE, Ramp
from storyboard.media.audio.mix import MixFailed, time_stretch
from storyboard.media.audio.soundtrack import write_sound
from storyboard.media.audio.source import BlockReader, read_take_sound, read_track_sound
from tests.media.clips import ffmpeg
from tests.media.sounds import (
    bed,
    beeps,
    decibels,
    dips,
    film,
    heard,
    jitter,
    lag,
    level,
    loud,
    mix_of,
    onsets,
    retimed,
    rms,
    sharp,
    tone,
    voice,
    write_clip,
    write_vorbis,
    write_wav,
)

NEAR = 0.002


def near(found: list[float], wanted: list[float], slack: float = NEAR) -> bool:
    return len(found) == len(wanted) and all(abs(a - b) <= slack for a, b in zip(found, wanted, strict=True))


def taken(path: Path, start: Fraction, seconds: float):
    return BlockReader(read_take_sound(path, start)).take(round(seconds * RATE))


KINDS = {
    "aac 48 kHz": ("c.mp4", "aac", 48000),
    "aac 44.1 kHz": ("c.mp4", "aac", 44100),
    "aac 22 kHz": ("c.mov", "aac", 22050),
    "opus": ("c.mkv", "libopus", 48000),
    "mp3": ("c.mp4", "libmp3lame", 44100),
    "pcm": ("c.mov", "pcm_s16le", 32000),
    "flac": ("c.mkv", "flac", 96000),
}


@pytest.mark.sweep
@pytest.mark.parametrize("kind", KINDS)
def test_sound_of_any_kind_is_at_its_time(tmp_path: Path, kind: str) -> None:
    name, codec, rate = KINDS[kind]
    clip = write_clip(tmp_path / name, beeps(2, [0.25, 1, 1.5], rate=rate), 48, rate=rate, codec=codec)
    whole = taken(clip, Fraction(0), 2)
    assert near(onsets(whole), [0.25, 1, 1.5]), onsets(whole)
    assert abs(level(whole, 1000)[round(1.025 * RATE)] - 0.4) < 0.03
    assert near(onsets(taken(clip, Fraction(3, 4), 1)), [0.25, 0.75])


def test_a_track_whose_title_is_in_another_encoding_is_heard(tmp_path: Path) -> None:
    plain = write_wav(tmp_path / "plain.wav", beeps(1, [0.5])).read_bytes()
    title = b"INFOINAM" + (6).to_bytes(4, "little") + "Sch\xf6ne".encode("latin-1")
    listed = plain[8:] + b"LIST" + len(title).to_bytes(4, "little") + title
    odd = tmp_path / "odd.wav"
    odd.write_bytes(b"RIFF" + len(listed).to_bytes(4, "little") + listed)
    assert near(onsets(BlockReader(read_track_sound(odd)).take(RATE)), [0.5])


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["c.mp4", "c.mkv"])
@pytest.mark.parametrize("late", [Fraction(1, 2), Fraction(-1, 2)], ids=["late", "early"])
def test_an_offset_in_the_container_counts(tmp_path: Path, name: str, late: Fraction) -> None:
    clip = write_clip(tmp_path / "sound.mp4", beeps(2, [1, 1.5]), 48)
    moved = tmp_path / name
    shifted, plain = (1, 0) if late > 0 else (0, 1)
    done = ffmpeg(
        *("-i", str(clip), "-itsoffset", "0.5", "-i", str(clip)),
        *("-map", f"{plain}:v", "-map", f"{shifted}:a", "-c", "copy", str(moved)),
    )
    assert done.returncode == 0, done.stderr
    wanted = [float(1 + late), float(1.5 + late)]
    assert near(onsets(taken(moved, Fraction(0), 3)), wanted, 0.003)
    assert near(onsets(taken(moved, Fraction(1, 4), 3)), [one - 0.25 for one in wanted], 0.003)


def test_a_gap_in_the_sound_is_silent_and_moves_nothing(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "a.mkv", beeps(3, [0.5, 2.5]), 72, codec="pcm_s16le")
    holes = tmp_path / "holes.mkv"
    import av

    with av.open(str(first)) as source, av.open(str(holes), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            keep = packet.stream.type == "video" or packet.pts is None or not 1 <= packet.pts * packet.time_base < 2
            if packet.size and keep:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    whole = taken(holes, Fraction(0), 3)
    assert near(onsets(whole), [0.5, 2.5])
    assert not whole[:, round(1.1 * RATE) : round(1.9 * RATE)].any()


VORBIS = {22050: 0.0055, 32000: 0.0135, 44100: 0.0100, 48000: 0.0092}


@pytest.mark.sweep
@pytest.mark.parametrize("suffix", ["ogg", "webm", "mka"])
@pytest.mark.parametrize("rate", VORBIS)
def test_vorbis_has_no_holes_where_block_sizes_switch(tmp_path: Path, rate: int, suffix: str) -> None:
    track = write_vorbis(tmp_path / f"t.{suffix}", 4, rate)
    assert jitter(track) > VORBIS[rate]
    found, wanted = BlockReader(read_track_sound(track)).take(4 * RATE), heard(track)
    assert dips(wanted) == []
    assert dips(found) == []
    assert lag(found, wanted[:, : 4 * RATE]) == 0
    assert decibels(rms(found[:, : wanted.shape[1]] - wanted[:, : 4 * RATE]) / rms(wanted)) < -35


@pytest.mark.sweep
@pytest.mark.parametrize("suffix", ["webm", "mkv"])
@pytest.mark.parametrize("rate", VORBIS)
def test_a_clip_with_vorbis_sounds_the_same_from_anywhere(tmp_path: Path, rate: int, suffix: str) -> None:
    clip = write_vorbis(tmp_path / f"c.{suffix}", 4, rate, pictures=True)
    assert jitter(clip) > VORBIS[rate]
    whole = taken(clip, Fraction(0), 4)
    assert dips(whole[:, RATE // 10 :]) == []
    assert abs(lag(whole, heard(clip))) < 0.005 * RATE
    for start in (Fraction(1, 3), Fraction(5, 4), Fraction(7, 3)):
        at = round(start * RATE)
        assert np.array_equal(taken(clip, start, 1.5), whole[:, at : at + round(1.5 * RATE)])


def test_times_of_the_ends_of_blocks_leave_no_holes(tmp_path: Path) -> None:
    """As FFmpeg wrote WebM until 2010."""
    plain = write_vorbis(tmp_path / "plain.webm", 4, 44100, pictures=True)

    def ends(packets) -> list[int]:
        times, count = [], 0
        for packet in packets:
            count += sum(frame.samples for frame in packet.decode())
            times.append(round(count / 44.1))
        return times

    old = retimed(plain, ends, tmp_path / "old.webm")
    assert jitter(old) > 0.0195
    assert dips(BlockReader(read_track_sound(old)).take(4 * RATE)) == []
    assert dips(taken(old, Fraction(0), 4)[:, RATE // 10 :]) == []


@pytest.mark.sweep
@pytest.mark.parametrize("kind", ["aac 44.1 kHz", "aac 48 kHz", "opus", "mp3", "flac"])
def test_after_a_lost_packet_everything_is_at_its_time(tmp_path: Path, kind: str) -> None:
    name, codec, rate = KINDS[kind]
    clip = write_clip(tmp_path / f"c{name[1:]}", beeps(4, [0.5, 1, 2.5, 3.5], rate=rate), 96, rate=rate, codec=codec)
    for lost in (1, 3):
        holes = retimed(
            clip,
            lambda packets: [
                None if len(packets) // 2 <= number < len(packets) // 2 + lost else packet.pts  # noqa: B023
                for number, packet in enumerate(packets)
            ],
            tmp_path / f"holes-{lost}{name[1:]}",
        )
        for start in (Fraction(0), Fraction(1, 4), Fraction(9, 4)):
            wanted = [at - float(start) for at in (0.5, 1, 2.5, 3.5) if at > start]
            assert near(onsets(taken(holes, start, 3.9 - float(start))), wanted)


@pytest.mark.sweep
@pytest.mark.parametrize("drift", [Fraction(1, 1000), Fraction(-1, 1000)])
def test_a_recorder_whose_clocks_differ_stays_in_step_without_a_hole(tmp_path: Path, drift: Fraction) -> None:
    """And whose times have a jitter of 3 ms; 1 ms a second is 24 ms at the end."""
    sound = beeps(24, range(1, 24), 0.2) + tone(24, 330, 0.2)
    plain = write_clip(tmp_path / "plain.mkv", sound, 24 * 24, codec="flac")
    noise = np.random.default_rng(5)

    def drifted(packets) -> list[int]:
        return [max(0, round(float(one.pts * (1 + drift)) + float(noise.uniform(-3, 3)))) for one in packets]

    clip = retimed(plain, drifted, tmp_path / "c.mkv")
    assert jitter(clip) > 0.02
    found = taken(clip, Fraction(0), 23.5)
    assert dips(found) == []
    wanted = [at * float(1 + drift) for at in range(1, 24)]
    assert near(onsets(found), wanted, 0.015), onsets(found)


CHAINS = {
    "vorbis of two rates": ("t.ogg", [("-c:a", "libvorbis", "-q:a", "3"), ("-ar", "32000", "-c:a", "libvorbis")]),
    "vorbis of two qualities": ("t.ogg", [("-c:a", "libvorbis", "-q:a", "1"), ("-c:a", "libvorbis", "-q:a", "7")]),
    "opus": ("t.ogg", [("-c:a", "libopus"), ("-c:a", "libopus")]),
    "vorbis and opus": ("t.ogg", [("-c:a", "libvorbis"), ("-c:a", "libopus")]),
    "flac": ("t.flac", [(), ()]),
    "aac of two rates": ("t.aac", [(), ("-ar", "32000")]),
}


@pytest.mark.sweep
@pytest.mark.parametrize("kind", CHAINS)
def test_files_put_together_are_heard_to_the_end(tmp_path: Path, kind: str) -> None:
    """One behind the other, as ``cat`` does; each begins at time 0 again, and may have other headers."""
    name, parts = CHAINS[kind]
    whole = tmp_path / name
    for number, how in enumerate(parts):
        source = write_wav(tmp_path / "t.wav", beeps(2, [0.5, 1.5]) + tone(2, 330, 0.1))
        part = tmp_path / f"{number}-{name}"
        done = ffmpeg("-y", "-i", str(source), *how, str(part))
        assert done.returncode == 0, done.stderr
        whole.write_bytes((whole.read_bytes() if number else b"") + part.read_bytes())
    found = np.concatenate(list(read_track_sound(whole)), axis=1)
    late = found.shape[1] / RATE - 4
    assert 0 <= late < 0.2
    first, second, third, fourth = onsets(found)
    assert near([second - first, fourth - third], [1, 1], 0.003)
    assert 0.997 < third - second < 1.1
    assert abs(level(found, 330, 0.05)[round(3.2 * RATE)] - 0.1) < 0.01


@pytest.mark.sweep
@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_sounds_the_same_from_anywhere(tmp_path: Path, kind: str) -> None:
    name, codec, rate = KINDS[kind]
    clip = write_clip(tmp_path / name, sharp(5, rate), 120, rate=rate, codec=codec)
    whole = taken(clip, Fraction(0), 5)
    for start in (Fraction(1, 3), Fraction(5, 4), Fraction(7, 3), Fraction(3)):
        at = round(start * RATE)
        assert lag(taken(clip, start, 1.5), whole[:, at : at + round(1.5 * RATE)]) == 0


@pytest.mark.sweep
@pytest.mark.parametrize(("codec", "rate"), [("flac", 44100), ("aac", 48000), ("libopus", 48000)])
def test_far_into_a_clip_with_a_coarse_clock_the_sound_is_off_by_less_than_half_a_tick(
    tmp_path: Path, codec: str, rate: int
) -> None:
    clip = write_clip(tmp_path / "c.mkv", sharp(50, rate), 24 * 50, rate=rate, codec=codec)
    whole = taken(clip, Fraction(0), 50)
    for start in (Fraction(32), Fraction(100, 3), Fraction(479, 10)):
        at = round(start * RATE)
        assert abs(lag(taken(clip, start, 1.5), whole[:, at : at + round(1.5 * RATE)])) < RATE // 2000


def test_the_same_sound_comes_out_each_time(tmp_path: Path) -> None:
    track = write_vorbis(tmp_path / "t.ogg", 4, 44100)
    one, two = (np.concatenate(list(read_track_sound(track)), axis=1) for _ in range(2))
    assert np.array_equal(one, two)


def test_channels_become_two(tmp_path: Path) -> None:
    mono = write_wav(tmp_path / "mono.wav", tone(1, level=0.25)[:1])
    found = BlockReader(read_track_sound(mono)).take(RATE)
    assert np.array_equal(found[0], found[1])
    assert abs(float(np.abs(found).max()) - 0.25) < 0.001
    six = np.zeros((6, RATE), np.float32)
    six[0], six[2] = tone(1, 300)[0], tone(1, 700)[0]
    clip = write_clip(tmp_path / "six.mkv", six, codec="flac", layout="5.1")
    both = taken(clip, Fraction(0), 1)
    left, right = both[:1].repeat(2, 0), both[1:].repeat(2, 0)
    middle = RATE // 2
    assert abs(level(left, 300)[middle] - 0.25) < 0.005
    assert level(right, 300)[middle] < 0.005
    assert abs(decibels(level(left, 700)[middle] / 0.25) + 3.01) < 0.1
    assert abs(level(left, 700)[middle] - level(right, 700)[middle]) < 0.001


def test_sound_may_be_shorter_or_longer_than_the_picture_or_missing(tmp_path: Path) -> None:
    short = write_clip(tmp_path / "short.mp4", beeps(1, [0.5]), 48)
    long = write_clip(tmp_path / "long.mp4", beeps(3, [0.5, 1.5, 2.5]), 48)
    none = write_clip(tmp_path / "none.mp4", None, 48)
    files = {"a": short, "b": long, "c": none}
    parts = (voice(0, 2, "a"), voice(2, 2, "b"), voice(4, 1, "c"))
    whole = mix_of(film(5, *parts), files)
    assert whole.shape == (2, 5 * RATE)
    assert near(onsets(whole), [0.5, 2.5, 3.5])
    assert rms(whole[:, 4 * RATE :]) == 0


@pytest.mark.sweep
@pytest.mark.parametrize("speed", ["0.5", "0.8", "1.25", "2", "4"])
def test_another_speed_keeps_time_and_pitch(speed: str) -> None:
    factor = Fraction(speed)
    source = beeps(8, [1, 3, 5, 7])
    made = BlockReader(time_stretch(iter(np.array_split(source, 50, axis=1)), factor)).take(round(8 * RATE / factor))
    assert near(onsets(made), [float(at / factor) for at in (1, 3, 5, 7)], 0.01), onsets(made)
    hum = BlockReader(time_stretch(iter([tone(4, 440)]), factor)).take(round(3 / factor * RATE))
    inside = hum[:, RATE // 10 : -RATE // 10]
    assert abs(float(level(inside, 440, 0.1)[inside.shape[1] // 2]) - 0.25) < 0.02


def test_a_cut_does_not_click(tmp_path: Path) -> None:
    """A tone cut at its highest point, against a step of the same height without the ramp."""
    high = np.full((2, 2 * RATE), 0.5, np.float32)
    path = write_wav(tmp_path / "high.wav", high)
    clip = tmp_path / "high.mkv"
    write_clip(clip, high, 48, codec="flac")
    whole = mix_of(film(3, voice(0, 1), voice(1, 1), bed(2)), {"a": clip, "t": path})
    steps = np.abs(np.diff(whole, axis=1))
    assert float(steps.max()) <= 0.5 / EDGE * 1.01
    assert float(np.abs(whole[:, round(0.1 * RATE) : round(0.9 * RATE)]).min()) > 0.49
    on = mix_of(film(2, voice(0, 1, fall=Ramp()), voice(1, 1, start=Fraction(1), rise=Ramp())), {"a": clip})
    assert np.allclose(on[:, RATE - 500 : RATE + 500], 0.5, atol=1e-3)


def test_a_crossfade_keeps_the_power(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    for name in ("a", "b"):
        sound = (noise.standard_normal((2, 3 * RATE)) * 0.1).astype(np.float32)
        write_clip(tmp_path / f"{name}.mkv", sound, 72, codec="flac")
    files = {name: tmp_path / f"{name}.mkv" for name in ("a", "b")}
    cross = Ramp(RATE, "cross")
    whole = mix_of(film(4, voice(0, 2.5, "a", fall=cross), voice(1.5, 2.5, "b", rise=cross)), files)
    parts = [decibels(rms(whole[:, round(at * RATE) : round((at + 0.2) * RATE)])) for at in np.arange(0.2, 3.8, 0.2)]
    assert max(parts) - min(parts) < 0.5, parts
    through = Ramp(RATE, "through")
    dipped = mix_of(film(4, voice(0, 2.5, "a", fall=through), voice(1.5, 2.5, "b", rise=through)), files)
    assert rms(dipped[:, round(1.98 * RATE) : round(2.02 * RATE)]) < 0.01
    assert decibels(rms(dipped[:, RATE : round(1.4 * RATE)])) > -21


def test_a_track_loops_fades_and_ends_with_the_film(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "t.wav", beeps(1, [0.25]) + tone(1, 300, 0.1))
    whole = mix_of(film(3.5, bed(0.5, loop=True, fade_in=RATE // 2, fade_out=RATE)), {"t": path})
    assert near(onsets(whole), [0.75, 1.75, 2.75])
    curve = level(whole, 300, 0.05)
    assert curve[round(0.45 * RATE)] < 0.01
    assert abs(curve[round(0.75 * RATE)] - 0.1 * np.sin(np.pi / 4)) < 0.01
    assert abs(curve[round(2 * RATE)] - 0.1) < 0.005
    assert abs(curve[round(3 * RATE)] - 0.1 * np.sin(np.pi / 4)) < 0.01
    assert float(np.abs(whole[:, -20:]).max()) < 0.001
    own_end = mix_of(film(3, bed(0, fade_out=RATE // 2)), {"t": path})
    assert abs(level(own_end, 300, 0.05)[round(0.75 * RATE)] - 0.1 * np.sin(np.pi / 4)) < 0.01
    assert not own_end[:, RATE:].any()


def test_a_track_gives_way_while_a_take_is_heard(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", tone(1, 2000, 0.2), 24, codec="flac")
    music = write_wav(tmp_path / "t.wav", tone(6, 300, 0.1))
    files = {"a": clip, "t": music}
    whole = mix_of(film(6, voice(2.5, 1), bed(duck=Fraction(9))), files)
    curve = level(whole, 300, 0.04)
    found = {at: round(decibels(curve[round(at * RATE)] / 0.1), 1) for at in (1.0, 2.1, 2.52, 3, 3.48, 4, 5)}
    assert abs(found[1.0]) < 0.1
    assert abs(found[2.1]) < 0.1
    assert all(abs(found[at] + 9) < 0.3 for at in (2.52, 3, 3.48, 4)), found
    assert abs(found[5]) < 0.1
    steady = level(mix_of(film(6, voice(2.5, 1), bed()), files), 300, 0.04)
    assert abs(decibels(steady[3 * RATE] / 0.1)) < 0.1


def written(tmp_path: Path, sound, files, name: str = "sound.m4a"):
    return write_sound(sound, files, tmp_path / name, lambda done, total: None)


@pytest.mark.sweep
@pytest.mark.parametrize("wanted", [-14, -23])
@pytest.mark.parametrize("kind", ["soft", "peaky"])
def test_loudness_comes_out_of_the_decoder_as_asked(tmp_path: Path, wanted: int, kind: str) -> None:
    noise = np.random.default_rng(2)
    sound = tone(3, 220, 0.02) + tone(3, 660, 0.01)
    if kind == "peaky":
        for at in range(0, 3 * RATE, RATE // 3):
            decay = np.exp(-np.arange(3000) / 500)
            sound[:, at : at + 3000] += (noise.standard_normal((2, 3000)) * 0.3 * decay).astype(np.float32)[
                :, : sound.shape[1] - at
            ]
    path = write_wav(tmp_path / "t.wav", sound)
    facts = written(tmp_path, film(3, bed(), loudness=wanted), {"t": path})
    integrated, peak = loud(tmp_path / "sound.m4a")
    assert abs(integrated - wanted) <= 0.5
    assert peak <= -1.0
    assert facts.loudness is not None
    assert abs(facts.loudness - integrated) <= 0.1
    assert facts.peak is not None
    assert abs(facts.peak - peak) <= 0.2


def test_what_is_too_loud_is_held_down_and_what_is_not_stays(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "t.wav", tone(2, 300, 0.9))
    written(tmp_path, film(2, bed(gain=Fraction(12))), {"t": path})
    assert loud(tmp_path / "sound.m4a")[1] <= -1.0
    soft = write_wav(tmp_path / "t.wav", tone(2, 300, 0.3))
    written(tmp_path, film(2, bed()), {"t": soft})
    assert abs(level(heard(tmp_path / "sound.m4a"), 300)[RATE] - 0.3) < 0.005


def test_silence_cannot_be_made_louder(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "t.wav", tone(2, 300, 0))
    facts = written(tmp_path, film(2, bed(), loudness=-14), {"t": path})
    assert facts.loudness is None
    assert rms(heard(tmp_path / "sound.m4a")) < 1e-4


def test_the_same_sound_gives_the_same_bytes_of_exactly_that_length(tmp_path: Path) -> None:
    import av

    clip = write_clip(tmp_path / "a.mp4", beeps(2, [0.5]), 48)
    path = write_wav(tmp_path / "t.wav", tone(1, 300))
    sound = film(2.3456, voice(0.1, 1.5, speed=Fraction(3, 2)), bed(loop=True, duck=Fraction(6)), loudness=-16)
    for name in ("one.m4a", "two.m4a"):
        written(tmp_path, sound, {"a": clip, "t": path}, name)
    assert (tmp_path / "one.m4a").read_bytes() == (tmp_path / "two.m4a").read_bytes()
    with av.open(str(tmp_path / "one.m4a")) as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.layout.name, stream.codec_context.name) == (48000, "stereo", "aac")
        assert stream.duration == sound.samples


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("part", "said"),
    [
        (bed(fade_in=RATE, fade_out=RATE), r"t\.wav is heard for 1\.000 s, but its fades take 2 s"),
        (bed(digest="v", loop=True), r"v\.wav has no sound that can be decoded"),
        (bed(digest="x"), r"x\.wav is not a sound file of a known format"),
        (bed(digest="e", loop=True), r"e\.wav has no sound"),
        (bed(digest="d"), r"d\.wav cannot be read"),
    ],
    ids=["fades", "no stream", "text", "empty", "damaged"],
)
def test_a_track_that_cannot_be_heard_is_named(tmp_path: Path, part, said: str) -> None:
    files = {
        "t": write_wav(tmp_path / "t.wav", tone(1)),
        "v": write_clip(tmp_path / "v.mp4", None),
        "e": write_wav(tmp_path / "e.wav", tone(0)),
        "x": tmp_path / "x.wav",
        "d": tmp_path / "d.flac",
    }
    files["x"].write_text("a song")
    files["d"].write_bytes(b"fLaC" + b"\0" * 100)
    with pytest.raises(MixFailed, match=said):
        written(tmp_path, film(3, part), files)
    assert not (tmp_path / "sound.m4a").exists()
