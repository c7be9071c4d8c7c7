"""The cut against FFmpeg's own copy and encode of the same film: 720p at 24 frames a second, ``veryfast``, CRF 18.

*Build* is a whole ``storyboard build``, with the start of Python and of its workers; the takes are footage that is in
the store already, except for the one that is said to have changed. *Join* is what a build calls in the end.
A quick run has short takes of 640x360, in which the start of a build weighs more.
"""

import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

from benchmarks.footage import Film, Kind, concat_copy, concat_encode, takes, xfade
from benchmarks.measure import Row, both

_RATE = Fraction(24)


def rows(quick: bool) -> Iterator[Row]:
    size, seconds, many, pieces = ("640x360", 2, 12, 50) if quick else ("1280x720", 8, 60, 500)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        agreeing = takes(folder / "takes", "a", 12, Kind(seconds, size))
        foreign = takes(folder / "takes", "f", 12, Kind(seconds, "1920x1080", 30, keyframes=2, tagged=False))
        yield from _copied(folder, agreeing)
        yield from _pieces(folder, takes(folder / "pieces", "p", pieces, Kind(1, size, keyframes=1)))
        yield from _dissolves(folder, agreeing, Kind(seconds, size))
        yield from _foreign(folder, foreign, size)
        yield from _one_changed(folder, takes(folder / "takes", "m", many, Kind(seconds, size)), foreign[0], size)


def _copied(folder: Path, clips: list[Path]) -> Iterator[Row]:
    title = f"{len(clips)} takes that agree, hard cuts"
    yield from _compared(
        f"{title}: join", 3, _joined(folder, clips), "ffmpeg -f concat -c copy", concat_copy(folder, clips), 3.0
    )


def _dissolves(folder: Path, clips: list[Path], kind: Kind) -> Iterator[Row]:
    """The film is built with hard cuts first, so that the takes are in the store."""
    film = Film(folder / "film", clips, kind.size)
    film.write()
    film.build()
    encode = concat_encode(folder, clips, kind.size)
    film.write(lambda number: _dissolve(0.75) if number and number % 4 == 0 else "")
    yield from _compared(
        "a dissolve at every fourth join: build", 1, film.build, "one ffmpeg concat filter encode", encode, 0.3
    )
    film.write(lambda number: _dissolve(0.5) if number else "")
    fading = xfade(folder, clips, kind.seconds)
    yield from _compared("a dissolve at every join: build", 1, film.build, "ffmpeg xfade", fading, 1.1)


def _dissolve(seconds: float) -> str:
    return f", transition: {{type: dissolve, duration: {seconds}}}"


def _foreign(folder: Path, clips: list[Path], size: str) -> Iterator[Row]:
    film = Film(folder / "foreign", clips, size)
    film.write(lambda _number: ", trim: {start: 0, end: 0.1}")
    film.build()
    film.write()
    encode = concat_encode(folder, clips, size)
    title = f"{len(clips)} takes of 1920x1080 at 30, all encoded: build"
    yield from _compared(title, 1, film.build, "one ffmpeg concat filter encode", encode, 1.0)


def _one_changed(folder: Path, clips: list[Path], other: Path, size: str) -> Iterator[Row]:
    film = Film(folder / "long", clips[:-1], size)
    film.write()
    film.build()
    changed, copy = "s003", concat_copy(folder, clips[:-1])
    encode = concat_encode(folder, [other], size)
    title = f"one shot of {len(film.names)} changed"

    def theirs() -> None:
        encode()
        copy()

    film.replace(changed, other)
    yield from _compared(
        f"{title}, encoded: build", 1, film.build, "ffmpeg encodes it and copies the rest", theirs, 1.5
    )
    film.replace(changed, clips[-1])
    yield from _compared(f"{title}, copied: build", 1, film.build, "ffmpeg -f concat -c copy", copy, 3.0)
    join = _joined(folder, clips[:-1])
    yield from _compared(f"{title}, copied: join", 3, join, "ffmpeg -f concat -c copy", copy, 3.0)


def _pieces(folder: Path, pieces: list[Path]) -> Iterator[Row]:
    copy = concat_copy(folder, pieces)
    title = f"{len(pieces)} pieces of 1 s: join"
    yield from _compared(title, 3, _joined(folder, pieces), "ffmpeg -f concat -c copy", copy, 2.0)


def _joined(folder: Path, clips: list[Path]) -> Callable[[], object]:
    """The join, in this process."""
    from storyboard.core.model import Size
    from storyboard.media.join.join import JoinPiece, join
    from storyboard.media.probe import probe

    facts = [probe(clip) for clip in clips]
    pieces = [JoinPiece(clip, info.frames) for clip, info in zip(clips, facts, strict=True)]
    size = Size(facts[0].width, facts[0].height)
    return lambda: join(pieces, folder / "joined.mp4", size, _RATE, {})


def _compared(
    name: str, runs: int, ours: Callable[[], object], reference: str, theirs: Callable[[], None], target: float | None
) -> Iterator[Row]:
    (wall, their_wall), (cpu, their_cpu) = both(runs, ours, theirs)
    yield Row("cut", name, wall, reference, their_wall, target)
    yield Row("cut", f"{name}, CPU", cpu, reference, their_cpu)
