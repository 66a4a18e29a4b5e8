"""A WebSocket on a call: its events go out, the client's come in.

Plain ASGI messages, because refusals are HTTP answers before the upgrade.
"""

import logging
from collections import deque
from typing import Final

import anyio
from litestar.types import Receive, Send

from vivavoce.engine.call import Call, Ending
from vivavoce.engine.client_events import take_event
from vivavoce.engine.flood import EventRate

_log: Final = logging.getLogger(__name__)
_MAX_UNSENT_BYTES: Final = 4 * 1024 * 1024
_ROOM_BYTES: Final = 1024 * 1024


class Outbound:
    """The events that wait to be sent over one socket, at most 4 MiB of them."""

    def __init__(self) -> None:
        self._events: deque[str] = deque()
        self._size = 0
        self._is_closed = False
        self._changed = anyio.Event()

    def put(self, text: str) -> None:
        """Add an event; a socket that does not keep up gets no more and is closed."""
        if self._is_closed:
            return
        self._events.append(text)
        self._size += len(text)
        self._is_closed = self._size > _MAX_UNSENT_BYTES
        self._wake()

    def close(self) -> None:
        """Take no more."""
        self._is_closed = True
        self._wake()

    async def next(self) -> str | None:
        """Wait for the next event; None when it is closed and all were taken."""
        while not self._events:
            if self._is_closed:
                return None
            await self._changed.wait()
        text = self._events.popleft()
        self._size -= len(text)
        self._wake()
        return text

    async def until_room(self) -> None:
        """Wait until less than 1 MiB waits."""
        while self._size > _ROOM_BYTES and not self._is_closed:
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


async def serve_socket(
    call: Call,
    outbound: Outbound,
    receive: Receive,
    send: Send,
    *,
    subprotocol: str | None = None,
) -> None:
    """Accept a WebSocket and keep it on a call until either ends.

    The first frame is `session.created`. It is closed with 1000 when the call was hung up, 1001
    when it has reached its limit, 1011 when it failed or this socket does not keep up.
    """
    await receive()  # websocket.connect
    await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
    with call.listening(outbound.put):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, call, outbound, receive, tasks.cancel_scope)
            tasks.start_soon(_close_after, call, outbound)
            try:
                while (text := await outbound.next()) is not None:
                    await send({"type": "websocket.send", "text": text, "bytes": None})
                ending = call.ending or Ending.FAILED
                await send(
                    {
                        "type": "websocket.close",
                        "code": ending.close_code,
                        "reason": ending.reason,
                    }
                )
            except OSError:  # the client has gone while we were sending
                pass
            tasks.cancel_scope.cancel()


async def _read(call: Call, outbound: Outbound, receive: Receive, scope: anyio.CancelScope) -> None:
    rate = EventRate()
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            scope.cancel()
            return
        await anyio.sleep(rate.delay())
        try:
            take_event(call, message.get("text") or message.get("bytes") or b"")
            await call.hear_appended()
        except Exception:  # noqa: BLE001  a fault of ours ends this socket, and nothing else
            _log.exception("an event of a client failed")
            outbound.close()
            return


async def _close_after(call: Call, outbound: Outbound) -> None:
    await call.until_ended()
    outbound.close()
