"""Every refusal as RFC 9457 `application/problem+json`, whoever refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, Self

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from vivavoce.errors import (
    AuthenticationFailed,
    Conflict,
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
JSON: Final = "application/json"
NOBODY_MAY_KEEP: Final = MappingProxyType({"cache-control": "no-store"})
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


class Stale(Conflict):
    """A change began from something that is not the latest any more (RFC 9110 §13.1.1)."""

    @property
    def http_status(self) -> int:
        """412, for whoever made the change on a condition."""
        return HTTPStatus.PRECONDITION_FAILED.value


def request_id_of(request: Request[Any, Any, Any]) -> str:
    """The id that stands in the answer and in the log."""
    return str(request.scope.get("state", {}).get("request_id", "unknown"))


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer as it goes over the wire."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str]

    @classmethod
    def json(cls, status: int, body: bytes) -> Self:
        """A JSON answer that nobody may keep."""
        return cls(status, JSON, body, NOBODY_MAY_KEEP)

    @classmethod
    def problem(cls, described: Problem) -> Self:
        """A refusal."""
        headers = dict(NOBODY_MAY_KEEP)
        if described.retry_after is not None:
            headers["retry-after"] = str(max(1, round(described.retry_after)))
        if described.status == HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = "Bearer"
        return cls(described.status, MEDIA_TYPE, encode(described), headers)

    def raw(self) -> list[tuple[bytes, bytes]]:
        """All header fields, for ASGI."""
        fields = {
            **self.headers,
            "content-type": self.media_type,
            "content-length": str(len(self.body)),
        }
        return [(name.encode(), value.encode()) for name, value in fields.items()]

    def response(self) -> Response[bytes]:
        """The same for the framework."""
        return Response(
            content=self.body,
            status_code=self.status,
            media_type=self.media_type,
            headers=self.headers,
        )


def render_refusal(error: VivavoceError, request_id: str) -> Rendered:
    """Answer an error of ours."""
    return Rendered.problem(problem(error, request_id=request_id))


def render_too_large(request_id: str) -> Rendered:
    """Answer a body that is larger than it may be."""
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    refusal = InvalidRequest(_MESSAGES[status])
    return Rendered.problem(problem(refusal, request_id=request_id, status=status))


def render_unexpected(error: Exception, request_id: str, *, path: str) -> Rendered:
    """Answer a fault of ours: its text stays in the log, because it may hold anything."""
    log.error("request failed", path=path, error=type(error).__name__, exc_info=error)
    fault = Unavailable("Something went wrong here. Try again; if it goes on, say the request id.")
    return Rendered.problem(problem(fault, request_id=request_id, status=500))


def answer_refusal(request: Request[Any, Any, Any], error: VivavoceError) -> Response[bytes]:
    """Answer an error of ours."""
    return render_refusal(error, request_id_of(request)).response()


def answer_framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the framework refuses by itself: no route, wrong method, too large."""
    status = error.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_unexpected(request, error)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return render_too_large(request_id_of(request)).response()
    refusal = _BY_STATUS.get(status, InvalidRequest)(
        _MESSAGES.get(status, "The request breaks the contract.")
    )
    described = problem(refusal, request_id=request_id_of(request), status=status)
    response = Rendered.problem(described).response()
    if allowed := (error.headers or {}).get("Allow"):
        response.set_header("allow", allowed)
    return response


def answer_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer a fault of ours."""
    path = request.url.path
    return render_unexpected(error, request_id_of(request), path=path).response()


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    VivavoceError: answer_refusal,
    HTTPException: answer_framework,
    Exception: answer_unexpected,
}
