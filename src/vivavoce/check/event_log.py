"""The events that one listener of a call has got, and waiting for the next of a kind."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import anyio

from vivavoce.check.lines import CallLost, Missed
from vivavoce.engine.faulty_events import BETA_NAMES

Event = dict[str, Any]
_MAX_EVENTS: Final = 10_000
_RELEASED_NAMES: Final = {beta: released for released, beta in BETA_NAMES.items()}


class EventLog:
    """Events in the order of their arrival.

    Attributes:
        times: When each event came, by the event loop's clock.
        events: So far; those with a name of the beta have the released one.
        oddities: What no event may be: binary, no JSON, without an id, with a name of the beta.
        has_ended: Set when no more can come.
        may_end: Whether the end is expected, and not a loss.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.times: list[float] = []
        self.oddities: list[str] = []
        self.has_ended = anyio.Event()
        self.may_end = False
        self._has_more = anyio.Event()

    def take(self, message: str | bytes) -> None:
        """Take an event."""
        try:
            event = json.loads(message)
            type_ = event["type"]
        except (ValueError, TypeError, KeyError, RecursionError):
            self.oddities.append("a message that is no event")
            return
        if not isinstance(message, str):
            self.oddities.append(f"{type_} in a binary message")
        if not isinstance(event.get("event_id"), str):
            self.oddities.append(f"{type_} without an event_id")
        if type_ in _RELEASED_NAMES:
            self.oddities.append(f"{type_}, which is called {_RELEASED_NAMES[type_]}")
            event["type"] = _RELEASED_NAMES[type_]
        if len(self.events) == _MAX_EVENTS:
            return
        self.events.append(event)
        self.times.append(anyio.current_time())
        self._has_more.set()
        self._has_more = anyio.Event()

    def end(self) -> None:
        """Say that no more events come."""
        self.has_ended.set()
        self._has_more.set()

    def types(self, after: int = 0) -> Sequence[str]:
        """The types of the events from an index on."""
        return [event["type"] for event in self.events[after:]]

    async def until(
        self, wanted: str | Callable[[Event], bool], *, after: int = 0, within: float
    ) -> Event:
        """Wait for an event, of those from index `after` on.

        Raises:
            Missed: If it does not come within so many seconds.
            CallLost: If the call ended before, and nobody had ended it.
        """
        matches = wanted if callable(wanted) else lambda event: event["type"] == wanted
        seen = after
        with anyio.move_on_after(within):
            while True:
                has_more = self._has_more
                for event in self.events[seen:]:
                    if matches(event):
                        return event
                seen = max(seen, len(self.events))
                if self.has_ended.is_set():
                    break
                await has_more.wait()
        if self.has_ended.is_set() and not self.may_end:
            raise CallLost
        what = "the event" if callable(wanted) else wanted
        last = self.types(after)[-1:] or ["nothing"]
        raise Missed(f"{what} did not come within {within:g} s; the last that came: {last[0]}")
