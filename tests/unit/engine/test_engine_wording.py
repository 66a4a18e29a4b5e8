"""What a language model may and may not say in the interviewer's place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engine.breaker import Breaker
from vivavoce.engine.interviewer import Asking, Line, next_reply
from vivavoce.engine.interviewer_plan import read_plan
from vivavoce.engine.interviewer_progress import progress_of
from vivavoce.engine.interviewer_wording import accepted, may_be_reworded, parted

PLAN = """Questions:
1. Tell me about your work so far.
2. What was the hardest problem that you have solved?
3. Why do you want to leave your present employer?
"""
LINES = [
    Line("ai", "Hello. Tell me about your work so far."),
    Line("candidate", "I repair church organs in 3 counties, and I tune about 40 of them a year."),
]
ANSWER = "I wanted to do something that helps, and my mother had done it for thirty years."
REPLY = next_reply(PLAN, [], LINES)


def take(text, lines=LINES, plan=PLAN):
    return accepted(text, read_plan(plan), lines, next_reply(plan, [], lines))


def test_only_a_reply_to_somebody_that_asks_something_is_worded():
    assert REPLY.asking == Asking("question", "What was the hardest problem that you have solved?")
    assert parted(REPLY) == (("Thanks.",), ("What was the hardest problem that you have solved?",))
    assert may_be_reworded(REPLY, LINES)
    assert not may_be_reworded(next_reply(PLAN, [], []), [])
    thin = [*LINES[:1], Line("candidate", "Organs.")]
    assert next_reply(PLAN, [], thin).asking.kind == "probe"
    assert not may_be_reworded(next_reply(PLAN, [], thin), thin), "it could not be known again"
    repeated = [*LINES[:1], Line("candidate", "Sorry?")]
    assert not may_be_reworded(next_reply(PLAN, [], repeated), repeated)


@pytest.mark.parametrize(
    "text",
    [
        "What was the hardest problem that you have solved?",
        "In your years with church organs, what was the hardest problem you ever solved?",
        '"Of those 40 organs, which gave you the hardest problem that you solved?"',
        "  And what was the\n hardest problem that you have had to solve?  ",
    ],
)
def test_the_question_in_other_words_is_spoken(text):
    (spoken,) = take(text)
    assert spoken.endswith("?")
    assert spoken in " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "Thanks.",
        "What is your favourite colour?",
        "Great! What was the hardest problem that you have solved?",
        "That is impressive, so what was the hardest problem that you have solved?",
        "What was the hardest problem that you have solved? And why?",
        "What was the hardest problem that you have solved, and what did you learn? Tell me.",
        "I think that the hardest problem was solved.",
        "Thanks, and what was the hardest problem that you have solved?",
        "Hello, what was the hardest problem that you have solved?",
        "What was the hardest problem that you have solved in those 25 years?",
        "**What was the hardest problem that you have solved?**",
        "1. What was the hardest problem that you have solved?\n2. Why?",
        "What was the hardest problem that you have solved, see https://example.com?",
        f"What was {'really ' * 50}the hardest problem that you have solved?",
        "Why do you want to leave your present employer?",
        "What was the hardest problem that you solved, and why do you want to leave your employer?",
        "What was the hardest problem that you have solved, and what did you learn from it?",
        "What was the hardest problem that you have solved? Goodbye.",
        "What was the hardest problem that you have solved\N{ZERO WIDTH SPACE}?",
        "What was the hardest problem that you solved, as this is the end of the interview?",
    ],
)
def test_anything_else_leaves_the_plans_words(text):
    assert take(text) is None


def test_a_request_may_end_in_a_full_stop_as_the_plan_has_it():
    plan = "Questions:\n1. Why nursing?\n2. Tell me about a difficult patient on your ward."
    lines = [Line("ai", "Why nursing?"), Line("candidate", ANSWER)]
    assert take("Tell me about one difficult patient from your own ward.", lines, plan)
    assert take("Could you tell me about a difficult patient on your ward?", lines, plan)
    assert take("Tell me about one difficult patient? Please.", lines, plan) is None


def test_a_probe_is_worded_too():
    plan = "Questions:\n1. Tell me about your work.\n   Probe: Which machines do you operate?"
    lines = [Line("ai", "Tell me about your work."), Line("candidate", "I am a turner.")]
    assert next_reply(plan, [], lines).asking.kind == "probe"
    assert take("As a turner, which machines do you operate?", lines, plan)
    assert take("As a turner, what do you earn?", lines, plan) is None


def test_words_of_judgement_that_the_plan_uses_may_be_used():
    plan = "Questions:\n1. Why?\n2. What makes a good manager of a kitchen?"
    lines = [Line("ai", "Why?"), Line("candidate", ANSWER)]
    assert take("In your view, what makes a good kitchen manager?", lines, plan)
    assert (
        take("That is a good reason, so what makes a great kitchen manager?", lines, plan) is None
    )


VOCABULARY = """
what was the hardest problem that you have solved why want to leave your present employer tell me
about your work so far ? . , good organs 3 40 7 this is the end of the interview goodbye still here
"""
WORDS = st.lists(st.sampled_from(VOCABULARY.split()), max_size=25).map(" ".join)


@given(WORDS)
def test_whatever_is_spoken_the_interview_goes_on_as_with_the_plans_words(text):
    worded = take(text)
    if worded is None:
        return
    answer = Line("candidate", "I rebuilt the bellows of an organ from the pieces of two others.")
    before, own = parted(REPLY)
    after = [
        next_reply(
            PLAN, ["end_interview"], [*LINES, Line("ai", " ".join((*before, *asked))), answer]
        )
        for asked in (worded, own)
    ]
    assert after[0] == after[1]
    assert progress_of(read_plan(PLAN), [*LINES, Line("ai", " ".join(worded))]).question.text == (
        REPLY.asking.text
    )


class TestBreaker:
    def test_it_opens_after_failures_in_a_row_and_tries_one_request_at_a_time(self):
        breaker = Breaker(tolerated=2, rest=30)
        breaker.fail(0)
        breaker.succeed()
        breaker.fail(1)
        assert breaker.lets_through(1)
        breaker.fail(1)
        assert not breaker.lets_through(30.9)
        assert [breaker.lets_through(31) for _ in range(3)] == [True, False, False]

    def test_it_rests_longer_each_time_and_closes_on_success(self):
        breaker = Breaker(tolerated=1, rest=30, max_rest=100)
        now, rests = 0.0, []
        for _ in range(4):
            breaker.fail(now)
            rests.append(breaker.resumes_at - now)
            now = breaker.resumes_at
            assert breaker.lets_through(now)
        assert rests == [30, 60, 100, 100]
        breaker.succeed()
        assert all(breaker.lets_through(now) for _ in range(3))
