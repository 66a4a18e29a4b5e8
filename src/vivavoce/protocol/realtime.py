"""The events of an OpenAI Realtime call, as far as we read them, and those that we send.

Reading is tolerant: fields that we do not use are not declared, an unknown type is `None`. The
voice model may add events at any time, and a frame that we cannot read must not end an interview.

Source: OpenAI API reference, "Realtime server events" and "Realtime client events" (GA names).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

MAX_EVENT_BYTES: Final = 1024 * 1024
"""Of one event; `session.created` repeats the instructions and the tools."""


class ContentPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an item. Speech has a `transcript`, typed text has `text`."""

    type: str = ""
    text: str | None = None
    transcript: str | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the conversation: a message, a function call or its output."""

    id: str = ""
    type: str = "message"
    role: str | None = None
    status: str | None = None
    content: list[ContentPart] | None = None
    name: str | None = None
    call_id: str | None = None
    arguments: str | None = None


class LogProbability(msgspec.Struct, frozen=True, kw_only=True):
    """How sure a transcription was of one token."""

    logprob: float = 0.0


class StatusDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why a response is not complete, such as `turn_detected`."""

    type: str | None = None
    reason: str | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A response; `output` is filled when it is done."""

    id: str = ""
    status: str | None = None
    status_details: StatusDetails | None = None
    output: list[Item] | None = None


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What the voice model refused. `event_id` is that of our event."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    event_id: str | None = None


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    event_id: str = ""


class SessionCreated(_Event, frozen=True, kw_only=True, tag="session.created"):
    """First event of a call and of a sideband."""

    session: dict[str, Any] = {}


class SessionUpdated(_Event, frozen=True, kw_only=True, tag="session.updated"):
    """The whole effective configuration after a change, whoever made it."""

    session: dict[str, Any] = {}


class ErrorEvent(_Event, frozen=True, kw_only=True, tag="error"):
    """An event was refused, or the call ends (`session_expired`)."""

    error: ErrorDetail = ErrorDetail()


class SpeechStarted(_Event, frozen=True, kw_only=True, tag="input_audio_buffer.speech_started"):
    """The candidate begins to speak; the id of the item to come is known."""

    item_id: str
    audio_start_ms: float | None = None


class SpeechStopped(_Event, frozen=True, kw_only=True, tag="input_audio_buffer.speech_stopped"):
    """The candidate has stopped speaking."""

    item_id: str
    audio_end_ms: float | None = None


class Committed(_Event, frozen=True, kw_only=True, tag="input_audio_buffer.committed"):
    """The candidate's audio became an item."""

    item_id: str
    previous_item_id: str | None = None


class TimeoutTriggered(
    _Event, frozen=True, kw_only=True, tag="input_audio_buffer.timeout_triggered"
):
    """The candidate said nothing for `idle_timeout_ms`."""

    item_id: str = ""


class ItemAdded(_Event, frozen=True, kw_only=True, tag="conversation.item.added"):
    """An item stands in the conversation."""

    item: Item
    previous_item_id: str | None = None


class ItemDone(_Event, frozen=True, kw_only=True, tag="conversation.item.done"):
    """An item is complete, but for a transcription that may still come."""

    item: Item
    previous_item_id: str | None = None


class ItemRetrieved(_Event, frozen=True, kw_only=True, tag="conversation.item.retrieved"):
    """Answer to `conversation.item.retrieve`."""

    item: Item


class ItemDeleted(_Event, frozen=True, kw_only=True, tag="conversation.item.deleted"):
    """An item was taken out of the model's memory."""

    item_id: str


class ItemTruncated(_Event, frozen=True, kw_only=True, tag="conversation.item.truncated"):
    """The interviewer was cut off: `audio_end_ms` of the item were played."""

    item_id: str
    audio_end_ms: float = 0.0
    content_index: int = 0


class TranscriptionDelta(
    _Event, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.delta"
):
    """A piece of what the candidate said."""

    item_id: str
    delta: str | None = None
    content_index: int = 0


class TranscriptionCompleted(
    _Event, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.completed"
):
    """What the candidate said. Comes at any time after the item, often after the reply."""

    item_id: str
    transcript: str = ""
    content_index: int = 0
    logprobs: list[LogProbability] | None = None


class TranscriptionFailed(
    _Event, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.failed"
):
    """What the candidate said is lost to text."""

    item_id: str
    content_index: int = 0


class ResponseCreated(_Event, frozen=True, kw_only=True, tag="response.created"):
    """The interviewer begins a reply."""

    response: Response


class ResponseDone(_Event, frozen=True, kw_only=True, tag="response.done"):
    """The reply is made, or cancelled; it may still be playing."""

    response: Response


class OutputItemAdded(_Event, frozen=True, kw_only=True, tag="response.output_item.added"):
    """A response makes this item."""

    item: Item
    response_id: str = ""


class OutputItemDone(_Event, frozen=True, kw_only=True, tag="response.output_item.done"):
    """A response has made this item."""

    item: Item
    response_id: str = ""


class AudioTranscriptDelta(
    _Event, frozen=True, kw_only=True, tag="response.output_audio_transcript.delta"
):
    """A piece of what the interviewer says, ahead of its sound."""

    item_id: str
    delta: str = ""
    response_id: str = ""
    content_index: int = 0


class AudioTranscriptDone(
    _Event, frozen=True, kw_only=True, tag="response.output_audio_transcript.done"
):
    """What the interviewer says, whole."""

    item_id: str
    transcript: str = ""
    response_id: str = ""
    content_index: int = 0


class OutputTextDelta(_Event, frozen=True, kw_only=True, tag="response.output_text.delta"):
    """A piece of what the interviewer writes."""

    item_id: str
    delta: str = ""
    response_id: str = ""
    content_index: int = 0


class OutputTextDone(_Event, frozen=True, kw_only=True, tag="response.output_text.done"):
    """What the interviewer writes, whole."""

    item_id: str
    text: str = ""
    response_id: str = ""
    content_index: int = 0


class FunctionCallArgumentsDone(
    _Event, frozen=True, kw_only=True, tag="response.function_call_arguments.done"
):
    """The interviewer calls a function, such as `end_interview`."""

    item_id: str = ""
    call_id: str = ""
    name: str | None = None
    arguments: str = "{}"
    response_id: str = ""


class OutputAudioStarted(_Event, frozen=True, kw_only=True, tag="output_audio_buffer.started"):
    """The reply begins to play (WebRTC only)."""

    response_id: str = ""


class OutputAudioStopped(_Event, frozen=True, kw_only=True, tag="output_audio_buffer.stopped"):
    """The reply has been played, after its `response.done` (WebRTC only)."""

    response_id: str = ""


class OutputAudioCleared(_Event, frozen=True, kw_only=True, tag="output_audio_buffer.cleared"):
    """The rest of the reply will not be played (WebRTC only)."""

    response_id: str = ""


ServerEvent = (
    SessionCreated
    | SessionUpdated
    | ErrorEvent
    | SpeechStarted
    | SpeechStopped
    | Committed
    | TimeoutTriggered
    | ItemAdded
    | ItemDone
    | ItemRetrieved
    | ItemDeleted
    | ItemTruncated
    | TranscriptionDelta
    | TranscriptionCompleted
    | TranscriptionFailed
    | ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | AudioTranscriptDelta
    | AudioTranscriptDone
    | OutputTextDelta
    | OutputTextDone
    | FunctionCallArgumentsDone
    | OutputAudioStarted
    | OutputAudioStopped
    | OutputAudioCleared
)


class _Kind(msgspec.Struct):
    type: str


_kind: Final = msgspec.json.Decoder(_Kind)
_events: Final[Mapping[str, msgspec.json.Decoder[ServerEvent]]] = {
    str(event.__struct_config__.tag): msgspec.json.Decoder(event) for event in ServerEvent.__args__
}


def read_event(data: bytes | str) -> ServerEvent | None:
    """Read an event of the voice model; None for what we do not know or cannot read."""
    if len(data) > MAX_EVENT_BYTES:
        return None
    try:
        decoder = _events.get(_kind.decode(data).type)
        return None if decoder is None else decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def session_update(session: Mapping[str, Any]) -> dict[str, Any]:
    """Change the configuration of a call; only the fields that are given change."""
    return {"type": "session.update", "session": {**session, "type": "realtime"}}


def create_message(
    item_id: str | None, *, role: str, text: str, previous_item_id: str | None = None
) -> dict[str, Any]:
    """Put a message into the conversation; after the last item unless told otherwise.

    Args:
        item_id: Its id; the voice model makes one if None.
        role: `user`, `assistant` or `system`. What an assistant said can only be given as text.
        text: What was said.
        previous_item_id: The item before it.
    """
    part = "output_text" if role == "assistant" else "input_text"
    item: dict[str, Any] = {
        "type": "message",
        "role": role,
        "content": [{"type": part, "text": text}],
    }
    if item_id is not None:
        item["id"] = item_id
    event: dict[str, Any] = {"type": "conversation.item.create", "item": item}
    if previous_item_id is not None:
        event["previous_item_id"] = previous_item_id
    return event


def create_function_output(call_id: str, output: str) -> dict[str, Any]:
    """Answer a function call of the interviewer."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return {"type": "conversation.item.create", "item": item}


def retrieve_item(item_id: str) -> dict[str, Any]:
    """Ask for an item as the voice model has it."""
    return {"type": "conversation.item.retrieve", "item_id": item_id}


def create_response(*, instructions: str | None = None) -> dict[str, Any]:
    """Let the interviewer speak now."""
    response = {} if instructions is None else {"instructions": instructions}
    return {"type": "response.create", "response": response}


def cancel_response(response_id: str | None = None) -> dict[str, Any]:
    """Stop the reply that is being made."""
    event = {"type": "response.cancel"}
    return event if response_id is None else {**event, "response_id": response_id}


def clear_output_audio() -> dict[str, Any]:
    """Stop the reply that is being played (WebRTC only)."""
    return {"type": "output_audio_buffer.clear"}
