"""A caller that costs little: speech is rendered and encoded before the call, replies are timed.

Run as a program it holds one call with an engine until it is killed, for those who want to see what
becomes of a caller that goes without a word: `python -m bench.voice_caller URL`, with the key in
`ENGINE_KEY`. It says `connected` on standard output.
"""

import json
import os
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import aiohttp
import anyio
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.codecs.opus import OpusEncoder
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, Packet

from vivavoce.webrtc import open_peer_connection, set_local_description

LOUD: Final = 400
"""Of 32768: a sample above it is heard."""
QUIET_SECONDS: Final = 1.0
"""A reply is over once it was not loud for so long."""
MOST_REPLY_SECONDS: Final = 20.0
_CONNECT_SECONDS: Final = 15.0
_RATE: Final = 48_000
_FRAME_SECONDS: Final = 0.02
_FRAME_SAMPLES: Final = 960
_STALL_SECONDS: Final = 0.2

Exchange = Callable[[str], Awaitable[str]]
"""Sends an SDP offer and gives the answer."""


class NoReply(Exception):
    """Nobody spoke in time, or somebody spoke before the answer was over."""


@dataclass(frozen=True)
class Speech:
    """An answer, ready to be sent: Opus packets of 20 ms, and which is the last loud one."""

    packets: Sequence[bytes]
    last_loud: int

    @classmethod
    def of(cls, pcm: bytes, rate: int) -> "Speech":
        """Encode s16le mono of any rate, up to its last loud sample.

        Raises:
            ValueError: If nothing in it is loud.
        """
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        places = np.arange(samples.size * _RATE // rate) * (rate / _RATE)
        resampled = np.interp(places, np.arange(samples.size), samples).astype("<i2")
        loud = np.flatnonzero(np.abs(resampled.astype(np.int32)) > LOUD)
        if not loud.size:
            raise ValueError("The answer is silence.")
        frames = resampled[: -(-(int(loud[-1]) + 1) // _FRAME_SAMPLES) * _FRAME_SAMPLES]
        frames = np.pad(frames, (0, -frames.size % _FRAME_SAMPLES)).reshape(-1, _FRAME_SAMPLES)
        # The encoder's resampler keeps back a few milliseconds: one more frame pushes them out.
        packets = _encoded([*frames, np.zeros(_FRAME_SAMPLES, "<i2")])
        return cls(packets, len(frames) - 1)


def _encoded(frames: Sequence[Any]) -> list[bytes]:
    encoder, packets = OpusEncoder(), []
    for number, samples in enumerate(frames):
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = _RATE
        frame.time_base = Fraction(1, _RATE)
        frame.pts = number * _FRAME_SAMPLES
        packets += encoder.encode(frame)[0]
    return packets


class Mouth(MediaStreamTrack):
    """Sends a packet each 20 ms: silence, or the next of an answer.

    Attributes:
        spoke_at: When the last loud packet of an answer was sent, by `time.monotonic`; None before.
    """

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._silence = _encoded([np.zeros(_FRAME_SAMPLES, "<i2")] * 5)[-1]
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._sent = 0
        self._origin: float | None = None
        self.spoke_at: float | None = None

    def say(self, speech: Speech) -> None:
        """Send an answer from the next packet on."""
        self.spoke_at = None
        self._waiting.extend(
            (packet, number == speech.last_loud) for number, packet in enumerate(speech.packets)
        )

    async def recv(self) -> Packet:
        """Give the next packet when its time has come. Called by aiortc's sender."""
        if self.readyState != "live":
            raise MediaStreamError
        now = time.monotonic()
        self._origin = self._origin or now
        wait = self._origin + self._sent * _FRAME_SECONDS - now
        if wait < -_STALL_SECONDS:
            self._origin -= wait
        elif wait > 0:
            await anyio.sleep(wait)
        data, is_last = self._waiting.popleft() if self._waiting else (self._silence, False)
        if is_last:
            self.spoke_at = time.monotonic()
        packet = Packet(data)
        packet.time_base = Fraction(1, _RATE)
        packet.pts = self._sent * _FRAME_SAMPLES
        self._sent += 1
        return packet


@dataclass(eq=False)
class Caller:
    """A call that stands. Made by `open_caller`; times by `time.monotonic`.

    Attributes:
        connected_at: When audio could flow.
        first_loud_at: When the other side was first heard since `listen_anew`.
        last_loud_at: When it was last heard.
    """

    mouth: Mouth
    connected_at: float = 0.0
    first_loud_at: float | None = None
    last_loud_at: float = 0.0
    _is_loud: anyio.Event = field(default_factory=anyio.Event)

    def listen_anew(self) -> None:
        """Forget what was heard."""
        self.first_loud_at, self._is_loud = None, anyio.Event()

    async def until_heard(self) -> float:
        """Wait until the other side is heard; give when.

        Raises:
            NoReply: If it is not, for `MOST_REPLY_SECONDS`.
        """
        with anyio.move_on_after(MOST_REPLY_SECONDS):
            await self._is_loud.wait()
        if self.first_loud_at is None:
            raise NoReply(f"Nothing was heard for {MOST_REPLY_SECONDS:g} s.")
        return self.first_loud_at

    async def until_quiet(self) -> None:
        """Wait until a reply that has begun is over."""
        with anyio.fail_after(MOST_REPLY_SECONDS):
            while True:
                quiet = time.monotonic() - self.last_loud_at
                if quiet >= QUIET_SECONDS:
                    return
                await anyio.sleep(QUIET_SECONDS - quiet)

    async def answer(self, speech: Speech) -> float:
        """Say something and hear the reply to its end; give the seconds from voice to voice.

        Raises:
            NoReply: If none comes, or one comes before the answer is over.
        """
        self.listen_anew()
        self.mouth.say(speech)
        heard_at = await self.until_heard()
        if self.mouth.spoke_at is None:
            raise NoReply("The answer was cut off.")
        await self.until_quiet()
        return heard_at - self.mouth.spoke_at

    async def hear(self, track: MediaStreamTrack) -> None:
        """Note when a track is loud, until it ends."""
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            samples = np.frombuffer(bytes(frame.planes[0]), "<i2")
            if max(int(samples.max()), -int(samples.min())) > LOUD:
                self.last_loud_at = time.monotonic()
                if self.first_loud_at is None:
                    self.first_loud_at = self.last_loud_at
                    self._is_loud.set()


@asynccontextmanager
async def open_caller(exchange: Exchange, *, begins: bool) -> AsyncGenerator[Caller, None]:
    """Call, and hold the call for the length of the block.

    Args:
        exchange: Where the offer goes.
        begins: Whether to ask for the greeting, as a client of the Realtime API does.
    """
    async with open_peer_connection() as peer:
        caller = Caller(Mouth())
        peer.addTrack(caller.mouth)
        tracks: list[MediaStreamTrack] = []
        peer.on("track", tracks.append)
        channel = peer.createDataChannel("oai-events")
        if begins:
            channel.on("open", lambda: channel.send(json.dumps({"type": "response.create"})))
        offer = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
        answer = await exchange(offer.sdp)
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await _until_connected(peer)
        caller.connected_at = time.monotonic()
        async with anyio.create_task_group() as tasks:
            for track in tracks:
                tasks.start_soon(caller.hear, track)
            yield caller
            tasks.cancel_scope.cancel()


async def _until_connected(peer: RTCPeerConnection) -> None:
    is_connected = anyio.Event()

    @peer.on("connectionstatechange")
    def _note() -> None:
        if peer.connectionState == "connected":
            is_connected.set()

    _note()
    with anyio.fail_after(_CONNECT_SECONDS):
        await is_connected.wait()


def engine_exchange(
    http: aiohttp.ClientSession, base_url: str, key: str, session: Mapping[str, Any]
) -> Exchange:
    """Send offers to an engine, with a session's configuration."""

    async def exchange(sdp: str) -> str:
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("sdp", sdp, content_type="application/sdp")
        form.add_field("session", json.dumps(session), content_type="application/json")
        headers = {"authorization": f"Bearer {key}"}
        async with http.post(f"{base_url}/realtime/calls", data=form, headers=headers) as response:
            response.raise_for_status()
            return await response.text()

    return exchange


async def _hold(base_url: str) -> None:
    async with aiohttp.ClientSession() as http:
        exchange = engine_exchange(
            http, base_url, os.environ["ENGINE_KEY"], {"type": "realtime", "model": "gpt-realtime"}
        )
        async with open_caller(exchange, begins=True) as caller:
            await caller.until_heard()
            print("connected", flush=True)
            await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(_hold, sys.argv[1])
