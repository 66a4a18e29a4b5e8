"""The spacing of frames, on a clock that the test turns."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engine.pace import Pace

# How much later than asked a sleep ends, and how long the work between frames takes.
DELAYS = st.lists(st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)), min_size=2, max_size=60)


def send(delays):
    """Send a frame for each pair of delays; return when each went out."""
    pace, now, sent = Pace(), 100.0, []
    for overslept, work in delays:
        wait = pace.wait(now)
        now += wait + (overslept if wait else 0)
        pace.note_sent(now)
        sent.append(now)
        now += work
    return sent


def test_frames_are_evenly_spaced():
    sent = send([(0, 0)] * 50)
    assert sent == pytest.approx([100 + 0.02 * number for number in range(50)])


def test_small_delays_do_not_add_up():
    sent = send([(0.003, 0.004)] * 500)
    assert sent[-1] == pytest.approx(100 + 499 * 0.02, abs=0.004)


def test_a_short_stall_is_caught_up_at_twice_the_pace():
    sent = send([(0, 0)] * 10 + [(0, 0.1)] + [(0, 0)] * 20)
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert gaps[10] == pytest.approx(0.1)
    assert gaps[11:19] == pytest.approx([0.01] * 8)
    assert sent[-1] == pytest.approx(100 + 30 * 0.02)


def test_a_long_stall_is_not_caught_up():
    sent = send([(0, 0)] * 10 + [(0, 0.5)] + [(0, 0)] * 20)
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert gaps[10] == pytest.approx(0.5)
    assert gaps[11:] == pytest.approx([0.02] * len(gaps[11:]))


@given(DELAYS)
def test_whatever_the_delays_there_is_no_burst_and_nobody_is_early(delays):
    sent = send(delays)
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert min(gaps) >= 0.01 - 1e-9
    assert all(at >= 100 + 0.02 * number - 1e-9 for number, at in enumerate(sent))
