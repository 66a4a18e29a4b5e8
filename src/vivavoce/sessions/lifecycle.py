"""The life of a session: one table, one function.

provisioning → ready → active ⇄ reconnecting → ending → ended
      └─────────┴→ failed
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class SessionStatus(StrEnum):
    """Where a session stands; as in the column `interview_sessions.status`."""

    PROVISIONING = "provisioning"
    READY = "ready"
    ACTIVE = "active"
    RECONNECTING = "reconnecting"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"


class SessionEvent(StrEnum):
    """What moves a session on."""

    CLAIMED = "claimed"
    """A machine (or, in the direct architecture, the client) has all it needs."""
    CONNECTED = "connected"
    """The voice call carries audio."""
    LOST = "lost"
    """The call, the machine or the candidate's connection is gone, perhaps for a moment."""
    END = "end"
    """Somebody ends the interview, or a limit does."""
    FINISHED = "finished"
    """Nothing is left to be done."""
    FAIL = "fail"
    """The session never came to be."""


class InvalidTransition(Exception):
    """The table has no such move."""


_S, _E = SessionStatus, SessionEvent

INITIAL: Final = SessionStatus.PROVISIONING
TRANSITIONS: Final[Mapping[SessionStatus, Mapping[SessionEvent, SessionStatus]]] = MappingProxyType(
    {
        _S.PROVISIONING: MappingProxyType(
            {_E.CLAIMED: _S.READY, _E.END: _S.ENDING, _E.FAIL: _S.FAILED}
        ),
        _S.READY: MappingProxyType(
            {_E.CONNECTED: _S.ACTIVE, _E.END: _S.ENDING, _E.FAIL: _S.FAILED}
        ),
        _S.ACTIVE: MappingProxyType({_E.LOST: _S.RECONNECTING, _E.END: _S.ENDING}),
        _S.RECONNECTING: MappingProxyType({_E.CONNECTED: _S.ACTIVE, _E.END: _S.ENDING}),
        _S.ENDING: MappingProxyType({_E.FINISHED: _S.ENDED}),
        _S.ENDED: MappingProxyType({}),
        _S.FAILED: MappingProxyType({}),
    }
)
LIVE: Final = frozenset({_S.PROVISIONING, _S.READY, _S.ACTIVE, _S.RECONNECTING})
"""Counts against the tenant's quota, and takes connections."""
OVER: Final = frozenset({_S.ENDED, _S.FAILED})


def advance(status: SessionStatus, event: SessionEvent) -> SessionStatus:
    """The status after `event`.

    Raises:
        InvalidTransition: If the table does not allow the event in this status.
    """
    following = TRANSITIONS[status].get(event)
    if following is None:
        raise InvalidTransition(f"{event} is not allowed while {status}")
    return following


def is_allowed(status: SessionStatus, event: SessionEvent) -> bool:
    """Whether the table has this move. Reports that come twice are not allowed, and ignored."""
    return event in TRANSITIONS[status]


def sources(event: SessionEvent) -> frozenset[SessionStatus]:
    """The statuses that the event may find: the condition of an atomic update of the row."""
    return frozenset(status for status, moves in TRANSITIONS.items() if event in moves)
