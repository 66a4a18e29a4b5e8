"""Whether there is room for another call: measured by what those that live have to wait."""

import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from vivavoce.engine.jobs import Job
from vivavoce.engine.refusals import Refused

WINDOW_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 5
_LEAST: Final = 3
_MOST: Final = 1_000
_SHARE: Final = 0.9


class QueueDelays:
    """How long final transcriptions have lately waited for their model to begin.

    Args:
        now: A monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._waits: deque[tuple[float, float]] = deque(maxlen=_MOST)
        self._pending: dict[int, tuple[Job, float]] = {}
        self._count = 0

    @contextmanager
    def measured(self, job: Job) -> Generator[None, None, None]:
        """Measure how long a job waits, for the length of the block."""
        self._count += 1
        number, submitted_at = self._count, self._now()
        self._pending[number] = (job, submitted_at)
        try:
            yield
        finally:
            del self._pending[number]
            self._waits.append((self._now(), self._wait_of(job, submitted_at)))

    @property
    def p90(self) -> float:
        """Seconds that nine of ten have waited at most, in the last half minute.

        What still waits counts with its age, so that a queue that stands still is seen; otherwise
        fewer than three tell nothing, and count as no delay.
        """
        now = self._now()
        while self._waits and self._waits[0][0] < now - WINDOW_SECONDS:
            self._waits.popleft()
        pending = [self._wait_of(*pending) for pending in self._pending.values()]
        waits = sorted([*(wait for _, wait in self._waits), *pending])
        if len(waits) < _LEAST:
            return max(pending, default=0.0)
        return waits[min(int(len(waits) * _SHARE), len(waits) - 1)]

    def _wait_of(self, job: Job, submitted_at: float) -> float:
        started_at = self._now() if job.started_at is None else job.started_at
        return max(0.0, started_at - submitted_at)


def refuse_where_full(calls: int, *, most: int) -> None:
    """Refuse a call beyond the hard cap.

    Raises:
        Refused: With 429.
    """
    if calls >= most:
        raise _no_room(f"The engine holds {most} calls, as many as it may; try again later.")


def refuse_where_slow(delays: QueueDelays, *, most_seconds: float) -> None:
    """Refuse a call while those that live wait too long to be heard.

    Raises:
        Refused: With 429.
    """
    if (waiting := delays.p90) > most_seconds:
        raise _no_room(
            f"Turns wait {waiting:.1f} s to be transcribed, more than {most_seconds:g} s:"
            " the machine has no room for another call; try again later."
        )


def _no_room(message: str) -> Refused:
    return Refused(
        message,
        status=429,
        type="rate_limit_error",
        code="rate_limit_exceeded",
        retry_after=RETRY_SECONDS,
    )
