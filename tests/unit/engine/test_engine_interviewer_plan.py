"""Reading a plan from the instructions of a call."""

import pytest

from vivavoce.engine.interviewer_plan import Plan, Question, read_plan


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
    assert plan.questions == (Question("Why?", "And then?", "The reason."),)


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
