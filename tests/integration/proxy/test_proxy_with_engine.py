"""A machine and the real voice engine: speech over WebRTC, its text through the proxy."""

import anyio
from aiortc import RTCSessionDescription

from support.engine import engine  # noqa: F401  a fixture
from support.rtc import Microphone
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.sessions.interview import call_configuration, instructions, plan_of
from vivavoce.webrtc import open_peer_connection, receive_pcm, set_local_description

PLAN = instructions(plan_of(["What do you build?"]))
CONFIG = call_configuration(
    instructions=PLAN, model="local", transcription_model="local", voice="heart"
)


async def test_the_interviewer_is_heard_and_read_and_the_call_hung_up(claimed, plane, engine):  # noqa: F811
    voice = VoiceAccess(base_url=f"{engine.url}/v1", api_key=engine.key)
    heard = bytearray()
    closed = anyio.Event()
    async with (
        claimed(voice=voice, call_config=CONFIG) as bench,
        bench.connect() as client,
        open_peer_connection() as peer,
        anyio.create_task_group() as tasks,
    ):
        channel = peer.createDataChannel("oai-events")
        channel.on("close", closed.set)
        connected = anyio.Event()

        async def listen(track):
            async for pcm in receive_pcm(track, 24_000):
                heard.extend(pcm)

        peer.on("track", lambda track: tasks.start_soon(listen, track))
        peer.on("connectionstatechange", connected.set)
        peer.addTrack(Microphone())
        offer = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
        await client.send("offer", {"sdp": offer.sdp})
        ready = await client.until("session_ready", lambda ready: ready["answer"])
        await peer.setRemoteDescription(RTCSessionDescription(**ready["answer"]))
        with anyio.fail_after(20):
            while peer.connectionState != "connected":
                connected = anyio.Event()
                peer.on("connectionstatechange", connected.set)
                await connected.wait()
        await client.send("session", {})

        await plane.until_reported("status", status="active", timeout=20)
        entries = await client.until(
            "transcript", lambda data: data["entries"][-1]["final"], timeout=40
        )
        said = entries["entries"][-1]
        assert said["speaker"] == "ai"
        assert "AI" in said["content"] or "build" in said["content"]
        assert any(heard)
        assert not client.of("error")
        assert not [report for report in plane.reports if report["type"] == "event"]

        await bench.channel.end("ended_by_recruiter")
        ended = await client.until("session_ended", timeout=20)
        assert ended == {"reason": "ended_by_recruiter", "transcriptComplete": True}
        with anyio.fail_after(20):
            await closed.wait()  # the engine has hung up
        tasks.cancel_scope.cancel()
    assert plane.texts
