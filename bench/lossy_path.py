"""A network path that loses packets: aiortc has no seam for it, so its private parts are used."""

# ruff: noqa: SLF001
import random

from aiortc import RTCPeerConnection

_RTP_FIRST_BYTES = range(128, 192)  # RFC 7983 §7
_RTCP_PAYLOAD_TYPES = range(64, 96)  # RFC 5761 §4


def drop_rtp(peer: RTCPeerConnection, fraction: float, seed: int = 7) -> None:
    """Lose a fraction of the RTP packets that a peer sends, by chance from a seed."""
    transport = peer.getSenders()[0].transport.transport
    send, chance = transport._connection.send, random.Random(seed)  # noqa: S311  no secret

    async def lossy_send(data: bytes) -> None:
        is_rtp = data[0] in _RTP_FIRST_BYTES and data[1] & 0x7F not in _RTCP_PAYLOAD_TYPES
        if not (is_rtp and chance.random() < fraction):
            await send(data)

    transport._connection.send = lossy_send
    transport._send = lossy_send  # where it is taken from once the transport has started
