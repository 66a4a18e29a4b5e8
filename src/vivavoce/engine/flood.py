"""How many events one client may send: a token bucket."""

import time
from collections.abc import Callable
from typing import Final

from vivavoce.engine.refusals import Refused

EVENTS_PER_SECOND: Final = 200.0
BURST: Final = 1_000.0


def too_many_events() -> Refused:
    """What a client is told whose events are not listened to."""
    return Refused(
        f"Events come faster than {EVENTS_PER_SECOND:g} a second; this one was not acted upon.",
        type="rate_limit_error",
        code="rate_limit_exceeded",
    )


class EventRate:
    """The events of one data channel or socket.

    A client that sends faster than it may is held up where it can be (a socket is read later), and
    not listened to where it cannot (a data channel).

    Args:
        now: A monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._left = BURST
        self._filled_at = now()

    def delay(self) -> float:
        """Count an event and give the seconds to wait before it may be acted upon."""
        self._refill()
        self._left -= 1
        return max(0.0, -self._left / EVENTS_PER_SECOND)

    def allows(self) -> bool:
        """Count an event, if it may be acted upon at once."""
        self._refill()
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _refill(self) -> None:
        now = self._now()
        self._left = min(BURST, self._left + (now - self._filled_at) * EVENTS_PER_SECOND)
        self._filled_at = now
