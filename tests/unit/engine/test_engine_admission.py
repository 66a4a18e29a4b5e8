"""Whether there is room: by what turns have lately waited."""

import pytest

from vivavoce.engine.admission import (
    WINDOW_SECONDS,
    QueueDelays,
    refuse_where_full,
    refuse_where_slow,
)
from vivavoce.engine.flood import BURST, EVENTS_PER_SECOND, EventRate
from vivavoce.engine.frames import Transcribe
from vivavoce.engine.jobs import Job
from vivavoce.engine.metrics import ReplyClock
from vivavoce.engine.refusals import Refused


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def delays(clock):
    return QueueDelays(clock)


def job():
    return Job("key", lambda id_: Transcribe(id_, b"", ""), seconds=1.0, priority=0)


def wait(delays, clock, seconds):
    """A job that begins after so many seconds, and takes half a second more."""
    waiting = job()
    with delays.measured(waiting):
        clock.now += seconds
        waiting.started_at = clock.now
        clock.now += 0.5


def test_nine_of_ten_decide(delays, clock):
    for seconds in [0.1] * 19 + [5.0]:
        wait(delays, clock, seconds)
    assert delays.p90 == pytest.approx(0.1)
    for _ in range(3):
        wait(delays, clock, 2.0)
    assert delays.p90 == pytest.approx(2.0)


def test_computing_is_no_waiting(delays, clock):
    for _ in range(5):
        wait(delays, clock, 0.0)
    assert delays.p90 == 0.0


def test_what_is_shared_and_runs_already_has_not_waited(delays, clock):
    running = job()
    running.started_at = clock.now - 3
    for _ in range(3):
        with delays.measured(running):
            clock.now += 1
    assert delays.p90 == 0.0


def test_a_queue_that_stands_still_is_seen(delays, clock):
    with delays.measured(job()):
        clock.now += 4.0
        assert delays.p90 == pytest.approx(4.0)


def test_it_recovers_by_itself(delays, clock):
    for _ in range(10):
        wait(delays, clock, 2.0)
    with pytest.raises(Refused) as refused:
        refuse_where_slow(delays, most_seconds=0.8)
    assert refused.value.status == 429
    assert refused.value.headers["Retry-After"].isdecimal()
    assert "2.0 s" in refused.value.message
    clock.now += WINDOW_SECONDS + 1
    refuse_where_slow(delays, most_seconds=0.8)


def test_the_cap_is_a_cap():
    refuse_where_full(9, most=10)
    with pytest.raises(Refused, match="10 calls"):
        refuse_where_full(10, most=10)


def test_events_come_as_fast_as_they_may(clock):
    rate = EventRate(clock)
    assert all(rate.allows() for _ in range(int(BURST)))
    assert not rate.allows()
    clock.now += 1
    assert sum(rate.allows() for _ in range(1000)) == EVENTS_PER_SECOND


def test_who_can_be_held_up_is(clock):
    rate = EventRate(clock)
    assert [rate.delay() for _ in range(int(BURST))] == [0.0] * int(BURST)
    assert rate.delay() == pytest.approx(1 / EVENTS_PER_SECOND)
    assert rate.delay() == pytest.approx(2 / EVENTS_PER_SECOND)
    clock.now += 10
    assert rate.delay() == 0.0


def test_the_clock_of_replies_measures_each_reply_once():
    heard_ms, seen = [5_000], []
    clock = ReplyClock(lambda: heard_ms[0], seen.append)
    clock.take('{"type":"output_audio_buffer.started","event_id":"e"}')
    clock.take('{"type":"input_audio_buffer.speech_stopped","audio_end_ms":4000}')
    clock.take('{"type":"output_audio_buffer.started","event_id":"e"}')
    clock.take('{"type":"output_audio_buffer.started","event_id":"e"}')
    clock.take('{"type":"input_audio_buffer.speech_stopped","audio_end_ms":4000}')
    clock.take('{"type":"input_audio_buffer.speech_started"}')
    clock.take('{"type":"output_audio_buffer.started","event_id":"e"}')
    assert len(seen) == 1
    assert seen[0] >= 1.0
