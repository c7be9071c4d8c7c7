"""``ls`` lists the shots: in the width of the terminal, for spreadsheets, as Markdown and as data."""

import csv
import io
import re
import subprocess
from pathlib import Path
from unittest import mock

import pytest

from storyboard.cli.commands import ls
from storyboard.report.text import cells
from tests.inside import run
from tests.media.clips import make
from tests.project import Project
from tests.shops import shop

pytestmark = pytest.mark.usefixtures("inside")

HEADER = "version: 1\nmodel: tiny:1\nprovider: local\noutput: {file: out/film.mp4, size: 128x72, fps: 12}\n"
FILM = """\
scenes:
  - id: one
    shots:
      - {id: opening, card: {text: "Night | on *the* river", duration: 2}}
      - id: glide
        title: "@SUM(A1)"
        tags: [hero, night]
        prompt: "=HYPERLINK(\\"https://example.org\\"), a slow glide down a narrow river, she said \\"wait\\""
        seed: 3
        transition: {type: dissolve, duration: 0.5}
      - {id: later, prompt: a hill, skip: true}
  - id: two
    shots:
      - {id: tokyo, prompt: "夜の東京の路地、雨に濡れた石畳、遠くに赤い提灯が揺れている", seed: 4}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "film", None, inside=True)
    made.folder.mkdir()
    made.write(FILM, HEADER)
    return made


def table(project: Project, width: int, *words: str) -> str:
    with mock.patch.object(ls, "terminal_width", return_value=width):
        return run(project.folder, {}, "ls", *words).out


def test_shots_are_numbered_and_have_their_place_in_the_film(project: Project) -> None:
    lines = table(project, 120).splitlines()
    assert lines[0].split() == ["#", "shot", "in", "out", "length", "state", "prompt"]
    assert lines[1].startswith("1  opening  00:00:00:00  00:00:02:00     2 s  to render  Night | on *the* river")
    assert lines[2].startswith("2  glide    00:00:01:06  00:00:02:06     1 s  new        =HYPERLINK")
    assert re.match(r"   later +skipped +a hill", lines[3])
    assert lines[4].startswith("3  tokyo ")
    assert lines[-1] == "3 shots, 3.5 s, 1 skipped"


@pytest.mark.parametrize("width", [200, 100, 80, 50, 40])
def test_the_table_fits_the_terminal_and_is_cut_between_words(project: Project, width: int) -> None:
    lines = table(project, width).splitlines()
    assert all(sum(map(cells, line)) <= width for line in lines)
    prompts = [line for line in lines if "HYPERLINK" in line]
    assert len(prompts) == 1
    assert not re.search(r"(sl|slo|na|nar|narr|narro|riv|rive)…$", prompts[0])


def test_a_table_for_a_file_is_not_cut(project: Project) -> None:
    ran = run(project.folder, {"COLUMNS": "40"}, "ls")
    assert 'she said "wait"' in ran.out


def test_selected_shots_keep_their_numbers(project: Project) -> None:
    assert [shot["number"] for shot in run(project.folder, {}, "ls", "two", "--json").data["shots"]] == [3]
    assert "3  tokyo" in table(project, 100, "-s", "tok*")
    assert run(project.folder, {}, "ls", "nothing").code == 2


def test_csv_is_read_back_by_a_reader_of_csv_and_no_cell_is_a_formula(project: Project) -> None:
    out = project.folder / "shots.csv"
    ran = Project(project.folder, None).run("ls", "--format", "csv")
    out.write_text(ran.out, encoding="utf-8", newline="")
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig")), strict=True))
    assert [row["shot"] for row in rows] == ["opening", "glide", "later", "tokyo"]
    assert rows[1]["text"].startswith('\'=HYPERLINK("https://example.org")')
    assert rows[1]["title"] == "'@SUM(A1)"
    assert rows[1]["tags"] == "hero night"
    assert (rows[2]["number"], rows[2]["seconds"]) == ("", "")
    assert not [cell for row in rows for cell in row.values() if cell and cell[0] in "=+-@"]


def test_csv_has_the_line_ends_of_the_standard_and_a_mark_only_with_other_letters(project: Project) -> None:
    def written(*more: str) -> bytes:
        words, env = project.command("ls", "--format", "csv", *more), project.environment()
        return subprocess.run(words, cwd=project.folder, env=env, capture_output=True, check=True).stdout

    everything = written()
    assert everything.startswith(b"\xef\xbb\xbfnumber,shot,")
    assert everything.count(b"\n") == everything.count(b"\r\n") == 5
    assert written("one").startswith(b"number,shot,")


def test_csv_has_no_control_characters_of_a_prompt(project: Project) -> None:
    project.edit("prompt: a hill", 'prompt: "a\\e[31m\\u202E hill"')
    ran = run(project.folder, {}, "ls", "--format", "csv")
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


def test_a_table_of_markdown_keeps_its_columns(project: Project) -> None:
    lines = run(project.folder, {}, "ls", "--format", "markdown").out.splitlines()
    assert lines[0] == "| # | shot | in | out | length | prompt | state | cost |"
    unescaped = [re.sub(r"\\.", "", line).count("|") for line in lines]
    assert set(unescaped) == {9}
    assert r"Night \| on \*the\* river" in lines[2]


def test_json_is_the_envelope_under_either_option(project: Project) -> None:
    one, other = (run(project.folder, {}, "ls", *words).data for words in (("--json",), ("--format", "json")))
    assert one == other
    glide = one["shots"][1]
    assert glide["text"].startswith("=HYPERLINK")
    assert (glide["timecode_in"], glide["timecode_out"], glide["seconds"]) == ("00:00:01:06", "00:00:02:06", 1)


def test_footage_counts_from_where_its_length_is_known(project: Project) -> None:
    make(project.folder / "own.mp4")
    project.edit("{id: later, prompt: a hill, skip: true}", "{id: own, clip: own.mp4}")
    assert "own " in table(project, 100)


def test_what_is_paid_and_what_a_build_would_pay_are_told_apart(tmp_path: Path) -> None:
    with shop() as server:
        made = Project(tmp_path / "paid", "scenes: [{id: one, shots: [{id: a, prompt: a hill}]}]\n", server=server)
        made = made.in_process()
        before = made.data("ls")["shots"][0]
        assert (before["paid"], before["estimate"]) == (None, "0.12")
        assert "about $0.12 to pay" in made.said("ls")
        made.build()
        after = made.data("ls")["shots"][0]
        assert (after["state"], after["estimate"]) == ("up to date", None)
        assert after["paid"] is not None
        assert " paid" in made.said("ls").splitlines()[-1]
