"""Sidebands: WebSockets of a server that follows a call and takes part in it (`?call_id=`).

Plain ASGI messages, because refusals are HTTP answers before the upgrade.
"""

from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from litestar.types import Receive, Send

from vivavoce.engine.call import Call, Ending
from vivavoce.engine.client_events import take_event

_MAX_UNSENT_EVENTS: Final = 2_000


async def serve_sideband(call: Call, receive: Receive, send: Send) -> None:
    """Accept a WebSocket and keep it on a call until either ends.

    The first frame is `session.created`. It is closed with 1000 when the call was hung up, 1001
    when it has reached its limit, 1011 when it failed or this socket does not keep up.
    """
    await receive()  # websocket.connect
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    outgoing, unsent = anyio.create_memory_object_stream[str](_MAX_UNSENT_EVENTS)

    def sink(text: str) -> None:
        try:
            outgoing.send_nowait(text)
        except anyio.WouldBlock:
            outgoing.close()
        except anyio.ClosedResourceError:
            return

    with outgoing, unsent, call.listening(sink):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, call, receive, tasks.cancel_scope)
            tasks.start_soon(_close_after, call, outgoing)
            try:
                async for text in unsent:
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


async def _read(call: Call, receive: Receive, scope: anyio.CancelScope) -> None:
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            scope.cancel()
            return
        take_event(call, message.get("text") or message.get("bytes") or b"")


async def _close_after(call: Call, outgoing: MemoryObjectSendStream[str]) -> None:
    await call.until_ended()
    outgoing.close()
