"""Join two connections byte for byte, with the slower one setting the pace."""

import asyncio
from typing import Final, cast

from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

CLOSING_SECONDS: Final = 2.0
_HIGH_WATER_BYTES: Final = 65_536


class Half(asyncio.Protocol):
    """One of two joined connections: what it receives goes to the other.

    `closed` is set once this side is gone.
    """

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self._other: Half | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hold the connection still until it is joined."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self.transport.pause_reading()

    def join(self, other: "Half") -> None:
        """Pass bytes on to `other` from now on."""
        self._other = other
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        if self._other is not None and self._other.transport is not None:
            self._other.transport.write(data)

    def eof_received(self) -> bool:
        """A side that says no more ends both: WebSocket has no half-closed connection."""
        return False

    def pause_writing(self) -> None:
        """Take nothing more from the other while this one does not read."""
        if self._other is not None and self._other.transport is not None:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on taking."""
        other = self._other
        if other is not None and other.transport is not None and not other.transport.is_closing():
            other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's interface
        """End the other too."""
        self.closed.set()
        if self._other is not None and self._other.transport is not None:
            self._other.transport.close()


class _Leaving(asyncio.Protocol):
    """Stays until the peer has said goodbye too, so that it gets our last words."""

    def __init__(self, transport: asyncio.Transport, websocket: ServerProtocol) -> None:
        self._transport = transport
        self._websocket = websocket
        self._timer = asyncio.get_running_loop().call_later(CLOSING_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        self._websocket.receive_data(data)
        if self._websocket.state is State.CLOSED or self._websocket.close_rcvd is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's interface
        self._timer.cancel()


def close_websocket(
    transport: asyncio.Transport,
    handshake: bytes,
    *,
    subprotocol: str,
    message: str,
    code: int,
    reason: str,
) -> None:
    """Complete a WebSocket handshake only to say why there is no connection (RFC 6455).

    Scripts in a browser see neither the status nor the body of a refused handshake; they see this.
    A handshake that is not one is answered with its HTTP error.
    """
    websocket = ServerProtocol(
        select_subprotocol=lambda _, offered: (
            Subprotocol(subprotocol) if subprotocol in offered else None
        )
    )
    websocket.receive_data(handshake)
    for request in websocket.events_received():
        if isinstance(request, Request):
            websocket.send_response(websocket.accept(request))
    if websocket.state is State.OPEN:
        websocket.send_text(message.encode())
        websocket.send_close(code, reason)
    for data in websocket.data_to_send():
        transport.write(data)
    if websocket.state is State.CLOSING:
        transport.set_protocol(_Leaving(transport, websocket))
        transport.resume_reading()
    else:
        transport.close()
