"""The HTTP server of the engine: uvicorn, inside a task group of ours, with bounded requests."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Generator
from typing import Any, Final

import anyio
import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from vivavoce.engine.client_events import MAX_AUDIO_EVENT_BYTES

REQUEST_SECONDS: Final = 8.0
_WEBSOCKET_PING_SECONDS: Final = 20.0
_HEAD_BYTES: Final = 16_384


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out what is said of every WebSocket that is refused by HTTP, as it should be."""
    return "without completing handshake" not in record.getMessage()


class PatientlessProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose request, head and body, takes too long to arrive."""

    _deadline: asyncio.TimerHandle | None = None

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
        super().data_received(data)
        if self._is_whole() or self.transport.get_protocol() is not self:  # became a WebSocket
            self._stop_deadline()
        elif self._deadline is None:
            self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_deadline()
        super().connection_lost(exc)

    def _is_whole(self) -> bool:
        if self.conn.their_state is h11.SEND_BODY:
            return False
        if self.conn.their_state is h11.IDLE:
            return self.cycle is not None and not self.conn.trailing_data[0]
        return True

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
            h11_max_incomplete_event_size=_HEAD_BYTES,
            ws_max_size=MAX_AUDIO_EVENT_BYTES,
            ws_ping_interval=_WEBSOCKET_PING_SECONDS,
            ws_ping_timeout=_WEBSOCKET_PING_SECONDS,
            ws_per_message_deflate=False,
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
