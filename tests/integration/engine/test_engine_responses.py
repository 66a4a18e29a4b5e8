"""What clients may ask of responses: functions, text, what is said out of band, overrides."""

import json

from support.realtime_order import disorder_of
from support.realtime_socket import open_session
from support.rtc import open_call

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Says how the weather is.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
    },
}
QUESTIONS = "Questions:\n1. Which city do you like?\n2. Why did you become a nurse?"
TEXT = {"type": "realtime", "instructions": QUESTIONS, "output_modalities": ["text"]}
FORCED = {"type": "function", "name": "get_weather"}


def said(role, text):
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


async def done(client, number=1):
    """Wait for a number of responses to be over; give the last."""
    await client.until(lambda _: len(client.of_type("response.done")) >= number)
    return client.of_type("response.done")[number - 1]["response"]


async def test_text_in_and_text_out(engine):
    async with open_session(engine, TEXT) as client:
        for text in ("Hello, I am here.", "I like Berlin, for its museums and its many lakes."):
            await client.send("conversation.item.create", item=said("user", text))
            await client.send("response.create")
            number = len(client.of_type("response.done")) + 1
            response = await done(client, number)
            assert response["status"] == "completed"
        first = client.of_type("response.output_text.done")
        assert "Which city do you like?" in first[0]["text"]
        assert "Why did you become a nurse?" in first[1]["text"]
        deltas = [
            event["delta"]
            for event in client.of_type("response.output_text.delta")
            if event["item_id"] == first[1]["item_id"]
        ]
        assert "".join(deltas) == first[1]["text"]
        assert not any("audio" in type_ for type_ in client.types)


async def test_a_function_that_is_demanded_is_called_and_its_output_taken(engine):
    async with open_session(engine, {**TEXT, "tools": [WEATHER], "tool_choice": FORCED}) as client:
        await client.send("conversation.item.create", item=said("user", "How is the weather?"))
        await client.send("response.create")
        (call,) = (await done(client))["output"]
        assert (call["type"], call["name"], call["status"]) == (
            "function_call",
            "get_weather",
            "completed",
        )
        assert json.loads(call["arguments"]) == {"city": "", "unit": "celsius"}
        begun = client.types.index("response.created")
        assert client.types[begun:] == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
        ]
        output = {
            "type": "function_call_output",
            "call_id": call["call_id"],
            "output": '{"degrees": 21}',
        }
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        (message,) = (await done(client, 2))["output"]
        assert message["type"] == "message"
        assert message["content"][0]["text"]


async def test_a_function_is_called_over_webrtc_as_well(engine):
    session = {"type": "realtime", "instructions": QUESTIONS, "tools": [WEATHER]}
    async with open_call(engine.url, engine.key, session) as call:
        call.send("response.create", response={"tool_choice": "required"})
        (called,) = (await call.until("response.done"))["response"]["output"]
        assert called["name"] == "get_weather"


async def test_what_is_said_out_of_band_goes_on_beside_the_conversation(engine):
    """Over WebRTC a spoken reply takes its time, so that the written one overtakes it."""
    aside = {
        "conversation": "none",
        "output_modalities": ["text"],
        "metadata": {"topic": "preview"},
        "instructions": "Questions:\n1. How old are you?",
        "input": [],
    }
    session = {"type": "realtime", "instructions": QUESTIONS}
    async with open_call(engine.url, engine.key, session) as call:
        call.send("response.create")
        await call.until("output_audio_buffer.started")
        call.send("response.create", response=aside)
        written = (await call.until("response.done"))["response"]
        assert written["conversation_id"] is None
        assert written["metadata"] == {"topic": "preview"}
        assert "How old are you?" in written["output"][0]["content"][0]["text"]
        call.send("response.create", event_id="another")
        error = (await call.until("error"))["error"]
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "another"
        await call.until(lambda _: len(call.of_type("response.done")) == 2)
        spoken = call.of_type("response.done")[1]["response"]
        assert spoken["metadata"] is None
        assert "Which city" in spoken["output"][0]["content"][0]["transcript"]
        added = [event["item"]["id"] for event in call.of_type("conversation.item.added")]
        assert added == [spoken["output"][0]["id"]]
        assert disorder_of(call.events) == []


async def test_a_response_takes_its_own_context_by_reference(engine):
    async with open_session(engine, TEXT) as client:
        for item in (
            {"id": "asked", **said("assistant", "Which city do you like?")},
            {"id": "answered", **said("user", "Berlin, for its museums and its many lakes there.")},
            said("assistant", "Why did you become a nurse?"),
            said("user", "I like to care for people, as my mother did before me, every day."),
        ):
            await client.send("conversation.item.create", item=item)
        context = [{"type": "item_reference", "id": id_} for id_ in ("asked", "answered")]
        await client.send("response.create", response={"conversation": "none", "input": context})
        response = await done(client)
        assert "Why did you become a nurse?" in response["output"][0]["content"][0]["text"]
        await client.send(
            "response.create",
            response={"input": [{"type": "item_reference", "id": "gone"}]},
            event_id="mine",
        )
        error = (await client.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("item_not_found", "mine")


async def test_too_many_responses_out_of_band_are_refused(engine):
    """They are held back by their speech, which a call over WebRTC plays in its own time."""
    session = {"type": "realtime", "instructions": QUESTIONS}
    async with open_call(engine.url, engine.key, session) as call:
        for _ in range(5):
            call.send("response.create", response={"conversation": "none", "input": []})
        error = (await call.until("error"))["error"]
        assert error["code"] == "too_many_responses"
        await call.until(lambda _: len(call.of_type("response.created")) == 4)
        ids = [event["response"]["id"] for event in call.of_type("response.created")]
        call.send("response.cancel", response_id=ids[0])
        cancelled = await call.until("response.done")
        assert cancelled["response"]["id"] == ids[0]
        assert cancelled["response"]["status"] == "cancelled"


async def test_a_reply_ends_where_its_tokens_do(engine):
    """And is counted: what it was made from, and what was made."""
    async with open_session(engine, {"type": "realtime", "instructions": QUESTIONS}) as client:
        await client.send("response.create", response={"conversation": "none"})
        whole = await done(client)
        assert whole["status"] == "completed"
        words = whole["output"][0]["content"][0]["transcript"]
        made = whole["usage"]["output_token_details"]
        assert made["text_tokens"] == -(-len(words) // 4)
        assert made["audio_tokens"] == -(-len(client.audio()) // (48 * 50))
        half = whole["usage"]["output_tokens"] // 2
        before = len(client.events)
        await client.send("response.create", response={"max_output_tokens": half})
        cut = await done(client, 2)
        assert cut["status"] == "incomplete"
        assert cut["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
        (item,) = cut["output"]
        assert item["status"] == "incomplete"
        said = item["content"][0]["transcript"]
        assert words.startswith(said)
        assert 0 < len(said) < len(words)
        assert half - 20 < cut["usage"]["output_tokens"] <= half  # a word takes less than twenty
        made = cut["usage"]["output_token_details"]
        assert made["audio_tokens"] == -(-len(client.audio(after=before)) // (48 * 50))
        assert disorder_of(client.events) == []


async def test_a_function_whose_call_does_not_fit_is_not_called(engine):
    session = {**TEXT, "tools": [WEATHER], "tool_choice": FORCED, "max_output_tokens": 3}
    async with open_session(engine, session) as client:
        await client.send("conversation.item.create", item=said("user", "How is the weather?"))
        await client.send("response.create")
        response = await done(client)
        assert response["status_details"]["reason"] == "max_output_tokens"
        assert response["output"] == []
        await client.send("response.create", response={"max_output_tokens": "inf"})
        response = await done(client, 2)
        assert response["output"][0]["name"] == "get_weather"
        assert response["usage"]["input_token_details"]["text_tokens"] > len(QUESTIONS) // 4


async def test_a_response_may_have_another_format_than_the_session(engine):
    async with open_session(engine, {"type": "realtime", "instructions": QUESTIONS}) as client:
        override = {"audio": {"output": {"format": {"type": "audio/pcmu"}, "voice": "cedar"}}}
        await client.send("response.create", response={**override, "max_output_tokens": 900})
        response = await done(client)
        assert response["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "cedar"}
        assert response["max_output_tokens"] == 900
        mulaw = len(client.audio())
        before = len(client.events)
        await client.send("conversation.item.delete", item_id=response["output"][0]["id"])
        await client.send("response.create")
        await done(client, 2)
        assert len(client.audio(after=before)) == 6 * mulaw  # 24 kHz of two bytes, not 8 of one
