"""The sideband of a call: its events, as the voice model tells them to us.

Source: OpenAI API reference, "Realtime server-side controls": `wss://…/v1/realtime?call_id=…`.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from vivavoce.errors import NotFound, Unavailable, VivavoceError
from vivavoce.protocol import realtime
from vivavoce.protocol.codec import encode
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.voice.tls import TLS

PATIENCE: Final = 3.0
_ATTEMPT_TIMEOUT: Final = 5.0
_SEND_TIMEOUT: Final = 5.0
_FIRST_DELAY: Final = 0.05
_MAX_DELAY: Final = 0.5
_NOT_FOUND: Final = 404
# At level DEBUG the library writes headers and frames, which hold the key and what people say.
_wire_log: Final = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.WARNING)
_OVER: Final = (1000, 1001)
"""Close codes of a call that is over: hung up, or at the voice model's own limit."""


class SidebandLost(Exception):
    """The connection broke; the call may go on. Attach again."""


class Sideband:
    """An attached sideband: iterate to get events, until the call is over.

    Frames that cannot be read and events that we do not know are passed over.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[realtime.ServerEvent]:
        """Give the events as they come; end when the call is over.

        Raises:
            SidebandLost: If the connection breaks without the voice model saying that the call is
                over.
        """
        try:
            while True:
                event = realtime.read_event(await self._connection.recv(decode=False))
                if event is not None:
                    yield event
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code in _OVER:
                return
            raise SidebandLost("the sideband broke") from None

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send a client event.

        Raises:
            SidebandLost: If it could not be sent within 5 s.
        """
        try:
            with anyio.fail_after(_SEND_TIMEOUT):
                await self._connection.send(encode(event), text=True)
        except (ConnectionClosed, TimeoutError):
            raise SidebandLost("the sideband broke") from None


@asynccontextmanager
async def open_sideband(
    voice: VoiceAccess, call_id: str, *, patience: float = PATIENCE
) -> AsyncGenerator[Sideband, None]:
    """Attach to a call, for the length of the block.

    A voice model may not know a call in the first moments after it has answered the offer, so a
    404 is tried again, like a connection that fails, until `patience` is used up.

    Args:
        voice: Where the voice model is; the key must be the one that made the call.
        call_id: The call.
        patience: Seconds in which to try; at least one attempt is made.

    Raises:
        NotFound: If the voice model still knows no such call.
        Unavailable: If it cannot be reached, or refuses for another reason.
    """
    connection = await _connect(voice, call_id, patience)
    try:
        yield Sideband(connection)
    finally:
        with anyio.move_on_after(2, shield=True):
            await connection.close()


async def _connect(voice: VoiceAccess, call_id: str, patience: float) -> ClientConnection:
    give_up_at = anyio.current_time() + patience
    delay = _FIRST_DELAY
    while True:
        try:
            return await _attempt(voice, call_id)
        except VivavoceError:
            if anyio.current_time() + delay > give_up_at:
                raise
        await anyio.sleep(delay)
        delay = min(2 * delay, _MAX_DELAY)


async def _attempt(voice: VoiceAccess, call_id: str) -> ClientConnection:
    scheme, _, rest = voice.base_url.partition("://")
    is_secure = scheme == "https"
    try:
        return await connect(
            f"{'wss' if is_secure else 'ws'}://{rest}/realtime?call_id={call_id}",
            additional_headers={"Authorization": f"Bearer {voice.api_key}"},
            compression=None,
            proxy=None,
            ssl=TLS if is_secure else None,
            open_timeout=_ATTEMPT_TIMEOUT,
            ping_interval=10,
            ping_timeout=20,
            max_size=realtime.MAX_EVENT_BYTES,
            logger=_wire_log,
        )
    except InvalidStatus as refused:
        status = refused.response.status_code
        if status == _NOT_FOUND:
            raise NotFound("The voice model knows no such call.") from None
        raise Unavailable(f"The voice model refused the sideband (status {status}).") from None
    except (InvalidHandshake, ConnectionClosed, OSError, TimeoutError) as error:
        raise Unavailable(f"The sideband cannot be reached ({type(error).__name__}).") from None
