"""What a recogniser is told to expect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engine.vocabulary import MAX_CHARACTERS, expected_words
from vivavoce.sessions.interview import DEFAULT_PLAN, Plan, Question, instructions


def terms(text):
    head, _, _ = expected_words(text).partition(". Um")
    return head.split(", ") if head != expected_words(text) else []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ask about their work with Kubernetes and PostgreSQL.", ["Kubernetes", "PostgreSQL"]),
        ("You know C++, C# and Node.js.", ["C++", "C#", "Node.js"]),
        ("We run CI/CD on AWS with an S3 bucket.", ["CI/CD", "AWS", "S3"]),
        (
            "The candidate is Anna Kowalski from Meridian's office.",
            ["Anna", "Kowalski", "Meridian"],
        ),
        ("The word comes twice: we use Kafka. They use Kafka.", ["Kafka"]),
        ("Ask politely. Wait for answers. Never judge. You are an AI.", []),
        ("Can you start on Monday in September? I'd like to know.", []),
        ("", []),
    ],
)
def test_names_and_terms_are_found_and_plain_words_are_not(text, expected):
    assert terms(text) == expected


def test_the_words_of_the_questions_come_first():
    plan = Plan(
        (Question("What did you build with Rust?", probe="Why not with Haskell?"),),
        introduction="Acme hires for its office in Berlin.",
    )
    assert terms(instructions(plan)) == ["Rust", "Haskell", "Berlin"]


def test_our_own_words_to_the_interviewer_are_no_terms():
    assert terms(instructions(DEFAULT_PLAN)) == []


def test_hesitation_is_always_shown():
    assert "um" in expected_words("").lower()


@given(st.text(max_size=2_000))
def test_it_never_grows_too_long(text):
    assert len(expected_words(text)) <= MAX_CHARACTERS


def test_a_long_list_is_cut_at_a_whole_word():
    names = [f"Tool{number}X" for number in range(200)]
    found = terms("We use " + ", ".join(names) + ".")
    assert 10 < len(found) < 60
    assert found == names[: len(found)]
