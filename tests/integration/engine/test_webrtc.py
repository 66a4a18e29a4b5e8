"""aiortc made fit for speech: the receive buffer, time, addresses, and the way a peer is closed."""

import asyncio
import math
import threading
from array import array
from contextlib import aclosing
from fractions import Fraction
from pathlib import Path

import anyio
import pytest
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from av import AudioFrame
from bench.lossy_path import drop_rtp

from support.rtc import RATE, Microphone
from vivavoce.webrtc import (
    ImmediateAudioBuffer,
    open_peer_connection,
    receive_pcm,
    set_local_description,
)

TONE_SECONDS = 4


def tone(seconds, rate=RATE):
    return array(
        "h", (int(12_000 * math.sin(i * 0.115)) for i in range(int(seconds * rate)))
    ).tobytes()


def packet(sequence_number):
    made = RtpPacket(payload_type=111, sequence_number=sequence_number % 65_536)
    made._data = bytes([sequence_number % 256])
    return made


def passed(sequence_numbers):
    buffer = ImmediateAudioBuffer(capacity=16, prefetch=4)
    return [n for n in sequence_numbers if buffer.add(packet(n))[1] is not None]


def test_the_buffer_hands_on_each_packet_and_drops_what_is_late_or_double():
    assert passed([1, 2, 5, 3, 5, 6]) == [1, 2, 5, 6]
    assert passed([65_534, 65_535, 65_536, 65_535, 65_537]) == [65_534, 65_535, 65_536, 65_537]


def test_the_buffer_follows_a_sender_that_starts_anew():
    assert passed([5_000, 5_001, 17, 18]) == [5_000, 5_001, 17, 18]


async def connect(sender, receiver, **options):
    offer = await set_local_description(sender, await sender.createOffer(), **options)
    await receiver.setRemoteDescription(offer)
    answer = await set_local_description(receiver, await receiver.createAnswer(), **options)
    await sender.setRemoteDescription(answer)


@pytest.mark.parametrize(("loss", "least"), [(0.0, 0.99), (0.03, 0.93), (0.10, 0.83)])
async def test_lost_packets_cost_their_own_audio_and_no_time(loss, least):
    microphone, got = Microphone(), bytearray()
    async with (
        open_peer_connection() as sender,
        open_peer_connection() as receiver,
        anyio.create_task_group() as tasks,
    ):
        sender.addTrack(microphone)

        async def listen(track):
            async for pcm in receive_pcm(track, 16_000):
                got.extend(pcm)

        receiver.on("track", lambda track: tasks.start_soon(listen, track))
        await connect(sender, receiver, loopback_only=True)
        drop_rtp(sender, loss)
        await microphone.say(tone(TONE_SECONDS))
        await anyio.sleep(0.3)  # the last packets are on their way
        tasks.cancel_scope.cancel()
    samples = array("h", bytes(got))
    frames = [samples[i : i + 320] for i in range(0, len(samples) - 319, 320)]
    loud = [max(map(abs, frame)) > 3_000 for frame in frames]
    first, last = loud.index(True), len(loud) - loud[::-1].index(True)
    assert sum(loud) / (TONE_SECONDS * 50) > least
    assert -5 <= last - first - TONE_SECONDS * 50 <= 15  # a machine that stutters adds silence


class Frames:
    """A track of given frames, 20 ms at 48 kHz, at given places in time; then it ends."""

    def __init__(self, *places):
        self._frames, self._waiting = anyio.create_memory_object_stream(100)
        for place in places:
            self.put(place)

    def put(self, place):
        frame = AudioFrame(format="s16", layout="stereo", samples=960)
        frame.planes[0].update(b"\x10\x10" * 1920)
        frame.sample_rate, frame.time_base = 48_000, Fraction(1, 48_000)
        frame.pts = place * 960
        self._frames.send_nowait(frame)

    def end(self):
        self._frames.close()

    async def recv(self):
        try:
            return await self._waiting.receive()
        except anyio.EndOfStream:
            self._waiting.close()
            raise MediaStreamError from None


async def heard_ms(track):
    return sum([len(pcm) async for pcm in receive_pcm(track, 16_000)]) / 32


@pytest.mark.parametrize(
    ("places", "expected_ms"),
    [((0, 1, 2), 60), ((0, 1, 11), 240), ((0, 1_000_000), 30_040)],
    ids=["no hole", "nine lost frames", "an hour: 30 s are filled"],
)
async def test_a_hole_is_filled_with_silence_of_its_length(places, expected_ms):
    track = Frames(*places)
    track.end()
    assert await heard_ms(track) == pytest.approx(expected_ms, abs=3)


async def test_time_goes_on_while_nothing_arrives_and_is_not_counted_twice():
    track, heard, put = Frames(0), 0, False
    async with aclosing(receive_pcm(track, 16_000)) as pcm:
        async for part in pcm:
            heard += len(part) / 32
            if 300 < heard < 400 and not put:
                put = True
                track.put(26)
                track.end()
    assert heard == pytest.approx(540, abs=3)


async def test_audio_stays_on_loopback_where_that_is_asked_for():
    async with open_peer_connection() as peer:
        peer.createDataChannel("x")
        offer = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
    candidates = [line for line in offer.sdp.splitlines() if line.startswith("a=candidate")]
    assert candidates
    assert all(" 127.0.0.1 " in line for line in candidates)


async def test_no_server_is_asked_for_our_address():
    async with open_peer_connection() as peer:
        peer.createDataChannel("x")
        offer = await set_local_description(peer, await peer.createOffer())
    assert "typ srflx" not in offer.sdp


def used():
    """Count what a peer could leave behind; the threads of the loop's own pool stay, by design."""
    threads = [t for t in threading.enumerate() if not t.name.startswith("asyncio_")]
    return len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir())), len(threads)


async def test_a_call_that_is_cancelled_at_any_moment_leaves_nothing_behind():
    async def call(moment):
        with anyio.move_on_after(moment):
            async with open_peer_connection() as sender, open_peer_connection() as receiver:
                sender.addTrack(Microphone())
                sender.createDataChannel("x")
                await connect(sender, receiver, loopback_only=True)
                await anyio.sleep_forever()

    await call(0.3)
    before = used()
    for step in range(20):
        await call(step * 0.015)
    await anyio.sleep(0.2)  # aiortc ends its transports' tasks one step after `close` returns
    assert used() == before, asyncio.all_tasks()
