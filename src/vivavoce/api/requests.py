"""Around every request: its id, its log line, its place in the metrics."""

import re
import time
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from vivavoce.api.metrics import Metrics
from vivavoce.api.problems import REQUEST_ID

log = structlog.get_logger(__name__)

_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{8,64}")
_QUIET: Final = frozenset(
    {
        "/healthz",
        "/readyz",
        "/metrics",
        "/functions/v1/transcript-processor",
        "/internal/v1/machines/{machine_id:str}/reports",
    }
)
"""Edges that are asked all the time: what goes well there is counted, not logged."""
UNKNOWN_EDGE: Final = "unknown"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Requests:
    """ASGI wrapper around the application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", []), (REQUEST_ID.encode(), request_id.encode())]
                message["headers"] = headers
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: HTTPScope, status: int, seconds: float) -> None:
        """Log and count. The path template, never the query: that may hold a token."""
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        edge = _edge(scope)
        self._metrics.requests.labels(edge, method, str(status)).inc()
        self._metrics.request_seconds.labels(edge).observe(seconds)
        if edge not in _QUIET or status >= HTTPStatus.BAD_REQUEST:
            log.info(
                "request", method=method, edge=edge, status=status, ms=round(seconds * 1000, 1)
            )


def _request_id(scope: Scope) -> str:
    """The caller's own id if it is a decent one, so that it can be followed through."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID.encode() and (known := decent_id(value)):
            return known
    return str(uuid4())


def decent_id(value: bytes) -> str | None:
    """A caller's own id for a request, if it may stand in a log."""
    return value.decode() if _ID.fullmatch(value) else None


def _edge(scope: Any) -> str:
    """The route's template: few values, whatever addresses are tried."""
    handler = scope.get("route_handler")
    if handler is None:
        return UNKNOWN_EDGE
    return str(min(handler.paths, key=len))
