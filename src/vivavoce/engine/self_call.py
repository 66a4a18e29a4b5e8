"""A call with ourselves at the start, so that the first client's is as fast as any other.

The first call of a process loads codecs, makes tables and opens sockets for the first time: its
answer takes two to three times as long.
"""

import logging
from typing import Final

import anyio
from aiortc import RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from vivavoce.engine.peer import CHANNEL, open_peer, readable_offer
from vivavoce.engine.wire_audio import HEARD_RATE
from vivavoce.webrtc import open_peer_connection, set_local_description

_log: Final = logging.getLogger(__name__)
_SECONDS: Final = 5.0


async def call_ourselves(*, loopback_only: bool) -> None:
    """Hold a short call over real WebRTC; where that cannot be, the log says so and that is all."""
    try:
        with anyio.fail_after(_SECONDS):
            await _call(loopback_only=loopback_only)
    except Exception as error:  # noqa: BLE001  whatever it is, real calls tell their clients
        _log.warning(
            "no audio connects on this machine (%s): calls may fail; `viva doctor` says more",
            type(error).__name__,
        )


async def _call(*, loopback_only: bool) -> None:
    async with (
        open_peer(AudioStreamTrack(), loopback_only=loopback_only) as peer,
        open_peer_connection() as client,
    ):
        client.addTrack(AudioStreamTrack())
        client.createDataChannel(CHANNEL)
        offer = await set_local_description(
            client, await client.createOffer(), loopback_only=loopback_only
        )
        await peer.accept(readable_offer(offer.sdp))
        peer.connect()
        await client.setRemoteDescription(RTCSessionDescription(peer.answer, "answer"))
        await peer.has_connected.wait()
        async for _ in peer.hear(HEARD_RATE):
            break
