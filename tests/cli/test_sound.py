"""The sound of whole films: in step with the picture, made again only when it is another, none where there is none."""

import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from storyboard.core.audio import MIXER_VERSION, RATE
from tests.inside import at_work
from tests.media.sounds import (
    beeps,
    decibels,
    dips,
    heard,
    jitter,
    lag,
    level,
    loud,
    onsets,
    tone,
    write_clip,
    write_vorbis,
    write_wav,
)
from tests.project import Project

HEADER = "version: 1\nmodel: tiny:1\nprovider: local\noutput: {file: out/film.mp4, size: 64x36, fps: 24}\n"
TRACKS = "audio:\n  - {file: high.wav, start: {shot: c, offset: 0.5}, gain: -6}\n"
SHOTS = """\
scenes:
  - id: one
    shots:
      - {id: a, clip: beeps.mp4}
      - {id: b, clip: beeps.mp4, trim: {start: 0.52}, transition: {type: dissolve, duration: 0.5}}
      - {id: title, card: {text: "Hm", duration: 1}}
      - {id: c, clip: beeps.mp4, speed: 2}
      - {id: d, clip: beeps.mkv, transition: {type: fade, duration: 0.25}}
      - {id: e, clip: beeps.mp4, audio: mute, transition: {type: wipe, duration: 0.25}}
      - {id: f, clip: beeps.mp4, audio: {gain: -12}}
"""
AT = [0.25, 1.25, 1.75]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("material")
    write_clip(folder / "beeps.mp4", beeps(2, AT), 48)
    write_clip(folder / "beeps.mkv", beeps(2, AT, rate=44100), 60, rate=44100, codec="libmp3lame", fps=Fraction(30))
    write_wav(folder / "high.wav", tone(0.1, 3000, 0.2, 44100), 44100)
    write_wav(folder / "music.wav", tone(3, 300, 0.1))
    write_clip(folder / "silent.mp4", None, 24)
    return folder


@pytest.fixture
def desk(material: Path, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "film")
    for path in material.iterdir():
        (project.folder / path.name).hardlink_to(path)
    project.write(TRACKS + SHOTS, HEADER)
    with at_work():
        yield project.in_process()


def near(found: list[float], wanted: list[float], slack: float) -> bool:
    return len(found) == len(wanted) and all(abs(a - b) <= slack for a, b in zip(found, wanted, strict=True))


def made(desk: Project) -> list[str]:
    return sorted(desk.built())


def streams(path: Path) -> dict[str, Fraction]:
    """How long each stream of a film says it is."""
    with av.open(str(path)) as film:
        return {stream.type: Fraction(stream.duration) * stream.time_base for stream in film.streams}


def test_every_sound_is_where_its_picture_is(desk: Project) -> None:
    desk.built()
    film = heard(desk.film)
    # in frames: a 0-48, b 36-72 (from frame 12 of its take, which 0.52 s is in), title 72-96, c 96-120, d 114-162,
    # e 156-204, f 204-252
    # of c the third beep lies where the fade is dark
    b, c, d, f = 1, 4, 4.75, 8.5
    wanted = [*AT, b + 1.25, b + 1.75, c + 0.125, c + 0.625, *(d + at for at in AT), *(f + at for at in AT)]
    found = onsets(film)
    assert near(found, wanted, 0.005), " ".join(f"{a:.3f}" for a in found)
    high = c + 0.5
    assert near(onsets(film, 3000), [high], 0.003)
    sizes = streams(desk.film)
    assert sizes["audio"] == sizes["video"] == Fraction(252, 24)
    curve = level(film, 1000)
    assert abs(decibels(curve[round((f + 1.275) * RATE)] / 0.4) + 12) < 0.5
    assert float(curve[round(6.8 * RATE) : round(8.4 * RATE)].max()) < 0.002


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_sound_stands_between_the_pictures_and_begins_at_once(desk: Project, suffix: str) -> None:
    desk.edit("out/film.mp4", f"out/film.{suffix}")
    desk.built()
    film = desk.film.with_suffix(f".{suffix}")
    times: dict[str, list[Fraction]] = {"video": [], "audio": []}
    with av.open(str(film)) as container:
        sound = container.streams.audio[0]
        assert (sound.codec_context.name, sound.rate, sound.layout.name) == ("aac", 48000, "stereo")
        lead = 0.0
        for packet in sorted((one for one in container.demux() if one.size), key=lambda one: one.pos):
            times[packet.stream.type].append(packet.pts * packet.time_base)
            if all(times.values()):
                lead = max(lead, abs(float(times["video"][-1] - times["audio"][-1])))
    assert times["audio"][0] == Fraction(-1024, 48000)
    assert times["video"][0] == 0
    assert lead < 1.1
    frame = next(av.open(str(film)).decode(audio=0))
    assert frame.pts == 0


FEW = """\
audio:
  - {file: music.wav, gain: -6}
scenes:
  - id: one
    shots:
      - {id: title, card: {text: "Hm", duration: 0.5}}
      - {id: b, clip: beeps.mp4, transition: {type: wipe, duration: 0.25}}
"""


def test_only_what_is_another_sound_is_mixed_again(desk: Project) -> None:
    edit, folder = desk.edit, desk.folder
    desk.write(FEW, HEADER)
    assert "sound" in made(desk)
    assert made(desk) == []
    edit('text: "Hm"', 'text: "Ho", color: "#00ff00"')
    edit("{type: wipe", "{type: slide")
    edit("{id: b,", "{id: b, caption: Nothing,")
    assert made(desk) == ["cut", "segment:title", "transition:b"]
    edit("gain: -6}", "gain: -6, fade_in: 0.05}")
    assert made(desk) == ["cut", "sound"]
    edit("{id: b,", "{id: b, audio: {gain: -3},")
    assert made(desk) == ["cut", "sound"]
    edit(" audio: {gain: -3},", "")
    assert made(desk) == ["cut"]
    (folder / "moved").mkdir()
    (folder / "music.wav").rename(folder / "moved/music.wav")
    edit("file: music.wav", "file: moved/music.wav")
    film = desk.film.read_bytes()
    desk.film.unlink()
    assert made(desk) == ["cut"]
    assert desk.film.read_bytes() == film


def test_a_film_without_sound_has_no_sound_stream(desk: Project) -> None:
    desk.write("scenes: [{id: one, shots: [{id: a, clip: silent.mp4}]}]\n", HEADER)
    assert made(desk) == ["cut", "take:a"]
    assert list(streams(desk.film)) == ["video"]
    desk.write("scenes: [{id: one, shots: [{id: a, clip: beeps.mp4, audio: mute}]}]\n", HEADER)
    desk.built()
    assert list(streams(desk.film)) == ["video"]
    desk.edit("audio: mute", "audio: keep")
    assert made(desk) == ["cut", "sound"]
    assert list(streams(desk.film)) == ["video", "audio"]


def test_two_halves_of_a_take_go_on_without_a_seam(desk: Project) -> None:
    sound = np.tile(tone(2, 300, 0.3), (1, 1))
    write_clip(desk.folder / "hum.mkv", sound, 48, codec="flac")
    halves = "{id: a, clip: hum.mkv, trim: {end: 1}}, {id: b, clip: hum.mkv, trim: {start: 1}}"
    desk.write(f"scenes: [{{id: one, shots: [{halves}]}}]\n", HEADER)
    desk.built()
    film = heard(desk.film)
    assert float(level(film, 300, 0.02)[round(0.9 * RATE) : round(1.1 * RATE)].min()) > 0.29


@pytest.mark.parametrize("rate", [22050, 32000, 44100, 48000])
@pytest.mark.parametrize("suffix", ["webm", "mkv"])
def test_vorbis_comes_into_the_film_without_holes(desk: Project, rate: int, suffix: str) -> None:
    """As the sound of a clip, then as a track: the film has no dip that the source lacks."""
    folder = desk.folder
    clip = write_vorbis(folder / f"clip.{suffix}", 4, rate, pictures=True)
    track = write_vorbis(folder / ("track.ogg" if suffix == "webm" else "track.mka"), 4, rate)
    for source in (clip, track):
        assert jitter(source) > 0.0055
        assert dips(heard(source)) == []
    shots = f"{{id: a, clip: {clip.name}}}, {{id: b, card: {{text: Hm, duration: 4}}}}"
    tracks = f"audio: [{{file: {track.name}, start: {{shot: b}}}}]\n"
    desk.write(f"{tracks}scenes: [{{id: one, shots: [{shots}]}}]\n", HEADER)
    desk.built()
    film = heard(desk.film)
    for second, source in ((0, clip), (4, track)):
        found = film[:, second * RATE : (second + 4) * RATE]
        assert dips(found[:, RATE // 20 : -RATE // 20]) == []
        assert abs(lag(found, heard(source))) < 0.005 * RATE


def test_a_film_of_an_older_mixer_is_mixed_again_once(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(FEW, HEADER)
    with monkeypatch.context() as before:
        before.setattr("storyboard.core.audio.MIXER_VERSION", MIXER_VERSION - 1)
        desk.built()
    for notes in ("standing", "memory"):  # what a change of the program does
        shutil.rmtree(desk.folder / ".storyboard" / notes)
    assert f"mixer: {MIXER_VERSION - 1} -> {MIXER_VERSION}" in desk.said("why", "sound")
    assert made(desk) == ["sound"]
    assert made(desk) == []


def test_a_film_is_as_loud_as_asked_and_says_so(desk: Project) -> None:
    desk.write(TRACKS.replace("high.wav", "music.wav") + SHOTS, HEADER.replace("24}", "24, loudness: -14}"))
    ran = desk.run("build")
    assert ran.code == 0, ran
    integrated, peak = loud(desk.film)
    assert abs(integrated + 14) <= 0.5
    assert peak <= -1.0
    assert f"sound: {integrated:.1f} LUFS" in ran.out
    assert "sound: -14" in desk.run("build").out


def test_the_plan_and_the_status_tell_of_the_sound(desk: Project) -> None:
    before = desk.run("plan")
    assert "sound: to mix after the takes are made" in before.out
    desk.built()
    assert "sound: 5 shots and 1 track, up to date" in desk.run("plan").out
    desk.edit("gain: -12", "gain: -11")
    plan = desk.run("plan")
    assert "sound: 5 shots and 1 track to mix" in plan.out
    assert "sound: 5 shots and 1 track to mix" in desk.run("status").out
    why = desk.said("why", "sound")
    assert "sound: make: f changed: audio.gain" in why
    assert "f: audio.gain: -12 dB -> -11 dB" in why
    assert [change["new"] for change in desk.data("why", "sound")["changes"]] == [-11]
    [step] = [step for step in desk.data("plan")["steps"] if step["kind"] == "sound"]
    assert (step["do"], step["why"], step["action"]) == ("make", "request-changed", "sound")
    desk.built()
    heard = [line.strip() for line in desk.said("why", "sound").splitlines()]
    assert [line.split(".")[0] for line in heard if ".take: " in line] == ["a", "b", "c", "d", "f"]


def test_what_cannot_be_heard_is_told_and_the_film_stays(desk: Project) -> None:
    desk.built()
    film = desk.film.read_bytes()
    (desk.folder / "high.wav").unlink()
    (desk.folder / "high.wav").write_bytes(b"fLaC" + b"\0" * 64)
    ran = desk.run("build")
    assert ran.code == 1
    assert "failed   sound  high.wav cannot be read" in ran.err
    assert desk.film.read_bytes() == film
    desk.edit("offset: 0.5", "offset: 90")
    ran = desk.run("build")
    assert ran.code == 1
    assert "high.wav starts at 94 s, but the film ends at 10.5 s" in ran.out + ran.err


def test_a_partial_film_has_the_sound_of_what_is_there(desk: Project) -> None:
    (desk.folder / "broken.mp4").write_bytes((desk.folder / "beeps.mp4").read_bytes()[:3000])
    shots = "{id: a, clip: beeps.mp4}, {id: b, clip: broken.mp4, trim: {end: 1}}, {id: c, clip: beeps.mp4}"
    tracks = "audio: [{file: music.wav, start: {shot: b}, gain: -6}]\n"
    desk.write(f"{tracks}scenes: [{{id: one, shots: [{shots}]}}]\n", HEADER)
    assert desk.run("build", "--partial").code == 1
    film = desk.film.with_name("film.draft.mp4")
    sizes = streams(film)
    assert sizes["audio"] == sizes["video"] == 5
    assert near(onsets(heard(film)), [*AT, *(3 + at for at in AT)], 0.003)
    assert level(heard(film), 300)[round(2.5 * RATE)] > 0.04


def test_an_hour_does_not_drift(tmp_path: Path) -> None:
    """Computed, not made: at rates that do not divide the samples, and with thousands of cuts."""
    from storyboard.core.audio import film_sound
    from storyboard.core.clip import ClipInfo
    from storyboard.core.plan import TakeResult
    from storyboard.core.timeline import timeline
    from tests.unit.films import film, shot

    for rate in (Fraction(24000, 1001), Fraction(30000, 1001)):
        frames = 97
        info = ClipInfo(frames, f"{rate}", 64, 36, "h264", "yuv420p", has_audio=True)
        count = int(3600 * rate / frames)
        board = film(*(shot(f"s{number}") for number in range(count)))
        board = type(board)(board.file, type(board.output)("out/f.mp4", board.output.size, rate), board.scenes)
        pieces = timeline(board, {one.id: info for one in board.shots()})
        sound = film_sound(board, pieces, lambda name, info=info: TakeResult("d" * 64, info), {})
        worst = max(abs(voice.at - piece.at / rate * RATE) for voice, piece in zip(sound.voices, pieces, strict=True))
        assert worst <= Fraction(1, 2)
        ends = [voice.at + voice.samples for voice in sound.voices]
        assert ends[:-1] == [voice.at for voice in sound.voices[1:]]
        assert ends[-1] == sound.samples
        assert abs(sound.samples - count * frames / rate * RATE) <= Fraction(1, 2)
