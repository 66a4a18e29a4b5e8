"""Which limit comes next, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol.machine import SessionLimits
from vivavoce.sessions.limits import (
    END_REASON,
    Deadline,
    Limit,
    Times,
    next_deadline,
    reached,
    seconds_left,
)

LIMITS = SessionLimits()


@pytest.mark.parametrize(
    ("times", "at", "limit"),
    [
        (Times(unused_until=900.0), 900.0, Limit.UNUSED),
        (Times(active_at=100.0), 220.0, Limit.IDLE),
        (Times(active_at=100.0, last_speech_at=150.0), 270.0, Limit.IDLE),
        (Times(active_at=100.0, last_speech_at=0.0), 220.0, Limit.IDLE),
        (Times(active_at=100.0, paused=True), 3700.0, Limit.MAX_DURATION),
        (Times(active_at=100.0, last_speech_at=3690.0), 3700.0, Limit.MAX_DURATION),
        (Times(active_at=100.0, candidate_lost_at=110.0), 170.0, Limit.HEARTBEAT),
        (Times(active_at=100.0, candidate_lost_at=170.0), 220.0, Limit.IDLE),
        (Times(candidate_lost_at=5.0, unused_until=900.0), 65.0, Limit.HEARTBEAT),
        (
            Times(active_at=100.0, last_speech_at=3630.0, call_at=95.0),
            3635.0,
            Limit.CALL_LIFETIME,
        ),
    ],
)
def test_the_first_limit_counts(times, at, limit):
    assert next_deadline(LIMITS, times) == Deadline(at, limit)
    assert reached(LIMITS, times, now=at) is limit
    assert reached(LIMITS, times, now=at - 0.001) is None


def test_a_session_without_times_has_no_deadline():
    assert next_deadline(LIMITS, Times()) is None
    assert reached(LIMITS, Times(), now=1e9) is None


def test_an_end_comes_before_a_change_of_call():
    limits = SessionLimits(max_duration=3540.0, call_lifetime=3540.0)
    times = Times(active_at=0.0, call_at=0.0, paused=True)
    assert reached(limits, times, now=3540.0) is Limit.MAX_DURATION


def test_every_limit_but_the_calls_ends_the_session():
    assert set(END_REASON) == set(Limit) - {Limit.CALL_LIFETIME}


def test_the_time_that_is_left():
    assert seconds_left(LIMITS, Times(), now=50.0) == 3600.0
    assert seconds_left(LIMITS, Times(active_at=100.0), now=200.0) == 3500.0
    assert seconds_left(LIMITS, Times(active_at=100.0), now=9999.0) == 0.0


moments = st.none() | st.floats(0, 10_000)


@given(
    st.builds(
        Times,
        active_at=moments,
        last_speech_at=moments,
        candidate_lost_at=moments,
        call_at=moments,
        paused=st.booleans(),
        unused_until=moments,
    )
)
def test_no_session_outlives_its_full_time(times):
    deadline = next_deadline(LIMITS, times)
    if times.active_at is not None:
        assert deadline is not None
        assert deadline.at <= times.active_at + LIMITS.max_duration
