"""Takes to measure with, films of them, and FFmpeg's own way to the same film.

The takes are distinct files of a few contents, so that no two have one key and the pictures are quickly made. FFmpeg is
the one on the path, or the one that comes with imageio-ffmpeg.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import command

HERE = Path(__file__).resolve().parent.parent
_COMPILED = Path(tempfile.gettempdir()) / f"storyboard-benchmarks-{os.getuid()}"
_CONTENTS = 3
_TAGS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
_BUILD = (
    "import resource, sys; from benchmarks.measure import peak_mb; from storyboard.cli.entry import run; "
    "code = run(['build', '-q']); workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024; "
    "print(max(peak_mb(), workers)); sys.exit(code)"
)
PRESET = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-an")


def ffmpeg() -> str:
    """The program that everything is held against."""
    found = shutil.which("ffmpeg")
    if found is None:
        import imageio_ffmpeg

        found = imageio_ffmpeg.get_ffmpeg_exe()
    return found


def run(*words: str | os.PathLike[str]) -> Callable[[], None]:
    """A task: FFmpeg with those words."""
    return command([ffmpeg(), "-v", "error", "-nostdin", "-y", *words])


@dataclass(frozen=True)
class Kind:
    """What takes are like. *keyframes* is how many seconds lie between two of them, 0 for a single one."""

    seconds: int = 8
    size: str = "1280x720"
    rate: int = 24
    keyframes: int = 0
    tagged: bool = True


def takes(folder: Path, name: str, count: int, kind: Kind) -> list[Path]:
    """*count* clips in *folder*, each a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = [
        _content(folder / f"{name}-content{number}.mp4", number, kind) for number in range(min(count, _CONTENTS))
    ]
    made = [folder / f"{name}{number:03}.mp4" for number in range(count)]
    for number, path in enumerate(made):
        source = contents[number % len(contents)]
        run("-i", source, "-c", "copy", "-metadata", f"comment={number}", "-movflags", "+faststart", path)()
    return made


def _content(path: Path, number: int, kind: Kind) -> Path:
    every = kind.keyframes * kind.rate
    params = f"keyint={every or 'infinite'}:min-keyint=1:scenecut=0:stitchable=1"
    look = f"hue=h={70 * number},noise=alls=2:allf=t:all_seed={number},scale=out_color_matrix=bt709:out_range=tv"
    picture = f"testsrc2=size={kind.size}:rate={kind.rate}:duration={kind.seconds}"
    tags = _TAGS if kind.tagged else ()
    run("-f", "lavfi", "-i", picture, "-vf", look, *PRESET, "-x264-params", params, *tags, path)()
    return path


def concat_copy(folder: Path, clips: Sequence[Path]) -> Callable[[], None]:
    """FFmpeg joins *clips* without coding."""
    listed = folder / "concat.txt"
    listed.write_text("".join(f"file '{clip}'\n" for clip in clips))
    return run("-f", "concat", "-safe", "0", "-i", listed, "-c", "copy", "-movflags", "+faststart", folder / "copy.mp4")


def concat_encode(folder: Path, clips: Sequence[Path], size: str, rate: int = 24) -> Callable[[], None]:
    """FFmpeg conforms *clips* and encodes them one after another in one go."""
    box = size.replace("x", ":")
    fitted = f"scale={box}:force_original_aspect_ratio=decrease,pad={box}:-1:-1,setsar=1,fps={rate},format=yuv420p"
    chains = "".join(f"[{number}:v]{fitted}[v{number}];" for number in range(len(clips)))
    inputs = "".join(f"[v{number}]" for number in range(len(clips)))
    return _encode(folder, clips, f"{chains}{inputs}concat=n={len(clips)}:v=1[out]")


def xfade(folder: Path, clips: Sequence[Path], seconds: int, overlap: float = 0.5) -> Callable[[], None]:
    """FFmpeg dissolves each of *clips*, *seconds* long, into the next."""
    chain, last = "", "[0:v]"
    for number in range(1, len(clips)):
        offset = number * (seconds - overlap)
        chain += f"{last}[{number}:v]xfade=transition=fade:duration={overlap}:offset={offset}[x{number}];"
        last = f"[x{number}]"
    return _encode(folder, clips, chain.rstrip(";"), last)


def _encode(folder: Path, clips: Sequence[Path], graph: str, last: str = "[out]") -> Callable[[], None]:
    inputs = [word for clip in clips for word in ("-i", str(clip))]
    return run(*inputs, "-filter_complex", graph, "-map", last, *PRESET, folder / "encoded.mp4")


class Film:
    """A project whose shots are clips, built by ``storyboard build`` in a process of its own."""

    def __init__(self, folder: Path, clips: Sequence[Path], size: str) -> None:
        self.folder = folder
        self.size = size
        self.names = [f"s{number:03}" for number in range(len(clips))]
        (folder / "footage").mkdir(parents=True, exist_ok=True)
        for name, clip in zip(self.names, clips, strict=True):
            self.replace(name, clip)

    def replace(self, name: str, clip: Path) -> None:
        """Another take for the shot *name*."""
        shutil.copyfile(clip, self.folder / "footage" / f"{name}.mp4")

    def write(self, fields: Callable[[int], str] = lambda _number: "") -> None:
        """The storyboard; *fields* are what a shot says besides, by its number."""
        shots = "".join(
            f"      - {{id: {name}, clip: footage/{name}.mp4{fields(number)}}}\n"
            for number, name in enumerate(self.names)
        )
        head = f"version: 1\noutput: {{file: out/film.mp4, size: {self.size}, fps: 24}}\n"
        text = f"{head}scenes:\n  - id: one\n    shots:\n{shots}"
        (self.folder / "storyboard.yaml").write_text(text, encoding="utf-8")

    def build(self) -> None:
        """Raises ``RuntimeError`` with what the build said if it fails."""
        words = [sys.executable, "-m", "storyboard", "build", "-q"]
        done = subprocess.run(words, cwd=self.folder, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def build_memory(self) -> float:
        """Build, and tell the largest resident size of any process of the build in MB. Raises ``RuntimeError``."""
        words = [sys.executable, "-c", _BUILD]
        done = subprocess.run(words, cwd=self.folder, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the build ended with {done.returncode}: {done.stderr}")
        return float(done.stdout.split()[-1])


def environment() -> Mapping[str, str]:
    """That of a program that is installed, so that it is not compiled at each start."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(HERE), "PYTHONPYCACHEPREFIX": str(_COMPILED)}


def child(work: str, *arguments: str | Path) -> dict[str, float]:
    """Run a work of ``benchmarks.child``; what it told."""
    words = [sys.executable, "-m", "benchmarks.child", work, *arguments]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told
