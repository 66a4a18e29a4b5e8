"""The moment at which the API acknowledged an entry, seen on the wire.

A relay of bytes: it neither parses nor holds anything back, so that it costs the measured path no
more than one hop of loopback (some tenth of a millisecond, counted against the product).
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Final, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

REQUEST: Final = b"POST /functions/v1/transcript-processor "
ANSWER: Final = b"HTTP/1.1 2"


@dataclass(frozen=True)
class Tap:
    """Where the machines find the API, and when it acknowledged (`perf_counter`)."""

    url: str
    acknowledged: MemoryObjectReceiveStream[float]


class _End(asyncio.Protocol):
    """One end of a relayed connection: what it receives goes to the other end."""

    def __init__(self, seen: Callable[[bytes], None]) -> None:
        self._seen = seen
        self._early: list[bytes] = []
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._seen(data)
        if self.other is None or self.other.transport is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def join(self, other: "_End") -> None:
        """Relay from here on, what came before first."""
        self.other = other
        for data in self._early:
            cast("asyncio.Transport", other.transport).write(data)


class _Relay(_End):
    """The machine's end, which makes the API's end and watches both."""

    def __init__(
        self, port: int, tasks: anyio.abc.TaskGroup, sink: MemoryObjectSendStream[float]
    ) -> None:
        super().__init__(self._request)
        self._port = port
        self._tasks = tasks
        self._sink = sink
        self._asked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._tasks.start_soon(self._connect)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, api = await loop.create_connection(
                lambda: _End(self._answer), "127.0.0.1", self._port
            )
        except OSError:
            cast("asyncio.Transport", self.transport).close()
            return
        api.join(self)
        self.join(api)

    def _request(self, data: bytes) -> None:
        self._asked = self._asked or REQUEST in data

    def _answer(self, data: bytes) -> None:
        if self._asked and data.startswith(ANSWER):
            self._asked = False
            self._sink.send_nowait(perf_counter())


@asynccontextmanager
async def tap(port: int) -> AsyncGenerator[Tap, None]:
    """Stand before the API's `port` on loopback, for the length of the block."""
    send, receive = anyio.create_memory_object_stream[float](math.inf)
    loop = asyncio.get_running_loop()
    async with send, receive, anyio.create_task_group() as tasks:
        server = await loop.create_server(lambda: _Relay(port, tasks, send), "127.0.0.1", 0)
        try:
            yield Tap(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", receive)
        finally:
            server.close()
            tasks.cancel_scope.cancel()
