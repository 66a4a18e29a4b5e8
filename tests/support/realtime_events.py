"""The server events that a client of the engine sees, each held to OpenAI's own types."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args

import anyio
from openai import BaseModel
from openai.types.realtime import RealtimeServerEvent, RealtimeSessionCreateResponse
from pydantic import TypeAdapter, ValidationError

# The types of these events lack what the service sends and `RealtimeSessionCreateResponse` has.
_SESSION_EVENTS = ("session.created", "session.updated")
_SESSION_ONLY = {"id", "object", "expires_at"}


@dataclass(kw_only=True)
class EventLog:
    """Every event that one client saw, in order.

    Attributes:
        events: As they came.
        faults: What is wrong with them by OpenAI's types; `until` and the end of a call raise it.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def take(self, message: str | bytes) -> None:
        """Take an event in."""
        event = json.loads(message)
        self.events.append(event)
        self.faults += faults_of(event)
        self._changed.set()
        self._changed = anyio.Event()

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of_type(self, type_: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type_]

    async def until(
        self, wanted: str | Callable[[dict[str, Any]], bool], *, after: int = 0, timeout: float = 20
    ) -> dict[str, Any]:
        """Wait for an event, of those from index `after` on."""
        matches = wanted if callable(wanted) else lambda event: event["type"] == wanted
        try:
            with anyio.fail_after(timeout):
                while True:
                    changed = self._changed
                    assert not self.faults
                    for event in self.events[after:]:
                        if matches(event):
                            return event
                    await changed.wait()
        except TimeoutError:
            raise AssertionError(f"{wanted} did not come; got {self.types}") from None


def faults_of(event: dict[str, Any]) -> list[str]:
    """Hold an event to its type in the `openai` package: strictly, and with nothing beside it."""
    name = event["type"]
    adapter = _adapters().get(name)
    if adapter is None:
        return [f"OpenAI has no event {name}"]
    try:
        unknown = _unknown(adapter.validate_json(json.dumps(event), strict=True), name)
        if name in _SESSION_EVENTS:
            known = {f"{name}.session.{extra}" for extra in _SESSION_ONLY}
            session = _session().validate_json(json.dumps(event["session"]), strict=True)
            unknown = [*(u for u in unknown if u not in known), *_unknown(session, "session")]
    except ValidationError as error:
        return [f"{name}: {error}"]
    return [f"OpenAI does not know {field_}" for field_ in unknown]


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    by_type = {}
    for model in get_args(get_args(RealtimeServerEvent)[0]):
        (name,) = get_args(model.model_fields["type"].annotation)
        by_type[name] = TypeAdapter(model)
    return by_type


@cache
def _session() -> TypeAdapter[RealtimeSessionCreateResponse]:
    return TypeAdapter(RealtimeSessionCreateResponse)


def _unknown(value: Any, path: str) -> list[str]:
    """Name the fields that a model took although it does not declare them."""
    if isinstance(value, BaseModel):
        found = [f"{path}.{name}" for name in value.model_extra or {}]
        for name in type(value).model_fields:
            found += _unknown(getattr(value, name), f"{path}.{name}")
        return found
    if isinstance(value, list):
        return [name for item in value for name in _unknown(item, path)]
    return []
