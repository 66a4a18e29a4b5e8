"""Client events that act on the conversation, the session and the responses of a call."""

from support.rtc import open_call
from support.speech import noise, speech

INTERVIEW = {
    "type": "realtime",
    "instructions": (
        "Hold a short interview.\nQuestions:\n"
        "1. What is your favourite city?\n2. Why did you become a nurse?"
    ),
    "tools": [{"type": "function", "name": "end_interview", "parameters": {"type": "object"}}],
    "audio": {
        "input": {
            "transcription": {"model": "gpt-transcribe"},
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
        }
    },
}


def message(role, text):
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


async def test_a_session_is_updated_field_by_field(engine):
    async with open_call(engine.url, engine.key, INTERVIEW) as call:
        call.send(
            "session.update",
            session={
                "type": "realtime",
                "model": "gpt-realtime-2.1",
                "tracing": "auto",
                "audio": {
                    "input": {"noise_reduction": None, "turn_detection": {"type": "semantic_vad"}},
                    "output": {"voice": "alloy", "speed": 1.2},
                },
            },
        )
        session = (await call.until("session.updated"))["session"]
        assert session["instructions"] == INTERVIEW["instructions"]
        assert session["audio"]["input"]["transcription"] == {"model": "gpt-transcribe"}
        assert session["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
        assert session["audio"]["output"]["voice"] == "alloy"
        assert session["model"] == "gpt-realtime-2.1"


async def test_the_largest_session_passes_the_data_channel_both_ways(engine):
    longest = "x" * 65_536
    async with open_call(engine.url, engine.key) as call:
        call.send("session.update", session={"instructions": longest})
        assert (await call.until("session.updated"))["session"]["instructions"] == longest
        call.send("session.update", session={"instructions": longest + "x"}, event_id="longer")
        assert (await call.until("error"))["error"]["event_id"] == "longer"


async def test_items_are_created_retrieved_and_deleted(engine):
    async with open_call(engine.url, engine.key) as call:
        call.send("conversation.item.create", item={"id": "b", **message("user", "Second.")})
        call.send(
            "conversation.item.create",
            previous_item_id="root",
            item={"id": "a", **message("assistant", "First.")},
        )
        added = await call.until(
            lambda event: event["type"] == "conversation.item.added" and event["item"]["id"] == "a"
        )
        assert added["previous_item_id"] is None
        call.send("conversation.item.retrieve", item_id="b")
        retrieved = await call.until("conversation.item.retrieved")
        assert retrieved["item"]["content"] == [{"type": "input_text", "text": "Second."}]
        call.send("conversation.item.delete", item_id="b")
        await call.until("conversation.item.deleted")
        call.send("conversation.item.retrieve", item_id="b", event_id="late")
        error = await call.until("error")
        assert error["error"]["event_id"] == "late"


async def test_an_interview_that_was_begun_elsewhere_is_taken_up(engine):
    async with open_call(engine.url, engine.key, INTERVIEW) as call:
        for role, text in (
            ("assistant", "Hello. What is your favourite city?"),
            ("user", "It is Berlin, because of the museums and the lakes around it."),
        ):
            call.send("conversation.item.create", item=message(role, text))
        call.send("response.create")
        said = await call.until("response.output_audio_transcript.done")
        assert "Why did you become a nurse?" in said["transcript"]
        assert "Hello" not in said["transcript"]


async def test_the_end_of_an_interview_is_a_function_call_after_the_last_words(engine):
    async with open_call(engine.url, engine.key, INTERVIEW) as call:
        for role, text in (
            ("assistant", "What is your favourite city?"),
            ("user", "It is Berlin, because of the museums and the lakes around it."),
            ("assistant", "Why did you become a nurse?"),
            ("user", "I became a nurse because I like to care for people, like my mother did."),
        ):
            call.send("conversation.item.create", item=message(role, text))
        call.send("response.create")
        done = await call.until("response.done")
        spoken, called = done["response"]["output"]
        assert "Goodbye." in spoken["content"][0]["transcript"]
        assert called["type"] == "function_call"
        assert called["name"] == "end_interview"
        arguments = await call.until("response.function_call_arguments.done")
        assert arguments["arguments"] == called["arguments"] == '{"reason": "completed"}'
        assert arguments["item_id"] == called["id"]
        await call.until("output_audio_buffer.stopped")
        call.send(
            "conversation.item.create",
            item={"type": "function_call_output", "call_id": called["call_id"], "output": "{}"},
        )
        await call.until(
            lambda event: (
                event["type"] == "conversation.item.done"
                and event["item"]["type"] == "function_call_output"
            )
        )
        first = len(call.events)
        call.send("response.create")
        await call.until("response.done", after=first)


async def test_one_response_at_a_time(engine):
    async with open_call(engine.url, engine.key, INTERVIEW) as call:
        call.send("response.create")
        call.send("response.create", event_id="second")
        error = await call.until("error")
        assert error["error"]["code"] == "conversation_already_has_active_response"
        assert error["error"]["event_id"] == "second"
        call.send("response.cancel")
        await call.until("response.done")
        assert call.types.count("response.created") == 1


async def test_a_client_cancels_a_response_and_clears_its_audio(engine):
    async with open_call(engine.url, engine.key, INTERVIEW) as call:
        call.send("response.create")
        await call.until("output_audio_buffer.started")
        call.send("response.cancel")
        done = await call.until("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        call.send("output_audio_buffer.clear")
        await call.until("output_audio_buffer.cleared")
        truncated = await call.until("conversation.item.truncated")
        call.send("conversation.item.retrieve", item_id=truncated["item_id"])
        item = (await call.until("conversation.item.retrieved"))["item"]
        assert item["status"] == "incomplete"
        assert "favourite city" not in item["content"][0]["transcript"]


async def test_speech_stops_the_interviewer_and_what_was_heard_is_kept(engine):
    async with open_call(engine.url, engine.key, INTERVIEW) as call:
        call.send("response.create")
        await call.until("output_audio_buffer.started")
        await call.microphone.say(speech("Wait, could you please stop for a moment?", 24_000))
        await call.until("conversation.item.truncated")
        start = call.types.index("input_audio_buffer.speech_started")
        assert call.types[start : start + 9] == [
            "input_audio_buffer.speech_started",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
            "output_audio_buffer.cleared",
            "conversation.item.truncated",
        ]
        done = call.events[start + 6]["response"]
        assert done["status"] == "cancelled"
        assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        heard = call.events[start + 2]["transcript"]
        assert "favourite city" not in heard
        assert done["output"][0]["content"][0]["transcript"] == heard


async def test_noise_is_no_answer(engine):
    async with open_call(engine.url, engine.key, INTERVIEW) as call:
        call.send("conversation.item.create", item=message("assistant", "Why?"))
        await call.microphone.say(noise(1.5, 24_000, level=0.2) + bytes(2 * 24_000 * 2))
        assert "response.created" not in call.types


async def test_a_client_that_commits_its_turns_itself_is_heard(engine):
    manual = {**INTERVIEW, "audio": {"input": {"transcription": {}, "turn_detection": None}}}
    async with open_call(engine.url, engine.key, manual) as call:
        call.send("input_audio_buffer.commit", event_id="early")
        call.send("input_audio_buffer.clear")
        await call.until("input_audio_buffer.cleared")
        await call.microphone.say(speech("My favourite city is Berlin.", 24_000))
        call.send("input_audio_buffer.commit")
        heard = await call.until("conversation.item.input_audio_transcription.completed")
        assert "berlin" in heard["transcript"].lower()
        assert "response.created" not in call.types
        call.send("response.create")
        await call.until("response.done")


async def test_a_reply_can_be_written_out_of_band(engine):
    async with open_call(engine.url, engine.key, INTERVIEW) as call:
        call.send(
            "response.create",
            response={
                "conversation": "none",
                "output_modalities": ["text"],
                "metadata": {"purpose": "preview"},
                "input": [],
            },
        )
        done = (await call.until("response.done"))["response"]
        assert done["metadata"] == {"purpose": "preview"}
        assert done["conversation_id"] is None
        assert "favourite city" in done["output"][0]["content"][0]["text"]
        assert "conversation.item.added" not in call.types


async def test_silence_is_followed_up_where_the_session_asks_for_it(engine):
    session = {
        **INTERVIEW,
        "audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 1500}}},
    }
    async with open_call(engine.url, engine.key, session) as call:
        call.send("conversation.item.create", item=message("assistant", "Hello."))
        call.send("response.create")
        await call.until("output_audio_buffer.stopped")
        first = len(call.events)
        triggered = await call.until("input_audio_buffer.timeout_triggered", after=first)
        committed = await call.until("input_audio_buffer.committed", after=first)
        assert committed["item_id"] == triggered["item_id"]
        said = await call.until("response.output_audio_transcript.done", after=first)
        assert "What is your favourite city?" in said["transcript"]
        assert triggered["audio_end_ms"] - triggered["audio_start_ms"] >= 1500
