"""A provider that sends the key back in every field: no verb prints it, and no file holds it."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest

from tests.inside import hasty
from tests.project import Project
from tests.runware_server.api import VIDEO, Api
from tests.runware_server.server import RunwareServer
from tests.shops import KEY, shop

FORMS = {
    "plain": KEY,
    "upper-case": KEY.upper(),
    "escaped": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "zero-width": "\N{ZERO WIDTH SPACE}".join(KEY),
    "lines": f"{KEY[:6]}\n{KEY[6:]}",
    "percent": quote(KEY, safe="").replace("-", "%2D"),
    "base64": base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
}
TRACES = (KEY[:10], KEY[5:].upper(), base64.b64encode(KEY.encode()).decode()[:12], KEY.encode().hex()[:16])
VERBS = (
    ("build",),
    ("build", "-v"),
    ("plan",),
    ("status",),
    ("ls",),
    ("view", "--path"),
    ("takes", "a"),
    ("why", "a"),
    ("cost",),
    ("cache", "ls"),
    ("cache", "verify"),
    ("doctor",),
    ("take", "a", "--yes"),
)


@pytest.fixture(autouse=True)
def haste() -> Iterator[None]:
    with hasty():
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[RunwareServer]:
    with shop(seconds_per_job=0, alike=True) as server:
        yield server


def echoing(task: Any, where: str, echo: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The payload *answer* with *echo* in all fields that can hold it."""
    fields = {"code": echo, "message": echo, "parameter": echo, "documentation": echo, echo: echo, "type": [echo]}
    about = {"taskType": VIDEO, "taskUUID": task.get("taskUUID")}
    submits = task.get("taskType") == VIDEO
    if where == "refusal" and submits:
        return {"data": [], "errors": [{**fields, **about}]}
    if where == "failure" and not submits:
        return {"data": [{**fields, **about, "status": "error"}], "errors": [{**fields, **about}]}
    for item in answer["data"]:
        item |= {echo: echo, "seed": echo, "cost": echo, "videoUUID": echo, "note": echo} if "videoURL" in item else {}
        if where == "address" and "videoURL" in item:
            item["videoURL"] += f"&{echo}"
    return answer


@pytest.mark.sweep
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("where", ["refusal", "failure", "success", "address"])
def test_key_that_the_provider_echoes_is_in_no_output_and_no_file(
    tmp_path: Path, server: RunwareServer, where: str, form: str
) -> None:
    real = Api.answer

    def answer(self: Api, tasks: list[Any]) -> tuple[int, Any]:
        status, payload = real(self, tasks)
        return (400 if where == "refusal" else status), echoing(tasks[0], where, FORMS[form], payload)

    project = Project(tmp_path / "film", None, server=server, inside=True)
    project.folder.mkdir()
    project.write(f"scenes: [{{id: s, shots: [{{id: a, prompt: 'a river {form} {where}', duration: 1}}]}}]\n")
    with mock.patch.object(Api, "answer", answer):
        for verb in VERBS:
            for words in (verb, (*verb, "--json")):
                ran = project.run(*words)
                assert "this is a bug" not in ran.err, (words, ran)
                assert not traces(ran.out + ran.err), (words, ran)
    for path in project.folder.rglob("*"):
        if path.is_file():
            assert not traces(path.read_bytes().decode("utf-8", "replace")), path


def traces(text: str) -> list[str]:
    """The traces of the key in *text*, read as a person could: without escapes and what is not seen."""
    visible = "".join(c for c in text if c.isprintable() and c != " ").replace("\\u200b", "").lower()
    decoded = visible.replace("%2d", "-").replace("\\n", "")
    plain = "".join(chr(int(part[:4], 16)) + part[4:] if i else part for i, part in enumerate(split_escapes(decoded)))
    return [trace for trace in TRACES for form in (visible, decoded, plain) if trace.lower() in form]


def split_escapes(text: str) -> list[str]:
    import re

    return re.split(r"\\+u(?=[0-9a-f]{4})", text)


def test_key_written_into_the_variable_for_its_file_is_not_printed(tmp_path: Path, server: RunwareServer) -> None:
    project = Project(tmp_path / "film", server=server, inside=True)
    ran = project.run("build", env={"RUNWARE_API_KEY": "", "RUNWARE_API_KEY_FILE": KEY})
    assert ran.code == 5
    assert KEY not in ran.out + ran.err
    assert "RUNWARE_API_KEY_FILE" in ran.err
