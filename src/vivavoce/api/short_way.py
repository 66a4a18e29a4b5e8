"""The short way to the edge that every spoken word takes, past the framework.

To find a route, inject what it asks for and render a response costs about as much as to store an
entry. So the transcript processor is answered here, by the same code as its route in the framework.
Pages (whoever sends an `Origin`) take the route: the framework knows what browsers want (CORS).
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from vivavoce.api.authentication import bearer_of
from vivavoce.api.problems import Rendered, render_refusal, render_too_large, render_unexpected
from vivavoce.errors import VivavoceError

Act = Callable[[str, bytes], Awaitable[bytes]]
"""Takes a bearer token and a body, and gives the JSON of the answer; refuses by `VivavoceError`."""


class _Left(Exception):
    """The client went away in the middle of its request."""


class _TooLarge(Exception):
    """The body is larger than it may be."""


class ShortWay:
    """ASGI wrapper around the framework's application.

    Args:
        app: Gets everything else.
        handler: The route that is answered here; its path is exact.
        act: What answers it.
        max_body_bytes: Larger bodies are refused.
    """

    def __init__(self, app: ASGIApp, handler: Any, act: Act, *, max_body_bytes: int) -> None:
        self._app = app
        self._handler = handler
        self._path = min(handler.paths)
        self._act = act
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if (
            scope["type"] == ScopeType.HTTP
            and scope["method"] == "POST"
            and scope["path"] == self._path
        ):
            headers = dict(scope["headers"])
            if b"origin" not in headers:
                await self._answer(scope, headers, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(
        self, scope: HTTPScope, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        scope["route_handler"] = self._handler  # for the log
        request_id = str(scope["state"]["request_id"])
        try:
            body = await self._read(headers, receive)
            token = bearer_of(headers.get(b"authorization", b"").decode("latin-1"))
            rendered = Rendered.json(HTTPStatus.OK, await self._act(token, body))
        except _Left:
            return
        except _TooLarge:
            rendered = render_too_large(request_id)
        except VivavoceError as error:
            rendered = render_refusal(error, request_id)
        except Exception as error:  # noqa: BLE001  as the framework's last handler: it is logged
            rendered = render_unexpected(error, request_id, path=self._path)
        await send(
            {"type": "http.response.start", "status": rendered.status, "headers": rendered.raw()}
        )
        await send({"type": "http.response.body", "body": rendered.body, "more_body": False})

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._max_body_bytes:
            raise _TooLarge
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Left
            body += message.get("body", b"")  # type: ignore[operator]  # `http.request` by now
            if len(body) > self._max_body_bytes:
                raise _TooLarge
            if not message.get("more_body", False):
                return body
