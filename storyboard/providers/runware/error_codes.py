"""Runware's error codes in our words.

The documentation warns that codes are still being unified, so they are judged by category; the order of the categories
matters (``providerRateLimitExceeded`` is a rate limit, ``insufficientCredits`` under HTTP 429 is an empty account).
Categories and their order: the classification of the official SDK 1.8.0, read 2026-11-22. One code is judged otherwise:
``timeoutProvider``, documented with a small ``timeout``, is a timeout here.
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


def meaning(code: str | None, status: int | None = None) -> tuple[ErrorCode, bool]:
    """Our code for theirs and whether to try again; an unknown code is judged by the HTTP *status*."""
    return _by_code(code or "") or _by_status(status)


def _by_code(code: str) -> tuple[ErrorCode, bool] | None:
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


def _by_status(status: int | None) -> tuple[ErrorCode, bool]:
    if status is None or status < 400:
        return ("provider-failed", False)
    if status >= 500:
        return _STATUSES.get(status, ("server", True))
    return _STATUSES.get(status, ("invalid-request", False))


def not_seen(item: Mapping[str, Any]) -> bool:
    """Whether an error item says no more than that the task is not known, perhaps not yet."""
    return text(item, "code") in _NOT_SEEN


def from_item(item: Mapping[str, Any], status: int | None = None) -> ProviderError:
    """The error that one item of ``errors`` (or of ``data`` with ``status: error``) is."""
    inner = item.get("error")
    told: Mapping[str, Any] = {**item, **inner} if isinstance(inner, dict) else item
    code = text(told, "code")
    ours, retryable = meaning(code, status)
    parameter = told.get("parameter")
    if isinstance(parameter, list):
        parameter = ", ".join(name for name in parameter if isinstance(name, str))
    return ProviderError(
        ours,
        text(told, "message") or "the provider gave no message",
        retryable=retryable,
        provider_code=code,
        field=parameter if isinstance(parameter, str) else None,
        task_id=text(item, "taskUUID"),
        status=status,
    )


def text(item: Mapping[str, Any], name: str) -> str | None:
    """A field of an item if it is text, else ``None``."""
    value = item.get(name)
    return value if isinstance(value, str) else None
