"""A session over a plain WebSocket, as a client that knows the protocol sees it."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from websockets import ClientConnection, ConnectionClosed, connect

from support.engine import Engine
from support.realtime_events import EventLog

_APPENDED = 24_000


@dataclass
class SocketClient(EventLog):
    """A session as its client sees it."""

    socket: ClientConnection

    async def send(self, type_: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type_, **fields}))

    async def append(self, audio: bytes) -> None:
        """Append audio in pieces, as fast as the socket takes them."""
        for start in range(0, len(audio), _APPENDED):
            piece = base64.b64encode(audio[start : start + _APPENDED]).decode()
            await self.send("input_audio_buffer.append", audio=piece)

    def audio(self, *, after: int = 0) -> bytes:
        """What the engine said, from the event of index `after` on."""
        return b"".join(
            base64.b64decode(event["delta"])
            for event in self.events[after:]
            if event["type"] == "response.output_audio.delta"
        )


def socket_url(engine: Engine, query: str) -> str:
    return f"{engine.url.replace('http', 'ws')}/v1/realtime?{query}"


@asynccontextmanager
async def open_session(
    engine: Engine,
    session: dict[str, Any] | None = None,
    *,
    query: str = "model=any",
    **options: Any,
) -> AsyncGenerator[SocketClient, None]:
    """Open a session, update it, and leave it on every way out."""
    options.setdefault("additional_headers", engine.headers)
    async with (
        connect(socket_url(engine, query), max_size=None, compression=None, **options) as socket,
        anyio.create_task_group() as tasks,
    ):
        client = SocketClient(socket)

        async def read() -> None:
            try:
                async for message in socket:
                    assert isinstance(message, str), "binary frames are no events"
                    client.take(message)
            except ConnectionClosed:
                return

        tasks.start_soon(read)
        await client.until("session.created")
        if session:
            await client.send("session.update", session=session)
            await client.until("session.updated")
        yield client
        assert not client.faults
        await socket.close()  # while it is read: what is on its way must not hold the goodbye up
        tasks.cancel_scope.cancel()
