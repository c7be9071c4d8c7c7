"""Map Runware's error codes to our codes.

Runware's documentation warns that codes are still being unified, so they are judged by category, in this order:
``providerRateLimitExceeded`` is a rate limit, ``insufficientCredits`` under HTTP 429 is an empty account. Categories
and their order follow the official SDK 1.8.0, read 2026-11-22, with one exception: ``timeoutProvider``, documented
with a small ``timeout``, is a timeout here.
"""

from collections.abc import Mapping
from typing import Any

from storyboard.providers.errors import ErrorCode, ProviderError

CONFLICT = "conflictTaskUUID"

_SAFETY = {
    "contentPolicyViolation",
    "providerContentPolicyViolation",
    "sensitiveContentDetected",
    "unsafeContentDetected",
    "nsfwContentDetected",
    "promptBlocked",
    "imageBlocked",
    "moderationFailed",
    "invalidProviderContent",
}
_AUTH = {
    "unauthorized",
    "forbidden",
    "permissionDenied",
    "insufficientPermissions",
    "authenticationFailed",
    "authFailed",
    "authTimeout",
    "invalidAuthentication",
    "invalidCredentials",
    "missingAuthentication",
    "tokenExpired",
    "tokenInvalid",
    "tokenMissing",
    "tokenRevoked",
    "accountSuspended",
    "accountDisabled",
    "organizationSuspended",
    "organizationDisabled",
    "workspaceSuspended",
    "workspaceDisabled",
}
_NOT_SEEN = {"taskNotFound", "taskFailedOrNotFound"}
_SERVER = {
    "internalServerError",
    "serviceUnavailable",
    "serverUnavailable",
    "standardError",
    "unknownError",
    "undefinedError",
    "defaultError",
}
_PROVIDER = {
    "inferenceError",
    "processingFailed",
    "taskFailed",
    "downloadFailed",
    "uploadFailed",
    "noAvailableServer",
    "modelUnavailable",
    "modelDisabled",
    "modelNotReady",
}
_INVALID_STARTS = ("invalid", "missing", "conflict", "duplicate", "unsupported", "value", "array", "max")
_INVALID = {"unknownParameter", "incompatibleParameters"}

_STATUSES: Mapping[int, tuple[ErrorCode, bool]] = {
    400: ("invalid-request", False),
    401: ("auth", False),
    402: ("no-balance", False),
    403: ("auth", False),
    404: ("not-found", False),
    408: ("timeout", True),
    429: ("rate-limited", True),
    504: ("timeout", True),
}


def classify(code: str | None, status: int | None = None) -> tuple[ErrorCode, bool]:
    """Return our code for *code* and whether to retry; unknown codes are judged by the HTTP *status*."""
    return _classify_code(code or "") or _classify_status(status)


def _classify_code(code: str) -> tuple[ErrorCode, bool] | None:
    if code == CONFLICT:
        return ("conflict", False)
    if any(word in code for word in ("Credits", "Quota", "Balance")) or code in {"quotaExceeded", "paymentRequired"}:
        return ("no-balance", False)
    if "RateLimit" in code or code == "rateLimitExceeded":
        return ("rate-limited", True)
    if code in _SAFETY:
        return ("moderated", False)
    if "ApiKey" in code or code in _AUTH:
        return ("auth", False)
    if "Timeout" in code or code.startswith("timeout"):
        return ("timeout", True)
    if code.endswith(("NotFound", "Expired")) or code in {"taskCancelled", "unknownModel"} | _NOT_SEEN:
        return ("not-found", False)
    if code in _SERVER:
        return ("server", True)
    if code.startswith("provider") or code in _PROVIDER:
        return ("provider-failed", True)
    if code.startswith(_INVALID_STARTS) or code in _INVALID:
        return ("invalid-request", False)
    return None


def _classify_status(status: int | None) -> tuple[ErrorCode, bool]:
    if status is None or status < 400:
        return ("provider-failed", False)
    if status >= 500:
        return _STATUSES.get(status, ("server", True))
    return _STATUSES.get(status, ("invalid-request", False))


def is_unknown_task(item: Mapping[str, Any]) -> bool:
    """Return whether an error item only states that the task is not known, perhaps not yet."""
    return text_field(item, "code") in _NOT_SEEN


def error_from_item(item: Mapping[str, Any], status: int | None = None) -> ProviderError:
    """Return the error described by one item of ``errors``, or of ``data`` with ``status: error``."""
    inner = item.get("error")
    told: Mapping[str, Any] = {**item, **inner} if isinstance(inner, dict) else item
    code = text_field(told, "code")
    ours, retryable = classify(code, status)
    parameter = told.get("parameter")
    if isinstance(parameter, list):
        parameter = ", ".join(name for name in parameter if isinstance(name, str))
    return ProviderError(
        ours,
        text_field(told, "message") or "the provider gave no message",
        retryable=retryable,
        provider_code=code,
        field=parameter if isinstance(parameter, str) else None,
        task_id=text_field(item, "taskUUID"),
        status=status,
    )


def text_field(item: Mapping[str, Any], name: str) -> str | None:
    """Return a field of an item if it is text, else ``None``."""
    value = item.get(name)
    return value if isinstance(value, str) else None
