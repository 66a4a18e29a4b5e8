"""Reading a plan from the instructions of a call."""

import pytest

from vivavoce.engine.interviewer_plan import Lack, Plan, Probe, Question, read_plan


def texts(instructions: str) -> list[str]:
    return [question.text for question in read_plan(instructions).questions]


def test_numbered_lines_below_the_heading_are_the_questions():
    assert texts("Be kind.\nQuestions:\n1. Who are you?\n2) Describe a day.\n") == [
        "Who are you?",
        "Describe a day.",
    ]


@pytest.mark.parametrize(
    "heading", ["Questions:", "QUESTIONS", "## Questions", "**Questions:**", "Interview questions:"]
)
def test_headings_may_be_written_as_people_write_them(heading):
    assert texts(f"{heading}\n\n1. Who are you?\n") == ["Who are you?"]


def test_bullets_below_the_heading_count_too():
    assert texts("Questions:\n- Who are you?\n* Why here?") == ["Who are you?", "Why here?"]


def test_a_list_in_one_line_is_broken_up():
    assert texts("Questions: 1. Who are you? 2. Why here?") == ["Who are you?", "Why here?"]


def test_indented_lines_go_on_with_a_question():
    assert texts("Questions:\n1. Who are you,\n   and why?\n2. Where?") == [
        "Who are you, and why?",
        "Where?",
    ]


def test_text_after_the_list_is_not_a_question():
    assert texts("Questions:\n1. Who are you?\n\nNever do this:\n1. Laugh.\n") == ["Who are you?"]


def test_without_a_heading_only_numbered_lines_that_ask_count():
    assert texts("Rules\n1. Be polite.\n2. What is your name?\n3. Tell me a story.") == [
        "What is your name?",
        "Tell me a story.",
    ]


def test_a_question_is_asked_once_even_if_it_is_listed_twice():
    assert texts("Questions:\n1. Who are you?\n2. who are you") == ["Who are you?"]


def test_probe_and_clarification_belong_to_their_question():
    plan = read_plan("Questions:\n1. Why?\n   Probe: And then?\n   - Clarification: The reason.\n")
    assert plan.questions == (Question("Why?", (Probe("And then?"),), "The reason."),)


def test_probes_say_when_they_are_asked():
    (question,) = read_plan(
        "Questions:\n1. Why?\n   Probe (if short): More?\n   Probe (if vague or own part): You?\n"
        "   Probe (unless oven, deck oven): With what?\n   Follow-up (sometimes): And?"
    ).questions
    assert question.probes == (
        Probe("More?", frozenset({Lack.LENGTH})),
        Probe("You?", frozenset({Lack.SUBSTANCE, Lack.OWN_PART})),
        Probe("With what?", keywords=("oven", "deck oven")),
        Probe("And?"),
    )


@pytest.mark.parametrize(
    ("text", "is_optional", "seconds"),
    [
        ("Why? (optional)", True, None),
        ("Why? (Optional)\n   Time: 2 minutes", True, 120),
        ("Why?\n   Optional: yes\n   Time: 90 s", True, 90),
        ("Why?\n   Optional: no\n   Competency: honesty\n   Time: 1.5 min", False, 90),
        ("Why?\n   Time: soon", False, None),
    ],
)
def test_what_else_a_question_may_say_of_itself(text, is_optional, seconds):
    assert read_plan(f"Questions:\n1. {text}").questions == (
        Question("Why?", is_optional=is_optional, seconds=seconds),
    )


def test_wishes_for_the_beginning_are_read():
    plan = read_plan(
        "Say that all is written down and ask whether they agree. Do a sound check.\n"
        "Time limit: 20 minutes\nQuestions:\n1. Why?"
    )
    assert (plan.gives_notice, plan.asks_consent, plan.checks_sound) == (True, True, True)
    assert plan.seconds == 1200
    assert not plan.asks_for_more


def test_free_text_alone_is_an_empty_plan():
    assert read_plan("You are a helpful voice. Ask nice questions.") == Plan()
    assert read_plan("") == Plan()


def test_at_most_a_hundred_questions():
    assert (
        len(texts("Questions:\n" + "\n".join(f"{n}. What is {n}?" for n in range(1, 300)))) == 100
    )


def test_wishes_for_the_end_are_read():
    plan = read_plan(
        "Finally ask whether they have any questions.\nClosing: See you.\nQuestions:\n1. Why?"
    )
    assert plan.asks_for_more
    assert plan.closing == "See you."
