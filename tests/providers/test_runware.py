"""Runware's wire, without a socket: what is sent, and what is made of what comes back."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from storyboard.core.model import Size
from storyboard.providers.api_client import read_json
from storyboard.providers.base import (
    Archived,
    Call,
    Failed,
    Outcome,
    Picture,
    Provider,
    Reply,
    Running,
    Succeeded,
    Unknown,
    UnknownProvider,
    find,
    known_providers,
    state_of,
)
from storyboard.providers.errors import ProviderError, Secret
from storyboard.providers.runware.error_codes import classify
from storyboard.providers.runware.wire import INLINE_PICTURE_BYTES, Runware
from tests.providers.conftest import take_request

ID = "3f0c1c0e-7a53-4f6a-9f0e-0d5b7a1f2c33"
OTHER = "0d1e2f30-4152-4374-8596-a7b8c9dae0f1"
RUNWARE: Provider = Runware()
ACK = {"taskType": "videoInference", "taskUUID": ID}
SUCCESS = {
    **ACK,
    "status": "success",
    "videoUUID": "9c1b2d3a-0000-4000-8000-000000000000",
    "videoURL": "https://vm.runware.ai/video/a.mp4?sig=x",
    "seed": 42,
    "cost": Decimal("0.6"),
}
PICTURE = Picture(b"\x89PNG", "image/png")


def status(*data: Any, errors: Any = (), http: int = 200) -> Outcome:
    reply = Reply(http, {"data": list(data), "errors": list(errors)})
    return RUNWARE.read_status(reply, [ID])[ID]


def failure(code: str, **more: Any) -> dict[str, Any]:
    return {"taskType": "videoInference", "taskUUID": ID, "status": "error", "code": code, "message": "no", **more}


def task(call: Call) -> dict[str, Any]:
    assert isinstance(call.body, list)
    (only,) = call.body
    assert isinstance(only, dict)
    return only


# What is sent.


def test_submission_is_one_task_with_all_that_was_asked() -> None:
    assert task(RUNWARE.submission(take_request(), ID)) == {
        "taskType": "videoInference",
        "taskUUID": ID,
        "model": "runway:1@2",
        "positivePrompt": "a lighthouse at dusk",
        "width": 1280,
        "height": 720,
        "duration": 5,
        "seed": 42,
        "deliveryMethod": "async",
        "outputType": "URL",
        "includeCost": True,
        "numberResults": 1,
    }


def test_params_go_out_as_the_api_names_them() -> None:
    settings = {"runway": {"contentModeration": {"publicFigureThreshold": "low"}}}
    sent = task(RUNWARE.submission(take_request(params={"providerSettings": settings, "outputQuality": 90}), ID))
    assert (sent["providerSettings"], sent["outputQuality"]) == (settings, 90)


def test_params_never_replace_what_the_request_says() -> None:
    params = {"taskUUID": OTHER, "seed": 7, "numberResults": 4, "includeCost": False, "slate": False}
    assert task(RUNWARE.submission(take_request(params=params), ID)) == task(RUNWARE.submission(take_request(), ID))


def test_first_frame_travels_as_a_data_uri() -> None:
    sent = task(RUNWARE.submission(take_request(first_frame=PICTURE), ID))
    assert sent["inputs"] == {"frameImages": [{"image": "data:image/png;base64,iVBORw==", "frame": "first"}]}


def test_first_and_last_frame_keep_their_places() -> None:
    last = Picture(b"\xff\xd8\xff", "image/jpeg")
    sent = task(RUNWARE.submission(take_request(first_frame=PICTURE, last_frame=last, negative_prompt="rain"), ID))
    assert [frame["frame"] for frame in sent["inputs"]["frameImages"]] == ["first", "last"]
    assert sent["negativePrompt"] == "rain"


def test_large_picture_is_uploaded_first_and_goes_in_as_a_reference() -> None:
    request = take_request(first_frame=Picture(bytes(INLINE_PICTURE_BYTES + 1), "image/png"))
    (position,) = RUNWARE.uploads(request)
    upload = task(RUNWARE.uploads(request)[position])
    assert (upload["taskType"], upload["operation"], position) == ("mediaStorage", "upload", "first")
    assert upload["media"].startswith("data:image/png;base64,AAAA")
    sent = task(RUNWARE.submission(request, ID, {"first": "media-id"}))
    assert sent["inputs"]["frameImages"] == [{"image": "media-id", "frame": "first"}]
    with pytest.raises(ValueError, match="uploaded first"):
        RUNWARE.submission(request, ID)


def test_small_picture_needs_no_upload() -> None:
    assert RUNWARE.uploads(take_request(first_frame=PICTURE)) == {}


def test_half_seconds_are_sent_as_they_are() -> None:
    assert task(RUNWARE.submission(take_request(duration=Fraction(15, 2)), ID))["duration"] == 7.5


def test_task_id_is_a_uuid_of_version_4_that_follows_from_key_and_attempt() -> None:
    one = RUNWARE.task_id("ab", 1)
    assert (UUID(one).version, UUID(one).variant) == (4, "specified in RFC 4122")
    assert one == "2e5d097d-3bc7-400c-8aef-33cf315d092b"
    assert len({one, RUNWARE.task_id("ab", 2), RUNWARE.task_id("ab1", 1), RUNWARE.task_id("a", 1)}) == 4


def test_status_of_many_tasks_is_asked_in_one_request() -> None:
    assert RUNWARE.status_query([ID, OTHER]).body == [
        {"taskType": "getResponse", "taskUUID": ID},
        {"taskType": "getResponse", "taskUUID": OTHER},
    ]


def test_provider_is_found_by_name() -> None:
    assert find("runware").name == "runware"
    assert "runware" in known_providers()
    with pytest.raises(UnknownProvider) as unknown:
        find("runwear")
    assert "runware" in unknown.value.known


# Acknowledgements.


@pytest.mark.parametrize("data", [[ACK], [ACK, ACK], [{**ACK, "taskUUID": OTHER}, ACK], [SUCCESS]])
def test_acknowledgement_is_the_item_of_this_task(data: list[Any]) -> None:
    assert RUNWARE.read_acknowledgement(Reply(200, {"data": data}), ID) == ID


@pytest.mark.parametrize(
    ("http", "reply", "code"),
    [
        (200, {"data": []}, "unreadable-reply"),
        (200, {}, "unreadable-reply"),
        (200, [ACK], "unreadable-reply"),
        (200, "ok", "unreadable-reply"),
        (200, {"data": [{**ACK, "taskUUID": OTHER}]}, "unreadable-reply"),
        (200, {"data": [{**ACK, "taskType": "imageInference"}]}, "unreadable-reply"),
        (200, {"data": None, "errors": None}, "unreadable-reply"),
        (200, {"data": [ACK], "errors": [failure("invalidSeed")]}, "unreadable-reply"),
        (400, {"errors": [{**failure("conflictTaskUUID"), "taskUUID": OTHER}]}, "unreadable-reply"),
        (307, None, "unreadable-reply"),
        (400, {"errors": [failure("conflictTaskUUID")]}, "conflict"),
        (200, {"errors": [failure("unsupportedDuration")]}, "invalid-request"),
        (400, {"errors": [{"code": "invalidSeed"}]}, "invalid-request"),
        (400, {"error": {"code": "contentPolicyViolation"}}, "moderated"),
        (401, {"errors": [{"code": "invalidApiKey"}]}, "auth"),
        (429, {"errors": [{"code": "insufficientCredits"}]}, "no-balance"),
        (503, None, "server"),
    ],
)
def test_anything_else_is_an_error_of_the_submission(http: int, reply: Any, code: str) -> None:
    with pytest.raises(ProviderError) as refused:
        RUNWARE.read_acknowledgement(Reply(http, reply), ID)
    assert refused.value.code == code


def test_error_of_another_task_beside_ours_does_not_concern_us() -> None:
    reply = Reply(200, {"data": [ACK], "errors": [{**failure("invalidSeed"), "taskUUID": OTHER}]})
    assert RUNWARE.read_acknowledgement(reply, ID) == ID


# Outcomes.


def test_success_tells_where_the_video_is_and_what_it_cost() -> None:
    outcome = status(SUCCESS)
    assert outcome == Succeeded(
        Secret("https://vm.runware.ai/video/a.mp4?sig=x"), str(SUCCESS["videoUUID"]), 42, Decimal("0.6")
    )
    assert state_of(outcome) == "succeeded"
    assert "sig" not in repr(outcome)


def test_address_without_a_status_counts_as_done() -> None:
    assert isinstance(status({**ACK, "videoURL": "https://vm.runware.ai/a.mp4"}), Succeeded)


@pytest.mark.parametrize("word", ["processing", "pending", "queued", "polishing", ["odd"], 7])
def test_any_other_status_is_still_running(word: Any) -> None:
    assert status({**SUCCESS, "status": word}) == Running(status=word if isinstance(word, str) else "")


def test_a_status_that_is_no_word_is_not_shown() -> None:
    assert status({**ACK, "status": "queued\x1b[2J"}) == Running()
    assert status({**ACK, "status": "q" * 40}) == Running()


@pytest.mark.parametrize(("progress", "percent"), [(40, 40), (Decimal("40.6"), 40), (101, None), ("40", None)])
def test_progress_is_told_if_it_is_a_percentage(progress: Any, percent: int | None) -> None:
    assert status({**ACK, "status": "processing", "progress": progress}) == Running(percent, "processing")


def test_acknowledgement_in_a_poll_is_running() -> None:
    assert status(ACK) == Running()


@pytest.mark.parametrize("item", [{**SUCCESS, "taskUUID": OTHER}, {**SUCCESS, "taskType": "imageInference"}, "x", None])
def test_item_that_is_not_ours_leaves_the_job_unknown(item: Any) -> None:
    assert status(item) == Unknown()


@pytest.mark.parametrize("url", [None, 7, ["https://vm.runware.ai/a.mp4"]])
def test_success_without_an_address_can_not_be_read(url: Any) -> None:
    outcome = status({**SUCCESS, "videoURL": url})
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "unreadable-reply"


def test_repeated_item_counts_once_and_without_a_note() -> None:
    assert status(SUCCESS, SUCCESS, SUCCESS) == status(SUCCESS)


def test_second_video_for_one_task_is_told_and_the_first_kept() -> None:
    outcome = status(SUCCESS, {**SUCCESS, "videoUUID": "other", "videoURL": "https://vm.runware.ai/b.mp4"})
    assert isinstance(outcome, Succeeded)
    assert outcome.result_id == SUCCESS["videoUUID"]
    assert outcome.notes == ("2 videos in the reply for one task; the first is used",)


def test_success_outweighs_an_error_of_the_same_task() -> None:
    assert isinstance(status(SUCCESS, errors=[failure("inferenceError")]), Succeeded)


@pytest.mark.parametrize("cost", [0, "0.00", True, None, [1], "free", "NaN", "1" * 41, "\u0661"])
def test_a_cost_that_is_no_number_is_no_cost_and_a_note(cost: Any) -> None:
    outcome = status({**SUCCESS, "cost": cost})
    assert isinstance(outcome, Succeeded)
    assert (outcome.cost, len(outcome.notes)) == (None, 1)


@pytest.mark.parametrize("cost", ["0.96", Decimal("1e-9"), -1, "-1", 1000, Decimal("1e308"), Decimal("1e999999999")])
def test_a_cost_is_passed_on_as_the_provider_reports_it(cost: Any) -> None:
    outcome = status({**SUCCESS, "cost": cost})
    assert isinstance(outcome, Succeeded)
    assert (outcome.cost, outcome.notes) == (Decimal(cost), ())


def test_cost_that_is_not_a_number_does_not_lose_the_result() -> None:
    reply = read_json(json.dumps({"data": [{**SUCCESS, "cost": float("nan")}]}).encode())
    outcome = RUNWARE.read_status(Reply(200, reply), [ID])[ID]
    assert isinstance(outcome, Succeeded)
    assert outcome.cost is None


@pytest.mark.parametrize(("seed", "told", "notes"), [(7, 7, 0), (None, None, 0), ("42", None, 1), (-1, None, 1)])
def test_seed_is_told_as_it_came_if_it_is_one(seed: Any, told: int | None, notes: int) -> None:
    outcome = status({**SUCCESS, "seed": seed})
    assert isinstance(outcome, Succeeded)
    assert (outcome.seed, len(outcome.notes)) == (told, notes)


def test_failure_may_stand_in_either_list() -> None:
    inside = {**ACK, "status": "error", "error": {"code": "inferenceError", "message": "broke"}}
    for outcome in (status(inside), status(errors=[failure("inferenceError")])):
        assert isinstance(outcome, Failed)
        assert (outcome.error.code, outcome.error.provider_code) == ("provider-failed", "inferenceError")
        assert outcome.error.task_id == ID


@pytest.mark.parametrize("code", ["taskNotFound", "taskFailedOrNotFound"])
def test_task_that_is_not_found_is_unknown_not_failed(code: str) -> None:
    item = {"taskType": "getResponse", "taskUUID": ID, "code": code}
    assert status(errors=[item]) == Unknown()
    assert status(errors=[item], http=404) == Unknown()


def test_task_that_is_cancelled_has_ended() -> None:
    assert state_of(status(errors=[{"taskType": "getResponse", "taskUUID": ID, "code": "taskCancelled"}])) == "failed"


@pytest.mark.parametrize(
    ("http", "code", "ours"),
    [(429, "rateLimitExceeded", "rate-limited"), (500, None, "server"), (401, "invalidApiKey", "auth")],
)
def test_trouble_with_the_question_is_not_trouble_of_the_job(http: int, code: str | None, ours: str) -> None:
    errors = [{"taskType": "getResponse", "taskUUID": ID, "code": code}] if code else []
    with pytest.raises(ProviderError) as trouble:
        RUNWARE.read_status(Reply(http, {"data": [], "errors": errors}), [ID])
    assert trouble.value.code == ours


def test_refused_key_in_a_good_status_is_raised_too() -> None:
    with pytest.raises(ProviderError) as trouble:
        status(errors=[{"code": "invalidApiKey", "message": "no"}])
    assert trouble.value.code == "auth"


def test_rate_limit_on_the_question_leaves_the_job_open() -> None:
    with pytest.raises(ProviderError) as trouble:  # no answer: above all not that the task is unknown
        status(errors=[{"taskType": "getResponse", "taskUUID": ID, "code": "rateLimitExceeded"}])
    assert trouble.value.code == "rate-limited"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, {"errors": [failure("timeoutProvider")]}),
        Reply(200, {"data": [SUCCESS], "errors": [{"code": "rateLimitExceeded", "message": "slow down"}]}),
        Reply(200, {"data": [SUCCESS], "errors": [{"taskUUID": "x", "code": "taskNotFound"}]}),
    ],
)
def test_silence_beside_an_error_says_nothing_of_a_task(reply: Reply) -> None:
    assert list(RUNWARE.read_status(reply, [ID, OTHER])) == [ID]
    assert OTHER not in RUNWARE.read_archive(reply, [ID, OTHER])


def test_outcomes_of_many_tasks_are_told_apart() -> None:
    reply = Reply(200, {"data": [{**SUCCESS, "taskUUID": OTHER}], "errors": [failure("timeoutProvider")]})
    outcomes = RUNWARE.read_status(reply, [ID, OTHER])
    assert [state_of(outcomes[task_id]) for task_id in (ID, OTHER)] == ["failed", "succeeded"]


# Error codes, as the documentation and the official client list them.


@pytest.mark.parametrize(
    ("theirs", "ours", "retryable"),
    [
        ("invalidApiKey", "auth", False),
        ("missingApiKey", "auth", False),
        ("unauthorized", "auth", False),
        ("forbidden", "auth", False),
        ("permissionDenied", "auth", False),
        ("authenticationFailed", "auth", False),
        ("tokenExpired", "auth", False),
        ("accountSuspended", "auth", False),
        ("organizationDisabled", "auth", False),
        ("insufficientCredits", "no-balance", False),
        ("providerInsufficientCredits", "no-balance", False),
        ("quotaExceeded", "no-balance", False),
        ("paymentRequired", "no-balance", False),
        ("rateLimitExceeded", "rate-limited", True),
        ("inferenceRateLimitExceeded", "rate-limited", True),
        ("providerRateLimitExceeded", "rate-limited", True),
        ("contentPolicyViolation", "moderated", False),
        ("providerContentPolicyViolation", "moderated", False),
        ("sensitiveContentDetected", "moderated", False),
        ("unsafeContentDetected", "moderated", False),
        ("nsfwContentDetected", "moderated", False),
        ("promptBlocked", "moderated", False),
        ("imageBlocked", "moderated", False),
        ("moderationFailed", "moderated", False),
        ("providerTimeout", "timeout", True),
        ("providerGatewayTimeout", "timeout", True),
        ("timeout", "timeout", True),
        ("timeoutProvider", "timeout", True),
        ("taskNotFound", "not-found", False),
        ("taskExpired", "not-found", False),
        ("taskCancelled", "not-found", False),
        ("taskFailedOrNotFound", "not-found", False),
        ("unknownModel", "not-found", False),
        ("internalServerError", "server", True),
        ("serviceUnavailable", "server", True),
        ("serverUnavailable", "server", True),
        ("standardError", "server", True),
        ("unknownError", "server", True),
        ("undefinedError", "server", True),
        ("defaultError", "server", True),
        ("providerError", "provider-failed", True),
        ("providerAuthenticationFailed", "provider-failed", True),
        ("inferenceError", "provider-failed", True),
        ("processingFailed", "provider-failed", True),
        ("taskFailed", "provider-failed", True),
        ("downloadFailed", "provider-failed", True),
        ("uploadFailed", "provider-failed", True),
        ("noAvailableServer", "provider-failed", True),
        ("modelUnavailable", "provider-failed", True),
        ("modelDisabled", "provider-failed", True),
        ("modelNotReady", "provider-failed", True),
        ("unsupportedDuration", "invalid-request", False),
        ("invalidWidth", "invalid-request", False),
        ("missingModel", "invalid-request", False),
        ("duplicateParameter", "invalid-request", False),
        ("valueTooLarge", "invalid-request", False),
        ("arrayTooLong", "invalid-request", False),
        ("maxLength", "invalid-request", False),
        ("unknownParameter", "invalid-request", False),
        ("incompatibleParameters", "invalid-request", False),
        ("conflictParameters", "invalid-request", False),
        ("conflictTaskUUID", "conflict", False),
        ("somethingNew", "provider-failed", False),
    ],
)
def test_code_of_the_provider_has_one_meaning(theirs: str, ours: str, retryable: bool) -> None:
    assert classify(theirs, 200) == (ours, retryable)


@pytest.mark.parametrize(
    ("http", "ours", "retryable"),
    [
        (400, "invalid-request", False),
        (401, "auth", False),
        (402, "no-balance", False),
        (403, "auth", False),
        (404, "not-found", False),
        (418, "invalid-request", False),
        (429, "rate-limited", True),
        (500, "server", True),
        (503, "server", True),
        (504, "timeout", True),
    ],
)
def test_status_speaks_where_no_known_code_does(http: int, ours: str, retryable: bool) -> None:
    assert classify("somethingNew", http) == (ours, retryable)
    error = RUNWARE.error_of(Reply(http, None))
    assert error is not None
    assert (error.code, error.retryable, error.status) == (ours, retryable, http)


def test_error_keeps_field_and_words_of_the_provider() -> None:
    item = failure("invalidWidth", message="width \x1b[31mis\nwrong\u202e", parameter=["width", "height"])
    error = RUNWARE.error_of(Reply(400, {"errors": [item]}))
    assert error is not None
    assert error.facts() == {
        "code": "invalid-request",
        "message": "width [31mis wrong",
        "retryable": False,
        "provider_code": "invalidWidth",
        "field": "width, height",
        "task_id": ID,
        "status": 400,
    }


# The archive.


def details(request: Any, **response: Any) -> Archived:
    item = {"taskType": "getTaskDetails", "taskUUID": ID, "request": request, "response": response}
    return RUNWARE.read_archive(Reply(200, {"data": [item]}), [ID])[ID]


def test_archive_tells_request_and_result() -> None:
    sent = task(RUNWARE.submission(take_request(), ID))
    found = details([sent], data=[SUCCESS])
    assert (found.known, found.request, state_of(found.outcome)) == (True, sent, "succeeded")


def test_refused_replay_in_the_archive_is_not_the_failure_of_the_job() -> None:
    found = details([task(RUNWARE.submission(take_request(), ID))], errors=[failure("conflictTaskUUID")])
    assert (found.known, found.outcome) == (True, Unknown())


def test_failure_in_the_archive_is_one() -> None:
    assert state_of(details([], errors=[failure("inferenceError")]).outcome) == "failed"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"data": []}),
        Reply(200, {"errors": [{"taskType": "getTaskDetails", "taskUUID": ID, "code": "taskNotFound"}]}),
        Reply(404, {"errors": [{"taskType": "getTaskDetails", "taskUUID": ID, "code": "taskNotFound"}]}),
        Reply(200, {"data": [{"taskType": "getTaskDetails", "taskUUID": OTHER, "request": [], "response": {}}]}),
    ],
)
def test_archive_that_knows_nothing_says_so(reply: Reply) -> None:
    assert RUNWARE.read_archive(reply, [ID]) == {ID: Archived(known=False)}


def test_archived_request_is_ours_if_what_decides_the_take_is_equal() -> None:
    request = take_request(first_frame=PICTURE, params={"providerSettings": {"runway": {}}})
    call = RUNWARE.submission(request, ID)
    archived = json.loads(json.dumps(task(call)), parse_float=Decimal)
    assert RUNWARE.same_request(archived | {"includeCost": False, "ttl": 60}, call)
    assert RUNWARE.same_request(archived | {"duration": Decimal("5.0")}, call)


@pytest.mark.parametrize(
    "change",
    [
        {"positivePrompt": "another"},
        {"seed": 43},
        {"duration": 8},
        {"width": 960},
        {"model": "runway:1@1"},
        {"inputs": {}},
        {"inputs": {"frameImages": [{"image": "data:image/png;base64,AAAA", "frame": "first"}]}},
        {"providerSettings": {"runway": {"contentModeration": {}}}},
    ],
)
def test_archived_request_with_another_field_is_not_ours(change: dict[str, Any]) -> None:
    call = RUNWARE.submission(take_request(first_frame=PICTURE), ID)
    assert not RUNWARE.same_request(task(call) | change, call)


def test_uploaded_picture_does_not_make_the_archived_request_another() -> None:
    request = take_request(first_frame=PICTURE, size=Size(960, 960))
    once = RUNWARE.submission(request, ID, {"first": "media-1"})
    again = RUNWARE.submission(request, ID, {"first": "media-2"})
    assert RUNWARE.same_request(task(once), again)
