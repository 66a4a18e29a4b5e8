"""Every event that the engine sends, seen at least once in every kind of session.

Each is held to OpenAI's own types by whoever takes it in (`support.realtime_events`).
"""

import json

import anyio
from websockets import connect

from support.engine import run_engine_process
from support.realtime_events import EventLog
from support.realtime_order import disorder_of
from support.realtime_socket import open_session, socket_url
from support.rtc import open_call
from support.speech import silence, speech

TOOL = {"type": "function", "name": "look_up", "parameters": {"type": "object"}}
SESSION = {
    "type": "realtime",
    "instructions": "Questions:\n1. Why?\n2. How old are you?",
    "tools": [TOOL],
    "audio": {"input": {"transcription": {"model": "gpt-transcribe"}}},
}
ASKED = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello. Why?"}],
}
ANSWER = "Because I like to work with people."

IN_EVERY_SESSION = {
    "conversation.item.added",
    "conversation.item.deleted",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.retrieved",
    "conversation.item.truncated",
    "error",
    "input_audio_buffer.cleared",
    "input_audio_buffer.committed",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.timeout_triggered",
    "response.content_part.added",
    "response.content_part.done",
    "response.created",
    "response.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_audio.done",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.output_text.done",
    "session.created",
    "session.updated",
}
OVER_WEBRTC = IN_EVERY_SESSION | {
    "output_audio_buffer.cleared",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
}
OVER_A_WEBSOCKET = IN_EVERY_SESSION | {
    "conversation.item.input_audio_transcription.failed",
    "response.output_audio.delta",
}


async def write_and_call(send, log):
    """Bring what takes no audio: items, a written response, a function call, an error."""
    await send("conversation.item.create", item={"id": "asked", **ASKED})
    await send("conversation.item.create", item={"id": "gone", **ASKED})
    await send("conversation.item.retrieve", item_id="asked")
    await send("conversation.item.delete", item_id="gone")
    await send("response.cancel")
    aside = {"conversation": "none", "output_modalities": ["text"]}
    await send("response.create", response=aside)
    await send("response.create", response={"tool_choice": "required"})
    await log.until(lambda _: len(log.of_type("response.done")) == 2)


def turn_detection(**fields):
    return {"audio": {"input": {"turn_detection": {"type": "server_vad", **fields}}}}


async def test_every_event_of_a_call_and_its_sideband(engine):
    sideband = EventLog()
    async with (
        open_call(engine.url, engine.key, SESSION) as call,
        anyio.create_task_group() as tasks,
        connect(
            socket_url(engine, f"call_id={call.call_id}"), additional_headers=engine.headers
        ) as socket,
    ):

        async def follow():
            async for message in socket:
                sideband.take(message)

        async def send(type_, **fields):
            await socket.send(json.dumps({"type": type_, **fields}))

        tasks.start_soon(follow)
        await write_and_call(send, call)
        await call.microphone.say(speech(ANSWER, 24_000))
        await call.until("output_audio_buffer.stopped")
        await send("session.update", session=turn_detection(idle_timeout_ms=1_000))
        await call.until("input_audio_buffer.timeout_triggered")
        await send("response.create")
        before = len(call.events)
        await call.until("output_audio_buffer.started", after=before)
        call.send("output_audio_buffer.clear")
        call.send("input_audio_buffer.clear")
        await call.until("input_audio_buffer.cleared")
        await sideband.until("input_audio_buffer.cleared")
        await call.until(lambda _: not disorder_of(call.events))
        tasks.cancel_scope.cancel()
    assert set(call.types) == OVER_WEBRTC
    assert set(sideband.types) == OVER_WEBRTC
    assert not sideband.faults
    assert_in_one_order(call.events, sideband.events)


def assert_in_one_order(one, other):
    """Both have seen the same events in the same order, but for where they came in and left."""
    other_ids = {event["event_id"] for event in other}
    one_ids = {event["event_id"] for event in one}
    assert [event for event in one if event["event_id"] in other_ids] == [
        event for event in other if event["event_id"] in one_ids
    ]


async def test_every_event_of_a_session_over_a_websocket():
    with run_engine_process(faults="failed-transcripts*1") as engine:
        async with open_session(engine, SESSION) as client:
            await write_and_call(client.send, client)
            await client.append(speech(ANSWER, 24_000) + silence(2, 24_000))
            await client.until("conversation.item.input_audio_transcription.failed")
            await client.append(speech(ANSWER, 24_000) + silence(2, 24_000))
            await client.until("conversation.item.input_audio_transcription.completed")
            spoken = await client.until("response.output_audio.done")
            await client.send(
                "conversation.item.truncate",
                item_id=spoken["item_id"],
                content_index=0,
                audio_end_ms=100,
            )
            await client.until("conversation.item.truncated")
            await client.send("session.update", session=turn_detection(idle_timeout_ms=1_000))
            with anyio.fail_after(30):
                while "input_audio_buffer.timeout_triggered" not in client.types:
                    await client.append(silence(0.5, 24_000))
                    await anyio.sleep(0.1)
            await client.send("input_audio_buffer.clear")
            await client.until("input_audio_buffer.cleared")
            await client.until(lambda _: not disorder_of(client.events))
        assert set(client.types) == OVER_A_WEBSOCKET
