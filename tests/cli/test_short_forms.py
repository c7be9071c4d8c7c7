"""A film in short forms: it builds, and verbs that edit the storyboard keep its text."""

from pathlib import Path

from tests.media.sounds import tone, write_wav
from tests.project import Project

SHORT = """\
audio: tone.wav # one track
defaults: {fit: cover, tags: [film], transition: cut}
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river at night, seed: 3, fit: contain}
      - {id: b, prompt: a forest at dawn, seed: 4, first_frame: {shot: a}}
      - {id: end, card: The end, transition: dissolve}
"""


def test_a_film_in_short_forms_builds_and_edits_keep_its_text(tmp_path: Path, inside: None) -> None:
    project = Project(tmp_path / "film", SHORT, inside=True)
    write_wav(project.folder / "tone.wav", tone(1))
    project.build()
    assert project.film.with_name("film.draft.mp4").is_file() or project.film.is_file()
    before = project.file.read_text()
    assert project.run("hold", "a").code == 0
    assert project.file.read_text() == before.replace("fit: contain}", "fit: contain, hold: true}")
    assert project.run("release", "a").code == 0
    assert project.file.read_text() == before
    assert project.run("take", "b", "-n", "1").code == 0
    assert project.run("pick", "b", "4").code == 0
    after = project.file.read_text()
    assert [line for line in after.splitlines() if "id: b," not in line] == [
        line for line in before.splitlines() if "id: b," not in line
    ]
    assert project.run("status").code == 0


def test_a_tag_of_the_defaults_selects_its_shots(tmp_path: Path, inside: None) -> None:
    project = Project(tmp_path / "film", SHORT.replace("audio: tone.wav # one track\n", ""), inside=True)
    assert project.run("plan", "-s", "tag:film").code == 0
    assert project.run("plan", "-s", "tag:none").code == 2
