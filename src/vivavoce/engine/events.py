"""Server events of a call: made once, sent to everyone who listens, in one order.

Source: OpenAI API reference, "Realtime server events" (GA names).
"""

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from vivavoce.engine.refusals import Refused

MAX_AUDIO_CHARACTERS: Final = 15 * 1024 * 1024
_ID_BYTES: Final = 12

Event = dict[str, Any]
Sink = Callable[[str], None]
"""Takes an encoded event and may not wait."""


def new_id(prefix: str) -> str:
    """Make an identifier that no other run of any engine makes again."""
    return f"{prefix}_{secrets.token_hex(_ID_BYTES)}"


def encode(event: Mapping[str, Any]) -> str:
    """Encode an event for a data channel or a WebSocket."""
    return msgspec.json.encode(event).decode()


class EventStream:
    """The events of one call. Every sink gets the same events with the same ids."""

    def __init__(self) -> None:
        self._sinks: list[Sink] = []
        self._through: Callable[[Event, Callable[[Event], None]], None] | None = None

    @property
    def listeners(self) -> int:
        """How many sinks there are."""
        return len(self._sinks)

    def attach(self, sink: Sink) -> None:
        """Send what is emitted from now on to a sink as well."""
        self._sinks.append(sink)

    def detach(self, sink: Sink) -> None:
        """Send nothing more to a sink."""
        self._sinks.remove(sink)

    def pass_through(self, change: Callable[[Event, Callable[[Event], None]], None]) -> None:
        """Give every event to `change`, which sends what is to be sent of it."""
        self._through = change

    def emit(self, type_: str, **fields: Any) -> None:
        """Send an event to everyone."""
        event = new_event(type_, **fields)
        if self._through:
            self._through(event, self._send)
        else:
            self._send(event)

    def _send(self, event: Event) -> None:
        text = encode(event)
        for sink in tuple(self._sinks):
            sink(text)


def new_event(type_: str, **fields: Any) -> Event:
    """Make an event with an id of its own."""
    return {"type": type_, "event_id": new_id("event"), **fields}


def error_fields(refused: Refused, client_event_id: str | None) -> Event:
    """Give the fields of an `error` event.

    Args:
        refused: What was refused and why.
        client_event_id: `event_id` of the client's event that caused it: clients wait for it.
    """
    return {"error": {**refused.wire, "event_id": client_event_id}}


def from_base64(audio: object, param: str) -> bytes:
    """Decode audio of an event.

    Raises:
        Refused: If it is not base64, or longer than 15 MiB.
    """
    if not isinstance(audio, str):
        raise Refused(f"{param} must be base64 of audio.", code="invalid_value", param=param)
    if len(audio) > MAX_AUDIO_CHARACTERS:
        raise Refused(f"{param} is longer than 15 MiB.", code="invalid_value", param=param)
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(f"{param} is not base64.", code="invalid_value", param=param) from error
