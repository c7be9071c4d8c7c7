"""Sounds for the tests, and measurements of a film's sound: onsets of beeps, levels of tones."""

import wave
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from storyboard.core.audio import EDGE, RATE, Ramp, ShotAudio, SoundMix, TrackAudio
from storyboard.media.audio.source import Block
from tests.media.clips import FILM, SMALL, ffmpeg, numbered

BEEP = 1000


def tone(seconds: float, pitch: float = 440, level: float = 0.25, rate: int = RATE) -> Block:
    wave_ = level * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)
    return np.tile(wave_.astype(np.float32), (2, 1))


def beeps(seconds: float, at: Iterable[float], level: float = 0.4, rate: int = RATE) -> Block:
    """Return silence with a beep of 50 ms at each of those seconds."""
    whole = np.zeros((2, round(seconds * rate)), np.float32)
    beep = tone(0.05, BEEP, level, rate)
    for second in at:
        first = round(second * rate)
        whole[:, first : first + beep.shape[1]] += beep[:, : whole.shape[1] - first]
    return whole


def sharp(seconds: float, rate: int = RATE) -> Block:
    """Return two tones and a little noise with a click every 171 ms, which makes Vorbis change its block size often."""
    noise = np.random.default_rng(rate)
    places = np.arange(round(seconds * rate)) / rate
    whole = 0.15 * np.sin(2 * np.pi * 330 * places) + 0.1 * np.sin(2 * np.pi * 554 * places)
    whole += 0.02 * noise.standard_normal(len(whole))
    click = round(0.03 * rate)
    for second in np.arange(0.13, seconds - 0.1, 0.171):
        first = round(second * rate)
        whole[first : first + click] += 0.7 * noise.standard_normal(click) * np.exp(-np.arange(click) / (0.004 * rate))
    return np.clip(np.stack([whole, whole * 0.9]), -1, 1).astype(np.float32)


def write_vorbis(path: Path, seconds: float, rate: int, *, pictures: bool = False) -> Path:
    """Write a sharp sound as libvorbis encodes it, in any container; FFmpeg copies the times from Ogg."""
    source = write_wav(path.with_name(f"{path.stem}-{rate}.wav"), sharp(seconds, rate), rate)
    ogg = source.with_suffix(".ogg")
    encoder = "libvpx" if path.suffix == ".webm" else "libx264"
    shown = ["-f", "lavfi", "-i", f"color=blue:s=64x36:r=24:d={seconds}", "-c:v", encoder] if pictures else []
    for arguments in (
        ["-i", str(source), "-c:a", "libvorbis", "-q:a", "5", str(ogg)],
        ["-i", str(ogg), *shown, "-c:a", "copy", str(path)],
    ):
        done = ffmpeg("-y", *arguments)
        assert done.returncode == 0, done.stderr
    return path


def retimed(path: Path, times: Callable[[list[Any]], list[int | None]], out: Path) -> Path:
    """Write *path* with other times for its packets of sound, in ticks, without those that get ``None``."""
    with av.open(str(path)) as source:
        sound = [packet for packet in source.demux(audio=0) if packet.size]
    given = iter(times(sound))
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if not packet.size:
                continue
            if packet.stream.type == "audio":
                time = next(given)
                if time is None:
                    continue
                packet.pts = packet.dts = time
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
    return out


def jitter(path: Path) -> float:
    """Return the largest difference in seconds between the time of a frame of sound and its sample count."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        off, count = [], 0
        for frame in container.decode(stream):
            off.append(float(frame.pts * stream.time_base) - count / frame.sample_rate)
            count += frame.samples
    return max(abs(one - off[0]) for one in off)


def dips(sound: Block) -> list[float]:
    """Return the seconds at which 4 ms are 25 dB quieter than the tenth of a second around them."""
    size, reach = RATE * 4 // 1000, 12
    count = sound.shape[1] // size
    power = np.sqrt(np.mean(sound[:, : count * size].mean(axis=0).reshape(count, size) ** 2, axis=1)) + 1e-9
    around = np.lib.stride_tricks.sliding_window_view(np.pad(power, reach, mode="edge"), 2 * reach + 1)
    usual = np.median(around, axis=1)
    low = (20 * np.log10(power / usual) < -25) & (usual > 10 ** (-50 / 20))
    return [float(number * size / RATE) for number in np.flatnonzero(low)]


def lag(sound: Block, other: Block) -> int:
    """Return the delay of *sound* against *other* in samples, by correlation."""
    count = min(sound.shape[1], other.shape[1])
    spectra = [np.fft.rfft(one.mean(axis=0)[:count], 2 * count) for one in (sound, other)]
    likeness = np.fft.irfft(spectra[0] * np.conj(spectra[1]))
    best = int(np.argmax(likeness))
    return best if best < count else best - 2 * count


def write_wav(path: Path, sound: Block, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(sound))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1).T * 32767).round().astype("<i2").tobytes())
    return path


def write_clip(
    path: Path,
    sound: Block | None,
    frames: int = 24,
    *,
    rate: int = RATE,
    codec: str = "aac",
    layout: str = "stereo",
    fps: Fraction = FILM,
    late: Fraction = Fraction(0),
) -> Path:
    """Write a clip with that sound, which begins *late* seconds after the pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "g": "12"})
        stream.width, stream.height, stream.pix_fmt = SMALL.width, SMALL.height, "yuv420p"
        context = stream.codec_context
        context.thread_count, context.time_base = 1, 1 / fps
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1
        track = None
        if sound is not None:
            track = container.add_stream(codec, rate=rate)
            track.layout = layout
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24").reformat(format="yuv420p")
            frame.colorspace = frame.color_range = 1
            frame.pts, frame.time_base = number, 1 / fps
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track is not None and sound is not None:
            _add(container, track, sound, rate, layout, round(late * rate))
    return path


def _add(container: Any, track: Any, sound: Block, rate: int, layout: str, late: int) -> None:
    # the encoder takes its own format; what FFmpeg converts here is not what is tested
    wanted = track.codec_context.codec.audio_formats[0].name
    resampler = av.AudioResampler(format=wanted, layout=layout, rate=rate)
    for at in range(0, sound.shape[1], 960):
        piece = np.ascontiguousarray(sound[:, at : at + 960])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), at + late
        for made in resampler.resample(frame):
            container.mux(track.encode(made))
    container.mux(track.encode(None))


def heard(path: Path, first: int = 0) -> Block:
    """Return the sound of a film as decoded by another FFmpeg than PyAV's, 48 kHz stereo, from sample *first* on."""
    wanted = ["-map", "0:a:0", *(["-af", f"atrim=start_sample={first}"] if first else [])]
    done = ffmpeg("-i", str(path), *wanted, "-f", "f32le", "-ac", "2", "-ar", str(RATE), "-")
    assert done.returncode == 0, done.stderr
    return np.frombuffer(done.stdout, np.float32).reshape(-1, 2).T


def level(sound: Block, pitch: float, width: float = 0.01) -> np.ndarray:
    """Return the amplitude of a tone at each sample, over windows of that many seconds."""
    places = np.arange(sound.shape[1])
    turned = sound.mean(axis=0) * np.exp(-2j * np.pi * pitch * places / RATE)
    window = np.hanning(round(width * RATE))
    size = sound.shape[1] + len(window) - 1
    spectrum = np.fft.fft(turned, size) * np.fft.fft(window / window.sum(), size)
    middle = len(window) // 2
    return 2 * np.abs(np.fft.ifft(spectrum)[middle : middle + sound.shape[1]])


def onsets(sound: Block, pitch: float = BEEP, least: float = 0.02) -> list[float]:
    """Return the seconds at which beeps begin: where they reach half of their level."""
    curve = level(sound, pitch)
    found = []
    on = np.flatnonzero(curve > least)
    starts = on[np.concatenate(([True], np.diff(on) > RATE // 50))] if len(on) else []
    for start in starts:
        top = curve[start : start + RATE // 20].max()
        found.append(float((start + np.argmax(curve[start : start + RATE // 20] > top / 2)) / RATE))
    return found


def decibels(value: float) -> float:
    return float(20 * np.log10(max(value, 1e-9)))


def rms(sound: Block) -> float:
    return float(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))


def loud(path: Path) -> tuple[float, float]:
    """Return integrated loudness in LUFS and true peak in dBTP, as measured by FFmpeg."""
    import re
    import subprocess

    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", str(path)]
    command += ["-map", "0:a:0", "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
    summary = said[said.rindex("Summary:") :]
    integrated = re.search(r"I:\s+(-?[\d.]+|-inf) LUFS", summary)
    peak = re.search(r"Peak:\s+(-?[\d.]+|-inf) dBFS", summary)
    assert integrated
    assert peak
    return float(integrated[1]), float(peak[1])


def voice(at: float = 0, seconds: float = 1, take: str = "a", **more: Any) -> ShotAudio:
    """Return a take that is audible from one second of the film on."""
    usual: dict[str, Any] = {
        "start": Fraction(0),
        "speed": Fraction(1),
        "gain": Fraction(0),
        "rise": Ramp(EDGE),
        "fall": Ramp(EDGE),
    }
    return ShotAudio(take, round(at * RATE), round(seconds * RATE), **(usual | more))


def bed(at: float = 0, digest: str = "t", **more: Any) -> TrackAudio:
    """Return a track that is audible from one second of the film on."""
    usual: dict[str, Any] = {
        "gain": Fraction(0),
        "fade_in": 0,
        "fade_out": 0,
        "loop": False,
        "duck": Fraction(0),
        "file": f"{digest}.wav",
    }
    return TrackAudio(digest, round(at * RATE), **(usual | more))


def film(seconds: float, *parts: ShotAudio | TrackAudio, loudness: float | None = None) -> SoundMix:
    voices = tuple(part for part in parts if isinstance(part, ShotAudio))
    beds = tuple(part for part in parts if isinstance(part, TrackAudio))
    wanted = None if loudness is None else Fraction(loudness)
    return SoundMix(round(seconds * RATE), voices, beds, wanted)


def mix_of(sound: SoundMix, files: Mapping[str, Path]) -> Block:
    """Return the whole mix of a short film."""
    from storyboard.media.audio.mix import mix

    return np.concatenate(list(mix(sound, files)), axis=1)
