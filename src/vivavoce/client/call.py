"""One call with the voice model over WebRTC: audio both ways and the `oai-events` data channel."""

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from aiortc import (
    InvalidStateError,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack
from aiortc.stats import RTCInboundRtpStreamStats, RTCRemoteInboundRtpStreamStats, RTCTransportStats

from vivavoce.client.audio import SAMPLE_RATE, Mouth, MouthTrack
from vivavoce.errors import SdpExchangeFailed, WebRTCConnectionFailed
from vivavoce.webrtc import open_peer_connection, receive_pcm, set_local_description

CHANNEL: Final = "oai-events"
CONNECT_SECONDS: Final = 15.0
CHANNEL_SECONDS: Final = 10.0
QUIET_SECONDS: Final = 2.0
"""Without any packet from the other side: `disconnected`, in the browser's words."""
PATIENCE_SECONDS: Final = 5.0
"""How long `disconnected` may last before the call counts as lost."""
_STATS_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Answer:
    """The other side's half of a call."""

    sdp: str
    call_id: str | None


Exchange = Callable[[str], Awaitable[Answer]]
"""Sends an SDP offer wherever it must go, and gives the answer."""


@dataclass(frozen=True)
class Quality:
    """How the media path does at the moment. Milliseconds, and a share between 0 and 1."""

    round_trip_ms: float | None = None
    loss: float | None = None
    jitter_ms: float | None = None


@dataclass(frozen=True)
class CallListener:
    """Who is told what of a call; none of them may wait."""

    on_event: Callable[[str | bytes], None]
    on_sound: Callable[[bytes, float], None]
    on_quality: Callable[[Quality], None]


@dataclass(eq=False)
class Call:
    """A call that stands. Made by `open_call`.

    Attributes:
        id: As the voice model names it, where it does.
        offered_at: When the offer was sent, by `time.monotonic`.
        answered_at: When the answer came.
        connected_at: When audio could flow.
        is_lost: Set when nothing comes any more, or the other side has ended the call.
    """

    id: str | None
    offered_at: float
    answered_at: float
    connected_at: float
    is_lost: anyio.Event
    _channel: RTCDataChannel
    _has_channel: anyio.Event
    _track: MouthTrack = field(repr=False)

    def speak_for(self, mouth: Mouth) -> None:
        """Let this call carry what the mouth says."""
        mouth.give_to(self._track)

    async def send(self, event: dict[str, Any]) -> None:
        """Send an event of ours to the voice model.

        Raises:
            WebRTCConnectionFailed: If the data channel does not open, or is closed.
        """
        with anyio.move_on_after(CHANNEL_SECONDS):
            await self._has_channel.wait()
        try:
            self._channel.send(json.dumps(event))
        except InvalidStateError as error:
            raise WebRTCConnectionFailed("The call's data channel is not open.") from error


@asynccontextmanager
async def open_call(
    exchange: Exchange,
    mouth: Mouth,
    listener: CallListener,
    *,
    ice_servers: Iterable[RTCIceServer] = (),
    relay_only: bool = False,
    loopback_only: bool = False,
    connect_seconds: float = CONNECT_SECONDS,
) -> AsyncGenerator[Call]:
    """Offer a call, connect it, and keep it for the length of the block.

    Args:
        exchange: Where the offer goes. All candidates are in it: there is nothing to trickle.
        mouth: What is said, once `Call.speak_for` was called.
        listener: Who hears the other side.
        ice_servers: STUN and TURN.
        relay_only: Send and receive by way of TURN alone.
        loopback_only: Offer 127.0.0.1 alone.
        connect_seconds: Time in which audio must flow.

    Raises:
        SdpExchangeFailed: If there is no answer, or one that cannot be used.
        WebRTCConnectionFailed: If no audio can flow in that time.
        VivavoceError: What `exchange` raises.
    """
    async with open_peer_connection(ice_servers, relay_only=relay_only) as peer:
        track = MouthTrack(mouth)
        peer.addTrack(track)
        channel = peer.createDataChannel(CHANNEL)
        has_channel, is_connected, is_lost = anyio.Event(), anyio.Event(), anyio.Event()
        channel.on("open", has_channel.set)
        channel.on("close", is_lost.set)
        channel.on("message", listener.on_event)
        remote_tracks: list[MediaStreamTrack] = []
        peer.on("track", remote_tracks.append)

        @peer.on("connectionstatechange")
        def _note_state() -> None:
            if peer.connectionState == "connected":
                is_connected.set()
            elif peer.connectionState in ("failed", "closed"):
                is_lost.set()

        offer = await set_local_description(
            peer, await peer.createOffer(), loopback_only=loopback_only
        )
        offered_at = time.monotonic()
        answer = await exchange(offer.sdp)
        answered_at = time.monotonic()
        await _accept(peer, answer)
        await _until_connected(is_connected, is_lost, connect_seconds)
        call = Call(
            id=answer.call_id,
            offered_at=offered_at,
            answered_at=answered_at,
            connected_at=time.monotonic(),
            is_lost=is_lost,
            _channel=channel,
            _has_channel=has_channel,
            _track=track,
        )
        # Only now: what fails before is to reach the caller as itself, not in a group.
        async with anyio.create_task_group() as tasks:
            for remote in remote_tracks:
                tasks.start_soon(_listen, remote, listener)
            tasks.start_soon(_watch, peer, listener, is_lost)
            try:
                yield call
            finally:
                tasks.cancel_scope.cancel()


async def _accept(peer: RTCPeerConnection, answer: Answer) -> None:
    try:
        await peer.setRemoteDescription(RTCSessionDescription(sdp=answer.sdp, type="answer"))
    except Exception as error:  # aiortc's parser asserts, indexes and converts without a check
        raise SdpExchangeFailed("The answer to the offer cannot be used.") from error


async def _until_connected(is_connected: anyio.Event, is_lost: anyio.Event, seconds: float) -> None:
    async with anyio.create_task_group() as tasks:

        async def watch_loss() -> None:
            await is_lost.wait()
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch_loss)
        with anyio.move_on_after(seconds):
            await is_connected.wait()
        tasks.cancel_scope.cancel()
    if not is_connected.is_set():
        raise WebRTCConnectionFailed(
            "No audio connection could be made. A firewall may block UDP; a TURN server helps."
        )


async def _listen(track: MediaStreamTrack, listener: CallListener) -> None:
    async for pcm in receive_pcm(track, SAMPLE_RATE):
        listener.on_sound(pcm, time.monotonic())


async def _watch(peer: RTCPeerConnection, listener: CallListener, is_lost: anyio.Event) -> None:
    """Measure the path each second, and give the call up when nothing came for too long.

    aiortc has no `disconnected`, and its own `failed` comes after half a minute (RFC 7675).
    """
    received, heard_at = 0, time.monotonic()
    while not is_lost.is_set():
        report = (await peer.getStats()).values()
        count = sum(stat.packetsReceived for stat in report if isinstance(stat, RTCTransportStats))
        if count != received:
            received, heard_at = count, time.monotonic()
        elif time.monotonic() - heard_at > QUIET_SECONDS + PATIENCE_SECONDS:
            is_lost.set()
        listener.on_quality(_quality(list(report)))
        await anyio.sleep(_STATS_SECONDS)


def _quality(report: list[Any]) -> Quality:
    quality: dict[str, float | None] = {}
    for stat in report:
        if isinstance(stat, RTCRemoteInboundRtpStreamStats) and stat.roundTripTime is not None:
            quality["round_trip_ms"] = stat.roundTripTime * 1000
        elif type(stat) is RTCInboundRtpStreamStats:
            total = stat.packetsReceived + stat.packetsLost
            quality["loss"] = max(0.0, stat.packetsLost / total) if total else None
            quality["jitter_ms"] = stat.jitter / SAMPLE_RATE * 1000
    return Quality(**quality)
