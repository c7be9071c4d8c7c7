"""What ``--json`` prints is what ``schemas/envelope-1.schema.json`` says, for every verb, errors too."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from storyboard.cli.main import VERBS
from storyboard.cli.output import commands_for, with_storyboard
from tests.inside import Ran, run
from tests.media.sounds import tone, write_wav
from tests.project import CHAIN, HERE, Project, copied
from tests.runware_server.faults import FAULTS
from tests.shops import shop

SCHEMA = json.loads((HERE / "schemas" / "envelope-1.schema.json").read_text(encoding="utf-8"))
NO_JSON = {"schema", "completion", "watch"}


def closed(schema: Any) -> Any:
    """The schema without room for fields that it does not name, so that what is printed and what is said stay equal."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(item) for name, item in schema.items()}
    if "properties" in found and "required" in found and "additionalProperties" not in found:
        found["additionalProperties"] = False
    return found


STRICT = Draft7Validator(closed(copy.deepcopy(SCHEMA)))


def judged(ran: Ran) -> Any:
    """The envelope, which must be all of stdout and as the schema says."""
    content = json.loads(ran.out)
    problems = [f"{'/'.join(map(str, found.absolute_path))}: {found.message}" for found in STRICT.iter_errors(content)]
    assert problems == [], ran
    assert content["ok"] == (ran.code == 0)
    return content


pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project(tmp_path_factory.mktemp("template") / "film", repository=True)
    project.build()
    project.commit("First cut")
    return project.folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return copied(template, tmp_path / "film", repository=True)


def test_the_schema_is_a_schema_and_knows_every_verb() -> None:
    Draft7Validator.check_schema(SCHEMA)
    known = {name.removeprefix("data-") for name in SCHEMA["definitions"] if name.startswith("data-")}
    assert set(VERBS) - NO_JSON <= known


def test_the_strict_schema_refuses_a_field_that_nobody_wrote_down() -> None:
    content = {"schema_version": 1, "ok": True, "command": "init", "warnings": [], "errors": [], "next": []}
    assert STRICT.is_valid({**content, "data": {"written": []}})
    assert not STRICT.is_valid({**content, "data": {"written": [], "more": 1}})
    assert not STRICT.is_valid({**content, "data": {}})


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("check", "--locked"),
        ("plan",),
        ("plan", "--out", "plan.json"),
        ("build",),
        ("build", "--remake", "c"),
        ("status",),
        ("why", "a"),
        ("why", "sound"),
        ("diff",),
        ("diff", "HEAD"),
        ("log", "a"),
        ("ls",),
        ("view", "--path"),
        ("view", "a", "--path"),
        ("takes", "a"),
        ("take", "a", "-n", "2"),
        ("take", "a", "--write"),
        ("pick", "a", "1"),
        ("hold", "a"),
        ("release", "a"),
        ("cache", "dir"),
        ("cache", "ls"),
        ("cache", "verify"),
        ("cache", "gc"),
        ("cache", "gc", "--delete"),
        ("cost",),
        ("graph",),
        ("models",),
        ("doctor",),
        ("init", "another"),
    ],
    ids=" ".join,
)
def test_a_verb_that_does_what_it_is_asked_for(project: Project, words: tuple[str, ...]) -> None:
    content = judged(project.run(*words, "--json"))
    assert content["command"] == " ".join(words[: 2 if words[0] == "cache" else 1])
    assert content["data"] is not None


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("check",), 0),
        (("check", "--locked"), 7),
        (("build", "--locked"), 7),
        (("build", "--offline", "--provider", "runware"), 1),
        (("build", "--provider", "runware"), 5),
        (("build", "-s", "b"), 1),
        (("build", "--plan", "plan.json"), 1),
        (("plan",), 0),
        (("plan", "-s", "nope"), 2),
        (("status",), 0),
        (("why", "a"), 0),
        (("why", "b"), 0),
        (("why", "nope"), 2),
        (("diff",), 0),
        (("diff", "nope"), 2),
        (("log", "a"), 0),
        (("log", "nope"), 2),
        (("takes", "a"), 0),
        (("takes", "nope"), 2),
        (("take", "a"), 0),
        (("take", "b"), 1),
        (("take", "nope"), 2),
        (("drop", "nope", "1"), 2),
        (("drop", "a", "1"), 2),
        (("pick", "a", "1"), 1),
        (("pick", "a", "1", "--hold"), 0),
        (("pick", "a", "9"), 2),
        (("hold", "a"), 0),
        (("hold", "nope"), 2),
        (("release", "nope"), 2),
        (("accept", "a"), 0),
        (("accept", "c"), 1),
        (("accept", "nope"), 2),
        (("cache", "nope"), 2),
        (("init", "."), 2),
        (("models", "nope"), 2),
        (("nope",), 2),
    ],
    ids=str,
)
def test_a_verb_over_a_film_that_has_changed(project: Project, words: tuple[str, ...], code: int) -> None:
    assert project.run("plan", "--out", "plan.json").code == 0
    project.edit("at night", "at noon")
    ran = project.run(*words, "--json")
    assert ran.code == code, ran
    content = judged(ran)
    if code:
        assert content["next"] != []


@pytest.mark.parametrize(
    "verb", ["check", "plan", "build", "status", "why a", "diff", "log a", "takes a", "cache gc", "graph"]
)
def test_a_storyboard_with_mistakes(project: Project, verb: str) -> None:
    project.edit("seed: 5", "sede: 5")
    ran = project.run(*verb.split(), "--json")
    assert ran.code == 3
    content = judged(ran)
    assert content["errors"][0]["place"]["file"] == "storyboard.yaml"
    first = f"storyboard --explain {content['errors'][0]['code']}"
    assert content["next"] == ([] if verb == "check" else ["storyboard check"]) + [first]


@pytest.mark.parametrize("verb", ["check --locked", "plan", "build", "status", "why a", "diff", "log a", "cache gc"])
def test_a_lockfile_with_a_conflict(project: Project, verb: str) -> None:
    lock = project.folder / "storyboard.lock"
    lock.write_text("<<<<<<< HEAD\n" + lock.read_text())
    ran = project.run(*verb.split(), "--json")
    assert ran.code == 1
    assert judged(ran)["next"] != []


def test_a_take_that_comes_in_the_place_of_another(project: Project) -> None:
    project.edit("id: a, prompt: a river at night, seed: 3", "id: a, prompt: a river at night, takes: [3, 7], pick: 3")
    assert judged(project.run("pick", "a", "7", "--json"))["data"]["take"] is None
    made = judged(project.run("build", "--json"))
    assert made["data"]["film"] is not None
    assert judged(project.run("release", "a", "--json"))["data"]["hold"] is False
    dropped = judged(project.run("drop", "a", "3", "--json"))["data"]
    assert (dropped["dropped"], dropped["seeds"]) == ([3], [7])
    assert judged(project.run("drop", "a", "7", "--json"))["errors"][0]["code"] == "picked-seed"
    project.edit("takes: [7], pick: 7", "takes: [3, 7], pick: 3")
    chosen = judged(project.run("build", "--json"))["data"]["chosen"]
    assert [one["shot"] for one in chosen] == ["a", "b"]


def test_a_film_with_music(project: Project) -> None:
    write_wav(project.folder / "music.wav", tone(1, 300, 0.1))
    project.edit("scenes:", "audio: [music.wav]\nscenes:")
    assert judged(project.run("build", "--json"))["data"]["films"][0]["sound"] is not None
    kinds = {item["kind"] for item in judged(project.run("cache", "ls", "--json"))["data"]["items"]}
    assert kinds >= {"take", "sound", "loose"}
    assert "1 other file" in project.run("cache", "ls").out
    assert judged(project.run("why", "sound", "--json"))["data"]["action"] == "sound"


def test_without_git(project: Project) -> None:
    shutil.rmtree(project.folder / ".git")
    for words in (("diff",), ("log", "a")):
        assert judged(project.run(*words, "--json"))["errors"][0]["code"] == "git"


def test_a_damaged_cache(project: Project) -> None:
    blob = next(iter(project.blobs.values()))
    blob.chmod(0o644)
    blob.write_bytes(b"something else")
    ran = project.run("cache", "verify", "--json")
    assert ran.code == 1
    judged(ran)


def test_a_system_error_and_a_bug_are_envelopes_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from storyboard.core.graph import Graph

    for problem, code in ((OSError(28, "No space left on device"), "system"), (ZeroDivisionError(), "bug")):

        def fail(*_: object, problem: Exception = problem) -> None:
            raise problem

        monkeypatch.setattr(Graph, "__init__", fail)
        ran = project.run("graph", "--json")
        assert ran.code == 1
        assert judged(ran)["errors"][0]["code"] == code


def test_an_error_after_the_result_adds_no_second_envelope(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from storyboard.cli.output import CommandOutput

    real = CommandOutput.result

    def result(self: CommandOutput, *words: Any, **named: Any) -> None:
        real(self, *words, **named)
        raise OSError(28, "No space left on device", "builder.lock")

    monkeypatch.setattr(CommandOutput, "result", result)
    ran = project.run("graph", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["command"] == "graph"  # one document
    assert "builder.lock: No space left on device" in ran.err


def test_a_paid_build_its_refusals_and_its_failures(tmp_path: Path) -> None:
    with shop() as server:
        project = Project(tmp_path / "film", CHAIN, server=server)
        environment = project.settings()

        def sb(*words: str, **settings: str) -> Ran:
            return run(project.folder, {**environment, **settings}, *words)

        assert judged(sb("build", "--json", RUNWARE_API_KEY=""))["errors"][0]["code"] == "auth"
        assert judged(sb("build", "--json", STORYBOARD_YES="0"))["errors"][0]["code"] == "unconfirmed"
        over = judged(sb("build", "--json", STORYBOARD_MAX_COST="0.13"))
        assert {error["code"] for error in over["errors"]} >= {"over-budget"}
        done = judged(sb("build", "--json"))
        assert done["data"]["film"] == "out/film.mp4"
        over = judged(sb("take", "a", "-n", "2", "--json", STORYBOARD_MAX_COST="0.13"))
        assert len(over["data"]["unmade"]) == 1
        for words in (("why", "a"), ("takes", "a"), ("cache", "ls"), ("cost",), ("status",), ("plan",)):
            judged(sb(*words, "--json"))


def test_next_names_the_storyboard_that_the_verb_was_about(project: Project) -> None:
    folder = project.folder / "my films"
    folder.mkdir()
    shutil.copy(project.folder / "storyboard.yaml", folder / "storyboard.yaml")
    assert judged(project.run("plan", "my films", "--json"))["next"] == ["storyboard build 'my films'"]
    assert with_storyboard(["storyboard log a", "git diff"], "x.yaml") == ["storyboard log a x.yaml", "git diff"]
    assert judged(project.run("takes", "a", "my films", "--json"))["next"] == ["storyboard take a 'my films'"]


def test_what_helps_after_several_errors_is_said_once() -> None:
    assert commands_for(["auth", "codec", "never-heard-of"]) == ["storyboard build --draft", "storyboard doctor"]


def test_json_asked_for_by_the_environment_holds_for_mistakes_of_the_command_line(project: Project) -> None:
    ran = project.run("why", "nope", env={"STORYBOARD_JSON": "1"})
    assert judged(ran)["errors"][0]["code"] == "usage"


# Command lines of every verb. "FILM" stands for the storyboard; a film is broken in one way before they run.
EVERY_VERB = (
    """\
init .|check|check --locked|plan|plan -s a|build|build -s a|build --locked|build --offline|build --partial
build --provider runware|build --provider runware --yes --max-cost 5|build --draft -j 2|status|why a|diff|diff HEAD
log a|takes a|take a|take b -n 2|pick a 1|pick a 9|drop a 3|hold a|release a|accept a|accept c|cache verify|cache gc
cache ls|cost|graph|doctor|check nope|plan nope|build nope|nope|build --nope|take nope|pick nope 1|why nope|log nope
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
BROKEN = {
    "mistake": lambda film: film.edit("seed: 5", "sede: 5"),
    "conflict": lambda film: (film.folder / "storyboard.lock").write_text("<<<<<<< HEAD\n"),
    "no file": lambda film: film.file.unlink(),
    "no git": lambda film: shutil.rmtree(film.folder / ".git"),
    "changed": lambda film: film.edit("at night", "at noon"),
    "no cache": lambda film: shutil.rmtree(film.folder / ".storyboard/cache"),
    "damaged": lambda film: [(path.chmod(0o644), path.write_bytes(b"?")) for path in film.blobs.values()],
}
NEUTRAL = {"--yes", "--max-cost", "5", "-j", "2"}


def names_itself(command: str, ran: Ran) -> list[str]:
    """The commands that an envelope of an error proposes and that have just failed."""
    content = judged(ran)
    run = set(command.split())
    proposed = {one: set(one.split()) - {"storyboard"} for one in content["next"]}
    return [] if content["ok"] else [one for one, words in proposed.items() if run - NEUTRAL <= words <= run]


@pytest.mark.parametrize("broken", BROKEN)
def test_no_verb_that_has_failed_is_what_its_answer_proposes_next(project: Project, broken: str) -> None:
    BROKEN[broken](project)
    failed = 0
    for command in EVERY_VERB:
        ran = project.run(*command.split(), "--json")
        failed += ran.code != 0
        assert names_itself(command, ran) == [], command
    assert failed > 10


def test_no_paid_build_that_has_failed_is_what_its_answer_proposes_next(tmp_path: Path) -> None:
    with shop() as server:
        project = Project(tmp_path / "film", CHAIN, server=server, inside=True)
        settings = {"STORYBOARD_YES": "0"}
        faults = ("poll-error-in-data", "poll-moderated", "download-html", "submit-400", "submit-401", "submit-402")
        for command, fault in [*(("build -s a", fault) for fault in faults), ("build", ""), ("take a", "")]:
            if fault in FAULTS:
                server.arm(fault)
            ran = project.run(*command.split(), "--json", env={} if fault else settings)
            server.disarm()
            assert names_itself(command, ran) == [], (command, fault)
        refused = judged(project.run("build", "--json", env=settings))
        assert "storyboard build --yes --max-cost DOLLARS" in refused["next"]
        project.run("build", "--remake", "a", "--json")
        for command, change in (
            ("build", lambda: shutil.rmtree(project.folder / ".storyboard/cache")),
            ("build --max-cost 5", lambda: server.shop.jobs.clear()),
        ):
            change()
            ran = project.run(*command.split(), "--json", env={"RUNWARE_API_KEY": ""})
            assert ran.code == 5
            assert names_itself(command, ran) == []
        ran = project.run("build", "--json")
        assert ran.code == 8
        assert "storyboard build --remake a" in judged(ran)["next"]
        assert names_itself("build", ran) == []
        assert "storyboard build --remake c" not in judged(project.run("build", "--remake", "c", "--json"))["next"]


def warned(ran: Ran) -> set[str]:
    return {warning["code"] for warning in judged(ran)["warnings"]}


def test_captions_that_were_not_written_are_in_json_and_under_quiet_too(project: Project) -> None:
    project.edit("seed: 3", "seed: 3, caption: Night")
    (project.folder / "out/film.draft.srt").write_text("mine")
    ran = project.run("build", "-q")
    assert "warning[captions-not-written]: " in ran.err
    for _ in range(2):
        assert warned(project.run("build", "--json")) == {"captions-not-written"}
    (project.folder / "out/film.draft.srt").unlink()
    for _ in range(2):
        assert warned(project.run("build", "--json")) == set()


def test_warnings_about_the_storyboard_are_printed_under_quiet_too(project: Project) -> None:
    project.edit("seed: 5", "takes: [5], seed: 6")
    for words in (("build", "-q"), ("build", "-q"), ("check", "-q")):
        ran = project.run(*words)
        assert ran.err.count("warning[") == 1, ran
    assert project.run("take", "c", "-q").err.count("warning[") == 1


def test_what_is_noted_about_a_bought_take_is_in_json_and_not_repeated(tmp_path: Path) -> None:
    with shop() as server:
        project = Project(tmp_path / "film", CHAIN, server=server, inside=True)
        server.arm("poll-seed-other")
        assert warned(project.run("build", "--json")) == {"odd-result"}
        assert warned(project.run("build", "--json")) == set()
        server.arm("poll-cost-tenfold", nth=1)
        ran = project.run("build", "-q", "--remake", "c")
        assert "warning[odd-result]: c: $1.20 was charged, but $0.12 was estimated" in ran.err


def test_every_warning_of_a_verb_is_printed_and_in_its_envelope() -> None:
    """``CommandOutput.warn`` does both; ``doctor`` prints its warnings in its table."""
    places = [
        path.name
        for path in (HERE / "storyboard/cli").rglob("*.py")
        if "warnings.append" in path.read_text() or "warnings +=" in path.read_text()
    ]
    assert sorted(places) == ["doctor.py", "output.py", "project.py"]
