"""Offers and answers without any product: what aiortc alone costs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter

from aiortc import RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

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


def bare_answer(offer: str) -> Measure:
    """Seconds from an offer to its answer, all candidates gathered."""

    async def measure() -> float:
        async with open_peer_connection() as peer:
            started = perf_counter()
            peer.addTrack(AudioStreamTrack())
            await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            await set_local_description(peer, await peer.createAnswer(), loopback_only=True)
            return perf_counter() - started

    return measure
