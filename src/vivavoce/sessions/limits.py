"""When a session must end, or its call be changed. No clock: all times are given, in seconds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vivavoce.protocol.machine import SessionLimits
from vivavoce.protocol.messages import EndReason


class Limit(StrEnum):
    """Which limit it is."""

    MAX_DURATION = "max_duration"
    IDLE = "idle"
    HEARTBEAT = "heartbeat"
    UNUSED = "unused"
    CALL_LIFETIME = "call_lifetime"
    """The voice model ends its calls; ours takes another one before. The session goes on."""


END_REASON: Final = {
    Limit.MAX_DURATION: EndReason.MAX_DURATION,
    Limit.IDLE: EndReason.IDLE,
    Limit.HEARTBEAT: EndReason.CANDIDATE_LEFT,
    Limit.UNUSED: EndReason.CANDIDATE_LEFT,
}
"""Why the session ends at a limit. `CALL_LIFETIME` ends no session."""


@dataclass(frozen=True, slots=True)
class Times:
    """When things happened, on one monotonic clock; None where they did not.

    Attributes:
        active_at: The first call connected.
        last_speech_at: Either side was last heard. While somebody speaks: now.
        candidate_lost_at: The candidate's connection went; None while it stands.
        call_at: The present call was made.
        paused: Whether the interview is paused: silence is expected then.
        unused_until: When a session whose candidate never came is given up.
    """

    active_at: float | None = None
    last_speech_at: float | None = None
    candidate_lost_at: float | None = None
    call_at: float | None = None
    paused: bool = False
    unused_until: float | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A limit and when it is reached."""

    at: float
    limit: Limit


def next_deadline(limits: SessionLimits, times: Times) -> Deadline | None:
    """The limit that is reached first if nothing happens until then; None if there is none.

    An end comes before a change of call that is due at the same time.
    """
    deadlines = []
    if times.active_at is not None:
        deadlines.append(Deadline(times.active_at + limits.max_duration, Limit.MAX_DURATION))
        if not times.paused:
            silent_since = max(times.active_at, times.last_speech_at or times.active_at)
            deadlines.append(Deadline(silent_since + limits.idle_timeout, Limit.IDLE))
    elif times.unused_until is not None:
        deadlines.append(Deadline(times.unused_until, Limit.UNUSED))
    if times.candidate_lost_at is not None:
        lost = Deadline(times.candidate_lost_at + limits.heartbeat_timeout, Limit.HEARTBEAT)
        deadlines.append(lost)
    if times.call_at is not None:
        deadlines.append(Deadline(times.call_at + limits.call_lifetime, Limit.CALL_LIFETIME))
    return min(deadlines, key=lambda deadline: deadline.at, default=None)


def reached(limits: SessionLimits, times: Times, *, now: float) -> Limit | None:
    """The limit that is reached, if one is."""
    deadline = next_deadline(limits, times)
    return deadline.limit if deadline is not None and deadline.at <= now else None


def seconds_left(limits: SessionLimits, times: Times, *, now: float) -> float:
    """Seconds until the session's full time is up; all of it before the first call."""
    if times.active_at is None:
        return limits.max_duration
    return max(0.0, times.active_at + limits.max_duration - now)
