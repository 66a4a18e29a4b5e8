"""The verdict on somebody else's ears, by where they end turns in a hard case."""

import numpy as np
from bench.hard_cases import Case, Scene, Span
from bench.sounds import RATE
from bench.turns import judged

THINKING, DONE = Span(2 * RATE, 4 * RATE), Span(6 * RATE, 9 * RATE)


def case(*steps: str) -> Case:
    return Case("pauses", "pauses/01", "hibari", 1, steps, is_held_out=False)


def heard(*ends: float):
    sound = np.zeros(9 * RATE)
    scene = Scene(sound, sound, sound, thinking=[THINKING], done=[DONE])
    return judged(case(), scene, {"pauses/01": [int(end * RATE) for end in ends]})


def test_who_waits_for_the_rest_and_then_answers_is_right():
    outcome = heard(6.5, 8.0)
    assert outcome.is_right
    assert outcome.waits == [500.0]


def test_who_ends_a_turn_while_somebody_thinks_cuts_off_once_however_often():
    outcome = heard(2.5, 3.0, 6.5)
    assert (outcome.cut_offs, outcome.pauses) == (1, 1)
    assert not outcome.is_right


def test_who_never_ends_the_turn_leaves_it_unanswered():
    assert heard(5.0).unanswered == 1
    assert heard().waits == []


def test_a_case_knows_whether_our_own_voice_is_in_it():
    assert case("we@20", '"Thanks."').we_speak
    assert case("over@25", '"Thanks."', '"Sorry?"', "done").we_speak
    assert not case('"We over there."', "done").we_speak
