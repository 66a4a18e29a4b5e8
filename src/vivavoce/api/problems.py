"""Every refusal as RFC 9457 `application/problem+json`, whoever refused."""

from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from vivavoce.errors import (
    AuthenticationFailed,
    Forbidden,
    InvalidRequest,
    NotFound,
    RateLimited,
    Unavailable,
    VivavoceError,
)
from vivavoce.protocol.codec import encode
from vivavoce.protocol.problem import MEDIA_TYPE, Problem, problem

log = structlog.get_logger(__name__)

REQUEST_ID: Final = "x-request-id"
_BY_STATUS: Final[dict[int, type[VivavoceError]]] = {
    401: AuthenticationFailed,
    403: Forbidden,
    404: NotFound,
    429: RateLimited,
}
_MESSAGES: Final[dict[int, str]] = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The request is too large.",
}


def request_id_of(request: Request[Any, Any, Any]) -> str:
    """The id that stands in the answer and in the log."""
    return str(request.scope.get("state", {}).get("request_id", "unknown"))


def answer_refusal(request: Request[Any, Any, Any], error: VivavoceError) -> Response[bytes]:
    """Answer an error of ours."""
    return _response(problem(error, request_id=request_id_of(request)))


def answer_framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the framework refuses by itself: no route, wrong method, too large."""
    status = error.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_unexpected(request, error)
    refusal = _BY_STATUS.get(status, InvalidRequest)(
        _MESSAGES.get(status, "The request breaks the contract.")
    )
    response = _response(problem(refusal, request_id=request_id_of(request), status=status))
    if allowed := (error.headers or {}).get("Allow"):
        response.set_header("allow", allowed)
    return response


def answer_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer a fault of ours: its text stays in the log, because it may hold anything."""
    request_id = request_id_of(request)
    log.error("request failed", path=request.url.path, error=type(error).__name__, exc_info=error)
    fault = Unavailable("Something went wrong here. Try again; if it goes on, say the request id.")
    return _response(problem(fault, request_id=request_id, status=500))


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    VivavoceError: answer_refusal,
    HTTPException: answer_framework,
    Exception: answer_unexpected,
}


def _response(described: Problem) -> Response[bytes]:
    headers = {"cache-control": "no-store"}
    if described.retry_after is not None:
        headers["retry-after"] = str(max(1, round(described.retry_after)))
    if described.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return Response(
        content=encode(described),
        status_code=described.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )
