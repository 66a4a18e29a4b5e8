"""The interviewer, on text alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engine.interviewer import Line, Reply, ToolCall, next_reply, stock_sentences
from vivavoce.engine.sentences import split_sentences

from .dialogue_scripts import PLANS, Script, play, read_scripts

SCRIPTS = list(read_scripts(Path(__file__).with_name("dialogues.txt")))
PLAN = PLANS["three questions"]
FIRST = "Tell me about your work so far."
SECOND = "How many years have you worked in your field?"
THIRD = "What was the hardest problem that you have solved?"
GOOD_ANSWER = (
    "I have run the night shift of a bakery for nine years and I train the new bakers there."
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.title)
def test_dialogue(script: Script):
    assert play(script) == [expected for _, expected in script.turns]


def said(lines: list[Line], **options: object) -> str:
    reply = next_reply(PLAN, ["end_interview"], lines, **options)
    return " ".join(reply.sentences) if reply else ""


class TestTakingUpAConversation:
    def test_goes_on_with_the_next_question_and_does_not_greet_again(self):
        seeded = [Line("ai", f"Hello. {FIRST}"), Line("candidate", GOOD_ANSWER)]
        assert said(seeded).endswith(SECOND)
        assert "AI interviewer" not in said(seeded)

    def test_asks_the_open_question_again_when_asked_to_speak(self):
        assert said([Line("ai", f"Hello. {FIRST}")]) == f"Let me ask that again. {FIRST}"

    def test_a_question_that_was_cut_off_is_asked_again(self):
        seeded = [Line("ai", "Hello. Tell me about", truncated=True)]
        assert said(seeded) == f"Let me ask that again. {FIRST}"

    def test_questions_asked_in_other_case_and_punctuation_count(self):
        seeded = [
            Line("ai", "tell me, about your work so far"),
            Line("candidate", GOOD_ANSWER),
            Line("ai", "HOW MANY YEARS have you worked in your field"),
            Line("candidate", "Nine."),
        ]
        assert said(seeded).endswith(THIRD)

    def test_questions_asked_in_another_order_are_not_asked_twice(self):
        seeded = [
            Line("ai", THIRD), Line("candidate", GOOD_ANSWER),
            Line("ai", FIRST), Line("candidate", GOOD_ANSWER),
        ]  # fmt: skip
        assert said(seeded).endswith(SECOND)

    def test_a_probe_that_was_asked_is_not_asked_again(self):
        seeded = [
            Line("ai", FIRST), Line("candidate", "I bake."),
            Line("ai", "Thanks. Could you tell me a little more about that?"),
            Line("candidate", "Bread."),
        ]  # fmt: skip
        assert said(seeded).endswith(SECOND)

    def test_an_interview_that_is_over_only_calls_the_tool(self):
        seeded = [Line("ai", "This is the end of the interview. Goodbye.")]
        assert next_reply(PLAN, ["end_interview"], seeded) == Reply(
            (), ToolCall("end_interview", {"reason": "completed"})
        )


class TestBeingInterrupted:
    def test_an_answer_that_goes_on_over_our_words_is_one_answer(self):
        lines = [
            Line("ai", FIRST),
            Line("candidate", "I worked in a bakery"),
            Line("ai", "Thanks. Could you tell", truncated=True),
            Line("candidate", "and then I opened one of my own with a friend from school."),
        ]
        assert said(lines).endswith(SECOND)

    def test_a_question_cut_off_by_a_continued_answer_is_asked_whole(self):
        lines = [
            Line("ai", FIRST),
            Line("candidate", GOOD_ANSWER),
            Line("ai", "Thanks. How many years have you worked in", truncated=True),
            Line("candidate", "and on Sundays I also sell the bread on the market."),
        ]
        assert said(lines).endswith(SECOND)

    def test_a_question_cut_off_near_its_end_and_answered_is_not_asked_again(self):
        lines = [
            Line("ai", FIRST),
            Line("candidate", GOOD_ANSWER),
            Line("ai", "Thanks. How many years have you worked in your", truncated=True),
            Line("candidate", "It must be nine years by now."),
        ]
        assert said(lines).endswith(THIRD)

    def test_a_cough_that_cut_us_off_makes_us_ask_again(self):
        lines = [Line("ai", "Hello. Tell me about your", truncated=True), Line("candidate", "")]
        assert said(lines) == f"Let me ask that again. {FIRST}"

    def test_a_closing_that_was_cut_off_is_said_again(self):
        lines = [
            Line("ai", FIRST), Line("candidate", GOOD_ANSWER),
            Line("ai", SECOND), Line("candidate", "Nine."),
            Line("ai", THIRD), Line("candidate", "I rebuilt the oven while we were baking in it."),
            Line("ai", "Thanks. That was my", truncated=True), Line("candidate", "Thank you."),
        ]  # fmt: skip
        reply = next_reply(PLAN, ["end_interview"], lines)
        assert reply
        assert reply.tool
        assert "end of the interview" in " ".join(reply.sentences)


def test_the_first_sentence_is_short_so_that_it_sounds_at_once():
    for script in SCRIPTS:
        for reply in filter(None, play(script)):
            assert len(split_sentences(reply)[0].split()) <= 7


def test_no_reply_judges_an_answer():
    spoken = " ".join(stock_sentences()).lower()
    for judgement in ("good", "great", "excellent", "interesting", "perfect", "wrong", "correct"):
        assert judgement not in spoken.split()


@given(
    st.text(max_size=300),
    st.lists(
        st.builds(Line, st.sampled_from(["ai", "candidate"]), st.text(max_size=80), st.booleans()),
        max_size=6,
    ),
    st.none() | st.floats(0, 3600),
)
def test_any_text_gives_one_and_the_same_reply(instructions, lines, seconds_left):
    first = next_reply(instructions, ["end_interview"], lines, seconds_left=seconds_left)
    assert first == next_reply(instructions, ["end_interview"], lines, seconds_left=seconds_left)
    if first and not first.tool:
        assert all(sentence.strip() for sentence in first.sentences)
        assert first.sentences
