"""Whether the client of a call is still there, when nothing says so.

A client that leaves properly ends DTLS or its data channel, and aiortc tells. One that was killed
says nothing, and ICE gives it up after more than half a minute only (RFC 7675: consent). But the
machine that it ran on knows: it answers a datagram to a closed port with "port unreachable" (RFC
1122 section 4.1.3.1). So whoever falls silent is asked. Where no answer comes, because a network or
a firewall keeps it, silence itself ends the call, later: a network that is away for some seconds
comes back.
"""

import errno
import logging
import socket
from typing import Final

import anyio
from aiortc import RTCPeerConnection
from aiortc.stats import RTCTransportStats

_log: Final = logging.getLogger(__name__)
_STEP_SECONDS: Final = 0.5
_ASK_AFTER_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 0.25
# A STUN Binding indication, which asks for nothing and is answered by nobody (RFC 8489 section 5).
_INDICATION: Final = bytes.fromhex("00110000 2112a442 766976612e61736b73213f21")


async def until_gone(connection: RTCPeerConnection, *, silent_seconds: float) -> None:
    """Return once the client has closed its socket, or was silent for too long.

    Args:
        connection: Connected.
        silent_seconds: How long nothing may arrive.
    """
    received, heard_at = -1, anyio.current_time()
    while True:
        count = await _packets_received(connection)
        now = anyio.current_time()
        if count != received:
            received, heard_at = count, now
        elif now - heard_at >= silent_seconds:
            _log.info("a client was silent for %g s", silent_seconds)
            return
        elif now - heard_at >= _ASK_AFTER_SECONDS and await _is_closed(remote_address(connection)):
            return
        await anyio.sleep(_STEP_SECONDS)


async def _packets_received(connection: RTCPeerConnection) -> int:
    stats = (await connection.getStats()).values()
    return sum(stat.packetsReceived for stat in stats if isinstance(stat, RTCTransportStats))


def remote_address(connection: RTCPeerConnection) -> tuple[str, int] | None:
    """Give the address that media goes to, None before ICE has chosen one."""
    for transceiver in connection.getTransceivers():
        ice = transceiver.receiver.transport.transport._connection  # noqa: SLF001  aiortc tells nobody
        for pair in ice._nominated.values():  # noqa: SLF001
            address: tuple[str, int] = pair.remote_addr[:2]
            return address
    return None


async def _is_closed(address: tuple[str, int] | None) -> bool:
    """Ask a machine whether a UDP port of its is closed; silence means that it may be open."""
    if address is None:
        return False
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)  # noqa: FBT003  the standard library's own
        try:
            probe.connect(address)
            probe.send(_INDICATION)
            with anyio.move_on_after(_ANSWER_SECONDS):
                await anyio.wait_readable(probe)
                probe.recv(1)
        except OSError as error:
            return error.errno == errno.ECONNREFUSED
    return False
