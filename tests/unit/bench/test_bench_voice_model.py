"""The scripted voice model against a plain WebRTC peer and a plain sideband."""

import json

import aiohttp
import anyio
from aiortc import RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from bench.scripted_call import Script, interview_script
from bench.voice_model import open_voice_model

from vivavoce.webrtc import open_peer_connection, set_local_description

LINES = interview_script(2, mark="round-7")
END = "response.function_call_arguments.done"


def texts(events):
    """What was said, by the events that a transcript is made of."""
    return [
        event["transcript"]
        for event in events
        if event["type"]
        in (
            "response.output_audio_transcript.done",
            "conversation.item.input_audio_transcription.completed",
        )
    ]


async def test_a_call_says_its_script_to_both_witnesses_and_asks_to_end():
    opened, done = anyio.Event(), anyio.Event()
    heard = []
    seen = []
    async with (
        open_voice_model() as model,
        open_peer_connection() as peer,
        aiohttp.ClientSession() as http,
    ):
        model.scripts.append(Script("round-7", LINES, seconds_per_line=0))
        channel = peer.createDataChannel("oai-events")

        def hear(text):
            heard.append(json.loads(text))
            if heard[-1]["type"] == END:
                done.set()

        channel.on("open", opened.set)
        channel.on("message", hear)
        peer.addTrack(AudioStreamTrack())
        offer = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
        form = aiohttp.FormData()
        form.add_field("sdp", offer.sdp, content_type="application/sdp")
        session = json.dumps({"instructions": "Interview of round-7."})
        form.add_field("session", session, content_type="application/json")
        async with http.post(f"{model.base_url}/realtime/calls", data=form) as response:
            assert response.status == 201
            call_id = response.headers["Location"].rsplit("/", 1)[1]
            answer = await response.text()
        sideband_url = f"{model.base_url}/realtime?call_id={call_id}"
        async with http.ws_connect(sideband_url) as sideband:
            await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            with anyio.fail_after(20):
                await opened.wait()
                await sideband.send_json({"type": "response.create"})
                async for message in sideband:
                    seen.append(json.loads(message.data))
                    if seen[-1]["type"] == END:
                        await done.wait()
                        assert model.live_calls == 1
                        await http.post(f"{model.base_url}/realtime/calls/{call_id}/hangup")

        assert model.live_calls == 0
        async with http.get(sideband_url) as late:
            assert late.status == 404
    assert texts(seen) == texts(heard) == [line.text for line in LINES]
    assert seen[0]["type"] == "session.created"
