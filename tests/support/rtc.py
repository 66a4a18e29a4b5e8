"""A WebRTC client for tests: sends speech as PCM, records what it hears and every event."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import aiohttp
import anyio
from aiortc import RTCDataChannel, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from support.realtime_events import EventLog
from vivavoce.webrtc import open_peer_connection, receive_pcm, set_local_description

RATE = 24_000
_FRAME = RATE // 50


class Microphone(MediaStreamTrack):
    """An audio track that sends what is put into it, and silence otherwise, in real time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._audio = bytearray()
        self._sent = 0
        self._origin = 0.0
        self._spoken = anyio.Event()

    async def say(self, pcm: bytes) -> None:
        """Send s16le mono audio at 24 kHz; return when the last of it was sent."""
        self._audio += pcm
        self._spoken = anyio.Event()
        await self._spoken.wait()

    async def recv(self) -> AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        self._origin = self._origin or time.monotonic()
        await anyio.sleep(max(0.0, self._origin + self._sent * 0.02 - time.monotonic()))
        chunk = bytes(self._audio[: _FRAME * 2])
        del self._audio[: _FRAME * 2]
        if not self._audio:
            self._spoken.set()
        frame = AudioFrame(format="s16", layout="mono", samples=_FRAME)
        frame.planes[0].update(chunk.ljust(_FRAME * 2, b"\0"))
        frame.sample_rate = RATE
        frame.time_base = Fraction(1, RATE)
        frame.pts = self._sent * _FRAME
        self._sent += 1
        return frame


@dataclass
class RtcClient(EventLog):
    """A call as its client sees it."""

    microphone: Microphone
    channel: RTCDataChannel
    call_id: str = ""
    heard: bytearray = field(default_factory=bytearray)
    closed: anyio.Event = field(default_factory=anyio.Event)

    def send(self, type_: str, **fields: Any) -> None:
        self.channel.send(json.dumps({"type": type_, **fields}))


@asynccontextmanager
async def open_call(
    url: str,
    key: str,
    session: dict[str, Any] | None = None,
    *,
    microphone: Microphone | None = None,
    wait: bool = True,
    loopback_only: bool = True,
) -> AsyncGenerator[RtcClient, None]:
    """Open a call over real WebRTC and leave it on every way out."""
    async with open_peer_connection() as peer, anyio.create_task_group() as tasks:
        microphone = microphone or Microphone()
        client = RtcClient(microphone, peer.createDataChannel("oai-events"))
        client.channel.on("message", client.take)
        client.channel.on("close", client.closed.set)
        peer.addTrack(microphone)

        async def listen(track: MediaStreamTrack) -> None:
            async for pcm in receive_pcm(track, RATE):
                client.heard += pcm

        peer.on("track", lambda track: tasks.start_soon(listen, track))
        offer = await set_local_description(
            peer, await peer.createOffer(), loopback_only=loopback_only
        )
        answer, client.call_id = await post_offer(url, key, offer.sdp, session)
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        if wait:
            await client.until("session.created")
        yield client
        assert not client.faults
        tasks.cancel_scope.cancel()


async def post_offer(
    url: str, key: str, sdp: str, session: dict[str, Any] | None = None
) -> tuple[str, str]:
    """Exchange an offer for the answer and the call's id."""
    headers = {"Authorization": f"Bearer {key}"}
    data: Any = sdp
    if session is None:
        headers["Content-Type"] = "application/sdp"
    else:
        data = aiohttp.MultipartWriter("form-data")
        for name, body, type_ in (
            ("sdp", sdp, "application/sdp"),
            ("session", json.dumps(session), "application/json"),
        ):
            part = data.append(body, {"Content-Type": type_})
            part.set_content_disposition("form-data", name=name)
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/v1/realtime/calls", data=data, headers=headers) as response,
    ):
        assert response.status == 201, await response.text()
        return await response.text(), response.headers["Location"].rsplit("/", 1)[1]
