"""What candidates say, and what they want by it: answers above all must not pass for commands."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engine.interviewer_intents import Intent, agrees, intent_of

TEXT = Path(__file__).with_name("utterances.txt").read_text()
SECTIONS = [part.splitlines() for part in re.split(r"^# ", TEXT, flags=re.MULTILINE)[1:]]
UTTERANCES = [
    (Intent[title.replace(" ", "_").upper()], line)
    for title, *lines in SECTIONS
    for line in filter(None, lines)
]


@pytest.mark.parametrize(("intent", "utterance"), UTTERANCES, ids=str)
def test_what_is_said_is_taken_for_what_it_is(intent, utterance):
    assert intent_of(utterance) is intent


@pytest.mark.parametrize(("intent", "utterance"), UTTERANCES[::3], ids=str)
def test_case_and_punctuation_change_nothing_but_the_question_mark(intent, utterance):
    bare = utterance.upper().replace(",", "").replace(".", "")
    if "." not in utterance[:-1]:
        assert intent_of(bare) is intent


def test_every_intent_has_examples():
    assert {intent for intent, _ in UTTERANCES} >= set(Intent) - {Intent.GREETS}


@pytest.mark.parametrize(
    ("utterance", "meant"),
    [
        ("Yes.", True),
        ("Yes, that's fine with me.", True),
        ("Of course.", True),
        ("I can hear you well.", True),
        ("No.", False),
        ("No, I don't agree.", False),
        ("Not really.", False),
        ("I don't think so.", False),
        ("Go on, please.", False),
        ("Perhaps.", None),
        ("", None),
    ],
)
def test_yes_and_no(utterance, meant):
    assert agrees(utterance) is meant


@given(st.text(max_size=400))
def test_any_text_wants_something(text):
    assert isinstance(intent_of(text), Intent)
