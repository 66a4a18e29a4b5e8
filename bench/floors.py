"""The least that anything could cost on this machine, with the same tools and no product.

Run as a program, it is the bare web server: `python -m bench.floors`.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

import aiohttp
import anyio
import asyncpg
import h11
from anyio.streams.text import TextReceiveStream
from litestar import Litestar, post

from bench.rounds import Measure
from vivavoce.api.server import listen, make_server, serve_until
from vivavoce.protocol.interview_start import InterviewStartRequest, MachineInfo

LINE: Final = "I have led a team of five people for about three years, and I liked it very much."
START_SECONDS: Final = 30


@asynccontextmanager
async def bare_request() -> AsyncGenerator[Measure, None]:
    """One HTTP request to a route that does nothing, on the API's server stack, in a process."""
    async with await anyio.open_process([sys.executable, "-m", "bench.floors"]) as server:
        try:
            assert server.stdout is not None
            with anyio.fail_after(START_SECONDS):
                port = await TextReceiveStream(server.stdout).receive()
            url = f"http://127.0.0.1:{port.strip()}/floor"
            async with aiohttp.ClientSession() as http:

                async def measure() -> float:
                    started = perf_counter()
                    async with http.post(url, json={}) as response:
                        await response.read()
                        assert response.status == 201
                    return perf_counter() - started

                yield measure
        finally:
            server.terminate()


@asynccontextmanager
async def raw_commit(admin_dsn: str) -> AsyncGenerator[Measure, None]:
    """One row of a transcript line's size, inserted and committed, in a table without anything."""
    connection = await asyncpg.connect(admin_dsn)
    try:
        await connection.execute("create schema bench; create table bench.floor (content text)")
        insert = await connection.prepare("insert into bench.floor (content) values ($1)")

        async def measure() -> float:
            started = perf_counter()
            await insert.fetch(LINE)
            return perf_counter() - started

        yield measure
    finally:
        await connection.execute("drop schema if exists bench cascade")
        await connection.close()


def both(first: Measure, second: Measure) -> Measure:
    """One after the other, as one sample."""

    async def measure() -> float:
        return await first() + await second()

    return measure


@post("/floor", sync_to_thread=False)
def _nothing(data: InterviewStartRequest) -> MachineInfo:
    del data
    return MachineInfo("process", "process", "local")


class _NoUpgrades:
    """The bare server has no gateway."""

    def takes(self, head: h11.Request) -> bool:
        del head
        return False

    def take(self, transport: asyncio.Transport, head: h11.Request, rest: bytes) -> None:
        raise AssertionError(transport, head, rest)


async def _serve() -> None:
    with listen("127.0.0.1", 0) as listener:

        def started() -> None:
            print(listener.getsockname()[1], flush=True)

        app = Litestar([_nothing], openapi_config=None)
        server = make_server(app, upgrades=_NoUpgrades(), started=started)
        await serve_until(server, [listener], anyio.Event())


if __name__ == "__main__":
    anyio.run(_serve, backend_options={"use_uvloop": True})
