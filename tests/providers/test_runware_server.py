"""The server on the loopback: it refuses what the real one refuses, remembers as told, and can go wrong by name."""

import asyncio
import base64
import hashlib
import io
import json
import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from storyboard.core.model import Size
from tests.conftest import library
from tests.runware_server import RunwareServer, odd_clips
from tests.runware_server.clips import Order, render
from tests.runware_server.faults import FAULTS

ROOT = Path(__file__).parents[2]
# No certificates are read for each request; the server speaks http.
PLAIN: dict[str, Any] = {"trust_env": False, "verify": False}


def video(**changes: Any) -> dict[str, Any]:
    task: dict[str, Any] = {
        "taskType": "videoInference",
        "taskUUID": str(uuid.uuid4()),
        "model": "runway:1@2",
        "positivePrompt": "a lighthouse",
        "width": 1280,
        "height": 720,
        "duration": 5,
        "seed": 42,
        "includeCost": True,
    }
    task |= changes
    return {name: value for name, value in task.items() if value is not ...}


def post(server: RunwareServer, body: Any, **options: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.key}"} | options.pop("headers", {})
    return httpx.post(server.url, json=body, headers=headers, **PLAIN, **options)


def first_error(response: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["errors"][0]
    return error


def png(color: tuple[int, int, int], size: tuple[int, int] = (960, 960)) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, color).save(target, "PNG")
    return target.getvalue()


def data_uri(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def frames(clip: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(clip), "r") as container:
        return list(container.decode(video=0))


def rgb(frame: av.VideoFrame) -> np.ndarray[Any, Any]:
    return frame.to_ndarray(format="rgb24").astype(int)


def buy(server: RunwareServer, **changes: Any) -> dict[str, Any]:
    task = video(**changes)
    assert post(server, [task]).status_code == 200
    query = [{"taskType": "getResponse", "taskUUID": task["taskUUID"]}]
    item: dict[str, Any] = post(server, query).json()["data"][0]
    return item


def clip_of(item: dict[str, Any]) -> bytes:
    return httpx.get(item["videoURL"], **PLAIN, timeout=30).content


@pytest.mark.parametrize(
    ("change", "code", "parameter"),
    [
        ({"duration": 7}, "unsupportedDuration", "duration"),
        ({"duration": 8.0}, "unsupportedDuration", "duration"),
        ({"duration": True}, "unsupportedDuration", "duration"),
        ({"width": 1584, "height": 672}, "unsupportedModelResolution", "width"),
        ({"width": 1280.5}, "invalidWidth", "width"),
        ({"height": ...}, "missingHeight", "height"),
        ({"model": ...}, "missingModel", "model"),
        ({"model": "runway:1@1"}, "invalidModel", "model"),
        ({"positivePrompt": ""}, "invalidPositivePrompt", "positivePrompt"),
        ({"positivePrompt": "x" * 1001}, "invalidPositivePrompt", "positivePrompt"),
        ({"positivePrompt": ...}, "missingPositivePrompt", "positivePrompt"),
        ({"seed": -1}, "invalidSeed", "seed"),
        ({"seed": 2**31}, "invalidSeed", "seed"),
        ({"fps": 24}, "unsupportedParameter", "fps"),
        ({"negativePrompt": "rain"}, "unsupportedParameter", "negativePrompt"),
        ({"frameImages": [{"inputImage": "x"}]}, "unsupportedParameter", "frameImages"),
        ({"inputs": {"video": "x"}}, "unsupportedParameter", "inputs.video"),
        ({"inputs": {"frameImages": ["a", "b"]}}, "invalidFrameImages", "frameImages"),
        (
            {"inputs": {"frameImages": [{"image": data_uri(png((1, 2, 3))), "frame": "last"}]}},
            "unsupportedFrame",
            "inputs.frameImages.frame",
        ),
        ({"inputs": {"frameImages": [{"image": "no-such-upload"}]}}, "invalidFrameImage", "inputs.frameImages"),
        ({"deliveryMethod": "sync"}, "unsupportedDeliveryMethod", "deliveryMethod"),
        ({"outputType": "base64Data"}, "unsupportedOutputType", "outputType"),
        ({"outputQuality": 100}, "invalidOutputQuality", "outputQuality"),
        ({"ttl": 59}, "invalidTtl", "ttl"),
        ({"numberResults": 0}, "invalidNumberResults", "numberResults"),
        ({"includeCost": 1}, "invalidIncludeCost", "includeCost"),
        ({"providerSettings": {"google": {}}}, "unsupportedParameter", "providerSettings.google"),
        ({"taskUUID": "x"}, "invalidTaskUUID", "taskUUID"),
        ({"taskUUID": ...}, "missingTaskUUID", "taskUUID"),
    ],
)
def test_refused_task_names_its_field_and_is_not_billed(
    runware: RunwareServer, change: dict[str, Any], code: str, parameter: str
) -> None:
    response = post(runware, [video(**change)])
    assert (response.status_code, response.json()["data"]) == (400, [])
    assert (first_error(response)["code"], first_error(response)["parameter"]) == (code, parameter)
    assert runware.bill == []


def test_body_that_is_no_array_is_refused(runware: RunwareServer) -> None:
    assert first_error(post(runware, video()))["code"] == "invalidRequestBody"
    assert post(runware, []).status_code == 400


@pytest.mark.parametrize(("header", "code"), [("Bearer wrong", "invalidApiKey"), ("", "missingApiKey")])
def test_bad_key_is_refused(runware: RunwareServer, header: str, code: str) -> None:
    response = post(runware, [video()], headers={"Authorization": header})
    assert (response.status_code, first_error(response)["code"]) == (401, code)


def test_key_may_come_as_the_first_task(runware: RunwareServer) -> None:
    tasks = [{"taskType": "authentication", "apiKey": runware.key}, {"taskType": "ping", "ping": True}]
    reply = httpx.post(runware.url, json=tasks, **PLAIN).json()
    assert [item["taskType"] for item in reply["data"]] == ["authentication", "ping"]


def test_only_post_and_only_the_one_path(runware: RunwareServer) -> None:
    assert httpx.get(runware.url, **PLAIN).status_code == 405
    assert httpx.post(f"{runware.origin}/v2", **PLAIN).status_code == 404


def test_good_and_bad_tasks_of_one_request_are_judged_apart(runware: RunwareServer) -> None:
    reply = post(runware, [video(), video(duration=7)])
    assert reply.status_code == 200
    assert (len(reply.json()["data"]), len(reply.json()["errors"])) == (1, 1)


def test_chunked_body_is_read(runware: RunwareServer) -> None:
    body = json.dumps([{"taskType": "ping", "ping": True}]).encode()
    headers = {"Authorization": f"Bearer {runware.key}"}
    reply = httpx.post(
        runware.url, content=iter([body[:5], body[5:]]), headers=headers, **PLAIN
    )  # an iterator travels in chunks
    assert reply.json()["data"] == [{"taskType": "ping", "pong": True}]


def test_bill_has_one_line_per_accepted_task(tmp_path: Path) -> None:
    with RunwareServer(bill=tmp_path / "bill.jsonl", seconds_per_job=0) as server:
        eight = video(duration=8)
        post(server, [eight])
        post(server, [video()])
        post(server, [video(duration=7)])
        lines = [json.loads(line) for line in (tmp_path / "bill.jsonl").read_text().splitlines()]
    assert lines == server.bill
    assert [Decimal(line["cost"]) for line in lines] == [Decimal("0.965"), Decimal("0.60")]
    assert lines[0]["task_id"] == eight["taskUUID"]
    assert lines[0]["prompt_sha256"] == hashlib.sha256(b"a lighthouse").hexdigest()


def test_clip_has_the_asked_size_and_length_and_moves(runware: RunwareServer) -> None:
    pictures = frames(clip_of(buy(runware, width=960, height=960)))
    assert (len(pictures), rgb(pictures[0]).shape) == (120, (960, 960, 3))
    assert np.abs(rgb(pictures[0]) - rgb(pictures[60])).max() > 40


def test_clip_starts_with_the_given_picture(runware: RunwareServer) -> None:
    reference = data_uri(png((200, 40, 90)))
    item = buy(runware, width=960, height=960, inputs={"frameImages": [{"image": reference, "frame": "first"}]})
    first = rgb(frames(clip_of(item))[0])
    assert np.abs(first.reshape(-1, 3).mean(axis=0) - [200, 40, 90]).max() < 6


def test_other_seed_or_other_video_is_another_clip() -> None:
    clips = [render(Order(video_id, Size(64, 64), 1, seed)) for video_id, seed in (("a", 1), ("b", 1), ("a", 2))]
    assert len(set(clips)) == 3


def test_clip_is_served_in_parts_under_one_etag(runware: RunwareServer) -> None:
    url = runware.offer(Order("v", Size(320, 180), 1, 1))
    whole = httpx.get(url, **PLAIN)
    rest = httpx.get(url, headers={"Range": "bytes=1000-", "If-Range": whole.headers["etag"]}, **PLAIN)
    assert (rest.status_code, rest.content) == (206, whole.content[1000:])
    assert rest.headers["content-range"] == f"bytes 1000-{len(whole.content) - 1}/{len(whole.content)}"
    assert httpx.get(url.partition("?")[0], **PLAIN).status_code == 403


def test_several_results_come_with_seeds_of_their_own(runware: RunwareServer) -> None:
    task = video(numberResults=2)
    post(runware, [task])
    items = post(runware, [{"taskType": "getResponse", "taskUUID": task["taskUUID"]}]).json()["data"]
    assert [item["seed"] for item in items] == [42, 43]
    assert len({item["videoUUID"] for item in items}) == 2


def test_uploaded_picture_can_be_used_until_it_is_deleted(runware: RunwareServer) -> None:
    upload = {"taskType": "mediaStorage", "taskUUID": str(uuid.uuid4()), "operation": "upload"}
    stored = post(runware, [{**upload, "media": data_uri(png((9, 9, 9)))}]).json()["data"][0]["mediaUUID"]
    inputs = {"frameImages": [stored]}
    assert post(runware, [video(inputs=inputs)]).status_code == 200
    post(runware, [{**upload, "operation": "delete", "media": stored}])
    assert post(runware, [video(inputs=inputs)]).status_code == 400


def poll(server: RunwareServer, task_id: str) -> dict[str, Any]:
    reply: dict[str, Any] = post(server, [{"taskType": "getResponse", "taskUUID": task_id}]).json()
    return reply


def archive(server: RunwareServer, task_id: str) -> dict[str, Any]:
    reply: dict[str, Any] = post(server, [{"taskType": "getTaskDetails", "taskUUID": task_id}]).json()
    return reply


def test_memory_for_ever_refuses_a_known_id_after_the_end_too(runware: RunwareServer) -> None:
    task = video()
    replies = [post(runware, [task]) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 400, 400]
    assert first_error(replies[1])["code"] == "conflictTaskUUID"
    assert (len(runware.bill), runware.submits[task["taskUUID"]]) == (1, 3)
    assert archive(runware, task["taskUUID"])["data"][0]["response"]["errors"][0]["code"] == "conflictTaskUUID"


def test_memory_while_running_bills_a_replay_after_the_end() -> None:
    with RunwareServer(memory="running", seconds_per_job=60, forget_after=0) as server:
        task = video()
        assert [post(server, [task]).status_code for _ in range(2)] == [200, 400]
        server.finish_all()
        assert poll(server, task["taskUUID"])["data"] == []
        assert archive(server, task["taskUUID"])["data"]
        assert post(server, [task]).status_code == 200
        assert len(server.bill) == 2


def test_memory_none_bills_every_time_and_knows_only_acknowledged_jobs() -> None:
    with RunwareServer(memory="none", seconds_per_job=0) as server:
        lost, got = video(), video()
        server.arm("submit-reset-after-accept")
        with pytest.raises(httpx.NetworkError):
            post(server, [lost])
        post(server, [got])
        assert poll(server, lost["taskUUID"])["data"] == []
        assert archive(server, lost["taskUUID"])["data"] == []
        assert poll(server, got["taskUUID"])["data"][0]["status"] == "success"
        post(server, [got])
        assert len(server.bill) == 3


def test_unknown_id_gets_nothing_or_not_found() -> None:
    unknown = str(uuid.uuid4())
    with RunwareServer() as server:
        assert poll(server, unknown) == {"data": []}
    with RunwareServer(unknown="not-found") as server:
        assert poll(server, unknown)["errors"][0]["code"] == "taskNotFound"


def test_job_runs_before_it_is_done() -> None:
    with RunwareServer(seconds_per_job=60) as server:
        task = video()
        post(server, [task])
        assert poll(server, task["taskUUID"])["data"][0]["status"] == "processing"
        server.finish_all()
        assert poll(server, task["taskUUID"])["data"][0]["status"] == "success"


def test_fault_acts_on_its_occasion_and_as_often_as_told(runware: RunwareServer) -> None:
    runware.arm("submit-500-before-accept", nth=2, times=2)
    assert [post(runware, [video()]).status_code for _ in range(4)] == [200, 500, 500, 200]
    assert len(runware.bill) == 2


def test_control_arms_faults_and_tells_the_state(runware: RunwareServer) -> None:
    control = f"{runware.origin}/control"
    httpx.post(control, json={"do": "arm", "name": "submit-402"}, **PLAIN)
    assert post(runware, [video()]).status_code == 402
    post(runware, [video()])
    state = httpx.post(control, json={"do": "state"}, **PLAIN).json()
    assert len(state["bill"]) == 1
    assert httpx.post(control, json={"do": "arm", "name": "no-such"}, **PLAIN).status_code == 400


def test_refused_connection_comes_back_after_a_while(runware: RunwareServer) -> None:
    runware.arm("submit-refused", seconds=0.3)
    with pytest.raises(httpx.ConnectError):
        post(runware, [video()])
    client = httpx.Client(transport=httpx.HTTPTransport(retries=3, **PLAIN))
    headers = {"Authorization": f"Bearer {runware.key}"}
    assert client.post(runware.url, json=[video()], headers=headers).status_code == 200
    client.close()


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS.values() if fault.phase == "media"])
def test_spoiled_clip_is_something_else(second_of_film: bytes, name: str) -> None:
    spoil = FAULTS[name].spoil
    assert spoil is not None
    assert spoil(second_of_film) not in {b"", second_of_film}


@pytest.fixture(scope="module")
def second_of_film() -> bytes:
    return render(Order("v", Size(320, 180), 1, 1))


def test_rotated_clip_is_only_turned(second_of_film: bytes) -> None:
    turned = frames(odd_clips.rotated(second_of_film))
    assert (len(turned), abs(turned[0].rotation)) == (24, 90)


def test_spoiled_clip_is_served_each_time_and_others_are_good(runware: RunwareServer) -> None:
    runware.arm("media-half")
    bad, good = (runware.offer(Order(name, Size(320, 180), 1, 1)) for name in ("bad", "good"))
    halves = [httpx.get(bad, **PLAIN).content for _ in range(2)]
    assert len(frames(httpx.get(good, **PLAIN).content)) == 24
    assert halves[0] == halves[1]
    with pytest.raises(av.FFmpegError):
        frames(halves[0])


def test_command_line_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    bill = tmp_path / "bill.jsonl"
    schedule = tmp_path / "faults.json"
    schedule.write_text(json.dumps([{"name": "submit-402", "nth": 2}]))
    command = [sys.executable, "-m", "tests.runware_server", "--bill", str(bill), "--memory", "running"]
    command += ["--faults", str(schedule), "--faults", "poll-429", "--key", "own-key"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            headers = {"Authorization": f"Bearer {said['key']}"}
            statuses = [httpx.post(said["url"], json=[video()], headers=headers, **PLAIN).status_code for _ in range(3)]
        finally:
            process.terminate()
    assert statuses == [200, 402, 200]
    assert len(bill.read_text().splitlines()) == 2


@pytest.fixture
def sdk() -> None:
    """The provider's own client is there."""
    library("runware", "runware-sdk")


def official(server: RunwareServer, use: Any, key: str | None = None) -> Any:
    """What *use* gets from the provider's own client, which takes a second to load and is therefore loaded here."""
    from runware import Runware as OfficialClient

    async def run() -> Any:
        client = OfficialClient(
            api_key=key or server.key, transport="rest", http_base_url=server.url, max_retries=0, poll_timeout=20_000
        )
        async with client:
            return await use(client)

    return asyncio.run(run())


@pytest.mark.usefixtures("sdk")
def test_official_client_buys_a_clip(runware: RunwareServer) -> None:
    task = video(taskType=..., taskUUID=...)
    (item,) = official(runware, lambda client: client.run(task))
    assert (item["seed"], item["cost"]) == (42, 0.6)
    assert len(frames(clip_of(item))) == 120
    assert len(runware.bill) == 1


@pytest.mark.usefixtures("sdk")
def test_official_client_understands_refusals(runware: RunwareServer) -> None:
    from runware.errors import RunwareError

    with pytest.raises(RunwareError) as refused:
        official(runware, lambda client: client.run(video(duration=7)))
    assert (refused.value.code, refused.value.parameter, refused.value.status_code) == ("validation", "duration", 400)
    with pytest.raises(RunwareError) as unknown:
        official(runware, lambda client: client.run(video()), key="wrong")
    assert unknown.value.code == "auth"


@pytest.mark.usefixtures("sdk")
def test_official_client_reads_archive_media_storage_and_account(runware: RunwareServer) -> None:
    async def use(client: Any) -> tuple[Any, Any, Any]:
        task = video()
        await client.run(task)
        details = await client.get_task_details({"taskUUID": task["taskUUID"]})
        stored = await client.media_storage({"operation": "upload", "media": data_uri(png((1, 2, 3)))})
        account = await client.account_management({"operation": "getDetails"})
        return details, stored, account

    details, stored, account = official(runware, use)
    assert details[0]["request"][0]["positivePrompt"] == "a lighthouse"
    assert details[0]["response"]["data"][0]["status"] == "success"
    assert uuid.UUID(stored[0]["mediaUUID"])
    assert account[0]["taskType"] == "accountManagement"


@pytest.mark.usefixtures("sdk")
def test_official_client_sees_a_failed_job_as_failed(runware: RunwareServer) -> None:
    from runware.errors import RunwareError

    runware.arm("poll-moderated")
    with pytest.raises(RunwareError) as failed:
        official(runware, lambda client: client.run(video()))
    assert failed.value.code == "safety"
