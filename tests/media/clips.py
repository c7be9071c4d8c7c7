"""Tiny test clips, in which every frame carries its number as sixteen bright or dark blocks."""

import hashlib
import subprocess
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation

from storyboard.core.model import Size
from storyboard.media.render.color import Rgb, frame_to_rgb

FILM = Fraction(24)
NTSC = Fraction(24000, 1001)
SMALL = Size(64, 36)
MIDDLE = Size(320, 180)
_COLUMNS, _ROWS = 8, 2


def numbered(number: int, size: Size = SMALL) -> Rgb:
    """Return a picture that encodes *number*, with some colour and movement around it."""
    bits = [(number >> bit) & 1 for bit in range(_COLUMNS * _ROWS)]
    blocks = np.array(bits, np.uint8).reshape(_ROWS, _COLUMNS) * 190 + 30
    rows = np.arange(size.height) * _ROWS // size.height
    columns = np.arange(size.width) * _COLUMNS // size.width
    picture = np.repeat(blocks[rows][:, columns, None], 3, axis=2)
    picture[:, :, 2] += np.uint8(number % 8)
    return np.ascontiguousarray(picture)


def number_of(picture: Rgb) -> int:
    """Return the number encoded in a picture, even after a lossy codec and a resize."""
    height, width = picture.shape[:2]
    number = 0
    for bit in range(_COLUMNS * _ROWS):
        row, column = divmod(bit, _COLUMNS)
        y, x = (2 * row + 1) * height // (2 * _ROWS), (2 * column + 1) * width // (2 * _COLUMNS)
        number |= int(picture[y, x].mean() > 125) << bit
    return number


def make(
    path: Path,
    pictures: int | Iterable[Rgb] = 24,
    *,
    rate: Fraction = FILM,
    size: Size = SMALL,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    gop: int = 12,
    b_frames: int = 0,
    sound: bool = False,
    matrix: int = 2,
    full_range: bool = False,
    rotation: int = 0,
    params: str = "",
    times: Sequence[int] | None = None,
    movflags: str = "+faststart",
    time_base: Fraction | None = None,
) -> Path:
    """Write a clip with PyAV, not with our own writer. A number of *pictures* means numbered ones."""
    if isinstance(pictures, int):
        pictures = (numbered(number, size) for number in range(pictures))
    container_options = {"movflags": movflags} if movflags and path.suffix == ".mp4" else {}
    options = {"preset": "superfast", "bf": str(b_frames), "g": str(gop)}
    if codec == "libx264":
        options["x264-params"] = f"scenecut=0:b-adapt=0{params}"
    with av.open(str(path), "w", container_options=container_options) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, pix_fmt
        context = stream.codec_context
        context.thread_count = 1
        context.time_base = time_base or 1 / rate
        context.colorspace = context.color_primaries = context.color_trc = matrix
        context.color_range = 2 if full_range else 1
        if rotation:
            stream.set_display_rotation(-rotation)
        track = container.add_stream("aac", rate=48000) if sound else None
        count = 0
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format=pix_fmt,
                dst_colorspace={1: 1, 2: 5, 5: 5, 6: 5}[matrix],
                src_color_range=2,
                dst_color_range=2 if full_range else 1,
                interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP,
            )
            frame.colorspace, frame.color_range = matrix, 2 if full_range else 1
            frame.pts, frame.time_base = times[number] if times else number, context.time_base
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
        if track:
            _add_sound(container, track, count / rate)
    return path


def _add_sound(container, track, seconds: Fraction) -> None:
    wave = np.sin(np.arange(int(seconds * 48000)) / 20).astype(np.float32)
    for at in range(0, len(wave), 1024):
        piece = np.tile(wave[at : at + 1024], (2, 1))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, at
        container.mux(track.encode(frame))
    container.mux(track.encode(None))


def decoded(path: Path) -> list[av.VideoFrame]:
    """Return every frame that a plain reader displays."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def numbers(path: Path) -> list[int]:
    """Return the numbers that the frames of *path* encode."""
    return [number_of(frame_to_rgb(frame)) for frame in decoded(path)]


def planes(path: Path) -> list[str]:
    """Return a digest of every decoded frame."""
    return [hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest() for frame in decoded(path)]


def ffmpeg(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the FFmpeg that comes with moviepy's reader, another version than PyAV's."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *arguments]
    return subprocess.run(command, capture_output=True, timeout=600, check=False)
