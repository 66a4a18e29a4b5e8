"""Callers that go without a word: how long the engine keeps their calls."""

import os
import re
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from bench.running import Engine

_START_SECONDS: Final = 30.0
_WAIT_SECONDS: Final = 60.0
_STEP_SECONDS: Final = 0.1
_ACTIVE: Final = re.compile(r"^viva_engine_calls_active (\S+)$", re.MULTILINE)


async def seconds_until_freed(engine: Engine, http: aiohttp.ClientSession) -> tuple[float, float]:
    """Kill one caller, whose sockets close, and stop another, which falls silent, at once.

    Returns:
        Seconds until the first call was freed, and until the second was.

    Raises:
        TimeoutError: If one is not freed within a minute.
    """
    await _until_active(engine, http, 0)
    async with _caller(engine) as killed, _caller(engine) as stopped:
        await _until_active(engine, http, 2)
        gone_at = time.monotonic()
        stopped.send_signal(signal.SIGSTOP)
        killed.kill()
        await _until_active(engine, http, 1)
        closed = time.monotonic() - gone_at
        await _until_active(engine, http, 0)
        return closed, time.monotonic() - gone_at


@asynccontextmanager
async def _caller(engine: Engine) -> AsyncGenerator[Process, None]:
    """Keep a caller in a process of its own, connected, until the end of the block."""
    process = await anyio.open_process(
        [sys.executable, "-m", "bench.voice_caller", engine.base_url],
        env={**os.environ, "ENGINE_KEY": engine.api_key},
        stderr=None,
    )
    try:
        assert process.stdout is not None
        with anyio.fail_after(_START_SECONDS):
            told = await TextReceiveStream(process.stdout).receive()
        assert told.strip() == "connected"
        yield process
    finally:
        if process.returncode is None:
            process.kill()  # ends a stopped process too
        with anyio.CancelScope(shield=True):
            await process.aclose()


async def _until_active(engine: Engine, http: aiohttp.ClientSession, count: int) -> None:
    url = f"{engine.base_url.removesuffix('/v1')}/metrics"
    with anyio.fail_after(_WAIT_SECONDS):
        while True:
            async with http.get(url) as response:
                found = _ACTIVE.search(await response.text())
            if found and float(found[1]) == count:
                return
            await anyio.sleep(_STEP_SECONDS)
