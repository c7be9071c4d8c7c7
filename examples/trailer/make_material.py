"""Makes the own material of this storyboard: the chart, the clip with its bell, and the music under it all."""

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

from storyboard.core.model import Size
from storyboard.media.render.encoder import ClipWriter

HERE = Path(__file__).parent / "material"
RATE = 48_000
EXACT = {"fflags": "+bitexact"}


def chart(width: int = 1600, height: int = 1200) -> Image.Image:
    """A sea chart: depth lines around an island, a grid, a course."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    depth = np.hypot(x - width * 0.36, (y - height * 0.56) * 1.3) / width
    depth += 0.03 * np.sin(x / 90) + 0.03 * np.cos(y / 70)
    land, line = depth < 0.13, np.abs(depth * 14 % 1 - 0.5) > 0.46
    picture = np.full((height, width, 3), (206, 224, 226), np.uint8)
    picture[depth < 0.26] = (184, 211, 216)
    picture[line] = (120, 158, 170)
    picture[land] = (226, 206, 158)
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for step in range(0, width, 200):
        draw.line([(step, 0), (step, height)], fill=(150, 170, 176), width=2)
        draw.line([(0, step), (width, step)], fill=(150, 170, 176), width=2)
    course = [(width * 0.5, height * 0.62), (width * 0.68, height * 0.5), (width * 0.9, height * 0.2)]
    draw.line(course, fill=(176, 48, 42), width=6)
    return image


def frame(number: int, size: Size) -> np.ndarray:
    """A buoy that sways on the water."""
    image = Image.new("RGB", (size.width, size.height), (226, 158, 104))
    draw = ImageDraw.Draw(image)
    horizon = size.height // 2
    draw.rectangle([0, horizon, size.width, size.height], fill=(30, 62, 84))
    for row in range(12):
        y = horizon + 6 + row * (row + 4)
        shift = 14 * np.sin(number / 9 + row)
        draw.line([(size.width * 0.1 + shift, y), (size.width * 0.9 + shift, y)], fill=(66, 104, 122), width=2)
    x = size.width / 2 + 16 * np.sin(number / 13)
    draw.polygon([(x - 22, horizon + 60), (x + 22, horizon + 60), (x, horizon - 70)], fill=(188, 40, 36))
    return np.asarray(image)


def bell(seconds: float) -> np.ndarray:
    """A bell buoy: two strokes, each of five partials that die away."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    for stroke in (0.3, 1.6):
        since = np.clip(time - stroke, 0, None)
        for pitch, level in ((523, 0.5), (1046, 0.3), (1244, 0.25), (1568, 0.15), (2093, 0.1)):
            ringing = level * np.sin(2 * np.pi * pitch * since) * np.exp(-since * pitch / 350)
            sound += np.where(time >= stroke, ringing, 0)
    return (0.35 * sound).astype(np.float32)


def pad(seconds: float = 12.0) -> np.ndarray:
    """Two slow chords of detuned tones that swell and give way to each other, and end where they begin."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    for number, chord in enumerate(((110, 165, 220, 262), (98, 147, 196, 247))):
        swell = 0.5 - 0.5 * np.cos(2 * np.pi * (time / seconds + number / 2))
        for pitch in chord:
            # whole numbers of waves, so that the music can be played again and again
            for waves in (round(pitch * seconds) - 2, round(pitch * seconds) + 3):
                sound += swell * np.sin(2 * np.pi * waves * time / seconds) / len(chord) * 110 / pitch
    return (0.12 * sound).astype(np.float32)


def encode(container: av.container.OutputContainer, stream: av.AudioStream, sound: np.ndarray) -> None:
    """Write mono *sound* to *stream*."""
    resampler = av.AudioResampler(stream.codec_context.codec.audio_formats[0], "mono", RATE, 960)
    frame = av.AudioFrame.from_ndarray(sound[None, :], format="fltp", layout="mono")
    frame.sample_rate = RATE
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def with_sound(pictures: Path, sound: np.ndarray, out: Path) -> None:
    """The clip *pictures* with *sound*, its packets copied."""
    with av.open(str(pictures)) as source, av.open(str(out), "w", options=EXACT) as target:
        video = target.add_stream_from_template(source.streams.video[0])
        track = target.add_stream("aac", rate=RATE)
        track.layout, track.bit_rate = "mono", 64_000
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = video
                target.mux(packet)
        encode(target, track, sound)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    chart().save(HERE / "chart.png", optimize=True)
    size = Size(640, 480)
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "own.mp4"
        with ClipWriter(pictures, size, Fraction(30000, 1001)) as writer:
            for number in range(90):
                writer.write(frame(number, size))
        with_sound(pictures, bell(3), HERE / "own.mp4")
    with av.open(str(HERE / "pad.ogg"), "w", options=EXACT) as music:
        track = music.add_stream("libopus", rate=RATE)
        track.layout, track.bit_rate = "mono", 64_000
        encode(music, track, pad())
