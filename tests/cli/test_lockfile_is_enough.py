"""Whatever the lockfile names is used where its bytes are, and fetched by exactly its task id elsewhere: for nothing.

After every verb that changes which take a shot has, other copies of the project build the same film from what was
committed: a clone with a cache of its own from before, one without any, one that has lost its cache or its records.
"""

import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import tool
from tests.inside import at_work
from tests.project import Project, digest
from tests.runware_server.server import RunwareServer
from tests.shops import shop

OFFLINE = "cannot build offline: `a`, `b` and `c` need a remote provider"
FILM = """\
scenes:
  - id: one
    shots:
      - id: a
        prompt: a river at night
        seed: 3
      - id: b
        prompt: a forest at dawn
        seed: 4
        first_frame: {shot: a, at: last}
  - id: two
    shots:
      - id: c
        prompt: a city in the rain
        seed: 5
"""


class Studio:
    """One film in git with its author, the copies that others have of it, and the bill."""

    def __init__(self, folder: Path, server: RunwareServer) -> None:
        self.server = server
        self.folder = folder
        self.author = Project(folder / "author", FILM, server=server, inside=True)
        (self.author.folder / ".gitignore").write_text(".storyboard/\nout/\n")
        self.author.git("init", "-qb", "main")
        self.author.built()
        self.author.commit("first")
        self.colleague = self.clone("colleague")
        self.colleague.built()

    def desk(self, name: str) -> Project:
        return Project(self.folder / name, None, server=self.server, inside=True)

    def clone(self, name: str) -> Project:
        self.author.git("clone", "-q", str(self.author.folder), str(self.folder / name))
        return self.desk(name)

    def copy(self, name: str) -> Project:
        """The author's own folder, with all that git does not hold."""
        shutil.copytree(self.author.folder, self.folder / name, symlinks=True)
        return self.desk(name)

    @property
    def bill(self) -> list[str]:
        return [line["task_id"] for line in self.server.bill]

    @property
    def lock(self) -> bytes:
        return (self.author.folder / "storyboard.lock").read_bytes()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    tool("git")
    with shop() as server, at_work(11, 12, 13, 14):
        yield Studio(tmp_path, server)


def edit_and_build(desk: Project, old: str, new: str) -> None:
    desk.edit(old, new)
    desk.built()


def edit_and_accept(desk: Project, old: str, new: str, name: str) -> None:
    desk.edit(old, new)
    desk.said("accept", name)


def hold_and_edit(desk: Project, name: str, old: str, new: str) -> None:
    desk.said("hold", name)
    desk.edit(old, new)


def release_and_accept(desk: Project) -> None:
    hold_and_edit(desk, "c", "in the rain", "in the rain,")
    desk.said("release", "c")
    desk.said("accept", "c")


def take_and_pick(desk: Project, name: str) -> None:
    desk.data("take", name)
    desk.said("pick", name, "11")
    desk.built()


def pick_without_building(desk: Project) -> None:
    desk.data("take", "c")
    desk.said("pick", "c", "11")


def remake_and_pick_the_old_one(desk: Project, name: str) -> None:
    old = desk.in_cut(name)
    desk.built("--remake", name)
    desk.said("pick", name, old[:12])
    desk.built()


def remake_and_accept(desk: Project, name: str, old: str, new: str) -> None:
    desk.built("--remake", name)
    edit_and_accept(desk, old, new, name)


def remake_and_hold(desk: Project, name: str, old: str, new: str) -> None:
    desk.built("--remake", name)
    hold_and_edit(desk, name, old, new)


def accept_and_hold(desk: Project) -> None:
    edit_and_accept(desk, "a river", "one river", "a")
    hold_and_edit(desk, "a", "one river", "two rivers")


def pick_an_old_take_and_hold_it(desk: Project) -> None:
    old = desk.in_cut("c")
    edit_and_build(desk, "in the rain", "in the snow")
    desk.said("pick", "c", old[:12], "--hold")
    desk.built()


def rename_and_build(desk: Project) -> None:
    desk.built("--remake", "c")
    edit_and_build(desk, "id: c", "id: city")


def hold_a_longer_take(desk: Project) -> None:
    hold_and_edit(desk, "a", "seed: 3", "seed: 3\n        duration: 2")


def accept_a_longer_take(desk: Project) -> None:
    edit_and_accept(desk, "seed: 3", "seed: 3\n        duration: 2", "a")


def twins_with_takes_of_their_own(desk: Project) -> None:
    """Two shots that ask for the same, each with another answer in the cut."""
    twin = "      - id: d\n        prompt: a city in the rain\n        seed: 5\n"
    desk.file.write_text(desk.file.read_text() + twin)
    desk.built()
    desk.built("--remake", "d")


VERBS: dict[str, Callable[[Project], object]] = {
    "build": lambda desk: None,
    "edit": lambda desk: edit_and_build(desk, "in the rain", "in the snow"),
    "edit of what another starts from": lambda desk: edit_and_build(desk, "at night", "at noon"),
    "accept": lambda desk: edit_and_accept(desk, "in the rain", "in the rain,", "c"),
    "accept of what another starts from": lambda desk: edit_and_accept(desk, "a river", "a river,", "a"),
    "accept of what starts from another": lambda desk: edit_and_accept(desk, "a forest", "a forest,", "b"),
    "accept of another length": accept_a_longer_take,
    "hold": lambda desk: hold_and_edit(desk, "c", "in the rain", "in the snow"),
    "hold of what another starts from": lambda desk: hold_and_edit(desk, "a", "at night", "at noon"),
    "hold of what starts from another": lambda desk: hold_and_edit(desk, "b", "at dawn", "at noon"),
    "hold of another length": hold_a_longer_take,
    "release": release_and_accept,
    "take": lambda desk: desk.data("take", "c", "-n", "2"),
    "pick": pick_without_building,
    "pick and build": lambda desk: take_and_pick(desk, "c"),
    "pick of what another starts from": lambda desk: take_and_pick(desk, "a"),
    "pick of an old take": pick_an_old_take_and_hold_it,
    "remake": lambda desk: desk.built("--remake", "c"),
    "remake of what another starts from": lambda desk: desk.built("--remake", "a"),
    "remake and pick": lambda desk: remake_and_pick_the_old_one(desk, "a"),
    "remake and accept": lambda desk: remake_and_accept(desk, "a", "a river", "a river,"),
    "remake and hold": lambda desk: remake_and_hold(desk, "a", "at night", "at noon"),
    "accept and hold": accept_and_hold,
    "rename": rename_and_build,
    "twins": twins_with_takes_of_their_own,
}
# Takes beside the cut are named by no lockfile: a plan prices them, and a build finds them by their ids.
BESIDE = {"take": 2, "pick": 1, "pick and build": 1, "pick of what another starts from": 1}


def a_cache_from_before(studio: Studio) -> Project:
    studio.colleague.git("pull", "-q")
    return studio.colleague


def no_cache(studio: Studio) -> Project:
    return studio.clone("empty")


def a_lost_cache(studio: Studio) -> Project:
    desk = studio.copy("lost")
    shutil.rmtree(desk.folder / ".storyboard")
    desk.film.unlink()  # no build without the state that names it replaces it
    return desk


def a_copied_cache(studio: Studio) -> Project:
    desk = studio.clone("copied")
    shutil.copytree(studio.author.folder / ".storyboard/cache", desk.folder / ".storyboard/cache")
    return desk


def lost_records(studio: Studio) -> Project:
    desk = studio.copy("records")
    shutil.rmtree(desk.folder / ".storyboard/cache/records")
    return desk


PLACES: dict[str, Callable[[Studio], Project]] = {
    "a cache from before": a_cache_from_before,
    "no cache": no_cache,
    "a lost cache": a_lost_cache,
    "a copied cache": a_copied_cache,
    "lost records": lost_records,
}


def in_cut(desk: Project) -> dict[str, str]:
    """The bytes of every shot in the cut, as they lie beside the film."""
    return {shot: digest(desk.folder / f"out/film/{shot}.mp4") for shot in locked(desk)}


def locked(desk: Project) -> dict[str, str]:
    return {shot: entries["runware"]["take"] for shot, entries in desk.lock().items() if shot != "~"}


@pytest.mark.sweep
@pytest.mark.parametrize("verb", VERBS)
def test_others_build_the_same_film_for_nothing(studio: Studio, verb: str) -> None:
    VERBS[verb](studio.author)
    studio.author.git("add", "-A")
    studio.author.git("commit", "-q", "--allow-empty", "-m", verb)
    bill, lock = studio.bill, studio.lock
    for place, other in PLACES.items():
        desk = other(studio)
        plan = desk.data("plan")
        beside = sum(step["kind"] == "take" and "#" in step["action"] for step in plan["steps"])
        prices = {step["action"]: step["cost"] for step in plan["steps"] if Decimal(step["cost"])}
        assert all("#" in name for name in prices), (place, prices)
        assert len(prices) <= beside <= BESIDE.get(verb, 0), (place, prices)
        assert desk.run("check", "--locked").code == 0, place
        built = desk.data("build")
        assert Decimal(built["cost"]) == 0, place
        assert in_cut(desk) == locked(desk), place
        assert (desk.folder / "storyboard.lock").read_bytes() == lock, place
        assert studio.bill == bill, place
        assert desk.data("plan")["nothing_to_do"], place
        assert desk.git("status", "--porcelain") == "", place
    ci = studio.clone("ci")
    ran = ci.run("build", "--locked", env={"STORYBOARD_YES": "", "STORYBOARD_MAX_COST": "0"})
    assert ran.code == 0, ran
    assert in_cut(ci) == locked(ci)
    assert studio.bill == bill
    assert studio.lock == lock == (ci.folder / "storyboard.lock").read_bytes()


def accepted(studio: Studio) -> None:
    """The author has accepted the take of `c` for another text, and committed that."""
    edit_and_accept(studio.author, "in the rain", "in the rain,", "c")
    studio.author.commit("accepted")


def remade(studio: Studio, *shots: str) -> None:
    for shot in shots:
        studio.author.built("--remake", shot)
    studio.author.commit("remade")


def forgotten(studio: Studio, *shots: str) -> None:
    """The provider does not know the tasks of these locked takes any more."""
    for shot in shots:
        del studio.server.shop.jobs[studio.author.lock()[shot]["runware"]["task_id"]]


def files(desk: Project) -> dict[str, bytes]:
    found = [path for path in desk.folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path.relative_to(desk.folder)): path.read_bytes() for path in found}


# what is here


def test_reading_verbs_find_by_the_lockfile_what_no_record_tells_and_write_nothing(studio: Studio) -> None:
    accepted(studio)
    desk = lost_records(studio)
    before, asked = files(desk), len(studio.server.requests)
    same = "reuse: unchanged"
    assert desk.plan() == {"a": same, "b": same, "c": f"{same}; accepted for this request"}
    states = {one["shot"]: (one["state"], one["take"] == one["locked"]) for one in desk.data("status")["shots"]}
    assert states == dict.fromkeys("abc", ("up to date", True))
    [take] = desk.takes("c")
    assert (take["seed"], take["cost"], take["accepted"]) == (5, "0.12", True)
    assert (take["in_cut"], take["in_cache"], take["differs"]) == (True, True, [])
    entry = desk.lock()["c"]["runware"]
    why = desk.data("why", "c")
    assert (why["do"], why["made"]["task_id"], why["made"]["cost"]) == ("reuse", entry["task_id"], entry["cost"])
    assert why["request"]["prompt"] == "a city in the rain,"
    assert f"take {entry['take'][:12]}, 1 s, made by runware, seed 5, $0.12" in desk.said("why", "c")
    assert desk.run("check", "--locked").code == 0
    assert files(desk) == before
    assert len(studio.server.requests) == asked


def test_a_build_keeps_a_record_of_what_it_found_by_the_lockfile(studio: Studio) -> None:
    accepted(studio)
    entry = studio.author.lock()["c"]["runware"]
    desk = a_cache_from_before(studio)
    asked = len(studio.server.requests)
    assert desk.built("--offline") == []
    assert len(studio.server.requests) == asked
    made = desk.data("why", "c")["made"]
    assert (made["task_id"], made["cost"], made["seed"]) == (entry["task_id"], entry["cost"], entry["seed"])
    assert made["note"] == "accepted"
    (desk.folder / "storyboard.lock").unlink()
    assert desk.plan()["c"] == "reuse: in the cache; accepted for this request"
    assert desk.built() == []
    assert desk.lock()["c"]["runware"] == entry


def test_a_take_without_a_record_is_named_by_pick_with_where_it_came_from(studio: Studio) -> None:
    desk = lost_records(studio)
    before = studio.lock
    desk.said("pick", "c", desk.in_cut("c")[:12])
    assert (desk.folder / "storyboard.lock").read_bytes() == before
    desk.said("hold", "c")
    desk.edit("in the rain", "in the snow")
    assert desk.plan()["c"] == "held: held"
    [take] = desk.takes("c")
    assert [one["field"] for one in take["differs"]] == ["request"]
    desk.said("accept", "c")
    entry = desk.lock()["c"]["runware"]
    old = studio.author.lock()["c"]["runware"]
    assert {name for name in entry if entry[name] != old[name]} == {"key"}


def test_cache_gc_keeps_a_take_that_only_the_lockfile_names(studio: Studio) -> None:
    for desk in (lost_records(studio), studio.colleague):
        blobs = {entry["runware"]["take"] for name, entry in desk.lock().items() if name != "~"}
        shutil.rmtree(desk.folder / ".storyboard/cache/records", ignore_errors=True)
        assert desk.run("cache", "gc", "--paid", "--delete").code == 0
        assert blobs <= set(desk.blobs)
        assert desk.data("build", "--offline")["cost"] == "0"


def test_a_damaged_take_without_a_record_is_fetched(studio: Studio) -> None:
    accepted(studio)
    desk = a_cache_from_before(studio)
    blob = desk.blobs[desk.lock()["c"]["runware"]["take"]]
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(data)
    bill = studio.bill
    assert desk.built() == ["take:c"]
    assert in_cut(desk) == locked(desk)
    assert studio.bill == bill


def test_a_version_of_old_comes_back_where_its_records_were_lost(studio: Studio) -> None:
    desk = studio.author
    film = desk.film.read_bytes()
    edit_and_build(desk, "at night", "at noon")
    desk.commit("noon")
    shutil.rmtree(desk.folder / ".storyboard/cache/records")
    desk.git("checkout", "-q", "HEAD~1")
    assert desk.data("plan")["cost"] == "0"
    desk.built("--offline")
    assert desk.film.read_bytes() == film
    assert desk.git("status", "--porcelain") == ""


def test_two_branches_that_each_accepted_a_shot_merge_into_what_others_build_for_nothing(studio: Studio) -> None:
    desk = studio.author
    for name, old, new in (("a", "a river", "a river,"), ("c", "in the rain", "in the rain,")):
        desk.git("checkout", "-q", "-b", f"branch-{name}", "main")
        edit_and_accept(desk, old, new, name)
        desk.commit(f"accepted {name}")
    desk.git("merge", "-q", "branch-a", "-m", "both")
    bill, lock = studio.bill, studio.lock
    for place in (studio.clone("empty"), studio.clone("other"), desk):
        place.git("checkout", "-q", "branch-c")
        assert place.data("plan")["cost"] == "0"
        place.built()
        assert (place.folder / "storyboard.lock").read_bytes() == lock
    assert studio.bill == bill


def test_a_shot_that_was_renamed_and_not_built_brings_its_locked_take_along(studio: Studio) -> None:
    remade(studio, "c")
    take = studio.author.lock()["c"]["runware"]
    studio.author.edit("id: c", "id: city")
    studio.author.commit("renamed")
    bill = studio.bill
    for place in (studio.clone("empty"), lost_records(studio)):
        assert place.data("plan")["cost"] == "0"
        place.built()
        assert place.lock()["city"]["runware"] == take
    assert studio.bill == bill


# what has to be fetched


def test_what_is_fetched_counts_against_no_cap_and_what_is_bought_does(studio: Studio) -> None:
    desk = studio.clone("empty")
    desk.edit("in the rain", "in the snow")
    assert desk.data("plan")["cost"] == "0.12"
    built = desk.data("build", "--max-cost", "0.12")
    assert built["cost"] == "0.12"
    assert len(studio.bill) == 4


def test_a_plan_tells_what_is_fetched_and_the_build_that_it_was(studio: Studio) -> None:
    hold_and_edit(studio.author, "a", "at night", "at noon")
    studio.author.commit("held")
    desk = studio.clone("empty")
    tasks = {shot: desk.lock()[shot]["runware"]["task_id"][:8] for shot in ("a", "b", "c")}
    found = {
        shot: f"missing from this cache; bought before (task {task}): asked for first, free; another costs $0.12"
        for shot, task in tasks.items()
    }
    assert desk.plan() == {
        "a": f"resume: held; {found['a']}",
        "b": f"resume: {found['b']}",
        "c": f"resume: {found['c']}",
    }
    said = desk.said("plan")
    assert "Plan: 3 to resume; $0.00" in said
    assert {one["state"] for one in desk.data("status")["shots"]} == {"missing"}
    said = desk.said("build")
    assert "3 resumed" in said


def test_without_a_key_or_a_connection_nothing_is_fetched_and_nothing_made(studio: Studio) -> None:
    desk = studio.clone("empty")
    asked = len(studio.server.requests)
    ran = desk.run("build", env={"RUNWARE_API_KEY": ""})
    assert ran.code == 5
    assert desk.refused(1, "build", "--offline")["message"] == OFFLINE
    assert desk.refused(1, "build", "--locked", "--offline")["code"] == "offline"
    assert len(studio.server.requests) == asked


def test_a_plan_that_was_agreed_to_covers_what_is_fetched(studio: Studio) -> None:
    desk = studio.clone("empty")
    desk.said("plan", "--out", "plan.json")
    assert Decimal(desk.data("build", "--plan", "plan.json", "--yes")["cost"]) == 0
    assert in_cut(desk) == locked(desk)
    assert len(studio.bill) == 3


@pytest.mark.sweep
@pytest.mark.parametrize("memory", ["empty", "not-found"])
def test_a_locked_take_that_nobody_has_is_not_bought_again_unasked(studio: Studio, memory: str) -> None:
    studio.server._api._unknown = memory
    accepted(studio)
    forgotten(studio, "a", "c")
    bill, lock = studio.bill, studio.lock
    desk = studio.clone("empty")
    for words, code in ((("build",), 8), (("build", "--locked"), 7)):
        ran = desk.run(*words, "--json")
        assert ran.code == code
        assert set(ran.data["failed"]) == {"take:a", "take:c"}
        for shot in ("a", "c"):
            entry = desk.lock()[shot]["runware"]
            told = ran.data["failed"][f"take:{shot}"]
            for word in (
                entry["task_id"],
                entry["take"][:12],
                f"`--remake {shot}`",
                "$0.12",
                "is not in this cache, and runware",
            ):
                assert word in told
        assert studio.bill == bill
        assert (desk.folder / "storyboard.lock").read_bytes() == lock
    assert desk.plan()["b"] == "reuse: unchanged"
    desk.built("--remake", "c", "--select", "c")
    assert len(studio.bill) == len(bill) + 1


def test_what_starts_from_a_take_that_nobody_has_is_not_made_without_its_picture(studio: Studio) -> None:
    forgotten(studio, "a")
    desk = studio.clone("empty")
    desk.edit("a forest", "a deep forest")
    assert desk.plan()["b"] == "make: the request changed"
    ran = desk.run("build", "--json")
    assert ran.code == 8
    assert list(ran.data["failed"]) == ["take:a"]
    assert ran.data["blocked"]["take:b"] == "a failed"
    assert len(studio.bill) == 3


def test_a_held_take_that_nobody_has_is_not_bought_again_unasked(studio: Studio) -> None:
    hold_and_edit(studio.author, "c", "in the rain", "in the snow")
    studio.author.commit("held")
    forgotten(studio, "c")
    desk = studio.clone("empty")
    ran = desk.run("build", "--json")
    assert ran.code == 8
    assert "buy it again for $0.12 with `--remake c`" in ran.data["failed"]["take:c"]
    assert len(studio.bill) == 3
    desk.built("--remake", "c")
    assert len(studio.bill) == 4


def test_another_clip_under_the_same_task_is_told_and_does_not_replace_the_locked_one(studio: Studio) -> None:
    accepted(studio)
    entry = studio.author.lock()["c"]["runware"]
    job = studio.server.shop.jobs[entry["task_id"]]
    [order] = job.orders
    studio.server.clips._made[order] += (8).to_bytes(4, "big") + b"free"
    desk = studio.clone("empty")
    for words, code in ((("build",), 8), (("build", "--locked"), 7)):
        ran = desk.run(*words, "--json")
        assert ran.code == code
        assert list(ran.data["failed"]) == ["take:c"]
        assert (
            f"differs from the locked take {entry['take'][:12]}; the lockfile is unchanged"
            in ran.data["failed"]["take:c"]
        )
        assert (desk.folder / "storyboard.lock").read_bytes() == studio.lock
    [new] = [take["take"] for take in desk.takes("c") if take["in_cache"]]
    desk.said("pick", "c", new[:12])
    assert desk.lock()["c"]["runware"] == {**entry, "take": new, "frames": {}}
    desk.built("--offline")
    assert len(studio.bill) == 3


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["nonsense", "../../etc/passwd", "\\u001b[31m", ""])
def test_a_task_id_that_is_none_fails_its_own_shot_alone(studio: Studio, name: str) -> None:
    desk = studio.clone("empty")
    entry = desk.lock()["c"]["runware"]
    path = desk.folder / "storyboard.lock"
    path.write_text(path.read_text().replace(entry["task_id"], name))
    ran = desk.run("build", "--json")
    assert ran.code == (1 if name == "nonsense" else 8)  # the provider refuses a question about it
    assert list(ran.data["failed"]) == ["take:c"]
    assert "\x1b" not in desk.run("build").out
    assert len(studio.bill) == 3


def test_a_locked_take_without_a_task_is_not_made_again_unasked(studio: Studio) -> None:
    desk = studio.clone("empty")
    path = desk.folder / "storyboard.lock"
    path.write_text(path.read_text().replace(f'"{desk.lock()["c"]["runware"]["task_id"]}"', "null"))
    told = desk.plan()["c"]
    assert told.startswith("blocked: the locked take is not in this cache and has no task id to download it by")
    assert told.endswith("or make another take with `--remake`, for $0.12")
    assert desk.run("build").code == 8
    assert desk.run("build", "--locked").code == 7
    assert len(studio.bill) == 3
    path.write_text(studio.lock.decode())
    assert desk.built() == ["take:c", "cut"]


def test_a_frame_that_is_not_as_the_lockfile_says_buys_nothing_that_the_plan_did_not_tell(studio: Studio) -> None:
    """The lockfile agrees with itself about a picture that the take of `a` does not have."""
    desk = studio.clone("empty")
    path, lock = desk.folder / "storyboard.lock", desk.lock()
    path.write_text(path.read_text().replace(lock["a"]["runware"]["frames"]["last"], "0" * 64))
    [key] = [step["key"] for step in desk.data("plan")["steps"] if step["action"] == "take:b"]
    path.write_text(path.read_text().replace(lock["b"]["runware"]["key"], key))
    assert desk.run("check", "--locked").code == 0
    assert desk.data("plan")["cost"] == "0"
    ran = desk.run("build", "--json")
    assert ran.code == 8
    assert "at a price that was not in the plan; nothing was bought" in ran.data["failed"]["take:b"]
    assert len(studio.bill) == 3
    plan = desk.data("plan")
    assert desk.steps(plan)["b"] == "make: the request changed"
    assert plan["cost"] == "0.12"


def mixed(studio: Studio) -> Project:
    """A clone of a film whose first shot is drawn and the second bought, without any cache."""
    studio.author.edit("seed: 3\n", "seed: 3\n        provider: local\n")
    studio.author.built()
    studio.author.commit("drawn")
    return studio.clone("empty")


def test_what_was_bought_from_a_drawn_frame_is_fetched(studio: Studio) -> None:
    desk = mixed(studio)
    bill, lock = studio.bill, studio.lock
    assert desk.data("plan")["cost"] == "0"
    desk.built()
    assert studio.bill == bill
    assert (desk.folder / "storyboard.lock").read_bytes() == lock


def test_a_take_that_is_drawn_otherwise_here_is_told_and_what_starts_from_it_not_bought_unasked(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storyboard.animatic.request import Animatic
    from storyboard.engine import worker_tasks

    desk = mixed(studio)
    bill, real = studio.bill, worker_tasks.write_animatic

    def otherwise(request: Animatic, *rest: object) -> int:
        import msgspec

        return real(msgspec.structs.replace(request, prompt="something else"), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(worker_tasks, "write_animatic", otherwise)
    ran = desk.run("build")
    assert ran.code == 8
    old = studio.author.lock()["a"]["local"]["take"]
    assert f"differs from the locked take {old[:12]}" in ran.err
    assert studio.bill == bill
    assert desk.plan()["b"].startswith("make: ")
    assert Decimal(desk.data("plan")["cost"]) == Decimal("0.12")


@pytest.mark.sweep
@pytest.mark.parametrize("verb", ["accept", "hold", "remake of what another starts from"])
def test_a_take_is_fetched_from_the_archive_too(studio: Studio, verb: str) -> None:
    """There it stands with the request that it was made from, which is not the one that is asked now."""
    VERBS[verb](studio.author)
    studio.author.commit(verb)
    shop, bill = studio.server.shop, studio.bill
    shop.memory, shop.forget_after = "running", -60.0
    desk = studio.clone("empty")
    assert sorted(desk.data("build")["fetched"]) == ["take:a", "take:b", "take:c"]
    assert in_cut(desk) == locked(desk)
    assert studio.bill == bill


def test_the_build_after_one_that_found_by_the_lockfile_has_nothing_to_look_for(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storyboard.fastpath import noop_proof

    monkeypatch.setattr(noop_proof, "_LOADING_NS", 0)
    accepted(studio)
    desk = a_cache_from_before(studio)
    notes = desk.folder / ".storyboard/standing"
    shutil.rmtree(notes, ignore_errors=True)
    desk.said("build", "--offline")
    [note] = notes.glob("*.note")
    [record] = (desk.folder / ".storyboard/cache/records").glob(f"*/{desk.lock()['c']['runware']['key']}/*.json")
    assert str(record).encode() in note.read_bytes()
