"""What clients send: each event checked and acted upon, or refused by an `error` event.

Source: OpenAI API reference, "Realtime client events".
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from vivavoce.engine.call import Call
from vivavoce.engine.conversation import Item, client_item
from vivavoce.engine.events import error_fields
from vivavoce.engine.realtime_session import updated_session
from vivavoce.engine.refusals import Refused
from vivavoce.engine.response import Wish

MAX_EVENT_BYTES: Final = 262_144
MAX_AUDIO_EVENT_BYTES: Final = 16 * 1024 * 1024
_WITH_AUDIO: Final = frozenset(("input_audio_buffer.append", "conversation.item.create"))
_MIN_COMMIT_MS: Final = 100
_MAX_METADATA: Final = 16
_MAX_METADATA_KEY: Final = 64
_MAX_METADATA_VALUE: Final = 512
_SESSION_FIELDS: Final = frozenset(
    (
        "instructions",
        "output_modalities",
        "audio",
        "tools",
        "tool_choice",
        "max_output_tokens",
        "prompt",
        "reasoning",
        "parallel_tool_calls",
    )
)

_Event = Mapping[str, Any]


def take_event(call: Call, message: str | bytes) -> None:
    """Act on an event of a client. What is wrong with it is told to all who listen."""
    event_id: str | None = None
    try:
        event = _decoded(message, MAX_AUDIO_EVENT_BYTES if call.appended else MAX_EVENT_BYTES)
        given_id = event.get("event_id")
        event_id = given_id if isinstance(given_id, str) else None
        if len(message) > MAX_EVENT_BYTES and event["type"] not in _WITH_AUDIO:
            raise _too_large(MAX_EVENT_BYTES)
        _HANDLERS.get(event["type"], _refuse_type)(call, event)
    except Refused as refused:
        call.events.emit("error", **error_fields(refused, event_id))


def _decoded(message: str | bytes, limit: int) -> dict[str, Any]:
    if len(message) > limit:
        raise _too_large(limit)
    try:
        event = msgspec.json.decode(message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused("The event is not valid JSON.", code="invalid_json") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Refused("An event is an object with a type.", code="invalid_event", param="type")
    return event


def _too_large(limit: int) -> Refused:
    return Refused(f"The event is larger than {limit // 1024} KiB.", code="event_too_large")


def _update_session(call: Call, event: _Event) -> None:
    call.update(event.get("session"))


def _create_item(call: Call, event: _Event) -> None:
    after = event.get("previous_item_id")
    if not isinstance(after, str | None):
        raise Refused("previous_item_id must be a string.", param="previous_item_id")
    item, previous = call.conversation.add_from_client(event.get("item"), after)
    for type_ in ("conversation.item.added", "conversation.item.done"):
        call.events.emit(type_, previous_item_id=previous, item=item.wire)
    if item.audio:
        call.hear_item(item)


def _retrieve_item(call: Call, event: _Event) -> None:
    item = call.conversation.get(event.get("item_id"))
    call.events.emit("conversation.item.retrieved", item=item.wire)


def _truncate_item(call: Call, event: _Event) -> None:
    end_ms = event.get("audio_end_ms")
    if not isinstance(end_ms, int) or isinstance(end_ms, bool):
        raise Refused("audio_end_ms must be an integer.", param="audio_end_ms")
    call.responder.truncate(event.get("item_id"), end_ms)


def _delete_item(call: Call, event: _Event) -> None:
    item_id = event.get("item_id")
    call.conversation.delete(item_id)
    call.events.emit("conversation.item.deleted", item_id=item_id)


def _create_response(call: Call, event: _Event) -> None:
    call.respond(_wish(call, event.get("response") or {}))


def _wish(call: Call, given: object) -> Wish:
    if not isinstance(given, dict):
        raise Refused("response must be an object.", param="response")
    changes = {
        name: value
        for name, value in given.items()
        if name in _SESSION_FIELDS and value is not None
    }
    items = given.get("input")
    if not isinstance(items, list | None):
        raise Refused("response.input must be a list.", param="response.input")
    if given.get("conversation") not in (None, "auto", "none"):
        raise Refused(
            "response.conversation must be auto or none.",
            code="invalid_value",
            param="response.conversation",
        )
    return Wish(
        updated_session(call.session, changes, "response"),
        metadata=_metadata(given.get("metadata")),
        items=None if items is None else [_input_item(call, item) for item in items],
        is_out_of_band=given.get("conversation") == "none",
        seconds_left=call.interview_seconds_left,
    )


def _metadata(given: object) -> dict[str, str] | None:
    if given is None:
        return None
    if not isinstance(given, dict) or len(given) > _MAX_METADATA:
        raise _bad_metadata()
    for key, value in given.items():
        if not isinstance(value, str) or len(value) > _MAX_METADATA_VALUE:
            raise _bad_metadata()
        if len(key) > _MAX_METADATA_KEY:
            raise _bad_metadata()
    return given


def _bad_metadata() -> Refused:
    return Refused(
        "response.metadata must be an object of at most 16 strings of at most 512 characters,"
        " with names of at most 64.",
        code="invalid_value",
        param="response.metadata",
    )


def _input_item(call: Call, given: object) -> Item:
    if isinstance(given, dict) and given.get("type") == "item_reference":
        return call.conversation.get(given.get("id"))
    item = client_item(given)
    if item.audio:
        raise Refused(
            "Audio in response.input is not supported; create an item of it and refer to that.",
            code="invalid_value",
            param="response.input",
        )
    return item


def _cancel_response(call: Call, event: _Event) -> None:
    response_id = event.get("response_id")
    if not isinstance(response_id, str | None):
        raise Refused("response_id must be a string.", param="response_id")
    call.responder.cancel(response_id, "client_cancelled")


def _clear_output(call: Call, _event: _Event) -> None:
    if call.appended:
        raise Refused(
            "output_audio_buffer.clear is for calls over WebRTC; stop playing, then truncate the"
            " item.",
            code="invalid_value",
            param="type",
        )
    call.responder.fall_silent("client_cancelled")


def _commit_input(call: Call, _event: _Event) -> None:
    call.hear_rest()
    if call.uncommitted_ms < _MIN_COMMIT_MS:
        raise Refused(
            "Error committing input audio buffer: buffer too small, expected at least 100 ms.",
            code="input_audio_buffer_commit_empty",
        )
    call.commit()


def _clear_input(call: Call, _event: _Event) -> None:
    call.clear_input()


def _append_input(call: Call, event: _Event) -> None:
    if call.appended is None:
        raise Refused("Audio of this call comes by WebRTC, not by events.", code="invalid_value")
    call.appended.append(event.get("audio"), call.session["audio"]["input"]["format"]["type"])


def _refuse_type(_call: Call, event: _Event) -> None:
    raise Refused(
        f"Invalid value for type: {event['type'][:64]!r} is not supported here.",
        code="invalid_value",
        param="type",
    )


_HANDLERS: Final[Mapping[str, Callable[[Call, _Event], None]]] = MappingProxyType(
    {
        "session.update": _update_session,
        "conversation.item.create": _create_item,
        "conversation.item.retrieve": _retrieve_item,
        "conversation.item.truncate": _truncate_item,
        "conversation.item.delete": _delete_item,
        "response.create": _create_response,
        "response.cancel": _cancel_response,
        "output_audio_buffer.clear": _clear_output,
        "input_audio_buffer.append": _append_input,
        "input_audio_buffer.commit": _commit_input,
        "input_audio_buffer.clear": _clear_input,
    }
)
