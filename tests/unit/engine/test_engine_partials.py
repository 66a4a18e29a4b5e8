"""What is told of a turn while it goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engine.partials import Partial


def told(*heard, final):
    partial = Partial()
    deltas = [partial.hear(text) for text in heard]
    deltas.append(partial.finish(final))
    return deltas, partial.told


def test_words_are_told_when_two_hearings_agree_but_not_the_last():
    deltas, whole = told(
        "I worked",
        "I worked in a",
        "I worked in a hospice",
        "I worked in a hospital near",
        final="I worked in a hospital near the sea.",
    )
    assert deltas == ["", "I worked", " in a", "", " hospital near the sea."]
    assert whole == "I worked in a hospital near the sea."


def test_without_parts_all_is_told_at_the_end():
    assert told(final="Yes, I do.") == (["Yes, I do."], "Yes, I do.")


def test_what_was_told_is_never_taken_back():
    deltas, whole = told(
        "Kuber net is the part",
        "Kuber net is the part I know best",
        final="Kubernetes is the part I know best.",
    )
    assert deltas == ["", "Kuber net is the part", " I know best."]
    assert whole == "Kuber net is the part I know best."


def test_a_hearing_that_forgets_what_was_told_tells_nothing():
    deltas, _ = told(
        "We had three suppliers",
        "We had three suppliers and one",
        "Three suppliers and one was late",
        "Three suppliers and one was late every week",
        final="We had three suppliers, and one was late every week.",
    )
    assert deltas == ["", "We had three suppliers", "", "", ", and one was late every week."]


def test_only_punctuation_may_be_left():
    deltas, whole = told(
        "It was a", "It was a Friday", "It was a Friday evening", final="It was a Friday."
    )
    assert whole == "".join(deltas) == "It was a Friday."


@pytest.mark.parametrize("final", ["", "Something else."])
def test_an_end_that_is_lost_keeps_what_was_told(final):
    _, whole = told("I like to work", "I like to work at night", final=final)
    assert whole == "I like to work"


words = st.lists(
    st.sampled_from(["we", "built", "a", "system,", "and", "it", "works.", "Yes"]), max_size=12
)


@given(st.lists(words.map(" ".join), max_size=6), words.map(" ".join))
def test_the_deltas_are_the_transcript_whatever_is_heard(heard, final):
    partial, deltas = Partial(), []
    for text in heard:
        before = partial.told
        deltas.append(partial.hear(text))
        assert partial.told == before + deltas[-1]
    deltas.append(partial.finish(final))
    assert "".join(deltas) == partial.told
    assert "  " not in partial.told


@given(words.filter(bool).map(" ".join), st.data())
def test_a_recogniser_that_never_errs_is_told_whole(text, data):
    pieces = text.split()
    ends = sorted(data.draw(st.lists(st.integers(0, len(pieces)), max_size=5)))
    _, whole = told(*[" ".join(pieces[:end]) for end in ends], final=text)
    assert whole == text
