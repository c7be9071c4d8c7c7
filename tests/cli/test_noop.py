"""A build that has nothing to do says so at a glance, and nothing that counts escapes that glance."""

import contextlib
import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from msgspec.structs import replace

from storyboard import __version__
from storyboard.cli import entry, main
from storyboard.core.results import Record
from storyboard.engine.build import FinishedBuild
from storyboard.fastpath import noop_proof
from storyboard.fastpath.noop import noop_answer
from storyboard.store.blobs import BlobStore
from storyboard.store.digest_cache import DigestCache
from storyboard.store.integrity import decode_with_checksum
from storyboard.store.journal import Job, Journal
from storyboard.store.records import RecordStore
from tests.inside import Ran, hasty
from tests.project import HERE, Project, write_broken_clip

FILM = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river at night, seed: 3, first_frame: pictures/river.png}
      - {id: b, prompt: a forest at dawn, seed: 4, first_frame: {shot: a, at: last}, caption: At dawn}
  - include: scenes/two.yaml
"""
TWO = "id: two\nshots:\n  - {id: c, prompt: a city in the rain, seed: 5, first_frame: {shot: b, at: last}}\n"
CHAIN_LEFT = "  - {id: d, prompt: a harbour, seed: 6, first_frame: {shot: c, at: last}}\n"


@pytest.fixture(autouse=True, scope="module")
def _inside() -> Iterator[None]:
    # the checkout itself may be seconds old
    with hasty(), mock.patch.object(noop_proof, "_LOADING_NS", 0):
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the storyboard in a folder of its own, built once."""
    from PIL import Image

    root = tmp_path_factory.mktemp("template") / "work"
    (root / ".git").mkdir(parents=True)
    folder = root / "film"
    for name in ("pictures", "scenes"):
        (folder / name).mkdir(parents=True)
    Image.new("RGB", (128, 72), "navy").save(folder / "pictures/river.png")
    (folder / "scenes/two.yaml").write_text(TWO + CHAIN_LEFT)
    Project(folder, FILM)
    assert ask(folder, "build").code == 0
    return root


@pytest.fixture
def film(template: Path, tmp_path: Path) -> Path:
    """A copy of the project, with a note: the folder of its storyboard."""
    shutil.copytree(template, tmp_path / "work", symlinks=True)
    folder = tmp_path / "work" / "film"
    assert ask(folder, "build").code == 0
    assert at_a_glance(folder)
    return folder


def ask(folder: Path, *words: str, env: dict[str, str] | None = None) -> Ran:
    """A verb in *folder*, as the console script would run it."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, env or {}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = entry.run(words)
    return Ran(code, out.getvalue(), err.getvalue())


def at_a_glance(folder: Path, *words: str, env: dict[str, str] | None = None) -> bool:
    """Whether a build in *folder* is answered without the command line being loaded."""
    with mock.patch.object(main, "run", return_value=99):
        return ask(folder, "build", *words, env=env).code == 0


def unlike(path: Path) -> None:
    """Other bytes at *path*, of the same size and with the same time of modification."""
    seen = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (seen.st_size, seen.st_mtime_ns)


def replaced(path: Path) -> None:
    """Another file in the place of *path*, with other bytes of the same size and the same time of modification."""
    twin = path.with_name("twin")
    shutil.copy2(path, twin)
    unlike(twin)
    twin.replace(path)


def youngest_note(film: Path) -> Path:
    notes = (film.parent / ".storyboard/standing").glob("*.note")
    return max(notes, key=lambda path: path.stat().st_mtime_ns)


def blob(film: Path) -> Path:
    return (film / "out/film.draft/b.mp4").resolve()


def record(film: Path, kind: str = "take") -> Path:
    paths = sorted((film.parent / ".storyboard/cache/records").glob("*/*/*.json"))
    return next(path for path in paths if json.loads(path.read_text())["body"]["kind"] == kind)


def beside(film: Path, name: str) -> Path:
    return film / "out" / name


def another_answer(film: Path) -> None:
    (record(film, "frame").parent / f"{'0' * 64}.json").write_text("{}")


def open_job(film: Path) -> None:
    job = Job("00000000-0000-4000-8000-000000000000", "0" * 64, 1, "a", "runware", "tiny:1", "0" * 64, {}, "0.1", 1.0)
    Journal(film.parent / ".storyboard/journal").open(job)


def relink(path: Path) -> None:
    target = path.readlink()
    path.unlink()
    path.symlink_to(target.with_name("0" * 64))


def foreign(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"mine")


def other_root(name: str) -> Callable[[Path], None]:
    return lambda film: (film / name).mkdir()


def lead_elsewhere(film: Path) -> None:
    shutil.copytree(film / "scenes", film / "others")
    (film / "scenes").rename(film / "gone")
    (film / "scenes").symlink_to("others")


CHANGES: dict[str, Callable[[Path], object]] = {
    "storyboard": lambda film: unlike(film / "storyboard.yaml"),
    "storyboard-replaced": lambda film: replaced(film / "storyboard.yaml"),
    "storyboard-touched": lambda film: (film / "storyboard.yaml").touch(),
    "include": lambda film: unlike(film / "scenes/two.yaml"),
    "include-gone": lambda film: (film / "scenes/two.yaml").unlink(),
    "folder-is-another": lead_elsewhere,
    "picture": lambda film: unlike(film / "pictures/river.png"),
    "picture-gone": lambda film: (film / "pictures/river.png").unlink(),
    "blob-gone": lambda film: blob(film).unlink(),
    "blob-changed": lambda film: unlike(blob(film)),
    "blob-replaced": lambda film: replaced(blob(film)),
    "blob-cut": lambda film: (blob(film).chmod(0o644), os.truncate(blob(film), 100)),
    "record-changed": lambda film: unlike(record(film)),
    "record-gone": lambda film: record(film).unlink(),
    "frame-record-gone": lambda film: record(film, "frame").unlink(),
    "cut-record-gone": lambda film: record(film, "cut").unlink(),
    "another-answer": another_answer,
    "film-gone": lambda film: beside(film, "film.draft.mp4").unlink(),
    "film-changed": lambda film: unlike(beside(film, "film.draft.mp4")),
    "film-foreign": lambda film: foreign(beside(film, "film.draft.mp4")),
    "captions-gone": lambda film: beside(film, "film.draft.srt").unlink(),
    "captions-changed": lambda film: unlike(beside(film, "film.draft.vtt")),
    "link-gone": lambda film: beside(film, "film.draft/a.mp4").unlink(),
    "link-elsewhere": lambda film: relink(beside(film, "film.draft/a.mp4")),
    "link-foreign": lambda film: foreign(beside(film, "film.draft/a.mp4")),
    "link-too-many": lambda film: beside(film, "film.draft/old.mp4").symlink_to("a.mp4"),
    "lockfile-changed": lambda film: unlike(film / "storyboard.lock"),
    "lockfile-gone": lambda film: (film / "storyboard.lock").unlink(),
    "job-open": open_job,
    "builder-killed": lambda film: (film.parent / ".storyboard/builder.json").write_text("{}"),
    "nearer-git": other_root(".git"),
    "nearer-project": other_root(".storyboard"),
    "output-folder-read-only": lambda film: (film / "out").chmod(0o555),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_noticed(film: Path, change: str) -> None:
    CHANGES[change](film)
    assert not at_a_glance(film)


def test_captions_that_appear_where_there_were_none_are_noticed(film: Path) -> None:
    Project(film, None).edit(", caption: At dawn", "")
    assert ask(film, "build").code == 0
    assert not beside(film, "film.draft.srt").exists()
    assert at_a_glance(film)
    beside(film, "film.draft.srt").write_text("mine")
    assert not at_a_glance(film)


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["--offline"], {}),
        (["--provider", "local"], {}),
        (["-s", "a"], {}),
        (["--remake", "a"], {}),
        ([], {"STORYBOARD_REMAKE": "a"}),
        ([], {"STORYBOARD_PROVIDER": "local"}),
        ([], {"FORCE_COLOR": "1"}),
        (["--nonsense"], {}),
    ],
)
def test_another_question_has_no_answer_yet(film: Path, words: list[str], env: dict[str, str]) -> None:
    assert not at_a_glance(film, *words, env=env)


def test_what_does_not_count_is_not_noticed(film: Path) -> None:
    (film / "notes.txt").write_text("nothing")
    (film.parent / ".storyboard/cache/blobs/ff").mkdir(exist_ok=True)
    (film.parent / ".storyboard/cache/blobs/ff" / ("f" * 64)).write_text("of another film")
    assert at_a_glance(film, env={"RUNWARE_API_KEY": "secret", "EDITOR": "vi"})


def test_a_take_beside_the_one_that_the_lockfile_names_changes_no_answer(film: Path) -> None:
    cache = film.parent / ".storyboard/cache"
    kept = decode_with_checksum(record(film).read_bytes(), Record)
    blobs = BlobStore(cache)
    with DigestCache(cache / "no folder/index.sqlite", clock=lambda: 4e9) as index:
        made = replace(kept.made, at="2036-01-01T00:00:00+00:00")
        RecordStore(cache, blobs, index).add(replace(kept, outputs={"clip": blobs.put_bytes(b"another")}, made=made))
    assert at_a_glance(film, "--json")
    short = ask(film, "build", "--json").data
    with mock.patch("storyboard.fastpath.noop.noop_answer", return_value=None):
        long = ask(film, "build", "--json").data
    for one in (short, long):
        one.pop("seconds")
        one["reused"].sort()  # steps end in no fixed order
    assert short == long


@pytest.mark.parametrize("words", [[], ["-q"], ["-v"], ["--json"], ["--json", "-q"]], ids=" ".join)
@pytest.mark.parametrize("env", [{}, {"STORYBOARD_JSON": "1"}, {"STORYBOARD_QUIET": "yes"}], ids=str)
def test_the_answer_is_that_of_a_build_that_looks_at_everything(
    film: Path, words: list[str], env: dict[str, str]
) -> None:
    ask(film, "build", env=env)
    assert at_a_glance(film, *words, env=env)
    short = ask(film, "build", *words, env=env)
    with mock.patch("storyboard.fastpath.noop.noop_answer", return_value=None):
        whole = ask(film, "build", *words, env=env)
    assert "long-chain" in whole.out + whole.err or "-q" in words or "STORYBOARD_QUIET" in env
    if short.out.startswith("{"):
        answers = [json.loads(ran.out) for ran in (short, whole)]
        for one in answers:
            assert 0 < one["data"].pop("seconds") < 60
            one["data"]["reused"].sort()  # steps end in no fixed order
        assert answers[0] == answers[1]
    else:
        assert sorted(short.out.splitlines()) == sorted(whole.out.splitlines())
    heard = [line for line in whole.err.splitlines() if not line.startswith("reused")]
    assert short.err.splitlines() == heard
    assert short.code == whole.code == 0


def test_a_build_that_made_something_leaves_the_answer_of_the_next_one(film: Path) -> None:
    (film / "scenes/two.yaml").write_text(TWO.replace("rain", "snow") + CHAIN_LEFT)
    assert "2 changed" in ask(film, "build").out
    assert at_a_glance(film)
    short = ask(film, "build", "-v")
    with mock.patch("storyboard.fastpath.noop.noop_answer", return_value=None):
        whole = ask(film, "build", "-v")
    assert sorted(short.out.splitlines()) == sorted(whole.out.splitlines())


def test_a_build_that_copies_takes_leaves_the_answer_of_the_next_one(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refuse)
    (film / "scenes/two.yaml").write_text(TWO.replace("rain", "snow") + CHAIN_LEFT)
    assert "2 takes were copied" in ask(film, "build").err
    assert at_a_glance(film)
    unlike(beside(film, "film.draft/c.mp4"))
    assert not at_a_glance(film)


def test_an_edit_in_the_very_moment_of_the_build_is_noticed(film: Path) -> None:
    path = film / "storyboard.yaml"
    for _ in range(3):
        with mock.patch("storyboard.fastpath.noop.noop_answer", return_value=None):
            assert ask(film, "build").code == 0
        unlike(path)
        assert not at_a_glance(film)
        unlike(path)


@pytest.mark.parametrize(("step_s", "is_noticed"), [(1, True), (2, True), (0, False)])
def test_an_edit_within_one_step_of_a_clock_of_whole_seconds_is_noticed(
    tmp_path: Path, step_s: int, is_noticed: bool
) -> None:
    """A file that was edited, read, and edited again in one second, and the clock's next step right after."""
    path, edited_s = tmp_path / "storyboard.yaml", 1_000_000
    path.write_text("the second edit")
    stamp = (15, edited_s * 10**9, edited_s * 10**9, 7)
    read = {os.fspath(path): (stamp, sha256(b"the first  edit").hexdigest())}
    now = (edited_s + step_s) * 10**9 if step_s else edited_s * 10**9 + 900_000_001  # a fine clock: nothing to doubt
    with (
        mock.patch.object(noop_proof, "clock", return_value=(now, path.stat().st_dev)),
        mock.patch.object(noop_proof, "stamp_of", return_value=stamp),
    ):
        assert noop_proof._is_proven(tmp_path, read, (), time.monotonic() - 0.5) is not is_noticed


@pytest.mark.parametrize("path", ["storyboard.yaml", "scenes/two.yaml", "pictures/river.png", "out/film.draft.mp4"])
def test_what_changes_while_a_build_runs_is_noticed(film: Path, path: str) -> None:
    real = FinishedBuild.next_result

    def edited(self: FinishedBuild) -> object:
        unlike(film / path)
        return real(self)

    shutil.rmtree(film.parent / ".storyboard/standing")
    with mock.patch.object(FinishedBuild, "next_result", edited):
        assert ask(film, "build").code == 0
    assert not at_a_glance(film)


@pytest.mark.parametrize("words", [["--remake", "a"], ["--partial", "-s", "nothing"]], ids=" ".join)
def test_a_build_that_does_not_end_in_rest_leaves_no_answer(film: Path, words: list[str]) -> None:
    ask(film, "build", *words)
    assert not at_a_glance(film, *words)


def test_a_failed_build_leaves_no_answer(film: Path) -> None:
    write_broken_clip(film)
    (film / "scenes/two.yaml").write_text(TWO + CHAIN_LEFT + "  - {id: e, clip: ../broken.mp4}\n")
    assert ask(film, "build").code == 1
    assert not at_a_glance(film)


def test_the_program_and_the_libraries_that_render_are_looked_at(film: Path) -> None:
    note = youngest_note(film)
    named = note.read_bytes()
    package = Path(entry.__file__).parents[1]
    wanted = [*package.rglob("*.py"), *package.rglob("*.json"), *(HERE / "schemas").glob("*.json")]
    assert [path for path in wanted if os.fsencode(path) not in named] == []
    for library in (b"moviepy", b"av", b"pillow"):
        # the last path stands right before how all of them looked
        assert re.search(library + rb"-[^\0/]*/METADATA", named, re.IGNORECASE)


def test_another_version_of_a_library_is_noticed(film: Path, tmp_path: Path) -> None:
    info = tmp_path / "moviepy.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Version: 1.0")
    file = SimpleNamespace(name="METADATA", locate=lambda: info / "METADATA")
    fake = SimpleNamespace(files=[file], locate_file=lambda name: info)
    with (
        mock.patch.object(noop_proof, "distribution", return_value=fake),
        mock.patch("storyboard.fastpath.noop.noop_answer", return_value=None),
    ):
        assert ask(film, "build").code == 0
    assert at_a_glance(film)
    (info / "METADATA").write_text("Version: 1.1")
    assert not at_a_glance(film)


def test_a_program_installed_just_now_leaves_no_answer(film: Path) -> None:
    shutil.rmtree(film.parent / ".storyboard/standing")
    with mock.patch.object(noop_proof, "_LOADING_NS", 10**19):
        assert ask(film, "build").code == 0
    assert not at_a_glance(film)


def test_a_damaged_note_costs_time_and_nothing_else(film: Path) -> None:
    note = youngest_note(film)
    good = note.read_bytes()
    for place in (*range(0, 80, 3), *range(80, len(good), len(good) // 60)):
        note.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        assert not at_a_glance(film)
    for cut in (0, 1, 30, 90, len(good) - 1):
        note.write_bytes(good[:cut])
        assert not at_a_glance(film)
    note.unlink()
    note.mkdir()
    assert not at_a_glance(film)
    assert "nothing to do" in ask(film, "build").out


def test_only_the_youngest_notes_are_kept(film: Path) -> None:
    for jobs in range(1, 12):
        assert ask(film, "build", "-j", str(jobs)).code == 0
    assert len(list((film.parent / ".storyboard/standing").iterdir())) == 8
    assert at_a_glance(film, "-j", "11")


def test_a_film_is_known_from_wherever_it_is_named(film: Path) -> None:
    assert ask(film.parent, "build", "film").code == 0
    assert at_a_glance(film.parent, "film")
    assert at_a_glance(film)
    (film.parent / "link").symlink_to("film")
    assert ask(film.parent, "build", "link").code == 0
    assert at_a_glance(film.parent, "link")
    shutil.copytree(film, film.parent / "other", symlinks=True)
    (film.parent / "link").unlink()
    (film.parent / "link").symlink_to("other")
    assert not at_a_glance(film.parent, "link")


def test_other_verbs_and_words_are_never_answered(film: Path) -> None:
    with contextlib.chdir(film):
        for words in ([], ["plan"], ["build", "--help"], ["--help"], ["status"]):
            assert noop_answer(words) is None


def test_the_version_is_the_same_with_and_without_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["--version"]) == main.run(["--version"]) == 0
    assert capsys.readouterr().out == f"storyboard {__version__}\n" * 2


def test_a_reader_who_has_gone_is_no_bug(film: Path) -> None:
    program = "import sys; from storyboard.cli.entry import run; sys.exit(run(['--version']))"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", program], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


HEAVY = {"av", "httpx", "jsonschema", "moviepy", "networkx", "numpy", "PIL", "rich"}
READING = HEAVY | {"asyncio", "filelock"}


def loaded(film: Path, *words: str, tiny: bool = True) -> set[str]:
    """The modules that a run of the program has loaded in the end."""
    program = (
        "import sys; before = set(sys.modules); known = 'from tests import tiny; tiny.install()'\n"
        f"exec(known if {tiny} else '')\n"
        "from storyboard.cli.entry import run; code = run(sys.argv[1:])\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=film,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def wait_until_the_program_has_settled() -> None:
    """A build leaves no note while the program was installed in the last ten seconds."""
    newest = max(os.lstat(path).st_ctime_ns for path in noop_proof._program_paths())
    time.sleep(max(0, newest + 10_100_000_000 - time.time_ns()) / 1e9)


def test_a_build_with_nothing_to_do_loads_nothing(film: Path) -> None:
    wait_until_the_program_has_settled()
    loaded(film, "build")
    modules = loaded(film, "build", tiny=False)
    assert not modules & (READING | {"click", "json", "msgspec", "pathlib", "re", "sqlite3", "typing", "yaml"})
    assert {name for name in modules if name.startswith("storyboard.")} == {
        "storyboard.cli",
        "storyboard.cli.entry",
        "storyboard.cli.process",
        "storyboard.fastpath",
        "storyboard.fastpath.noop",
        "storyboard.searchpath",
        "storyboard.store",
        "storyboard.store.file_stamps",
    }


@pytest.mark.parametrize("verb", ["check", "plan"])
def test_reading_verbs_load_no_heavy_library(film: Path, verb: str) -> None:
    assert not loaded(film, verb) & (READING | {"concurrent.futures", "multiprocessing"})


def test_a_build_without_a_note_loads_no_library_that_draws_or_calls(film: Path) -> None:
    shutil.rmtree(film.parent / ".storyboard/standing")
    assert not loaded(film, "build", "-q") & (HEAVY - {"av"})


def test_settings_that_change_while_a_build_runs_are_noticed(film: Path, tmp_path: Path) -> None:
    config = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    settings = tmp_path / "config" / "storyboard" / "settings.toml"
    settings.parent.mkdir(parents=True)
    real = FinishedBuild.next_result

    def edited(self: FinishedBuild) -> object:
        settings.write_text("# another cache\n")
        return real(self)

    with mock.patch.object(FinishedBuild, "next_result", edited):
        assert ask(film, "build", env=config).code == 0
    assert not at_a_glance(film, env=config)
    assert ask(film, "build", env=config).code == 0
    assert at_a_glance(film, env=config)


def test_a_build_below_the_storyboard_says_at_a_glance_that_nothing_is_to_do(film: Path) -> None:
    assert ask(film / "scenes", "build").code == 0
    assert at_a_glance(film / "scenes")


@pytest.mark.parametrize("name", ["scenes/storyboard.yaml", "scenes/storyboard.yml", "storyboard.yml"])
def test_a_storyboard_that_appears_on_the_way_up_is_not_missed(film: Path, name: str) -> None:
    assert ask(film / "scenes", "build").code == 0
    assert at_a_glance(film / "scenes")
    (film / name).write_text("version: 1\n")
    assert not at_a_glance(film / "scenes")


def test_a_storyboard_under_the_other_name_is_not_missed(film: Path) -> None:
    (film / "storyboard.yml").write_text("version: 1\n")
    assert not at_a_glance(film)


def test_a_folder_that_appears_under_the_name_of_a_selected_shot_is_not_missed(film: Path) -> None:
    assert ask(film, "build", "a").code == 0
    assert at_a_glance(film, "a")
    (film / "a").mkdir()
    assert not at_a_glance(film, "a")
