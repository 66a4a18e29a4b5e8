"""Errors over HTTP: RFC 9457 `application/problem+json`."""

from typing import Any

import msgspec

from vivavoce.errors import VivavoceError
from vivavoce.protocol.messages import ErrorData

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True):
    """A refused request."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    recovery: str
    request_id: str
    retry_after: float | None = None
    tried_regions: list[str] | None = None
    reason: str | None = None
    """Which one of several, where a page has different words for each."""


def problem(error: VivavoceError, *, request_id: str, status: int | None = None) -> Problem:
    """Describe an error for an HTTP answer."""
    return Problem(
        type=f"urn:vivavoce:error:{error.code.lower()}",
        title=error.code.replace("_", " ").capitalize(),
        status=status or error.http_status,
        detail=error.message,
        code=error.code,
        retryable=error.retryable,
        recovery=error.recovery,
        request_id=request_id,
        retry_after=error.retry_after,
        tried_regions=error.details.get("triedRegions"),
        reason=error.details.get("reason"),
    )


def error_data(error: VivavoceError, *, request_id: str | None = None) -> ErrorData:
    """Describe an error for a WebSocket message."""
    details: dict[str, Any] = dict(error.details)
    if error.retry_after is not None:
        details["retryAfter"] = error.retry_after
    return ErrorData(
        code=error.code,
        message=error.message,
        retryable=error.retryable,
        recovery=error.recovery,
        request_id=request_id,
        details=details,
    )
