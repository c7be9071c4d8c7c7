"""One film with every source, rate and transition, and sound: judged frame by frame from the file that is delivered."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from storyboard.media.render.color import Rgb, frame_to_rgb
from tests.inside import at_work
from tests.media.clips import FILM, MIDDLE, NTSC, ffmpeg, make, number_of
from tests.media.sounds import beeps, heard, onsets, write_clip
from tests.project import Project

HEADER = """\
version: 1
model: tiny:1
provider: local
output:
  {file: out/film.mp4, size: 320x180, fps: 24, fit: stretch, copy: never, fade_in: 0.25, fade_out: 0.25, loudness: -16}
"""
RATES = {
    "ntsc": NTSC,
    "film": FILM,
    "pal": Fraction(25),
    "tv": Fraction(30000, 1001),
    "thirty": Fraction(30),
    "fifty": Fraction(50),
    "sixty": Fraction(60),
}
UNEVEN = [0, 7, 15, 16, 30, 38, 52, 60, 61, 79, 88, 96, 100, 115]  # hundredths of a second
RED, BLUE = (255, 0, 0), (0, 0, 255)
TRANSITIONS = [
    "dissolve",
    'fade, color: "#00ff00"',
    *(f"{kind}, direction: {direction}" for kind in ("wipe", "slide") for direction in ("left", "right", "up", "down")),
]
SECOND, BLEND = 24, 12  # frames
AT = 0.25  # of the beep in its clip


def storyboard() -> str:
    """Footage of every rate, a still, a take, a sound; then a card for each transition, red and blue by turns."""
    shots = [f"{{id: {name}, clip: {name}.mp4}}" for name in (*RATES, "uneven")]
    shots += ["{id: fast, clip: film.mp4, speed: 2}", "{id: trimmed, clip: film.mp4, trim: {start: 0.25, end: 0.75}}"]
    shots += ["{id: still, image: {file: still.png, duration: 1}}", "{id: take, prompt: a river at night, duration: 1}"]
    shots += ["{id: beep, clip: beep.mp4}", '{id: c0, card: {text: ".", background: "#ff0000", duration: 2}}']
    for number, kind in enumerate(TRANSITIONS, 1):
        color = "#0000ff" if number % 2 else "#ff0000"
        card = f'{{text: ".", background: "{color}", duration: 2}}'
        shots.append(f"{{id: c{number}, card: {card}, transition: {{type: {kind}, duration: 0.5}}}}")
    return "scenes:\n  - id: one\n    shots:\n" + "".join(f"      - {shot}\n" for shot in shots)


class Whole:
    """The film that was built: its pictures, and at which frame each shot begins."""

    def __init__(self, project: Project) -> None:
        with av.open(str(project.film)) as container:
            stream = container.streams.video[0]
            self.tick = stream.time_base * FILM
            frames = list(container.decode(stream))
        self.times = [frame.pts * self.tick for frame in frames]
        self.pictures: list[Rgb] = [frame_to_rgb(frame) for frame in frames]
        self.luma = [frame.to_ndarray()[:180].astype(int) for frame in frames]
        self.folder, self.path = project.folder, project.film
        lengths = dict.fromkeys(RATES, SECOND) | {
            "uneven": 30,
            "fast": 12,
            "trimmed": 12,
            "still": 24,
            "take": 24,
            "beep": 24,
        }
        self.start, at = {}, 0
        for name, length in lengths.items():
            self.start[name], at = at, at + length
        for number in range(len(TRANSITIONS) + 1):
            self.start[f"c{number}"], at = at, at + 2 * SECOND - BLEND
        self.end = at + BLEND


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    from PIL import Image

    project = Project(tmp_path_factory.mktemp("whole") / "film")
    for name, rate in RATES.items():
        make(project.folder / f"{name}.mp4", round(rate), rate=rate, size=MIDDLE, matrix=1)
    hundredths = Fraction(1, 100)
    make(project.folder / "uneven.mp4", len(UNEVEN), size=MIDDLE, matrix=1, times=UNEVEN, time_base=hundredths)
    write_clip(project.folder / "beep.mp4", beeps(1, [AT]), 24)
    Image.new("RGB", (640, 360), "#30a060").save(project.folder / "still.png")
    project.write(storyboard(), HEADER)
    with at_work():
        project.in_process().built()
    return Whole(project)


def shown(rate: Fraction, speed: int = 1, start: Fraction = Fraction(0)) -> list[int]:
    """The frame of a source that is on screen in the middle of each frame of the film, over a second of it."""
    return [int((start + (number + Fraction(1, 2)) / FILM * speed) * rate) for number in range(SECOND // speed)]


def numbers(film: Whole, shot: str, count: int) -> list[int]:
    first = film.start[shot]
    return [number_of(picture) for picture in film.pictures[first : first + count]]


def test_film_has_the_frames_of_its_timeline_at_a_constant_rate(film: Whole) -> None:
    assert len(film.pictures) == film.end
    assert film.times == list(range(film.end))


@pytest.mark.parametrize("name", [*list(RATES)[1:], "ntsc"])
def test_footage_of_any_rate_shows_the_picture_of_the_moment(film: Whole, name: str) -> None:
    lit = 6 if film.start[name] == 0 else 0  # the film fades in over its first frames
    found = numbers(film, name, SECOND)
    assert found[lit:] == shown(RATES[name])[lit:]
    assert found[-1] > round(RATES[name]) - 1 - RATES[name] / FILM  # the end is not lost


def test_footage_of_a_varying_rate_follows_its_times(film: Whole) -> None:
    moments = [(number + Fraction(1, 2)) / FILM * 100 for number in range(28)]
    wanted = [max(index for index, time in enumerate(UNEVEN) if time <= moment) for moment in moments]
    assert numbers(film, "uneven", 28) == wanted


def test_speed_and_trim_show_what_they_ask_for(film: Whole) -> None:
    assert numbers(film, "fast", 12) == shown(FILM, speed=2)
    assert numbers(film, "trimmed", 12) == list(range(6, 18))


def test_pictures_that_nothing_changes_are_close_to_their_source(film: Whole) -> None:
    with av.open(str(film.folder / "film.mp4")) as container:
        source = [frame.to_ndarray()[:180].astype(int) for frame in container.decode(video=0)]
    first = film.start["film"]
    errors = [float(np.square(a - b).mean()) for a, b in zip(source, film.luma[first : first + SECOND], strict=True)]
    assert 10 * np.log10(255**2 / np.mean(errors)) > 38


def test_a_still_keeps_its_colour_and_a_take_is_there(film: Whole) -> None:
    first = film.start["still"]
    assert np.abs(film.pictures[first + 12].astype(int) - (0x30, 0xA0, 0x60)).max() <= 4
    take = film.pictures[film.start["take"] : film.start["beep"]]
    assert all(float(a.std()) > 4 for a in take)
    assert any(not np.array_equal(a, b) for a, b in pairwise(take))


def edges(film: Whole, number: int) -> tuple[Rgb, Rgb, Rgb]:
    """The frame before a transition, the one in its middle, and the one after it."""
    first = film.start[f"c{number}"]
    return film.pictures[first - 1], film.pictures[first + BLEND // 2], film.pictures[first + BLEND]


def near(found: np.ndarray, wanted: Sequence[float], slack: float = 10) -> bool:
    return bool(np.abs(found.astype(float) - np.array(wanted)).max() <= slack)


@pytest.mark.parametrize(
    "number", range(1, len(TRANSITIONS) + 1), ids=lambda n: re.sub(r"\W+", "-", TRANSITIONS[n - 1])
)
def test_a_transition_goes_from_one_picture_to_the_other(film: Whole, number: int) -> None:
    old, new = (RED, BLUE) if number % 2 else (BLUE, RED)
    before, middle, after = edges(film, number)
    assert near(before[20, 20], old)
    assert near(after[20, 20], new)
    kind, _, rest = TRANSITIONS[number - 1].partition(", ")
    share = (BLEND // 2 + 0.5) / BLEND
    if kind == "dissolve":
        assert near(middle[20, 20], [a * (1 - share) + b * share for a, b in zip(old, new, strict=True)])
    elif kind == "fade":
        assert middle[20, 20].argmax() == 1
        assert middle[20, 20, 1] > 200
    else:
        new_side, old_side = {
            "direction: left": ((20, 315), (20, 5)),
            "direction: right": ((20, 5), (20, 315)),
            "direction: up": ((175, 20), (5, 20)),
            "direction: down": ((5, 20), (175, 20)),
        }[rest]
        assert near(middle[new_side], new)
        assert near(middle[old_side], old)


def test_film_comes_out_of_black_and_goes_into_it(film: Whole) -> None:
    assert film.pictures[0].mean() < film.pictures[5].mean() / 3
    assert film.pictures[-1].max() < film.pictures[-7].max() / 3


def test_sound_is_in_step_and_as_loud_as_asked(film: Whole) -> None:
    [found] = onsets(heard(film.path))
    assert abs(found - (film.start["beep"] / 24 + AT)) < 0.01
    told = ffmpeg(
        "-v", "info", "-i", str(film.path), "-map", "0:a", "-af", "ebur128=peak=true", "-f", "null", "-"
    ).stderr.decode()
    summary = told[told.rindex("Summary:") :]
    assert abs(float(re.search(r"I:\s+(\S+) LUFS", summary)[1]) + 16) < 0.5
    assert float(re.search(r"Peak:\s+(\S+) dBFS", summary)[1]) < -1


def test_another_decoder_has_nothing_to_complain(film: Whole) -> None:
    done = ffmpeg("-xerror", "-i", str(film.path), "-f", "null", "-")
    assert (done.returncode, done.stderr) == (0, b"")
