"""The WebSocket to a session's SDP proxy (design: "The SDP proxy's WebSocket")."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from vivavoce.errors import (
    AuthenticationFailed,
    Conflict,
    Forbidden,
    SdpExchangeFailed,
    SessionEnded,
    VivavoceError,
    from_code,
)
from vivavoce.protocol.codec import decode, encode
from vivavoce.protocol.messages import (
    BEARER_SUBPROTOCOL_PREFIX,
    SUBPROTOCOL,
    ClientMessage,
    CloseCode,
    ErrorData,
    OfferData,
    OfferMessage,
    ProxyMessage,
    SessionData,
    SessionMessage,
)

OPEN_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
HEARTBEAT_SECONDS: Final = 15.0
MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""Of one message of the proxy: `transcript` may carry a whole interview."""

# The library logs the handshake, our token in it, when it is told to log everything.
_quiet_log: Final = logging.getLogger("vivavoce.client.signalling.websocket")
_quiet_log.setLevel(logging.WARNING)


class SignallingLost(Exception):
    """The WebSocket is gone; the audio call may well go on.

    Attributes:
        error: Why, where coming back makes no sense or needs something first; else None.
    """

    def __init__(self, error: VivavoceError | None = None) -> None:
        super().__init__("the connection to the session's machine was lost")
        self.error = error


class Signalling:
    """One WebSocket. Made by `open_signalling`."""

    def __init__(self, socket: ClientConnection, session_id: str) -> None:
        self._socket = socket
        self._session_id = session_id

    async def send_session(self, *, known: dict[str, int], token: str | None = None) -> None:
        """Bind the connection, renew its token, tell what we have; also the heartbeat.

        Raises:
            SignallingLost: If the WebSocket is gone.
        """
        data = SessionData(token=token, known=known)
        await self._send(SessionMessage(session_id=self._session_id, data=data))

    async def send_offer(self, sdp: str, *, replaces: str | None) -> None:
        """Ask for a call.

        Raises:
            SignallingLost: If the WebSocket is gone.
        """
        data = OfferData(sdp=sdp, replaces=replaces)
        await self._send(OfferMessage(session_id=self._session_id, data=data))

    async def messages(self) -> AsyncIterator[ProxyMessage]:
        """Give what the proxy says, until the WebSocket is gone.

        Raises:
            SignallingLost: When it is.
        """
        while True:
            try:
                data = await self._socket.recv()
            except ConnectionClosed as closed:
                raise SignallingLost(_reason(closed)) from closed
            yield decode(data, ProxyMessage, max_bytes=MAX_MESSAGE_BYTES)  # type: ignore[arg-type]  # a union is a shape

    async def leave(self) -> None:
        """Leave for good: the session ends now, not after a grace."""
        await self._socket.close(CloseCode.LEFT)

    async def _send(self, message: ClientMessage) -> None:
        try:
            await self._socket.send(encode(message), text=True)
        except ConnectionClosed as closed:
            raise SignallingLost(_reason(closed)) from closed


def _reason(closed: ConnectionClosed) -> VivavoceError | None:
    """What a close code means for coming back; None where it is worth trying at once."""
    match closed.rcvd.code if closed.rcvd else None:
        case CloseCode.AUTHENTICATION:
            return AuthenticationFailed("The session token is no longer taken.")
        case CloseCode.FORBIDDEN:
            return Forbidden("The session belongs to somebody else.")
        case CloseCode.TAKEN_OVER:
            return Conflict("The interview goes on in another window.")
        case CloseCode.SESSION_ENDED:
            return SessionEnded("The interview is over.")
        case _:
            return None


def error_of(data: ErrorData) -> VivavoceError:
    """The exception for an `error` message."""
    details = {name: value for name, value in data.details.items() if name != "retryAfter"}
    retry_after = data.details.get("retryAfter")
    return from_code(
        data.code,
        data.message,
        retry_after=retry_after if isinstance(retry_after, int | float) else None,
        **details,
    )


@asynccontextmanager
async def open_signalling(url: str, *, session_id: str, token: str) -> AsyncGenerator[Signalling]:
    """Connect to the proxy for the length of the block.

    Leaving the block closes the WebSocket in the ordinary way, which starts the session's grace;
    `Signalling.leave` ends the session.

    Args:
        url: The opaque `sdpProxyUrl`.
        session_id: Of the session.
        token: Its token; travels as a subprotocol, because URLs end up in logs.

    Raises:
        SdpExchangeFailed: If the proxy cannot be reached.
        AuthenticationFailed: If it does not take the token.
        Forbidden: If the session belongs to somebody else.
        SessionEnded: If the session is over.
    """
    try:
        socket = await connect(
            url,
            subprotocols=[
                Subprotocol(SUBPROTOCOL),
                Subprotocol(f"{BEARER_SUBPROTOCOL_PREFIX}{token}"),
            ],
            compression=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=MAX_MESSAGE_BYTES,
            proxy=None,
            logger=_quiet_log,
        )
    except InvalidStatus as refused:
        raise _refusal(refused.response.status_code) from refused
    except (OSError, TimeoutError, WebSocketException) as error:
        raise SdpExchangeFailed(
            f"The session's machine cannot be reached ({type(error).__name__})."
        ) from error
    try:
        yield Signalling(socket, session_id)
    finally:
        with anyio.move_on_after(CLOSE_SECONDS + 1, shield=True):
            await socket.close()


def _refusal(status: int) -> VivavoceError:
    match status:
        case 401:
            return AuthenticationFailed("The session token is not taken.")
        case 403:
            return Forbidden("The session belongs to somebody else.")
        case 404 | 410:
            return SessionEnded("The interview is over, or there is none by this id.")
        case _:
            return SdpExchangeFailed(f"The session's machine answered with status {status}.")
