"""Events of scripted calls, as the Realtime API sends them (GA names and order)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from vivavoce.protocol import encode
from vivavoce.protocol.realtime import ServerEvent, read_event
from vivavoce.protocol.transcript import TranscriptEntry
from vivavoce.sessions.transcript import Transcript

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass
class Call:
    """Builds the events of a call. `late` collects what may come at any later time."""

    prefix: str = ""
    last: str | None = None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def ai(self, *pieces: str, item_id: str | None = None, played: bool = True) -> list[Any]:
        """A reply of the interviewer, in pieces."""
        item_id = item_id or f"{self.prefix}A{next(self.numbers)}"
        response = f"resp_{item_id}"
        bare = {"id": item_id, "type": "message", "role": "assistant"}
        begun = {**bare, "status": "in_progress", "content": []}
        text = "".join(pieces)
        whole = {
            **bare,
            "status": "completed",
            "content": [{"type": "output_audio", "transcript": text}],
        }
        of_part = {"response_id": response, "item_id": item_id, "content_index": 0}
        delta = "response.output_audio_transcript.delta"
        events = [
            {"type": "response.created", "response": {"id": response, "status": "in_progress"}},
            {"type": "response.output_item.added", "response_id": response, "item": begun},
            {"type": "conversation.item.added", "previous_item_id": self.last, "item": begun},
            {"type": delta, **of_part, "delta": pieces[0]},
            {"type": "output_audio_buffer.started", "response_id": response},
            *({"type": delta, **of_part, "delta": piece} for piece in pieces[1:]),
            {"type": "response.output_audio_transcript.done", **of_part, "transcript": text},
            {"type": "response.output_item.done", "response_id": response, "item": whole},
            {"type": "conversation.item.done", "previous_item_id": self.last, "item": whole},
            {
                "type": "response.done",
                "response": {"id": response, "status": "completed", "output": [whole]},
            },
        ]
        if played:
            events.append({"type": "output_audio_buffer.stopped", "response_id": response})
        self.last = item_id
        return events

    def candidate(self, *, item_id: str | None = None) -> tuple[str, list[Any]]:
        """A spoken turn of the candidate, without its text: that comes later."""
        item_id = item_id or f"{self.prefix}U{next(self.numbers)}"
        item = {
            "id": item_id,
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        previous = {"previous_item_id": self.last}
        events = [
            {"type": "input_audio_buffer.speech_started", "item_id": item_id},
            {"type": "input_audio_buffer.speech_stopped", "item_id": item_id},
            {"type": "input_audio_buffer.committed", "item_id": item_id, **previous},
            {"type": "conversation.item.added", "item": item, **previous},
            {"type": "conversation.item.done", "item": item, **previous},
        ]
        self.last = item_id
        return item_id, events

    def function_call(self) -> list[Any]:
        """The interviewer calls a function."""
        item_id = f"{self.prefix}F{next(self.numbers)}"
        item = {"id": item_id, "type": "function_call", "name": "end_interview", "call_id": "c"}
        events = [
            {"type": "response.output_item.added", "response_id": "resp_f", "item": item},
            {"type": "conversation.item.added", "item": item, "previous_item_id": self.last},
        ]
        self.last = item_id
        return events

    def typed(self, text: str, *, role: str = "user", item_id: str | None = None) -> list[Any]:
        """A message that somebody puts into the conversation."""
        item_id = item_id or f"{self.prefix}T{next(self.numbers)}"
        part = "output_text" if role == "assistant" else "input_text"
        item = {
            "id": item_id,
            "type": "message",
            "role": role,
            "status": "completed",
            "content": [{"type": part, "text": text}],
        }
        previous = {"previous_item_id": self.last}
        self.last = item_id
        return [
            {"type": "conversation.item.added", "item": item, **previous},
            {"type": "conversation.item.done", "item": item, **previous},
        ]


def text_of(item_id: str, transcript: str, **more: Any) -> list[Any]:
    """The transcription of a candidate's turn."""
    kind = "conversation.item.input_audio_transcription.completed"
    return [{"type": kind, "item_id": item_id, "transcript": transcript, **more}]


def failed(item_id: str) -> list[Any]:
    """A transcription that did not work."""
    kind = "conversation.item.input_audio_transcription.failed"
    return [{"type": kind, "item_id": item_id, "error": {"message": "no"}}]


def event(wire: Any) -> ServerEvent:
    """An event as we read it off the wire."""
    read = read_event(encode(wire))
    assert read is not None, wire["type"]
    return read


def play(
    transcript: Transcript, events: list[Any], *, start: datetime = START, step: float = 0.5
) -> list[TranscriptEntry]:
    """Give a transcript its events, `step` seconds apart; return all that it told."""
    told = []
    for number, wire in enumerate(events):
        told += transcript.apply(event(wire), now=start + timedelta(seconds=number * step))
    return told


def lines(transcript: Transcript) -> list[tuple[str, str]]:
    """Who said what, in order."""
    return [(entry.speaker.value, entry.content) for entry in transcript.entries()]
