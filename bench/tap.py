"""The moment at which the API acknowledged an entry, seen on the wire.

A relay of bytes: it neither parses nor holds anything back, so that it costs the measured path no
more than one hop of loopback (some tenth of a millisecond, counted against the product).
"""

import math
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.memory import MemoryObjectReceiveStream

REQUEST: Final = b"POST /functions/v1/transcript-processor "
ANSWER: Final = b"HTTP/1.1 2"


@dataclass(frozen=True)
class Tap:
    """Where the machines find the API, and when it acknowledged (`perf_counter`)."""

    url: str
    acknowledged: MemoryObjectReceiveStream[float]


@asynccontextmanager
async def tap(port: int) -> AsyncGenerator[Tap, None]:
    """Stand before the API's `port` on loopback, for the length of the block."""
    send, receive = anyio.create_memory_object_stream[float](math.inf)

    async def pump(source: SocketStream, sink: SocketStream, seen: Callable[[bytes], None]) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async with sink:
                async for piece in source:
                    seen(piece)
                    await sink.send(piece)

    async def relay(machine: SocketStream) -> None:
        asked = False

        def request(piece: bytes) -> None:
            nonlocal asked
            asked = asked or REQUEST in piece

        def answer(piece: bytes) -> None:
            nonlocal asked
            if asked and piece.startswith(ANSWER):
                asked = False
                send.send_nowait(perf_counter())

        async with (
            machine,
            await anyio.connect_tcp("127.0.0.1", port) as api,
            anyio.create_task_group() as pumps,
        ):
            pumps.start_soon(pump, machine, api, request)
            pumps.start_soon(pump, api, machine, answer)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    address = listener.extra(SocketAttribute.local_address)  # noqa: S610  anyio's, not Django's
    async with send, receive, listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, relay)
        yield Tap(f"http://127.0.0.1:{address[1]}", receive)
        tasks.cancel_scope.cancel()
