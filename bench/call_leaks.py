"""Calls opened and closed, one after the other: what stays in the engine when they have gone."""

import statistics
from dataclasses import dataclass
from typing import Final

import aiohttp
import anyio
import psutil

from bench.rounds import tell
from bench.running import Engine, run_engine
from vivavoce.client.audio import Mouth
from vivavoce.client.call import Answer, CallListener, open_call

CALLS: Final = 200
_WARM_UP: Final = 40  # until caches, thread pools and the allocator have found their size
_STEP: Final = 10
_CALL_SECONDS: Final = 20.0
_FREED_SECONDS: Final = 10.0
_MIB: Final = 1 / 2**20
MOST_KIB_A_CALL: Final = 16.0


@dataclass(frozen=True)
class Leaks:
    """Memory and descriptors of the engine's process, every ten calls."""

    memory: list[float]
    """MiB."""
    descriptors: list[int]

    @property
    def kib_a_call(self) -> float:
        """The slope of memory, once it is warm (least squares)."""
        warm = self.memory[_WARM_UP // _STEP :]
        calls = [number * _STEP for number in range(len(warm))]
        return statistics.linear_regression(calls, warm).slope * 1024

    @property
    def holds(self) -> bool:
        """Whether memory is flat, and no descriptor stays."""
        left = self.descriptors[-1] - self.descriptors[_WARM_UP // _STEP]
        return self.kib_a_call <= MOST_KIB_A_CALL and left <= 0

    def __str__(self) -> str:
        return (
            f"calls: {self.memory[0]:.0f} MiB after the first ten, {self.memory[-1]:.0f} MiB after"
            f" {_STEP * len(self.memory)}; {self.kib_a_call:+.1f} KiB a call from the"
            f" {_WARM_UP}th on (limit {MOST_KIB_A_CALL:g});"
            f" {self.descriptors[-1]} descriptors ({self.descriptors[_WARM_UP // _STEP]} then)"
            f"  {'holds' if self.holds else 'MISSED'}"
        )


async def measure_leaks(calls: int = CALLS) -> Leaks:
    """Hold calls over real WebRTC, each until the engine speaks, and measure between them."""
    leaks = Leaks([], [])
    async with run_engine() as engine, aiohttp.ClientSession() as http:
        process = psutil.Process(engine.pid)
        for number in range(1, calls + 1):
            with anyio.fail_after(_CALL_SECONDS):
                await _hold_call(engine, http)
            if number % _STEP == 0:
                await _until_freed(engine, http)
                leaks.memory.append(process.memory_info().rss * _MIB)
                leaks.descriptors.append(process.num_fds())
                tell(f"calls: {number} of {calls}, {leaks.memory[-1]:.1f} MiB")
    return leaks


async def _hold_call(engine: Engine, http: aiohttp.ClientSession) -> None:
    speaks = anyio.Event()

    def take(message: str | bytes) -> None:
        if b"output_audio_buffer.started" in (
            message.encode() if isinstance(message, str) else message
        ):
            speaks.set()

    async def exchange(sdp: str) -> Answer:
        headers = {
            "Authorization": f"Bearer {engine.api_key}",
            "Content-Type": "application/sdp",
        }
        url = f"{engine.base_url}/realtime/calls"
        async with http.post(url, data=sdp, headers=headers) as response:
            response.raise_for_status()
            return Answer(await response.text(), response.headers["Location"].rpartition("/")[2])

    mouth = Mouth()
    listener = CallListener(take, lambda _pcm, _at: None, lambda _: None)
    async with open_call(exchange, mouth, listener, loopback_only=True) as call:
        call.speak_for(mouth)
        await call.send({"type": "response.create"})
        await speaks.wait()


async def _until_freed(engine: Engine, http: aiohttp.ClientSession) -> None:
    url = f"{engine.base_url.removesuffix('/v1')}/metrics"
    with anyio.fail_after(_FREED_SECONDS):
        while True:
            async with http.get(url) as response:
                if "viva_engine_calls_active 0.0" in await response.text():
                    return
            await anyio.sleep(0.1)
