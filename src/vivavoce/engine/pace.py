"""When the next frame of audio is due: on time on average, never in a burst. Has no clock."""

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """Spaces frames evenly. Times in seconds, of any clock that only goes forward.

    A frame is due one interval after the one before was *due*, not sent, so that delays do not add
    up. Who is late catches up at twice the pace at most; who is very late goes on from there, and
    the receiver's buffer bridges the gap.

    Attributes:
        interval: Between frames.
        shortest: Between two frames at the least.
        max_lateness: Beyond it nothing is caught up.
    """

    interval: float = 0.02
    shortest: float = 0.01
    max_lateness: float = 0.2
    _due: float | None = None
    _sent: float | None = None

    def wait(self, now: float) -> float:
        """Give the seconds until the next frame; call it once for each, then `note_sent`."""
        due = now if self._due is None or now - self._due > self.max_lateness else self._due
        self._due = due + self.interval
        earliest = due if self._sent is None else self._sent + self.shortest
        return max(due - now, earliest - now, 0.0)

    def note_sent(self, now: float) -> None:
        """Note when the frame went out."""
        self._sent = now
