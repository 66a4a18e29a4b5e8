"""The WebSocket of a machine, for its candidate (RFC 6455)."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

import anyio
from websockets.asyncio.server import Server, ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from vivavoce.errors import (
    AuthenticationFailed,
    Forbidden,
    InvalidRequest,
    RateLimited,
    VivavoceError,
)
from vivavoce.protocol.codec import decode, encode
from vivavoce.protocol.messages import (
    MAX_MESSAGE_BYTES,
    SUBPROTOCOL,
    AnswerMessage,
    ClientMessage,
    CloseCode,
    IceCandidateMessage,
    OfferMessage,
    SessionMessage,
)
from vivavoce.proxy.admission import close_code, token_in_subprotocols
from vivavoce.proxy.link import Link, error_message
from vivavoce.proxy.session import Session

OPEN_TIMEOUT: Final = 5.0
PING_SECONDS: Final = 5.0
MISSED_PINGS: Final = 2
BIND_TIMEOUT: Final = 10.0
MAX_CONNECTIONS: Final = 16
REFUSAL_TIMEOUT: Final = 2.0
_log: Final = logging.getLogger(__name__)
# The library quotes requests and headers at level DEBUG and in the text of some errors; a token may
# stand in both.
_wire_log: Final = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.CRITICAL + 1)


@asynccontextmanager
async def serve_clients(
    path: str, session_soon: Callable[[], Awaitable[Session | None]]
) -> AsyncGenerator[Server, None]:
    """Listen on a unix socket for the length of the block.

    Args:
        path: Of the socket.
        session_soon: Gives the session; None where the machine has none, and soon will not.
    """

    async def refuse(connection: ServerConnection, request: Request) -> Response | None:
        if len(server.connections) > MAX_CONNECTIONS:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.\n")
        session = await session_soon()
        if session is None:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "No session yet.\n")
        origins = request.headers.get_all("Origin")
        if len(origins) > 1 or (origins[0] if origins else None) not in session.claim.origins:
            return connection.respond(HTTPStatus.FORBIDDEN, "This origin may not connect.\n")
        return None

    async def serve(connection: ServerConnection) -> None:
        session = await session_soon()
        if session is None:
            return
        try:
            await _serve_client(session, connection)
        except Exception as error:
            # The library ends this connection only; its own log line would quote the request.
            _log.error("a connection failed (%s)", type(error).__name__)
            raise

    server = await unix_serve(
        serve,
        path,
        process_request=refuse,
        select_subprotocol=_select_subprotocol,
        compression=None,
        max_size=MAX_MESSAGE_BYTES,
        max_queue=4,
        open_timeout=OPEN_TIMEOUT,
        close_timeout=2,
        ping_interval=PING_SECONDS,
        ping_timeout=PING_SECONDS * MISSED_PINGS,
        server_header=None,
        logger=_wire_log,
    )
    try:
        yield server
    finally:
        with anyio.move_on_after(3, shield=True):
            server.close(code=CloseCode.GOING_AWAY)
            await server.wait_closed()


def _select_subprotocol(
    connection: ServerConnection,  # noqa: ARG001  the library's signature
    offered: Sequence[Subprotocol],
) -> Subprotocol | None:
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


def _token(request: Request) -> str | None:
    """The session token of a handshake: in a subprotocol, or as `?token=`."""
    offered = [
        name.strip()
        for value in request.headers.get_all("Sec-WebSocket-Protocol")
        for name in value.split(",")
    ]
    in_query = parse_qs(urlsplit(request.path).query, max_num_fields=20).get("token", [])
    return token_in_subprotocols(offered) or (in_query[0] if len(in_query) == 1 else None)


async def _serve_client(session: Session, connection: ServerConnection) -> None:
    assert connection.request is not None  # noqa: S101  the handshake is over
    try:
        identity = session.admission.admit(_token(connection.request))
    except (VivavoceError, ValueError) as error:
        known = error if isinstance(error, VivavoceError) else AuthenticationFailed("No token.")
        await _refuse(connection, known)
        return
    link = Link(connection, identity)
    left = False
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(link.run)
            left = await _receive_all(session, link, connection)
            link.close(CloseCode.NORMAL)
    finally:
        session.unbind(link, left=left)


async def _refuse(connection: ServerConnection, error: VivavoceError) -> None:
    """Say why, and close: scripts in a browser see neither the status nor the body of a 401."""
    with anyio.move_on_after(REFUSAL_TIMEOUT):
        try:
            await connection.send(encode(error_message(error)), text=True)
            await connection.close(close_code(error), error.code)
        except ConnectionClosed:
            return


async def _receive_all(session: Session, link: Link, connection: ServerConnection) -> bool:
    """Take messages until the connection is closed; tell whether the client left for good."""
    is_bound = False
    try:
        while True:
            with anyio.fail_after(None if is_bound else BIND_TIMEOUT):
                received = await connection.recv()
            is_bound = _take(session, link, received) or is_bound
    except TimeoutError:
        link.post_error(InvalidRequest("No session message came."))
        link.close(CloseCode.POLICY_VIOLATION, "No session message came.")
        await link.closed.wait()
    except ConnectionClosed as closed:
        return closed.rcvd is not None and closed.rcvd.code == CloseCode.LEFT
    return False


def _take(session: Session, link: Link, received: str | bytes) -> bool:
    """Take one message; tell whether it bound the connection."""
    if not link.messages.take():
        link.post_error(RateLimited("Too many messages.", retry_after=1.0))
        link.close(CloseCode.POLICY_VIOLATION, "Too many messages.")
        return False
    try:
        if isinstance(received, bytes):
            raise InvalidRequest("Messages are text.")
        message: ClientMessage = decode(received, ClientMessage)  # type: ignore[arg-type]  # a union
        _obey(session, link, message)
    except (AuthenticationFailed, Forbidden) as error:
        link.post_error(error)
        link.close(close_code(error), error.code)
    except VivavoceError as error:
        link.post_error(error)
    else:
        return isinstance(message, SessionMessage)
    return False


def _obey(session: Session, link: Link, message: ClientMessage) -> None:
    if isinstance(message, SessionMessage) and message.data.token is not None:
        link.identity = session.admission.admit(message.data.token)
    session.admission.check(link.identity, message.session_id)
    match message:
        case SessionMessage(data=data):
            session.bind(link, data)
        case OfferMessage(data=data):
            session.offer(link, data)
        case IceCandidateMessage(data=data):
            session.ice_candidate(link, data)
        case AnswerMessage():
            raise InvalidRequest("The voice model makes no offers: there is nothing to answer.")
