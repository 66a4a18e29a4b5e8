"""The life of a session follows its table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.sessions.lifecycle import (
    INITIAL,
    LIVE,
    OVER,
    TRANSITIONS,
    InvalidTransition,
    SessionEvent,
    SessionStatus,
    advance,
    is_allowed,
    sources,
)


def walk(*events):
    status = INITIAL
    for event in events:
        status = advance(status, event)
    return status


def test_an_ordinary_interview():
    e = SessionEvent
    assert (
        walk(e.CLAIMED, e.CONNECTED, e.LOST, e.CONNECTED, e.END, e.FINISHED) is SessionStatus.ENDED
    )


def test_a_start_that_fails():
    assert walk(SessionEvent.FAIL) is SessionStatus.FAILED
    assert walk(SessionEvent.CLAIMED, SessionEvent.FAIL) is SessionStatus.FAILED


@given(st.lists(st.sampled_from(SessionEvent), max_size=30))
def test_whatever_happens_a_session_stays_in_its_table(events):
    status, was_over = INITIAL, False
    for event in events:
        if is_allowed(status, event):
            assert not was_over, "what is over stays over"
            status = advance(status, event)
        else:
            with pytest.raises(InvalidTransition):
                advance(status, event)
        was_over = status in OVER
        assert status in TRANSITIONS


@pytest.mark.parametrize("status", SessionStatus)
def test_every_status_is_live_or_ending_or_over(status):
    assert (status in LIVE) + (status is SessionStatus.ENDING) + (status in OVER) == 1


@pytest.mark.parametrize("status", sorted(LIVE))
def test_whatever_is_live_can_be_ended(status):
    assert advance(status, SessionEvent.END) is SessionStatus.ENDING


def test_sources_are_the_statuses_that_an_event_may_find():
    assert sources(SessionEvent.CONNECTED) == {SessionStatus.READY, SessionStatus.RECONNECTING}
    assert sources(SessionEvent.END) == LIVE
    assert sources(SessionEvent.FINISHED) == {SessionStatus.ENDING}
