"""Fetching: where from, how much, how long, and going on after a cut. Nothing here leaves the loopback."""

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from storyboard.core.model import Size
from storyboard.providers.download import Downloader, FetchedFile
from storyboard.providers.errors import FetchError, Secret
from storyboard.providers.runware.wire import Runware
from storyboard.providers.safe_transport import FetchPolicy, check_url, is_public, pictures_policy, results_policy
from tests.providers.conftest import no_sleep, take_request, with_remote
from tests.runware_server import RunwareServer
from tests.runware_server.api import SIGNATURE
from tests.runware_server.clips import Order
from tests.runware_server.faults import FAULTS
from tests.runware_server.rules import check_keys

HOSTS = Runware().result_hosts
RESULTS = results_policy(HOSTS, Runware().endpoint)
GOOD = "https://vm.runware.ai/video/a.mp4?sig=x"
ORDER = Order("v", Size(64, 64), 1, 1)
KEY = "key-canary-51c0ffee"


@pytest.fixture
def shelf() -> Iterator[RunwareServer]:
    """A server with one small clip on the shelf."""
    with RunwareServer(key=KEY, seconds_per_job=0) as server:
        server.offer(ORDER)
        yield server


def clip_of(server: RunwareServer) -> bytes:
    return server.clips.bytes_of(ORDER)


def fetch(server: RunwareServer, into: Path, url: str | None = None, **options: Any) -> FetchedFile:
    policy = results_policy(HOSTS, server.url, max_bytes=options.pop("max_bytes", 10**7))
    settings: dict[str, Any] = {"sleep": no_sleep, "stall_s": 0.3, "deadline_s": 2.0} | options
    return asyncio.run(Downloader(policy, **settings).fetch(Secret(url or server.offer(ORDER)), into))


def failed(*arguments: Any, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(*arguments, **options)
    return caught.value


# Addresses as text.


@pytest.mark.parametrize(
    "url", [GOOD, "https://im.runware.ai/a.mp4", "https://vm.runware.ai:443/a", "https://VM.runware.ai/a"]
)
def test_result_may_come_from_the_hosts_of_the_provider(url: str) -> None:
    assert check_url(url, RESULTS).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "http://vm.runware.ai/a.mp4",
        "file:///etc/hostname",
        "ftp://vm.runware.ai/a.mp4",
        "//vm.runware.ai/a.mp4",
        "https://user@vm.runware.ai/a.mp4",
        "https://user:pw@vm.runware.ai/a.mp4",
        "https://vm.runware.ai@evil.example/a.mp4",
        "https://vm.runware.ai.evil.example/a.mp4",
        "https://evil-vm.runware.ai/a.mp4",
        "https://runware.ai/a.mp4",
        "https://vm.runware.ai./a.mp4",
        "https://vm.runware.ai:8443/a.mp4",
        "https://vm.runware.ai\\@evil.example/a.mp4",
        "https://203.0.113.7/a.mp4",
        "https://[2001:db8::1]/a.mp4",
        "https://evil.example/a.mp4#vm.runware.ai",
        "http://127.0.0.1:80/a.mp4",
        "https://localhost/a.mp4",
        "https://vm.runware.ai/a\x1b[2J.mp4",
        "https://vm.runware.ai/a.mp4\r\nX-Injected: yes",
        "https://vm.runware.ai/a\u202e4pm",
        "https://vm.runware.ai/" + "a" * 5000,
        "",
    ],
)  # fmt: skip
def test_any_other_address_of_a_result_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_url(url, RESULTS)


@pytest.mark.parametrize("url", ["https://2130706433/", "https://0x7f000001/", "https://127.1/", "https://10.0.0.1/"])
def test_picture_may_come_from_any_host_but_not_from_a_bare_address(url: str) -> None:
    assert check_url("https://pictures.example/a.png", pictures_policy()).host == "pictures.example"
    with pytest.raises(ValueError, match="name"):
        check_url(url, pictures_policy())


def test_loopback_is_allowed_only_where_the_api_is() -> None:
    policy = results_policy(HOSTS, "http://127.0.0.1:8080/v1")
    assert check_url("http://127.0.0.1:8080/video/a.mp4", policy).port == 8080
    for url in ("http://127.0.0.1:8081/a.mp4", "http://localhost:8080/a.mp4", "https://127.0.0.1:8080/a.mp4"):
        with pytest.raises(ValueError, match=r"."):
            check_url(url, policy)


# Addresses that are connected to. No address named here is ever contacted: the connector is a stand-in.

INWARD = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"]
INWARD_6 = [
    "::1",
    "fe80::1",
    "fd00::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2001:0:0:1::",
    "::",
    "ff02::1",
]


class StandIn:
    """A connector that only notes where it was sent, and a resolver that says what it is told."""

    def __init__(self, *addresses: str, reply: Any = None) -> None:
        self.addresses = addresses
        self.requests: list[tuple[str, str, str]] = []
        self._reply = reply or (lambda _request: httpx.Response(200, stream=httpx.ByteStream(b"film")))

    async def resolve(self, _host: str, _port: int) -> Sequence[str]:
        return self.addresses

    def handle(self, request: httpx.Request) -> Any:
        self.requests.append((request.url.host, request.headers["host"], request.extensions["sni_hostname"]))
        return self._reply(request)

    def fetch(self, into: Path, policy: FetchPolicy = RESULTS, url: str = GOOD) -> FetchedFile:
        transport = httpx.MockTransport(self.handle)
        downloader = Downloader(policy, resolve=self.resolve, connect=transport, sleep=no_sleep)
        return asyncio.run(downloader.fetch(url, into))


@pytest.mark.parametrize("address", [*INWARD, *INWARD_6, "rubbish"])
def test_name_that_leads_inward_is_not_connected_to(tmp_path: Path, address: str) -> None:
    stand_in = StandIn(address)
    with pytest.raises(FetchError) as refused:
        stand_in.fetch(tmp_path / "a", pictures_policy(), "https://rebound.example/a.png")
    assert (refused.value.code, stand_in.requests) == ("refused-address", [])
    assert not is_public(address)


def test_connection_goes_to_the_address_that_was_checked_under_the_name_that_was_asked(tmp_path: Path) -> None:
    stand_in = StandIn("10.0.0.1", "198.41.0.4")
    assert stand_in.fetch(tmp_path / "a").size == 4
    assert stand_in.requests == [("198.41.0.4", "vm.runware.ai", "vm.runware.ai")]


def test_next_address_is_tried_if_the_first_can_not_be_reached(tmp_path: Path) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.host == "198.41.0.4":
            raise httpx.ConnectError("no")
        return httpx.Response(200, stream=httpx.ByteStream(b"film"))

    stand_in = StandIn("198.41.0.4", "2001:500:2::c", reply=reply)
    assert stand_in.fetch(tmp_path / "a").sha256 == hashlib.sha256(b"film").hexdigest()
    assert [host for host, _, _ in stand_in.requests] == ["198.41.0.4", "2001:500:2::c"]


def test_host_that_is_not_known_is_trouble_of_the_network(tmp_path: Path) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such host")

    downloader = Downloader(RESULTS, resolve=resolve, sleep=no_sleep)
    with pytest.raises(FetchError) as trouble:
        asyncio.run(downloader.fetch(GOOD, tmp_path / "a"))
    assert (trouble.value.code, trouble.value.retryable) == ("network", True)


def test_redirect_within_the_host_is_followed_three_times(tmp_path: Path) -> None:
    hops = iter(range(10))

    def reply(_request: httpx.Request) -> httpx.Response:
        if next(hops) < 3:
            return httpx.Response(302, headers={"Location": "/elsewhere.mp4"})
        return httpx.Response(200, stream=httpx.ByteStream(b"film"))

    assert StandIn("198.41.0.4", reply=reply).fetch(tmp_path / "a").size == 4


@pytest.mark.parametrize(
    "location",
    [
        "https://im.runware.ai/a",
        "http://vm.runware.ai/a",
        "//evil.example/a",
        "https://u:p@vm.runware.ai/",
        "file:///x",
    ],
)
def test_redirect_to_another_place_is_refused(tmp_path: Path, location: str) -> None:
    stand_in = StandIn("198.41.0.4", reply=lambda _: httpx.Response(302, headers={"Location": location}))
    with pytest.raises(FetchError) as refused:
        stand_in.fetch(tmp_path / "a")
    assert refused.value.code == "refused-address"
    assert {host for host, _, _ in stand_in.requests} == {"198.41.0.4"}


# What comes.


def test_clip_arrives_whole_with_its_hash(shelf: RunwareServer, tmp_path: Path) -> None:
    clip = clip_of(shelf)
    assert fetch(shelf, tmp_path / "a") == FetchedFile(len(clip), hashlib.sha256(clip).hexdigest(), "video/mp4")
    assert (tmp_path / "a").read_bytes() == clip


def test_file_that_is_there_is_not_written_over(shelf: RunwareServer, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        fetch(shelf, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"mine"


def test_picture_of_an_author_is_fetched_up_to_its_limit(tmp_path: Path) -> None:
    policy = pictures_policy(max_bytes=3)
    assert StandIn("198.41.0.4").fetch(tmp_path / "a", pictures_policy(4), "https://p.example/a.png").size == 4
    with pytest.raises(FetchError) as refused:
        StandIn("198.41.0.4").fetch(tmp_path / "b", policy, "https://p.example/a.png")
    assert refused.value.code == "too-large"


# fault: the code of the error, or None where the clip arrives whole, or the damage that only the media gate can see
DOWNLOAD_OUTCOMES: dict[str, str | None] = {
    "download-cut": None,
    "download-cut-unannounced": "unseen",
    "download-cut-chunk": None,
    "download-reset-then-whole": None,
    "download-zero-filled": "unseen",
    "download-html": "unseen",
    "download-json": "wrong-type",
    "download-empty": "incomplete",
    "download-206-unasked": None,
    "download-416": None,
    "download-other-etag": None,
    "download-other-total": None,
    "download-10-gib": "too-large",
    "download-10-gib-unannounced": "too-large",
    "download-gzip-bomb": "wrong-type",
    "download-dribble": "timeout",
    "download-stall": "timeout",
    "download-redirect-loop": "refused-address",
    "download-redirect-other-host": "refused-address",
    "download-redirect-file": "refused-address",
    "download-redirect-inward": "refused-address",
    "download-403": "expired",
    "download-404": "expired",
    "download-410": "expired",
    "download-503": None,
}


def test_every_fault_of_a_download_has_its_outcome() -> None:
    assert DOWNLOAD_OUTCOMES.keys() == {fault.name for fault in FAULTS.values() if fault.phase == "download"}


@pytest.mark.parametrize("name", DOWNLOAD_OUTCOMES)
def test_download_is_whole_or_refused_and_buys_nothing(shelf: RunwareServer, tmp_path: Path, name: str) -> None:
    shelf.arm(name, seconds=0.05 if name == "download-dribble" else None)
    into = tmp_path / "a"
    expected = DOWNLOAD_OUTCOMES[name]
    limits = {"deadline_s": 0.8, "stall_s": 0.1} if expected == "timeout" else {}
    if expected in {None, "unseen"}:
        found = fetch(shelf, into)
        assert found == FetchedFile(len(into.read_bytes()), hashlib.sha256(into.read_bytes()).hexdigest(), "video/mp4")
        assert (into.read_bytes() == clip_of(shelf)) == (expected is None)
    else:
        error = failed(shelf, into, **limits)
        assert error.code == expected
        assert not into.exists()
        assert SIGNATURE not in str(error)
    assert (shelf.bill, shelf.elsewhere_requests) == ([], [])


def test_cut_download_goes_on_where_it_was_cut(shelf: RunwareServer, tmp_path: Path) -> None:
    shelf.arm("download-cut")
    fetch(shelf, tmp_path / "a")
    first, second = shelf.requests
    assert "range" not in first.headers
    assert second.headers["range"] == f"bytes={len(clip_of(shelf)) // 2}-"
    assert second.headers["if-range"].startswith('"')


@pytest.mark.parametrize("etag", [None, 'W/"weak"', "bare"])
def test_without_a_strong_etag_a_cut_download_starts_again(tmp_path: Path, etag: str | None) -> None:
    ranges: list[str | None] = []

    class Cut(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b"fi"
            raise httpx.RemoteProtocolError("cut")

    def reply(request: httpx.Request) -> httpx.Response:
        ranges.append(request.headers.get("range"))
        headers = {"Content-Length": "4"} | ({"ETag": etag} if etag else {})
        stream: Any = Cut() if len(ranges) == 1 else httpx.ByteStream(b"film")
        return httpx.Response(200, headers=headers, stream=stream)

    assert StandIn("198.41.0.4", reply=reply).fetch(tmp_path / "a").size == 4
    assert (ranges, (tmp_path / "a").read_bytes()) == ([None, None], b"film")


def test_download_that_is_cut_for_ever_ends_after_four_tries(shelf: RunwareServer, tmp_path: Path) -> None:
    shelf.arm("download-cut-chunk", times=100)
    error = failed(shelf, tmp_path / "a")
    assert (error.code, error.retryable, len(shelf.requests)) == ("network", True, 4)


def test_download_sends_no_key_and_no_cookie(shelf: RunwareServer, tmp_path: Path) -> None:
    fetch(shelf, tmp_path / "a")
    (request,) = shelf.requests
    assert not {"authorization", "cookie", "x-api-key"} & request.headers.keys()
    assert KEY not in str(request)
    check_keys(request.headers, {"host", "accept", "accept-encoding", "connection", "user-agent"})


def test_signed_address_is_in_no_log_and_no_error(
    shelf: RunwareServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fetch(shelf, tmp_path / "a")
    shelf.arm("download-redirect-loop")
    error = failed(shelf, tmp_path / "b")
    assert SIGNATURE not in caplog.text + repr(error) + str(vars(error))


URL_FAULTS = [fault.name for fault in FAULTS.values() if fault.phase == "url" and fault.name != "url-null"]


@pytest.mark.parametrize("name", URL_FAULTS)
def test_address_that_a_poll_should_not_give_is_refused(runware: RunwareServer, tmp_path: Path, name: str) -> None:
    runware.arm(name)
    task_id = Runware().task_id("key", 1)

    async def use(remote: Any) -> Any:
        await remote.submit(take_request(), task_id)
        return (await remote.ask([task_id]))[task_id]

    outcome = with_remote(runware, use, max_reply_bytes=2 * 10**7)
    error = failed(runware, tmp_path / "a", outcome.url.reveal())
    assert (error.code, len(runware.bill), runware.elsewhere_requests) == ("refused-address", 1, [])
    assert SIGNATURE not in str(error)


def test_take_is_bought_waited_for_and_fetched(runware: RunwareServer, tmp_path: Path) -> None:
    task_id = Runware().task_id("key", 1)

    async def use(remote: Any) -> Any:
        await remote.submit(take_request(size=Size(960, 960)), task_id)
        return (await remote.ask([task_id]))[task_id]

    outcome = with_remote(runware, use)
    found = fetch(runware, tmp_path / "a", outcome.url.reveal(), stall_s=30, deadline_s=60)
    assert found.size > 1000
    assert (tmp_path / "a").read_bytes()[4:8] == b"ftyp"
