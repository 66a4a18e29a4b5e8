"""The responses of a call: what the interviewer says and does, and the events that tell of it.

A response is generated a sentence at a time, at most one sentence ahead of what is being said: the
transcript that clients have when it is cut off is what was heard, give or take that sentence.

Source: OpenAI API reference, "Realtime server events", `response.*`, `output_audio_buffer.*`.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final, Literal

import anyio
from anyio.abc import TaskGroup

from vivavoce.engine.conversation import (
    Conversation,
    Item,
    Segment,
    assistant_item,
    function_call_item,
    lines_of,
)
from vivavoce.engine.events import EventStream, new_id
from vivavoce.engine.interviewer import Reply, ToolCall, next_reply
from vivavoce.engine.models import Models
from vivavoce.engine.playout import Playout, Utterance
from vivavoce.engine.refusals import Refused
from vivavoce.engine.sentences import split_sentences
from vivavoce.errors import Unavailable

_log: Final = logging.getLogger(__name__)
_AHEAD_MS: Final = 400
_NO_USAGE: Final = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
}

Status = Literal["completed", "cancelled", "failed"]
Reason = Literal["turn_detected", "client_cancelled"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a response is made from: the session, with what `response.create` changes in it.

    Attributes:
        session: The effective session.
        metadata: The client's own, echoed.
        items: What was said, instead of the conversation; None takes the conversation.
        is_out_of_band: Whether the reply stays out of the conversation (`conversation: "none"`).
        seconds_left: Until the call must end.
    """

    session: dict[str, Any]
    metadata: dict[str, Any] | None = None
    items: list[Item] | None = None
    is_out_of_band: bool = False
    seconds_left: float | None = None

    @property
    def has_audio(self) -> bool:
        """Whether the reply is spoken, and not only written."""
        return "audio" in self.session["output_modalities"]

    def reply_to(self, conversation: Conversation) -> Reply | None:
        """Ask the interviewer; None where silence is right."""
        lines = conversation.lines() if self.items is None else lines_of(self.items)
        tools = self.session["tools"] if self.session["tool_choice"] != "none" else []
        return next_reply(
            self.session["instructions"],
            [tool["name"] for tool in tools],
            lines,
            seconds_left=self.seconds_left,
        )


class Responder:
    """Makes the responses of one call, one at a time."""

    def __init__(
        self,
        tasks: TaskGroup,
        models: Models,
        conversation: Conversation,
        events: EventStream,
        playout: Playout,
    ) -> None:
        self._tasks = tasks
        self._models = models
        self._conversation = conversation
        self._events = events
        self._active: _Response | None = None
        self._has_finished = anyio.Event()
        self.playout = playout

    @property
    def is_active(self) -> bool:
        """Whether a response is being generated."""
        return self._active is not None

    async def until_idle(self) -> None:
        """Wait until no response is being generated."""
        while self._active:
            await self._has_finished.wait()

    def create(self, wish: Wish, reply: Reply | None) -> None:
        """Begin a response.

        Raises:
            Refused: If one is being generated.
        """
        if self._active:
            raise Refused(
                f"Conversation already has an active response: {self._active.id}.",
                code="conversation_already_has_active_response",
            )
        response = _Response(wish, self._conversation, self._events)
        self._active = response
        self._has_finished = anyio.Event()
        self._tasks.start_soon(self._run, response, reply)

    def cancel(self, response_id: str | None, reason: Reason) -> None:
        """Stop generating. What was generated is still said.

        Raises:
            Refused: If there is nothing to stop, or not under that id.
        """
        active = self._active
        if active is None or response_id not in (None, active.id):
            raise Refused(
                "Cancellation failed: no active response found.", code="response_cancel_not_active"
            )
        self._retire()
        active.scope.cancel()
        active.finish("cancelled", reason)

    def fall_silent(self, reason: Reason) -> None:
        """Stop generating and speaking, and cut the conversation down to what was heard."""
        unsaid = self.playout.clear()
        for utterance in unsaid:
            utterance.item.cut(utterance.played_ms)
        if self._active:
            self.cancel(None, reason)
        for utterance in unsaid:
            if utterance.has_started:
                self._events.emit("output_audio_buffer.cleared", response_id=utterance.response_id)
            self._tell_truncated(utterance.item, utterance.played_ms)

    def truncate(self, item_id: object, audio_end_ms: int) -> None:
        """Cut a spoken item down to its first milliseconds, as the client has heard it.

        Raises:
            Refused: If there is no such item, or its audio is shorter.
        """
        item = self._conversation.get(item_id)
        if item.wire.get("role") != "assistant" or not 0 <= audio_end_ms <= item.spoken_ms:
            raise Refused(
                f"Audio content of {item.spoken_ms}ms is already shorter than {audio_end_ms}ms.",
                code="invalid_value",
                param="audio_end_ms",
            )
        item.cut(audio_end_ms)
        self._tell_truncated(item, audio_end_ms)

    def _retire(self) -> None:
        self._active = None
        self._has_finished.set()

    def _tell_truncated(self, item: Item, audio_end_ms: int) -> None:
        self._events.emit(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=0,
            audio_end_ms=audio_end_ms,
        )

    async def _run(self, response: "_Response", reply: Reply | None) -> None:
        with response.scope:
            response.begin()
            try:
                if reply:
                    await self._generate(response, reply)
            except Unavailable as error:
                _log.warning("a response failed: %s", error)
                self._retire()
                response.finish("failed", None)
                return
            self._retire()
            response.finish("completed", None)

    async def _generate(self, response: "_Response", reply: Reply) -> None:
        if reply.sentences:
            item = response.begin_message()
            for sentence in split_sentences("\n".join(reply.sentences)):
                ms = await self._say(response, item, sentence) if response.wish.has_audio else 0
                response.write(item, sentence, ms)
        if reply.tool:
            response.end_message("completed")
            response.call_function(reply.tool)

    async def _say(self, response: "_Response", item: Item, sentence: str) -> int:
        output = response.wish.session["audio"]["output"]
        voice = output["voice"] if isinstance(output["voice"], str) else ""
        audio = [
            pcm
            async for pcm in self._models.synthesise(sentence, voice=voice, speed=output["speed"])
        ]
        utterance = response.utterance
        if utterance is None:
            utterance = response.utterance = self.playout.open(response.id, item)
        await utterance.until_waiting(_AHEAD_MS)
        return utterance.write(b"".join(audio))


class _Response:
    """One response and its events. Every method but `__init__` emits; none waits."""

    def __init__(self, wish: Wish, conversation: Conversation, events: EventStream) -> None:
        self.id = new_id("resp")
        self.wish = wish
        self.scope = anyio.CancelScope()
        self.item: Item | None = None
        self.utterance: Utterance | None = None
        self._conversation = conversation
        self._events = events
        self._output: list[Item] = []
        self._has_begun = False

    def begin(self) -> None:
        self._has_begun = True
        self._events.emit("response.created", response=self._wire("in_progress", None))

    def begin_message(self) -> Item:
        item = self.item = assistant_item(new_id("item"))
        self._add(item)
        part = self._part("")
        self._events.emit("response.content_part.added", **self._place(item), **part)
        kind = "output_audio" if self.wish.has_audio else "output_text"
        field = "transcript" if self.wish.has_audio else "text"
        item.wire["content"] = [{"type": kind, field: ""}]
        return item

    def write(self, item: Item, sentence: str, ms: int) -> None:
        part = item.wire["content"][0]
        field = "transcript" if "transcript" in part else "text"
        delta = f" {sentence}" if part[field] else sentence
        part[field] += delta
        item.segments.append(Segment(sentence, ms))
        self._events.emit(f"response.{self._content}.delta", **self._place(item), delta=delta)

    def end_message(self, status: str) -> None:
        item, self.item = self.item, None
        if item is None:
            return
        if self.utterance:
            self.utterance.complete()
        item.wire["status"] = status
        place = self._place(item)
        text = item.text
        if self.wish.has_audio:
            self._events.emit("response.output_audio.done", **place)
            self._events.emit("response.output_audio_transcript.done", **place, transcript=text)
        else:
            self._events.emit("response.output_text.done", **place, text=text)
        self._events.emit("response.content_part.done", **place, **self._part(text))
        self._end(item)

    def call_function(self, tool: ToolCall) -> None:
        item = function_call_item(tool.name, tool.arguments)
        arguments = item.wire["arguments"]
        item.wire["arguments"] = ""
        self._add(item)
        place = {**self._place(item), "call_id": item.wire["call_id"]}
        del place["content_index"]
        self._events.emit("response.function_call_arguments.delta", **place, delta=arguments)
        self._events.emit(
            "response.function_call_arguments.done", **place, name=tool.name, arguments=arguments
        )
        item.wire |= {"arguments": arguments, "status": "completed"}
        self._end(item)

    def finish(self, status: Status, reason: Reason | None) -> None:
        if not self._has_begun:  # cancelled before it ran: it still has one beginning and one end
            self.begin()
        self.end_message("completed" if status == "completed" else "incomplete")
        details: dict[str, Any] | None = None
        if status == "cancelled":
            details = {"type": "cancelled", "reason": reason}
        elif status == "failed":
            error = {"type": "server_error", "code": "speech_unavailable"}
            details = {"type": "failed", "error": error}
        self._events.emit("response.done", response=self._wire(status, details))

    def _add(self, item: Item) -> None:
        self._output.append(item)
        self._events.emit(
            "response.output_item.added",
            response_id=self.id,
            output_index=len(self._output) - 1,
            item=item.wire,
        )
        if not self.wish.is_out_of_band:
            previous = self._conversation.add(item)
            self._events.emit("conversation.item.added", previous_item_id=previous, item=item.wire)

    def _end(self, item: Item) -> None:
        self._events.emit(
            "response.output_item.done",
            response_id=self.id,
            output_index=self._output.index(item),
            item=item.wire,
        )
        if not self.wish.is_out_of_band:
            self._events.emit(
                "conversation.item.done",
                previous_item_id=self._conversation.before(item.id),
                item=item.wire,
            )

    @property
    def _content(self) -> str:
        return "output_audio_transcript" if self.wish.has_audio else "output_text"

    def _part(self, text: str) -> dict[str, Any]:
        if self.wish.has_audio:
            return {"part": {"type": "audio", "transcript": text}}
        return {"part": {"type": "text", "text": text}}

    def _place(self, item: Item) -> dict[str, Any]:
        return {
            "response_id": self.id,
            "item_id": item.id,
            "output_index": self._output.index(item),
            "content_index": 0,
        }

    def _wire(self, status: str, details: dict[str, Any] | None) -> dict[str, Any]:
        session = self.wish.session
        output = session["audio"]["output"]
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [item.wire for item in self._output] if status != "in_progress" else [],
            "conversation_id": None if self.wish.is_out_of_band else self._conversation.id,
            "output_modalities": session["output_modalities"],
            "max_output_tokens": session["max_output_tokens"],
            "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
            "usage": None if status == "in_progress" else _NO_USAGE,
            "metadata": self.wish.metadata,
        }
