"""`GET /s/{sessionId}/ws`: the way from a candidate's client to the session's machine.

The token is checked before anything is dialled. Then the connection is handed to the machine byte
for byte: its WebSocket server sees the client's own frames, pings and close codes. While the
session is being moved to another machine, the connection waits.
"""

import asyncio
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol
from urllib.parse import parse_qs
from uuid import uuid4

import anyio
import anyio.abc
import h11
import structlog
from websockets.datastructures import Headers

from vivavoce import tokens
from vivavoce.api.splice import Half, close_websocket
from vivavoce.errors import (
    AuthenticationFailed,
    Code,
    Forbidden,
    SdpExchangeFailed,
    Unavailable,
    VivavoceError,
)
from vivavoce.protocol.codec import encode
from vivavoce.protocol.messages import (
    BEARER_SUBPROTOCOL_PREFIX,
    SUBPROTOCOL,
    CloseCode,
    ErrorMessage,
)
from vivavoce.protocol.problem import error_data

log = structlog.get_logger(__name__)

WAIT_SECONDS: Final = 10.0
"""For a machine, while the session is moved from one to another."""
DIAL_SECONDS: Final = 2.0
MAX_WAITING: Final = 500
_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PATH: Final = re.compile(rf"^/s/({_UUID})/ws/?$")
_HOST: Final = re.compile(rf"^session-({_UUID})\.", re.IGNORECASE)
_CLOSE_CODES: Final = {
    Code.AUTHENTICATION_FAILED: CloseCode.AUTHENTICATION,
    Code.FORBIDDEN: CloseCode.FORBIDDEN,
    Code.NOT_FOUND: CloseCode.FORBIDDEN,
    Code.SESSION_ENDED: CloseCode.SESSION_ENDED,
}


class Routes(Protocol):
    """Who knows where a session's machine listens."""

    async def socket_of(self, session_id: str, *, wait: float) -> str:
        """Path of the machine's unix socket; waits while there is none for the moment.

        Raises:
            SessionEnded: If the interview is over.
            SdpExchangeFailed: If there is no machine in time.
            NotFound: If there is no such session.
        """


@dataclass(frozen=True)
class Gateway:
    """Takes over the WebSocket connections of sessions.

    Attributes:
        routes: Where machines are.
        verifier: Checks session tokens.
        origins: Allowed `Origin` headers; clients that send none are no browsers and allowed.
        tasks: Owns the connections.
        count: Told the outcome of each connection: an error code, or `opened`.
        waiting: Connections whose machine is not known yet.
    """

    routes: Routes
    verifier: tokens.Verifier
    origins: Collection[str]
    tasks: anyio.abc.TaskGroup
    count: Callable[[str], None]
    waiting: set[object] = field(default_factory=set)

    def takes(self, head: h11.Request) -> bool:
        """Whether the request's path or host names a session."""
        return session_of(head) is not None

    def take(self, transport: asyncio.Transport, head: h11.Request, rest: bytes) -> None:
        """Own the connection until it is joined to a machine or refused."""
        transport.pause_reading()
        half = Half()
        half.connection_made(transport)
        transport.set_protocol(half)
        self.tasks.start_soon(self._connect, half, transport, head, rest)

    async def _connect(
        self, half: Half, transport: asyncio.Transport, head: h11.Request, rest: bytes
    ) -> None:
        session_id = session_of(head) or ""
        handshake = _request_for_machine(head) + rest
        try:
            machine = await self._find_machine(session_id, head)
        except VivavoceError as error:
            self.count(error.code)
            log.info("connection refused", session_id=session_id, code=error.code)
            _refuse(transport, handshake, error)
            return
        except Exception:
            self.count("fault")
            log.exception("connection failed", session_id=session_id)
            fault = Unavailable("Something went wrong here; connect again.")
            _refuse(transport, handshake, fault)
            return
        try:
            if not transport.is_closing():
                self.count("opened")
                machine.write(handshake)
                half.join(machine)
                machine.join(half)
                await half.closed.wait()
        finally:
            transport.close()
            machine.close()

    async def _find_machine(self, session_id: str, head: h11.Request) -> "_Machine":
        self._admit(session_id, head)
        if len(self.waiting) >= MAX_WAITING:
            raise Unavailable("Too many connections wait for a machine.", retry_after=2.0)
        token = object()
        self.waiting.add(token)
        try:
            path = await self.routes.socket_of(session_id, wait=WAIT_SECONDS)
        finally:
            self.waiting.discard(token)
        return await _dial(path)

    def _admit(self, session_id: str, head: h11.Request) -> None:
        headers = _headers(head)
        if not set(headers.get_all("Origin")) <= set(self.origins):
            raise Forbidden("This page may not connect from its origin.")
        identity = self.verifier.verify(_token(head, headers), audiences=(tokens.SESSION,))
        identity.require(tokens.CONNECT)
        if (identity.session_id or "").lower() != session_id.lower():
            raise Forbidden("This token belongs to another session.")


def session_of(head: h11.Request) -> str | None:
    """The session that a request names, by its path or by its host."""
    path = head.target.partition(b"?")[0].decode("ascii", "replace")
    if match := _PATH.match(path):
        return match[1].lower()
    for name, value in head.headers:
        if name == b"host" and path.rstrip("/") == "/ws":
            match = _HOST.match(value.decode("latin-1"))
            return match[1].lower() if match else None
    return None


async def _dial(path: str) -> "_Machine":
    try:
        with anyio.fail_after(DIAL_SECONDS):
            _, machine = await asyncio.get_running_loop().create_unix_connection(_Machine, path)
    except (OSError, TimeoutError):
        raise SdpExchangeFailed(
            "The session's machine does not answer at the moment; connect again.", retry_after=1.0
        ) from None
    return machine


class _Machine(Half):
    """The side of the machine."""

    def write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


def _request_for_machine(head: h11.Request) -> bytes:
    """The client's own handshake, at the address that every machine has."""
    query = head.target.partition(b"?")[2]
    lines = [b"GET /ws" + (b"?" + query if query else b"") + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in head.headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _headers(head: h11.Request) -> Headers:
    return Headers(
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
    )


def _token(head: h11.Request, headers: Headers) -> str:
    """The token: a subprotocol `bearer.<jwt>`, an `Authorization` header, or `?token=`."""
    for offered in ",".join(headers.get_all("Sec-WebSocket-Protocol")).split(","):
        if offered.strip().startswith(BEARER_SUBPROTOCOL_PREFIX):
            return offered.strip().removeprefix(BEARER_SUBPROTOCOL_PREFIX)
    for value in headers.get_all("Authorization"):
        scheme, _, credential = value.partition(" ")
        if scheme.lower() == "bearer" and credential:
            return credential.strip()
    query = head.target.partition(b"?")[2].decode("latin-1")
    try:
        values = parse_qs(query, max_num_fields=20).get("token", [])
    except ValueError:
        values = []
    if not values:
        raise AuthenticationFailed("A session token is needed.")
    return values[0]


def _refuse(transport: asyncio.Transport, handshake: bytes, error: VivavoceError) -> None:
    if transport.is_closing():
        return
    request_id = str(uuid4())
    message = ErrorMessage(
        data=error_data(error, request_id=request_id), timestamp=datetime.now(UTC)
    )
    close_websocket(
        transport,
        handshake,
        subprotocol=SUBPROTOCOL,
        message=encode(message).decode(),
        code=_CLOSE_CODES.get(error.code, CloseCode.TRY_AGAIN_LATER),
        reason=error.code,
    )
