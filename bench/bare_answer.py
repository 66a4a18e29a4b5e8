"""Offers and answers without any product: what aiortc costs.

Run as a program it is a server that does nothing but answer: `python -m bench.bare_answer`.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter

import aiohttp
import anyio
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from anyio.streams.text import TextReceiveStream

from bench.floors import START_SECONDS
from bench.rounds import Measure
from vivavoce.webrtc import open_peer_connection, set_local_description


@asynccontextmanager
async def open_offer() -> AsyncGenerator[str, None]:
    """The SDP of a candidate's offer: audio both ways and the channel for events.

    It can be sent any number of times; nobody ever connects to it.
    """
    async with open_peer_connection() as peer:
        peer.addTrack(AudioStreamTrack())
        peer.createDataChannel("oai-events")
        offer = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
        yield offer.sdp


@asynccontextmanager
async def bare_answer(offer: str) -> AsyncGenerator[Measure, None]:
    """From an offer to its answer by aiortc alone, over HTTP, in a process of its own."""
    async with await anyio.open_process([sys.executable, "-m", "bench.bare_answer"]) as server:
        try:
            assert server.stdout is not None
            with anyio.fail_after(START_SECONDS):
                port = await TextReceiveStream(server.stdout).receive()
            url = f"http://127.0.0.1:{port.strip()}/calls"
            async with aiohttp.ClientSession() as http:

                async def measure() -> float:
                    started = perf_counter()
                    async with http.post(url, data=offer) as response:
                        await response.read()
                        assert response.status == 201
                    return perf_counter() - started

                yield measure
        finally:
            server.terminate()


async def _answer(request: web.Request) -> web.StreamResponse:
    """Answer with all candidates gathered; the connection is closed once the answer is sent."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        peer.addTrack(AudioStreamTrack())
        await peer.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        local = await set_local_description(peer, await peer.createAnswer(), loopback_only=True)
        response = web.Response(text=local.sdp, status=201)
        await response.prepare(request)
        await response.write_eof()
        return response
    finally:
        await peer.close()


async def _serve() -> None:
    app = web.Application()
    app.router.add_post("/calls", _answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(_serve)
