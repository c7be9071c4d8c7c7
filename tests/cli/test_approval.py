"""The question before money is spent, its answer, and the exit codes of builds that wait for a decision."""

import os
import pty
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import pytest

from storyboard.providers import base
from storyboard.providers.runware.wire import Runware
from tests import tiny
from tests.inside import Ran, errors, hasty
from tests.project import CHAIN, Project
from tests.runware_server.server import RunwareServer


class Acme(Runware):
    name = "acme"
    key_variable = "ACME_API_KEY"


@pytest.fixture
def desk(server: RunwareServer, tmp_path: Path) -> Iterator[Project]:
    with hasty():
        yield Project(tmp_path / "film", server=server, inside=True)


def asked(project: Project, typed: str, *words: str, **settings: str) -> Ran:
    """A verb at a terminal, where *typed* is typed; stdout goes elsewhere."""
    control, terminal = pty.openpty()
    environment = project.environment({"STORYBOARD_YES": "0", "TERM": "dumb", **settings})
    with subprocess.Popen(
        project.command(*words),
        cwd=project.folder,
        env=environment,
        stdin=terminal,
        stderr=terminal,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        os.close(terminal)
        os.write(control, typed.encode())
        seen = b""
        try:
            while more := os.read(control, 65536):
                seen += more
        except OSError:  # the other end is closed
            pass
        out = running.communicate(timeout=90)[0]
    os.close(control)
    return Ran(running.returncode, out, seen.decode().replace("\r\n", "\n"))


@pytest.mark.parametrize("typed", ["n\n", "\n", "\x04"], ids=["no", "nothing", "end of input"])
@pytest.mark.parametrize("words", [("build",), ("take", "a")], ids=["build", "take"])
def test_a_price_that_is_declined_is_not_done(
    desk: Project, server: RunwareServer, typed: str, words: tuple[str, ...]
) -> None:
    before = desk.file.read_bytes()
    ran = asked(desk, typed, *words)
    assert ran.code == 9, ran
    assert "Spend? " in ran.err
    assert "nothing was bought" in ran.err
    assert server.bill == []
    assert desk.file.read_bytes() == before


def test_a_price_that_is_agreed_to_is_spent(desk: Project, server: RunwareServer) -> None:
    assert asked(desk, "y\n", "build").code == 0
    assert len(server.bill) == 3


def test_a_missing_key_is_told_before_the_question(desk: Project, server: RunwareServer) -> None:
    ran = asked(desk, "y\n", "build", RUNWARE_API_KEY="")
    assert ran.code == 5
    assert "runware needs a key: set RUNWARE_API_KEY, or RUNWARE_API_KEY_FILE" in ran.err
    assert "help: add `--draft` for a free animatic" in ran.err
    assert "Spend?" not in ran.err
    assert server.requests == []


def test_the_missing_keys_of_all_providers_are_told_at_once(
    server: RunwareServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [EntryPoint("acme", f"{__name__}:Acme", base.GROUP)]
    monkeypatch.setattr(base, "entry_points", lambda **wanted: points if wanted.get("name", "acme") == "acme" else [])
    monkeypatch.setattr(tiny, "TINY", msgspec.structs.replace(tiny.TINY, providers=("local", "runware", "acme")))
    with hasty():
        desk = Project(tmp_path / "film", CHAIN.replace("seed: 5}", "seed: 5, provider: acme}"), inside=True)
        desk.edit("provider: local\n", "provider: runware\n")
        for approved in ((), ("--yes", "--max-cost", "5")):
            ran = desk.run("build", *approved, "--json")
            assert ran.code == 5, ran
            assert [error["message"].partition(":")[0] for error in errors(ran)] == [
                "acme needs a key",
                "runware needs a key",
            ]


def test_a_script_can_tell_a_failed_shot_from_one_that_waits_for_a_decision(
    desk: Project, server: RunwareServer
) -> None:
    desk.build()
    shutil.rmtree(desk.folder / ".storyboard/cache")
    server.shop.jobs.clear()
    ran = desk.run("build")
    assert ran.code == 8, ran
    assert "decide   a  task" in ran.err
    assert ran.out.startswith("3 waiting for a decision\nnot joined: the film; waits for a decision: ")
    assert "failed   " not in ran.out + ran.err
    assert {error["code"] for error in errors(desk.run("build", "--json"))} == {"gone"}
    server.arm("download-html")
    desk.edit("a city in the rain", "a city in the sun")
    assert desk.run("build").code == 1
    assert len(server.bill) == 4


def test_a_partial_film_is_made_without_a_connection(desk: Project, server: RunwareServer) -> None:
    desk.build("-s", "a")
    before = len(server.requests)
    for key in ("canary", ""):
        built = desk.build("--partial", "--offline", env={"RUNWARE_API_KEY": key})
        assert built["films"][0]["partial"]
        assert built["failed"] == {}
        assert built["frames"] == 72
    assert len(server.requests) == before
    assert desk.plan()["b"].startswith("make: ")
    error = desk.refused(1, "build", "--offline")
    assert "--fill animatic" in error["help"]
