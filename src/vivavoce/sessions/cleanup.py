"""What is left to be done for a session: a function of its rows, so that anyone can go on with it.

Steps are idempotent and may be taken in any process, after any crash: they are derived from what
is stored, not from what somebody remembers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vivavoce.protocol.messages import EndReason
from vivavoce.sessions.lifecycle import LIVE, OVER, SessionStatus

MACHINE_OVER: Final = frozenset({"gone"})
_BROKEN: Final = frozenset({"lost", "failed"})


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A row of `interview_sessions`, as far as it matters here.

    Attributes:
        status: Where it stands.
        expires_at: When it ends whatever happens.
        drain_until: Until when its machine may still deliver what it has, once it is ending.
    """

    status: SessionStatus
    expires_at: datetime
    drain_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallFacts:
    """A row of `session_calls`. `over` if it was hung up or is known to have ended."""

    call_id: str
    over: bool


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """A row of `machines`. `expires_at` is when it gives up if nobody has claimed it."""

    machine_id: str
    state: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EndSession:
    """Move the session to `ending`."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class HangUp:
    """Hang a call up: an orphan is billed."""

    call_id: str


@dataclass(frozen=True, slots=True)
class DestroyMachine:
    """Destroy a machine, which may be gone already."""

    machine_id: str


@dataclass(frozen=True, slots=True)
class FinishSession:
    """Move the session to `ended`: nothing of it is left."""


Step = EndSession | HangUp | DestroyMachine | FinishSession


def remaining_steps(
    session: SessionFacts,
    calls: Iterable[CallFacts],
    machines: Iterable[MachineFacts],
    *,
    now: datetime,
) -> list[Step]:
    """What is left to be done, in order; empty if nothing is, or if it is not time yet.

    A live session loses nothing but machines that are lost, or were not claimed in time. One that
    is ending keeps machine and call until it has drained. One that is over keeps nothing.
    """
    held = [machine for machine in machines if machine.state not in MACHINE_OVER]
    broken = [one for one in held if _is_broken(one, now)]
    if session.status in LIVE and now >= session.expires_at:
        return [EndSession(EndReason.MAX_DURATION)]
    has_time = session.drain_until is not None and now < session.drain_until
    is_draining = has_time and any(one.state == "claimed" for one in held)
    if session.status in LIVE or (session.status is SessionStatus.ENDING and is_draining):
        return [DestroyMachine(machine.machine_id) for machine in broken]
    steps: list[Step] = [HangUp(call.call_id) for call in calls if not call.over]
    steps += [DestroyMachine(machine.machine_id) for machine in held]
    if session.status not in OVER:
        steps.append(FinishSession())
    return steps


def _is_broken(machine: MachineFacts, now: datetime) -> bool:
    return machine.state in _BROKEN or (machine.state != "claimed" and machine.expires_at <= now)
