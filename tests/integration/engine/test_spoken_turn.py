"""A call over real WebRTC: the interviewer greets, hears an answer, and asks the next question."""

from support.rtc import open_call
from support.speech import speech

SESSION = {
    "type": "realtime",
    "instructions": (
        "Hold a short interview.\nQuestions:\n1. Which city do you like?\n2. Why nursing?"
    ),
    "audio": {
        "input": {
            "transcription": {"model": "gpt-transcribe"},
            "turn_detection": {"type": "semantic_vad"},
        }
    },
}
DELTA = "conversation.item.input_audio_transcription.delta"
ANSWER = "I like Berlin, because it has museums, lakes and good bread."

GREETING_EVENTS = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
]
CLOSING_EVENTS = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
    "output_audio_buffer.stopped",
]
HEARING_EVENTS = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]


async def test_one_spoken_turn_brings_every_event_in_order(engine):
    async with open_call(engine.url, engine.key, SESSION) as call:
        call.send("response.create")
        await call.until("output_audio_buffer.stopped")
        first = len(call.events)
        assert call.types[0] == "session.created"
        assert call.types[1:6] == GREETING_EVENTS
        assert call.types[first - 7 :] == CLOSING_EVENTS

        await call.microphone.say(speech(ANSWER, 24_000))
        await call.until("output_audio_buffer.stopped", after=first)
        deltas = [event for event in call.events[first:] if event["type"] == DELTA]
        events = [event for event in call.events[first:] if event["type"] != DELTA]
        turn = [event["type"] for event in events]  # words may be told as early as they are known
        assert turn[:5] == HEARING_EVENTS
        transcribed = turn.index("conversation.item.input_audio_transcription.completed")
        assert turn[transcribed + 1 : transcribed + 6] == GREETING_EVENTS
        assert turn[-7:] == CLOSING_EVENTS
        heard = events[transcribed]
        assert "".join(delta["delta"] for delta in deltas) == heard["transcript"]
        assert "berlin" in heard["transcript"].lower()
        assert heard["usage"]["type"] == "duration"
        said = await call.until("response.output_audio_transcript.done", after=first)
        assert "Why nursing?" in said["transcript"]

        added = [event for event in call.events if event["type"] == "conversation.item.added"]
        before = [event["previous_item_id"] for event in added]
        assert before == [None, *(event["item"]["id"] for event in added[:-1])]
        ids = [event["event_id"] for event in call.events]
        assert len(ids) == len(set(ids))
