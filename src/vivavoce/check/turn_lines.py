"""The lines of a call in which both sides speak."""

from dataclasses import dataclass
from typing import Any, Final

import anyio

from vivavoce.check.call_lines import message
from vivavoce.check.caller import CheckedCall
from vivavoce.check.event_log import Event
from vivavoce.check.lines import expect
from vivavoce.engine.tts import SAMPLE_RATE, Voice

ANSWER: Final = "My favourite city is Berlin."
WORD: Final = "berlin"
INTERRUPTION: Final = "Wait, could you please stop for a moment?"
_TURN: Final = (
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
)
_TRANSCRIPTION: Final = "conversation.item.input_audio_transcription"
_REPLY_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Speech:
    """What the check says: an answer, and what stops the reply to it. s16le mono, 24 kHz."""

    answer: bytes
    interruption: bytes


def synthesise() -> Speech:
    """Speak the check's sentences; takes about two seconds of computing."""
    voice = Voice()
    return Speech(voice.speak(ANSWER), voice.speak(INTERRUPTION))


async def check_turns(call: CheckedCall, speech: Speech) -> None:
    """Judge a spoken turn, the reply to it, and what stops the reply."""
    await call.send(
        "conversation.item.create", item=message("assistant", "What is your favourite city?")
    )
    start = len(call.log.events)
    item_id = ""
    with call.report.line("turn"):
        await call.say(speech.answer, SAMPLE_RATE)
        committed = await call.until("input_audio_buffer.committed", after=start)
        item_id = committed["item_id"]
        added = await call.until(_item("conversation.item.added", item_id), after=start)
        await call.until(_item("conversation.item.done", item_id), after=start)
        _judge_turn(call.log.events[start:], item_id)
        with call.report.line("user-item"):
            part = added["item"]["content"][0]
            expect(part.get("type") == "input_audio", f"a part of type {part.get('type')}")
            expect("transcript" in part, "there is no key transcript")
    with call.report.line("reply"):
        await call.until("response.created", after=start, within=_REPLY_SECONDS)
        await call.until("output_audio_buffer.started", after=start, within=_REPLY_SECONDS)
        count = call.log.types(start).count("response.created")
        expect(count == 1, f"{count} replies")
        with call.report.line("barge-in"):
            await _check_barge_in(call, speech)
    if call.report.is_green("turn"):
        await _check_transcript(call, item_id, start)


def _item(type_: str, item_id: str) -> Any:
    return lambda event: event["type"] == type_ and event["item"]["id"] == item_id


def _judge_turn(events: list[Event], item_id: str) -> None:
    own = [
        event
        for event in events
        if event["type"] in _TURN
        and item_id in (event.get("item_id"), event.get("item", {}).get("id"))
    ]
    types = [event["type"] for event in own]
    expect(types == list(_TURN), f"the events of the turn were {', '.join(types)}")
    started, stopped, committed = own[:3]
    expect(isinstance(started.get("audio_start_ms"), int), "audio_start_ms is no number")
    expect(isinstance(stopped.get("audio_end_ms"), int), "audio_end_ms is no number")
    expect("previous_item_id" in committed, "the turn does not say what it follows")


async def _check_transcript(call: CheckedCall, item_id: str, start: int) -> None:
    def is_settled(event: Event) -> bool:
        return (
            event["type"] in (f"{_TRANSCRIPTION}.completed", f"{_TRANSCRIPTION}.failed")
            and event["item_id"] == item_id
        )

    settled: Event | None = None
    log = call.log
    committed_at = log.times[start + log.types(start).index("input_audio_buffer.committed")]
    due_in = committed_at + call.limits.transcript - anyio.current_time()
    with call.report.line("transcript"):
        settled = await call.until(is_settled, after=start, within=max(due_in, 0.1))
        seconds = log.times[log.events.index(settled)] - committed_at
        expect(seconds <= call.limits.transcript, f"it came {seconds:.1f} s after the turn")
        if settled["type"].endswith(".completed"):
            expect((settled.get("usage") or {}).get("type"), "there is no usage")
        else:
            error = settled.get("error") or {}
            expect(isinstance(error.get("message"), str), "the error has no message")
    if settled is not None:
        with call.report.line("heard"):
            expect(settled["type"].endswith(".completed"), "the transcription failed")
            expect(WORD in settled["transcript"].lower(), f"there is no {WORD!r} in it")
            await call.send("conversation.item.retrieve", item_id=item_id)
            shown = await call.until(_item("conversation.item.retrieved", item_id), after=start)
            text = shown["item"]["content"][0].get("transcript") or ""
            expect(WORD in text.lower(), "the item that is retrieved does not hold it")


async def _check_barge_in(call: CheckedCall, speech: Speech) -> None:
    start = len(call.log.events)
    call.begin_to_say(speech.interruption, SAMPLE_RATE)
    await call.until("input_audio_buffer.speech_started", after=start)
    await call.until("output_audio_buffer.cleared", after=start)
    truncated = await call.until("conversation.item.truncated", after=start)
    expect(isinstance(truncated.get("audio_end_ms"), int), "audio_end_ms is no number")
    types = call.log.types(start)
    if "response.done" in types:
        done = call.log.events[start + types.index("response.done")]["response"]
        details = done.get("status_details") or {}
        if done["status"] != "completed":
            expect(done["status"] == "cancelled", f"the response is {done['status']}")
            expect(details.get("reason") == "turn_detected", "the turn is not the reason")
