"""WebRTC in Python, for the engine and the Python client: aiortc, made fit for speech.

Importing this module changes two things in aiortc and aioice, for the whole process:

- The audio receive buffer. The stock one holds packets back to put them in order and, once one is
  lost, overflows and drops good ones: at 3 % packet loss 16 % of the audio is gone. Ours hands each
  packet on at once and drops only what comes too late; `receive_pcm` fills the holes by time.
- The host addresses that ICE offers. The stock list leaves loopback out, so that nothing connects
  on a machine without a network. Ours falls back to loopback, and offers nothing else where
  `set_local_description(…, loopback_only=True)` asks for it.
Source: aiortc issue 543 (audio jitter buffer); RFC 8445 §5.1.1.1 (loopback candidates).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol, cast

import aioice.ice
import aiortc.rtcrtpreceiver
import anyio
from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from av import AudioFrame, AudioResampler

LOOPBACK: Final = "127.0.0.1"
CLOSE_SECONDS: Final = 5.0
_SEQUENCE_NUMBERS: Final = 1 << 16
_LATE: Final = _SEQUENCE_NUMBERS // 2  # RFC 3550 A.1: half the space is the past
_RESTART: Final = 100  # packets behind; a sender that started anew, not a late packet
_QUIET_SECONDS: Final = 0.1
_MAX_GAP_SECONDS: Final = 30.0


class ImmediateAudioBuffer(JitterBuffer):
    """A receive buffer that keeps nothing back: one audio packet in, one frame out."""

    def __init__(self, capacity: int, prefetch: int = 0, is_video: bool = False) -> None:  # noqa: FBT001, FBT002  the signature that aiortc calls
        super().__init__(capacity, prefetch, is_video)
        self._passes_through = not is_video
        self._last: int | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take a packet; give its frame, or None if it is late or a duplicate."""
        if not self._passes_through:
            return super().add(packet)
        if self._last is not None:
            ahead = (packet.sequence_number - self._last) % _SEQUENCE_NUMBERS
            behind = _SEQUENCE_NUMBERS - ahead
            if ahead == 0 or (ahead >= _LATE and behind < _RESTART):
                return False, None
        self._last = packet.sequence_number
        return False, JitterFrame(_payload(packet), packet.timestamp)


def _payload(packet: RtpPacket) -> bytes:
    return packet._data  # type: ignore[attr-defined, no-any-return]  # noqa: SLF001  where the receiver puts what it has unpacked


_loopback_only: ContextVar[bool] = ContextVar("loopback_only", default=False)
_stock_host_addresses: Final[Callable[..., list[str]]] = aioice.ice.get_host_addresses


def host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: FBT001  the signature that aioice calls
    """List the addresses that ICE offers: the machine's own, or loopback where it has none."""
    if _loopback_only.get():
        return [LOOPBACK]
    return _stock_host_addresses(use_ipv4=use_ipv4, use_ipv6=use_ipv6) or [LOOPBACK]


aiortc.rtcrtpreceiver.JitterBuffer = ImmediateAudioBuffer  # type: ignore[attr-defined]
aioice.ice.get_host_addresses = host_addresses


class PeerConnection(RTCPeerConnection):
    """A peer connection that can be made ready before its offer, and closed while it connects.

    The stock one closes what is there and leaves the task that connects running: it then starts
    receivers, threads and consent checks that nobody ends. It also computes the fingerprints of its
    certificate for each media section and each description anew, a fifth of an answer's time.

    Attributes:
        may_connect: Set by default. Where it is not, connecting waits for it.
    """

    def __init__(self, configuration: RTCConfiguration) -> None:
        super().__init__(configuration)
        self.may_connect = anyio.Event()
        self.may_connect.set()
        self._is_closing = False
        self._connecting: set[asyncio.Task[None]] = set()
        self._deaf: list[aioice.ice.Connection] = []
        self._offers: list[str] | None = None
        certificate = self._RTCPeerConnection__certificates[0]  # type: ignore[attr-defined]
        fingerprints = tuple(certificate.getFingerprints())
        certificate.getFingerprints = lambda: list(fingerprints)

    async def gather_ahead(self, *, loopback_only: bool = False) -> None:
        """Open the ports of the tracks that were added, for an answer that need not wait for them.

        The ports take no data until there is an offer: nobody would ever read it.

        Args:
            loopback_only: As for `set_local_description`, and to be the same there.
        """
        token = _loopback_only.set(loopback_only)
        try:
            self._offers = None if loopback_only else host_addresses(True, True)  # noqa: FBT003
            for receiver in self.getReceivers():
                gatherer = receiver.transport.transport.iceGatherer
                connection = gatherer._connection  # noqa: SLF001  aiortc has no door to it
                connection.data_received = _drop  # type: ignore[method-assign]
                self._deaf.append(connection)
                await gatherer.gather()
        finally:
            _loopback_only.reset(token)

    def is_reachable(self) -> bool:
        """Whether the addresses that were gathered ahead are still those of the machine."""
        return self._offers is None or self._offers == host_addresses(True, True)  # noqa: FBT003

    async def setRemoteDescription(  # noqa: N802  the name that aiortc gives it
        self,
        sessionDescription: RTCSessionDescription,  # noqa: N803
    ) -> None:
        """Take the other side's description, and data from then on."""
        while self._deaf:
            del self._deaf.pop().data_received
        await super().setRemoteDescription(sessionDescription)

    async def _RTCPeerConnection__connect(self) -> None:  # noqa: N802  aiortc's own, mangled
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._connecting.add(task)
        try:
            if not self.may_connect.is_set():
                await self.may_connect.wait()
            if not self._is_closing:
                await super()._RTCPeerConnection__connect()  # type: ignore[misc]
        except InvalidStateError:  # the other side was faster to leave
            return
        finally:
            self._connecting.discard(task)

    async def close(self) -> None:
        """Stop connecting, then close whatever came of it."""
        self._is_closing = True
        self.may_connect.set()
        connecting = self._connecting - {asyncio.current_task()}
        for task in connecting:
            task.cancel()
        if connecting:
            await asyncio.wait(connecting)
        await super().close()


def _drop(data: bytes, component: int) -> None:
    del data, component


@asynccontextmanager
async def open_peer_connection(
    ice_servers: Iterable[RTCIceServer] = (),
    *,
    relay_only: bool = False,
) -> AsyncGenerator[PeerConnection, None]:
    """Open a peer connection and close it whole on every way out.

    The close is shielded: cut off half-way it would leave tasks, sockets and threads behind.
    Without `ice_servers` nothing off the machine's own networks is asked (aiortc's own default is
    a public STUN server).

    Args:
        ice_servers: STUN and TURN. One that does not answer holds gathering up for 5 s.
        relay_only: Send and receive by way of TURN alone.
    """
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    configuration = RTCConfiguration(iceServers=list(ice_servers), iceTransportPolicy=policy)
    peer = PeerConnection(configuration)
    try:
        yield peer
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await peer.close()


async def set_local_description(
    peer: RTCPeerConnection, description: RTCSessionDescription, *, loopback_only: bool = False
) -> RTCSessionDescription:
    """Set an offer or answer, gather all candidates, and return it with them.

    Args:
        peer: The peer connection.
        description: As made by `createOffer` or `createAnswer`.
        loopback_only: Offer 127.0.0.1 alone, so that media never leaves the machine.
    """
    token = _loopback_only.set(loopback_only)
    try:
        await peer.setLocalDescription(description)
    finally:
        _loopback_only.reset(token)
    return peer.localDescription


class _AudioTrack(Protocol):
    async def recv(self) -> Any: ...


async def receive_pcm(track: _AudioTrack, rate: int) -> AsyncGenerator[bytes, None]:
    """Give what a track receives as s16le mono at `rate`, until the track ends.

    Time goes on whatever arrives: a lost packet is silence of its own length, and while nothing
    arrives at all there is silence by the clock. One hole fills at most 30 s.

    Args:
        track: A remote audio track of aiortc.
        rate: Samples per second of the result.
    """
    resampler = AudioResampler(format="s16", layout="mono", rate=rate)
    filler = _GapFiller(rate)
    while True:
        frame: AudioFrame | None = None
        with anyio.move_on_after(_QUIET_SECONDS):
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
        if frame is None:
            if silence := filler.quiet(_QUIET_SECONDS):
                yield silence
            continue
        if silence := filler.before(frame):
            yield silence
        frame.pts = None  # the resampler keeps its own count; ours is the sender's
        for resampled in resampler.resample(frame):
            yield bytes(resampled.planes[0])[: resampled.samples * 2]


class _GapFiller:
    """How much silence stands for what did not arrive."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._due: float | None = None  # seconds on the sender's clock at which a frame is next
        self._filled = 0.0  # seconds of silence given since the last frame

    def quiet(self, seconds: float) -> bytes:
        """Give the silence for a time in which nothing came; none before the first frame."""
        if self._due is None:
            return b""
        self._filled += seconds
        return self._silence(seconds)

    def before(self, frame: AudioFrame) -> bytes:
        """Give the silence that is missing before a frame, and go on after it."""
        starts = float((frame.pts or 0) * (frame.time_base or 0))
        missing = 0.0 if self._due is None else starts - self._due - self._filled
        self._due = starts + frame.samples / frame.sample_rate
        self._filled = 0.0
        return self._silence(min(missing, _MAX_GAP_SECONDS)) if missing > 0 else b""

    def _silence(self, seconds: float) -> bytes:
        return bytes(2 * round(seconds * self._rate))
