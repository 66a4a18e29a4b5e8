"""How a call listens: answers that go on, our own voice come back, candidates who are silent."""

import anyio
import numpy as np

from support.realtime_socket import open_session
from support.rtc import Microphone, open_call
from support.speech import speech

QUESTIONS = "Questions:\n1. What is your favourite city?\n2. Why did you become a nurse?"


def session(**turn_detection):
    return {
        "type": "realtime",
        "instructions": QUESTIONS,
        "audio": {
            "input": {"transcription": {}, "turn_detection": turn_detection},
            "output": {"speed": 1.5},
        },
    }


def asked(text):
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text}],
    }


SILENT_AGAIN = ("output_audio_buffer.stopped", "output_audio_buffer.cleared")


class Loudspeaker(Microphone):
    """A microphone beside a loudspeaker: it sends back what the client hears, 14 dB softer."""

    def __init__(self):
        super().__init__()
        self.heard = bytearray()
        self._returned = 0

    async def recv(self):
        back = bytes(self.heard[self._returned :])
        self._returned += len(back)
        self._audio += (np.frombuffer(back, "<i2") * 0.2).astype("<i2").tobytes()
        return await super().recv()


async def test_a_reply_is_taken_back_when_the_answer_goes_on(engine):
    async with open_call(engine.url, engine.key, session(type="server_vad")) as call:
        call.send("conversation.item.create", item=asked("What is your favourite city?"))
        await call.microphone.say(speech("My favourite city is Berlin.", 24_000))
        await call.until("output_audio_buffer.started")
        first = len(call.events)
        await call.microphone.say(speech("And I like Paris in the spring.", 24_000))
        truncated = await call.until("conversation.item.truncated", after=first)
        assert truncated["audio_end_ms"] < 1_500
        answer = await call.until(
            lambda event: (
                event["type"] == "response.output_audio_transcript.done"
                and event["item_id"] != truncated["item_id"]
            ),
            after=first,
        )
        assert "Why did you become a nurse?" in answer["transcript"]


async def takes_its_voice_for_another(engine):
    """Whether the engine, heard through the loudspeaker, takes itself for somebody who speaks."""
    microphone = Loudspeaker()
    async with open_call(
        engine.url, engine.key, session(type="server_vad"), microphone=microphone
    ) as call:
        call.heard = microphone.heard
        call.send("response.create")
        await call.until(lambda event: event["type"] in SILENT_AGAIN)
        loudest = np.abs(np.frombuffer(bytes(microphone.heard), "<i2").astype(int)).max() * 0.2
        assert loudest > 500  # it was loud enough to be heard
        return "input_audio_buffer.speech_started" in call.types


async def test_our_own_voice_does_not_interrupt_us(engine):
    # The loudspeaker shares the processors with other tests: where those make it stutter for longer
    # than an echo takes, it is none. That does not happen five times in a row.
    for _ in range(5):
        if not await takes_its_voice_for_another(engine):
            return
    raise AssertionError("the engine interrupts itself")


async def test_who_stays_silent_is_asked_once_more_given_time_and_then_asked_something_else(engine):
    wanted = session(type="server_vad", idle_timeout_ms=600)
    async with open_call(engine.url, engine.key, wanted) as call:
        call.send("response.create")
        await call.until("output_audio_buffer.stopped")
        prompts = []
        for _ in range(3):
            before = len(call.events)
            await call.until("input_audio_buffer.timeout_triggered", after=before)
            said = await call.until("response.output_audio_transcript.done", after=before)
            prompts.append(said["transcript"])
            await call.until("output_audio_buffer.stopped", after=before)
        assert prompts == [
            "There's no hurry. This is what I asked. What is your favourite city?",
            "I'm still here. Take your time.",
            "Let's go on. Why did you become a nurse?",
        ]


async def test_who_stays_silent_after_a_conversation_was_taken_up_is_asked_again(engine):
    asked = {"type": "output_text", "text": "Hello. What is your favourite city?"}
    wanted = session(type="server_vad", idle_timeout_ms=1000)
    async with open_call(engine.url, engine.key, wanted) as call:
        item = {"type": "message", "role": "assistant", "content": [asked]}
        call.send("conversation.item.create", item=item)
        prompt = await call.until("response.output_audio_transcript.done")
        assert prompt["transcript"] == (
            "There's no hurry. This is what I asked. What is your favourite city?"
        )


async def test_our_own_voice_does_not_interrupt_us_over_a_websocket_either(engine):
    """The client plays what it gets at once, and its microphone hears it 0.2 s later, softer."""
    piece = 2_400  # samples: 100 ms
    async with open_session(engine, session(type="server_vad")) as client:
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        began, sent = anyio.current_time(), 0
        room = b""
        while sent < len(room) or "response.done" not in client.types:
            room = bytes(4 * piece) + client.audio()
            soft = np.frombuffer(room[sent : sent + 2 * piece], "<i2") * 0.2
            await client.append(soft.astype("<i2").tobytes().ljust(2 * piece, b"\0"))
            sent += 2 * piece
            await anyio.sleep_until(began + sent / 48_000)
        assert np.abs(np.frombuffer(client.audio(), "<i2").astype(int)).max() * 0.2 > 500
        await client.append(bytes(48_000) + speech("My favourite city is Berlin.", 24_000))
        started = await client.until("input_audio_buffer.speech_started")
        assert started["audio_start_ms"] > sent / 48
