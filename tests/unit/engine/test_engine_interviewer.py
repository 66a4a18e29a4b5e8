"""The interviewer, on text alone."""

from collections.abc import Sequence
from itertools import chain, cycle, islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.engine.interviewer import (
    NO_TIME_SECONDS,
    Line,
    Reply,
    ToolCall,
    gentle_prompt,
    next_reply,
    planned_sentences,
    stock_sentences,
    time_is_up,
)
from vivavoce.engine.interviewer_plan import MAX_PROBES, read_plan
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
    assert play(script) == script.expected


def test_there_are_as_many_dialogues_as_the_interviewer_needs():
    assert len(SCRIPTS) >= 60
    assert len({script.title for script in SCRIPTS}) == len(SCRIPTS)


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

    def test_a_greeting_of_which_nothing_was_heard_is_said_again(self):
        lines = [Line("ai", "", truncated=True), Line("candidate", "Hello?")]
        assert said(lines).startswith("Hello. I'm an AI interviewer")

    def test_a_reply_of_which_nothing_was_heard_greets_nobody_again(self):
        lines = [
            Line("ai", FIRST),
            Line("candidate", GOOD_ANSWER),
            Line("ai", "", truncated=True),
            Line("candidate", "And I sell the bread on the market with my wife on Sundays."),
        ]
        assert said(lines).endswith(SECOND)
        assert "AI interviewer" not in said(lines)

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
            if not reply.startswith("["):
                assert len(split_sentences(reply)[0].split()) <= 8


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


WHOLE_PLAN = PLANS["product"].replace("At the end", "Begin with a sound check. At the end")
SILENCE = Line("candidate", "")  # not heard, but prompted
# What candidates say: what the rules know, in any order, and what none knows.
TURNS = st.one_of(
    st.sampled_from([turn.said for script in SCRIPTS for turn in script.turns if turn.said]),
    st.builds(Line, st.just("candidate"), st.text(max_size=60), doubtful=st.booleans()),
    st.just(SILENCE),
)
AN_ANSWER = Line("candidate", GOOD_ANSWER)


def hold(plan: str, turns: list[Line], seeded: Sequence[Line] = ()) -> list[Reply]:
    """Hold an interview with a candidate who says these turns over and over again."""
    lines, replies = list(seeded), []
    for turn in islice(chain([None], cycle(turns)), 500):
        lines += [turn] if turn else []
        decide = gentle_prompt if turn is SILENCE else next_reply
        if reply := decide(plan, ["end_interview"], lines):
            replies.append(reply)
            lines.append(Line("ai", " ".join(reply.sentences)))
            if reply.tool:
                return replies
    raise AssertionError("the interview does not end")


def texts(replies: list[Reply], kind: str) -> list[str]:
    return [reply.asking.text for reply in replies if reply.asking and reply.asking.kind == kind]


@settings(max_examples=80)
@given(st.lists(TURNS), st.sampled_from([WHOLE_PLAN, PLANS["three questions"]]))
def test_whatever_the_candidate_says_the_interview_ends_and_asks_nothing_twice(turns, plan):
    replies = hold(plan, [*turns, AN_ANSWER])
    wanted = [question.text for question in read_plan(plan).questions]
    asked, probes = texts(replies, "question"), texts(replies, "probe")
    assert asked == wanted[: len(asked)]
    assert len(probes) <= MAX_PROBES * len(asked)
    assert len(replies) <= 150
    if replies[-1].tool.arguments["reason"] == "completed":
        assert asked == wanted
    assert sum("I'm an AI interviewer, and" in " ".join(reply.sentences) for reply in replies) == 1


@settings(max_examples=40)
@given(st.lists(TURNS), st.integers(1, 3))
def test_who_was_greeted_elsewhere_is_neither_greeted_nor_asked_again(turns, already):
    plan = PLANS["three questions"]
    wanted = [question.text for question in read_plan(plan).questions]
    seeded = [
        line for text in wanted[:already] for line in (Line("ai", f"Hello. {text}"), AN_ANSWER)
    ]
    replies = hold(plan, [*turns, AN_ANSWER], seeded)
    asked = texts(replies, "question")
    assert asked == wanted[already : already + len(asked)]
    assert not any("I'm an AI interviewer, and" in " ".join(reply.sentences) for reply in replies)


@given(st.lists(TURNS), st.floats(0, 200))
def test_when_time_is_up_whatever_is_said_closes_the_interview(turns, seconds_left):
    lines = [Line("ai", FIRST), *turns, AN_ANSWER]
    reply = next_reply(PLAN, ["end_interview"], lines, seconds_left=seconds_left)
    closes = bool(reply and reply.tool)
    assert closes or seconds_left >= NO_TIME_SECONDS


def test_an_interview_whose_time_is_up_is_closed_unasked():
    reply = time_is_up(PLANS["closing"], ["end_interview"], [Line("ai", "Hello.")])
    assert reply == Reply(
        (
            "Our time is up.",
            "We will write to you within a week.",
            "This is the end of the interview.",
            "Goodbye.",
        ),
        ToolCall("end_interview", {"reason": "max_duration"}),
    )


@pytest.mark.parametrize(
    ("plan", "lines"),
    [
        ("none", [Line("ai", "Hello.")]),
        ("closing", []),
        ("closing", [Line("ai", "This is the end of the interview. Goodbye.")]),
    ],
)
def test_what_is_no_interview_or_not_open_is_not_closed(plan, lines):
    assert time_is_up(PLANS[plan], ["end_interview"], lines) is None


def test_all_that_a_plan_says_can_be_spoken_ahead():
    sentences = planned_sentences(PLANS["product"])
    assert sentences[0] == "Hello."
    for text in (
        "Have you led people?",
        "How did it end?",
        "I mean paid work, or work that you did for others.",
        "You will hear from us on 1 March.",
    ):
        assert text in sentences
