"""The HTTP server of the engine: uvicorn, inside a task group of ours, with bounded requests."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Generator
from typing import Any, Final

import anyio
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vivavoce.engine.client_events import MAX_AUDIO_EVENT_BYTES

REQUEST_SECONDS: Final = 8.0
KEEP_ALIVE_SECONDS: Final = 60
"""Longer than common clients keep an idle connection (httpx 5 s, aiohttp 15 s): they close it, and
no request is sent into one that is being closed."""
_WEBSOCKET_PING_SECONDS: Final = 20.0
_HEAD_BYTES: Final = 16_384


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out what is as it should be.

    That is a WebSocket that is refused by HTTP, and a request that is cut off by the engine's end.
    """
    cause = record.exc_info[1] if record.exc_info else None
    if isinstance(cause, asyncio.CancelledError):
        return False
    return "without completing handshake" not in record.getMessage()


class PatientlessProtocol(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection whose request, head and body, takes too long to arrive.

    The parser of Node reads a request in a third of the time that one in Python takes, but keeps
    whatever it is sent: heads are limited here, bodies by the application.
    """

    _deadline: asyncio.TimerHandle | None = None
    _is_whole = False
    _head_size = 0  # of this request, trailers included
    _idle_size = 0  # what came since the parser last had something to tell

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its time."""
        super().connection_made(transport)
        if self.limit_concurrency and len(self.connections) > self.limit_concurrency:
            transport.abort()
            return
        self.app_state = {**self.app_state, "abort": transport.abort}  # in every scope's `state`
        self._start_deadline()

    def data_received(self, data: bytes) -> None:
        """Take data; the time is over once the request is whole."""
        self._is_whole = False
        self._idle_size += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._is_whole or self.transport.get_protocol() is not self:  # became a WebSocket
            self._stop_deadline()
        elif self._idle_size > _HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")
        elif self._deadline is None:
            self._start_deadline()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_whole, self._head_size = False, 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._count_head(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header or a trailer."""
        self._count_head(name, value)
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._idle_size = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._is_whole, self._idle_size = True, 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_deadline()
        super().connection_lost(exc)

    def _count_head(self, *parts: bytes) -> None:
        """Count a part of the head.

        Raises:
            ValueError: If it is too long; the parser makes a refusal of it.
        """
        self._idle_size = 0
        self._head_size += sum(map(len, parts))
        if self._head_size > _HEAD_BYTES:
            raise ValueError("too long")

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _stop_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


class Server(uvicorn.Server):
    """A server whose owner decides when it ends: it takes no signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = anyio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit` is set and requests in hand are done or out of time."""
        try:
            await super().serve(sockets)
        finally:
            self._ended.set()

    async def until_ended(self) -> None:
        """Wait until `serve` has returned."""
        await self._ended.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the program."""
        yield


def make_server(app: Any, *, shutdown_seconds: int, max_connections: int) -> Server:
    """Make a server for an ASGI application. It logs no requests.

    Args:
        app: The application.
        shutdown_seconds: For requests in hand when it ends.
        max_connections: Open sockets; those beyond are closed as they come.
    """
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    return Server(
        uvicorn.Config(
            app,
            http=PatientlessProtocol,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ws_max_size=MAX_AUDIO_EVENT_BYTES,
            ws_ping_interval=_WEBSOCKET_PING_SECONDS,
            ws_ping_timeout=_WEBSOCKET_PING_SECONDS,
            ws_per_message_deflate=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=shutdown_seconds,
            limit_concurrency=max_connections,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """Bind a TCP socket.

    Raises:
        OSError: If the address cannot be had.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.setblocking(False)  # noqa: FBT003  the standard library's own
    except BaseException:
        listener.close()
        raise
    return listener
