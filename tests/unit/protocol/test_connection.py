"""The seven states: a client never leaves the table."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vivavoce.protocol.connection import (
    INITIAL,
    TRANSITIONS,
    ConnectionEvent,
    ConnectionStatus,
    InvalidTransition,
    advance,
    is_allowed,
)


class Walk(RuleBasedStateMachine):
    """A client that gets any event at any time."""

    def __init__(self):
        super().__init__()
        self.status = INITIAL

    @rule(event=st.sampled_from(ConnectionEvent))
    def any_event(self, event):
        if is_allowed(self.status, event):
            self.status = advance(self.status, event)
        else:
            with pytest.raises(InvalidTransition):
                advance(self.status, event)

    @precondition(lambda self: self.status in ("connecting", "connected", "reconnecting"))
    @rule()
    def leave(self):
        self.status = advance(self.status, ConnectionEvent.DISCONNECT)
        assert self.status is ConnectionStatus.DISCONNECTING

    @invariant()
    def stays_in_the_table(self):
        assert self.status in TRANSITIONS
        assert TRANSITIONS[self.status], "no state is a dead end: one can always connect anew"


TestWalk = Walk.TestCase


def test_every_state_is_in_the_table_and_can_be_reached():
    reached, waiting = set(), [INITIAL]
    while waiting:
        status = waiting.pop()
        if status not in reached:
            reached.add(status)
            waiting.extend(TRANSITIONS[status].values())
    assert reached == set(ConnectionStatus) == set(TRANSITIONS)


def test_every_event_is_used():
    assert {event for moves in TRANSITIONS.values() for event in moves} == set(ConnectionEvent)


def test_the_table_is_the_designs():
    s, e = ConnectionStatus, ConnectionEvent
    assert {state: dict(moves) for state, moves in TRANSITIONS.items()} == {
        s.IDLE: {e.CONNECT: s.CONNECTING, e.RESUME: s.RECONNECTING},
        s.CONNECTING: {
            e.CONNECTED: s.CONNECTED,
            e.FAILED: s.ERROR,
            e.DISCONNECT: s.DISCONNECTING,
        },
        s.CONNECTED: {
            e.LOST: s.RECONNECTING,
            e.DISCONNECT: s.DISCONNECTING,
            e.ENDED: s.DISCONNECTED,
            e.FAILED: s.ERROR,
        },
        s.RECONNECTING: {
            e.CONNECTED: s.CONNECTED,
            e.FAILED: s.ERROR,
            e.DISCONNECT: s.DISCONNECTING,
            e.ENDED: s.DISCONNECTED,
        },
        s.DISCONNECTING: {e.CLOSED: s.DISCONNECTED},
        s.DISCONNECTED: {e.CONNECT: s.CONNECTING},
        s.ERROR: {e.RETRY: s.CONNECTING, e.DISCONNECT: s.DISCONNECTED},
    }
