"""The faults that lie in the events of a call: lost, late, renamed or changed on their way out."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import anyio
from anyio.abc import TaskGroup

from vivavoce.engine.call import Call
from vivavoce.engine.events import Event
from vivavoce.engine.faults import Fault, Faults
from vivavoce.engine.interviewer import Reply
from vivavoce.engine.response import Wish
from vivavoce.engine.responses import decided

_TRANSCRIPTION: Final = "conversation.item.input_audio_transcription."
BETA_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "conversation.item.added": "conversation.item.created",
        "response.output_audio.delta": "response.audio.delta",
        "response.output_audio.done": "response.audio.done",
        "response.output_audio_transcript.delta": "response.audio_transcript.delta",
        "response.output_audio_transcript.done": "response.audio_transcript.done",
        "response.output_text.delta": "response.text.delta",
        "response.output_text.done": "response.text.done",
    }
)
"""Events that had another name before the API was released, and that name."""

_OF_TRANSCRIPTS: Final = (
    Fault.LOST_TRANSCRIPTS,
    Fault.FAILED_TRANSCRIPTS,
    Fault.LATE_TRANSCRIPTS,
)

Send = Callable[[Event], None]


def make_faulty(call: Call, faults: Faults, tasks: TaskGroup) -> None:
    """Let the events of a call go through the faults that are turned on.

    Args:
        call: Before it has told anything.
        faults: Which.
        tasks: Of the call; what is told late waits in it.
    """

    def tell(event: Event, send: Send) -> None:
        type_: str = event["type"]
        if type_.startswith(_TRANSCRIPTION):
            _tell_transcript(event, send, faults, tasks)
            if event.get("transcript") == "":
                _reply_to_nothing(call, faults)
        elif type_ == "session.updated" and faults.strike(Fault.LOST_UPDATES) is not None:
            return
        elif type_ in BETA_NAMES and faults.strike(Fault.BETA_NAMES) is not None:
            send({**event, "type": BETA_NAMES[type_]})
        elif _was_heard(event) and faults.strike(Fault.NO_TRANSCRIPT_KEY) is not None:
            send(_without_transcript(event))
        else:
            send(event)

    call.events.pass_through(tell)


def _tell_transcript(event: Event, send: Send, faults: Faults, tasks: TaskGroup) -> None:
    fault = next((fault for fault in _OF_TRANSCRIPTS if faults.has(fault)), None)
    if fault is None:
        send(event)
    elif not event["type"].endswith(".delta"):  # a transcript that fails has no beginning either
        value = faults.strike(fault)
        if fault is Fault.LATE_TRANSCRIPTS:
            tasks.start_soon(_send_later, value or 0.0, event, send)
        elif fault is Fault.FAILED_TRANSCRIPTS:
            send(_failed(event))


def _reply_to_nothing(call: Call, faults: Faults) -> None:
    if not call.responder.is_active and faults.strike(Fault.REPLY_TO_NOTHING) is not None:
        call.responder.create(Wish(call.session), decided(Reply(("Please go on.",))))


async def _send_later(seconds: float, event: Event, send: Send) -> None:
    await anyio.sleep(seconds)
    send(event)


def _was_heard(event: Event) -> bool:
    item = event.get("item") or {}
    content = item.get("content") or [{}]
    return content[0].get("type") == "input_audio" and content[0].get("transcript") is None


def _without_transcript(event: Event) -> Event:
    content = [{"type": "input_audio"}]
    return {**event, "item": {**event["item"], "content": content}}


def _failed(event: Event) -> Event:
    kept = {name: event[name] for name in ("event_id", "item_id", "content_index")}
    error = {
        "type": "transcription_error",
        "code": "fault",
        "message": "This engine was told to fail (--fault).",
    }
    return {"type": f"{_TRANSCRIPTION}failed", **kept, "error": error}
