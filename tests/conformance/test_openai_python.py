"""The `openai` Python package, unmodified: only its base URL is another."""

import base64

import anyio
import openai
import pytest
from aiortc import RTCSessionDescription

from support.realtime_events import faults_of
from support.rtc import Microphone, RtcClient
from support.speech import loudness, silence, speech
from vivavoce.webrtc import open_peer_connection, set_local_description

SESSION = {
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "instructions": "Questions:\n1. What is your favourite city?\n2. Why did you become a nurse?",
    "tools": [{"type": "function", "name": "end_interview", "parameters": {"type": "object"}}],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "noise_reduction": {"type": "near_field"},
            "transcription": {"model": "gpt-transcribe", "language": "en"},
            "turn_detection": {"type": "semantic_vad", "eagerness": "high"},
        },
        "output": {"voice": "marin", "speed": 1.0},
    },
}


@pytest.fixture
async def client(engine):
    async with openai.AsyncOpenAI(
        base_url=f"{engine.url}/v1", api_key=engine.key, max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def caller():
    """A WebRTC peer with its offer."""
    async with open_peer_connection() as peer:
        microphone = Microphone()
        channel = peer.createDataChannel("oai-events")
        call = RtcClient(microphone, channel)
        channel.on("message", call.take)
        peer.addTrack(microphone)
        offer = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
        yield peer, call, offer.sdp


async def connect(client, caller, **session):
    peer, call, sdp = caller
    answer = await client.realtime.calls.create(sdp=sdp, **session)
    assert answer.response.status_code == 201
    assert answer.response.headers["content-type"].startswith("application/sdp")
    call.call_id = answer.response.headers["location"].rsplit("/", 1)[1]
    await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    return call


async def test_a_call_with_its_session_in_a_form(client, caller):
    call = await connect(client, caller, session=SESSION)
    created = await call.until("session.created")
    assert created["session"]["instructions"] == SESSION["instructions"]
    await client.realtime.calls.hangup(call.call_id)
    with pytest.raises(openai.NotFoundError) as gone:
        await client.realtime.calls.hangup(call.call_id)
    assert gone.value.code == "call_id_not_found"


async def test_a_call_with_a_client_secret(engine, client, caller):
    secret = await client.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60}, session=SESSION
    )
    assert secret.value.startswith("ek_")
    assert secret.session.instructions == SESSION["instructions"]
    holder = openai.AsyncOpenAI(base_url=f"{engine.url}/v1", api_key=secret.value, max_retries=0)
    async with holder:
        call = await connect(holder, caller)
        created = await call.until("session.created")
        assert created["session"]["instructions"] == SESSION["instructions"]
        with pytest.raises(openai.AuthenticationError) as used:
            await holder.realtime.calls.create(sdp=caller[2])
        assert used.value.code == "ephemeral_token_already_used"


async def test_a_sideband_reads_a_whole_turn_in_the_packages_own_types(client, caller):
    call = await connect(client, caller, session=SESSION)
    seen = []
    async with client.realtime.connect(call_id=call.call_id) as sideband:

        async def read():
            async for event in sideband:
                seen.append(event)  # noqa: PERF401  what was seen before an error counts, too

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await call.until("session.created")
            await sideband.response.create()
            await call.until("output_audio_buffer.stopped")
            first = len(call.events)
            await call.microphone.say(speech("My favourite city is Berlin.", 24_000))
            done = await call.until("response.done", after=first)
            item_id = done["response"]["output"][0]["id"]
            await sideband.conversation.item.retrieve(item_id=item_id)
            await sideband.session.update(session={"type": "realtime", "tracing": "auto"})
            await sideband.response.cancel()
            await call.until("error")
            await client.realtime.calls.hangup(call.call_id)  # ends `read` without an error

    types = [event.type for event in seen]
    assert types[0] == "session.created"
    heard = "conversation.item.input_audio_transcription.completed"
    for expected in (heard, "response.done", "conversation.item.retrieved", "session.updated"):
        assert expected in types
    transcript = seen[types.index(heard)].transcript
    assert "berlin" in transcript.lower()
    assert not [fault for event in seen for fault in faults_of(event.to_dict(mode="json"))]
    assert not call.faults


async def test_errors_are_the_packages_own(engine, client, caller):
    with pytest.raises(openai.BadRequestError) as bad:
        await client.realtime.calls.create(sdp="nonsense")
    assert bad.value.code == "invalid_offer"
    async with openai.AsyncOpenAI(
        base_url=f"{engine.url}/v1", api_key="wrong", max_retries=0
    ) as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.realtime.calls.create(sdp=caller[2])
        with pytest.raises(openai.AuthenticationError):
            await stranger.realtime.client_secrets.create()


async def test_a_session_over_a_websocket_is_spoken_and_written_in(client):
    spoken = {**SESSION, "audio": {"input": SESSION["audio"]["input"]}}
    types, audio, text = [], b"", ""
    async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
        await connection.session.update(session=spoken)
        answer = speech("I like Berlin for its museums and its lakes.", 24_000)
        for pcm in (answer, silence(3, 24_000)):
            await connection.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())
        async for event in connection:
            assert not faults_of(event.to_dict(mode="json"))
            types.append(event.type)
            match event.type:
                case "conversation.item.input_audio_transcription.completed":
                    assert "berlin" in event.transcript.lower()
                case "response.output_audio.delta":
                    audio += base64.b64decode(event.delta)
                case "response.done" if audio and not text:
                    await connection.conversation.item.create(
                        item={
                            "type": "message",
                            "role": "user",
                            "content": [{"type": "input_text", "text": "Please say that again."}],
                        }
                    )
                    await connection.response.create(response={"output_modalities": ["text"]})
                case "response.output_text.done":
                    text = event.text
                    break
    assert loudness(audio) > 0.01
    assert "What is your favourite city?" in text
    assert "output_audio_buffer.started" not in types


async def test_what_only_the_real_service_does_is_refused_in_its_own_shape(client):
    for refused in (
        client.realtime.calls.accept("rtc_1", type="realtime"),
        client.realtime.calls.reject("rtc_1"),
        client.realtime.calls.refer("rtc_1", target_uri="tel:+14155550123"),
    ):
        with pytest.raises(openai.NotFoundError, match="SIP") as error:
            await refused
        assert error.value.code == "not_supported"
    with pytest.raises(openai.BadRequestError, match="Transcription sessions") as error:
        await client.realtime.client_secrets.create(session={"type": "transcription"})
    assert error.value.param == "session.type"
    with pytest.raises(openai.NotFoundError, match="Realtime API"):
        await client.models.list()
