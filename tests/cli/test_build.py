"""A storyboard builds into a film, and the next build makes only what changed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import CHAIN, Project, copied, decoded, digest, rate, takes, write_broken_clip

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that the program built, with its worker processes; tests work on copies of it."""
    project = Project(tmp_path_factory.mktemp("template") / "film")
    data = project.build()
    assert takes(data["made"]) == ["a", "b", "c"]
    return project.folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return copied(template, tmp_path / "film")


def test_the_film_has_exactly_the_frames_of_the_timeline(project: Project) -> None:
    assert len(decoded(project.film)) == 36
    assert rate(project.film) == 12


def test_a_second_build_makes_nothing_and_says_so(project: Project) -> None:
    before = digest(project.film)
    ran = Project(project.folder, None).run("build")  # the program itself
    assert ran.code == 0
    assert "nothing to do: 3 unchanged" in ran.out
    assert digest(project.film) == before


def test_one_word_makes_that_take_what_is_linked_to_it_and_the_cut(project: Project) -> None:
    blobs = set(project.blobs)
    project.edit("at night", "at noon")
    data = project.build()
    assert sorted(data["made"]) == ["cut", "frame:a@last", "take:a", "take:b"]
    assert blobs < set(project.blobs)
    film = decoded(project.film)
    assert len(film) == 36


def test_reverting_the_word_makes_nothing_but_the_join(project: Project) -> None:
    before = digest(project.film)
    project.edit("at night", "at noon")
    project.build()
    project.edit("at noon", "at night")
    assert project.build()["made"] == ["cut"]
    assert digest(project.film) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id: c,", "id: city,"),
        ("scenes:", "title: Another\nscenes:"),
        ("id: two\n", "id: two\n    title: Elsewhere\n    notes: nothing\n"),
        ("seed: 5}", "seed: 5, tags: [x], x-note: y} # a comment"),
        ("  - id: two", "\n\n  - id:   two"),
    ],
    ids=["rename", "title", "scene", "tags", "space"],
)
def test_names_and_notes_never_make_a_take(project: Project, old: str, new: str) -> None:
    project.edit(old, new)
    assert takes(project.build()["made"]) == []


def test_a_rename_leaves_the_film_as_it_was(project: Project) -> None:
    before = digest(project.film)
    project.edit("id: c,", "id: city,")
    assert project.build()["made"] == []
    assert digest(project.film) == before
    assert sorted(path.name for path in (project.folder / "out/film.draft").iterdir()) == ["a.mp4", "b.mp4", "city.mp4"]


def test_a_new_order_only_joins_the_cut_again(project: Project) -> None:
    first = decoded(project.film)
    head, one, two = CHAIN.split("  - id:")
    project.write(f"{head}  - id:{two}  - id:{one}")
    assert project.build()["made"] == ["cut"]
    assert decoded(project.film) == first[24:] + first[:24]


def test_a_shot_moved_into_an_included_file_is_not_made_again(project: Project) -> None:
    head, one, two = CHAIN.split("  - id:")
    project.write(f"{head}  - id:{one}  - include: two.yaml\n")
    lines = ("id:" + two).splitlines()
    scene = "\n".join([lines[0], *(line[4:] for line in lines[1:])])
    (project.folder / "two.yaml").write_text(scene + "\n")
    assert project.build()["made"] == []


def test_a_trim_renders_one_segment_and_no_take(project: Project) -> None:
    project.edit("seed: 5}", "seed: 5, trim: {start: 0.25, end: 0.75}}")
    assert sorted(project.build()["made"]) == ["cut", "segment:c"]
    assert len(decoded(project.film)) == 30


def test_takes_of_another_rate_are_conformed_to_the_output(project: Project) -> None:
    project.edit("fps: 12}", "fps: 24}")
    data = project.build()
    assert sorted(data["made"]) == ["cut", "segment:a", "segment:b", "segment:c"]
    assert len(decoded(project.film)) == 72
    assert rate(project.film) == 24


def test_a_linked_shot_begins_with_the_frame_it_is_linked_to(project: Project) -> None:
    import av
    import numpy as np

    with av.open(str(project.film)) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    mean_difference = float(np.abs(frames[11] - frames[12]).mean())
    assert mean_difference < 6, mean_difference


def test_an_incremental_build_equals_a_clean_one(project: Project, tmp_path: Path) -> None:
    project.edit("seed: 5}", "seed: 50}")
    project.build()
    clean = Project(tmp_path / "clean")
    shutil.copy(project.folder / "storyboard.yaml", clean.folder / "storyboard.yaml")
    clean.build()
    assert digest(clean.film) == digest(project.film)
    assert set(clean.blobs) <= set(project.blobs)


def test_a_missing_film_is_joined_again(project: Project) -> None:
    before = digest(project.film)
    project.film.unlink()
    assert project.build()["made"] == ["cut"]
    assert digest(project.film) == before


def test_a_film_that_was_changed_since_its_build_is_not_replaced(project: Project) -> None:
    data = bytearray(project.film.read_bytes())
    data[-100] ^= 0xFF
    project.film.write_bytes(data)
    assert "film.draft.mp4: it was changed after the last build; move it away" in project.refused(1, "build")["message"]
    assert project.film.read_bytes() == data
    project.film.unlink()
    assert project.build()["made"] == ["cut"]


def test_a_strangers_file_in_the_films_place_is_not_touched(project: Project) -> None:
    project.film.write_text("my holiday")
    ran = project.run("build")
    assert ran.code == 1
    assert "not made by storyboard" in ran.err
    assert project.film.read_text() == "my holiday"


def test_a_damaged_blob_is_set_aside_told_and_made_again(project: Project) -> None:
    lock = json.loads((project.folder / "storyboard.lock").read_text())
    take = lock["shots"]["c"]["local"]["take"]
    blob = project.blobs[take]
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(data)
    assert project.decisions()["c"] == ("make", "damaged")
    assert takes(project.build()["made"]) == ["c"]
    assert digest(project.blobs[take]) == take
    assert [path.name.split(".")[0] for path in (project.folder / ".storyboard/cache/damaged").iterdir()] == [take]


def test_a_missing_blob_is_made_again(project: Project) -> None:
    lock = json.loads((project.folder / "storyboard.lock").read_text())
    project.blobs[lock["shots"]["c"]["local"]["take"]].unlink()
    assert project.decisions()["c"] == ("make", "missing")
    assert takes(project.build()["made"]) == ["c"]


def test_the_same_words_with_another_seed_are_another_take_and_the_old_one_stays(project: Project) -> None:
    blobs = set(project.blobs)
    project.edit("seed: 5}", "seed: 6}")
    project.build()
    assert blobs < set(project.blobs)


def test_select_makes_only_what_is_named_and_no_film(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", inside=True)
    data = project.build("-s", "c")
    assert takes(data["made"]) == ["c"]
    assert not project.film.exists()
    assert takes(project.build("-s", "+b")["made"]) == ["a", "b"]
    assert len(decoded(project.film)) == 36


def test_a_selected_shot_whose_upstream_is_not_there_is_blocked(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", inside=True)
    ran = project.run("build", "-s", "b")
    assert ran.code == 1
    assert "blocked  b  a is missing" in ran.err
    assert ran.out.startswith("1 blocked, 2 not selected\nnot joined: the film; left out: b; ")


def test_remake_rolls_a_shot_again_though_nothing_changed(project: Project) -> None:
    assert takes(project.build("--remake", "c")["made"]) == ["c"]


def test_locked_refuses_what_would_change_and_passes_what_is_current(project: Project) -> None:
    assert project.run("build", "--locked").code == 0
    for blob in project.blobs.values():
        blob.unlink()
    ran = project.run("build", "--locked")
    assert ran.code == 7
    assert "takes that the lockfile names are not in this cache: 3 to make" in ran.err
    project.edit("seed: 5}", "seed: 6}")
    ran = project.run("build", "--locked")
    assert ran.code == 7
    assert "the lockfile is out of date" in ran.err


def test_a_damaged_lockfile_stops_the_build_and_is_not_overwritten(project: Project) -> None:
    lock = project.folder / "storyboard.lock"
    lock.write_text("<<<<<<< HEAD\n" + lock.read_text())
    before = lock.read_text()
    ran = project.run("build")
    assert ran.code == 1
    assert "merge conflict" in ran.err
    assert lock.read_text() == before


def test_a_failed_shot_leaves_the_others_made(project: Project, tmp_path: Path) -> None:
    project.write(CHAIN.replace("{id: c, prompt: a city in the rain, seed: 5}", "{id: c, clip: broken.mp4}"))
    write_broken_clip(project.folder)
    ran = project.run("build")
    assert ran.code == 1
    assert "c" in ran.err + ran.out


def test_partial_draws_the_missing_shots_in_a_draft(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", inside=True)
    project.build("-s", "a")
    ran = project.run("build", "-s", "a", "--partial")
    assert ran.code == 0, ran
    assert len(decoded(project.film)) == 36
    assert "with b and c drawn" in ran.out


def test_an_output_that_cannot_be_written_is_told_before_any_work(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", inside=True)
    project.film.mkdir(parents=True)
    ran = project.run("build")
    assert ran.code == 1
    assert "it is a folder" in ran.err
    assert not project.blobs


def test_two_shots_that_ask_for_the_same_share_one_take(tmp_path: Path) -> None:
    same = "scenes:\n  - id: s\n    shots:\n      - {id: a, prompt: x}\n      - {id: b, prompt: x}\n"
    project = Project(tmp_path / "film", same, inside=True)
    assert takes(project.build()["made"]) == ["a"]
    assert len(decoded(project.film)) == 24


def test_plan_and_status_write_nothing(project: Project) -> None:
    before = {path: path.lstat().st_mtime_ns for path in project.folder.rglob("*")}
    for verb in ("plan", "status", "check", "graph"):
        assert project.run(verb).code == 0
    after = {path: path.lstat().st_mtime_ns for path in project.folder.rglob("*")}
    assert after == before


def test_a_project_that_was_never_built_gets_no_folder_from_reading(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", inside=True)
    assert project.run("plan").code == 0
    assert not (project.folder / ".storyboard").exists()


# Prints the modules of PyAV and of the media package that a thread other than the main one has imported. Only the join
# uses PyAV's subtitles, which it imports itself.
THREAD_IMPORTS = """
import sys, threading
found = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        is_media = name.startswith(("av.", "storyboard.media.")) and not name.startswith("av.subtitles")
        if is_media and threading.current_thread() is not threading.main_thread():
            found.append(name)
sys.meta_path.insert(0, Watch())
from tests import tiny
tiny.install()
from storyboard.cli.main import run
code = run(["build"])
print(*found)
sys.exit(code)
"""


@pytest.mark.parametrize("change", ["nothing is built", "the film is missing"])
def test_no_thread_is_the_first_to_import_pyav(project: Project, tmp_path: Path, change: str) -> None:
    if change == "nothing is built":
        folder = Project(tmp_path / "new").folder
    else:
        folder = project.folder
        project.film.unlink()
    done = subprocess.run(
        [sys.executable, "-c", THREAD_IMPORTS],
        cwd=folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""
