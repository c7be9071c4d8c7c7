"""The client: deadlines, limits, what is sent again and when, and where the key goes."""

import asyncio
import io
import logging
import pickle
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from PIL import Image

from storyboard.providers.api_client import ApiClient, check_endpoint, read_json
from storyboard.providers.base import Call, Picture, Reply, RetryRule
from storyboard.providers.errors import ProviderError, Secret, plain_text
from storyboard.providers.retry import RetryBudget, backoff_s, parse_retry_after
from storyboard.providers.runware.wire import Runware
from tests.providers.conftest import take_request, with_remote
from tests.runware_server import RunwareServer
from tests.runware_server.faults import FAULTS

KEY = "key-canary-51c0ffee"
ENDPOINT = "https://api.example/v1"
CALL = Call([{"taskType": "ping", "ping": True}])
TASK = Runware().task_id("key", 1)
NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class Scripted:
    """A transport that answers from a list, a clock that stands still but for sleeps, and a record of those."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.now = 0.0
        self.slept: list[float] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        whole = answer if isinstance(answer, httpx.Response) else httpx.Response(answer, json={"data": []})
        return httpx.Response(whole.status_code, headers=whole.headers, stream=httpx.ByteStream(whole.content))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def call(self, repeat: RetryRule = "unsent", draw: float = 0.5, **options: Any) -> Reply:
        async def run() -> Reply:
            client = ApiClient(
                ENDPOINT,
                Secret(KEY),
                Runware().error_of,
                clock=lambda: self.now,
                sleep=self.sleep,
                random=lambda: draw,
                now=lambda: NOON,
                transport=httpx.MockTransport(self.handle),
                **options,
            )
            async with client:
                return await client.call(CALL, repeat)

        return asyncio.run(run())


def refused(use: Callable[[], Any]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        use()
    return caught.value


# One exchange.


def test_call_is_a_post_of_json_with_the_key_in_one_header() -> None:
    script = Scripted(200)
    assert script.call() == Reply(200, {"data": []})
    (request,) = script.requests
    assert (request.method, str(request.url)) == ("POST", ENDPOINT)
    assert request.content == b'[{"taskType": "ping", "ping": true}]'
    assert [name for name, value in request.headers.items() if KEY in value] == ["authorization"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<!doctype html>"),
        httpx.Response(200, text='{"data": ['),
        httpx.Response(200, text=""),
        httpx.Response(200, text='{"data": [], "data": []}'),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, text="[" * 100 + "]" * 100),
        httpx.Response(200, content=b'{"data": ["\xff"]}'),
        httpx.Response(200, text='{"seed": ' + "9" * 5000 + "}"),
        httpx.Response(200, headers={"Content-Encoding": "br"}, content=b"{}"),
        httpx.Response(200, text=" " * 2000),
    ],
    ids=["html", "cut", "empty", "repeated-key", "deep", "over-64-deep", "not-utf-8", "long-number", "coded", "large"],
)
def test_reply_that_can_not_be_read_is_told_as_such(answer: httpx.Response) -> None:
    error = refused(lambda: Scripted(answer).call(max_reply_bytes=1500 if len(answer.content) == 2000 else 10**6))
    assert (error.code, error.sent, error.status) == ("unreadable-reply", True, 200)


def test_error_status_needs_no_json() -> None:
    assert Scripted(httpx.Response(502, text="<html>")).call() == Reply(502, None)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    script = Scripted(httpx.Response(status, headers={"Location": "https://elsewhere.example/"}))
    assert script.call("always").status == status
    assert {request.url.host for request in script.requests} == {"api.example"}


def test_numbers_of_a_reply_are_exact_and_what_is_no_number_is_null() -> None:
    read = read_json(b'{"a": 0.1, "b": NaN, "c": -Infinity, "d": 1e999}')
    assert [str(value) for value in read.values()] == ["0.1", "None", "None", "1E+999"]


# Where the key goes.


def test_key_does_not_show() -> None:
    key = Secret(KEY)
    assert (str(key), repr(key), f"{key}", repr([key])) == ("***", "***", "***", "[***]")
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_key_is_in_no_exception(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = httpx.Response(401, json={"errors": [{"code": "invalidApiKey", "message": f"bad key {KEY}"}]})
    for answer in (httpx.ReadError("broke"), httpx.ConnectError("no"), echo):
        script = Scripted(answer)
        try:
            Runware().read_acknowledgement(script.call(), "task")
        except ProviderError as error:
            chain = [error.__cause__, error.__context__]
            shown = "".join(traceback.format_exception(error)) + repr(error.facts()) + str(vars(error))
        assert chain == [None, None]
        assert KEY not in shown
    assert KEY not in caplog.text


def test_requests_are_not_logged_but_those_of_others_are(
    runware: RunwareServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with_remote(runware, lambda remote: remote.ask([TASK]))
    assert not [record for record in caplog.records if record.name.startswith("http")]
    httpx.get(runware.origin, trust_env=False, verify=False)
    assert [record for record in caplog.records if record.name == "httpx"]


@pytest.mark.parametrize("text", ["", "  ", "a b", "a\nb", "schlüssel", "a\x00b"])
def test_key_that_can_not_stand_in_a_header_is_refused_without_being_told(text: str) -> None:
    error = refused(lambda: ApiClient(ENDPOINT, Secret(text), Runware().error_of))
    assert (error.code, error.sent) == ("auth", False)
    assert text.strip() == "" or text not in str(error)


def test_space_around_a_key_is_not_part_of_it() -> None:
    async def run() -> None:
        script = Scripted(200)
        transport = httpx.MockTransport(script.handle)
        async with ApiClient(ENDPOINT, Secret(f" {KEY}\n"), Runware().error_of, transport=transport) as client:
            await client.call(CALL)
        assert script.requests[0].headers["authorization"] == f"Bearer {KEY}"

    asyncio.run(run())


@pytest.mark.parametrize("address", ["https://api.runware.ai/v1/", "http://127.0.0.1:80/v1", "http://[::1]:9/v1"])
def test_api_address_may_be_https_or_the_loopback(address: str) -> None:
    assert not check_endpoint(address).endswith("/")


@pytest.mark.parametrize(
    "address",
    ["http://api.runware.ai/v1", "http://10.0.0.1/", "ftp://x/", "https://u:p@x/", "https:///v1", "https://x/?a", ""],
)
def test_other_api_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="the URL of an API must be https"):
        check_endpoint(address)


# What is sent again.

LOST = httpx.ReadError("broke")
NEVER_LEFT: list[Exception] = [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no")]


@pytest.mark.parametrize("problem", NEVER_LEFT)
@pytest.mark.parametrize("repeat", ["unsent", "refused", "always"])
def test_what_never_left_is_sent_again(problem: Exception, repeat: RetryRule) -> None:
    script = Scripted(problem, problem, 200)
    assert script.call(repeat).status == 200
    assert len(script.requests) == 3


@pytest.mark.parametrize("problem", [LOST, httpx.ReadTimeout("late"), httpx.WriteError("broke"), 500, 502, 503, 504])
@pytest.mark.parametrize("repeat", ["unsent", "refused"])
def test_paid_call_that_may_have_arrived_is_not_sent_again(problem: Any, repeat: RetryRule) -> None:
    script = Scripted(problem, 200)
    if isinstance(problem, Exception):
        error = refused(lambda: script.call(repeat))
        assert (error.sent, error.retryable) == (True, True)
    else:
        assert script.call(repeat).status == problem
    assert len(script.requests) == 1


def test_call_turned_away_is_sent_again_where_that_is_allowed() -> None:
    assert Scripted(429, 200).call("refused").status == 200
    assert Scripted(429, 200).call("unsent").status == 429


@pytest.mark.parametrize("problem", [LOST, 408, 429, 500, 503, 504, httpx.Response(200, text="<html>")])
def test_free_call_is_sent_again_after_trouble_that_may_pass(problem: Any) -> None:
    assert Scripted(problem, 200).call("always").status == 200


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404])
def test_refusal_is_final(status: int) -> None:
    script = Scripted(status, 200)
    assert (script.call("always").status, len(script.requests)) == (status, 1)


def test_empty_account_is_final_even_as_a_429() -> None:
    answer = httpx.Response(429, json={"errors": [{"code": "insufficientCredits"}]})
    script = Scripted(answer, 200)
    assert (script.call("always").status, len(script.requests)) == (429, 1)


def test_call_is_sent_four_times_at_most() -> None:
    script = Scripted(503)
    assert script.call("always").status == 503
    assert (len(script.requests), len(script.slept)) == (4, 3)


# How long is waited.


@pytest.mark.parametrize(("draw", "waits"), [(0.0, [0, 0, 0]), (0.5, [0.5, 1, 2]), (0.999, [0.999, 1.998, 3.996])])
def test_waits_are_drawn_from_intervals_that_double(draw: float, waits: list[float]) -> None:
    script = Scripted(503)
    script.call("always", draw)
    assert script.slept == pytest.approx(waits)


def test_wait_never_passes_20_seconds_by_itself() -> None:
    assert backoff_s(10, None, lambda: 1.0) == 20.0


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("2", 2.0),
        ("0", 0.5),
        ("999999", 60.0),
        ("9" * 400, 60.0),
        ("Sun, 22 Nov 2026 12:00:07 GMT", 7.0),
        ("Sun, 22 Nov 2099 12:00:07 GMT", 60.0),
        ("Sun, 22 Nov 2020 12:00:07 GMT", 0.5),
        ("-1", 0.5),
        ("1.5", 0.5),
        ("x", 0.5),
        ("", 0.5),
        ("²", 0.5),
        ("Sun, 99 Nov 2026 12:00:07 GMT", 0.5),
    ],
)
def test_retry_after_is_heeded_in_both_forms_up_to_a_minute(header: str, wait: float) -> None:
    script = Scripted(httpx.Response(429, headers=[(b"Retry-After", header.encode())], json={}), 200)
    script.call("always")
    assert script.slept == [wait]


@pytest.mark.parametrize(
    ("stated", "hour"),
    [("Sun, 22 Nov 2026 18:00:00 GMT", 18), ("soon", 12), ("", 12), ("Mon, 99 Foo 99999 25:00:00 GMT", 12)],
)
def test_the_time_of_day_is_the_one_that_the_api_stated_last(stated: str, hour: int) -> None:
    script = Scripted(httpx.Response(200, json={"data": []}, headers={"Date": stated}))

    async def run() -> float:
        client = ApiClient(
            ENDPOINT,
            Secret(KEY),
            Runware().error_of,
            now=lambda: NOON,
            transport=httpx.MockTransport(script.handle),
        )
        assert client.time_of_day() == NOON.timestamp()
        await client.call(CALL)
        return client.time_of_day()

    assert asyncio.run(run()) == NOON.replace(hour=hour).timestamp()


def test_date_counts_from_the_clock_of_the_server() -> None:
    until = "Sun, 22 Nov 2026 18:00:09 GMT"
    assert parse_retry_after(until, "Sun, 22 Nov 2026 18:00:00 GMT", NOON) == 9.0
    assert parse_retry_after(until, None, NOON) == 60.0


def test_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    script = Scripted(httpx.Response(429, headers={"Retry-After": "50"}, json={}))
    assert script.call("always", call_s=120).status == 429
    assert script.slept == [50, 50]


# The budget that all calls share.


def test_budget_allows_a_hundred_retries_or_fifty_after_timeouts() -> None:
    plain, late = RetryBudget(), RetryBudget()
    assert sum(plain.take(timed_out=False) is not None for _ in range(200)) == 100
    assert sum(late.take(timed_out=True) is not None for _ in range(200)) == 50


def test_budget_is_filled_by_successes_up_to_its_capacity() -> None:
    budget = RetryBudget()
    price = budget.take(timed_out=False)
    assert price == 5
    budget.give_back(price)
    budget.give_back(0)
    assert budget.tokens == 500


def test_spent_budget_stops_retries_of_every_call() -> None:
    budget = RetryBudget()
    requests = 0
    for _ in range(200):
        script = Scripted(503)
        script.call("always", budget=budget)
        requests += len(script.requests)
    assert requests == 200 + 100


# Text that is shown.


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\x1b[2Jb", "a[2Jb"),
        ("a\r\n::set-output name=x::y", "a ::set-output name=x::y"),
        ("abc\u202edef\u200b\ufeff", "abcdef"),
        ("\ud800x", "x"),
        ("see https://vm.runware.ai/a.mp4?sig=secret#x now", "see https://vm.runware.ai/a.mp4?… now"),
        (None, ""),
        (["x"], ""),
        ("x" * 500, "x" * 399 + "…"),
    ],
)
def test_foreign_text_is_made_fit_to_print(given: object, shown: str) -> None:
    assert plain_text(given) == shown


# The network, for real, on the loopback.

SUBMIT_OUTCOMES: dict[str, tuple[str, int] | None] = {
    # fault: (code of the error, billed jobs), or None where the submission goes through all the same
    "submit-reset-before-accept": ("network", 0),
    "submit-reset-after-accept": ("network", 1),
    "submit-500-before-accept": ("server", 0),
    "submit-500-after-accept": ("server", 1),
    "submit-502-after-accept": ("server", 1),
    "submit-504-after-accept": ("timeout", 1),
    "submit-ack-late": ("timeout", 1),
    "submit-429-seconds": None,
    "submit-429-date": None,
    "submit-429-negative": None,
    "submit-429-huge": None,
    "submit-429-rubbish": None,
    "submit-429-for-ever": ("rate-limited", 0),
    "submit-429-balance": ("no-balance", 0),
    "submit-401": ("auth", 0),
    "submit-402": ("no-balance", 0),
    "submit-403": ("auth", 0),
    "submit-moderated": ("moderated", 0),
    "submit-conflict-own": ("conflict", 1),
    "submit-conflict-foreign": ("unreadable-reply", 0),
    "submit-html": ("unreadable-reply", 1),
    "submit-broken-json": ("unreadable-reply", 1),
    "submit-deep-json": ("unreadable-reply", 1),
    "submit-huge-json": ("unreadable-reply", 1),
    "submit-data-and-errors": None,
    "submit-error-of-another-task": ("unreadable-reply", 0),
    "submit-ack-another-id": ("unreadable-reply", 1),
    "submit-two-acks": None,
    "submit-redirect-307": ("unreadable-reply", 0),
    "submit-redirect-308": ("unreadable-reply", 0),
    "submit-slow-headers": ("timeout", 1),
}


def test_every_fault_of_a_submission_has_its_outcome() -> None:
    assert SUBMIT_OUTCOMES.keys() == {fault.name for fault in FAULTS.values() if fault.phase == "submit"}


@pytest.mark.parametrize("name", SUBMIT_OUTCOMES)
def test_submission_is_billed_once_at_most_and_told_as_it_was(name: str) -> None:
    task_id = Runware().task_id("key", 1)
    with RunwareServer(key=KEY, seconds_per_job=0) as server:
        server.arm(name, seconds=0.4 if FAULTS[name].seconds > 1 else 0.05)
        expected = SUBMIT_OUTCOMES[name]
        # only what has to end with the deadline has a near one, so that a slow machine changes nothing
        exchange_s = 0.3 if expected and expected[0] == "timeout" else 5.0

        def submit() -> Any:
            return with_remote(server, lambda remote: remote.submit(take_request(), task_id), exchange_s=exchange_s)

        if expected is None:
            assert submit() == task_id
            assert len(server.bill) == 1
        else:
            error = refused(submit)
            assert (error.code, len(server.bill)) == expected
            assert error.sent
        assert server.elsewhere_requests == []


def test_job_that_was_taken_unnoticed_is_found_by_its_id(runware: RunwareServer) -> None:
    task_id = Runware().task_id("key", 1)
    runware.arm("submit-reset-after-accept")

    async def use(remote: Any) -> Any:
        with pytest.raises(ProviderError):
            await remote.submit(take_request(), task_id)
        found = (await remote.ask([task_id]))[task_id]
        archived = await remote.archive(task_id)
        with pytest.raises(ProviderError) as again:
            await remote.submit(take_request(), task_id)
        return found, archived, again.value.code

    found, archived, again = with_remote(runware, use)
    assert (found.cost, again, len(runware.bill)) == (archived.outcome.cost, "conflict", 1)
    assert Runware().same_request(archived.request, Runware().submission(take_request(), task_id))


def test_uploaded_picture_is_accepted_as_first_frame(runware: RunwareServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storyboard.providers.runware.wire.INLINE_PICTURE_BYTES", 10)
    request = take_request(first_frame=Picture(_png(), "image/png"))

    async def use(remote: Any) -> None:
        references = await remote.upload(request)
        await remote.submit(request, Runware().task_id("key", 1), references)

    with_remote(runware, use)
    assert [order.picture for order in runware.shop.videos.values()] == [_png()]


def test_bad_key_is_found_out_for_free(runware: RunwareServer) -> None:
    with_remote(runware, lambda remote: remote.ask([TASK]))
    assert refused(lambda: with_remote(runware, lambda remote: remote.ask([TASK]), key="another")).code == "auth"
    assert runware.bill == []


def test_nothing_listening_is_no_connection_and_surely_not_sent() -> None:
    with RunwareServer() as server:
        pass
    error = refused(lambda: with_remote(server, lambda remote: remote.submit(take_request(), "x")))
    assert (error.code, error.sent, error.retryable) == ("network", False, True)


def test_slow_reply_ends_with_the_deadline_not_with_the_last_byte(runware: RunwareServer) -> None:
    runware.arm("submit-slow-headers", seconds=0.05)
    task_id = Runware().task_id("key", 1)
    error = refused(lambda: with_remote(runware, lambda r: r.submit(take_request(), task_id), exchange_s=0.2))
    assert (error.code, error.sent) == ("timeout", True)


def _png() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 30)).save(target, "PNG")
    return target.getvalue()
