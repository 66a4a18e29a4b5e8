"""What is left to be done follows from the rows, whoever looks."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol.messages import EndReason
from vivavoce.sessions.cleanup import (
    CallFacts,
    DestroyMachine,
    EndSession,
    FinishSession,
    HangUp,
    MachineFacts,
    SessionFacts,
    remaining_steps,
)
from vivavoce.sessions.lifecycle import OVER, SessionStatus

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LATER, BEFORE = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)


def session(status, *, expires_at=LATER, drain_until=None):
    return SessionFacts(SessionStatus(status), expires_at, drain_until)


def machine(name="m", state="claimed", expires_at=LATER):
    return MachineFacts(name, state, expires_at)


def steps(session, calls=(), machines=()):
    return remaining_steps(session, calls, machines, now=NOW)


def test_a_live_session_keeps_what_it_needs():
    assert steps(session("active"), [CallFacts("c", over=False)], [machine()]) == []


def test_a_live_session_loses_its_broken_machines_only():
    machines = [
        machine("old", "lost"),
        machine("late", "ready", expires_at=BEFORE),
        machine("good", expires_at=BEFORE),  # it was claimed in time
    ]
    done = [DestroyMachine("old"), DestroyMachine("late")]
    assert steps(session("active"), [], machines) == done
    assert steps(session("ending", drain_until=LATER), [], machines) == done


def test_a_session_past_its_time_is_ended():
    late = session("active", expires_at=BEFORE)
    assert steps(late, [], [machine()]) == [EndSession(EndReason.MAX_DURATION)]


def test_a_machine_that_drains_is_left_alone_for_a_while():
    calls = [CallFacts("c", over=False)]
    assert steps(session("ending", drain_until=LATER), calls, [machine()]) == []
    done = [HangUp("c"), DestroyMachine("m"), FinishSession()]
    assert steps(session("ending", drain_until=BEFORE), calls, [machine()]) == done
    for state in ("gone", "lost"):  # nothing more can come of it
        gone = steps(session("ending", drain_until=LATER), calls, [machine(state=state)])
        assert gone == [step for step in done if state == "lost" or step != DestroyMachine("m")]


def test_nothing_stays_of_a_session_that_is_over():
    calls = [CallFacts("open", over=False), CallFacts("hung up", over=True)]
    assert steps(session("failed"), calls, [machine(state="starting")]) == [
        HangUp("open"),
        DestroyMachine("m"),
    ]
    assert steps(session("ended"), calls[1:], [machine(state="gone")]) == []


@given(
    st.sampled_from(SessionStatus),
    st.lists(st.booleans(), max_size=3),
    st.lists(
        st.sampled_from(["requested", "ready", "claimed", "lost", "failed", "gone"]), max_size=3
    ),
)
def test_taking_the_steps_leads_to_nothing_left(status, calls, states):
    """Whoever crashes in between, the next one goes on and comes to the same end."""
    hung_up = {f"c{number}": over for number, over in enumerate(calls)}
    machines = {f"m{number}": state for number, state in enumerate(states)}
    for _ in range(12):
        facts = session(status, expires_at=BEFORE, drain_until=BEFORE)
        rows = [CallFacts(name, over=over) for name, over in hung_up.items()]
        held = [machine(name, state, BEFORE) for name, state in machines.items()]
        todo = steps(facts, rows, held)
        if not todo:
            break
        match todo[0]:
            case EndSession():
                status = SessionStatus.ENDING
            case HangUp(call_id):
                hung_up[call_id] = True
            case DestroyMachine(machine_id):
                machines[machine_id] = "gone"
            case FinishSession():
                status = SessionStatus.ENDED
    assert status in OVER
    assert all(hung_up.values())
    assert set(machines.values()) <= {"gone"}
