"""Faults on purpose: how they are named, counted and described."""

import pytest

from vivavoce.engine.faults import EFFECTS, Fault, parse_faults


def test_every_fault_is_described():
    assert set(EFFECTS) == set(Fault)
    assert all(effect.does and effect.provokes and effect.breaks for effect in EFFECTS.values())
    assert len({effect.does for effect in EFFECTS.values()}) == len(EFFECTS)


def test_nothing_goes_wrong_unless_it_is_asked_for():
    faults = parse_faults([])
    assert not faults
    assert all(faults.strike(fault) is None for fault in Fault)


def test_a_fault_has_a_value_and_strikes_as_often_as_it_is_told():
    faults = parse_faults(["refuse-calls=503*2", "slow-answer", "lost-answer"])
    assert [faults.strike(Fault.REFUSE_CALLS) for _ in range(3)] == [503, 503, None]
    assert not faults.has(Fault.REFUSE_CALLS)
    assert faults.strike(Fault.SLOW_ANSWER) == 5
    assert [faults.strike(Fault.LOST_ANSWER) is None for _ in range(5)] == [False] * 5
    assert faults.strike(Fault.NO_LOCATION) is None


@pytest.mark.parametrize(
    ("specification", "words"),
    [
        ("nonsense", "no fault 'nonsense'"),
        ("refuse-calls=200", "HTTP status from 400 to 599"),
        ("refuse-calls=many", "HTTP status from 400 to 599"),
        ("slow-answer=-1", "seconds from 0 to 3600"),
        ("lost-answer=3", "takes no value"),
        ("lost-answer*0", "1 to 1000000 times"),
        ("lost-answer*x", "1 to 1000000 times"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_is_right(specification, words):
    with pytest.raises(ValueError, match=words):
        parse_faults([specification])
