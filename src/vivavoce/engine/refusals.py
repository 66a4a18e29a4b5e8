"""Requests that the engine refuses, in OpenAI's error shape."""

from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send


class Refused(Exception):
    """A request or an event that is refused.

    Attributes:
        status: HTTP status, where it was a request.
        message: A sentence for the developer of the client; holds nothing that was said.
        type: OpenAI's class of error.
        code: OpenAI's code of error, or None.
        param: The field that is wrong, or None.
        retry_after: Seconds after which trying again makes sense, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",  # noqa: A002  the name on the wire
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """What goes into the head of a response (RFC 9110 section 10.2.3)."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}

    @property
    def wire(self) -> dict[str, Any]:
        """The `error` object of a response body or of an `error` event."""
        return {
            "message": self.message,
            "type": self.type,
            "code": self.code,
            "param": self.param,
        }


def invalid_key() -> Refused:
    """Refuse a missing or wrong API key."""
    return Refused(
        "Incorrect API key provided. Send the engine's key as a bearer token.",
        status=401,
        code="invalid_api_key",
    )


def no_such_call() -> Refused:
    """Refuse a call id that names no live call."""
    return Refused(
        "No session found for the provided call_id.", status=404, code="call_id_not_found"
    )


async def refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer by HTTP, also where a WebSocket was asked for (ASGI extension)."""
    kind = "http.response"
    if scope["type"] == ScopeType.WEBSOCKET:
        kind = "websocket.http.response"
        await receive()
    body = msgspec.json.encode({"error": refused.wire})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in refused.headers.items()),
    ]
    start: Any = {"type": f"{kind}.start", "status": refused.status, "headers": headers}
    rest: Any = {"type": f"{kind}.body", "body": body, "more_body": False}
    await send(start)
    await send(rest)
