"""The cut of a whole film: speed, material of every kind, transitions; judged by its decoded pictures."""

import shutil
from pathlib import Path

import pytest

from tests.media.clips import ffmpeg
from tests.project import Project, copied, decoded, write_broken_clip

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built project; tests work on copies of it."""
    project = Project(tmp_path_factory.mktemp("template") / "film", inside=True)
    project.build()
    return project.folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return copied(template, tmp_path / "film")


def test_twice_the_speed_is_half_the_frames_and_renders_one_segment(project: Project) -> None:
    before = decoded(project.film)
    project.edit("seed: 5}", "seed: 5, speed: 2}")
    assert sorted(project.build()["made"]) == ["cut", "segment:c"]
    film = decoded(project.film)
    assert len(film) == 30
    assert film[:24] == before[:24]
    project.edit("speed: 2", "speed: 1")
    assert project.build()["made"] == ["cut"]
    assert decoded(project.film) == before


def test_a_change_of_speed_renders_another_segment(project: Project) -> None:
    project.edit("seed: 5}", "seed: 5, speed: 0.5}")
    assert sorted(project.build()["made"]) == ["cut", "segment:c"]
    assert len(decoded(project.film)) == 48
    project.edit("speed: 0.5", "speed: 0.4")
    assert sorted(project.build()["made"]) == ["cut", "segment:c"]
    assert len(decoded(project.film)) == 54


def picture(path: Path, size: tuple[int, int], color: tuple[int, int, int]) -> None:
    from PIL import Image

    Image.new("RGB", size, color).save(path)


def colors(path: Path) -> list[tuple[int, ...]]:
    """The mean colour of every frame, from its decoded picture."""
    import av
    import numpy as np

    from storyboard.media.render.color import frame_to_rgb

    with av.open(str(path)) as container:
        return [tuple(np.rint(frame_to_rgb(frame).mean((0, 1))).astype(int)) for frame in container.decode(video=0)]


MATERIAL = """\
scenes:
  - id: one
    shots:
      - {id: red, card: {text: ".", background: "#ff0000", duration: 1}}
      - id: blue
        card: {text: ".", background: "#0000ff", duration: 1}
        transition: {type: TYPE, duration: 0.5}
"""


def near(color: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return all(abs(int(a) - b) <= 8 for a, b in zip(color, wanted, strict=True))


@pytest.mark.parametrize(
    ("kind", "middle"),
    [
        ("dissolve", (106, 0, 149)),
        ('fade, color: "#00ff00"', (0, 212, 42)),
        ("wipe", (106, 0, 149)),
        ("slide, direction: up", (106, 0, 149)),
    ],
    ids=["dissolve", "fade", "wipe", "slide"],
)
def test_a_transition_has_both_pictures_and_takes_its_frames_of_both(
    tmp_path: Path, kind: str, middle: tuple[int, int, int]
) -> None:
    project = Project(tmp_path / "film", MATERIAL.replace("TYPE", kind), inside=True)
    made = project.build()["made"]
    assert sorted(made) == ["cut", "segment:blue", "segment:red", "transition:blue"]
    film = colors(project.film)
    assert len(film) == 18
    assert all(near(color, (255, 0, 0)) for color in film[:6])
    assert near(film[9], middle), film[9]
    assert all(near(color, (0, 0, 255)) for color in film[12:])


def test_another_transition_renders_that_transition_alone(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", MATERIAL.replace("TYPE", "wipe"), inside=True)
    project.build()
    project.edit("wipe", "slide")
    assert sorted(project.build()["made"]) == ["cut", "transition:blue"]
    project.edit("#0000ff", "#0000fe")
    assert sorted(project.build()["made"]) == ["cut", "segment:blue", "transition:blue"]


LONG = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river at night, seed: 3, duration: 3}
      - {id: b, prompt: a forest at dawn, seed: 4, duration: 3, transition: {type: dissolve, duration: 0.5}}
      - {id: c, prompt: a city in the rain, seed: 5, duration: 3, trim: {start: 0.5}}
"""


def test_what_lies_between_transitions_is_copied_bit_for_bit(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", LONG, inside=True)
    data = project.build()
    assert data["frames"] == 36 + 36 + 30 - 6
    film = decoded(project.film)
    assert len(film) == data["frames"]
    takes = {name: decoded(project.folder / f"out/film.draft/{name}.mp4") for name in "abc"}
    assert film[:30] == takes["a"][:30]
    # b goes on from its next keyframe, c after its trim
    assert film[36 + 6 : 66] == takes["b"][12:]
    assert film[66 + 6 :] == takes["c"][12:]
    assert data["copied"]["copied"] == 30 + 24 + 24
    assert data["copied"]["encoded"] == 6 + 6 + 6
    assert ffmpeg("-i", str(project.film), "-f", "null", "-").stderr == b""
    assert project.build()["made"] == []


def test_a_plan_says_how_much_is_copied_and_why_not_all(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", LONG, inside=True)
    project.build()
    told = "78 of 96 frames copied, 18 encoded: 12 (frames before the first keyframe), 6 (dissolve)"
    short = "78 of 96 frames copied, 18 encoded\n"
    for verb in ("plan", "status", "build"):
        assert told in project.run(verb, "-v").out
        assert short in project.run(verb).out


def test_copying_can_be_forbidden(project: Project) -> None:
    project.edit("scenes:", "x-nothing: here\nscenes:")
    project.edit("fps: 12}", "fps: 12, copy: never}")
    data = project.build()
    assert sorted(data["made"]) == ["cut", "segment:a", "segment:b", "segment:c"]
    assert data["copied"]["why"] == {"`output.copy` is `never`": 36}


def test_the_film_fades_out_of_black_and_into_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", MATERIAL.replace("TYPE", "cut"), inside=True)
    project.edit("fps: 12}", "fps: 12, fade_in: 0.5, fade_out: 0.25}")
    assert sorted(project.build()["made"]) == ["cut", "fade_in:red", "fade_out:blue", "segment:blue", "segment:red"]
    film = colors(project.film)
    assert len(film) == 24
    reds = [int(color[0]) for color in film[:7]]
    assert reds == sorted(reds)
    assert reds[0] < 40
    blues = [int(color[2]) for color in film[-4:]]
    assert blues == sorted(blues, reverse=True)
    assert blues[-1] < 70


def test_a_card_changes_with_its_words_and_nothing_else(tmp_path: Path) -> None:
    text = MATERIAL.replace('"."', "One", 1).replace("TYPE", "cut")
    project = Project(tmp_path / "film", text, inside=True)
    project.build()
    project.edit("One", "Two")
    assert sorted(project.build()["made"]) == ["cut", "segment:red"]
    project.edit("id: red", "id: title")
    assert project.build()["made"] == []


def test_a_still_moves_and_is_known_by_its_content(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    text = "scenes:\n  - id: one\n    shots:\n      - {id: map, image: {file: map.png, duration: 1, move: push}}\n"
    project = Project(tmp_path / "film", text, inside=True)
    ramp = np.linspace(0, 255, 300, dtype=np.uint8)[None, :, None].repeat(200, 0).repeat(3, 2)
    Image.fromarray(ramp).save(project.folder / "map.png")
    assert sorted(project.build()["made"]) == ["cut", "segment:map"]
    assert len(set(decoded(project.film))) > 6
    (project.folder / "map.png").rename(project.folder / "other.png")
    project.edit("map.png", "other.png")
    assert project.build()["made"] == []
    Image.fromarray(255 - ramp).save(project.folder / "other.png")
    assert sorted(project.build()["made"]) == ["cut", "segment:map"]
    assert project.run("plan", "--json").data["nothing_to_do"]


def clip(path: Path, frames: int, rate: str, **options: object) -> None:
    from fractions import Fraction

    from storyboard.core.model import Size
    from tests.media.clips import make, numbered

    size = options.pop("size", Size(128, 72))
    make(path, (numbered(number, size) for number in range(frames)), rate=Fraction(rate), size=size, **options)


@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30000/1001", "30", "50", "60"])
def test_footage_of_any_rate_has_the_exact_number_of_frames(tmp_path: Path, rate: str) -> None:
    from fractions import Fraction

    from tests.media.clips import numbers

    text = "scenes:\n  - id: one\n    shots:\n      - {id: own, clip: own.mp4}\n"
    project = Project(tmp_path / "film", text, inside=True)
    clip(project.folder / "own.mp4", 100, rate)
    data = project.build()
    assert sorted(data["made"]) == ["cut", "segment:own", "take:own"]
    shown = numbers(project.film)
    assert len(shown) == data["frames"] == round(100 / Fraction(rate) * 12)
    assert shown == sorted(set(shown))
    assert shown[-1] > 100 - float(Fraction(rate)) / 12 - 1
    assert project.build()["made"] == []


def test_footage_that_fits_is_copied_and_a_shot_can_start_from_its_frame(tmp_path: Path) -> None:
    text = (
        "scenes:\n  - id: one\n    shots:\n      - {id: own, clip: own.mp4}\n"
        "      - {id: next, prompt: a river, first_frame: {shot: own, at: last}}\n"
    )
    project = Project(tmp_path / "film", text, inside=True)
    clip(project.folder / "own.mp4", 12, "12", matrix=1, gop=12)
    data = project.build()
    assert sorted(data["made"])[:2] == ["cut", "frame:own@last"]
    assert len(decoded(project.film)) == 24
    again = project.folder / "again.mp4"
    (project.folder / "own.mp4").rename(again)
    project.edit("own.mp4", "again.mp4")
    assert project.build()["made"] == []


def test_a_film_of_cards_and_footage_needs_no_model(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", inside=True)
    project.write("scenes:\n  - id: one\n    shots:\n      - {id: t, card: The end}\n", header="version: 1\n")
    assert project.build()["frames"] == 96


def test_a_transition_that_real_footage_is_too_short_for_stops_the_build(tmp_path: Path) -> None:
    text = (
        "scenes:\n  - id: one\n    shots:\n      - {id: own, clip: own.mkv}\n"
        "      - {id: end, card: {text: x, duration: 3}, transition: {type: dissolve, duration: 2}}\n"
    )
    project = Project(tmp_path / "film", text, inside=True)
    clip(project.folder / "own.mkv", 12, "12")
    ran = project.run("build")
    assert ran.code == 1
    assert "the transitions of `own` take 2 s together, but the shot is 1 s long; shorten them" in ran.out


def test_settings_of_the_encoder_render_again_what_is_encoded(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", MATERIAL.replace("TYPE", "dissolve"), inside=True)
    project.build()
    project.edit("fps: 12}", "fps: 12, profile: draft}")
    assert sorted(project.build()["made"]) == ["cut", "segment:blue", "segment:red", "transition:blue"]
    assert len(colors(project.film)) == 18
    project.edit("profile: draft", "crf: 18, preset: veryfast")
    assert project.build()["made"] == ["cut"]


def test_coarse_and_fine_pieces_stand_beside_copied_takes(project: Project) -> None:
    before = decoded(project.film)
    project.edit("fps: 12}", "fps: 12, preset: ultrafast, crf: 30}")
    project.edit("seed: 5}", "seed: 5, speed: 2}")
    assert sorted(project.build()["made"]) == ["cut", "segment:c"]
    assert decoded(project.film)[:24] == before[:24]


def test_the_film_carries_chapters_and_a_comment(project: Project) -> None:
    import av

    project.edit("fps: 12}", "fps: 12, chapters: true, comment: For the festival}")
    project.edit("id: two\n", "id: two\n    title: Elsewhere\n")
    assert project.build()["made"] == ["cut"]
    with av.open(str(project.film)) as film:
        found = [
            (chapter["metadata"]["title"], round(chapter["start"] * chapter["time_base"] * 12))
            for chapter in film.chapters()
        ]
        assert found == [("one", 0), ("Elsewhere", 24)]
        assert film.metadata["comment"] == "For the festival"
    assert len(decoded(project.film)) == 36
    project.edit("title: Elsewhere", "title: Back home")
    assert project.build()["made"] == ["cut"]
    assert project.build()["made"] == []


def test_a_partial_film_has_a_card_where_footage_is_missing(tmp_path: Path) -> None:
    shot = "id: c, prompt: a city in the rain, seed: 5, duration: 3"
    project = Project(tmp_path / "film", LONG.replace(shot, "id: c, clip: broken.mp4"), inside=True)
    write_broken_clip(project.folder)
    project.edit("fps: 12}", "fps: 12, preset: ultrafast}")
    ran = project.run("build", "--partial")
    assert ran.code == 1
    assert len(decoded(project.film)) == 36 + 36 - 6 + 48 - 6


def test_a_film_can_be_a_mov(project: Project) -> None:
    before = decoded(project.film)
    project.edit("out/film.mp4", "out/film.mov")
    assert project.build()["made"] == ["cut"]
    film = project.folder / "out/film.draft.mov"
    assert film.read_bytes()[4:12] == b"ftypqt  "
    assert decoded(film) == before
    assert project.build()["made"] == []
    film.write_bytes(b"not a film of ours")
    ran = project.run("build")
    assert ran.code == 1
    assert "not made by storyboard" in ran.err


def test_a_film_of_ours_can_be_footage_of_another(project: Project) -> None:
    """It holds parameter sets of the number that encoded pieces have."""
    project.edit("seed: 5}", "seed: 5, speed: 2}")
    project.build()
    shutil.copy(project.film, project.folder / "own.mp4")
    shots = "      - {id: own, clip: own.mp4}\n      - {id: end, card: End, transition: {type: wipe, duration: 0.5}}\n"
    text = (project.folder / "storyboard.yaml").read_text().split("provider: local\n")[1] + shots
    project.write(text)
    data = project.build()
    assert len(decoded(project.film)) == data["frames"] == 30 + 30 + 48 - 6
    assert data["copied"]["copied"] == 24


ALL_KINDS = """\
audio: [{file: hum.wav}]
scenes:
  - id: one
    shots:
      - {id: take, prompt: a river at night, seed: 3}
      - {id: own, clip: own.mp4, transition: {type: dissolve, duration: 0.25}}
      - {id: next, prompt: a forest, first_frame: {shot: own, at: last}}
      - {id: still, image: {file: map.png, duration: 1, move: push}, caption: A map}
      - {id: broken, clip: broken.mp4}
      - {id: end, card: {text: The end, duration: 1}, transition: {type: wipe, duration: 0.25}}
"""


def test_what_worker_processes_do_is_what_is_done_in_this_one(tmp_path: Path) -> None:
    """Takes, footage, frames, segments, transitions, stand-ins, sound and a failure, across the border of processes."""
    from tests.media.sounds import tone, write_wav

    films, told = [], []
    for inside in (False, True):
        project = Project(tmp_path / f"film-{inside}", ALL_KINDS, inside=inside)
        project.edit("fps: 12}", "fps: 12, captions: burn, fade_in: 0.25}")
        clip(project.folder / "own.mp4", 15, "15")
        picture(project.folder / "map.png", (128, 72), (200, 120, 40))
        write_broken_clip(project.folder)
        write_wav(project.folder / "hum.wav", tone(1, 300, 0.1))
        ran = project.run("build", "--partial", "--json")
        assert ran.code == 1, ran
        films.append((project.film).read_bytes())
        told.append(
            {name: ran.data[name] for name in ("failed", "frames", "copied")} | {"made": sorted(ran.data["made"])}
        )
    assert told[0] == told[1]
    assert list(told[0]["failed"]) == ["take:broken"]
    assert films[0] == films[1]
