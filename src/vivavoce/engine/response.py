"""One response of a call: its output, and the events that tell of it in the order of the API.

Source: OpenAI API reference, "Realtime server events", `response.*`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio

from vivavoce.engine.conversation import (
    Conversation,
    Item,
    Segment,
    assistant_item,
    first_words,
    function_call_item,
    lines_of,
)
from vivavoce.engine.events import EventStream, new_id
from vivavoce.engine.interviewer import Line, Reply, ToolCall, next_reply
from vivavoce.engine.tool_calls import forced_call
from vivavoce.engine.usage import input_tokens, spoken_tokens, text_tokens, usage

if TYPE_CHECKING:
    from vivavoce.engine.outlet import Spoken

_NOTHING: Final = Segment("", 0)

Status = Literal["completed", "cancelled", "failed", "incomplete"]
Reason = Literal["turn_detected", "client_cancelled"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a response is made from: the session, with what `response.create` changes in it.

    Attributes:
        session: The effective session.
        metadata: The client's own, echoed.
        items: What was said, instead of the conversation; None takes the conversation.
        is_out_of_band: Whether the reply stays out of the conversation (`conversation: "none"`).
        seconds_left: Until the interview must end.
    """

    session: dict[str, Any]
    metadata: dict[str, Any] | None = None
    items: list[Item] | None = None
    is_out_of_band: bool = False
    seconds_left: float | None = None

    @property
    def tools(self) -> list[str]:
        """Names of the functions that may be called."""
        tools = self.session["tools"] if self.session["tool_choice"] != "none" else []
        return [tool["name"] for tool in tools]

    @property
    def has_audio(self) -> bool:
        """Whether the reply is spoken, and not only written."""
        return "audio" in self.session["output_modalities"]

    def reply_to(self, conversation: Conversation) -> Reply | None:
        """Ask the interviewer, or do as `tool_choice` demands; None where silence is right.

        A function that was just answered is not called again: the turn goes on with words.
        """
        items = self.said(conversation)
        is_answered = bool(items) and items[-1].wire["type"] == "function_call_output"
        call = None if is_answered else forced_call(self.session)
        if call:
            return Reply((), call)
        return next_reply(
            self.session["instructions"],
            self.tools,
            lines_of(items),
            seconds_left=self.seconds_left,
        )

    def said(self, conversation: Conversation) -> Sequence[Item]:
        """Give the items so far, as far as they count for this response."""
        return conversation.items if self.items is None else self.items

    def lines(self, conversation: Conversation) -> list[Line]:
        """Give what was said so far, as far as it counts for this response."""
        return lines_of(self.said(conversation))


class Response:
    """One response and its events. No method waits.

    Attributes:
        is_full: Whether more was to be said than `max_output_tokens` leaves room for.
    """

    def __init__(self, wish: Wish, conversation: Conversation, events: EventStream) -> None:
        self.id = new_id("resp")
        self.wish = wish
        self.scope = anyio.CancelScope()
        self.item: Item | None = None
        self.utterance: Spoken | None = None
        self._conversation = conversation
        self._events = events
        self._output: list[Item] = []
        self._has_begun = False
        self._given = (0, 0)
        self._text = ""
        self._ms = 0
        self.is_full = False

    def begin(self) -> None:
        """Tell that it has begun."""
        self._has_begun = True
        self._given = input_tokens(self.wish.session, self.wish.said(self._conversation))
        self._events.emit("response.created", response=self._wire("in_progress", None))

    def begin_message(self) -> Item:
        """Begin what is said."""
        item = self.item = assistant_item(new_id("item"))
        self._add(item)
        part = self._part("")
        self._events.emit("response.content_part.added", **self._place(item), **part)
        kind = "output_audio" if self.wish.has_audio else "output_text"
        field = "transcript" if self.wish.has_audio else "text"
        item.wire["content"] = [{"type": kind, field: ""}]
        return item

    def fitting(self, sentence: Segment) -> Segment:
        """Give as much of a sentence as there is room for; where it is less, nothing more fits."""
        count = len(sentence.text.split())
        while count and not self._has_room(sentence):
            self.is_full = True
            count -= 1
            sentence = first_words(sentence, count)
        return sentence

    def write(self, item: Item, said: Segment) -> None:
        """Add a sentence, or its first words, to what is said."""
        sentence, ms = said.text, said.ms
        part = item.wire["content"][0]
        field = "transcript" if "transcript" in part else "text"
        delta = f" {sentence}" if part[field] else sentence
        part[field] += delta
        item.segments.append(said)
        item.audio_ms += ms
        self._text, self._ms = self._text + delta, self._ms + ms
        self._events.emit(f"response.{self._content}.delta", **self._place(item), delta=delta)

    def end_message(self, status: str) -> None:
        """End what is said, if anything was."""
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
        """Call a function of the client, if there is room for the whole of the call."""
        item = function_call_item(tool.name, tool.arguments)
        arguments = item.wire["arguments"]
        if not self._has_room(Segment(tool.name + arguments, 0)):
            self.is_full = True
            return
        self._text += tool.name + arguments
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
        """Tell that it is over, and how."""
        if not self._has_begun:  # cancelled before it ran: it still has one beginning and one end
            self.begin()
        self.end_message("completed" if status == "completed" else "incomplete")
        details: dict[str, Any] | None = None
        if status == "cancelled":
            details = {"type": "cancelled", "reason": reason}
        elif status == "failed":
            error = {"type": "server_error", "code": "speech_unavailable"}
            details = {"type": "failed", "error": error}
        elif status == "incomplete":
            details = {"type": "incomplete", "reason": "max_output_tokens"}
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

    def _made(self, more: Segment = _NOTHING) -> tuple[int, int]:
        return text_tokens(self._text + more.text), spoken_tokens(self._ms + more.ms)

    def _has_room(self, more: Segment) -> bool:
        limit = self.wish.session["max_output_tokens"]
        return limit == "inf" or sum(self._made(more)) <= int(limit)

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
            "usage": None if status == "in_progress" else usage(self._given, self._made()),
            "metadata": self.wish.metadata,
        }
