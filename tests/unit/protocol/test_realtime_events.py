"""Events of the voice model: read tolerantly, sent as the API reference has them."""

import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from vivavoce.protocol import encode, realtime
from vivavoce.protocol.realtime import read_event


def test_fields_that_we_do_not_use_do_no_harm():
    event = read_event(
        b'{"type":"conversation.item.input_audio_transcription.completed","event_id":"e",'
        b'"item_id":"i","content_index":0,"transcript":"Yes.","usage":{"type":"duration"},'
        b'"obfuscation":"xyz"}'
    )
    assert event == realtime.TranscriptionCompleted(event_id="e", item_id="i", transcript="Yes.")


@pytest.mark.parametrize(
    "frame",
    [
        b'{"type":"response.output_audio.delta","delta":"AAAA"}',
        b'{"type":"some.day","x":1}',
        b'{"type":7}',
        b'{"type":"input_audio_buffer.speech_started"}',
        b'{"no":"type"}',
        b"[]",
        b"not json",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_we_do_not_know_or_cannot_read_is_nothing(frame):
    assert read_event(frame) is None


def test_a_frame_beyond_the_limit_is_nothing():
    frame = b'{"type":"session.created","session":{"x":"' + b"a" * realtime.MAX_EVENT_BYTES
    assert read_event(frame + b'"}}') is None


def test_every_event_that_we_read_is_one_of_the_api():
    known = {
        tag
        for option in TypeAdapter(RealtimeServerEvent).json_schema()["$defs"].values()
        for tag in [option.get("properties", {}).get("type", {}).get("const")]
        if tag
    }
    ours = {event.__struct_config__.tag for event in realtime.ServerEvent.__args__}
    assert ours <= known


@pytest.mark.parametrize("transcript", [None, "", "Yes."])
def test_speech_may_have_no_text_yet(transcript):
    part = {"type": "input_audio", "transcript": transcript}
    item = {"id": "i", "type": "message", "role": "user", "content": [part]}
    event = read_event(encode({"type": "conversation.item.added", "item": item}))
    assert isinstance(event, realtime.ItemAdded)
    assert event.item.content is not None
    assert event.item.content[0].transcript == transcript


def test_a_seeded_line_keeps_its_id_and_is_text_of_its_speaker():
    assert realtime.create_message("i", role="assistant", text="Who?") == {
        "type": "conversation.item.create",
        "item": {
            "id": "i",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Who?"}],
        },
    }
    candidate = realtime.create_message(None, role="user", text="Ada.", previous_item_id="i")
    assert candidate["item"]["content"] == [{"type": "input_text", "text": "Ada."}]
    assert candidate["previous_item_id"] == "i"
    assert "id" not in candidate["item"]


def test_other_events_that_we_send():
    assert realtime.session_update({"tools": []})["session"] == {"type": "realtime", "tools": []}
    assert realtime.retrieve_item("i") == {"type": "conversation.item.retrieve", "item_id": "i"}
    assert realtime.create_response() == {"type": "response.create", "response": {}}
    spoken = realtime.create_response(instructions="Say goodbye.")
    assert spoken["response"] == {"instructions": "Say goodbye."}
    assert realtime.cancel_response("r") == {"type": "response.cancel", "response_id": "r"}
    assert realtime.clear_output_audio() == {"type": "output_audio_buffer.clear"}
    output = realtime.create_function_output("c", "{}")["item"]
    assert output == {"type": "function_call_output", "call_id": "c", "output": "{}"}
