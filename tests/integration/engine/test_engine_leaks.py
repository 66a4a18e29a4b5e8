"""Calls that end, in any way, leave nothing behind in the engine."""

import asyncio
import threading
from pathlib import Path

import aiohttp
import anyio

from support.rtc import Microphone, open_call
from vivavoce.engine.app import run_engine
from vivavoce.settings import EngineSettings
from vivavoce.webrtc import open_peer_connection, set_local_description

KEY = "a-key-of-this-test"
SESSION = {"type": "realtime", "instructions": "Questions:\n1. Why?\n2. How?"}


def used():
    # The idle threads of the two thread pools are no leak: they wait to be used again.
    pools = ("asyncio_", "AnyIO worker thread")
    threads = [t for t in threading.enumerate() if not t.name.startswith(pools)]
    return len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir())), len(threads)


async def hold_call(url, step):
    """Hold a call and leave it in one of several ways."""
    async with open_call(url, KEY, SESSION) as call:
        call.send("response.create")
        if step % 3 != 1:
            await call.until("output_audio_buffer.started")
        if step % 3 == 2:
            async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http:
                await http.post(f"{url}/v1/realtime/calls/{call.call_id}/hangup")
            await call.closed.wait()


async def offer_and_forget(url, seconds):
    """Ask for a call and leave before, or just after, the answer has come."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/sdp"}
    async with open_peer_connection() as peer:
        peer.addTrack(Microphone())
        offer = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
        with anyio.move_on_after(seconds):
            async with aiohttp.ClientSession(headers=headers) as http:
                await http.post(f"{url}/v1/realtime/calls", data=offer.sdp)


async def test_calls_leave_nothing_behind():
    settings = EngineSettings(engine_api_key=KEY, engine_port=0, engine_connect_seconds=0.5)
    async with anyio.create_task_group() as tasks:
        url = await tasks.start(run_engine, settings)
        await hold_call(url, 0)
        await settled()
        before = used()
        for step in range(9):
            await hold_call(url, step)
            await offer_and_forget(url, step * 0.004)
        await settled()
        left = [now - then for now, then in zip(used(), before, strict=True)]
        assert max(left) <= 0, asyncio.all_tasks()  # speech prepared at the start may have ended
        tasks.cancel_scope.cancel()


async def settled():
    """Wait until the number of tasks stays the same for longer than a call may take to go."""
    count, steps = -1, 0
    with anyio.fail_after(20):
        while steps < 15:
            steps = steps + 1 if len(asyncio.all_tasks()) == count else 0
            count = len(asyncio.all_tasks())
            await anyio.sleep(0.1)
