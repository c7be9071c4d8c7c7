"""Lockfile: stable text, clear errors, and branches that merge."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storyboard.core.plan import LockEntry, LockInfo
from storyboard.store import lockfile
from storyboard.store.lockfile import Lockfile, LockfileProblem


def entry(seed: int = 1, frames: dict[str, str] | None = None) -> LockEntry:
    return LockEntry(f"{seed + 4096:064x}", f"{seed:064x}", LockInfo(192, "24/1"), seed, None, "0.964", frames or {})


def with_entry(film: Lockfile, shot: str, provider: str, found: LockEntry) -> Lockfile:
    return Lockfile({**film.shots, shot: {**film.shots.get(shot, {}), provider: found}})


FILM = Lockfile({"glide": {"local": entry(1)}, "temple": {"local": entry(2), "runware": entry(3, {"last": "c" * 64})}})


def test_text_is_read_back_as_the_same_value() -> None:
    assert lockfile.loads(FILM.dumps()) == FILM
    assert lockfile.loads(Lockfile().dumps()) == Lockfile()


def test_text_does_not_depend_on_the_order_of_making() -> None:
    other = Lockfile()
    for shot, provider in [("temple", "runware"), ("glide", "local"), ("temple", "local")]:
        found = FILM.entry(shot, provider)
        assert found is not None
        other = with_entry(other, shot, provider, found)
    assert other.dumps() == FILM.dumps()


def test_layout_is_one_block_a_shot() -> None:
    text = Lockfile({"glide": {"local": entry(5)}}).dumps()
    assert (
        text
        == f"""{{
  "lockfile_version": 1,
  "shots": {{
    "glide": {{
      "local": {{
        "cost": "0.964", "frames": {{}}, "info": {{"frames": 192, "rate": "24/1"}}, "key": "{4101:064x}",
        "seed": 5, "take": "{5:064x}", "task_id": null
      }},
      "~": "end of glide"
    }},
    "~": "end of shots"
  }}
}}
"""
    )


def test_entries_are_found_and_taken_away_in_a_new_value() -> None:
    assert FILM.entry("glide", "local") == entry(1)
    assert FILM.entry("glide", "runway") is None
    assert FILM.entry("gone", "local") is None
    assert FILM.without("glide", "gone").shots.keys() == {"temple"}
    assert FILM.entry("glide", "local") == entry(1)


def problem(text: str) -> LockfileProblem:
    with pytest.raises(LockfileProblem) as caught:
        lockfile.loads(text)
    return caught.value


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "||||||| base", "=======", ">>>>>>> theirs"])
def test_conflict_marker_is_named_with_its_line(marker: str) -> None:
    lines = FILM.dumps().splitlines()
    lines.insert(6, marker)
    found = problem("\n".join(lines))
    assert (found.code, found.line) == ("conflict", 7)
    assert found.help is not None


def test_broken_json_is_named_with_its_line() -> None:
    lines = FILM.dumps().splitlines()
    lines[5] = "cost"
    found = problem("\n".join(lines))
    assert (found.code, found.line) == ("syntax", 6)


@pytest.mark.parametrize(
    "text", ["", "\ufeff{}", "[" * 100_000, '{"lockfile_version": NaN}', '{"a": 1' + "0" * 5000 + "}"]
)
def test_text_that_is_no_json_is_refused(text: str) -> None:
    assert problem(text).code == "syntax"


def test_later_version_is_named() -> None:
    found = problem(FILM.dumps().replace('"lockfile_version": 1', '"lockfile_version": 2'))
    assert (found.code, found.line) == ("version", 2)
    assert "version 2" in found.reason


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"seed": 1,', '"seed": "1",', 4),
        ('"seed": 1,', '"seed": 1.5,', 4),
        ('"seed": 1,', '"seeds": 1,', 4),
        ('"frames": 192', '"frames": null', 4),
        ('"frames": 192', '"frames": 999999999999', 4),
        ('"frames": 192', '"frames": -1', 4),
        ('"lockfile_version": 1', '"lockfile_version": true', 2),
        ('"lockfile_version": 1', '"lockfile_version": 0', 2),
        ('"lockfile_version": 1', '"lockfile_version": 1,\n  "extra": 1', 3),
    ],
)
def test_wrong_field_is_named_with_its_line(old: str, new: str, line: int) -> None:
    text = Lockfile({"glide": {"local": entry(1)}}).dumps()
    assert old in text
    found = problem(text.replace(old, new))
    assert (found.code, found.line) == ("shape", line)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(('"24/1"', f'"{rate}"') for rate in ("24/0", "0/1", "1e999999999", "-24/1", "9" * 5000 + "/1", "24/1\\n")),
        *(('"0.964"', f'"{cost}"') for cost in ("1e999999999", "NaN", "-1", "x", "Infinity", "9" * 5000)),
    ],
)
def test_a_number_that_would_be_computed_for_hours_is_refused(old: str, new: str) -> None:
    text = Lockfile({"glide": {"local": entry(1)}}).dumps()
    assert old in text
    found = problem(text.replace(old, new))
    assert (found.code, found.line) == ("shape", 4)
    assert "not a value that storyboard writes - at" in found.reason


@pytest.mark.parametrize("text", ["[]", "1", "{}", '{"lockfile_version": 1}', '{"lockfile_version": 1, "shots": []}'])
def test_other_json_is_no_lockfile(text: str) -> None:
    assert problem(text).code == "shape"


def test_shot_that_is_no_block_is_refused() -> None:
    assert "glide" in problem('{"lockfile_version": 1, "shots": {"glide": 3}}').reason


def test_shot_that_stands_twice_is_named_at_its_second_place() -> None:
    lines = FILM.dumps().splitlines()
    block = lines[3:10]
    assert block[0].strip() == '"glide": {'
    assert block[-1].strip() == "},"
    text = "\n".join(lines[:3] + block + block + lines[10:])
    found = problem(text)
    assert (found.code, found.line) == ("repeated", 11)
    assert "glide" in found.reason


def test_line_that_stands_twice_is_named_at_its_second_place() -> None:
    lines = FILM.dumps().splitlines()
    position = next(i for i, line in enumerate(lines) if '"frames"' in line)
    lines.insert(position + 1, lines[position])
    found = problem("\n".join(lines))
    assert (found.code, found.line) == ("repeated", position + 2)


@pytest.mark.parametrize("spelt", ['"a" : {},', '"a"\n: {},', '"a": {},', '"\\u0061": {},', '"~": "end of a:",'])
def test_nothing_hides_a_shot_that_stands_twice_or_says_less(spelt: str) -> None:
    text = Lockfile({"a": {"local": LockEntry("0" * 64, "1" * 64, LockInfo(1, "24/1"))}}).dumps()
    other = text.replace('"shots": {', f'"shots": {{ {spelt}', 1)
    with pytest.raises(LockfileProblem) as found:
        lockfile.loads(other)
    assert found.value.code == "repeated"


def test_no_file_is_an_empty_lockfile(tmp_path: Path) -> None:
    assert lockfile.read(tmp_path / "storyboard.lock") == Lockfile()


def test_nothing_new_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "storyboard.lock"
    assert not lockfile.write(path, Lockfile())
    assert not path.exists()
    assert lockfile.write(path, FILM)
    inode = path.stat().st_ino
    assert not lockfile.write(path, FILM)
    assert path.stat().st_ino == inode
    assert lockfile.write(path, FILM.without("glide"))
    assert lockfile.read(path) == FILM.without("glide")


def test_windows_line_ends_say_nothing_new(tmp_path: Path) -> None:
    path = tmp_path / "storyboard.lock"
    path.write_bytes(FILM.dumps().replace("\n", "\r\n").encode())
    assert lockfile.read(path) == FILM
    assert not lockfile.write(path, FILM)


@pytest.mark.parametrize("content", [b"<<<<<<< HEAD\n", b"\xff\xfe", b'{"lockfile_version": 99}'])
def test_file_that_cannot_be_read_is_not_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "storyboard.lock"
    path.write_bytes(content)
    with pytest.raises(LockfileProblem):
        lockfile.write(path, FILM)
    assert path.read_bytes() == content


def merged(folder: Path, base: Lockfile, ours: Lockfile, theirs: Lockfile) -> tuple[int, str]:
    """The exit status (conflicts) and the text of git's merge."""
    files = [folder / name for name in ("ours", "base", "theirs")]
    for path, value in zip(files, (ours, base, theirs), strict=True):
        path.write_text(value.dumps())
    done = subprocess.run(["git", "merge-file", "-p", *map(str, files)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


SHOTS = [f"shot-{n:02d}" for n in range(12)]


@st.composite
def branches(draw: st.DrawFn) -> tuple[Lockfile, Lockfile, Lockfile, Lockfile]:
    """A film, two branches of it that touch different shots, and what should come of them.

    Each shot is changed, removed or added by at most one branch. Two neighbours, in the order of ids, are not both
    added or removed: for git that is one place. Changes may be neighbours of anything.
    """
    base = ours = theirs = both = Lockfile()
    last_moved = False
    for number, shot in enumerate(SHOTS):
        fate = draw(
            st.sampled_from(["absent", "keep", "change", "change", "provider"] + ["add", "remove"] * (not last_moved))
        )
        mine = draw(st.booleans())
        first = entry(number)
        second = entry(
            number + 100, draw(st.sampled_from([{}, {"last": "d" * 64}, {"first": "e" * 64, "4": "f" * 64}]))
        )
        before = None if fate in ("absent", "add") else {"local": first}
        after = {
            "absent": None,
            "keep": before,
            "change": {"local": second},
            "provider": {"local": first, "runware": second},
            "add": {"local": second},
            "remove": None,
        }[fate]
        last_moved = fate in ("add", "remove") or (last_moved and fate == "absent")
        sides = {"base": before, "ours": after if mine else before, "theirs": before if mine else after, "both": after}
        for name, value in sides.items():
            if value is not None:
                for provider, one in value.items():
                    match name:
                        case "base":
                            base = with_entry(base, shot, provider, one)
                        case "ours":
                            ours = with_entry(ours, shot, provider, one)
                        case "theirs":
                            theirs = with_entry(theirs, shot, provider, one)
                        case _:
                            both = with_entry(both, shot, provider, one)
    return base, ours, theirs, both


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(branches())
def test_branches_that_touch_different_shots_merge(
    tmp_path: Path, film: tuple[Lockfile, Lockfile, Lockfile, Lockfile]
) -> None:
    base, ours, theirs, both = film
    status, text = merged(tmp_path, base, ours, theirs)
    assert status == 0, text
    assert lockfile.loads(text) == both
    assert text == both.dumps()


def film_of(*shots: str) -> Lockfile:
    return Lockfile({shot: {"local": entry(len(shot))} for shot in shots})


def test_two_providers_of_one_shot_merge(tmp_path: Path) -> None:
    base = film_of("glide")
    ours = with_entry(base, "glide", "local", entry(8))
    theirs = with_entry(base, "glide", "runware", entry(9))
    status, text = merged(tmp_path, base, ours, theirs)
    assert status == 0
    assert lockfile.loads(text) == with_entry(ours, "glide", "runware", entry(9))


def test_last_shot_may_be_added_beside_a_change_of_the_one_before(tmp_path: Path) -> None:
    base = film_of("glide")
    status, text = merged(
        tmp_path, base, with_entry(base, "glide", "local", entry(8)), with_entry(base, "zoom", "local", entry(9))
    )
    assert status == 0
    assert lockfile.loads(text) == with_entry(with_entry(base, "glide", "local", entry(8)), "zoom", "local", entry(9))


def test_two_shots_added_at_one_place_conflict_and_the_conflict_is_told(tmp_path: Path) -> None:
    base = film_of("glide", "temple")
    status, text = merged(
        tmp_path, base, with_entry(base, "hut", "local", entry(8)), with_entry(base, "isle", "local", entry(9))
    )
    assert status > 0
    assert problem(text).code == "conflict"
