"""One call's WebRTC connection: an offer answered, audio both ways, the `oai-events` channel."""

import logging
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio
from aiortc import RTCDataChannel, RTCIceServer, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from vivavoce.engine.events import encode, error_fields, new_event
from vivavoce.engine.flood import EventRate, too_many_events
from vivavoce.engine.presence import until_gone
from vivavoce.engine.refusals import Refused
from vivavoce.webrtc import (
    PeerConnection,
    open_peer_connection,
    receive_pcm,
    set_local_description,
)

_log: Final = logging.getLogger(__name__)
CHANNEL: Final = "oai-events"
MAX_OFFER_BYTES: Final = 65_536
_ANSWER_SECONDS: Final = 10.0
_MAX_UNOPENED_EVENTS: Final = 1_000
_MAX_UNSENT_BYTES: Final = 4 * 1024 * 1024
_FLUSH_SECONDS: Final = 1.0
_HOST_ADDRESS: Final = re.compile(
    r"(?P<before>a=candidate:\S+ \d+ \S+ \d+ )\S+(?P<after> \d+ typ host)"
)


class Peer:
    """The connection to one client. Made by `open_peer`.

    Attributes:
        answer: The SDP answer, all candidates in it.
        has_connected: Set when media can flow.
        has_ended: Set when the client has gone, or can no longer be reached.
    """

    def __init__(self, connection: PeerConnection, *, loopback_only: bool) -> None:
        self._connection = connection
        self._connection.may_connect = anyio.Event()
        self._loopback_only = loopback_only
        self._on_message: Callable[[str | bytes], None] | None = None
        self._channel: RTCDataChannel | None = None
        self._unopened: deque[str] = deque(maxlen=_MAX_UNOPENED_EVENTS)
        self._track: MediaStreamTrack | None = None
        self._has_track = anyio.Event()
        self._rate = EventRate()
        self._is_flooded = False
        self.answer = ""
        self.has_connected = anyio.Event()
        self.has_ended = anyio.Event()
        connection.on("connectionstatechange", self._note_state)
        connection.on("track", self._take_track)
        connection.on("datachannel", self._take_channel)

    def listen(self, on_message: Callable[[str | bytes], None]) -> None:
        """Call `on_message`, which may not wait, with each message of the data channel."""
        self._on_message = on_message

    def send(self, text: str) -> None:
        """Send an event, as soon as the channel is open. A client that takes none is given up."""
        channel = self._channel
        if channel is None:
            self._unopened.append(text)
        elif channel.readyState == "open":
            channel.send(text)
            if channel.bufferedAmount > _MAX_UNSENT_BYTES:
                self.has_ended.set()

    async def hear(self, rate: int) -> AsyncIterator[bytes]:
        """Give what the client says as s16le mono, from the first packet to the track's end."""
        await self._has_track.wait()
        if self._track:
            async for pcm in receive_pcm(self._track, rate):
                yield pcm

    async def accept(
        self, offer: RTCSessionDescription, *, public_address: str | None = None
    ) -> None:
        """Answer an offer and send our audio to whoever made it.

        Args:
            offer: As `readable_offer` gives it.
            public_address: Offered in place of the machine's own addresses.

        Raises:
            Refused: If the offer cannot be read or answered.
        """
        try:
            with anyio.fail_after(_ANSWER_SECONDS):
                await self._connection.setRemoteDescription(offer)
                answer = await self._connection.createAnswer()
                local = await set_local_description(
                    self._connection, answer, loopback_only=self._loopback_only
                )
        except Exception as error:  # aiortc raises whatever its parser and codecs meet in an offer
            raise _bad_offer("it cannot be answered") from error
        self.answer = with_address(local.sdp, public_address) if public_address else local.sdp

    def is_reachable(self) -> bool:
        """Whether the ports that were opened ahead are still at the machine's addresses."""
        return self._connection.is_reachable()

    def connect(self) -> None:
        """Connect with whoever made the offer; `accept` alone does not."""
        self._connection.may_connect.set()

    async def until_gone(self, *, silent_seconds: float) -> None:
        """Return once the client has gone, whether it says so or not; see `presence`."""
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                await until_gone(self._connection, silent_seconds=silent_seconds)
                self.has_ended.set()

            tasks.start_soon(watch)
            await self.has_ended.wait()
            tasks.cancel_scope.cancel()

    async def flush(self) -> None:
        """Wait until what was sent is on its way, at most a second."""
        channel = self._channel
        if channel is None or channel.readyState != "open" or not channel.bufferedAmount:
            return
        is_sent = anyio.Event()
        channel.on("bufferedamountlow", is_sent.set)
        with anyio.move_on_after(_FLUSH_SECONDS):
            await is_sent.wait()

    def _note_state(self) -> None:
        match self._connection.connectionState:
            case "connected":
                self.has_connected.set()
            case "failed" | "closed":
                self.has_ended.set()

    def _take_message(self, message: str | bytes) -> None:
        if not self._rate.allows():
            self._tell_flood()
            return
        self._is_flooded = False
        try:
            if self._on_message:
                self._on_message(message)
        except Exception:  # noqa: BLE001  raised on, it would stop the transport below us and be told to no one
            _log.exception("an event of a client failed")
            self.has_ended.set()

    def _tell_flood(self) -> None:
        if not self._is_flooded:
            self._is_flooded = True
            self.send(encode(new_event("error", **error_fields(too_many_events(), None))))

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._track is None:
            self._track = track
            self._has_track.set()

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL or self._channel is not None:
            return
        channel.on("message", self._take_message)
        channel.on("close", self.has_ended.set)
        self._channel = channel  # a channel that comes from the client is open already
        while self._unopened:
            self.send(self._unopened.popleft())


def readable_offer(offer: str) -> RTCSessionDescription:
    """Give an offer without the candidates that only the client's own network can resolve.

    Raises:
        Refused: If it is no SDP at a glance, or has no audio. The rest shows when it is answered.
    """
    lines = [line for line in offer.splitlines() if not _is_mdns_candidate(line)]
    if lines[:1] != ["v=0"]:
        raise _bad_offer("it is not SDP")
    if not any(line.startswith("m=audio ") for line in lines):
        raise _bad_offer("it has no audio")
    if not any(line.startswith("a=candidate:") for line in lines):
        # Said to be all, none would be the end of it: aiortc would not even look for its own.
        lines = [line for line in lines if line != "a=end-of-candidates"]
    return RTCSessionDescription(sdp="\r\n".join(lines) + "\r\n", type="offer")


def with_address(sdp: str, address: str) -> str:
    """Put one address in place of those of all host candidates, for one-to-one NAT."""
    return _HOST_ADDRESS.sub(rf"\g<before>{address}\g<after>", sdp)


def _is_mdns_candidate(line: str) -> bool:
    return line.startswith("a=candidate:") and ".local " in line


def _bad_offer(reason: str) -> Refused:
    return Refused(f"Invalid SDP offer: {reason}.", code="invalid_offer", param="sdp")


@asynccontextmanager
async def open_peer(
    voice: MediaStreamTrack,
    ice_servers: Sequence[RTCIceServer] = (),
    *,
    loopback_only: bool = False,
) -> AsyncGenerator[Peer, None]:
    """Open a connection that waits for its offer, and close it on every way out.

    Its ports are open, unless there are `ice_servers`: what these allot does not keep.

    Args:
        voice: Our audio.
        ice_servers: STUN and TURN.
        loopback_only: Offer 127.0.0.1 alone.
    """
    async with open_peer_connection(ice_servers) as connection:
        connection.addTrack(voice)
        if not ice_servers:
            await connection.gather_ahead(loopback_only=loopback_only)
        yield Peer(connection, loopback_only=loopback_only)
