"""A call that follows a script: it says its own lines, and reports the candidate's as heard.

Everything else is as in a real one (OpenAI API reference, "Realtime"): events go to the data
channel and to whatever sideband is attached at that moment, a sideband that comes late is told
nothing of the past, nobody speaks before `response.create`, and `conversation.item.retrieve`
answers.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import anyio
from aiohttp import web
from aiortc import RTCDataChannel

Event = dict[str, Any]
ASK_AGAIN_SECONDS: Final = 3.0


@dataclass(frozen=True)
class Line:
    """One turn: the interviewer's (`ai`) or the candidate's."""

    speaker: str
    text: str


def interview_script(turns: int, *, mark: str) -> tuple[Line, ...]:
    """Lines of an interview, `turns` of each side; `mark` tells them from another interview's."""
    return tuple(
        Line(speaker, f"{words} number {number} of {mark}.")
        for number in range(turns)
        for speaker, words in (("ai", "This is question"), ("candidate", "This is answer"))
    )


@dataclass
class Script:
    """Where an interview stands. It outlives a call: the next one goes on from here.

    Its calls are those whose instructions hold the mark. Without lines a call says nothing by
    itself and does not ask to end: whoever holds it speaks for it.
    """

    mark: str
    lines: Sequence[Line]
    seconds_per_line: float
    said: list[str] = field(default_factory=list)
    calls: list["Call"] = field(default_factory=list)
    begun: anyio.Event = field(default_factory=anyio.Event)
    next_said: anyio.Event = field(default_factory=anyio.Event)
    """Set, and replaced, with every line."""

    def next_line(self, call: "Call") -> Line | None:
        """The next line, if there is one and `call` is the newest; it counts as said."""
        if call is not self.calls[-1] or len(self.said) == len(self.lines):
            return None
        line = self.lines[len(self.said)]
        self.said.append(line.text)
        self.begun.set()
        self.next_said.set()
        self.next_said = anyio.Event()
        return line


@dataclass(eq=False)
class Call:
    """One call: the sidebands attached to it, and its conversation.

    Attributes:
        left_at: When the newest event left (`perf_counter`).
    """

    script: Script
    session: Event
    call_id: str = field(default_factory=lambda: f"rtc_{uuid4().hex}")
    channel: RTCDataChannel | None = None
    begun: anyio.Event = field(default_factory=anyio.Event)
    hung_up: anyio.Event = field(default_factory=anyio.Event)
    sidebands: set[web.WebSocketResponse] = field(default_factory=set)
    items: dict[str, Event] = field(default_factory=dict)
    left_at: float = 0.0

    async def emit(self, type_: str, **fields: Any) -> None:
        """Send an event to everybody who listens now."""
        event = json.dumps({"type": type_, "event_id": f"event_{uuid4().hex[:12]}", **fields})
        self.left_at = perf_counter()
        if self.channel is not None and self.channel.readyState == "open":
            self.channel.send(event)
        for sideband in tuple(self.sidebands):
            with suppress(ConnectionError):
                await sideband.send_str(event)

    async def follow_script(self) -> None:
        """Say and hear the lines, once asked to, then ask to end until somebody hangs up."""
        await self.begun.wait()
        while (line := self.script.next_line(self)) is not None:
            await (self.say(line.text) if line.speaker == "ai" else self.hear(line.text))
            await anyio.sleep(self.script.seconds_per_line)
        while self.script.lines and not self.hung_up.is_set():
            await self.ask_to_end()
            with anyio.move_on_after(ASK_AGAIN_SECONDS):
                await self.hung_up.wait()

    async def hear(self, text: str) -> None:
        """A turn of the candidate, from the first sound to its transcription."""
        await self.transcribe(await self.listen(), text)

    async def listen(self) -> str:
        """The sound of a candidate's turn; gives the item that waits for its text."""
        item_id = _item_id()
        previous = self.last_item_id
        await self.emit("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
        await self.emit("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=800)
        await self.emit("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)
        await self.add(_message(item_id, "user", "input_audio", None))
        return item_id

    async def transcribe(self, item_id: str, text: str) -> None:
        """The text of a candidate's turn."""
        self.items[item_id] = _message(item_id, "user", "input_audio", text)
        await self.emit(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id,
            content_index=0,
            transcript=text,
            usage={"type": "duration", "seconds": 0.8},
        )

    async def say(self, text: str) -> None:
        """A turn of the interviewer: one response with one spoken item."""
        item_id = _item_id()
        item = _message(item_id, "assistant", "output_audio", text)
        part = {"item_id": item_id, "output_index": 0, "content_index": 0}
        async with self._response(item) as response_id:
            await self.emit("output_audio_buffer.started", response_id=response_id)
            await self.emit(
                "response.output_audio_transcript.delta",
                response_id=response_id,
                **part,
                delta=text,
            )
            await self.emit(
                "response.output_audio_transcript.done",
                response_id=response_id,
                **part,
                transcript=text,
            )
        await self.emit("output_audio_buffer.stopped", response_id=response_id)

    async def ask_to_end(self) -> None:
        """Call the tool that ends the interview, as a model does when it has asked everything."""
        item = {
            "id": _item_id(),
            "object": "realtime.item",
            "type": "function_call",
            "status": "completed",
            "name": "end_interview",
            "call_id": f"call_{uuid4().hex[:12]}",
            "arguments": json.dumps({"reason": "completed"}),
        }
        async with self._response(item) as response_id:
            await self.emit(
                "response.function_call_arguments.done",
                response_id=response_id,
                item_id=item["id"],
                output_index=0,
                call_id=item["call_id"],
                name=item["name"],
                arguments=item["arguments"],
            )

    @asynccontextmanager
    async def _response(self, item: Event) -> AsyncGenerator[str, None]:
        """The events around one output item, in the order of the reference."""
        response_id = f"resp_{uuid4().hex[:12]}"
        response = {"object": "realtime.response", "id": response_id, "status_details": None}
        begun = {**item, "status": "in_progress"} | ({"content": []} if "content" in item else {})
        await self.emit(
            "response.created", response={**response, "status": "in_progress", "output": []}
        )
        where = {"response_id": response_id, "output_index": 0}
        await self.emit("response.output_item.added", **where, item=begun)
        await self.emit("conversation.item.added", previous_item_id=self.last_item_id, item=begun)
        previous = self.last_item_id
        self.items[item["id"]] = item
        yield response_id
        await self.emit("response.output_item.done", **where, item=item)
        await self.emit("conversation.item.done", previous_item_id=previous, item=item)
        await self.emit(
            "response.done", response={**response, "status": "completed", "output": [item]}
        )

    async def add(self, item: Event) -> None:
        """Put an item at the end of the conversation."""
        previous = self.last_item_id
        self.items[item["id"]] = item
        await self.emit("conversation.item.added", previous_item_id=previous, item=item)
        await self.emit("conversation.item.done", previous_item_id=previous, item=item)

    @property
    def last_item_id(self) -> str | None:
        """The end of the conversation."""
        return next(reversed(self.items), None)

    async def obey(self, event: Event) -> None:
        """Do what a client event asks, as far as an interview needs it."""
        match event.get("type"):
            case "conversation.item.create":
                await self.add({"id": _item_id(), "status": "completed", **event["item"]})
            case "conversation.item.retrieve" if event["item_id"] in self.items:
                await self.emit("conversation.item.retrieved", item=self.items[event["item_id"]])
            case "conversation.item.retrieve":
                error = {"type": "invalid_request_error", "message": "No such item."}
                await self.emit("error", error=error)
            case "response.create":
                self.begun.set()
            case "session.update":
                self.session = {**self.session, **event["session"]}
                await self.emit("session.updated", session=self.session)


def _message(item_id: str, role: str, kind: str, transcript: str | None) -> Event:
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": role,
        "content": [{"type": kind, "transcript": transcript}],
    }


def _item_id() -> str:
    return f"item_{uuid4().hex[:16]}"
